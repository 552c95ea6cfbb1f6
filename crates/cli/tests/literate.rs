//! The pages of `tests/policy` and `tests/bypass`: each action gets the verdict that its page gives
//! it, from the default rules, in a session of its own.

use std::process::ExitCode;
use std::sync::Arc;

use ringfence_action::Preset;
use ringfence_adapters::normalize;
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_testkit::{Case, Judged, run};

fn main() -> ExitCode {
    let engines = Arc::new(Preset::ALL.map(|preset| {
        let bundle = Bundle::default_rules().expect("the default rules load");
        let options = Options { preset, sandbox: true };
        (preset, Engine::new(bundle, Box::new(Supplied), options))
    }));
    run(&["tests/policy", "tests/bypass"], move |case| {
        let engine = engines.iter().find(|(preset, _)| *preset == case.preset);
        judge(&engine.expect("an engine for each preset").1, case)
    })
}

fn judge(engine: &Engine, case: &Case) -> Judged {
    let action = case.action().expect("a page that was read");
    let call = case.shell_call().unwrap_or_else(|| normalize(&action));
    let decision = engine.decide(&action, &call, &mut Session::new()).decision;
    let rules = decision.rules.into_iter().map(|rule| rule.id).collect();
    Judged {
        effects: decision.effects,
        opaque: decision.opaque,
        verdict: Some((decision.verdict.to_string(), rules)),
    }
}
