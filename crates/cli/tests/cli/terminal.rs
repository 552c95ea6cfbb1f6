//! What an agent writes must not act on the terminal of the person who reads about it.

use serde_json::json;

use crate::{action, bash, ringfence};

/// Every escape sequence in the output, which must be of our own making: colours.
fn is_clean(out: &str) -> bool {
    let only_colours = out.split('\u{1b}').skip(1).all(|rest| {
        rest.strip_prefix('[').is_some_and(|rest| {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';');
            end.is_some_and(|end| rest[end..].starts_with('m'))
        })
    });
    let hidden = |c: char| {
        (c.is_control() && c != '\n' && c != '\u{1b}')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
    };
    only_colours && !out.contains(hidden)
}

/// Erases its line, moves the cursor, rings, sets the title, turns text around, hides a space.
const HOSTILE: &str =
    "\u{1b}[2K\u{1b}[1A\u{7}\u{1b}]0;gotcha\u{7}\r\u{9b}2J\u{202e}\u{200b}\u{feff}";

#[test]
fn escape_sequences_of_an_action_are_shown_not_obeyed() {
    let mut hostile = bash(&format!("rm -rf ~/{HOSTILE} && echo {HOSTILE}"));
    for (field, value) in [
        ("cwd", json!(format!("/home/u/{HOSTILE}"))),
        ("id", json!(HOSTILE)),
        ("session", json!(HOSTILE)),
        ("agent", json!({"kind": HOSTILE})),
        (
            "facts",
            json!({"git": {"branch": HOSTILE}, "paths": {HOSTILE: {"exists": true}}, "taint": [HOSTILE]}),
        ),
    ] {
        hostile[field] = value;
    }
    let tool = action(HOSTILE, json!({"x": HOSTILE}));
    let write = action(
        "Write",
        json!({"file_path": format!("/home/u/.bashrc{HOSTILE}"), "content": HOSTILE}),
    );
    for input in [hostile, tool, write] {
        for args in [
            &["explain", "--color", "always"][..],
            &["explain", "--color", "always", "--json"],
            &["check", "--color", "always"],
        ] {
            let run = ringfence(args, input.to_string());
            assert!(is_clean(run.out()), "{args:?}: {:?}", run.out());
            assert!(is_clean(run.err()), "{args:?}: {:?}", run.err());
        }
    }
}

#[test]
fn escape_sequences_in_arguments_and_errors_are_shown_not_obeyed() {
    for args in [
        &["explain", "--shell", &format!("cat {}", HOSTILE)][..],
        &["check", HOSTILE],
        &["explain", HOSTILE],
        &["policy", "show", HOSTILE],
        &["policy", "check", HOSTILE],
    ] {
        let run = ringfence(&[args, &["--color", "always"]].concat(), "");
        assert!(is_clean(run.out()), "{args:?}: {:?}", run.out());
        assert!(is_clean(run.err()), "{args:?}: {:?}", run.err());
    }
    let run = ringfence(&["explain", "--color", "always"], HOSTILE);
    assert!(is_clean(run.err()), "{:?}", run.err());
}

#[test]
fn colour_is_for_terminals_unless_asked_for() {
    let input = bash("rm -rf ~/").to_string();
    assert!(!ringfence(&["explain"], &input).out().contains('\u{1b}'));
    assert!(!ringfence(&["explain", "--color", "never"], &input).out().contains('\u{1b}'));
    assert!(ringfence(&["explain", "--color", "always"], &input).out().contains("\u{1b}["));
}
