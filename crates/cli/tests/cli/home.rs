//! A home folder as people have it, with several agents configured by hand: `init`, work, `init --undo`, and
//! nothing of theirs is different.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::finish;
use super::gate::{DENIED, Gate, PROGRAM, write};

/// Everything in a folder: content, mode, and where links lead.
fn everything(folder: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            let about = fs::symlink_metadata(&path).unwrap();
            let content = if about.is_dir() {
                folders.push(path.clone());
                Vec::new()
            } else if about.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path, (about.mode(), content));
        }
    }
    found
}

/// What a person wrote, in all its oddness: file, mode, text.
const THEIRS: &[(&str, u32, &str)] = &[
    (
        ".claude/settings.json",
        0o600,
        "{\r\n\r\n  \"model\": \"opus\",   \r\n  \"hooks\": {\r\n    \"PreToolUse\": [\r\n      {\"matcher\": \"Bash\", \"hooks\": [{\"type\": \"command\", \"command\": \"true\", \"timeout\": 5}]}\r\n    ]\r\n  }\r\n}\r\n\r\n",
    ),
    (
        "dotfiles/gemini.json",
        0o444,
        "\u{feff}{\"security\": {\"auth\": {\"selectedType\": \"x\"}}, /* b */ \"hooks\": {} // keep  \r\n}",
    ),
    (".qwen/settings.json", 0o640, "\t{\n\t\"ui\" :{ } ,\n\"hooks\":{\"Stop\":[] }}\n\n\n"),
    (".claude/settings.local.json", 0o400, "{ \"permissions\": {\"allow\": [\"Bash(ls:*)\"]} }"),
    (".claude/CLAUDE.md", 0o644, "mine  \n"),
    (".bashrc", 0o644, "# mine\nalias ll='ls -l'   \nset -o vi"),
];

fn lived_in() -> Gate {
    let gate = Gate::new();
    for (name, mode, text) in THEIRS {
        write(&gate.path(name), text);
        fs::set_permissions(gate.path(name), fs::Permissions::from_mode(*mode)).unwrap();
    }
    fs::create_dir(gate.path(".gemini")).unwrap();
    symlink("../dotfiles/gemini.json", gate.path(".gemini/settings.json")).unwrap();
    gate
}

/// What is there, but for what Ringfence and a session put into folders of their own.
fn theirs(gate: &Gate) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut all = everything(&gate.path(""));
    let own = [gate.path("state"), gate.path("config"), gate.path(".claude/projects")];
    all.retain(|path, _| !own.iter().any(|own| path.starts_with(own)));
    all
}

