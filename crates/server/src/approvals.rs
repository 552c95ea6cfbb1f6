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
        let has_one = self.cases.iter().any(|case| !case.approved_by.is_empty());
        if needs_two || has_one { 2 } else { 1 }
    }

    /// Who has approved of all of them: a case that came later was not there to be approved of.
    fn approved_by(&self) -> Vec<String> {
        let mut cases = self.cases.iter();
        let mut all = cases.next().map(|case| case.approved_by.clone()).unwrap_or_default();
        cases.for_each(|case| all.retain(|person| case.approved_by.contains(person)));
        all
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use ringfence_record::StateFolder;
    use ringfence_record::desk::Desk;
    use ringfence_record::holds::Holds;
    use ringfence_record::log::{Durability, Log};

    use super::*;
    use crate::auth::Auth;
    use crate::feed::Feed;
    use crate::gate::{Gate, Refused};
    use crate::metrics::Metrics;

    /// A gate that decides nothing, and says what is wanted of the queue.
    struct Terms(Mutex<ApprovalTerms>);

    impl Gate for Terms {
        fn answer(&self, _: &str, _: u32, _: &[u8]) -> Result<Vec<u8>, Refused> {
            Err(Refused::undecided("no"))
        }
        fn decide(&self, _: &[u8]) -> Result<Vec<u8>, Refused> {
            Err(Refused::undecided("no"))
        }
        fn bundle(&self) -> Result<String, String> {
            Ok("sha256:0".to_owned())
        }
        fn status(&self) -> Result<Value, String> {
            Ok(Value::Null)
        }
        fn policies(&self) -> Result<Value, String> {
            Ok(Value::Null)
        }
        fn check_rules(&self, _: &str, _: &str) -> Result<Value, String> {
            Ok(Value::Null)
        }
        fn replay_rules(&self, _: &str, _: &str, _: u32) -> Result<Value, String> {
            Ok(Value::Null)
        }
        fn keep_rules(&self, _: &str, _: &str) -> Result<(), String> {
            Ok(())
        }
        fn oversight(&self) -> Result<Value, String> {
            Ok(Value::Null)
        }
        fn approvals(&self) -> Result<ApprovalTerms, String> {
            Ok(lock(&self.0).clone())
        }
        fn rule(&self, _: &str) -> Option<(String, String)> {
            Some(("why".to_owned(), "Do not.".to_owned()))
        }
        fn alive(&self) -> BTreeSet<String> {
            BTreeSet::new()
        }
        fn end(&self, _: Option<&str>) -> usize {
            0
        }
    }

    struct Place {
        _folder: tempfile::TempDir,
        server: Server,
        cases: Cases,
    }

    fn place(terms: ApprovalTerms) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        let address = "127.0.0.1:7475".parse().unwrap();
        let server = Server {
            holds: Holds::of(&state),
            feed: Feed::start(&state, &log).unwrap(),
            auth: Auth::new(Desk::of(&state), address, true).unwrap(),
            gate: Arc::new(Terms(Mutex::new(terms))),
            metrics: Metrics::default(),
            office: Office::default(),
            state: state.clone(),
            log,
        };
        Place { _folder: folder, server, cases: Cases::open(&state).unwrap() }
    }

    fn terms(per_hour: u32) -> ApprovalTerms {
        ApprovalTerms { per_hour, ..ApprovalTerms::default() }
    }

    impl Place {
        fn leave(&self, digest: &str, session: &str, same: &str, risk: u8) -> Case {
            let case = Case {
                digest: format!("sha256:{digest:0>64}"),
                same: same.to_owned(),
                session: session.to_owned(),
                agent: "codex".to_owned(),
                tool: "Bash".to_owned(),
                input: "make deploy".to_owned(),
                rule: "infra.change".to_owned(),
                effects: vec!["infra deploy".to_owned()],
                queued: true,
                risk,
                ..Case::default()
            };
            self.cases.leave(&case).unwrap();
            let all = self.cases.pending().unwrap();
            all.into_iter().find(|it| it.digest == case.digest).unwrap()
        }

        fn shown(&self) -> Vec<Value> {
            let waiting = self.server.waiting(true).unwrap();
            let mut shown: Vec<Value> =
                waiting.shown().iter().map(|it| it.told(&waiting)).collect();
            shown.extend(waiting.planted.as_ref().map(Planted::told));
            shown
        }

        fn says(
            &self,
            code: &str,
            answer: Said,
            scope: Scope,
            who: &str,
        ) -> Result<Value, Problem> {
            self.server.answered(code, &Answer { answer, scope }, who)
        }

        fn entries(&self, kind: &str) -> usize {
            let entries = self.server.log.entries().unwrap().map(Result::unwrap);
            entries.filter(|entry| entry["kind"] == kind).count()
        }
    }

    #[test]
    fn the_same_call_of_many_agents_is_one_case_and_one_answer() {
        let place = place(terms(12));
        let first = place.leave("a1", "s", "same", 40);
        let second = place.leave("b2", "t", "same", 40);
        place.leave("c3", "u", "other", 10);
        // What the agent asks its own user about is no case here.
        place
            .cases
            .leave(&Case {
                queued: false,
                code: String::new(),
                digest: "sha256:ff".to_owned(),
                ..first.clone()
            })
            .unwrap();
        let shown = place.shown();
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0]["sessions"], json!(["s", "t"]));
        assert_eq!(shown[0]["risk"], 40, "the riskiest first");
        let done = place.says(&first.code, Said::Approve, Scope::Once, "p1").unwrap();
        assert_eq!(done["done"], true);
        for case in [&first, &second] {
            let allowed = place.cases.take(&case.digest).unwrap().unwrap();
            let entry = place.server.log.since(&allowed.receipt).unwrap();
            assert_eq!(
                (&entry[0]["kind"], &entry[0]["case"]),
                (&json!("approval"), &json!(case.digest))
            );
        }
        assert_eq!(place.shown().len(), 1);
        let again = place.says(&first.code, Said::Approve, Scope::Once, "p1").unwrap_err();
        assert_eq!(again.0, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_no_stands_and_a_never_proposes_a_rule() {
        let place = place(terms(12));
        let (no, never) = (place.leave("a1", "s", "x", 1), place.leave("b2", "s", "y", 2));
        let done = place.says(&no.code, Said::Deny, Scope::Once, "p1").unwrap();
        assert_eq!(done["proposed_rule"], Value::Null);
        let done = place.says(&never.code, Said::Deny, Scope::Never, "p1").unwrap();
        let rule = done["proposed_rule"].as_str().unwrap();
        assert!(
            rule.contains("outcome = \"deny\"") && rule.contains("when.target = \"deploy\""),
            "{rule}"
        );
        assert!(place.cases.is_refused(&no.digest) && place.cases.is_refused(&never.digest));
        assert_eq!((place.entries("refusal_by_person"), place.entries("approval")), (2, 0));
        assert!(place.shown().is_empty());
    }

    #[test]
    fn more_than_a_person_answers_with_care_is_not_shown() {
        let place = place(terms(2));
        let cases: Vec<Case> =
            (1..=4).map(|it| place.leave(&it.to_string(), "s", &it.to_string(), it)).collect();
        let shown = place.shown();
        let risks: Vec<&Value> = shown.iter().map(|it| &it["risk"]).collect();
        assert_eq!(risks, [&json!(4), &json!(3)]);
        let hidden = place.says(&cases[0].code, Said::Approve, Scope::Once, "p1").unwrap_err();
        assert_eq!(hidden.0, StatusCode::TOO_MANY_REQUESTS);
        place.says(&cases[3].code, Said::Deny, Scope::Once, "p1").unwrap();
        place.says(&cases[2].code, Said::Deny, Scope::Once, "p1").unwrap();
        assert!(place.shown().is_empty(), "the budget is spent; the rest times out as a no");
        assert!(place.says(&cases[1].code, Said::Approve, Scope::Once, "p1").is_err());
    }

    #[test]
    fn what_needs_two_people_needs_two() {
        let needs_two = vec!["infra.change".to_owned()];
        let place = place(ApprovalTerms { needs_two, ..terms(12) });
        let case = place.leave("a1", "s", "x", 1);
        assert_eq!(place.shown()[0]["needs"], 2);
        let first = place.says(&case.code, Said::Approve, Scope::Session, "p1").unwrap();
        assert_eq!(first["done"], false);
        assert!(place.cases.take(&case.digest).unwrap().is_none());
        assert_eq!(place.shown()[0]["approved_by"], json!(["p1"]));
        assert!(
            place.says(&case.code, Said::Approve, Scope::Session, "p1").is_err(),
            "the same person"
        );
        let second = place.says(&case.code, Said::Approve, Scope::Session, "p2").unwrap();
        assert_eq!(second["done"], true);
        assert!(place.cases.take(&case.digest).unwrap().unwrap().for_session);
    }

    #[test]
    fn a_request_that_nobody_made_runs_nothing_and_shows_who_looks() {
        let place = place(ApprovalTerms { probes_per_day: Some(3), ..terms(12) });
        assert!(place.shown().is_empty(), "nothing real waits");
        let real = place.leave("a1", "s", "x", 1);
        let shown = place.shown();
        assert_eq!(shown.len(), 2);
        let planted = shown.iter().find(|it| it["code"] != json!(real.code)).unwrap().clone();
        let real = shown.iter().find(|it| it["code"] == json!(real.code)).unwrap();
        let names = |it: &Value| it.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&planted), names(real), "it looks as the others do");
        assert_eq!((&planted["session"], &planted["agent"]), (&real["session"], &real["agent"]));
        let code = planted["code"].as_str().unwrap();
        let done = place.says(code, Said::Approve, Scope::Session, "p1").unwrap();
        assert_eq!(done["probe"]["caught"], false);
        let text = done["probe"]["text"].as_str().unwrap();
        assert!(text.contains("nobody asked for this"), "{text}");
        let digest = planted["digest"].as_str().unwrap();
        assert!(place.cases.take(digest).unwrap().is_none());
        assert_eq!((place.entries("vigilance"), place.entries("approval")), (1, 0));
        assert_eq!(place.shown().len(), 1, "not one after the other");
        assert!(place.says(code, Said::Deny, Scope::Once, "p1").is_err());

        // Who misses them is not trusted alone, as soon as the database has it.
        let fields = [("reviewer", json!("p1")), ("caught", json!(false))];
        place.server.record("vigilance", fields).unwrap();
        let began = instant();
        while !vigilance::is_weak(&place.server, "p1").unwrap() {
            assert!(began.elapsed() < Duration::from_secs(20));
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!vigilance::is_weak(&place.server, "p2").unwrap());
        let code = real["code"].as_str().unwrap();
        assert_eq!(place.says(code, Said::Approve, Scope::Once, "p1").unwrap()["done"], false);
        assert_eq!(place.says(code, Said::Approve, Scope::Once, "p2").unwrap()["done"], true);
    }
}
