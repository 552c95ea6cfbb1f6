//! JavaScript and TypeScript: a careful scan over tokens.
//!
//! Not a parser: every name that begins a chain of members and calls is followed, with what imports and
//! constants say about it. Calls that matter become effects; code that is computed is opaque.

mod calls;
mod lex;

use std::collections::HashMap;

use ringfence_action::{OpaqueReason, Target};

use crate::context::{Analyzer, Frame, limits};
use crate::paths;
use crate::value::{Span, Value};
use lex::{Text, Token};

/// What an expression may be.
#[derive(Debug, Clone, PartialEq)]
enum Js {
    Text(Value),
    /// A module, or something in it, by dotted name: `fs`, `child_process.exec`, `process.env`.
    Name(String),
    List(Vec<Js>),
    Unknown,
}

impl Js {
    fn value(&self) -> Value {
        match self {
            Self::Text(value) => value.clone(),
            Self::Name(_) | Self::List(_) | Self::Unknown => Value::Unknown,
        }
    }
}

type Tokens<'t> = &'t [(Token, Span)];

/// Scans a program, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let tokens = lex::tokens(code);
    if !is_shallow(&tokens) {
        let span = Span::new(0, code.len());
        return analyzer.opaque(frame, span, OpaqueReason::TooDeep, "deeply nested javascript");
    }
    let mut scan = Scan { analyzer, frame: frame.clone(), names: HashMap::new() };
    scan.learn(&tokens);
    scan.all(&tokens, 0);
}

struct Scan<'s, 'a> {
    analyzer: &'s mut Analyzer<'a>,
    frame: Frame,
    names: HashMap<String, Js>,
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

/// Brackets within brackets that are followed: every level is read again from each level above it.
const MAX_BRACKETS: usize = 100;

fn is_shallow(tokens: Tokens<'_>) -> bool {
    let mut depth = 0usize;
    tokens.iter().all(|(token, _)| {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Token::Text(text) => return text.inner.iter().all(|inner| is_shallow(inner)),
            Token::Sign(_) | Token::Name(_) | Token::Number(_) => {}
        }
        depth <= MAX_BRACKETS
    })
}

/// Nesting of expressions that is followed; deeper ones are unknown.
const MAX_DEPTH: usize = 40;

impl Scan<'_, '_> {
    /// What imports and constants give names to.
    fn learn(&mut self, tokens: Tokens<'_>) {
        for (index, (token, _)) in tokens.iter().enumerate() {
            let rest = tokens.get(index + 1..).unwrap_or_default();
            match token {
                Token::Name(word) if word == "import" => self.learn_import(rest),
                Token::Name(word) if matches!(word.as_str(), "const" | "let" | "var") => {
                    self.learn_declaration(rest);
                }
                _ => {}
            }
        }
    }

    /// `import a, { b as c } from 'm'`, `import * as a from 'm'`.
    fn learn_import(&mut self, tokens: Tokens<'_>) {
        let from =
            tokens.iter().take(200).position(|(token, _)| *token == Token::Name("from".to_owned()));
        let Some(from) = from else { return };
        let Some((Token::Text(text), _)) = tokens.get(from + 1) else { return };
        let Some(module) = text.literal().map(module) else { return };
        let clause = tokens.get(..from).unwrap_or_default();
        let mut members = false;
        let mut previous: Option<&str> = None;
        let mut renames = false;
        for (token, _) in clause {
            match token {
                Token::Sign('{') => members = true,
                Token::Sign('}') => members = false,
                Token::Name(word) if word == "as" => renames = true,
                Token::Name(word) => {
                    let value = match (members, renames, previous) {
                        (true, true, Some(original)) => inside(&module, original),
                        (true, ..) => inside(&module, word),
                        (false, ..) => module.clone(),
                    };
                    self.names.insert(word.clone(), Js::Name(value));
                    previous = Some(word);
                    renames = false;
                }
                _ => {}
            }
        }
    }