#[test]
fn nothing_of_theirs_is_different_afterwards() {
    let gate = lived_in();
    let before = theirs(&gate);
    let bash = |args: &[&str]| {
        let mut command = gate.command(args);
        command.env("SHELL", "/bin/bash");
        finish(command, b"")
    };
    for round in 0..2 {
        let init = gate.run(&["init", "--yes"]);
        assert_eq!(init.code, 0, "{}", init.err());
        assert_eq!(gate.run(&["status"]).code, 0);
        let doctor = gate.run(&["doctor"]);
        assert_eq!(doctor.code, 0, "{}", doctor.out());
        // Modes and links are theirs while the gate stands, too.
        for (name, mode, _) in THEIRS {
            let now = fs::metadata(gate.path(name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(now, *mode, "{name}");
        }
        assert!(gate.path(".gemini/settings.json").is_symlink());

        let session = format!("s{round}");
        gate.start(&session);
        gate.say(&session, "tidy up");
        assert_eq!(gate.asked(&session, "c1", "ls").0, "allow");
        gate.done(&session, "c1");
        assert_eq!(gate.asked(&session, "c2", DENIED).0, "deny");
        let call = json!({"session_id": "g", "hook_event_name": "BeforeTool", "cwd": gate.path("proj"),
                          "tool_name": "run_shell_command", "tool_input": {"command": DENIED}});
        let mut gemini = gate.command(&["hook", "gemini-cli", "--state"]);
        gemini.arg(gate.path("state"));
        assert_eq!(finish(gemini, call.to_string().as_bytes()).code, 2);

        let alias = bash(&["init", "--yes", "--alias"]);
        assert_eq!(alias.code, 0, "{}", alias.err());
        assert!(fs::read_to_string(gate.path(".bashrc")).unwrap().contains("claude-fenced()"));
        assert_eq!(gate.run(&["doctor"]).code, 0, "what it writes is no way around it");

        let undo = gate.run(&["init", "--undo", "--yes"]);
        assert_eq!(undo.code, 0, "{}", undo.err());
        let after = theirs(&gate);
        for (path, (mode, content)) in &before {
            let (now, text) =
                after.get(path).unwrap_or_else(|| panic!("{} is gone", path.display()));
            let text = String::from_utf8_lossy(text);
            assert_eq!(text, String::from_utf8_lossy(content), "{}", path.display());
            assert_eq!(now, mode, "{}", path.display());
        }
        let new: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
        assert_eq!(new, Vec::<&PathBuf>::new());
    }
}

/// The entries of an earlier version are replaced; around them not a byte is.
#[test]
fn an_upgrade_rewrites_what_is_its_own() {
    let gate = lived_in();
    let settings = gate.path(".claude/settings.json");
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    let good = fs::read_to_string(&settings).unwrap();
    // As another version had it: other words, one event less, and something of theirs since.
    let old = good
        .replace(PROGRAM, "/opt/old/ringfence")
        .replace("\"timeout\": 10", "\"timeout\": 30")
        .replace("\"opus\"", "\"haiku\"");
    fs::write(&settings, &old).unwrap();
    assert_eq!(gate.run(&["doctor", "claude-code"]).code, 1);
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    let new = fs::read_to_string(&settings).unwrap();
    assert_eq!(new, good.replace("\"opus\"", "\"haiku\""));
    assert_eq!(gate.run(&["doctor", "claude-code"]).code, 0);
    assert_eq!(gate.run(&["init", "--undo", "--yes", "claude-code"]).code, 0);
    let left = fs::read_to_string(&settings).unwrap();
    let (_, _, first) = THEIRS[0];
    assert_eq!(left, first.replace("\"opus\"", "\"haiku\""));
}

#[test]
fn functions_are_written_for_agents_with_a_gate_alone() {
    let gate = Gate::new();
    let run = |shell: &str, args: &[&str]| {
        let mut command = gate.command(args);
        command.env("SHELL", shell);
        finish(command, b"")
    };
    // Without a gate nobody would decide about the calls.
    let refused = run("/bin/bash", &["init", "--alias", "--yes"]);
    assert!(
        refused.code == 2 && refused.err().contains("register a gate first"),
        "{}",
        refused.err()
    );
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    assert_eq!(run("/bin/csh", &["init", "--alias", "--yes"]).code, 2);
    for (shell, file) in [("zsh", ".zshrc"), ("fish", ".config/fish/conf.d/ringfence.fish")] {
        let shown = run(&format!("/usr/bin/{shell}"), &["init", "--alias", "--yes"]);
        assert_eq!(shown.code, 0, "{}", shown.err());
        assert!(shown.out().contains("claude --dangerously-skip-permissions"), "{}", shown.out());
        assert!(gate.path(file).is_file());
        assert_eq!(run(shell, &["init", "--alias", "--undo", "--yes"]).code, 0);
        assert!(!gate.path(file).exists(), "{file}");
    }
    assert_eq!(gate.run(&["status"]).code, 0, "the gate itself stays");
}

#[test]
fn an_organisation_registers_for_every_user() {
    let gate = Gate::new();
    let root = gate.text("root");
    let theirs = "{\n\n\t\"company\" :1,\n  \"permissions\": {\"deny\": [\"WebFetch\"]}\n}\n";
    let settings = gate.path("root/etc/claude-code/managed-settings.json");
    write(&settings, theirs);
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o644)).unwrap();
    let managed = ["init", "--managed", "--root", &root, "--yes"];
    let all = [
        &managed[..],
        &["claude-code", "codex", "copilot", "gemini-cli", "qwen-code", "cursor", "windsurf"],
    ]
    .concat();
    let init = gate.run(&all);
    assert_eq!(init.code, 0, "{}", init.err());
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.contains("\t\"company\" :1,") && text.contains("hook claude-code\""), "{text}");
    assert!(!text.contains("--state"), "one entry serves every user: {text}");
    for (name, file) in [
        ("codex", "etc/codex/requirements.toml"),
        ("copilot", "etc/github-copilot/policy.d/ringfence.json"),
        ("gemini-cli", "etc/gemini-cli/settings.json"),
        ("qwen-code", "etc/qwen-code/settings.json"),
        ("cursor", "etc/cursor/hooks.json"),
        ("windsurf", "etc/windsurf/hooks.json"),
    ] {
        let path = gate.path("root").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(&format!("hook {name}")), "{text}");
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o644, "every user's agent reads {file}");
    }
    // It is seen, and two gates in front of one agent are not wanted.
    let mut doctor = gate.command(&["doctor", "--root", &root, "claude-code"]);
    doctor.env_remove("RINGFENCE_STATE").env_remove("RINGFENCE_CONFIG");
    let doctor = finish(doctor, b"");
    assert!(doctor.out().contains("in the organisation's settings"), "{}", doctor.out());
    assert!(doctor.out().contains("every entry is as"), "{}", doctor.out());
    assert_eq!(gate.run(&["init", "--yes", "claude-code"]).code, 0);
    let twice = gate.run(&[&managed[..], &["claude-code"]].concat());
    assert!(
        twice.code == 2 && twice.err().contains("registered for this user already"),
        "{}",
        twice.err()
    );
    assert_eq!(gate.run(&["init", "--undo", "--yes", "claude-code"]).code, 0);
    let none = gate.run(&[&managed[..], &["droid"]].concat());
    assert!(
        none.code == 2 && none.err().contains("no settings for an organisation"),
        "{}",
        none.err()
    );

    let undo = [&all[..], &["--undo"]].concat();
    assert_eq!(gate.run(&undo).code, 0);
    assert_eq!(fs::read_to_string(&settings).unwrap(), theirs);
    assert!(!gate.path("root/etc/codex/requirements.toml").exists());
}
