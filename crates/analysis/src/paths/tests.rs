//! What paths are and where they lie.

use ringfence_action::{Action, Attr, AttrValue, Effect, EffectKind, EffectPattern, Text};

use crate::context::Analyzer;
use crate::value::{Span, Value};

/// The effects of touching a path in `/home/u/proj`, the workspace, as user `u`.
fn touch_in(action: &Action, kind: EffectKind, path: Value, recursive: bool) -> Vec<Effect> {
    let mut analyzer = Analyzer::new(action);
    let frame = analyzer.frame(&Text::new("/input/command", "x"));
    let attributes: &[(Attr, AttrValue)] = &[(Attr::Recursive, recursive.into())];
    super::effect(&mut analyzer, &frame, Span::new(0, 1), kind, &path, attributes);
    analyzer.finish().effects
}

fn action() -> Action {
    Action::from_json(
        br#"{"tool":"Bash","input":{},"cwd":"/home/u/proj","workspace":["/home/u/proj"],"home":"/home/u"}"#,
    )
    .unwrap()
}

fn touch(kind: EffectKind, path: Value) -> Vec<Effect> {
    touch_in(&action(), kind, path, false)
}

fn has(effects: &[Effect], line: &str) -> bool {
    let pattern = EffectPattern::parse(line).unwrap();
    effects.iter().any(|effect| pattern.matches(effect))
}

#[track_caller]
fn expect(kind: EffectKind, path: &str, lines: &[&str]) {
    let effects = touch(kind, Value::known(path));
    for line in lines {
        assert!(has(&effects, line), "{kind} {path}: no `{line}` in {effects:#?}");
    }
}

#[track_caller]
fn refuse(kind: EffectKind, path: &str, lines: &[&str]) {
    let effects = touch(kind, Value::known(path));
    for line in lines {
        assert!(!has(&effects, line), "{kind} {path}: `{line}` in {effects:#?}");
    }
}

fn pattern(text: &str) -> Value {
    Value::Pattern(text.to_owned())
}

#[test]
fn targets_are_absolute_and_places_are_named() {
    expect(EffectKind::Write, "src/../a.rs", &["write /home/u/proj/a.rs place=workspace"]);
    expect(EffectKind::Write, "../other/a.rs", &["write /home/u/other/a.rs place=home"]);
    expect(EffectKind::Write, "~/notes", &["write /home/u/notes place=home"]);
    expect(EffectKind::Write, "/tmp/x", &["write /tmp/x place=temp"]);
    expect(EffectKind::Write, "/etc/hosts", &["write /etc/hosts place=system"]);
    expect(EffectKind::Write, "/mnt/data/x", &["write /mnt/data/x place=other"]);
    expect(EffectKind::Write, "/dev/sda", &["write /dev/sda place=device critical classes=device"]);
    assert!(touch(EffectKind::Write, Value::known("/dev/null")).is_empty());
}

#[test]
fn a_folder_that_is_not_known_leaves_a_pattern() {
    let mut nowhere = action();
    nowhere.cwd = None;
    nowhere.workspace.clear();
    let effects = touch_in(&nowhere, EffectKind::Delete, Value::known("build"), true);
    assert!(has(&effects, "delete **/build place=workspace !critical"), "{effects:?}");
    let effects = touch_in(&nowhere, EffectKind::Write, Value::known(".bashrc"), false);
    assert!(has(&effects, "persist **/.bashrc mechanism=shell-rc"), "{effects:?}");
    let effects = touch_in(&nowhere, EffectKind::Write, Value::known("config"), false);
    assert!(has(&effects, "write **/config") && !has(&effects, "persist"), "{effects:?}");
    let effects = touch_in(&nowhere, EffectKind::Delete, Value::known("."), true);
    assert!(has(&effects, "delete ? critical"), "{effects:?}");
}

#[test]
fn nobody_should_lose_these() {
    let critical = [
        "/",
        "/etc",
        "/tmp",
        "/home",
        "/home/u",
        "/home/other",
        "~",
        "~/",
        ".",
        "..",
        "../..",
        "/home/u/proj",
        "./",
        "/Users",
        "C:/",
        "C:/Windows",
        "/root",
        "/mnt/c",
    ];
    for path in critical {
        let effects = touch_in(&action(), EffectKind::Delete, Value::known(path), true);
        assert!(has(&effects, "delete _ critical"), "{path}: {effects:?}");
    }
    for path in [
        "/*",
        "/home/u/*",
        "~/*",
        "*",
        "./*",
        "**/",
        "**/*",
        "/home/u/.*",
        "/home/*",
        "**/usr",
        "/etc/*",
        "/ho*",
        "../*",
        "/home/u/pro*",
        ".[!.]*",
    ] {
        let effects = touch_in(&action(), EffectKind::Delete, pattern(path), true);
        assert!(has(&effects, "delete _ critical"), "{path}: {effects:?}");
    }
}