    /// `const a = …`, `const { b: c } = …`.
    fn learn_declaration(&mut self, tokens: Tokens<'_>) {
        match tokens.first() {
            Some((Token::Name(name), _)) => {
                let Some(at) = equals(tokens) else { return };
                let value = self.expression(tokens.get(at + 1..).unwrap_or_default(), 0);
                let value = if is_long(&value) { Js::Unknown } else { value };
                let known = self.names.insert(name.clone(), value.clone());
                if known.is_some_and(|known| known != value) {
                    self.names.insert(name.clone(), Js::Unknown);
                }
            }
            Some((Token::Sign('{'), _)) => {
                let Some(close) = tokens.iter().position(|(token, _)| *token == Token::Sign('}'))
                else {
                    return;
                };
                let Some(at) = equals(tokens.get(close..).unwrap_or_default()) else { return };
                let value = self.expression(tokens.get(close + at + 1..).unwrap_or_default(), 0);
                let Js::Name(base) = value else { return };
                let inner = tokens.get(1..close).unwrap_or_default();
                for part in inner.split(|(token, _)| *token == Token::Sign(',')) {
                    let names: Vec<&String> = part
                        .iter()
                        .filter_map(|(token, _)| match token {
                            Token::Name(name) => Some(name),
                            _ => None,
                        })
                        .collect();
                    if let (Some(member), Some(name)) = (names.first(), names.last()) {
                        self.names.insert((*name).clone(), Js::Name(inside(&base, member)));
                    }
                }
            }
            _ => {}
        }
    }

