//! The notation of rules, `CONDITION -> KIND TARGET ATTRIBUTE… @SCOPE`, turned into the Rust text of
//! the runtime's own types.

use ringfence_action::{Attr, AttrType, EffectKind, OpaqueReason};

use super::names::Names;
use super::tables::Tables;

/// One line of `effects` as the text of a `Rule`.
pub(crate) fn rule(line: &str, names: &Names, tables: &mut Tables) -> Result<String, String> {
    let (when, body) = guarded(line);
    let when = match when {
        Some(text) => format!("Some({})", condition(text, names, tables)?),
        None => "None".to_owned(),
    };
    let mut words = split(body)?;
    let scope = match words.last().and_then(|word| word.strip_prefix('@')) {
        Some(scope) => {
            let scope = scope_of(scope, names, tables)?;
            words.pop();
            format!("Some({scope})")
        }
        None => "None".to_owned(),
    };
    let what = what(&words, names, tables)?;
    Ok(format!("Rule {{ when: {when}, what: {what}, scope: {scope} }}"))
}

/// Splits `CONDITION -> BODY`.
pub(crate) fn guarded(line: &str) -> (Option<&str>, &str) {
    match line.split_once("->") {
        Some((when, body)) => (Some(when.trim()), body.trim()),
        None => (None, line.trim()),
    }
}

fn what(words: &[String], names: &Names, tables: &mut Tables) -> Result<String, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["run", target] => Ok(format!("What::Run({})", single(target, names)?)),
        ["shell", code] => Ok(format!("What::Shell({})", template(code, names, tables)?)),
        ["code", language, code] => {
            let (language, code) = (tables.text(language), template(code, names, tables)?);
            Ok(format!("What::Code({language}, {code})"))
        }
        ["script", language, file] => {
            let (language, file) = (tables.text(language), template(file, names, tables)?);
            Ok(format!("What::Script({language}, {file})"))
        }
        ["stdin", language] => Ok(format!("What::Stdin({})", tables.text(language))),
        ["out", "stdin"] => Ok("What::Out(Output::Stdin, Template(List::at(0, 0)))".to_owned()),
        ["out", "setup"] => Ok("What::Out(Output::Setup, Template(List::at(0, 0)))".to_owned()),
        ["out", "none"] => Ok("What::Out(Output::None, Template(List::at(0, 0)))".to_owned()),
        ["out", "network", from] => {
            Ok(format!("What::Out(Output::Network, {})", template(from, names, tables)?))
        }
        ["out", "file", from] => {
            Ok(format!("What::Out(Output::File, {})", template(from, names, tables)?))
        }
        ["out", "text", text] => {
            Ok(format!("What::Out(Output::Text, {})", template(text, names, tables)?))
        }
        ["out", "filtered", from] => {
            Ok(format!("What::Out(Output::Filtered, {})", template(from, names, tables)?))
        }
        ["opaque", reason, detail @ ..] => {
            let known = OpaqueReason::ALL.iter().find(|known| known.as_str() == *reason);
            let known = known.ok_or_else(|| format!("`{reason}` is not a reason to be opaque"))?;
            let detail = tables.text(&detail.join(" "));
            Ok(format!("What::Opaque(OpaqueReason::{known:?}, {detail})"))
        }
        [kind, rest @ ..] => effect(kind, rest, names, tables),
        [] => Err("an empty rule".to_owned()),
    }
}

fn effect(kind: &str, rest: &[&str], names: &Names, tables: &mut Tables) -> Result<String, String> {
    let kind = EffectKind::from_name(kind).ok_or_else(|| {
        format!(
            "`{kind}` is neither a kind of effect nor one of run, shell, code, script, stdin, out, opaque"
        )
    })?;
    let [target, attributes @ ..] = rest else {
        return Err(format!("`{kind}` needs a target; write `?` where it is not known"));
    };
    let target = template(target, names, tables)?;
    let mut settings = Vec::new();
    for attribute in attributes {
        settings.push(setting(kind, attribute, names, tables)?);
    }
    let settings = tables.list("SETTINGS", settings);
    Ok(format!(
        "What::Effect {{ kind: EffectKind::{kind:?}, target: {target}, settings: {settings} }}"
    ))
}

/// `recursive`, `force?yes`, `op=push`, `version={version}`, `discards=changes,untracked`.
fn setting(
    kind: EffectKind,
    text: &str,
    names: &Names,
    tables: &mut Tables,
) -> Result<String, String> {
    let end = text.find(['=', '?']).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let attr = Attr::from_name(name).ok_or_else(|| format!("`{name}` is not an attribute"))?;
    if !attr.fits(kind) {
        return Err(format!("`{name}` is no attribute of `{kind}`"));
    }
    let value = match (attr.value_type(), rest.split_at_checked(1)) {
        (AttrType::Flag, Some(("?", ""))) => {
            format!("Setting::FlagIf({})", condition(name, names, tables)?)
        }
        (AttrType::Flag, Some(("?", test))) => {
            format!("Setting::FlagIf({})", condition(test, names, tables)?)
        }
        (AttrType::Flag, _) if rest.is_empty() => "Setting::Flag".to_owned(),
        (AttrType::Text, Some(("=", value))) => {
            format!("Setting::Text({})", template(value, names, tables)?)
        }
        (AttrType::Set, Some(("=", value))) => {
            format!("Setting::Set({})", tables.texts(value.split(',')))
        }
        (AttrType::Count, Some(("=", value))) => {
            format!("Setting::Count({})", template(value, names, tables)?)
        }
        _ => return Err(format!("`{text}` does not fit the type of `{name}`")),
    };
    Ok(format!("(Attr::{attr:?}, {value})"))
}

