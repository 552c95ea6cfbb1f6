//! What is fuzzed, and what must hold: `cargo fuzz` calls these with what it finds interesting, and
//! `cargo xtask fuzz-smoke` with mutations of commands, on a stable compiler.

use ringfence_action::{Action, Call, Dialect, OpaqueReason, Text};
use ringfence_analysis::Analysis;
use serde_json::json;

/// A target and its name: bytes in, an answer or a panic out.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All of them.
pub(crate) const TARGETS: [Target; 9] = [
    ("shell", shell),
    ("argv", argv),
    ("python", python),
    ("javascript", javascript),
    ("sql", sql),
    ("powershell", powershell),
    ("scripts", scripts),
    ("action", action),
    ("probe", probe),
];

/// Any text as a command of each shell.
pub(crate) fn shell(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for dialect in [Dialect::Bash, Dialect::Zsh, Dialect::Posix] {
        holds(&analyze(&text, dialect));
    }
}

/// Any words as a program and its arguments, one a line.
pub(crate) fn argv(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words = text.lines().map(|word| format!("'{}'", word.replace('\'', r"'\''")));
    holds(&analyze(&words.collect::<Vec<_>>().join(" "), Dialect::Bash));
}

/// Any text as code of Python.
pub(crate) fn python(bytes: &[u8]) {
    document("python3 -", bytes);
}

/// Any text as code of JavaScript.
pub(crate) fn javascript(bytes: &[u8]) {
    document("node -", bytes);
}

/// Any text as statements of SQL.
pub(crate) fn sql(bytes: &[u8]) {
    document("psql app", bytes);
}

/// Any text as a script of PowerShell.
pub(crate) fn powershell(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace('\'', "\"");
    holds(&analyze(&format!("pwsh -Command '{text}'"), Dialect::Bash));
}

/// Any text as a program of each language that is only scanned.
pub(crate) fn scripts(bytes: &[u8]) {
    for program in ["perl -", "ruby -", "php --", "awk -f - x", "sed -f - x"] {
        document(program, bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    holds(&analyze(&text, Dialect::Cmd));
}

/// Any bytes as an action: refused with a message, or read, normalised and analysed to the end.
pub(crate) fn action(bytes: &[u8]) {
    if let Ok(action) = Action::from_json(bytes) {
        let call = ringfence_adapters::normalize(&action);
        holds(&ringfence_analysis::analyze(&action, &call));
    }
}

/// Any text as what a tool returned: spans stay within it, and scores are shares.
pub(crate) fn probe(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let report = ringfence_classify::probe::scan(&text);
    assert!((0.0..=1.0).contains(&report.score), "a score that is no share");
    for finding in &report.findings {
        let [start, end] = finding.span;
        assert!(start <= end && end <= text.len(), "a span that is not in the text");
    }
}

fn document(program: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    holds(&analyze(&format!("{program} <<'END-OF-CODE'\n{text}\nEND-OF-CODE\n"), Dialect::Bash));
}

fn analyze(command: &str, dialect: Dialect) -> Analysis {
    let line = json!({
        "tool": "Bash", "input": {"command": command}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u",
    });
    let Ok(action) = Action::from_json(line.to_string().as_bytes()) else {
        return Analysis::default();
    };
    let command = Text::new("/input/command", command);
    ringfence_analysis::analyze(&action, &Call::Shell { command, dialect, cwd: None })
}

/// `analyze` catches panics, so a caught one is looked for in the answer; and every span is one of the
/// text that it names, letter by letter.
fn holds(analysis: &Analysis) {
    let panicked = analysis.opaque.iter().any(|remark| remark.reason == OpaqueReason::Panicked);
    assert!(!panicked, "analysis panicked");
    let evidence = analysis.effects.iter().filter_map(|effect| effect.evidence.as_ref());
    for evidence in evidence.chain(analysis.opaque.iter().filter_map(|o| o.evidence.as_ref())) {
        let [start, end] = evidence.span;
        assert!(start <= end, "a span that ends before it begins");
    }
}
