//! The state of one analysis: the world it assumes, the limits it keeps, what it has found so far.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use ringfence_action::path::base_name;
use ringfence_action::{
    Action, Dialect, Effect, EffectKind, Evidence, Opaque, OpaqueReason, Scope, Target, Text,
};

use crate::invocation::{Data, Invocation};
use crate::shell::Inherited;
use crate::value::{Span, Value, Word};
use crate::{Analysis, Need, argv, aside, code, hosts, paths, shell};

/// Limits of one analysis. Reaching one is an opaque remark, never an error.
pub(crate) mod limits {
    /// Bytes of one piece of code.
    pub(crate) const CODE_BYTES: usize = 64 << 10;
    /// Code within code (`sh -c` in `find -exec` in a heredoc…).
    pub(crate) const DEPTH: usize = 8;
    /// Steps of all interpreters together: commands, words, list elements.
    pub(crate) const FUEL: usize = 10_000;
    /// Bytes of all values, outputs and targets together: what doubles stops here.
    pub(crate) const HELD: usize = 2 << 20;
    /// Bytes of one value; a longer one is unknown.
    pub(crate) const VALUE_BYTES: usize = CODE_BYTES;
    /// Effects of one action; the rest is opaque.
    pub(crate) const EFFECTS: usize = 500;
    /// Opaque remarks of one reason.
    pub(crate) const REMARKS: usize = 16;
    /// Bytes of a path: what a kernel takes.
    pub(crate) const PATH_BYTES: usize = 4 << 10;
    /// Bytes of the words in which the code that was put together from them is looked for.
    pub(crate) const SEARCH_BYTES: usize = 4 << 10;
    /// Bytes of texts that are written, as far as they are compared with what they take the place of.
    pub(crate) const COMPARED: usize = 2 << 20;
    /// Replacements of one edit.
    pub(crate) const REPLACEMENTS: usize = 1_000;
}

/// Where a piece of code stands in the action, so that spans in it become evidence.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// JSON Pointer of the string.
    pointer: String,
    /// The whole string.
    text: Rc<str>,
    /// Code that stands in the string letter by letter: add this to an offset. `None` where the
    /// code is computed (escapes, decoded text): then every span is `fallback`.
    offset: Option<usize>,
    /// The words that the code was computed from.
    fallback: Span,
}

impl Source {
    /// A string of the action, or a part of one.
    pub(crate) fn of(action: &Action, text: &Text) -> Self {
        let part = text.span.and_then(|span| Some((span, action.text_at(&text.pointer)?)));
        if let Some(([start, end], whole)) = part {
            let letter_by_letter = whole.get(start..end) == Some(text.value.as_str());
            return Self {
                pointer: text.pointer.clone(),
                text: whole.into(),
                offset: letter_by_letter.then_some(start),
                fallback: Span::new(start, end),
            };
        }
        Self {
            pointer: text.pointer.clone(),
            text: text.value.as_str().into(),
            offset: Some(0),
            fallback: Span::new(0, text.value.len()),
        }
    }

    /// Code found in this source: `code` is its text, `span` the words it comes from.
    pub(crate) fn nested(&self, code: &str, span: Span) -> Self {
        let outer = self.resolve(span);
        let words = self.text.get(outer.start..outer.end);
        let within = words
            .filter(|words| words.len() <= limits::SEARCH_BYTES || words.starts_with(code))
            .and_then(|words| words.find(code));
        Self {
            pointer: self.pointer.clone(),
            text: self.text.clone(),
            offset: within.map(|at| outer.start + at),
            fallback: outer,
        }
    }

    /// Evidence for a span of the code.
    pub(crate) fn evidence(&self, span: Span) -> Evidence {
        let span = self.resolve(span);
        Evidence::new(self.pointer.clone(), &self.text, span.start, span.end)
    }

    fn resolve(&self, span: Span) -> Span {
        match self.offset {
            Some(offset) => Span::new(span.start + offset, span.end + offset),
            None => self.fallback,
        }
    }
}

