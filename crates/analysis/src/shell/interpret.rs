//! The walk over the tree: every path that may be taken is taken.

use std::rc::Rc;

use ringfence_action::{Effect, EffectKind, OpaqueReason, Target};

use super::ir::{self, Arm, Connector, For, Node, Script, Statement, TestWord};
use super::state::{Function, State};
use super::static_output::Printed;
use super::{Shell, glob};
use crate::context::Frame;
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

/// Loops over at most this many known words are run word by word.
const TURNS: usize = 16;

/// So many words, of which some are patterns, are followed one by one.
const FEW_TURNS: usize = 6;
/// Turns of a loop after which what still changes is unknown.
const PASSES: usize = 4;

impl Shell<'_, '_> {
    /// Runs statements in turn. Returns what they print together.
    pub(super) fn script(&mut self, script: &Script) -> Data {
        let mut output = Data::None;
        for statement in &script.statements {
            let printed = self.statement(statement);
            output = then(output, printed);
        }
        output
    }

    pub(super) fn statement(&mut self, statement: &Statement) -> Data {
        if !self.analyzer.step(&self.frame, statement.span) {
            return Data::Unknown;
        }
        if statement.background {
            self.fork(statement.span);
            self.subshell(|shell| shell.redirected(statement));
            return Data::None;
        }
        self.redirected(statement)
    }

    fn redirected(&mut self, statement: &Statement) -> Data {
        let piped = std::mem::take(&mut self.piped);
        if statement.redirects.is_empty() {
            return self.node(&statement.node, statement.span);
        }
        let streams = self.redirect(statement);
        if matches!(&statement.node, Node::Simple(simple) if simple.is_exec_alone()) {
            self.keep(streams);
            return Data::None;
        }
        let output = match &statement.node {
            Node::Simple(simple) if simple.is_empty() && self.zsh() => {
                self.redirections_alone(statement)
            }
            node => self.node(node, statement.span),
        };
        if piped && self.zsh() {
            // What is written into a file goes through the pipe as well.
            self.restore(streams, output.clone());
            return output;
        }
        self.restore(streams, output)
    }

    /// Zsh runs a program for redirections without a command.
    fn redirections_alone(&mut self, statement: &Statement) -> Data {
        let reads =
            matches!(statement.redirects.as_slice(), [one] if one.kind == ir::RedirectKind::Read);
        let (variable, usual) = if reads { ("READNULLCMD", "more") } else { ("NULLCMD", "cat") };
        let program = match self.lookup(variable) {
            Some(variable) => variable.value(),
            None => Value::known(usual),
        };
        self.command(vec![Word::new(program, statement.span)], Vec::new(), false)
    }

    fn node(&mut self, node: &Node, span: Span) -> Data {
        match node {
            Node::Simple(simple) => self.simple(simple),
            Node::Declare(declare) => self.declare(declare),
            Node::Pipeline(stages) => self.pipeline(stages),
            Node::List(first, rest) => self.list(first, rest),
            Node::Group(script) => self.script(script),
            Node::Subshell(script) => {
                self.fork(span);
                self.subshell(|shell| shell.script(script))
            }
            Node::If(branches, otherwise) => self.branches(branches, otherwise.as_ref()),
            Node::For(turns) => self.for_each(turns, span),
            Node::While(condition, body) => self.repeat(|shell| {
                shell.script(condition);
                shell.perhaps(|shell| shell.script(body))
            }),
            Node::ArithmeticFor(parts, body) => {
                let [start, rest @ ..] = parts.as_slice() else { return Data::None };
                self.arithmetic(start);
                self.repeat(|shell| {
                    let output = shell.script(body);
                    for part in rest {
                        shell.arithmetic(part);
                    }
                    output
                })
            }
            Node::Repeat(count, body) => {
                let count = self.expand_value(count);
                self.evaluated(&count, span, 0);
                self.repeat(|shell| shell.script(body))
            }
            Node::Case(word, arms) => self.case(word, arms),
            Node::Arithmetic(arithmetic) => {
                self.arithmetic(arithmetic);
                Data::None
            }
            Node::Test(words) => {
                self.test(words);
                Data::None
            }
            Node::Time(statement) => match statement {
                Some(statement) => self.statement(statement),
                None => Data::None,
            },
            Node::Coprocess(statement) => {
                let stdin = std::mem::replace(&mut self.stdin, Data::Unknown);
                self.subshell(|shell| shell.statement(statement));
                self.stdin = stdin;
                Data::None
            }
            Node::Always(body, always) => {
                let output = self.script(body);
                let more = self.script(always);
                then(output, more)
            }
            Node::Define(names, body) => {
                self.define(names, body);
                Data::None
            }
            Node::CallAnonymous(body, arguments) => {
                let arguments = self.expand_words(arguments);
                self.call("", &Function(vec![body.clone()]), &arguments, span)
            }
        }
    }

