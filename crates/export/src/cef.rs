//! Common Event Format in RFC 5424 frames: one event, one line, whatever is in it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::About;
use crate::entry::Entry;

/// Facility 13 (log audit), and the severity of syslog for each of ours.
fn priority(severity: u8) -> u8 {
    13 * 8 + [6, 6, 5, 4, 2].get(usize::from(severity)).copied().unwrap_or(6)
}

pub(crate) fn event(entry: &Value, about: &About) -> String {
    let entry = Entry(entry);
    let severity = entry.severity();
    let at = entry.text("/at").map(printable).unwrap_or_else(|| "-".to_owned());
    let at = if at.contains(' ') { "-".to_owned() } else { at };
    let host: String = about.host.chars().filter(char::is_ascii_graphic).take(255).collect();
    let host = if host.is_empty() { "-".to_owned() } else { host };
    let mut line = format!(
        "<{}>1 {at} {host} ringfence - audit - CEF:0|Ringfence|Ringfence|{}|{}|{}|{}|",
        priority(severity),
        header(&about.version),
        header(entry.code().unwrap_or_else(|| entry.kind())),
        header(&entry.sentence()),
        [0, 1, 3, 6, 9].get(usize::from(severity)).copied().unwrap_or(0)
    );
    let fields = [
        ("rt", Some(entry.millis().to_string())),
        ("externalId", Some(entry.seq().to_string())),
        ("cat", Some(entry.kind().to_owned())),
        ("act", entry.verdict().map(str::to_owned)),
        ("reason", entry.code().map(str::to_owned)),
        ("dhost", entry.text("/host").map(str::to_owned)),
        ("dpt", entry.number("/port").map(|port| port.to_string())),
        ("msg", entry.command().or_else(|| entry.0.pointer("/action/input").map(Value::to_string))),
        ("cs1Label", Some("agent".to_owned())),
        ("cs1", entry.text("/agent").map(str::to_owned)),
        ("cs2Label", Some("session".to_owned())),
        ("cs2", entry.text("/session").map(str::to_owned)),
        ("cs3Label", Some("tool".to_owned())),
        ("cs3", entry.tool().map(str::to_owned)),
        ("cs4Label", Some("hash".to_owned())),
        ("cs4", entry.text("/hash").map(str::to_owned)),
        ("cs5Label", Some("bundle".to_owned())),
        ("cs5", entry.text("/decision/bundle").map(str::to_owned)),
    ];
    let mut first = true;
    for (name, value) in fields {
        if let Some(value) = value {
            let space = if first { "" } else { " " };
            first = false;
            // Writing to a string does not fail.
            let _ = write!(line, "{space}{name}={}", extension(&value));
        }
    }
    line
}

/// In the header a bar ends a field, and there are no lines.
fn header(text: &str) -> String {
    printable(&text.replace(['\n', '\r'], " ")).replace('\\', "\\\\").replace('|', "\\|")
}

/// In the extension `=` ends a name, and lines have a form of their own.
fn extension(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '=' => escaped.push_str("\\="),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// What would act on a terminal, or end a line for some reader, as `\u{1b}`. Line breaks stay.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = c.is_control() && !matches!(c, '\n' | '\r')
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if hidden {
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Names, and what they are.
    type Pairs = Vec<(String, String)>;

    /// A reader of CEF, after its specification: seven fields of a header, then names and values, where a name
    /// is the word before a `=` that is not escaped.
    fn parse(line: &str) -> Option<(Vec<String>, Pairs)> {
        let cef = line.split_once("CEF:")?.1;
        let (mut fields, mut field, mut rest) = (Vec::new(), String::new(), cef.chars());
        while fields.len() < 7 {
            match rest.next()? {
                '\\' => field.push(rest.next()?),
                '|' => fields.push(std::mem::take(&mut field)),
                c => field.push(c),
            }
        }
        let mut pairs = Pairs::new();
        let (mut word, mut chars) = (String::new(), rest.peekable());
        while let Some(c) = chars.next() {
            match c {
                '\\' => word.push(match chars.next()? {
                    'n' => '\n',
                    'r' => '\r',
                    c => c,
                }),
                '=' => {
                    // What came before the last blank is the end of the value before.
                    let (value, name) = match word.rsplit_once(' ') {
                        Some((value, name)) => (value.to_owned(), name.to_owned()),
                        None => (String::new(), word.clone()),
                    };
                    if let Some((_, last)) = pairs.last_mut() {
                        *last = value;
                    }
                    pairs.push((name, String::new()));
                    word.clear();
                }
                c => word.push(c),
            }
        }
        pairs.last_mut()?.1 = word;
        Some((fields, pairs))
    }

    fn about() -> About {
        About { host: "h".into(), version: "1".into(), drafts: false }
    }

    proptest! {
        #[test]
        fn any_text_stays_in_its_field(command in any::<String>(), code in any::<String>(), tool in any::<String>(),
                                        session in "[ -~\u{80}-\u{2fff}\\\\|=\n\r]{0,40}", host in any::<String>()) {
            let entry = json!({"seq": 7, "at": "2026-11-21T10:00:00Z", "kind": "decision", "session": session,
                "action": {"tool": tool, "input": {"command": command}}, "decision": {"verdict": "deny", "code": code}});
            let line = event(&entry, &About { host, ..about() });
            prop_assert!(!line.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{line:?}");
            let (fields, pairs) = parse(&line).unwrap();
            prop_assert_eq!(&fields[..3], ["0", "Ringfence", "Ringfence"]);
            let get = |name: &str| pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone());
            let kept = |text: &str| (!text.is_empty()).then(|| printable(text));
            prop_assert_eq!(get("msg"), Some(printable(&command)));
            prop_assert_eq!(get("reason"), kept(&code));
            prop_assert_eq!(get("cs3"), kept(&tool));
            prop_assert_eq!(get("cs2"), kept(&session));
            prop_assert_eq!(get("externalId"), Some("7".to_owned()));
            let code = if code.is_empty() { "decision".to_owned() } else { code.replace(['\n', '\r'], " ") };
            prop_assert_eq!(&fields[4], &printable(&code));
        }
    }

    #[test]
    fn a_forged_event_in_a_command_is_one_field() {
        let command =
            "ls\n<110>1 - h ringfence - audit - CEF:0|Ringfence|Ringfence|1|ok|ok|0|act=allow";
        let entry = json!({"seq": 1, "at": "2026-11-21T10:00:00Z", "kind": "decision",
            "action": {"tool": "Bash", "input": {"command": command}}, "decision": {"verdict": "deny", "code": "c"}});
        let line = event(&entry, &about());
        assert_eq!(line.lines().count(), 1);
        let (_, pairs) = parse(&line).unwrap();
        let acts: Vec<_> = pairs.iter().filter(|(name, _)| name == "act").collect();
        assert_eq!(acts, [&("act".to_owned(), "deny".to_owned())]);
    }
}