#[test]
fn and_these_are_ordinary() {
    for path in ["build", "/tmp/x", "/home/u/proj/node_modules", "../sibling", "/var/tmp/x", "~/x"]
    {
        let effects = touch_in(&action(), EffectKind::Delete, Value::known(path), true);
        assert!(has(&effects, "delete _ !critical"), "{path}: {effects:?}");
    }
    for path in
        ["*.log", "build/*", "/tmp/*", "/tmp/build-**", "**/x", "test_*", "/home/u/proj/**.pyc"]
    {
        let effects = touch_in(&action(), EffectKind::Delete, pattern(path), true);
        assert!(has(&effects, "delete _ !critical"), "{path}: {effects:?}");
    }
    // The files directly here, not the folders.
    assert!(has(&touch(EffectKind::Delete, pattern("*")), "delete _ !critical"));
    // Opening up or searching one's own project is work.
    for kind in [EffectKind::Metadata, EffectKind::Read] {
        let effects = touch_in(&action(), kind, Value::known("."), true);
        assert!(!effects.iter().any(|effect| effect.is(Attr::Critical)), "{effects:?}");
        let effects = touch_in(&action(), kind, Value::known("/"), true);
        assert!(effects.iter().any(|effect| effect.is(Attr::Critical)), "{effects:?}");
    }
}

#[test]
fn reading_a_secret_is_using_a_credential() {
    for path in [
        "~/.ssh/id_ed25519",
        "~/.aws/credentials",
        "~/.npmrc",
        ".env",
        ".env.local",
        "certs/server.key",
        "/etc/shadow",
        "~/.config/gh/hosts.yml",
        "~/.kube/config",
        "/home/other/.netrc",
        "/root/.ssh/id_rsa",
        "~/Library/Keychains/login.keychain-db",
        "/Users/x/.aws/credentials",
        "~/.claude/.credentials.json",
        "/proc/self/environ",
        "~/.password-store/bank.gpg",
        "C:\\Users\\me\\.ssh\\id_rsa",
        "~/.SSH/ID_RSA",
    ] {
        expect(EffectKind::Read, path, &["credential _ op=read"]);
    }
    for path in [
        "~/.ssh/id_ed25519.pub",
        "~/.ssh/known_hosts",
        ".env.example",
        "src/env.rs",
        ".npmrc.md",
        "~/.gitconfig",
        "config/credentials.rs",
        "tests/keys.py",
        "ca-bundle.pem",
        "/etc/passwd",
        "docs/.env.md",
        "~/.ssh/config",
        "i18n/key.json",
    ] {
        refuse(EffectKind::Read, path, &["credential"]);
    }
    let effects = touch_in(&action(), EffectKind::Read, Value::known("~/.config"), true);
    assert!(has(&effects, "credential /home/u/.config"), "{effects:?}");
}

#[test]
fn a_pattern_that_spells_a_secret_is_the_secret() {
    for path in [
        "/home/u/.ssh/*",
        "~/.ssh/id_*",
        "/etc/sh?dow",
        "/etc/sh[a]dow",
        "**/.aws/credentials",
        ".env*",
        "/home/*/.netrc",
    ] {
        let effects = touch(EffectKind::Read, pattern(path));
        assert!(has(&effects, "credential"), "{path}: {effects:?}");
    }
    for path in ["*", "*.json", "*.yml", "src/*", "/home/u/proj/**/*.rs", "**/config"] {
        let effects = touch(EffectKind::Read, pattern(path));
        assert!(!has(&effects, "credential"), "{path}: {effects:?}");
    }
}

#[test]
fn changing_what_runs_later_persists() {
    for (path, mechanism) in [
        ("~/.bashrc", "shell-rc"),
        ("/etc/profile.d/x.sh", "shell-rc"),
        ("/etc/cron.d/x", "cron"),
        ("~/.config/systemd/user/x.service", "systemd-unit"),
        ("~/Library/LaunchAgents/x.plist", "launch-agent"),
        (".git/hooks/pre-commit", "git-hook"),
        (".husky/pre-push", "git-hook"),
        ("~/.ssh/authorized_keys", "authorized-keys"),
        ("venv/lib/python3.12/site-packages/a.pth", "site-startup"),
    ] {
        for kind in
            [EffectKind::Write, EffectKind::Create, EffectKind::Delete, EffectKind::Metadata]
        {
            expect(kind, path, &[&format!("persist _ mechanism={mechanism} op={kind}")]);
        }
        refuse(EffectKind::Read, path, &["persist"]);
    }
    refuse(EffectKind::Write, ".git/hooks/pre-commit.sample", &["persist"]);
    refuse(EffectKind::Write, "dotfiles/.bashrc", &["persist"]);
}

