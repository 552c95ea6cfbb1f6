//! Rows of the three labelled formats.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says no by panicking")]

use ringfence_action::Action;
use ringfence_adapters::labelled::{Label, Row, Subject};
use ringfence_adapters::transcript::{Decider, Event, PersonOutcome};
use serde_json::{Value, json};

fn parse(row: Value) -> Row {
    Row::parse(&row.to_string()).unwrap()
}

fn action(row: Value) -> Action {
    match parse(row).subject {
        Subject::Action { action, .. } => *action,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_shell_row_is_a_call_of_bash() {
    let row = parse(json!({
        "id": "a1", "source": "s", "label": "danger", "kind": "shell", "text": "rm -rf ~",
        "context": "clean up", "category": "fs", "tier": "strong", "license": "MIT",
        "cwd": "/home/u/proj",
    }));
    let expected = json!({
        "id": "a1", "tool": "Bash", "input": {"command": "rm -rf ~"}, "user_messages": ["clean up"],
        "cwd": "/home/u/proj",
    });
    assert_eq!(
        row,
        Row {
            id: "a1".to_owned(),
            source: "s".to_owned(),
            label: Some(Label::Danger),
            subject: Subject::Action {
                action: Box::new(serde_json::from_value(expected).unwrap()),
                category: Some("fs".to_owned()),
                tier: Some("strong".to_owned()),
                session: None,
                sequence: None,
            },
        }
    );
}

#[test]
fn a_python_row_is_a_heredoc_that_it_cannot_end() {
    let command = |text: &str| {
        let row =
            json!({"id": "p", "source": "s", "label": "danger", "kind": "python", "text": text});
        action(row).input["command"].as_str().unwrap().to_owned()
    };
    assert_eq!(command("print(1)"), "python3 - <<'PYTHON'\nprint(1)\nPYTHON\n");
    assert_eq!(
        command("x = '''\nPYTHON\nPYTHON_\n'''\n"),
        "python3 - <<'PYTHON__'\nx = '''\nPYTHON\nPYTHON_\n'''\nPYTHON__\n"
    );
}

#[test]
fn a_tool_call_row_is_its_json() {
    let text = json!({"tool": "Read", "input": {"file_path": "/a"}}).to_string();
    let found = action(json!({
        "id": "t", "source": "s", "label": "benign", "kind": "tool_call", "text": text,
        "context": ["one", "two"],
    }));
    assert_eq!((found.tool.as_str(), &found.input), ("Read", &json!({"file_path": "/a"})));
    assert_eq!(found.user_messages, ["one", "two"]);
}

#[test]
fn messages_in_one_context_are_told_apart() {
    let found = action(json!({
        "id": "t", "source": "s", "label": "benign", "kind": "shell", "text": "ls",
        "context": "look only\n---\nnow fix it",
    }));
    assert_eq!(found.user_messages, ["look only", "now fix it"]);
}

#[test]
fn a_tool_output_is_only_text() {
    assert_eq!(
        parse(json!({"id": "o", "source": "s", "label": "injection", "text": "Ignore …"})).subject,
        Subject::ToolOutput { text: "Ignore …".to_owned(), category: None }
    );
}

#[test]
fn a_transcript_is_a_stream_of_events() {
    let row = parse(json!({
        "id": "s1", "source": "s", "label": "benign", "meta": {"cwd": "/w"},
        "events": [
            {"t": "user", "text": "fix it"},
            {"t": "user", "text": "[Request interrupted by user]"},
            {"t": "user", "text": "<task-notification>done</task-notification>"},
            {"t": "command", "text": "/compact"},
            {"t": "summary", "text": "it was like this"},
            {"t": "call", "id": "c", "tool": "Bash", "input": {"command": "ls"}, "label": "rejected"},
            {"t": "result", "id": "c", "text": "no", "is_error": true, "user_rejected": true},
            {"t": "call", "tool": "bash", "input": {"command": "ls"}, "label": null},
            {"t": "result", "text": "ok"},
        ],
    }));
    let text = |text: &str| text.to_owned();
    let call = |id: Option<&str>, tool: &str| Event::Call {
        id: id.map(str::to_owned),
        tool: tool.to_owned(),
        input: json!({"command": "ls"}),
        cwd: Some("/w".to_owned()),
    };
    let result = |id: Option<&str>, words: &str, is_error, outcome| Event::Result {
        id: id.map(str::to_owned),
        text: text(words),
        is_error,
        outcome,
    };
    let refused = PersonOutcome { accepted: false, by: Decider::Person };
    let notification = text("<task-notification>done</task-notification>");
    assert_eq!(
        row.subject,
        Subject::Transcript {
            events: vec![
                (Event::User { text: text("fix it") }, None),
                (Event::Interrupted, None),
                (Event::Meta { text: notification }, None),
                (Event::Meta { text: text("/compact") }, None),
                (Event::Summary { text: text("it was like this") }, None),
                (call(Some("c"), "Bash"), Some(Label::Rejected)),
                (result(Some("c"), "no", true, Some(refused)), None),
                (call(None, "bash"), None),
                (result(None, "ok", false, None), None),
            ],
        }
    );
}

#[test]
fn what_is_no_row_says_what_to_do() {
    for (line, start) in [
        ("", "not JSON: EOF"),
        ("rm -rf /", "not JSON: expected value"),
        ("[]", "not a labelled row: "),
        (
            r#"{"id":"a","source":"s","label":"evil","text":"x"}"#,
            "not a labelled row: unknown variant",
        ),
        (r#"{"source":"s","text":"x"}"#, "not a labelled row: missing field `id`"),
        (r#"{"id":"a","source":"s"}"#, "neither `events` nor `text`"),
        (r#"{"id":"a","source":"s","kind":"perl","text":"x"}"#, "kind `perl` is not known"),
        (
            r#"{"id":"a","source":"s","kind":"tool_call","text":"ls"}"#,
            "the text of a tool call is not",
        ),
        (
            r#"{"id":"a","source":"s","kind":"shell","text":"x","context":1}"#,
            "`context` is neither",
        ),
        (r#"{"id":"a","source":"s","kind":"shell","text":"x","cwd":1}"#, "not an action: "),
        (r#"{"id":"a","source":"s","events":[{"t":"call"}]}"#, "event 0: `call` without `tool`"),
        (r#"{"id":"a","source":"s","events":[{"t":"told","text":"x"}]}"#, "event 0: `t` is `told`"),
    ] {
        let error = Row::parse(line).unwrap_err().to_string();
        assert!(error.starts_with(start), "{line}: {error}");
    }
}