/// Where a piece of code would run.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The working folder.
    pub(crate) cwd: Value,
    /// Whose files and processes.
    pub(crate) scope: Scope,
    /// Where the code stands in the action.
    pub(crate) source: Source,
    /// Found in content that is only written now (see [`ringfence_action::Attr::Content`]).
    pub(crate) content: bool,
    /// On a path that may not be taken (`if`, `||`, a loop).
    pub(crate) conditional: bool,
    /// What a shell started here finds in its environment.
    pub(crate) inherited: Rc<Inherited>,
    /// A word of the command was fetched from the network, from here.
    pub(crate) fetched: Option<Value>,
    /// A word of the command has the content of this file in it.
    pub(crate) embedded: Option<Value>,
    /// A word of the command is the code by which this program sets up a shell.
    pub(crate) setup: Option<String>,
    /// The kind of system that what runs here is connected to.
    pub(crate) environment: Option<&'static str>,
}

/// Programs that ask name servers for what they are given.
const LOOKUPS: &[&str] = &["dig", "nslookup", "host", "drill", "ping", "resolvectl", "getent"];

/// What a program costs: its options are read, and its rules are applied.
const PROGRAM_STEPS: usize = 12;

/// One analysis in progress.
pub(crate) struct Analyzer<'a> {
    pub(crate) action: &'a Action,
    found: Analysis,
    seen: HashSet<Effect>,
    /// Files whose content was asked for (absolute paths).
    asked: HashSet<String>,
    written: HashMap<String, Data>,
    /// Folders into which this action fetches repositories, and from where.
    clones: Vec<(String, Value)>,
    /// Programs that this action puts under another name: the copy, and the program.
    renamed: HashMap<String, String>,
    /// Texts that were decoded from an encoding.
    decoded: Vec<String>,
    /// Texts that a stream editor puts in the place of others.
    substitutions: Vec<(String, String)>,
    fuel: usize,
    held: usize,
    compared: usize,
    depth: usize,
}

impl<'a> Analyzer<'a> {
    pub(crate) fn new(action: &'a Action) -> Self {
        Self {
            action,
            found: Analysis::default(),
            seen: HashSet::new(),
            asked: HashSet::new(),
            written: HashMap::new(),
            clones: Vec::new(),
            renamed: HashMap::new(),
            decoded: Vec::new(),
            substitutions: Vec::new(),
            fuel: limits::FUEL,
            held: 0,
            compared: 0,
            depth: 0,
        }
    }

    pub(crate) fn finish(mut self) -> Analysis {
        let files = self.written.into_iter().filter(|(path, _)| !path.starts_with("/dev/"));
        self.found.written = files
            .map(|(path, content)| match content {
                Data::Text(text, _) => (path, Some(text)),
                Data::File(Value::Known(from)) => {
                    (path, self.action.facts.files.get(&from).cloned())
                }
                Data::None | Data::File(_) | Data::Network(_) | Data::Setup(_) | Data::Unknown => {
                    (path, None)
                }
            })
            .collect();
        self.found
    }

    /// The frame of code that stands in a string of the action.
    pub(crate) fn frame(&self, text: &Text) -> Frame {
        Frame {
            cwd: self.action.cwd.clone().map_or(Value::Unknown, Value::Known),
            scope: Scope::Local,
            source: Source::of(self.action, text),
            content: false,
            conditional: false,
            inherited: Rc::default(),
            fetched: None,
            embedded: None,
            setup: None,
            environment: None,
        }
    }

