//! JavaScript and TypeScript: what a program does to the world, without running it.
//!
//! The parser's tree is lowered to expressions, what is bound to each name, and what is called, in
//! order. Values are joined over every binding of a name, wherever it stands, so that control flow
//! and scopes need no following: a name that may be two things is both. Calls that matter become
//! effects; code and programs that are computed are opaque.

mod calls;
mod eval;
mod lower;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{HashMap, HashSet};

use ringfence_action::{OpaqueReason, Target};

use crate::context::{Analyzer, Frame};
use crate::paths;
use crate::value::{Span, Value};
use tree::{Program, Step};

/// What an expression may be.
#[derive(Debug, Clone, PartialEq)]
enum Js {
    Text(Value),
    /// A module, or something in it, by dotted name: `fs`, `child_process.exec`, `process.env`. Empty:
    /// the global object.
    Name(String),
    List(Vec<Js>),
    /// Properties; one without a name stands for any.
    Object(Vec<(String, Js)>),
    /// A function of the program itself, by its index.
    Function(usize),
    /// One of these.
    Either(Vec<Js>),
    Unknown,
}

impl Js {
    fn known(text: impl Into<String>) -> Self {
        Self::Text(Value::known(text))
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(value) => value.clone(),
            Self::Either(all) => {
                all.iter().map(Self::value).reduce(Value::join).unwrap_or(Value::Unknown)
            }
            Self::Name(_) | Self::List(_) | Self::Object(_) | Self::Function(_) | Self::Unknown => {
                Value::Unknown
            }
        }
    }

    /// Everything that it may be.
    fn alternatives(&self) -> &[Self] {
        match self {
            Self::Either(all) => all,
            one => std::slice::from_ref(one),
        }
    }
}

/// Reads a program, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let whole = Span::new(0, code.len());
    let nesting = nesting(code);
    if nesting > MAX_NESTING {
        return analyzer.opaque(frame, whole, OpaqueReason::TooDeep, "deeply nested javascript");
    }
    let mut read = || match lower::program(code) {
        Some(program) => Reader::new(analyzer, frame, &program).read(whole),
        None => {
            let detail = "javascript that does not parse";
            analyzer.opaque(frame, whole, OpaqueReason::ParseError, detail);
        }
    };
    // The parser, the walk and the drop of the tree all recurse.
    if nesting > PLAIN_NESTING { stacker::grow(STACK_BYTES, read) } else { read() }
}

/// Signs that may nest, in one program: each can cost a level of the parser's stack.
const MAX_NESTING: usize = 8_000;

/// So many are read on the stack that is there.
const PLAIN_NESTING: usize = 100;

/// Address space for the deepest program that is read; pages are taken only when they are touched.
const STACK_BYTES: usize = 64 << 20;

/// An upper bound for how deep the parser recurses, without reading the program: signs and words
/// behind which something may be nested. Closing ones are not counted off: they might stand in a text.
fn nesting(code: &str) -> usize {
    let mut signs = 0;
    let mut before = b' ';
    for byte in code.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        let opens = b"([{`!~=?:*<".contains(&byte);
        let prefix = b"+-".contains(&byte) && b"+-".contains(&before);
        signs += usize::from(opens || prefix);
        before = byte;
    }
    let words = ["new ", "typeof ", "void ", "delete ", "await ", "yield ", "else ", "do "];
    let words: usize = words.iter().map(|word| code.matches(word).count()).sum();
    // `a.b.c` and `a + b + c` nest to the left, as long as one expression lasts.
    let expressions = code.split([';', ',', '{', '}']);
    let links = |it: &str| it.bytes().filter(|byte| b".+-/%&|^".contains(byte)).count();
    signs + words + expressions.map(links).max().unwrap_or(0)
}

/// Expressions that are looked at in one step of the analysis.
const EXPRESSIONS_PER_STEP: usize = 16;

struct Reader<'r, 'a> {
    analyzer: &'r mut Analyzer<'a>,
    frame: Frame,
    program: &'r Program,
    /// Values of names, as far as they were needed.
    known: HashMap<String, Js>,
    /// What is being found out, so that what depends on itself ends.
    assigning: HashSet<String>,
    calling: HashSet<(usize, usize)>,
    returning: HashSet<usize>,
    depth: usize,
    evaluated: usize,
    /// Steps of the analysis that were taken for that.
    paid: usize,
    /// A value was given up for its depth or for the number of steps.
    incomplete: bool,
}

impl<'r, 'a> Reader<'r, 'a> {
    fn new(analyzer: &'r mut Analyzer<'a>, frame: &Frame, program: &'r Program) -> Self {
        Self {
            analyzer,
            frame: frame.clone(),
            program,
            known: HashMap::new(),
            assigning: HashSet::new(),
            calling: HashSet::new(),
            returning: HashSet::new(),
            depth: 0,
            evaluated: 0,
            paid: 0,
            incomplete: false,
        }
    }

    fn read(mut self, whole: Span) {
        for step in &self.program.steps {
            let span = match step {
                Step::Call(call) => call.span,
                Step::Look { span, .. } => *span,
            };
            let frame = self.frame.clone();
            self.pay();
            if !self.analyzer.step(&frame, span) {
                return;
            }
            match step {
                Step::Call(call) => calls::call(&mut self, call),
                Step::Look { object, key, span } => calls::look(&mut self, object, key, *span),
            }
        }
        self.pay();
        if self.incomplete || self.program.cut_off {
            self.opaque(whole, OpaqueReason::TooDeep, "expressions deeper than are followed");
        }
    }

    /// Takes the steps that the expressions since the last time were worth.
    fn pay(&mut self) {
        let worth = self.evaluated / EXPRESSIONS_PER_STEP;
        self.analyzer.spend(worth - self.paid);
        self.paid = worth;
    }

    fn opaque(&mut self, span: Span, reason: OpaqueReason, detail: &str) {
        let frame = self.frame.clone();
        self.analyzer.opaque(&frame, span, reason, format!("javascript: {detail}"));
    }

    fn target(&self, path: &Value) -> Target {
        paths::locate(self.analyzer, &self.frame, path)
    }
}

/// Names of modules without what is only a way to write them.
fn module(name: &str) -> String {
    let name = name.strip_prefix("node:").unwrap_or(name);
    match name {
        "fs/promises" | "fs-extra" | "graceful-fs" => "fs".to_owned(),
        "http" | "https" | "http2" => "http".to_owned(),
        name => name.to_owned(),
    }
}

/// A member of a module. `m.default` and `fs.promises` are the module itself.
fn inside(module: &str, member: &str) -> String {
    if member == "default" || (module == "fs" && member == "promises") {
        return module.to_owned();
    }
    format!("{module}.{member}")
}
