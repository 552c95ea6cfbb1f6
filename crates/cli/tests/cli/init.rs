//! `init` and `init --undo` on settings as people have them.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};

use super::finish;
use super::gate::{Gate, PROGRAM, write};

const ODD: &[(&str, &str)] = &[
    ("empty", ""),
    ("an empty object", "{}"),
    ("tabs and blanks", "\t{ \n\n\t\"model\" :\"opus\"   ,\"a\":[ ] \n}\n\n\n"),
    ("line ends of Windows", "{\r\n  \"model\": \"opus\"\r\n}\r\n"),
    ("a byte order mark", "\u{feff}{\"model\": \"opus\"}\n"),
    ("no newline at the end", "{\"model\":\"opus\"}"),
    (
        "hooks of their own",
        "{\"hooks\": {\"PreToolUse\": [{\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"/x.sh\"}]}], \"Stop\": []}}\n",
    ),
];

#[test]
fn undo_restores_byte_for_byte() {
    for (what, settings) in ODD {
        let gate = Gate::new();
        fs::write(gate.settings(), settings).unwrap();
        fs::set_permissions(gate.settings(), fs::Permissions::from_mode(0o444)).unwrap();
        let init = gate.run(&["init", "--yes", "claude-code"]);
        assert_eq!(init.code, 0, "{what}: {}", init.err());
        assert!(init.out().lines().count() < 12, "{what}: {}", init.out());
        assert_eq!(gate.run(&["status"]).code, 0, "{what}");
        // Again, with another option: what was there first stays what is restored.
        assert_eq!(gate.run(&["init", "--yes", "--decide", "claude-code"]).code, 0, "{what}");
        let undo = gate.run(&["init", "--undo", "--yes", "--json", "claude-code"]);
        assert_eq!((undo.code, &undo.lines()[0]["applied"]), (0, &true.into()), "{what}");
        assert_eq!(fs::read_to_string(gate.settings()).unwrap(), *settings, "{what}");
        let mode = fs::metadata(gate.settings()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444, "{what}");
        assert_eq!(gate.run(&["status"]).code, 1, "{what}");
    }
}

/// Measured on the real agents: with a comment in it, Claude Code passes over its settings, and with a comma after
/// the last entry Qwen Code does. A gate in there would be dead, and nobody would say so.
#[test]
fn a_file_that_the_agent_passes_over_is_refused_and_found() {
    for (agent, file, broken, repaired) in [
        (
            "claude-code",
            ".claude/settings.json",
            "{\n  // mine\n  \"a\": 1\n}\n",
            "{\n  \"a\": 1\n}\n",
        ),
        (
            "qwen-code",
            ".qwen/settings.json",
            "{\n  // mine\n  \"a\": 1,\n}\n",
            "{\n  // mine\n  \"a\": 1\n}\n",
        ),
    ] {
        let gate = Gate::new();
        write(&gate.path(file), broken);
        let init = gate.run(&["init", "--yes", agent]);
        assert_eq!(init.code, 2, "{}", init.out());
        assert!(init.err().contains("passes over this file"), "{}", init.err());
        assert_eq!(fs::read_to_string(gate.path(file)).unwrap(), broken);

        // What comes into it later takes the gate away, which is seen, and it can still be undone.
        write(&gate.path(file), repaired);
        assert_eq!(gate.run(&["init", "--yes", agent]).code, 0);
        assert_eq!(gate.run(&["status"]).code, 0);
        let text = fs::read_to_string(gate.path(file)).unwrap();
        let last = text.rfind('}').unwrap();
        let text = format!("{},\n{}", text[..last].trim_end(), &text[last..]);
        fs::write(gate.path(file), &text).unwrap();
        let status = gate.run(&["status"]);
        assert_eq!(status.code, 1, "{}", status.out());
        assert!(status.out().contains("passes over this file"), "{}", status.out());
        assert_eq!(gate.run(&["init", "--undo", "--yes", agent]).code, 0);
        assert!(!fs::read_to_string(gate.path(file)).unwrap().contains("ringfence"));
    }
}

#[test]
fn what_was_not_there_goes_and_a_link_stays_a_link() {
    let gate = Gate::new();
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    let tail = gate.run(&["audit", "tail"]);
    assert_eq!((tail.code, tail.out()), (0, "nothing recorded yet\n"));
    assert_eq!(gate.run(&["init", "--undo", "--yes"]).code, 0);
    assert!(!gate.settings().exists());

    fs::write(gate.path("dotfiles.json"), "{}").unwrap();
    symlink(gate.path("dotfiles.json"), gate.settings()).unwrap();
    assert_eq!(gate.run(&["init", "--yes"]).code, 0);
    assert!(gate.settings().is_symlink());
    assert!(fs::read_to_string(gate.path("dotfiles.json")).unwrap().contains("ringfence"));
    assert_eq!(gate.run(&["init", "--undo", "--yes"]).code, 0);
    assert_eq!(fs::read_to_string(gate.path("dotfiles.json")).unwrap(), "{}");
}