    /// Records an effect, with the frame's scope, evidence for `span`, and its conditions.
    pub(crate) fn effect(&mut self, frame: &Frame, span: Span, mut effect: Effect) {
        use ringfence_action::Attr;
        if effect.scope == Scope::Local {
            effect.scope = frame.scope.clone();
        }
        if frame.content {
            effect.attributes.set(Attr::Content, true);
        }
        if frame.conditional {
            effect.attributes.set(Attr::Conditional, true);
        }
        // What is connected to production changes production, whatever its statements call it.
        if let Some(environment) = frame.environment
            && Attr::Environment.fits(effect.kind)
            && (environment == "production" || effect.attributes.text(Attr::Environment).is_none())
        {
            effect.attributes.set(Attr::Environment, environment);
        }
        if effect.evidence.is_none() {
            effect.evidence = Some(frame.source.evidence(span));
        }
        if effect.kind == EffectKind::Net {
            self.carries(frame, &mut effect);
            hosts::classify(&mut effect);
            hosts::consequence(&mut effect);
            if let Some(path) = effect.attributes.text(Attr::Payload).filter(|p| p.starts_with('/'))
            {
                let path = path.to_owned();
                effect.attributes.set(Attr::PayloadPlace, paths::place(self, frame, &path));
                for class in paths::classes(self, frame, &Value::Known(path)) {
                    effect.attributes.insert(Attr::PayloadClasses, class);
                }
            }
        }
        self.outdate(&effect);
        if effect.kind == EffectKind::ExecCode && self.builds(&effect) {
            effect.attributes.set(Attr::Unread, false);
        }
        if effect.kind == EffectKind::ExecCode
            && let Some(from) = effect.target.as_known().and_then(|path| self.cloned(path))
        {
            let cloned = Effect::new(EffectKind::DownloadExec, from.to_target())
                .with(Attr::Source, "vcs")
                .with(Attr::By, effect.attributes.text(Attr::By).unwrap_or_default());
            self.effect(frame, span, cloned);
        }
        let told = match effect.kind {
            EffectKind::Message => true,
            EffectKind::VcsRemote | EffectKind::VcsLocal => {
                let op = effect.attributes.text(Attr::Op).unwrap_or_default();
                op.starts_with("commit") || op.ends_with("create") || op.contains("comment")
            }
            _ => false,
        };
        if told
            && let Some(path) =
                frame.embedded.as_ref().filter(|it| paths::is_secret(self, frame, it))
        {
            effect.attributes.set(Attr::Payload, paths::locate(self, frame, path).to_string());
        }
        self.hold(effect.target.text().len());
        if self.found.effects.len() >= limits::EFFECTS {
            self.opaque(frame, span, OpaqueReason::OutOfFuel, "more effects than are followed");
            self.fuel = 0;
        } else if self.seen.insert(effect.clone()) {
            self.found.effects.push(effect);
        }
    }

    /// How many effects and remarks there are so far.
    pub(crate) fn found(&self) -> usize {
        self.found.effects.len() + self.found.opaque.len()
    }

    /// The effects that were recorded behind so many.
    pub(crate) fn effects_since(&self, count: usize) -> &[Effect] {
        self.found.effects.get(count..).unwrap_or_default()
    }

    /// The secret that was read last since then, if any was.
    pub(crate) fn secret_since(&self, found: usize) -> Option<Value> {
        use ringfence_action::Attr;
        let new = self.found().saturating_sub(found);
        let is_read = |effect: &&Effect| {
            effect.kind == EffectKind::Credential
                && effect.attributes.text(Attr::Op) == Some("read")
        };
        let last = self.found.effects.iter().rev().take(new).find(is_read)?;
        last.target.as_known().filter(|path| path.starts_with('/')).map(Value::known)
    }

    /// A name or address that a secret was put into takes it along: `dig $(cat .env).x.example`.
    fn carries(&self, frame: &Frame, effect: &mut Effect) {
        use ringfence_action::Attr;
        let name = match &effect.target {
            Target::Pattern(name) => name.clone(),
            _ => String::new(),
        };
        // What a program found out, as the first part of a name that somebody else answers for.
        let asked = effect.attributes.text(Attr::By).is_some_and(|by| LOOKUPS.contains(&by));
        if asked && (name.starts_with("**.") || name.starts_with("*.")) {
            effect.attributes.set(Attr::Upload, true);
            effect.attributes.set(Attr::Payload, "computed");
        }
        // No host has such a name: it is something else, written in letters and digits.
        if effect.target.as_known().is_some_and(|host| host.contains("=.")) {
            effect.attributes.set(Attr::Upload, true);
            effect.attributes.set(Attr::Payload, "encoded");
        }
        let Some(path) = &frame.embedded else { return };
        let url = effect.attributes.text(Attr::Url).unwrap_or_default();
        let computed = !name.is_empty() || url.contains('*');
        if computed && paths::is_secret(self, frame, path) {
            effect.attributes.set(Attr::Upload, true);
            effect.attributes.set(Attr::Payload, paths::locate(self, frame, path).to_string());
        }
    }