#[test]
fn agents_do_not_touch_their_own_guards() {
    for (path, mechanism) in [
        (".claude/settings.json", "agent-settings"),
        ("~/.claude/settings.local.json", "agent-settings"),
        (".mcp.json", "agent-settings"),
        ("~/.codex/config.toml", "agent-settings"),
        (".cursor/mcp.json", "agent-settings"),
        ("CLAUDE.md", "agent-instructions"),
        (".cursor/rules/x.mdc", "agent-instructions"),
        ("~/.claude/projects/-home-u/1.jsonl", "agent-transcripts"),
        ("~/.config/ringfence/config.toml", "ringfence"),
        ("/etc/ringfence/policy.toml", "ringfence"),
        (".vscode/mcp.json", "agent-settings"),
    ] {
        expect(EffectKind::Write, path, &[&format!("guard _ mechanism={mechanism}")]);
        refuse(EffectKind::Read, path, &["guard"]);
    }
    for path in
        [".claude/worktrees/x/src/a.rs", "docs/agents.txt", "settings.json", "claude.md.txt"]
    {
        refuse(EffectKind::Write, path, &["guard"]);
    }
}

#[test]
fn classes_of_the_project() {
    for (path, class) in [
        (".github/workflows/ci.yml", "ci"),
        ("package.json", "manifest"),
        ("sub/Cargo.lock", "lockfile"),
        ("db/migrate/1.sql", "migration"),
        ("infra/main.tf", "iac"),
        ("prod.tfstate", "infra-state"),
        ("Dockerfile", "container"),
        ("data.sqlite3", "database-file"),
        ("node_modules/a/b.js", "build-output"),
        ("target", "build-output"),
        ("README.md", "docs"),
        ("src/a_test.go", "test"),
        (".git/config", "protected"),
        (".envrc", "protected"),
        (".idea/x.xml", "protected"),
        ("gradle/wrapper/gradle-wrapper.properties", "protected"),
        (".gitmodules", "protected"),
        ("a/b/package-lock.json", "lockfile"),
    ] {
        expect(EffectKind::Write, path, &[&format!("write _ classes={class}")]);
    }
    refuse(EffectKind::Write, "src/target.rs", &["write _ classes=build-output"]);
    refuse(EffectKind::Write, ".gitignore", &["write _ classes=protected"]);
}

#[test]
fn a_link_is_what_it_leads_to() {
    let mut action = action();
    let facts = ringfence_action::PathFacts {
        resolved: Some("/home/u/.ssh/id_rsa".to_owned()),
        ..Default::default()
    };
    action.facts.paths.insert("/home/u/proj/notes".to_owned(), facts);
    let effects = touch_in(&action, EffectKind::Read, Value::known("notes"), false);
    assert!(has(&effects, "credential /home/u/proj/notes"), "{effects:?}");
}

#[test]
fn alternatives_are_judged_one_by_one() {
    let either = Value::OneOf(vec!["/home/u".to_owned(), "a".to_owned(), "b".to_owned()]);
    let effects = touch_in(&action(), EffectKind::Delete, either, true);
    assert!(has(&effects, "delete /home/u critical conditional"), "{effects:?}");
    assert!(has(&effects, "delete {/home/u/proj/a,/home/u/proj/b} !critical"), "{effects:?}");
}

#[test]
fn windows_paths_have_homes_and_drives() {
    let mut action = action();
    action.platform = ringfence_action::Platform::Windows;
    action.cwd = Some("C:\\Users\\me\\proj".to_owned());
    action.workspace = vec!["C:\\Users\\me\\proj".to_owned()];
    action.home = Some("C:\\Users\\me".to_owned());
    let write = |path: &str| touch_in(&action, EffectKind::Write, Value::known(path), false);
    assert!(has(&write("src\\a.rs"), "write C:/Users/me/proj/src/a.rs place=workspace"));
    assert!(has(&write("C:\\Windows\\x.dll"), "write C:/Windows/x.dll place=system"));
    assert!(has(&write("~\\.ssh\\authorized_keys"), "persist C:/Users/me/.ssh/authorized_keys"));
    assert!(has(&write("/c/Users/me/x"), "write C:/Users/me/x place=home"));
}
