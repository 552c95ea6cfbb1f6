//! Rules in TOML: what they compile to, what their examples promise, and what is said about mistakes.

use ringfence_action::{Attr, Effect, EffectKind, Outcome, Preset, Target};
use ringfence_policy::{
    Bundle, Layer, RepositoryFacts, Request, SessionFacts, Source, Subject, TargetFacts,
};

const RULE: &str = r#"
[[rule]]
id = "team.no-push-to-release"
outcome = "deny"
why = "Release branches are cut by the pipeline."
instead = "Open a pull request."
when.effect = "vcs_remote"
when.op = "push"
when.branch = ["main", "release/*"]
unless.no_verify = true
match = ["git push origin release/2.1", "git push origin main"]
not_match = ["git push origin feature-x"]
"#;

fn source(text: &str) -> Source {
    Source { layer: Layer::Team, name: "team.toml".to_owned(), text: text.to_owned().into() }
}

/// Stands in for analysis: `git push REMOTE BRANCH`, and `rm` in dry run for `rm -n`.
fn analyse(command: &str) -> Vec<Effect> {
    let words: Vec<&str> = command.split(' ').collect();
    match words.as_slice() {
        ["git", "push", flags @ .., remote, branch] => vec![
            Effect::new(EffectKind::VcsRemote, Target::known(format!("{remote}/{branch}")))
                .with(Attr::Op, "push")
                .with(Attr::Branch, *branch)
                .with(Attr::NoVerify, flags.contains(&"--no-verify")),
        ],
        ["rm", flags @ .., path] => vec![
            Effect::new(EffectKind::Delete, Target::known(*path))
                .with(Attr::DryRun, flags.contains(&"-n")),
        ],
        ["ls"] => Vec::new(),
        _ => vec![Effect::new(EffectKind::Exec, Target::known(command))],
    }
}

fn outcome(bundle: &Bundle, effect: &Effect, target: &TargetFacts) -> Outcome {
    let evaluation = bundle.evaluate(&Request {
        agent: "codex",
        preset: Preset::Guard,
        subject: Subject::Effect(effect),
        target,
        repository: &RepositoryFacts::default(),
        session: &SessionFacts::default(),
    });
    assert_eq!(evaluation.error, None);
    evaluation.outcome
}