#[test]
fn what_somebody_added_since_stays_and_ours_goes() {
    let gate = Gate::new();
    fs::write(gate.settings(), "{\"model\": \"opus\"}\n").unwrap();
    gate.run(&["init", "--yes"]);
    let edited = fs::read_to_string(gate.settings()).unwrap().replace("opus", "haiku");
    fs::write(gate.settings(), edited).unwrap();
    gate.run(&["init", "--yes", "--decide"]);
    gate.run(&["init", "--undo", "--yes"]);
    let left = fs::read_to_string(gate.settings()).unwrap();
    assert!(left.contains("haiku") && !left.contains("ringfence"), "{left}");
}

#[test]
fn an_empty_list_that_was_there_stays_after_an_edit() {
    let gate = Gate::new();
    fs::write(gate.settings(), "{\"model\": \"opus\", \"hooks\": {\"PreToolUse\": []}}\n").unwrap();
    gate.run(&["init", "--yes"]);
    let edited = fs::read_to_string(gate.settings()).unwrap().replace("opus", "haiku");
    fs::write(gate.settings(), edited).unwrap();
    gate.run(&["init", "--undo", "--yes"]);
    let left: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(gate.settings()).unwrap()).unwrap();
    assert_eq!(left, serde_json::json!({"model": "haiku", "hooks": {"PreToolUse": []}}));
}

#[test]
fn the_mode_stays_whatever_the_mask() {
    let gate = Gate::new();
    for mode in [0o666, 0o640, 0o400] {
        fs::write(gate.settings(), "{}").unwrap();
        fs::set_permissions(gate.settings(), fs::Permissions::from_mode(mode)).unwrap();
        for command in ["init --yes", "init --undo --yes"] {
            let line = format!("umask 077; exec \"$0\" {command}");
            let init = gate.command(&[]);
            let mut masked = std::process::Command::new("sh");
            masked.args(["-c", &line]).arg(init.get_program());
            masked.envs(init.get_envs().filter_map(|(name, value)| Some((name, value?))));
            assert!(masked.output().unwrap().status.success());
            let now = fs::metadata(gate.settings()).unwrap().permissions().mode() & 0o777;
            assert_eq!(now, mode, "{command}");
        }
        fs::remove_file(gate.settings()).unwrap();
    }
}

#[test]
fn a_folder_that_was_made_goes_again() {
    let gate = Gate::new();
    let folder = gate.path(".claude");
    fs::remove_dir(&folder).unwrap();
    gate.run(&["init", "--yes", "claude-code"]);
    gate.run(&["init", "--yes", "--decide", "claude-code"]);
    gate.run(&["init", "--undo", "--yes"]);
    assert!(!folder.exists());
    // What came into it since keeps it.
    gate.run(&["init", "--yes", "claude-code"]);
    fs::write(folder.join("CLAUDE.md"), "mine").unwrap();
    gate.run(&["init", "--undo", "--yes"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn an_edit_while_it_asks_is_not_lost() {
    let has_script = std::process::Command::new("script").arg("--version").output();
    if !has_script.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no script, which makes a terminal");
        return;
    }
    let gate = Gate::new();
    fs::write(gate.settings(), "{}").unwrap();
    let init = gate.command(&["init", "claude-code"]);
    let mut terminal = std::process::Command::new("script");
    let line = format!("{} init claude-code", init.get_program().to_str().unwrap());
    terminal.args(["-qec", &line, "/dev/null"]);
    terminal.envs(init.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let (input, output) = (std::process::Stdio::piped(), std::process::Stdio::piped());
    let mut asking = terminal.stdin(input).stdout(output).spawn().unwrap();
    let mut said = Vec::new();
    let mut out = asking.stdout.take().unwrap();
    while !String::from_utf8_lossy(&said).contains("[y/N]") {
        let mut piece = [0; 512];
        let length = out.read(&mut piece).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&said));
        said.extend(&piece[..length]);
    }
    fs::write(gate.settings(), "{\"model\": \"opus\"}").unwrap();
    asking.stdin.take().unwrap().write_all(b"y\n").unwrap();
    out.read_to_end(&mut said).unwrap();
    let said = String::from_utf8_lossy(&said);
    assert_eq!(asking.wait().unwrap().code(), Some(1), "{said}");
    assert!(said.contains("was changed meanwhile"), "{said}");
    assert_eq!(fs::read_to_string(gate.settings()).unwrap(), "{\"model\": \"opus\"}");
}

#[test]
fn settings_that_are_not_settings_are_left_alone() {
    for settings in ["{", "[]", "{\"hooks\": []}", "not json"] {
        let gate = Gate::new();
        fs::write(gate.settings(), settings).unwrap();
        assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 2, "{settings}");
        assert_eq!(fs::read_to_string(gate.settings()).unwrap(), settings);
        let status = gate.run(&["status"]);
        assert_eq!(status.code, 1, "{settings}");
        assert!(status.out().starts_with("nothing is enforced"), "{}", status.out());
    }
}

