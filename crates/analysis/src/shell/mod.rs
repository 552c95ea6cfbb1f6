//! Shell code: parsed, lowered into our own tree, and interpreted over abstract values.
//!
//! `guard` looks at the characters, `parse` and `lower` make a tree ([`ir`]), `witness` checks that
//! the tree has every substitution that the text has, `interpret` walks it with a [`state`] and
//! hands every program that would run to the [`Analyzer`]. The walk takes every path that may be
//! taken; what it cannot follow it calls opaque.

mod arithmetic;
mod assign;
mod builtins;
mod command;
mod declare;
mod environment;
mod expand;
mod glob;
mod guard;
mod interpret;
mod ir;
mod lower;
mod parameter;
mod parse;
mod program;
mod redirect;
mod state;
mod static_output;
mod witness;

use std::rc::Rc;

use ringfence_action::{Dialect, OpaqueReason};

use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

pub(crate) use environment::is_tool;
pub(crate) use interpret::download_exec;
pub(crate) use program::{is_shell, run_shell_program};
pub(crate) use state::Inherited;
use state::State;
pub(crate) use static_output::{copied, decodes, output as static_output};

/// Interprets shell code. Every program it would run goes through [`Analyzer::run`].
pub(crate) fn interpret(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    code: &str,
    dialect: Dialect,
    stdin: &Data,
) -> Data {
    interpret_with(analyzer, frame, code, dialect, stdin, None, Some(Vec::new()))
}

/// Interprets the code of a script that is started with these words, its own path first.
pub(crate) fn script(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    code: &str,
    dialect: Dialect,
    stdin: &Data,
    argv: &[Word],
) -> Data {
    let zero = argv.first().map(|word| word.value.clone());
    let arguments = argv.get(1..).unwrap_or_default();
    // How many there are is not known where one may be none, or several.
    let counted = arguments.iter().all(|word| !word.splits || word.value.listed().is_some());
    let positional = counted.then(|| arguments.iter().map(|word| word.value.clone()).collect());
    interpret_with(analyzer, frame, code, dialect, stdin, zero, positional)
}

/// A program is started with this variable: `env PAGER=x man ls`.
pub(crate) fn started_with(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    name: &str,
    value: &Value,
    span: Span,
) {
    let state = State::inheriting(&frame.inherited);
    let mut shell = Shell::new(analyzer, frame, state, Dialect::Posix, &Data::Unknown);
    shell.environment(name, value, span);
}

/// Interprets shell code with `$0` and positional parameters.
fn interpret_with(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    code: &str,
    dialect: Dialect,
    stdin: &Data,
    name: Option<Value>,
    positional: Option<Vec<Value>>,
) -> Data {
    let whole = Span::new(0, code.len());
    if !readable(analyzer, frame, code) {
        return Data::Unknown;
    }
    let script = match lower::lower(code, dialect) {
        Ok(script) => script,
        Err((reason, detail)) => {
            analyzer.opaque(frame, whole, reason, detail);
            return Data::Unknown;
        }
    };
    let mut state = State::inheriting(&frame.inherited);
    state.positional = positional;
    state.name = name;
    let mut shell = Shell::new(analyzer, frame, state, dialect, stdin);
    let output = shell.script(&script);
    shell.finish();
    output
}

/// Looks at the characters of code, and says what a reader would not see. False where the code must not
/// be interpreted at all.
pub(crate) fn readable(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) -> bool {
    match guard::look(code) {
        None => {}
        Some(guard::Finding::Fatal(reason, what)) => {
            analyzer.opaque(frame, Span::new(0, code.len()), reason, what);
            return false;
        }
        Some(guard::Finding::Remark(at, what)) => {
            let span = Span::new(at, at + 1);
            analyzer.opaque(frame, span, OpaqueReason::HiddenCharacters, what);
        }
    }
    true
}