    /// The state is about to be copied, which costs the more, the more there is in it. False when the
    /// budget is used up.
    pub(super) fn fork(&mut self, span: Span) -> bool {
        /// Entries copied in the time of a step.
        const ENTRIES: usize = 4;
        self.analyzer.spend(self.state.size() / ENTRIES);
        !self.analyzer.exhausted() || self.analyzer.step(&self.frame, span)
    }

    fn pipeline(&mut self, stages: &[Statement]) -> Data {
        let outer_stdin = self.stdin.clone();
        let shown = self.stdout_shown;
        let mut output = Data::None;
        for (index, stage) in stages.iter().enumerate() {
            if !self.fork(stage.span) {
                break;
            }
            let last = index + 1 == stages.len();
            if index > 0 {
                self.stdin = output;
            }
            self.stdout_shown = shown && last;
            self.piped = !last;
            output = if last && self.zsh() {
                self.statement(stage)
            } else {
                self.subshell(|shell| shell.statement(stage))
            };
        }
        self.stdin = outer_stdin;
        self.stdout_shown = shown;
        self.piped = false;
        output
    }

    fn list(&mut self, first: &Statement, rest: &[(Connector, Statement)]) -> Data {
        let start = self.frame.cwd.clone();
        let mut output = self.statement(first);
        // Where paths stand that go past the commands after a failed `&&`.
        let mut past: Option<(State, Value)> = None;
        for (connector, statement) in rest {
            if !self.fork(statement.span) {
                break;
            }
            let here = (self.state.clone(), self.frame.cwd.clone());
            let outer_left = std::mem::take(&mut self.left);
            match connector {
                Connector::And => {
                    past = Some(match past.take() {
                        Some((state, cwd)) => (state.join(here.0), cwd.join(here.1)),
                        None => here,
                    });
                    let printed = self.perhaps(|shell| shell.statement(statement));
                    output = then(output, printed);
                    if std::mem::replace(&mut self.left, outer_left)
                        && let Some(past) = past.take()
                    {
                        (self.state, self.frame.cwd) = past;
                    }
                }
                Connector::Or => {
                    if let Some((state, cwd)) = past.take() {
                        self.state = here.0.clone().join(state);
                        self.frame.cwd = here.1.clone().join(cwd);
                    }
                    // The left side failed: if it was to change the folder, it may not have.
                    self.frame.cwd = self.frame.cwd.clone().join(start.clone());
                    let printed = self.perhaps(|shell| shell.statement(statement));
                    output = then(output, printed);
                    if !std::mem::replace(&mut self.left, outer_left) {
                        let taken = std::mem::take(&mut self.state);
                        self.state = taken.join(here.0);
                    } else {
                        self.state = here.0;
                    }
                    self.frame.cwd = here.1;
                }
            }
        }
        if let Some((state, cwd)) = past {
            let taken = std::mem::take(&mut self.state);
            self.state = taken.join(state);
            self.frame.cwd = self.frame.cwd.clone().join(cwd);
        }
        output
    }

    fn branches(&mut self, branches: &[(Script, Script)], otherwise: Option<&Script>) -> Data {
        let mut output = Data::None;
        let mut ends = Vec::new();
        for (index, (condition, body)) in branches.iter().enumerate() {
            let printed = if index == 0 {
                self.script(condition)
            } else {
                self.perhaps(|shell| shell.script(condition))
            };
            output = then(output, printed);
            let printed = self.branch(&mut ends, |shell| shell.script(body));
            output = alternative(output, printed);
        }
        match otherwise {
            Some(body) => {
                let printed = self.branch(&mut ends, |shell| shell.script(body));
                output = alternative(output, printed);
            }
            None => ends.push((self.state.clone(), self.frame.cwd.clone(), false)),
        }
        self.meet(ends);
        output
    }

    /// Runs one branch from the current state, which is as before afterwards; its end is noted.
    fn branch(
        &mut self,
        ends: &mut Vec<(State, Value, bool)>,
        body: impl FnOnce(&mut Self) -> Data,
    ) -> Data {
        if !self.fork(Span::default()) {
            return Data::Unknown;
        }
        let start = (self.state.clone(), self.frame.cwd.clone());
        let left = std::mem::take(&mut self.left);
        let output = self.perhaps(body);
        let state = std::mem::replace(&mut self.state, start.0);
        let cwd = std::mem::replace(&mut self.frame.cwd, start.1);
        ends.push((state, cwd, std::mem::replace(&mut self.left, left)));
        output
    }