    /// Records that something could not be told.
    pub(crate) fn opaque(
        &mut self,
        frame: &Frame,
        span: Span,
        reason: OpaqueReason,
        detail: impl Into<String>,
    ) {
        // What is only written now is looked at again when it runs.
        if frame.content && reason != OpaqueReason::HiddenCharacters {
            return;
        }
        // One remark of a kind decides as much as a thousand; people read a few.
        let alike = self.found.opaque.iter().filter(|known| known.reason == reason).count();
        if alike < limits::REMARKS {
            let opaque = Opaque::new(reason, detail).at(frame.source.evidence(span));
            if !self.found.opaque.contains(&opaque) {
                self.found.opaque.push(opaque);
            }
        }
    }

    /// Asks for the content of a file (absolute path); `Some` if it is known: supplied by the caller,
    /// or written by an earlier part of this very action.
    pub(crate) fn file(&mut self, path: &str) -> Option<Rc<str>> {
        match self.written.get(path) {
            Some(Data::Text(text, _)) => Some(text.as_str().into()),
            // A copy of what another file held before.
            Some(Data::File(Value::Known(from))) => self.original(&from.clone()),
            // Changed by this action: what the caller read before it is not what will run.
            Some(_) => None,
            None => self.original(path),
        }
    }

    /// The content that a file (absolute path) had before this action, if the caller supplied it; asks
    /// for it otherwise.
    pub(crate) fn original(&mut self, path: &str) -> Option<Rc<str>> {
        let content = self.action.facts.files.get(path);
        if content.is_none() && self.asked.insert(path.to_owned()) {
            self.found.needs.push(Need { path: path.to_owned() });
        }
        content.map(|content| content.as_str().into())
    }

    /// Remembers that this action gives a file (absolute path) new content.
    pub(crate) fn wrote(&mut self, path: &str, content: Data) {
        let content = match content {
            Data::Text(text, _) if text.len() > limits::VALUE_BYTES => Data::Unknown,
            // A program under another name does what it does under its own.
            Data::File(from) => match argv::stand_in(&from) {
                Some(script) => {
                    let (program, copy) = (from.to_target(), base_name(path));
                    if base_name(&program.text()) != copy {
                        self.renamed.insert(path.to_owned(), program.text().into_owned());
                    }
                    Data::Text(script, Span::default())
                }
                None => Data::File(from),
            },
            content => content,
        };
        if let Data::Text(text, _) = &content {
            self.hold(text.len());
        }
        self.written.insert(path.to_owned(), content);
    }

    /// The content that an earlier part of this action gave to a file, if it touched it.
    pub(crate) fn written(&self, path: &str) -> Option<&Data> {
        self.written.get(path)
    }

    /// Files (absolute paths) that this action gives a text that is known to the letter, with the words
    /// that it comes from.
    pub(crate) fn texts_written(&self) -> Vec<(String, String, Span)> {
        let mut texts: Vec<(String, String, Span)> = self
            .written
            .iter()
            .filter_map(|(path, content)| match content {
                Data::Text(text, span) if !text.is_empty() => {
                    Some((path.clone(), text.clone(), *span))
                }
                _ => None,
            })
            .collect();
        texts.sort();
        texts
    }

    /// Remembers that a stream editor puts one text in the place of another.
    pub(crate) fn substitutes(&mut self, old: String, new: String) {
        if self.substitutions.len() < limits::REMARKS {
            self.hold(old.len() + new.len());
            self.substitutions.push((old, new));
        }
    }

    /// What stream editors put in the place of what.
    pub(crate) fn substitutions(&self) -> Vec<(String, String)> {
        self.substitutions.clone()
    }

    /// The files that a program changes in place, as far as their paths are known.
    pub(crate) fn edited_by(&self, program: &str) -> Vec<Value> {
        let by = |effect: &&Effect| {
            effect.kind == EffectKind::Write
                && effect.text(ringfence_action::Attr::By) == Some(program)
                && !effect.is(ringfence_action::Attr::Content)
        };
        let edited = self.found.effects.iter().filter(by).take(limits::REMARKS);
        edited
            .filter_map(|effect| match &effect.target {
                Target::Known(path) => Some(Value::Known(path.clone())),
                Target::Pattern(path) => Some(Value::Pattern(path.clone())),
                Target::OneOf(_) | Target::Unknown => None,
            })
            .collect()
    }

