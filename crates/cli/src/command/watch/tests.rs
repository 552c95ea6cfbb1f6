//! What stands on the screen, at several sizes and with hostile words, and what each key does.

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ringfence_record::cases::Case;
use ringfence_record::holds::{Hold, HoldKind};
use serde_json::{Value, json};

use super::draw;
use super::model::{Watched, Wish};

/// A decision as the log has it.
fn decision(seq: u64, verdict: &str, code: &str, command: &str) -> String {
    json!({"seq": seq, "at": "2026-11-22T10:00:00Z", "kind": "decision", "agent": "claude-code", "session": "s-1",
           "action": {"tool": "Bash", "input": {"command": command}, "cwd": "/home/u/shop"},
           "decision": {"verdict": verdict, "decided_by": "policy", "code": code,
                        "rules": [{"id": code, "outcome": verdict, "why": "It deletes a home.",
                                   "instead": "Name the folder."}],
                        "effects": [{"kind": "delete", "target": {"known": "/home/u"}}], "opaque": []}})
    .to_string()
}

fn other(seq: u64, kind: &str, fields: Value) -> String {
    let mut entry = json!({"seq": seq, "at": "2026-11-22T10:00:01Z", "kind": kind, "agent": "codex", "session": "s-2"});
    if let (Some(entry), Value::Object(fields)) = (entry.as_object_mut(), fields) {
        entry.extend(fields);
    }
    entry.to_string()
}

/// A case as its file has it.
fn case() -> Case {
    let case = json!({
        "code": "k4mx", "digest": "sha256:1", "agent": "claude-code", "session": "s-1", "process": null,
        "namespace": null, "tool": "Bash", "input": "git push --force\u{1b}[2J origin main", "cwd": "/home/u/shop",
        "rule": "git.force-push", "why": "It rewrites history.", "same": "sha256:2", "queued": true, "denied": false,
        "instead": "Push without force.", "effects": ["vcs_remote origin/main"], "evidence": [], "seen": ["a page"],
        "blast": "one branch", "cost_of_no": "little", "risk": 60, "opened": "2026-11-22T10:00:00Z",
        "approved_by": [],
    });
    serde_json::from_value(case).unwrap()
}

fn hold() -> Hold {
    Hold {
        id: "ab12cd".to_owned(),
        kind: HoldKind::Pause,
        session: None,
        by: "pts/3".to_owned(),
        reason: "let me look".to_owned(),
        at: "2026-11-22T10:00:00Z".to_owned(),
    }
}

/// Some of everything, hostile words among it.
fn watched() -> Watched {
    let mut watched = Watched::new(TimeZone::UTC, false);
    let lines = [
        other(1, "session", json!({"event": "start", "source": "startup"})),
        other(2, "prompt", json!({"intent": {"boundaries": [{"operation": "push"}]}})),
        decision(3, "allow", "default", "cargo test"),
        other(4, "result", json!({"failed": false})),
        decision(5, "deny", "fs.delete-critical-path", "rm -rf build/ ~/"),
        decision(6, "ask", "opaque.disguised", "echo '\u{202e}cod.exe' \u{1b}]0;owned\u{7}"),
        "not an entry".to_owned(),
        decision(
            7,
            "contain",
            "exec.unread",
            "./tools/unknown --with many words that do not fit into it",
        ),
        other(8, "finding", json!({"code": "probe.result", "findings": [{"why": "it instructs"}]})),
    ];
    watched.take(lines.iter().map(String::as_str));
    watched.stand(vec![case()], vec![hold()]);
    watched
}

fn press(watched: &mut Watched, keys: &str) -> Option<Wish> {
    let code = |letter| match letter {
        '⏎' => KeyCode::Enter,
        '⎋' => KeyCode::Esc,
        '⇥' => KeyCode::Tab,
        letter => KeyCode::Char(letter),
    };
    let mut wish = None;
    for letter in keys.chars() {
        wish = watched.press(KeyEvent::new(code(letter), KeyModifiers::NONE));
    }
    wish
}

fn screen(watched: &Watched, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, watched)).unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_newest_stands_on_top_and_what_went_as_decided_is_left_out() {
    insta::assert_snapshot!(screen(&watched(), 100, 9));
}

#[test]
fn a_wide_screen_tells_all_of_what_is_chosen() {
    let mut watched = watched();
    press(&mut watched, "jjj");
    insta::assert_snapshot!(screen(&watched, 130, 22));
}