/// One shell at work.
struct Shell<'s, 'a> {
    analyzer: &'s mut Analyzer<'a>,
    frame: Frame,
    state: State,
    dialect: Dialect,
    /// What commands read that are not redirected.
    stdin: Data,
    /// Whether what commands print is seen by a reader.
    stdout_shown: bool,
    /// Code to run at the end.
    traps: Vec<(String, Span)>,
    /// Functions and aliases being followed.
    calls: Vec<String>,
    /// Texts being run as code (`eval`) within each other.
    texts: usize,
    /// Commands being run within each other.
    commands: usize,
    /// The next descriptor of a process substitution.
    descriptors: usize,
    /// `exit` or `return` was certain: what follows does not run after this path.
    left: bool,
    /// `break` or `continue` was met: a loop may end early.
    jumped: bool,
    /// Loops whose body stands for any number of turns.
    loops: usize,
    /// The next command is piped on: in zsh, what it writes into a file goes there too.
    piped: bool,
    /// What is known of what the last program printed.
    printed: Option<static_output::Printed>,
    /// The substitution that was just expanded is one word, and no option.
    one_name: bool,
    /// The operand of this command is one substitution and nothing else.
    alone: bool,
    /// The last connection that was opened as a descriptor.
    connected: Option<Value>,
}

impl<'s, 'a> Shell<'s, 'a> {
    fn new(
        analyzer: &'s mut Analyzer<'a>,
        frame: &Frame,
        state: State,
        dialect: Dialect,
        stdin: &Data,
    ) -> Self {
        Self {
            analyzer,
            frame: frame.clone(),
            state,
            dialect,
            stdin: stdin.clone(),
            stdout_shown: true,
            traps: Vec::new(),
            calls: Vec::new(),
            texts: 0,
            commands: 0,
            descriptors: 63,
            left: false,
            jumped: false,
            loops: 0,
            piped: false,
            printed: None,
            one_name: false,
            alone: false,
            connected: None,
        }
    }
}

impl Shell<'_, '_> {
    fn zsh(&self) -> bool {
        self.dialect == Dialect::Zsh
    }

    /// `sh` is dash on one machine and bash on another: what differs has to hold for both.
    fn posix(&self) -> bool {
        self.dialect == Dialect::Posix
    }

    fn opaque(&mut self, span: Span, reason: OpaqueReason, detail: impl Into<String>) {
        self.analyzer.opaque(&self.frame, span, reason, detail);
    }

    /// Runs `body` on a copy of the shell: nothing that it sets remains.
    fn subshell<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let (state, frame) = (self.state.clone(), self.frame.clone());
        let (left, jumped) = (self.left, self.jumped);
        let result = body(self);
        (self.state, self.frame) = (state, frame);
        (self.left, self.jumped) = (left, jumped);
        result
    }

    /// Runs `body` as something that may not happen.
    fn perhaps<T>(&mut self, body: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.frame.conditional, true);
        let result = body(self);
        self.frame.conditional = before;
        result
    }

    /// Code as a string, run in this very shell: `eval`, and everything that expands a value again.
    fn run_text(&mut self, text: &str, span: Span) -> Data {
        /// `eval` within `eval`.
        const DEPTH: usize = 8;
        /// Bytes read once more in the time of a step.
        const BYTES: usize = 12;
        self.analyzer.spend(text.len() / BYTES);
        if self.texts >= DEPTH || text.len() > crate::context::limits::CODE_BYTES {
            self.opaque(span, OpaqueReason::TooDeep, "code that makes code that makes code");
            return Data::Unknown;
        }
        let script = match lower::lower(text, self.dialect) {
            Ok(script) => script,
            Err((reason, detail)) => {
                self.opaque(span, reason, detail);
                return Data::Unknown;
            }
        };
        let source = self.frame.source.nested(text, span);
        let outer = std::mem::replace(&mut self.frame.source, source);
        self.texts += 1;
        let output = self.script(&script);
        self.texts -= 1;
        self.frame.source = outer;
        output
    }

    /// The frame in which programs start now.
    fn frame_for_programs(&mut self) -> &Frame {
        let exports = self.state.variables.values().any(|variable| variable.exported);
        self.analyzer.spend(self.state.variables.len() / 8);
        if exports || !self.state.exported_functions.is_empty() {
            let inherited = self.state.leave();
            if *self.frame.inherited != inherited {
                self.frame.inherited = Rc::new(inherited);
            }
        }
        &self.frame
    }

    /// The end of the shell: its exit traps run.
    fn finish(&mut self) {
        self.run_hooks();
        for (code, span) in std::mem::take(&mut self.traps) {
            self.run_text(&code, span);
        }
    }
}
