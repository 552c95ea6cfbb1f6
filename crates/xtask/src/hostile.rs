//! What the worst commands cost: each is analysed and decided, and the slowest of each family is shown.
//!
//! Analysis reads no clock: steps are what bounds it, and this is where steps are turned into time. A
//! run is the fastest of a few, and what is counted is the time on a processor, so that what else the
//! machine does at the same time is left out.

use std::collections::BTreeMap;

use ringfence_action::Action;
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_testkit::hostile::{self, Input};
use ringfence_testkit::timing::{Percentiles, timed_alone};
use serde_json::json;

use crate::Failure;

/// Milliseconds that an analysis may take, without what debug builds cost more.
const BAR: f64 = 20.0;

/// Runs of one input that is slow.
const RUNS: usize = 5;

/// Measures all inputs, or those of one family, and prints what came of it. True if every analysis is
/// within the bar; of a debug build nothing is asked.
pub(crate) fn run(family: Option<&str>, slowest: usize) -> Result<bool, Failure> {
    let bundle = Bundle::default_rules().map_err(|error| error.to_string())?;
    let options = Options { sandbox: true, ..Options::default() };
    let engine = Engine::new(bundle, Box::new(Supplied), options);
    let mut families: BTreeMap<&str, Vec<Measured>> = BTreeMap::new();
    let inputs = hostile::inputs().into_iter().filter(|it| family.is_none_or(|f| it.family == f));
    for input in inputs {
        let measured = measure(&engine, input)?;
        families.entry(measured.input.family).or_default().push(measured);
    }
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!("| {build} build | inputs | analysis, p50 | slowest | decision, slowest | which |");
    println!("|---|---|---|---|---|---|");
    let mut within = true;
    for (family, mut all) in families {
        let analysis = Percentiles::of(all.iter().map(|it| it.analysis).collect());
        let decision = Percentiles::of(all.iter().map(|it| it.decision).collect());
        all.sort_by(|a, b| b.analysis.total_cmp(&a.analysis));
        let name = all.first().map(|it| it.input.name.escape_debug().to_string());
        println!(
            "| {family} | {} | {:.2} ms | {:.2} ms | {:.2} ms | {} |",
            all.len(),
            analysis.p50,
            analysis.max,
            decision.max,
            name.unwrap_or_default(),
        );
        for it in all.iter().take(slowest) {
            eprintln!("  {family}: {}", it.line());
        }
        all.sort_by(|a, b| b.decision.total_cmp(&a.decision));
        for it in all.iter().take(slowest) {
            eprintln!("  {family}, decided: {}", it.line());
        }
        within &= analysis.max <= BAR;
    }
    Ok(within || cfg!(debug_assertions))
}

/// One input: milliseconds.
struct Measured {
    input: Input,
    analysis: f64,
    decision: f64,
    effects: usize,
}

impl Measured {
    fn line(&self) -> String {
        let Self { input, analysis, decision, effects } = self;
        let name = input.name.escape_debug();
        format!("{analysis:.2} ms, decision {decision:.2} ms, {effects} effects: {name}")
    }
}

fn measure(engine: &Engine, input: Input) -> Result<Measured, Failure> {
    let line = json!({
        "tool": "Bash", "input": {"command": input.text}, "cwd": "/home/u/proj",
        "workspace": ["/home/u/proj"], "home": "/home/u",
    });
    let action = Action::from_json(line.to_string().as_bytes())?;
    let call = ringfence_adapters::normalize(&action);
    let mut effects = 0;
    let analysis = fastest(|| effects = ringfence_analysis::analyze(&action, &call).effects.len());
    let decision = fastest(|| {
        engine.decide(&action, &call, &mut Session::default());
    });
    Ok(Measured { input, analysis, decision, effects })
}

/// Milliseconds of the fastest run; what is fast runs once.
fn fastest(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        best = best.min(timed_alone(&mut run).1 / 1e3);
        if best < BAR / 4.0 {
            break;
        }
    }
    best
}
