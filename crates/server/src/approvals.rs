//! What waits for a person, and what comes of their answer.
//!
//! A case is bound to a digest of the exact call, the rules and the facts, and to a session; an answer is recorded
//! first, and is looked up in the log again when the call comes. The same call of several sessions is shown as
//! one. A person answers so many in an hour with care: those with the highest risk are shown, the others are not,
//! and time out as a no.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use jiff::{SignedDuration, Timestamp};
use ringfence_record::cases::{Case, Cases, KEPT};
use ringfence_record::desk::Role;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Server;
use crate::api::{Looks, blocking, instant, now};
use crate::gate::ApprovalTerms;
use crate::problem::Problem;
use crate::vigilance::{self, Planted, Planter};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// What the server itself remembers of answers: nothing that matters when it ends.
#[derive(Default)]
pub(crate) struct Office {
    /// When people answered, oldest first.
    answered: Mutex<Vec<Instant>>,
    /// Held while a case is answered: of two answers at once, one finds nothing.
    answering: Mutex<()>,
    pub(crate) planter: Planter,
}

/// The same call, of one session or of several.
struct Group {
    cases: Vec<Case>,
    /// Since one of them was last asked for.
    age: Duration,
}

/// What waits, in the order in which it is shown, and how much of that is.
struct Waiting {
    groups: Vec<Group>,
    planted: Option<Planted>,
    left: usize,
    terms: ApprovalTerms,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Approve,
    Deny,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Scope {
    #[default]
    Once,
    Session,
    Never,
}

impl Scope {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Once => "once",
            Self::Session => "session",
            Self::Never => "never",
        }
    }
}

#[derive(Debug, Deserialize)]
struct Answer {
    answer: Said,
    #[serde(default)]
    scope: Scope,
}

pub(crate) async fn list(State(server): State<Arc<Server>>) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let waiting = server.waiting(true)?;
        let mut shown: Vec<Value> = waiting.shown().iter().map(|it| it.told(&waiting)).collect();
        let over = waiting.groups.len().saturating_sub(waiting.left);
        if let Some(planted) = &waiting.planted {
            shown.push(planted.told());
        }
        shown.sort_by_key(|it| std::cmp::Reverse(it.get("risk").and_then(Value::as_u64)));
        let budget = json!({"per_hour": waiting.terms.per_hour, "left": waiting.left});
        Ok(Json(json!({"approvals": shown, "budget": budget, "over_budget": over})))
    })
    .await
}

pub(crate) async fn answer(
    State(server): State<Arc<Server>>,
    Path(code): Path<String>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<impl IntoResponse, Problem> {
    let answer: Answer = serde_json::from_value(body.clone())
        .map_err(|error| Problem::wrong(format!("that is no answer: {error}; see docs/api.md")))?;
    if answer.answer == Said::Approve && answer.scope == Scope::Never {
        return Err(Problem::wrong("`never` goes with `deny`; say `once` or `session`"));
    }
    if answer.answer == Said::Deny && answer.scope == Scope::Session {
        return Err(Problem::wrong("`session` goes with `approve`; say `once` or `never`"));
    }
    blocking(move || {
        let path = format!("/api/v1/approvals/{code}");
        let who = server.auth.person(&viewer, &headers, "POST", &path, &body, Role::Approver)?;
        server.answered(&code, &answer, &who.name).map(Json)
    })
    .await
}

impl Server {
    /// What waits now. `plants`: whether a request that nobody made may be put among it.
    fn waiting(&self, plants: bool) -> Result<Waiting, Problem> {
        let terms = self.gate.approvals().map_err(Problem::failed)?;
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for (age, case) in Cases::open(&self.state)?.with_age()? {
            if !case.waits_here() {
                continue;
            }
            let key = if case.same.is_empty() { case.digest.clone() } else { case.same.clone() };
            let group = groups.entry(key).or_insert(Group { cases: Vec::new(), age });
            group.age = group.age.min(age);
            group.cases.push(case);
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|group| (std::cmp::Reverse(group.risk()), group.age));
        let left = (terms.per_hour as usize).saturating_sub(self.office.answered_lately());
        let real = groups.first().filter(|_| plants && left > 0);
        let like = real.and_then(|group| group.cases.first());
        let planted = self.office.planter.planted(self, &terms, like)?;
        Ok(Waiting { groups, planted, left, terms })
    }

    fn answered(&self, code: &str, answer: &Answer, person: &str) -> Result<Value, Problem> {
        let _one = lock(&self.office.answering);
        let approved = answer.answer == Said::Approve;
        if let Some(planted) = self.office.planter.take(code) {
            self.office.count();
            let caught = !approved;
            self.record("vigilance", planted.entry(person, caught))?;
            let probe = json!({"caught": caught, "text": planted.revealed(caught)});
            return Ok(json!({"done": true, "probe": probe, "proposed_rule": null}));
        }
        let waiting = self.waiting(false)?;
        let is_it = |group: &&Group| group.cases.iter().any(|case| case.code == code);
        let Some(group) = waiting.shown().iter().find(is_it) else {
            if waiting.groups.iter().any(|group| is_it(&group)) {
                let problem = "as many were answered in this hour as a person answers with care; \
                               what is left is refused";
                return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, problem));
            }
            let problem = "nothing waits under that code; it was answered, or is too old";
            return Err(Problem::missing(problem));
        };
        self.office.count();
        let first = group.cases.first();
        let opened = first.and_then(|case| case.opened.parse::<Timestamp>().ok());
        let waited = opened.zip(now().parse::<Timestamp>().ok()).map(|(from, to)| {
            u64::try_from(to.duration_since(from).as_millis()).unwrap_or_default()
        });
        let said = if approved { "approve" } else { "deny" };
        let fields = [
            ("reviewer", json!(person)),
            ("answer", json!(said)),
            ("scope", json!(answer.scope.as_str())),
            ("rule", json!(first.map(|case| &case.rule))),
            ("waited_ms", json!(waited)),
        ];
        self.record("review", fields)?;
        let cases = Cases::open(&self.state)?;
        if !approved {
            for case in &group.cases {
                self.record("refusal_by_person", about(case, person, answer.scope))?;
                cases.refuse(case, answer.scope == Scope::Never)?;
            }
            let rule = first.filter(|_| answer.scope == Scope::Never).and_then(rule_against);
            return Ok(json!({"done": true, "probe": null, "proposed_rule": rule}));
        }
        let weak = vigilance::is_weak(self, person)?;
        let before = group.approved_by();
        if before.iter().any(|it| it == person) {
            let problem = "you have approved of this already; somebody else has to, too";
            return Err(Problem::new(StatusCode::CONFLICT, problem));
        }
        let needs = group.needs(&waiting.terms).max(if weak { 2 } else { 1 });
        if before.len() + 1 < needs {
            for case in &group.cases {
                cases.note_approval(case, person)?;
            }
            return Ok(json!({"done": false, "probe": null, "proposed_rule": null}));
        }
        for case in &group.cases {
            // Recorded first: what is not in the log lets nothing through.
            let receipt = self.record("approval", about(case, person, answer.scope))?;
            let receipt =
                receipt.ok_or_else(|| Problem::failed("it was not recorded, and does not hold"))?;
            if answer.scope == Scope::Session {
                cases.allow_for_session(case, &receipt)?;
            } else {
                cases.allow(case, &receipt)?;
            }
        }
        Ok(json!({"done": true, "probe": null, "proposed_rule": null}))
    }
}

