//! The pages of `tests/effects`: each command has the effects that its page says it has.

use std::process::ExitCode;

use ringfence_analysis::analyze;
use ringfence_testkit::{Case, Judged, run};

fn main() -> ExitCode {
    run(&["tests/effects"], judge)
}

fn judge(case: &Case) -> Judged {
    let action = case.action().expect("a page that was read");
    let call = case.shell_call().unwrap_or_else(|| ringfence_adapters::normalize(&action));
    let analysis = analyze(&action, &call);
    Judged { effects: analysis.effects, opaque: analysis.opaque, verdict: None }
}