    /// Goes on from wherever the branches ended.
    fn meet(&mut self, ends: Vec<(State, Value, bool)>) {
        let all_left = ends.iter().all(|(_, _, left)| *left);
        let mut met: Option<(State, Value)> = None;
        for (state, cwd, _) in ends.into_iter().filter(|(_, _, left)| all_left || !left) {
            met = Some(match met {
                Some((state_before, cwd_before)) => {
                    (state_before.join(state), cwd_before.join(cwd))
                }
                None => (state, cwd),
            });
        }
        if let Some((state, cwd)) = met {
            (self.state, self.frame.cwd) = (state, cwd);
        }
        self.left |= all_left;
    }

    fn for_each(&mut self, turns: &For, span: Span) -> Data {
        let words = match &turns.words {
            Some(words) => self.expand_words(words),
            None => match &self.state.positional {
                Some(values) => values.iter().map(|v| Word::new(v.clone(), span)).collect(),
                None => vec![Word { value: Value::Unknown, span, splits: true }],
            },
        };
        if words.is_empty() {
            return Data::None;
        }
        let listed = words.iter().all(|word| !word.splits && word.value.listed().is_some());
        let step = turns.names.len().max(1);
        if listed && !turns.select && words.len() <= TURNS {
            return self.turn_by_turn(turns, &words, step, span);
        }
        // Paths of different folders have nothing in common that would be worth keeping.
        let told = words.iter().all(|word| word.value != Value::Unknown);
        if told && !turns.select && step == 1 && (2..=FEW_TURNS).contains(&words.len()) {
            return self.repeat(|shell| {
                shell.perhaps(|shell| shell.turn_by_turn(turns, &words, step, span))
            });
        }
        let mut values = words.into_iter().map(|word| {
            // A glob names each of its files.
            if word.splits && word.value == Value::Unknown { Value::Unknown } else { word.value }
        });
        let first = values.next().unwrap_or(Value::Unknown);
        let any = values.fold(first, Value::join);
        self.repeat(|shell| {
            for name in &turns.names {
                shell.assign(name, any.clone(), span);
            }
            shell.perhaps(|shell| shell.script(&turns.body))
        })
    }

    fn turn_by_turn(&mut self, turns: &For, words: &[Word], step: usize, span: Span) -> Data {
        let jumped = std::mem::take(&mut self.jumped);
        let mut output = Data::None;
        let mut ends = Vec::new();
        for group in words.chunks(step) {
            for (index, name) in turns.names.iter().enumerate() {
                let value = group.get(index).map_or(Value::known(""), |word| word.value.clone());
                self.assign(name, value, span);
            }
            let printed = self.script(&turns.body);
            output = then(output, printed);
            if self.jumped {
                ends.push((self.state.clone(), self.frame.cwd.clone(), false));
            }
        }
        if self.jumped {
            self.meet(ends);
        }
        self.jumped = jumped;
        output
    }

    /// Runs a body any number of times: until what it leaves behind does not change.
    fn repeat(&mut self, mut body: impl FnMut(&mut Self) -> Data) -> Data {
        let jumped = std::mem::take(&mut self.jumped);
        let mut output = Data::None;
        self.loops += 1;
        for pass in 0..PASSES {
            if !self.fork(Span::default()) {
                break;
            }
            let before = (self.state.clone(), self.frame.cwd.clone());
            let left = std::mem::take(&mut self.left);
            let printed = body(self);
            self.left = left;
            output = alternative(output, printed);
            let state = std::mem::take(&mut self.state).join(before.0.clone());
            let cwd = std::mem::replace(&mut self.frame.cwd, Value::Unknown).join(before.1.clone());
            let stable = state == before.0 && cwd == before.1;
            let settled = pass > 0;
            self.frame.cwd = if settled && cwd != before.1 { Value::Unknown } else { cwd };
            // Counters never settle by themselves; anything else gets a second chance.
            self.state = state.widen(&before.0);
            if stable {
                break;
            }
        }
        self.loops -= 1;
        self.jumped = jumped;
        output
    }