#[test]
fn a_narrow_screen_keeps_the_verdict_and_the_words() {
    insta::assert_snapshot!(screen(&watched(), 40, 8));
    // No size is too small.
    for (width, height) in [(1, 1), (3, 2), (9, 3), (20, 1)] {
        let mut watched = watched();
        screen(&watched, width, height);
        press(&mut watched, "?");
        screen(&watched, width, height);
    }
}

#[test]
fn what_waits_and_what_is_held_has_a_list_each() {
    let mut watched = watched();
    press(&mut watched, "⇥");
    insta::assert_snapshot!("waiting", screen(&watched, 100, 6));
    press(&mut watched, "⏎");
    insta::assert_snapshot!("waiting_open", screen(&watched, 60, 17));
    press(&mut watched, " ");
    assert!(!screen(&watched, 60, 6).contains("because"), "further down");
    press(&mut watched, "⎋⇥");
    insta::assert_snapshot!("held", screen(&watched, 100, 6));
    watched.stand(Vec::new(), Vec::new());
    assert!(screen(&watched, 60, 5).contains("nothing is held"));
}

#[test]
fn nothing_that_an_agent_wrote_acts_on_the_terminal() {
    let mut watched = watched();
    for keys in ["jj", "⏎", "⎋⇥", "⏎", "⎋⇥", "⏎", "⎋/\u{1b}"] {
        press(&mut watched, keys);
        for (width, height) in [(40, 10), (100, 30), (140, 30)] {
            let shown = screen(&watched, width, height);
            let acts =
                |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
            assert!(!shown.contains(acts), "{keys}: {shown:?}");
        }
    }
}

#[test]
fn keys_choose_and_what_changes_something_is_a_wish() {
    let mut watched = watched();
    assert_eq!(watched.row().map(|row| row.seq), Some(8));
    press(&mut watched, "jj");
    assert_eq!(watched.row().map(|row| row.seq), Some(6));
    // More comes in above: what is chosen stays, unless it was the newest.
    let more = decision(9, "allow", "default", "ls");
    watched.take(std::iter::once(more.as_str()));
    assert_eq!(watched.row().map(|row| row.seq), Some(6));
    press(&mut watched, ".");
    assert_eq!(watched.row().map(|row| row.seq), Some(9));
    let more = decision(10, "allow", "default", "ls");
    watched.take(std::iter::once(more.as_str()));
    assert_eq!(watched.row().map(|row| row.seq), Some(10));

    let session = || Some("s-1".to_owned());
    assert_eq!(press(&mut watched, "p"), Some(Wish::Hold(HoldKind::Pause, session())));
    assert_eq!(press(&mut watched, "x"), Some(Wish::Hold(HoldKind::Kill, session())));
    assert_eq!(press(&mut watched, "D"), Some(Wish::Hold(HoldKind::DenyAll, None)));
    assert_eq!(press(&mut watched, "a"), None, "shows what waits first");
    assert_eq!(press(&mut watched, "a"), Some(Wish::LetThrough("k4mx".to_owned())));
    assert_eq!(press(&mut watched, "d"), Some(Wish::Refuse("k4mx".to_owned())));
    assert_eq!(press(&mut watched, "rr"), Some(Wish::Release("ab12cd".to_owned())));
    assert_eq!(press(&mut watched, "q"), Some(Wish::End));
}

#[test]
fn a_search_takes_letters_that_are_keys_elsewhere() {
    let mut watched = watched();
    assert_eq!(press(&mut watched, "/DELETE-crit"), None);
    assert_eq!(watched.shown().map(|row| row.seq).collect::<Vec<_>>(), [5]);
    press(&mut watched, "⏎");
    assert!(screen(&watched, 80, 5).contains("Esc clears"));
    press(&mut watched, "⎋e");
    assert_eq!(watched.shown().count(), 8, "everything");
}

#[test]
fn colours_are_there_only_where_they_are_wanted() {
    let colored = |is_colored| {
        let mut watched = Watched::new(TimeZone::UTC, is_colored);
        let line = decision(1, "deny", "x", "rm -rf ~");
        watched.take(std::iter::once(line.as_str()));
        watched.stand(vec![case()], vec![]);
        let mut terminal = Terminal::new(TestBackend::new(80, 5)).unwrap();
        terminal.draw(|frame| draw::draw(frame, &watched)).unwrap();
        let cells = terminal.backend().buffer().content().to_vec();
        cells.iter().any(|cell| cell.fg != ratatui::style::Color::Reset)
    };
    assert!(colored(true) && !colored(false));
}
