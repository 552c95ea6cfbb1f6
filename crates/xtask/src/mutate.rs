//! Rules without a test: each rule of the default packs is taken away in turn, and some case of
//! `tests/policy` or `tests/bypass` must fail for it.
//!
//! Nothing is built for a mutant. A rule that did not speak on a case cannot change its verdict by being gone,
//! so only the cases on which it spoke are decided again.

use ringfence_action::Preset;
use ringfence_adapters::normalize;
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_testkit::{Case, Judged, cases, check, root};

use crate::Failure;

const FOLDERS: [&str; 2] = ["tests/policy", "tests/bypass"];

/// False if a rule can go without a case failing.
pub(crate) fn run() -> Result<bool, Failure> {
    let mut pages = Vec::new();
    for folder in FOLDERS {
        pages.extend(cases(&root().join(folder))?);
    }
    pages.retain(|case| case.expect_verdict.is_some() && case.gap.is_none());
    let bundle = default_rules()?;
    let engines = engines(default_rules)?;
    let mut judged = Vec::new();
    for case in &pages {
        let found = judge(&engines, case)?;
        if let Some(report) = check(case, &found) {
            return Err(format!("the rules fail as they are:\n{report}").into());
        }
        judged.push((case, found));
    }
    let mut survivors = 0;
    for rule in bundle.rules() {
        let spoke = judged
            .iter()
            .filter(|(_, found)| found.verdict.iter().any(|(_, rules)| rules.contains(&rule.id)));
        let spoke: Vec<&Case> = spoke.map(|(case, _)| *case).collect();
        if !is_missed(&bundle, &rule.id, &spoke)? {
            survivors += 1;
            println!("{}: no case fails without it; it speaks on {}", rule.id, spoke.len());
        }
    }
    let rules = bundle.rules().len();
    println!(
        "{rules} rules taken away in turn, {} cases; {survivors} were not missed",
        pages.len()
    );
    Ok(survivors == 0)
}

/// Whether some of these cases fails without the rule.
fn is_missed(bundle: &Bundle, id: &str, cases: &[&Case]) -> Result<bool, Failure> {
    if cases.is_empty() {
        return Ok(false);
    }
    let engines = engines(|| Ok(bundle.without(id).map_err(|error| error.to_string())?))?;
    for case in cases {
        if check(case, &judge(&engines, case)?).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn default_rules() -> Result<Bundle, Failure> {
    Ok(Bundle::default_rules().map_err(|error| error.to_string())?)
}

/// One engine for each preset.
fn engines(bundle: impl Fn() -> Result<Bundle, Failure>) -> Result<Vec<(Preset, Engine)>, Failure> {
    let engine = |preset| {
        let options = Options { preset, sandbox: true };
        Ok((preset, Engine::new(bundle()?, Box::new(Supplied), options)))
    };
    Preset::ALL.into_iter().map(engine).collect()
}

fn judge(engines: &[(Preset, Engine)], case: &Case) -> Result<Judged, Failure> {
    let engine = engines.iter().find(|(preset, _)| *preset == case.preset);
    let Some((_, engine)) = engine else { return Err("a preset without an engine".into()) };
    let action = case.action()?;
    let call = case.shell_call().unwrap_or_else(|| normalize(&action));
    let decision = engine.decide(&action, &call, &mut Session::new()).decision;
    let rules = decision.rules.into_iter().map(|rule| rule.id).collect();
    Ok(Judged {
        effects: decision.effects,
        opaque: decision.opaque,
        verdict: Some((decision.verdict.to_string(), rules)),
    })
}