#[test]
fn a_gate_that_was_taken_away_is_dead() {
    let gate = Gate::new();
    gate.run(&["init", "--yes", "claude-code"]);
    fs::write(gate.settings(), "{\"model\": \"opus\"}").unwrap();
    let status = gate.run(&["status", "--json"]);
    let agent = &status.lines()[0]["agents"][0];
    assert_eq!((status.code, &agent["state"]), (1, &"dead".into()));
    assert!(agent["reason"].as_str().unwrap().contains("was registered and is gone"), "{agent}");
    // Who wants it so says so.
    let undo = gate.run(&["init", "--undo", "--yes"]);
    assert!(undo.code == 0 && undo.out().contains("not missed any more"), "{}", undo.out());
    let status = gate.run(&["status", "--json"]);
    let agent = &status.lines()[0]["agents"][0];
    assert!(agent["reason"].as_str().unwrap().contains("no gate is registered"), "{agent}");
}

/// Only what `init` would write is a gate; what merely mentions it does whatever it does.
#[test]
fn a_gate_that_does_not_hold_is_dead() {
    let gate = Gate::new();
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    let good = fs::read_to_string(gate.settings()).unwrap();
    assert_eq!(gate.run(&["status"]).code, 0, "{}", gate.run(&["status"]).out());
    let fake = gate.text("fake/ringfence");
    write(&gate.path("fake/ringfence"), "#!/bin/sh\nexit 0\n");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    for (what, there, here) in [
        ("skipped", PROGRAM, format!("true || {PROGRAM}")),
        ("printed", PROGRAM, format!("echo {PROGRAM}")),
        ("help", "hook claude-code", "hook claude-code --help".to_owned()),
        ("no time", "\"timeout\": 10", "\"timeout\": 0.001".to_owned()),
        ("fails open", "\"onFailure\": \"block\"", "\"onFailure\": \"allow\"".to_owned()),
        ("not awaited", "\"timeout\": 10", "\"timeout\": 10, \"async\": true".to_owned()),
        ("rarely", "\"timeout\": 10", "\"timeout\": 10, \"if\": \"Bash(x)\"".to_owned()),
        ("a prompt", "\"type\": \"command\"", "\"type\": \"prompt\"".to_owned()),
        ("another program", PROGRAM, fake),
        ("another state", "/state", "/elsewhere".to_owned()),
        ("switched off", "{", "{\"disableAllHooks\": \"true\",".to_owned()),
        ("twice", "\"hooks\": {", "\"hooks\": {\"Stop\": [], ".to_owned()),
    ] {
        assert!(good.contains(there), "{what}: {good}");
        let count = if there == "{" || what == "twice" { 1 } else { usize::MAX };
        fs::write(gate.settings(), good.replacen(there, &here, count)).unwrap();
        let status = gate.run(&["status", "--json"]);
        assert_eq!(status.code, 1, "{what}: {}", status.out());
        assert_eq!(status.lines()[0]["enforced"], false, "{what}");
    }
    fs::write(gate.settings(), &good).unwrap();

    let mut moved = gate.command(&["status"]);
    moved.env("CLAUDE_CONFIG_DIR", gate.path("alt"));
    assert_eq!(finish(moved, b"").code, 1);
    for off in ["proj/.claude/settings.json", "proj/.claude/settings.local.json"] {
        write(&gate.path(off), "{\"disableAllHooks\": true}");
        let mut here = gate.command(&["status"]);
        here.current_dir(gate.path("proj"));
        assert_eq!(finish(here, b"").code, 1, "{off}");
        fs::remove_file(gate.path(off)).unwrap();
    }
    write(&gate.path(".claude/settings.local.json"), "{\"disableAllHooks\": true}");
    assert_eq!(gate.run(&["status"]).code, 1);
    fs::remove_file(gate.path(".claude/settings.local.json")).unwrap();
    write(&gate.path("config/config.toml"), "preset = \"observe\"\n");
    let status = gate.run(&["status"]);
    assert!(status.code == 1 && status.out().contains("observes only"), "{}", status.out());
}

#[test]
fn what_cannot_be_meant_is_said() {
    let gate = Gate::new();
    let mut relative = gate.command(&["init", "--yes", "claude-code"]);
    relative.env("RINGFENCE_STATE", "rel");
    let run = finish(relative, b"");
    assert!(run.code == 2 && run.err().contains("RINGFENCE_STATE"), "{}", run.err());
    fs::write(gate.settings(), b"{\"x\": \"\xff\"}").unwrap();
    let run = gate.run(&["init", "--yes"]);
    assert!(run.code == 2 && run.err().contains("UTF-8"), "{}", run.err());
    assert!(!run.err().contains("disk"), "{}", run.err());
}
