//! What holds of every command: generated ones, in every disguise that changes nothing.
//!
//! A command is made from a grammar, so what it runs is known by construction ([`grammar`]). Then
//! another command is made of it that does the same: its words quoted otherwise, something in front,
//! around it, or in between. Nothing that the first one does may be missing from what is said of the
//! second. A sample of both runs in a real shell, as the cases of the oracle do.

#[path = "../shell_oracle/arena.rs"]
#[expect(dead_code, reason = "the oracle uses more of it")]
mod arena;
mod grammar;

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use ringfence_action::{Action, Call, Dialect, EffectKind, Opaque, Text, path};
use ringfence_analysis::{Analysis, analyze};

use arena::{Arena, Shell as Real};
use grammar::{FRONTS, Front, STYLES, Shell, commands};

/// What may stand around a command, and in what it may be handed on: `%` is the command, `'%'` the
/// command as one quoted word.
const AROUND: &[&str] = &[
    "%",
    "  \t %",
    "\n\n%",
    "# a comment\n%",
    "\\\n%",
    ":; %",
    "true && { %\n}",
    "false || { %\n}",
    "{ %\n}",
    "( % )",
    "( ( % ) )",
    "if true; then %\nfi",
    "if %\nthen :; fi",
    "for i in a b; do %\ndone",
    "while %\ndo break; done",
    "case a in b) ;; *) %\n;; esac",
    "f() { %\n}; f",
    "function f { %\n}; f",
    "f() ( % ); f",
    "echo $(%\n)",
    "echo \"$(%\n)\"",
    "x=$(%\n)",
    "x=\"$(%\n)\" y",
    ": ${never_set:-$(%\n)}",
    ": $((1 + $(%\n)))",
    "[[ -n $(%\n) ]]",
    "cat <(%\n)",
    "echo x > >(%\n)",
    "cat <<E\n$(%\n)\nE\n",
    "cat <<< \"$(%\n)\"",
    "a=( $(%\n) )",
    "! { %\n}",
    "time { %\n}",
    "{ %\n} &",
    "{ %\n} | cat",
    "echo x | { %\n}",
    "{ %\n} > out",
    "coproc { %\n}",
    "eval '%'",
    "eval eval \"'%'\"",
    "x='%'; eval \"$x\"",
    "bash -c '%'",
    "bash -xc '%' name word",
    "env bash -c '%'",
    "nohup bash -c '%'",
    "timeout 9 bash -c '%'",
    "exec bash -c '%'",
    "(exec bash -c '%')",
    "bash <<'END'\n%\nEND\n",
    "bash <<< '%'",
    "bash < <(echo '%')",
    "echo '%' | bash",
    "printf '%s\\n' '%' | bash -s",
    "source <(echo '%')",
    "trap '%' EXIT",
    "echo '%' > f; bash f",
    "set -e; %",
    "shopt -s expand_aliases; %",
    "exec 2>&1; %",
    "export A=b; %",
    "alias g='git'; %",
];

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
fn bare(analysis: &Analysis) -> BTreeSet<String> {
    analysis.effects.iter().map(|effect| format!("{} {}", effect.kind, effect.target)).collect()
}

fn programs(analysis: &Analysis) -> BTreeSet<String> {
    let exec = analysis.effects.iter().filter(|effect| effect.kind == EffectKind::Exec);
    exec.flat_map(|effect| effect.target.alternatives())
        .filter_map(|target| target.as_known().map(|name| path::base_name(name).to_owned()))
        .collect()
}

fn around(place: &str, command: &str) -> String {
    if place.contains("'%'") {
        place.replace("'%'", &format!("'{}'", command.replace('\'', r"'\''")))
    } else {
        place.replace('%', command)
    }
}

/// In the gate the same cases each time, so that a change is judged by what it changes; others in the full run.
fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let rng_seed = cases.map_or(RngSeed::Fixed(2026), |_| RngSeed::Random);
    let cases = cases.unwrap_or(600);
    ProptestConfig { cases, rng_seed, failure_persistence: None, ..Config::default() }
}

/// What the plain command does and the other is not said to do. What the other is refused for is not
/// overlooked.
fn overlooked(plain: &str, disguised: &str) -> Vec<String> {
    let (before, after) = (analysis(plain), analysis(disguised));
    let (wanted, found) = (bare(&before), bare(&after));
    let is_new = |it: &&Opaque| {
        before.opaque.iter().all(|o| (o.reason, &o.detail) != (it.reason, &it.detail))
    };
    let opaque = after.opaque.iter().any(|it| is_new(&it));
    // Where more is known, an unknown target has a name.
    let is_told = |effect: &String| {
        let kind = effect.strip_suffix(" ?");
        kind.is_some_and(|kind| found.iter().any(|other| other.starts_with(kind)))
    };
    wanted.difference(&found).filter(|it| !opaque && !is_told(it)).cloned().collect()
}

