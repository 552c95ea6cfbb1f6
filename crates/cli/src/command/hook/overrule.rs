//! Calls that a person may let through, or has.
//!
//! A refused call leaves a case, bound to a digest of everything that led to the answer: the agent and its
//! session, the call to the letter, where it would run, the rules and the facts. If a person let exactly
//! this through, it is taken when the call comes again, and only if the log says so too, and says of no
//! use of it.

use jiff::Timestamp;
use ringfence_action::{Action, Verdict};
use ringfence_engine::{Explained, Options, SessionRule};
use ringfence_record::RecordError;
use ringfence_record::cases::{Case, Cases, KEPT, KEPT_FOR_A_SESSION, No};
use ringfence_record::log::Receipt;
use serde_json::{Value, json};

use super::answer::Desk;
use super::{state, words};
use crate::processes;

/// Longer inputs are cut where a person reads them. What is bound to is never cut.
const SHOWN: usize = 4 << 10;

/// How a refused call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody may let it through, or nobody can be asked to.
    Closed,
    /// A person may.
    Waits,
    /// Somebody has said no to exactly this, not long ago.
    Refused(No),
    /// A person has, in this entry.
    LetThrough(Receipt),
}

/// Whether a person has said in this entry what is wanted of it: minutes ago at most, and nothing has made use of
/// that, or for as long as the session lasts. Asked of the log, since files can be put back.
pub(super) fn is_open(
    desk: &Desk<'_>,
    receipt: &Receipt,
    says: impl FnOnce(&Value) -> bool,
) -> Result<bool, RecordError> {
    Ok(is_open_in(desk, &desk.log.since(receipt)?, receipt, says))
}

/// The same of what the log has from this entry on.
fn is_open_in(
    desk: &Desk<'_>,
    since: &[Value],
    receipt: &Receipt,
    says: impl FnOnce(&Value) -> bool,
) -> bool {
    let Some((approval, after)) = since.split_first() else { return false };
    let text = |name: &str| approval.get(name).and_then(Value::as_str);
    let at = text("at").and_then(|at| at.parse::<Timestamp>().ok());
    let stands = is_for_a_session(approval);
    let kept = if stands { KEPT_FOR_A_SESSION } else { KEPT };
    let is_fresh = at.is_some_and(|at| desk.at.duration_since(at).unsigned_abs() <= kept);
    let is_used = !stands
        && after.iter().any(|entry| {
            let field = |name: &str| entry.get(name);
            field("kind").and_then(Value::as_str) == Some("override")
                && field("approval").and_then(Value::as_u64) == Some(receipt.seq)
        });
    let is_open = is_fresh && !is_used && !is_taken_back(approval, after);
    text("kind") == Some("approval") && is_open && says(approval)
}

/// Whether a key of somebody who said yes was revoked since: it may be the one that said so.
fn is_taken_back(approval: &Value, after: &[Value]) -> bool {
    let before = approval.get("approved_by").and_then(Value::as_array).into_iter().flatten();
    let people: Vec<&Value> = approval.get("by").into_iter().chain(before).collect();
    after.iter().any(|entry| {
        entry.get("kind").and_then(Value::as_str) == Some("passkey_revoked")
            && entry.get("person").is_some_and(|it| people.contains(&it))
    })
}

/// Whether this entry lets a call of this digest through.
pub(super) fn names<'a>(digest: &'a str) -> impl FnOnce(&Value) -> bool + 'a {
    move |approval| approval.get("case").and_then(Value::as_str) == Some(digest)
}

fn is_for_a_session(approval: &Value) -> bool {
    approval.get("scope").and_then(Value::as_str) == Some("session")
}

/// A refused call, as it is judged.
pub(super) struct Refused<'a> {
    /// As the agent asked for it.
    pub(super) asked: &'a Action,
    /// The same, secrets replaced.
    pub(super) action: &'a Action,
    pub(super) explained: &'a Explained,
    pub(super) options: Options,
}