    /// Follows every chain in these tokens.
    fn all(&mut self, tokens: Tokens<'_>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for (index, (token, span)) in tokens.iter().enumerate() {
            let frame = self.frame.clone();
            if !self.analyzer.step(&frame, *span) {
                return;
            }
            match token {
                Token::Name(_) if !is_member(tokens, index) => {
                    self.chain(tokens.get(index..).unwrap_or_default(), true, 0);
                }
                Token::Text(text) => {
                    for inner in &text.inner {
                        self.all(inner, depth + 1);
                    }
                }
                _ => {}
            }
        }
    }

    /// A chain from its first name on: `a.b(c)["d"](e)`. Returns what it may be and how many tokens it
    /// takes; records its effects if `record`.
    fn chain(&mut self, tokens: Tokens<'_>, record: bool, depth: usize) -> (Js, usize) {
        let Some((Token::Name(first), span)) = tokens.first() else { return (Js::Unknown, 1) };
        if depth > MAX_DEPTH {
            return (Js::Unknown, tokens.len());
        }
        let mut at = 1;
        let mut span = *span;
        let mut value = match first.as_str() {
            "await" | "new" | "void" | "typeof" => {
                let rest = tokens.get(1..).unwrap_or_default();
                // The chain behind it is followed when its own name's turn comes.
                let (value, taken) = self.chain(rest, false, depth + 1);
                return (value, taken + 1);
            }
            "globalThis" | "window" | "global" | "self" | "this" => Js::Name(String::new()),
            name => self.names.get(name).cloned().unwrap_or_else(|| Js::Name(name.to_owned())),
        };
        while let Some((token, here)) = tokens.get(at) {
            match token {
                Token::Sign('?') if tokens.get(at + 1).map(|t| &t.0) == Some(&Token::Sign('.')) => {
                    at += 1
                }
                Token::Sign('!') if tokens.get(at + 1).map(|t| &t.0) == Some(&Token::Sign('.')) => {
                    at += 1
                }
                Token::Sign('.') => {
                    let Some((Token::Name(member), end)) = tokens.get(at + 1) else {
                        // `a?.[x]`, `a?.(x)`
                        at += 1;
                        continue;
                    };
                    span = span.cover(*end);
                    if record {
                        calls::member_read(self, span, &value, member);
                    }
                    value = self.member(&value, member);
                    at += 2;
                }
                Token::Sign('[') => {
                    let close = closing(tokens, at);
                    let inside = tokens.get(at + 1..close).unwrap_or_default();
                    let key = self.expression(inside, depth + 1);
                    let called = matches!(tokens.get(close + 1), Some((Token::Sign('('), _)));
                    value = match (key, &value) {
                        (Js::Text(Value::Known(member)), _) => {
                            if record {
                                calls::member_read(self, span, &value, &member);
                            }
                            self.member(&value, &member)
                        }
                        (_, Js::Name(base)) if record && called && calls::is_sensitive(base) => {
                            self.opaque(
                                span,
                                OpaqueReason::DynamicCode,
                                "a function whose name is computed",
                            );
                            Js::Unknown
                        }
                        _ => Js::Unknown,
                    };
                    at = close + 1;
                }
                Token::Sign('(') => {
                    let close = closing(tokens, at);
                    let inside = tokens.get(at + 1..close).unwrap_or_default();
                    let arguments: Vec<Tokens<'_>> = split(inside);
                    let end = tokens.get(close).map_or(*here, |(_, span)| *span);
                    let whole = span.cover(end);
                    if record {
                        calls::call(self, whole, &value, &arguments);
                    }
                    value = self.returned(&value, &arguments, depth);
                    at = close + 1;
                }
                Token::Text(text) if text.template => {
                    if record {
                        calls::tagged(self, *here, &value, text);
                    }
                    value = Js::Unknown;
                    at += 1;
                }
                _ => break,
            }
        }
        (value, at)
    }

    fn member(&self, base: &Js, name: &str) -> Js {
        match base {
            Js::Name(base) if base.is_empty() => Js::Name(name.to_owned()),
            Js::Name(base) if base == "process.env" && matches!(name, "HOME" | "USERPROFILE") => {
                Js::Text(paths::home(self.analyzer.action))
            }
            Js::Name(base) => Js::Name(inside(base, name)),
            Js::Text(_) if name == "length" => Js::Unknown,
            Js::Text(value) => {
                Js::List(vec![Js::Name(format!("text.{name}")), Js::Text(value.clone())])
            }
            Js::List(_) | Js::Unknown => Js::Name(format!("?.{name}")),
        }
    }

    /// What a call gives.
    fn returned(&mut self, callee: &Js, arguments: &[Tokens<'_>], depth: usize) -> Js {
        let argument = |scan: &mut Self, index: usize| {
            arguments.get(index).map_or(Js::Unknown, |tokens| scan.expression(tokens, depth + 1))
        };
        // A method of a text: the text stands beside the method's name.
        if let Js::List(items) = callee
            && let [Js::Name(method), text] = items.as_slice()
        {
            return match method.as_str() {
                "text.trim" | "text.toString" | "text.normalize" => text.clone(),
                _ => Js::Text(Value::Unknown),
            };
        }
        let Js::Name(name) = callee else { return Js::Unknown };
        match name.as_str() {
            "require" | "import" => match argument(self, 0) {
                Js::Text(Value::Known(name)) => Js::Name(module(&name)),
                _ => Js::Unknown,
            },
            "path.join" | "path.resolve" | "path.posix.join" => {
                let mut path = argument(self, 0).value();
                for index in 1..arguments.len() {
                    let part = argument(self, index).value();
                    path = path.concat(&Value::known("/")).concat(&part);
                }
                Js::Text(path)
            }
            "os.homedir" => Js::Text(paths::home(self.analyzer.action)),
            "os.tmpdir" => Js::Text(Value::known("/tmp")),
            "process.cwd" => Js::Text(self.frame.cwd.clone()),
            "String" | "String.raw" | "encodeURIComponent" | "URL" => argument(self, 0),
            "atob" => match argument(self, 0) {
                Js::Text(Value::Known(text)) => decoded(&text),
                _ => Js::Unknown,
            },
            "Buffer.from" => match (argument(self, 0), argument(self, 1)) {
                (Js::Text(Value::Known(text)), Js::Text(Value::Known(kind)))
                    if kind == "base64" =>
                {
                    decoded(&text)
                }
                (text @ Js::Text(_), Js::Unknown) => text,
                _ => Js::Unknown,
            },
            "util.promisify" | "promisify" => argument(self, 0),
            _ => Js::Unknown,
        }
    }

    /// An expression up to where it ends: texts, names and what `+` makes of them.
    fn expression(&mut self, tokens: Tokens<'_>, depth: usize) -> Js {
        if depth > MAX_DEPTH {
            return Js::Unknown;
        }
        let mut at = 0;
        let mut sum: Option<Js> = None;
        loop {
            let (value, taken) = match tokens.get(at) {
                None => break,
                Some((Token::Text(text), _)) => {
                    let value = Js::Text(self.text(text, depth));
                    match tokens.get(at + 1) {
                        // A method of a literal.
                        Some((Token::Sign('.' | '['), _)) => {
                            let (method, called) = (tokens.get(at + 2), tokens.get(at + 3));
                            let keeps = matches!(method, Some((Token::Name(name), _)) if matches!(name.as_str(), "trim" | "toString"));
                            let close = called.map_or(at + 3, |_| closing(tokens, at + 3));
                            (if keeps { value } else { Js::Text(Value::Unknown) }, close + 1 - at)
                        }
                        _ => (value, 1),
                    }
                }
                Some((Token::Number(number), _)) => (Js::Text(Value::known(number.as_str())), 1),
                Some((Token::Name(_), _)) => {
                    self.chain(tokens.get(at..).unwrap_or_default(), false, depth + 1)
                }
                Some((Token::Sign('['), _)) => {
                    let close = closing(tokens, at);
                    let inside = tokens.get(at + 1..close).unwrap_or_default();
                    let items =
                        split(inside).into_iter().map(|item| self.expression(item, depth + 1));
                    (Js::List(items.collect()), close + 1 - at)
                }
                Some((Token::Sign('('), _)) => {
                    let close = closing(tokens, at);
                    let inside = tokens.get(at + 1..close).unwrap_or_default();
                    (self.expression(inside, depth + 1), close + 1 - at)
                }
                Some((Token::Sign(_), _)) => return Js::Unknown,
            };
            at += taken;
            sum = Some(match sum {
                None => value,
                Some(sum) => Js::Text(sum.value().concat(&value.value())),
            });
            match tokens.get(at) {
                Some((Token::Sign('+'), _)) => at += 1,
                // Either side may be it.
                Some((Token::Sign('|' | '?' | '&'), _)) => return Js::Unknown,
                _ => break,
            }
        }
        sum.unwrap_or(Js::Unknown)
    }

    fn text(&mut self, text: &Text, depth: usize) -> Value {
        let mut pieces = text.pieces.iter();
        let mut value = pieces.next().map_or(Value::known(""), |piece| lex::piece(piece));
        for (inner, piece) in text.inner.iter().zip(pieces) {
            let middle = self.expression(inner, depth + 1).value();
            value = value.concat(&middle).concat(&lex::piece(piece));
        }
        value
    }

    fn opaque(&mut self, span: Span, reason: OpaqueReason, detail: &str) {
        let frame = self.frame.clone();
        self.analyzer.opaque(&frame, span, reason, format!("javascript: {detail}"));
    }

    fn target(&self, path: &Value) -> Target {
        paths::locate(self.analyzer, &self.frame, path)
    }
}