fn assert_covers(plain: &str, disguised: &str) -> Result<(), TestCaseError> {
    let lost = overlooked(plain, disguised);
    let plain = bare(&analysis(plain));
    let found = bare(&analysis(disguised));
    prop_assert!(
        lost.is_empty(),
        "{disguised}\n-- lost {lost:?}\n-- of {plain:?}\n-- has {found:?}"
    );
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    /// What a command runs by construction is named, or something is opaque.
    #[test]
    fn every_program_of_a_command_is_named(command in commands()) {
        let text = command.to_string();
        let analysis = analysis(&text);
        let named = programs(&analysis);
        let missing: Vec<_> =
            command.programs().into_iter().filter(|program| !named.contains(*program)).collect();
        prop_assert!(missing.is_empty(), "{text}\n-- not named: {missing:?}");
    }

    #[test]
    fn no_quoting_removes_an_effect(
        command in commands(), style in prop::sample::select(&STYLES[..])
    ) {
        let mut quoted = command.clone();
        quoted.each(&mut |simple| simple.style = style);
        assert_covers(&command.to_string(), &quoted.to_string())?;
    }

    #[test]
    fn nothing_in_front_removes_an_effect(
        command in commands(), front in prop::sample::select(&FRONTS[..])
    ) {
        let mut fronted = command.clone();
        fronted.each(&mut |simple| simple.front = front);
        assert_covers(&command.to_string(), &fronted.to_string())?;
    }

    #[test]
    fn nothing_around_it_removes_an_effect(
        command in commands(), place in prop::sample::select(AROUND)
    ) {
        let text = command.to_string();
        assert_covers(&text, &around(place, &text))?;
    }

    #[test]
    fn no_two_disguises_together_remove_an_effect(
        command in commands(),
        front in prop::sample::select(&FRONTS[..]),
        style in prop::sample::select(&STYLES[..]),
        inner in prop::sample::select(AROUND),
        outer in prop::sample::select(AROUND),
    ) {
        let text = command.to_string();
        let mut disguised = command.clone();
        disguised.each(&mut |simple| {
            simple.front = front;
            simple.style = style;
        });
        let disguised = around(outer, &around(inner, &disguised.to_string()));
        assert_covers(&text, &disguised)?;
    }
}

/// Disguises are seen through, not only refused.
#[test]
fn few_disguises_are_opaque() {
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(2), ..Config::default() });
    let all = (
        commands(),
        prop::sample::select(&FRONTS[..]),
        prop::sample::select(&STYLES[..]),
        prop::sample::select(AROUND),
    );
    let (mut cases, mut opaque) = (0, Vec::new());
    while cases < 400 {
        let (command, front, style, place) = all.new_tree(&mut runner).unwrap().current();
        let mut disguised: Shell = command.clone();
        disguised.each(&mut |simple| {
            simple.front = front;
            simple.style = style;
        });
        let disguised = around(place, &disguised.to_string());
        if analysis(&command.to_string()).opaque.is_empty() {
            cases += 1;
            let after = analysis(&disguised).opaque;
            opaque.extend((!after.is_empty()).then(|| format!("{disguised}\n    {}", after[0])));
        }
    }
    eprintln!("{} of {cases} are opaque", opaque.len());
    assert!(opaque.len() * 12 < cases, "{}\n{}", opaque.len(), opaque.join("\n"));
}

/// A sample, each command in some disguise, in a real shell: whatever ran was foreseen.
#[test]
fn what_generated_commands_execute_is_foreseen() {
    let Some(arena) = Arena::new(Real::Bash) else { return };
    let cases = if std::env::var_os("RINGFENCE_FULL").is_some() { 2_000 } else { 150 };
    let mut runner = TestRunner::new(Config { rng_seed: RngSeed::Fixed(4), ..Config::default() });
    let disguised = (
        commands(),
        prop::sample::select(&FRONTS[..]),
        prop::sample::select(&STYLES[..]),
        prop::sample::select(AROUND),
        any::<bool>(),
    );
    let (mut executed, mut named, mut missed) = (0, 0, Vec::new());
    for _ in 0..cases {
        let (command, front, style, place, fronted) =
            disguised.new_tree(&mut runner).unwrap().current();
        let mut command: Shell = command;
        // `command -p` looks programs up where the real ones are.
        let real = matches!(front, Front::Words(words) if words.contains("-p"));
        command.each(&mut |simple| {
            simple.style = style;
            if fronted && !real {
                simple.front = front;
            }
        });
        let text = around(place, &command.to_string());
        let analysis = arena.foresee(&text);
        let foreseen = arena::foreseen(&analysis);
        let ran: BTreeSet<_> = arena.execute(&text).into_iter().map(|ran| ran.program).collect();
        let missing: Vec<_> = ran.difference(&foreseen).collect();
        executed += usize::from(!ran.is_empty());
        named += usize::from(missing.is_empty());
        if !missing.is_empty() && analysis.opaque.is_empty() {
            missed.push(format!("{text}\n    not foreseen: {missing:?}"));
        }
    }
    eprintln!(
        "{cases} commands, {executed} execute something; {named} named, {} missed",
        missed.len()
    );
    assert!(missed.is_empty(), "\n{}", missed.join("\n"));
    assert!(executed * 10 > cases * 8, "{executed} of {cases} execute something");
    assert!(named * 10 > cases * 9, "{named} of {cases} are named");
}