    /// Whether code from the network runs by what was found since then.
    pub(crate) fn fetches_code_since(&self, found: usize) -> bool {
        let new = self.found().saturating_sub(found);
        self.found.effects.iter().rev().take(new).any(|it| it.kind == EffectKind::DownloadExec)
    }

    /// Whether it runs what an earlier part of this action put into a scratch folder: a build, a script.
    fn builds(&self, run: &Effect) -> bool {
        use ringfence_action::Attr;
        run.text(Attr::Place) == Some("temp")
            && self
                .found
                .effects
                .iter()
                .any(|effect| effect.kind == EffectKind::Write && effect.target == run.target)
    }

    /// What an earlier part of this action wrote is not there any more where its file is deleted, or
    /// other files arrive in its folder.
    fn outdate(&mut self, effect: &Effect) {
        let changes = match effect.kind {
            // What is moved arrives elsewhere as it was.
            EffectKind::Delete => effect.text(ringfence_action::Attr::Op) != Some("move"),
            EffectKind::Write => effect.is(ringfence_action::Attr::Recursive),
            _ => false,
        };
        if !changes || self.written.is_empty() || effect.is(ringfence_action::Attr::Content) {
            return;
        }
        let target = effect.target.text();
        let fixed = target.split(['*', '?', '[']).next().unwrap_or_default().trim_end_matches('/');
        if !fixed.starts_with('/') {
            return;
        }
        for (path, content) in &mut self.written {
            if ringfence_action::path::is_within(fixed, path) {
                *content = Data::Unknown;
            }
        }
    }

    /// The program that an earlier part of this action put there under another name.
    pub(crate) fn renamed(&self, path: &str) -> Option<&str> {
        self.renamed.get(path).map(String::as_str)
    }

    /// Remembers what was decoded from an encoding: whoever runs it hid it from readers.
    pub(crate) fn decoded(&mut self, text: &str) {
        let text = text.trim();
        if !text.is_empty() && self.decoded.len() < limits::REMARKS {
            self.hold(text.len());
            self.decoded.push(text.to_owned());
        }
    }

    /// From where this action itself fetched the repository in which a path lies.
    fn cloned(&self, path: &str) -> Option<Value> {
        let mut fetched = self.clones.iter();
        let within =
            |(folder, _): &&(String, Value)| ringfence_action::path::is_within(folder, path);
        fetched.find(within).map(|(_, from)| from.clone())
    }

    /// A repository of somebody else arrives in this folder (absolute).
    pub(crate) fn clones_into(&mut self, folder: &str, from: Value) {
        self.clones.push((folder.to_owned(), from));
    }

    /// Takes one step; false when the budget is used up, after saying so once.
    pub(crate) fn step(&mut self, frame: &Frame, span: Span) -> bool {
        if self.exhausted() {
            self.opaque(frame, span, OpaqueReason::OutOfFuel, "more steps than are followed");
            return false;
        }
        self.fuel -= 1;
        true
    }

    /// Whether the budget is used up: what is left is not looked at.
    pub(crate) fn exhausted(&self) -> bool {
        self.fuel == 0
    }

    /// How many steps are left.
    pub(crate) fn left(&self) -> usize {
        self.fuel
    }

    /// Takes so many steps more, for work that grows with what is there.
    pub(crate) fn spend(&mut self, steps: usize) {
        self.fuel = self.fuel.saturating_sub(steps);
    }

    /// So many bytes are made of others. Too many of them use up the budget.
    pub(crate) fn hold(&mut self, bytes: usize) {
        self.held = self.held.saturating_add(bytes);
        if self.held > limits::HELD {
            self.fuel = 0;
        }
    }

    /// Whether so many bytes more of what is written may be compared with what was there; says so where
    /// it is too much.
    pub(crate) fn compares(&mut self, frame: &Frame, span: Span, bytes: usize) -> bool {
        self.compared = self.compared.saturating_add(bytes);
        let fits = bytes <= aside::MOST_BYTES && self.compared <= limits::COMPARED;
        if !fits {
            let detail = "more text is written than is compared with what was there";
            self.opaque(frame, span, OpaqueReason::TooLarge, detail);
        }
        fits
    }

    /// Runs code within code: `body` one level deeper, or an opaque remark.
    fn deeper(&mut self, frame: &Frame, span: Span, body: impl FnOnce(&mut Self)) {
        if self.depth >= limits::DEPTH {
            self.opaque(frame, span, OpaqueReason::TooDeep, "code within code within code");
            return;
        }
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }

    /// A program with its arguments is about to run. Returns what it writes to standard output.
    pub(crate) fn run(&mut self, frame: &Frame, invocation: &Invocation) -> Data {
        self.spend(PROGRAM_STEPS + invocation.argv.len());
        let mut output = Data::Unknown;
        self.deeper(frame, invocation.span(), |analyzer| {
            output = argv::run(analyzer, frame, invocation);
        });
        if let Some(known) = shell::static_output(self, frame, invocation) {
            if let Data::Text(text, _) = &known
                && shell::decodes(invocation)
            {
                self.decoded(text);
            }
            shell::copied(self, frame, invocation, &known);
            return known;
        }
        match (output, &invocation.stdin) {
            // What passes through a filter comes from where it came from.
            (Data::Unknown, Data::Network(from)) => Data::Network(from.clone()),
            (output, _) => output,
        }
    }

    /// Shell code is about to run. `stdin` is what it may read.
    pub(crate) fn shell(&mut self, frame: &Frame, code: &Word, dialect: Dialect, stdin: &Data) {
        self.each_code(frame, code, |analyzer, frame, text| {
            let other = matches!(dialect, Dialect::PowerShell | Dialect::Cmd);
            if other && !shell::readable(analyzer, frame, text) {
                return Data::Unknown;
            }
            match dialect {
                Dialect::Bash | Dialect::Posix | Dialect::Zsh => {
                    return shell::interpret(analyzer, frame, text, dialect, stdin);
                }
                Dialect::PowerShell => code::analyze(analyzer, frame, "powershell", text),
                Dialect::Cmd => code::analyze(analyzer, frame, "cmd", text),
            }
            Data::Unknown
        });
    }

    /// A shell script is about to run, started with these words: its own path first.
    pub(crate) fn shell_script(
        &mut self,
        frame: &Frame,
        code: &Word,
        dialect: Dialect,
        stdin: &Data,
        argv: &[Word],
    ) {
        self.each_code(frame, code, |analyzer, frame, text| {
            shell::script(analyzer, frame, text, dialect, stdin, argv)
        });
    }

    /// Code in another language is about to run: `python`, `javascript`, `sql`, `awk`…
    pub(crate) fn code(&mut self, frame: &Frame, language: &str, code: &Word) {
        // Which line, field or element is meant decides nothing there.
        let numbers = matches!(language, "sed" | "awk" | "jq");
        let sample = code.value.sample().filter(|_| numbers);
        let sampled = sample.map(|text| Word { value: Value::Known(text), ..code.clone() });
        self.each_code(frame, sampled.as_ref().unwrap_or(code), |analyzer, frame, text| {
            code::analyze(analyzer, frame, language, text);
            Data::Unknown
        });
    }

    /// Runs `body` for every text that the code may be, one level deeper. Returns what it prints.
    pub(crate) fn each_code(
        &mut self,
        frame: &Frame,
        code: &Word,
        body: impl Fn(&mut Self, &Frame, &str) -> Data,
    ) -> Data {
        let Some(texts) = code.value.listed() else {
            if let Some(from) = &frame.fetched {
                shell::download_exec(self, frame, code.span, from);
            }
            self.opaque(frame, code.span, OpaqueReason::DynamicCode, "the code is computed");
            return Data::Unknown;
        };
        let mut output = Data::Unknown;
        for text in texts {
            let mut inner = frame.clone();
            inner.source = frame.source.nested(text, code.span);
            inner.conditional |= texts.len() > 1;
            if self.decoded.iter().any(|decoded| text.contains(decoded.as_str())) {
                let detail = "the code stands there in an encoding";
                self.opaque(frame, code.span, OpaqueReason::DecodedCode, detail);
            }
            self.deeper(frame, code.span, |analyzer| {
                if text.len() > limits::CODE_BYTES {
                    let detail = format!("{} bytes of code", text.len());
                    analyzer.opaque(&inner, Span::new(0, 0), OpaqueReason::TooLarge, detail);
                } else {
                    output = body(analyzer, &inner, text);
                }
            });
        }
        if texts.len() == 1 { output } else { Data::Unknown }
    }
}
