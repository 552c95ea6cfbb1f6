//! `twins.txt`: every rule with cases that differ by one fact. A rule without a case that needs it
//! fails here, and so does a case whose rule went away.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_action::{
    Attr, AttrType, Effect, EffectKind, Opaque, OpaqueReason, Outcome, PathKind, Preset, Scope,
    Target,
};
use ringfence_policy::{
    Bundle, Evaluation, RepositoryFacts, Request, SessionFacts, Subject, TargetFacts,
};

const TWINS: &str = include_str!("twins.txt");

enum What {
    Effect(Effect),
    Opaque(Opaque),
}

#[derive(Default)]
struct World {
    target: TargetFacts,
    repository: RepositoryFacts,
    session: SessionFacts,
    preset: Preset,
}

fn judge(bundle: &Bundle, case: &str) -> Evaluation {
    let (what, facts) = case.split_once('{').unwrap_or((case, ""));
    let world = world(facts.trim_end_matches('}'));
    let what = what_is(what.trim());
    bundle.evaluate(&Request {
        agent: "claude-code",
        preset: world.preset,
        subject: match &what {
            What::Effect(effect) => Subject::Effect(effect),
            What::Opaque(opaque) => Subject::Opaque(opaque),
        },
        target: &world.target,
        repository: &world.repository,
        session: &world.session,
    })
}

fn what_is(text: &str) -> What {
    let words = words(text);
    let (kind, target) = (words[0].as_str(), words[1].as_str());
    if kind == "opaque" {
        let reason = OpaqueReason::ALL.iter().find(|reason| reason.as_str() == target).unwrap();
        return What::Opaque(Opaque::new(*reason, ""));
    }
    let target = match target {
        "?" => Target::Unknown,
        text if text.contains("**") || text.ends_with('*') && text.contains('/') => {
            Target::Pattern(text.to_owned())
        }
        text => Target::known(text),
    };
    let mut effect = Effect::new(EffectKind::from_name(kind).unwrap(), target);
    for word in words.iter().skip(2) {
        if let Some(scope) = word.strip_prefix('@') {
            effect.scope = match scope {
                "container" => Scope::Container("x".to_owned()),
                "remote" => Scope::Remote("x".to_owned()),
                _ => Scope::Cluster("x".to_owned()),
            };
            continue;
        }
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        let attr = Attr::from_name(name).unwrap_or_else(|| panic!("{text}: {name}"));
        assert!(attr.fits(effect.kind), "{text}: {name}");
        match attr.value_type() {
            AttrType::Flag => effect.attributes.set(attr, true),
            AttrType::Text => effect.attributes.set(attr, value),
            AttrType::Count => effect.attributes.set(attr, value.parse::<i64>().unwrap()),
            AttrType::Set => value.split(',').for_each(|it| effect.attributes.insert(attr, it)),
        }
    }
    What::Effect(effect)
}

/// Splits at blanks outside of quotes, which are dropped.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn world(facts: &str) -> World {
    let mut world = World::default();
    for fact in facts.split_whitespace() {
        let (name, value) = fact.split_once('=').unwrap_or((fact, "yes"));
        let yes = Some(value == "yes");
        let set = || BTreeSet::from([value.to_owned()]);
        match name {
            "created" => world.target.created = true,
            "exists" => world.target.exists = yes,
            "kind" => world.target.kind = Some(PathKind::File),
            "tracked" => world.target.tracked = yes,
            "ignored" => world.target.ignored = yes,
            "holds_untracked" => world.target.holds_untracked = yes,
            "clean" => world.target.clean = yes,
            "orphaned" => world.target.orphaned = value.parse().ok(),
            "plan_takes" => world.target.plan_takes = value.parse().ok(),
            "foreign" => world.target.foreign = value.parse().ok(),
            "repository.stashes" => world.repository.stashes = value.parse().ok(),
            "default_branch" => world.target.default_branch = yes,
            "current_branch" => world.target.current_branch = yes,
            "upstream" => world.target.upstream = yes,
            "known_destination" => world.target.known_destination = yes,
            "repository.dirty" => world.repository.dirty = yes,
            "repository.has_untracked" => world.repository.has_untracked = yes,
            "repository.unpushed" => world.repository.unpushed = value.parse().ok(),
            "session.untrusted" => world.session.untrusted = set(),
            "session.private" => world.session.private = set(),
            "preset" => world.preset = Preset::Lockdown,
            _ => panic!("unknown fact {fact}"),
        }
    }
    world
}

