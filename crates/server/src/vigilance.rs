//! Requests that nobody made, to see whether a dangerous one is noticed.
//!
//! Now and then, where the user wants it and something real waits, one is put among what waits. It looks as the
//! others do, is bound to nothing, and no agent waits for it: whatever is answered, nothing runs. What it was is
//! told right after the answer. How often a person catches them is in the log; where somebody misses them,
//! their yes needs another's.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use ringfence_record::cases::{Case, random_letters};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Server;
use crate::api::{instant, now};
use crate::approvals::{lock, told};
use crate::gate::ApprovalTerms;
use crate::problem::Problem;
use crate::words::{cost_of_no, told as told_kind};

/// They come no closer than this, and wait no longer.
const APART: Duration = Duration::from_secs(20 * 60);
const WAITS: Duration = Duration::from_secs(10 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A person who missed so many of the last few is not trusted alone.
pub(crate) const LAST: usize = 5;
const MISSED: usize = 2;

/// What one is made of.
#[derive(Debug, Clone, Deserialize)]
struct Probe {
    tool: String,
    input: String,
    /// The words of it that the rule is about, where they stand last.
    mark: String,
    rule: String,
    effects: Vec<String>,
    blast: String,
    risk: u8,
    told: String,
}

/// One that waits.
#[derive(Debug, Clone)]
pub(crate) struct Planted {
    case: Case,
    told: String,
    at: Instant,
}

/// Who plants them.
#[derive(Default)]
pub(crate) struct Planter {
    now: Mutex<Option<Planted>>,
    /// When they were planted, oldest first.
    times: Mutex<Vec<Instant>>,
}

impl Planter {
    /// What is planted now, or is planted by this, beside a real case.
    pub(crate) fn planted(
        &self,
        server: &Server,
        terms: &ApprovalTerms,
        like: Option<&Case>,
    ) -> Result<Option<Planted>, Problem> {
        let mut planted = lock(&self.now);
        if planted.as_ref().is_some_and(|it| it.at.elapsed() > WAITS) {
            *planted = None;
        }
        if let (None, Some(like), Some(per_day)) = (&*planted, like, terms.probes_per_day)
            && self.is_time(per_day)
        {
            *planted = Some(new(server, like)?);
        }
        Ok(planted.clone())
    }

    /// Takes it, if this is its code, and it is what was shown.
    pub(crate) fn take(&self, code: &str, shown: impl Fn(&Value) -> bool) -> Option<Planted> {
        lock(&self.now).take_if(|it| it.case.code == code && shown(&it.told()))
    }

    fn is_time(&self, per_day: u32) -> bool {
        let mut times = lock(&self.times);
        times.retain(|at| at.elapsed() < DAY);
        let is_time =
            times.len() < per_day as usize && times.last().is_none_or(|at| at.elapsed() > APART);
        if is_time {
            times.push(instant());
        }
        is_time
    }
}

/// One that looks as if the session of this case had asked for it.
fn new(server: &Server, like: &Case) -> Result<Planted, Problem> {
    let all: Vec<Probe> = serde_json::from_str(include_str!("probes.json"))
        .map_err(|error| Problem::failed(format!("the list of probes is damaged: {error}")))?;
    let code = random_letters(4)?;
    let digest = Sha256::digest(random_letters(32)?.as_bytes());
    let pick = digest.first().map_or(0, |byte| usize::from(*byte)) % all.len().max(1);
    let probe = all.into_iter().nth(pick);
    let probe = probe.ok_or_else(|| Problem::failed("the list of probes is empty"))?;
    let (why, instead) = server.gate.rule(&probe.rule).unwrap_or_default();
    let here = like.cwd.clone().unwrap_or_else(|| "/".to_owned());
    let place = |text: &str| text.replace("{cwd}", &here);
    let input = place(&probe.input);
    // The effect that reaches furthest stands last.
    let kind = probe.effects.last().and_then(|effect| told_kind(effect)).map(|(kind, _)| kind);
    let begin = input.rfind(&probe.mark).unwrap_or_default();
    let span = [begin, begin + probe.mark.len()];
    let evidence = json!({"in": "/input/command", "span": span, "text": probe.mark});
    let case = Case {
        code,
        digest: format!("sha256:{digest:x}"),
        agent: like.agent.clone(),
        session: like.session.clone(),
        tool: probe.tool,
        cwd: like.cwd.clone(),
        rule: probe.rule,
        queued: like.queued,
        denied: like.denied,
        effects: probe.effects.iter().map(|it| place(it)).collect(),
        evidence: vec![evidence],
        seen: like.seen.clone(),
        blast: probe.blast,
        cost_of_no: cost_of_no(kind, &instead),
        risk: probe.risk,
        opened: now(),
        input,
        why,
        instead,
        ..Case::default()
    };
    Ok(Planted { case, told: probe.told, at: instant() })
}

impl Planted {
    /// As a person sees it: as any other.
    pub(crate) fn told(&self) -> Value {
        let (cases, sessions) =
            (std::slice::from_ref(&self.case), std::slice::from_ref(&self.case.session));
        told(cases, self.at.elapsed(), sessions, 1)
    }

    /// What is recorded of the answer.
    pub(crate) fn entry(&self, person: &str, caught: bool) -> [(&'static str, Value); 4] {
        let waited = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        [
            ("reviewer", json!(person)),
            ("caught", json!(caught)),
            ("rule", json!(self.case.rule)),
            ("waited_ms", json!(waited)),
        ]
    }

    /// What a person is told right after.
    pub(crate) fn revealed(&self, caught: bool) -> String {
        let how = if caught { "you caught it" } else { "you let it through" };
        format!(
            "nobody asked for this: it was made up to see whether it is noticed, and {how}; {}",
            self.told
        )
    }
}

/// Whether a person has missed so many of the last few that their yes needs another's, or it is not known yet.
pub(crate) fn is_weak(server: &Server, person: &str) -> Result<bool, Problem> {
    let caught = server.office.caught(server, person)?;
    let missed = caught.map(|caught| caught.iter().filter(|caught| !**caught).count());
    Ok(missed.is_none_or(|missed| missed >= MISSED))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is made up must not be told by how it looks: words are underlined, and kinds are known.
    #[test]
    fn what_is_planted_is_marked_as_the_others_are() {
        let all: Vec<Probe> = serde_json::from_str(include_str!("probes.json")).unwrap();
        assert!(all.len() > 3);
        for probe in all {
            assert!(probe.input.contains(&probe.mark) && probe.mark != probe.input, "{probe:?}");
            assert!(probe.effects.iter().all(|it| told_kind(it).is_some()), "{probe:?}");
        }
    }
}