fn mistakes(text: &str) -> String {
    match Bundle::load_checked(&[source(text)], &analyse) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_rule_says_what_its_lines_say() {
    let bundle = Bundle::load_checked(&[source(RULE)], &analyse).unwrap();
    let facts = TargetFacts::default();
    for (command, expected) in [
        ("git push origin main", Outcome::Deny),
        ("git push origin release/3", Outcome::Deny),
        ("git push origin releases", Outcome::Allow),
        ("git push --no-verify origin main", Outcome::Allow),
        ("rm /x", Outcome::Allow),
    ] {
        assert_eq!(outcome(&bundle, &analyse(command)[0], &facts), expected, "{command}");
    }
    let rule = bundle.rule("team.no-push-to-release").unwrap();
    assert!(rule.text.contains(r#"context.branch like "release/*""#), "{}", rule.text);
    assert!(RULE.get(rule.span[0]..rule.span[1]).unwrap().trim().starts_with("[[rule]]"));
}

#[test]
fn facts_that_are_unknown_do_not_hold() {
    let text = "[[rule]]\nid = 'u.untracked'\noutcome = 'ask'\nwhy = 'w'\nwhen.effect = 'delete'\n\
                when.facts.tracked = false\nmatch = ['rm /x']\n";
    let bundle = Bundle::load_checked(&[source(text)], &analyse).unwrap();
    let delete = Effect::new(EffectKind::Delete, Target::known("/x"));
    let facts = |tracked| TargetFacts { tracked, ..TargetFacts::default() };
    assert_eq!(outcome(&bundle, &delete, &facts(Some(false))), Outcome::Ask);
    assert_eq!(outcome(&bundle, &delete, &facts(Some(true))), Outcome::Allow);
    assert_eq!(outcome(&bundle, &delete, &facts(None)), Outcome::Allow);
}

#[test]
fn an_example_that_fails_says_which_condition() {
    let wrong = RULE.replace("git push origin main\"", "git push origin mian\"");
    let error = mistakes(&wrong);
    for words in [
        "team.toml:11",
        "does not apply to its example `git push origin mian`",
        "`branch = [\"main\", \"release/*\"]` does not hold",
    ] {
        assert!(error.contains(words), "{error}");
    }
    let error = mistakes(&RULE.replace("feature-x\"", "release/x\""));
    assert!(error.contains("applies to `git push origin release/x`"), "{error}");
    let error =
        mistakes(&RULE.replace("git push origin main\"", "git push --no-verify origin main\""));
    assert!(error.contains("`unless` `no_verify = true` holds"), "{error}");
    let error = mistakes(&RULE.replace("git push origin main\"", "rm /x\""));
    assert!(error.contains("no effect of kind `vcs_remote`"), "{error}");
    let error = mistakes(&RULE.replace("git push origin main\"", "ls\""));
    assert!(error.contains("no effects"), "{error}");
}

#[test]
fn a_mistake_is_named_where_it_stands() {
    let cases = [
        (RULE.replace("when.branch", "when.brunch"), ["team.toml:9", "did you mean `branch`?"]),
        (
            RULE.replace("vcs_remote", "vcs_remot"),
            ["not a kind of effect", "did you mean `vcs_remote`?"],
        ),
        (RULE.replace("outcome", "outcom"), ["unknown key `outcom`", "did you mean `outcome`?"]),
        (
            RULE.replace("\"deny\"", "\"forbid\""),
            ["@outcome (`forbid`)", "contain, review, ask, deny"],
        ),
        (
            RULE.replace("when.op = \"push\"", "when.recursive = true"),
            ["no attribute of `vcs_remote`", "`delete`"],
        ),
        (
            RULE.replace("unless.no_verify = true", "unless.no_verify = 'yes'"),
            ["is a flag", "no_verify = true"],
        ),
        (RULE.replace("release/*", "release/?"), ["has `?`", "one wildcard"]),
        (
            RULE.replace("when.effect = \"vcs_remote\"", ""),
            ["no `when.effect`", "say what the rule is about"],
        ),
        (RULE.replace("when.", "match."), ["team.toml", "duplicate key"]),
        (RULE.replace("when.branch", "branch"), ["unknown key `branch`", "`when.branch`"]),
        (RULE.replace("[[rule]]", "[[rules]]"), ["unknown key `rules`", "[[rule]]"]),
        (
            RULE.replace("unless.no_verify = true", "when.facts.trakced = true"),
            ["unknown fact", "did you mean `tracked`?"],
        ),
    ];
    for (text, expected) in cases {
        let error = mistakes(&text);
        for words in expected {
            assert!(error.contains(words), "{text}\n→ {error}\nlacks {words}");
        }
    }
}

#[test]
fn a_rule_in_cedar_has_examples_too() {
    let rule = |matching: &str| {
        let text = format!(
            "@id(\"u.force\") @outcome(\"ask\") @why(\"w\")\n\
             @match(\"{matching}\") @not_match(\"rm /x\")\n\
             forbid (principal, action == Action::\"vcs_remote\", resource) when {{ context.no_verify }};\n"
        );
        Source { layer: Layer::User, name: "own.cedar".to_owned(), text: text.into() }
    };
    let told = |matching| match Bundle::load_checked(&[rule(matching)], &analyse) {
        Ok(bundle) => bundle.rules()[0].matching().join(" and "),
        Err(error) => error.to_string(),
    };
    let both = "git push --no-verify o a\\ngit push --no-verify o b";
    assert_eq!(told(both), "git push --no-verify o a and git push --no-verify o b");
    let error = told("git push o a");
    assert!(error.contains("its conditions do not hold of the effect `vcs_remote o/a"), "{error}");
    let error = told("ls");
    assert!(error.contains("analysis finds no effects"), "{error}");
}

#[test]
fn a_rule_of_the_repository_in_toml_cannot_widen_either() {
    let text = RULE.replace("\"deny\"", "\"allow\"");
    let source = Source { layer: Layer::Repository, ..source(&text) };
    let error = Bundle::load(&[source]).unwrap_err().to_string();
    assert!(error.contains("may only forbid"), "{error}");
}

/// The rules in the guide load, and what its table of annotations names is what a rule may have.
#[test]
fn the_guide_shows_rules_that_load() {
    let guide = include_str!("../../../docs/how-to-add-a-rule.md");
    let block = |fence: &str| {
        let (_, rest) = guide.split_once(fence).unwrap();
        rest.split_once("```").unwrap().0.to_owned()
    };
    let cedar = Source {
        layer: Layer::User,
        name: "guide.cedar".to_owned(),
        text: block("```cedar\n").into(),
    };
    let bundle = Bundle::load_checked(&[source(&block("```toml\n")), cedar], &analyse).unwrap();
    let ids: Vec<&str> = bundle.rules().iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["team.release-branches", "team.generated-code", "team.keep-fixtures"]);
}