fn scope_of(text: &str, names: &Names, tables: &mut Tables) -> Result<String, String> {
    let (kind, place) = match text.split_once('(') {
        Some((kind, place)) => (kind, place.strip_suffix(')').unwrap_or(place)),
        None => (text, ""),
    };
    let kind = match kind {
        "container" => "Container",
        "remote" => "Remote",
        "cluster" => "Cluster",
        other => return Err(format!("`@{other}` is not a scope")),
    };
    Ok(format!("(ScopeKind::{kind}, {})", template(place, names, tables)?))
}

/// The one name in `{name}`.
fn single(text: &str, names: &Names) -> Result<u8, String> {
    let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    names.find(name.ok_or_else(|| format!("`{text}` should be one {{name}}"))?)
}

/// Text with `{name}`, `{name|filter}`, `{name:default}` in it.
pub(crate) fn template(text: &str, names: &Names, tables: &mut Tables) -> Result<String, String> {
    if text == "?" {
        let pieces = tables.list("PIECES", vec!["Piece::Anything".to_owned()]);
        return Ok(format!("Template({pieces})"));
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        if !literal.is_empty() {
            pieces.push(format!("Piece::Text({})", tables.text(literal)));
        }
        let (inside, after) =
            after.split_once('}').ok_or_else(|| format!("`{{` is not closed in `{text}`"))?;
        let (inside, default) = match inside.split_once(':') {
            Some((inside, default)) => (inside, Some(default)),
            None => (inside, None),
        };
        let (name, filter) = match inside.split_once('|') {
            Some((name, filter)) => (name, filter),
            None => (inside, ""),
        };
        let filter = match filter {
            "" => "None",
            "host" => "Host",
            "path" => "Path",
            "environment" => "Environment",
            "upper" => "Upper",
            "base" => "Base",
            "object" => "Object",
            "repository" => "Repository",
            "file" => "File",
            other => return Err(format!("`{other}` is not a filter")),
        };
        let slot = names.find(name)?;
        let default = match default {
            Some(text) => format!("Some({})", tables.text(text)),
            None => "None".to_owned(),
        };
        pieces.push(format!(
            "Piece::Slot {{ slot: {slot}, filter: Filter::{filter}, default: {default} }}"
        ));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(format!("Piece::Text({})", tables.text(rest)));
    }
    Ok(format!("Template({})", tables.list("PIECES", pieces)))
}

/// `a & !b | (c=x & d~*y)`; `&` binds closer than `|`.
pub(crate) fn condition(text: &str, names: &Names, tables: &mut Tables) -> Result<String, String> {
    let mut parser = Parser { rest: text.trim(), names, tables };
    let parsed = parser.any()?;
    if parser.rest.is_empty() {
        Ok(parsed)
    } else {
        Err(format!("`{}` is left over in the condition `{text}`", parser.rest))
    }
}

struct Parser<'a> {
    rest: &'a str,
    names: &'a Names,
    tables: &'a mut Tables,
}

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<String, String> {
        let mut terms = vec![self.all()?];
        while self.eat("|") {
            terms.push(self.all()?);
        }
        Ok(self.joined("Any", terms))
    }

    fn all(&mut self) -> Result<String, String> {
        let mut terms = vec![self.term()?];
        while self.eat("&") {
            terms.push(self.term()?);
        }
        Ok(self.joined("All", terms))
    }

    fn term(&mut self) -> Result<String, String> {
        if self.eat("!") {
            let term = self.term()?;
            return Ok(format!("Cond::Not({})", self.tables.row("CONDITIONS", term)));
        }
        if self.eat("(") {
            let inner = self.any()?;
            return if self.eat(")") { Ok(inner) } else { Err("`(` is not closed".to_owned()) };
        }
        let name = self.word(|c| c.is_ascii_alphanumeric() || c == '_');
        if name == "stdin" {
            return Ok("Cond::Stdin".to_owned());
        }
        if name == "rehomed" {
            return Ok("Cond::Rehomed".to_owned());
        }
        let slot = self.names.find(name)?;
        if self.eat("=") {
            let value = self.value();
            return Ok(format!("Cond::Is({slot}, {})", self.tables.text(&value)));
        }
        if self.eat("~") {
            let value = self.value();
            return Ok(format!("Cond::Like({slot}, {})", self.tables.text(&value)));
        }
        Ok(format!("Cond::Has({slot})"))
    }

    fn joined(&mut self, kind: &str, mut terms: Vec<String>) -> String {
        match terms.len() {
            1 => terms.pop().unwrap_or_default(),
            _ => format!("Cond::{kind}({})", self.tables.list("CONDITIONS", terms)),
        }
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What a name is compared with: up to a blank, `&`, `|` or `)`. The last three stand for
    /// themselves after a backslash, which before anything else is one, as in paths of Windows.
    fn value(&mut self) -> String {
        let mut value = String::new();
        let mut chars = self.rest.chars();
        loop {
            let rest = chars.as_str();
            match chars.next() {
                Some('\\') if chars.as_str().starts_with(['&', '|', ')']) => {
                    value.extend(chars.next());
                }
                Some(c) if !matches!(c, '&' | '|' | ')' | ' ') => value.push(c),
                Some(_) | None => {
                    self.rest = rest.trim_start();
                    return value;
                }
            }
        }
    }

    fn word(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !accept(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        word
    }
}

/// Splits at blanks; `"…"` keeps them, anywhere in a word.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let (mut word, mut started, mut quoted) = (String::new(), false, false);
    for c in text.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                started = true;
            }
            c if c.is_whitespace() && !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                    started = false;
                }
            }
            c => {
                word.push(c);
                started = true;
            }
        }
    }
    if quoted {
        return Err(format!("a quote is not closed in `{text}`"));
    }
    if started {
        words.push(word);
    }
    Ok(words)
}