    fn case(&mut self, word: &ir::Word, arms: &[Arm]) -> Data {
        let value = self.expand_value(word);
        let mut output = Data::None;
        let mut ends = Vec::new();
        let mut certain = false;
        let mut falling = false;
        for arm in arms {
            let mut may_match = false;
            for pattern in &arm.patterns {
                let pattern = self.expand_pattern(pattern);
                let matched = match (value.as_known(), &pattern) {
                    (Some(text), Some(pattern)) => glob::matches(pattern, text),
                    _ => None,
                };
                may_match |= matched != Some(false);
                certain |= matched == Some(true) || pattern.as_deref() == Some("*");
            }
            if may_match || falling {
                let printed = self.branch(&mut ends, |shell| shell.script(&arm.body));
                output = alternative(output, printed);
            }
            falling = (may_match || falling) && arm.falls_through;
            if certain && !falling {
                break;
            }
        }
        if !certain {
            ends.push((self.state.clone(), self.frame.cwd.clone(), false));
        }
        self.meet(ends);
        output
    }

    fn test(&mut self, words: &[TestWord]) {
        for test in words {
            if test.evaluated {
                let value = self.expand_value(&test.word);
                self.evaluated(&value, test.word.span, 0);
            } else {
                self.expand_pattern(&test.word);
            }
        }
    }

    fn define(&mut self, names: &[ir::Word], body: &Rc<Statement>) {
        for name in names {
            let Value::Known(name) = self.expand_value(name) else { continue };
            if name == "command_not_found_handle" || name == "command_not_found_handler" {
                // Runs for any program that is not there.
                self.perhaps(|shell| shell.subshell(|shell| shell.statement(body)));
            }
            let hook = self.zsh() && is_hook(&name);
            self.state.functions.insert(name.clone(), Function(vec![body.clone()]));
            if hook {
                self.hook(&name);
            }
        }
    }

    /// The shell calls this function of its own accord, at any time from now on.
    pub(super) fn hook(&mut self, name: &str) {
        self.state.hooks.insert(name.to_owned());
        self.run_hooks();
    }

    /// Whatever the shell calls of its own accord is called.
    pub(super) fn run_hooks(&mut self) {
        for name in self.state.hooks.clone() {
            let Some(function) = self.state.functions.get(&name).cloned() else { continue };
            if !self.calls.contains(&name) {
                let call = |shell: &mut Self| shell.call(&name, &function, &[], Span::default());
                self.perhaps(|shell| shell.subshell(call));
            }
        }
    }

    /// Calls a function: each body it may have.
    pub(super) fn call(
        &mut self,
        name: &str,
        function: &Function,
        arguments: &[Word],
        span: Span,
    ) -> Data {
        /// Calls within calls.
        const DEPTH: usize = 24;
        let repeated = self.calls.iter().filter(|active| *active == name).count();
        if repeated >= 2 || self.calls.len() >= DEPTH {
            self.opaque(span, OpaqueReason::TooDeep, format!("`{name}` calls itself"));
            return Data::Unknown;
        }
        let splits = arguments.iter().any(|word| word.splits && word.value.listed().is_none());
        let values = arguments.iter().map(|word| word.value.clone()).collect();
        let outer = std::mem::replace(&mut self.state.positional, (!splits).then_some(values));
        self.calls.push(name.to_owned());
        let left = self.left;
        let mut output = Data::None;
        let mut ends = Vec::new();
        match function.0.as_slice() {
            [body] => output = self.statement(body),
            bodies => {
                for body in bodies {
                    let printed = self.branch(&mut ends, |shell| shell.statement(body));
                    output = alternative(output, printed);
                }
                self.meet(ends);
            }
        }
        // `return` leaves the function only. An `exit` in it goes unnoticed: what follows is
        // followed too.
        self.left = left;
        self.calls.pop();
        self.state.positional = outer;
        output
    }

