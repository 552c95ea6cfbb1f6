//! curl, wget and their like: where a request goes, what it carries, where the answer is put.

use ringfence_action::{Attr, AttrValue, EffectKind};

use crate::argv::rules::{Subject, effect};
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::value::{Span, Value, Word};

/// One connection for each URL, the files that leave with it, the file it is saved to.
pub(crate) fn handle(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Option<Data> {
    let parsed = subject.parsed;
    let urls: Vec<&Word> = parsed.all("url").collect();
    let payloads = payloads(analyzer, subject);
    let method = method(subject, &payloads);
    let (insecure, destroys) = (parsed.given("insecure"), takes_away(subject));
    for url in &urls {
        if analyzer.exhausted() {
            break;
        }
        let mut attributes = vec![
            (Attr::Method, AttrValue::Text(method.clone())),
            (Attr::Insecure, AttrValue::Flag(insecure)),
            (Attr::Upload, AttrValue::Flag(!payloads.is_empty())),
            (Attr::Destroy, AttrValue::Flag(destroys)),
        ];
        if let Some(payload) = payloads.first() {
            attributes.push((Attr::Payload, AttrValue::Text(payload.clone())));
        }
        let value = with_scheme(&url.value);
        effect(analyzer, subject, EffectKind::Net, value, url.span, attributes);
    }
    let saved = saved(analyzer, subject, &urls);
    let first = urls.first().map_or(Value::Unknown, |word| with_scheme(&word.value));
    if saved { Some(Data::None) } else { Some(Data::Network(first)) }
}

/// Whether the body is a GraphQL mutation whose name says that something goes away.
fn takes_away(subject: &Subject<'_>) -> bool {
    let bodies = subject.parsed.all("data").chain(subject.parsed.all("raw_data"));
    let texts = bodies.filter_map(|word| word.value.as_known());
    texts.filter(|text| text.contains("mutation")).any(|text| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_').any(crate::tools::takes_away)
    })
}

/// What content of this machine the request carries, as paths or `stdin`. Text that was written on
/// the command line is not content of the machine.
fn payloads(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) -> Vec<String> {
    let parsed = subject.parsed;
    let mut payloads = Vec::new();
    let mut file = |analyzer: &mut Analyzer<'_>, value: Value, span: Span| {
        if matches!(value.as_known(), Some("-" | ".")) {
            if !matches!(subject.invocation.stdin, Data::Text(..) | Data::None) {
                payloads.push("stdin".to_owned());
            }
            return;
        }
        let shown = crate::paths::locate(analyzer, subject.frame, &value).to_string();
        effect(analyzer, subject, EffectKind::Read, value, span, Vec::new());
        payloads.push(shown);
    };
    for word in parsed.all("data") {
        if let Some(value) = after(word, "@") {
            file(analyzer, value, word.span);
        }
    }
    for word in parsed.all("form") {
        let part = after_first(word, "=@").or_else(|| after_first(word, "=<"));
        if let Some(value) = part {
            let value = match &value {
                Value::Known(text) => Value::known(text.split(';').next().unwrap_or(text)),
                _ => value,
            };
            file(analyzer, value, word.span);
        }
    }
    for word in parsed.all("upload") {
        file(analyzer, word.value.clone(), word.span);
    }
    // Text that the shell computed from elsewhere may be anything, a secret too.
    let computed = parsed.all("data").chain(parsed.all("form")).find(|word| {
        matches!(word.value, Value::Unknown | Value::Pattern(_)) && after(word, "@").is_none()
    });
    if payloads.is_empty() && computed.is_some() {
        payloads.push("computed".to_owned());
    }
    payloads
}

fn after(word: &Word, mark: &str) -> Option<Value> {
    let (Value::Known(text) | Value::Pattern(text)) = &word.value else { return None };
    text.strip_prefix(mark).map(|rest| as_value(word, rest))
}

fn after_first(word: &Word, mark: &str) -> Option<Value> {
    let (Value::Known(text) | Value::Pattern(text)) = &word.value else { return None };
    text.split_once(mark).map(|(_, rest)| as_value(word, rest))
}

fn as_value(word: &Word, text: &str) -> Value {
    match &word.value {
        Value::Pattern(_) if text == "**" => Value::Unknown,
        Value::Pattern(_) if text.contains(['*', '?', '[']) => Value::Pattern(text.to_owned()),
        _ => Value::known(text),
    }
}

fn method(subject: &Subject<'_>, payloads: &[String]) -> String {
    let parsed = subject.parsed;
    if let Some(word) = parsed.last("method") {
        return word.value.as_known().unwrap_or("?").to_ascii_uppercase();
    }
    let method = if parsed.given("head") {
        "HEAD"
    } else if parsed.given("upload") {
        "PUT"
    } else if parsed.given("get") {
        "GET"
    } else if parsed.given("data") || parsed.given("form") || !payloads.is_empty() {
        "POST"
    } else {
        "GET"
    };
    method.to_owned()
}

/// `example.com/x` is `http://example.com/x`.
fn with_scheme(value: &Value) -> Value {
    match value {
        Value::Known(text) if !text.contains("://") => {
            let text = text
                .strip_prefix(':')
                .map_or_else(|| text.clone(), |rest| format!("localhost:{rest}"));
            Value::known(format!("http://{text}"))
        }
        _ => value.clone(),
    }
}

/// Records the files that the answer is put into. Returns whether there are any.
fn saved(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>, urls: &[&Word]) -> bool {
    let parsed = subject.parsed;
    let from = urls.first().map_or(Value::Unknown, |word| with_scheme(&word.value));
    let mut saved = false;
    let folder = parsed.last("folder").map(|word| word.value.clone());
    let within = |value: Value| match &folder {
        Some(folder) => folder.concat(&Value::known("/")).concat(&value),
        None => value,
    };
    let mut write = |analyzer: &mut Analyzer<'_>, value: Value, span: Span| {
        if let Some(path) = crate::paths::locate(analyzer, subject.frame, &value).as_known() {
            analyzer.wrote(path, Data::Network(from.clone()));
        }
        effect(analyzer, subject, EffectKind::Write, value, span, Vec::new());
        saved = true;
    };
    let to_terminal = |word: &Word| matches!(word.value.as_known(), Some("-" | "/dev/stdout"));
    let mut shown = false;
    for word in parsed.all("output") {
        if to_terminal(word) {
            shown = true;
        } else {
            write(analyzer, within(word.value.clone()), word.span);
        }
    }
    // `wget` saves under the name in the address unless it is told otherwise.
    let by_default = parsed.name == "wget" && !parsed.given("output") && !parsed.given("spider");
    if !shown && (by_default || parsed.given("remote_name") || parsed.given("always_saves")) {
        for url in urls {
            if analyzer.exhausted() {
                break;
            }
            let name = match &url.value {
                Value::Known(text) => {
                    let path = text.split(['?', '#']).next().unwrap_or(text);
                    Value::known(ringfence_action::path::base_name(path))
                }
                _ => Value::Unknown,
            };
            write(analyzer, within(name), url.span);
        }
    }
    saved
}