#[test]
fn every_rule_speaks_about_its_own_cases_and_not_about_their_twins() {
    let bundle = Bundle::default_rules().unwrap();
    let mut wrong = Vec::new();
    let mut id = "";
    let mut cases: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for line in TWINS.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let Some((sign, case)) = line.trim().split_once(' ').filter(|_| line.starts_with(' '))
        else {
            id = line.trim();
            continue;
        };
        let evaluation = judge(&bundle, case);
        let hits: Vec<&str> = evaluation.hits.iter().map(|hit| hit.id.as_str()).collect();
        let speaks = hits.contains(&id);
        let fits = match sign {
            "+" => speaks,
            "-" => evaluation.outcome == Outcome::Allow,
            "~" => !speaks,
            _ => panic!("{line}"),
        };
        cases.entry(id).or_default()[usize::from(sign != "+")] += 1;
        if !fits || evaluation.error.is_some() {
            wrong.push(format!(
                "{id}: {line} → {} {hits:?} {:?}",
                evaluation.outcome, evaluation.error
            ));
        }
    }
    for rule in bundle.rules() {
        if cases.get(rule.id.as_str()).is_none_or(|counts| counts.contains(&0)) {
            wrong.push(format!("{}: needs a case and a twin", rule.id));
        }
    }
    for id in cases.keys().filter(|id| bundle.rule(id).is_none()) {
        wrong.push(format!("{id}: no such rule"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The pages of `tests/policy` tell danger from its twins: as many of each as make a bar.
#[test]
fn the_pages_hold_danger_and_twins_that_differ_by_one_fact() {
    const EACH: usize = 150;
    let cases = ringfence_testkit::cases(&ringfence_testkit::root().join("tests/policy")).unwrap();
    let found = ringfence_testkit::twins(&cases);
    println!(
        "{} dangerous cases, {} benign ones; {} pairs differ by one fact",
        found.danger,
        found.benign,
        found.pairs.len()
    );
    assert!(found.danger >= EACH && found.pairs.len() >= EACH, "{found:?}");
}

/// What `docs/coverage.md` says is seen, and by which rule, is tried out in `tests/policy/checklist.md`.
#[test]
fn every_row_of_the_checklist_has_a_case() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let read = |path: &str| std::fs::read_to_string(format!("{root}/{path}")).unwrap();
    let cases = read("tests/policy/checklist.md");
    let coverage = read("docs/coverage.md");
    let mut rows = 0;
    for row in coverage.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [number, _, rules, holds, ..] = cells.as_slice() else { continue };
        let number = number.trim_start_matches("| ");
        if number.parse::<u32>().is_err() || *holds == "no" {
            continue;
        }
        rows += 1;
        let beginning = format!("## Row {number}");
        let own = cases.split("\n## ").filter(|case| {
            format!("## {case}").strip_prefix(&beginning).is_some_and(|rest| {
                rest.starts_with(':') || rest.starts_with(|c: char| c.is_ascii_lowercase())
            })
        });
        let named: Vec<&str> = rules.split('`').skip(1).step_by(2).collect();
        let seen = own.flat_map(str::lines).any(|line| {
            line.split_once(' ').is_some_and(|(verdict, rule)| {
                matches!(verdict, "ask" | "deny" | "contain") && named.contains(&rule)
            })
        });
        assert!(seen, "row {number}: no action is stopped by {named:?}");
    }
    assert!(rows >= 60, "{rows} rows");
    println!("{rows} rows of the checklist, each with an action that its rule stops");
}