fn about(case: &Case, person: &str, scope: Scope) -> [(&'static str, Value); 7] {
    [
        ("agent", json!(case.agent)),
        ("session", json!(case.session)),
        ("case", json!(case.digest)),
        ("rule", json!(case.rule)),
        ("by", json!(person)),
        ("through", json!("passkey")),
        ("scope", json!(scope.as_str())),
    ]
}

/// A rule that says no to the same from now on, where it can be said in a line: the person decides whether to
/// keep it.
fn rule_against(case: &Case) -> Option<String> {
    let target = case.effects.first()?;
    let (kind, target) = target.split_once(' ')?;
    let target = target.split(", ").next()?.split(" (").next()?;
    let simple = |text: &str| !text.contains(['"', '\\', '\n', '{', '*', '?']);
    (simple(target) && simple(kind)).then(|| {
        format!(
            "[[rule]]\nid = \"our.never-{}\"\noutcome = \"deny\"\nwhy = \"A person has said never to this.\"\n\
             owner = \"us\"\nmaturity = \"new\"\nwhen.effect = \"{kind}\"\nwhen.target = \"{target}\"\n",
            case.code
        )
    })
}

impl Waiting {
    fn shown(&self) -> &[Group] {
        self.groups.get(..self.left.min(self.groups.len())).unwrap_or_default()
    }
}

impl Group {
    fn risk(&self) -> u8 {
        self.cases.iter().map(|case| case.risk).max().unwrap_or_default()
    }

    fn needs(&self, terms: &ApprovalTerms) -> usize {
        let needs_two = self.cases.iter().any(|case| terms.needs_two.contains(&case.rule));
        if needs_two || !self.approved_by().is_empty() { 2 } else { 1 }
    }

    fn approved_by(&self) -> Vec<String> {
        self.cases.first().map(|case| case.approved_by.clone()).unwrap_or_default()
    }

    fn told(&self, waiting: &Waiting) -> Value {
        let Some(case) = self.cases.first() else { return Value::Null };
        let mut sessions: Vec<&str> = self.cases.iter().map(|it| it.session.as_str()).collect();
        sessions.sort_unstable();
        sessions.dedup();
        told(case, self.age, &sessions, self.needs(&waiting.terms))
    }
}

/// A case, as a person sees it.
pub(crate) fn told(case: &Case, age: Duration, sessions: &[&str], needs: usize) -> Value {
    let left = SignedDuration::try_from(KEPT.saturating_sub(age)).unwrap_or_default();
    let expires = now().parse::<Timestamp>().ok().and_then(|now| now.checked_add(left).ok());
    json!({
        "code": case.code, "digest": case.digest, "agent": case.agent, "session": case.session,
        "tool": case.tool, "input": case.input, "cwd": case.cwd, "rule": case.rule,
        "why": case.why, "instead": case.instead, "effects": case.effects,
        "evidence": case.evidence, "seen": case.seen, "blast": case.blast,
        "cost_of_no": case.cost_of_no, "risk": case.risk, "denied": case.denied,
        "opened": case.opened, "expires": expires.map(|it| it.to_string()),
        "sessions": sessions, "needs": needs, "approved_by": case.approved_by,
    })
}

impl Office {
    fn answered_lately(&self) -> usize {
        let mut answered = lock(&self.answered);
        answered.retain(|at| at.elapsed() < HOUR);
        answered.len()
    }

    fn count(&self) {
        lock(&self.answered).push(instant());
    }
}

pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