    /// `$(…)`: what it prints, without the newlines at the end.
    pub(super) fn substitute(&mut self, script: &Script, span: Span) -> Value {
        if !self.analyzer.step(&self.frame, span) {
            return Value::Unknown;
        }
        self.fork(span);
        let shown = std::mem::replace(&mut self.stdout_shown, false);
        self.printed = None;
        let outer_fetched = self.frame.fetched.clone();
        let found = self.analyzer.found();
        let output = self.subshell(|shell| match script.statements.as_slice() {
            // `$(<file)`.
            [statement]
                if !statement.redirects.is_empty()
                    && matches!(&statement.node, Node::Simple(simple)
                            if simple.words.is_empty() && simple.assignments.is_empty()) =>
            {
                let streams = shell.redirect(statement);
                let data = shell.stdin.clone();
                shell.restore(streams, Data::None);
                data
            }
            _ => shell.script(script),
        });
        self.stdout_shown = shown;
        self.frame.fetched = outer_fetched;
        self.frame.setup = None;
        let printed = self.printed.take();
        self.one_name = printed == Some(Printed::Name) && output == Data::Unknown;
        match output {
            Data::Text(text, _) => Value::known(text.trim_end_matches('\n')),
            Data::None => Value::known(""),
            Data::File(Value::Known(path)) => match self.analyzer.written(&path) {
                Some(Data::Text(text, _)) => Value::known(text.trim_end_matches('\n')),
                Some(Data::Network(from)) => {
                    self.frame.fetched = Some(from.clone());
                    Value::Unknown
                }
                _ => {
                    self.frame.embedded = Some(Value::Known(path));
                    Value::Unknown
                }
            },
            Data::Network(from) => {
                self.frame.fetched = Some(from);
                Value::Unknown
            }
            Data::Setup(program) => {
                self.frame.setup = Some(program);
                Value::Unknown
            }
            Data::File(_) | Data::Unknown if let Some(Printed::Value(value)) = printed => value,
            Data::File(path) => {
                self.frame.embedded = Some(path);
                Value::Unknown
            }
            Data::Unknown => {
                // Whatever filters stood behind it, what comes out is made of what was read.
                self.frame.embedded = self.analyzer.secret_since(found);
                Value::Unknown
            }
        }
    }

    /// `<(…)` and `>(…)`: the name of a descriptor, with what can be read from it.
    pub(super) fn process_substitution(
        &mut self,
        script: &Script,
        input: bool,
        span: Span,
    ) -> Value {
        if !self.analyzer.step(&self.frame, span) {
            return Value::Unknown;
        }
        let shown = std::mem::replace(&mut self.stdout_shown, false);
        let stdin = if input { self.stdin.clone() } else { Data::Unknown };
        let outer = std::mem::replace(&mut self.stdin, stdin);
        let output = self.subshell(|shell| shell.script(script));
        self.stdin = outer;
        self.stdout_shown = shown;
        let path = format!("/dev/fd/{}", self.descriptors);
        self.descriptors = self.descriptors.saturating_sub(1);
        self.analyzer.wrote(&path, if input { output } else { Data::Unknown });
        Value::known(path)
    }

    /// Records that fetched code runs.
    pub(super) fn fetched_code(&mut self, from: &Value, span: Span) {
        download_exec(self.analyzer, &self.frame, span, from);
    }
}

/// Functions that zsh calls by their names.
fn is_hook(name: &str) -> bool {
    let trap = |signal: &str| {
        !signal.is_empty()
            && signal.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
    };
    matches!(name, "chpwd" | "precmd" | "preexec" | "periodic" | "zshaddhistory" | "zshexit")
        || name.strip_prefix("TRAP").is_some_and(trap)
}

/// Records that code from the network runs in a shell.
pub(crate) fn download_exec(
    analyzer: &mut crate::context::Analyzer<'_>,
    frame: &Frame,
    span: Span,
    from: &Value,
) {
    use ringfence_action::Attr;
    let url = from.as_known();
    let target = url.and_then(host).map_or_else(|| from.to_target(), Target::Known);
    let mut effect = Effect::new(EffectKind::DownloadExec, target)
        .with(Attr::Lang, "sh")
        .with(Attr::Source, "network");
    if let Some(url) = url {
        effect = effect.with(Attr::Url, url);
    }
    analyzer.effect(frame, span, effect);
}

/// The host in a URL, or in `/dev/tcp/HOST/PORT`.
fn host(url: &str) -> Option<String> {
    let rest = match url.strip_prefix("/dev/tcp/").or_else(|| url.strip_prefix("/dev/udp/")) {
        Some(rest) => rest,
        None => url.split_once("://").map_or(url, |(_, rest)| rest),
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}

/// What two commands print one after the other.
pub(super) fn then(first: Data, second: Data) -> Data {
    match (first, second) {
        (Data::None, data) | (data, Data::None) => data,
        (Data::Network(from), _) | (_, Data::Network(from)) => Data::Network(from),
        (Data::Text(mut one, at), Data::Text(two, to))
            if one.len() + two.len() <= crate::context::limits::VALUE_BYTES =>
        {
            one.push_str(&two);
            Data::Text(one, at.cover(to))
        }
        (
            Data::Text(..) | Data::File(_) | Data::Setup(_) | Data::Unknown,
            Data::Text(..) | Data::File(_) | Data::Setup(_) | Data::Unknown,
        ) => Data::Unknown,
    }
}

/// What one or the other prints.
fn alternative(one: Data, other: Data) -> Data {
    if one == other {
        return one;
    }
    match (one, other) {
        (Data::Network(from), _) | (_, Data::Network(from)) => Data::Network(from),
        _ => Data::Unknown,
    }
}
