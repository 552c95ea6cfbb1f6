//! `ringfence run --explain`: the plan and what this system gives, and nothing is run.

use std::io::Write;

use ringfence_sandbox::{Plan, Sandbox, Tier, seatbelt_profile};
use serde_json::json;

use super::network::Reach;
use super::{Run, refuse, say};
use crate::exit::{Exit, Failure};
use crate::render::json;
use crate::render::text::printable;

/// The plan for a system that this one is not.
pub(super) fn seatbelt(run: &Run, plan: &Plan, out: &mut impl Write) -> Result<Exit, Failure> {
    match seatbelt_profile(plan) {
        Ok(text) => {
            write!(out, "{text}")?;
            out.flush()?;
            say("this profile was not tested on macOS; paths are those of this machine");
            Ok(Exit::Fine)
        }
        Err(refusal) => refuse(run, &refusal, out),
    }
}

pub(super) fn explain(
    run: &Run,
    plan: &Plan,
    reach: &Reach,
    out: &mut impl Write,
) -> Result<Exit, Failure> {
    let support = Sandbox::probe();
    let limits = Sandbox::limits_by();
    if run.json {
        let reach = reach.to_json();
        let line = json!({"plan": plan, "reach": reach, "support": support, "limits": limits});
        json::line(out, &line)?;
    } else {
        let tier = support.tier.map_or_else(|| "none".to_owned(), |it| it.to_string());
        writeln!(out, "tier      {tier}, Landlock {}", support.landlock)?;
        write!(out, "{plan}")?;
        writeln!(out, "  {}", printable(&limits.to_string()))?;
        for line in reach.lines() {
            writeln!(out, "{}", printable(&line))?;
        }
        if !support.missing.is_empty() {
            writeln!(out, "\nnot held by this system")?;
        }
        for missing in &support.missing {
            writeln!(out, "  {}", printable(&missing.to_string()))?;
        }
    }
    let require = run.require_tier.map(Tier::from);
    Ok(if support.tier < require || support.tier.is_none() { Exit::Child(125) } else { Exit::Fine })
}