impl Refused<'_> {
    /// What a case is bound to. What the session itself made and when it is now change all the time, and
    /// take nothing from what the person saw.
    pub(super) fn digest(&self) -> String {
        self.digest_for(json!(self.asked.session))
    }

    /// What it has in common with the same call of any other session.
    fn same(&self) -> String {
        self.digest_for(Value::Null)
    }

    fn digest_for(&self, session: Value) -> String {
        let Self { asked, explained, options, .. } = self;
        let mut facts = json!(explained.facts);
        if let Some(facts) = facts.as_object_mut() {
            ["created", "now"].iter().for_each(|name| drop(facts.remove(*name)));
        }
        let decision = &explained.decision;
        state::digest(&json!([
            asked.agent.kind,
            session,
            asked.tool,
            asked.input,
            asked.cwd,
            decision.verdict,
            decision.code,
            decision.bundle,
            options.preset,
            facts,
            explained.seen,
        ]))
    }

    /// Takes what a person allowed, or leaves a case for one.
    pub(super) fn settle(&self, desk: &Desk<'_>, digest: &str) -> Result<Standing, RecordError> {
        let cases = Cases::open(&desk.folder)?;
        if let Some(allowed) = cases.take(digest)?
            && is_open(desk, &allowed.receipt, names(digest))?
        {
            return Ok(Standing::LetThrough(allowed.receipt));
        }
        if let Some(no) = cases.refused(digest) {
            return Ok(Standing::Refused(no));
        }
        let session = &desk.message.session;
        let receipts = cases.session_rules(&self.asked.agent.kind, session)?;
        let entries = desk.log.since_first_of(&receipts)?;
        for receipt in receipts {
            let is_it = |entry: &Value| {
                entry.get("seq").and_then(Value::as_u64) == Some(receipt.seq)
                    && entry.get("hash").and_then(Value::as_str) == Some(&receipt.hash)
            };
            let since = entries.iter().position(is_it).and_then(|at| entries.get(at..));
            let covers = |approval: &Value| self.is_covered(approval);
            if is_open_in(desk, since.unwrap_or_default(), &receipt, covers) {
                return Ok(Standing::LetThrough(receipt));
            }
        }
        cases.leave(&self.case(desk, digest))?;
        Ok(Standing::Waits)
    }

    /// Whether what a person let through for a session lets this through: it is of this session, and its rule says
    /// so, as it stands in the log.
    fn is_covered(&self, approval: &Value) -> bool {
        let text = |name: &str| approval.get(name).and_then(Value::as_str);
        let is_ours = text("agent") == Some(self.asked.agent.kind.as_str())
            && text("session").is_some_and(|it| self.asked.session.as_deref() == Some(it));
        let rule = approval.get("session_rule").cloned().unwrap_or_default();
        let rule = serde_json::from_value::<SessionRule>(rule);
        is_for_a_session(approval)
            && is_ours
            && rule.is_ok_and(|rule| rule.covers(self.action, self.explained, self.options))
    }

    fn case(&self, desk: &Desk<'_>, digest: &str) -> Case {
        let decision = &self.explained.decision;
        let rule = decision.rules.first();
        let why = rule.map(|rule| rule.why.clone()).unwrap_or_default();
        let denied = decision.verdict == Verdict::Deny;
        let instead = rule.map(|rule| rule.instead.clone()).unwrap_or_default();
        let session_rule = SessionRule::proposed(self.action, self.explained, self.options);
        Case {
            digest: digest.to_owned(),
            agent: self.asked.agent.kind.clone(),
            session: desk.message.session.clone(),
            process: desk.sender.as_ref().map(|sender| sender.process.name()),
            namespace: processes::namespace(),
            tool: self.action.tool.clone(),
            input: shown(&self.action.input),
            cwd: self.action.cwd.clone(),
            rule: decision.code.clone(),
            why,
            same: self.same(),
            queued: !denied && desk.queues(),
            denied,
            effects: words::effects(decision),
            evidence: rule
                .map_or_else(Vec::new, |rule| rule.evidence.iter().map(|it| json!(it)).collect()),
            seen: words::seen(self.explained),
            blast: words::blast(decision),
            cost_of_no: words::cost_of_no(decision, &instead),
            risk: words::risk(self.explained),
            instead,
            opened: desk.at.to_string(),
            session_rule: session_rule.map(|rule| json!(rule)),
            ..Case::default()
        }
    }
}

/// The command where there is one, else the whole input.
fn shown(input: &Value) -> String {
    let command = input.get("command").and_then(Value::as_str).map(str::to_owned);
    let text = command.unwrap_or_else(|| serde_json::to_string_pretty(input).unwrap_or_default());
    if text.len() <= SHOWN {
        return text;
    }
    let left = text.chars().skip(SHOWN).count();
    let head: String = text.chars().take(SHOWN).collect();
    format!("{head}\n… and {left} characters more: look at the whole before you let it through")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(shown(&json!({"command": "make"})), "make");
        let long = "é".repeat(SHOWN + 7);
        assert!(shown(&json!({"command": long})).contains("7 characters more"));
    }
}