/// Texts that double and double are not kept.
fn is_long(value: &Js) -> bool {
    matches!(value, Js::Text(Value::Known(text) | Value::Pattern(text)) if text.len() > limits::CODE_BYTES)
}

fn decoded(text: &str) -> Js {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.map_or(Js::Unknown, |text| Js::Text(Value::Known(text)))
}

/// Where `=` stands in a declaration, past a type in between.
fn equals(tokens: Tokens<'_>) -> Option<usize> {
    tokens
        .iter()
        .take(40)
        .take_while(|(token, _)| !matches!(token, Token::Sign(';')))
        .position(|(token, _)| *token == Token::Sign('='))
}

fn is_member(tokens: Tokens<'_>, index: usize) -> bool {
    let before = |back: usize| index.checked_sub(back).and_then(|at| tokens.get(at)).map(|t| &t.0);
    // `...spread` is no member.
    before(1) == Some(&Token::Sign('.')) && before(2) != Some(&Token::Sign('.'))
}

/// The index of the sign that closes the bracket at `open`; the last token if nothing does.
fn closing(tokens: Tokens<'_>, open: usize) -> usize {
    let mut depth = 0usize;
    for (index, (token, _)) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}

/// Arguments or items: cut at commas outside brackets.
fn split(tokens: Tokens<'_>) -> Vec<Tokens<'_>> {
    let mut parts = Vec::new();
    let mut depth = 0usize;
    let mut from = 0;
    for (index, (token, _)) in tokens.iter().enumerate() {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Token::Sign(',') if depth == 0 => {
                parts.push(tokens.get(from..index).unwrap_or_default());
                from = index + 1;
            }
            _ => {}
        }
    }
    let last = tokens.get(from..).unwrap_or_default();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}
