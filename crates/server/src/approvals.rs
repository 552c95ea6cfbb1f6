//! What waits for a person, and what comes of their answer.
//!
//! A case is bound to a digest of the exact call, the rules and the facts, and to a session; an answer is recorded
//! first, and is looked up in the log again when the call comes. The same call of several sessions is shown as
//! one. Whoever answers signs for what they were shown: what has changed since is not answered by that.
//!
//! A person answers so many in an hour with care. To each, those with the highest risk are shown, as many as they have
//! left, and of one session no more than three quarters of an hour's: none takes the hour of all others. What nobody
//! is shown is decided by the stricter default, which is no.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use jiff::{SignedDuration, Timestamp};
use ringfence_engine::SessionRule;
use ringfence_record::cases::{Case, Cases, KEPT, No};
use ringfence_record::desk::Role;
use ringfence_record::projection::{Projection, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::api::{Looks, blocking, now};
use crate::auth::Person;
use crate::gate::ApprovalTerms;
use crate::problem::Problem;
use crate::vigilance::{self, Planted, Planter};
use crate::{Server, words};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// So often it is looked whether more waits than people answer with care.
const LOOKS: Duration = Duration::from_secs(1);

/// What the server itself remembers of answers. When it begins, the log says it.
#[derive(Default)]
pub(crate) struct Office {
    /// What was answered; nothing before the log was asked.
    remembered: Mutex<Option<Remembered>>,
    /// When something was decided that nobody was shown.
    by_default: Mutex<Vec<Timestamp>>,
    /// Held while a case is answered: of two answers at once, one finds nothing.
    answering: Mutex<()>,
    pub(crate) planter: Planter,
}

/// What people did, as far as it counts.
#[derive(Default)]
struct Remembered {
    answered: Vec<Answered>,
    /// Whether each caught what nobody had asked for, the last time last.
    caught: BTreeMap<String, Vec<bool>>,
}

/// That somebody answered something.
struct Answered {
    at: Timestamp,
    person: String,
    /// Whose call it was about; nobody's where nobody made it.
    sessions: Vec<String>,
}

/// The same call, of one session or of several.
struct Group {
    cases: Vec<Case>,
    /// Since one of them was last asked for.
    age: Duration,
}

/// What waits, the riskiest first, and how much of that each person is shown.
struct Waiting {
    groups: Vec<Group>,
    planted: Option<Planted>,
    terms: ApprovalTerms,
    /// How many each person answers yet in this hour: nobody any, until that is known.
    left: BTreeMap<String, usize>,
    /// Whether it is known.
    counted: bool,
    /// How many each has answered in it of which session.
    taken: BTreeMap<(String, String), usize>,
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
    /// What was shown, by its digest.
    shown: String,
}

pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let person = server.auth.looks(&viewer)?;
        let waiting = server.waiting(true)?;
        let left = waiting.left_of(person.as_deref());
        let mut shown: Vec<Value> =
            waiting.shown_to(person.as_deref()).iter().map(|it| it.told(&waiting)).collect();
        let others = waiting.groups.len().saturating_sub(shown.len());
        if let Some(planted) = waiting.planted.as_ref().filter(|_| left > 0) {
            shown.push(planted.told());
        }
        shown.sort_by_key(|it| std::cmp::Reverse(it.get("risk").and_then(Value::as_u64)));
        let pending = shown.len() + others;
        let budget = json!({"per_hour": waiting.terms.per_hour, "left": left, "person": person,
                            "counted": waiting.counted});
        Ok(Json(json!({"approvals": shown, "budget": budget, "pending": pending,
                       "over_budget": others, "by_default": server.office.decided_by_default()})))
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
        server.answered(&code, &answer, &who).map(Json)
    })
    .await
}

/// Decides, from now on, what nobody is shown.
pub(crate) fn keep_to_budget(server: Arc<Server>) {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOKS).await;
            let server = server.clone();
            // What cannot be decided now waits, and waiting is no yes.
            let _ = blocking(move || server.decide_the_rest()).await;
        }
    });
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
        for group in &mut groups {
            // In one order, however often each is asked for again.
            group.cases.sort_by(|one, other| one.digest.cmp(&other.digest));
        }
        groups.sort_by_key(|group| (std::cmp::Reverse(group.risk()), group.age));
        let people: BTreeSet<String> =
            self.auth.passkeys()?.into_iter().map(|it| it.person).collect();
        let per_hour = terms.per_hour as usize;
        let mut left: BTreeMap<String, usize> =
            people.into_iter().map(|person| (person, per_hour)).collect();
        let mut taken = BTreeMap::new();
        let counted =
            self.office.answered_lately(self, |Answered { person, sessions, .. }| {
                if let Some(left) = left.get_mut(person) {
                    *left = left.saturating_sub(1);
                }
                for session in sessions {
                    *taken.entry((person.clone(), session.clone())).or_default() += 1;
                }
            })?;
        if !counted {
            left.values_mut().for_each(|left| *left = 0);
        }
        let plants = plants && counted;
        let like = groups.first().filter(|_| plants).and_then(|group| group.cases.first());
        let planted = self.office.planter.planted(self, &terms, like)?;
        Ok(Waiting { groups, planted, terms, left, counted, taken })
    }

    /// Says no to what nobody is shown: it has to be told, so that the agent goes on with something else.
    fn decide_the_rest(&self) -> Result<(), Problem> {
        let cases = Cases::open(&self.state)?;
        if !cases.pending()?.iter().any(|case| case.queued) {
            return Ok(());
        }
        let _one = lock(&self.office.answering);
        let waiting = self.waiting(false)?;
        if waiting.left.is_empty() || !waiting.counted {
            // Nobody is there to be shown anything, or not yet: it waits, and times out.
            return Ok(());
        }
        for case in waiting.rest() {
            self.record("refusal_by_default", about(case, "budget", Scope::Once))?;
            cases.refuse(case, No::Crowded)?;
            lock(&self.office.by_default).push(time());
        }
        Ok(())
    }

    fn answered(&self, code: &str, answer: &Answer, who: &Person) -> Result<Value, Problem> {
        let _one = lock(&self.office.answering);
        let person = who.name.as_str();
        // Between the proof and this it may have been revoked, and nothing is revoked meanwhile.
        if !self.auth.passkeys()?.iter().any(|it| it.id == who.passkey && it.person == person) {
            return Err(Problem::forbidden("that passkey was revoked"));
        }
        if !self.office.is_ready(self)? {
            let problem = "what was answered before the daemon began is still being counted; try again \
                           in a moment";
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, problem));
        }
        let approved = answer.answer == Said::Approve;
        let same = |told: &Value| told.get("shown").and_then(Value::as_str) == Some(&answer.shown);
        if let Some(planted) = self.office.planter.take(code, |told| same(told)) {
            self.office.count(self, person, Vec::new())?;
            let caught = !approved;
            self.office.noticed(self, person, caught)?;
            self.record("vigilance", planted.entry(person, caught))?;
            let probe = json!({"caught": caught, "text": planted.revealed(caught)});
            return Ok(json!({"done": true, "probe": probe, "proposed_rule": null}));
        }
        let waiting = self.waiting(false)?;
        let is_it = |group: &&Group| group.cases.iter().any(|case| case.code == code);
        let Some(group) = waiting.shown_to(Some(person)).into_iter().find(is_it) else {
            if waiting.groups.iter().any(|group| is_it(&group)) {
                let problem = "you have answered as many in this hour as a person answers with care, or \
                               as many of this session as leave room for others; what is left is for \
                               other people, or is refused";
                return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, problem));
            }
            let problem = "nothing waits under that code; it was answered, or is too old";
            return Err(Problem::missing(problem));
        };
        if !same(&group.told(&waiting)) {
            return Err(changed());
        }
        let before = group.approved_by(&waiting);
        if approved && before.iter().any(|it| it == person) {
            let problem = "you have approved of this already; somebody else has to, too";
            return Err(Problem::new(StatusCode::CONFLICT, problem));
        }
        let sessions = group.sessions();
        self.office.count(self, person, sessions.clone())?;
        let first = group.cases.first();
        let opened = first.and_then(|case| case.opened.parse::<Timestamp>().ok());
        let waited = opened
            .map(|from| u64::try_from(time().duration_since(from).as_millis()).unwrap_or_default());
        let said = if approved { "approve" } else { "deny" };
        let fields = [
            ("reviewer", json!(person)),
            ("answer", json!(said)),
            ("scope", json!(answer.scope.as_str())),
            ("rule", json!(first.map(|case| &case.rule))),
            ("shown", json!(answer.shown)),
            ("sessions", json!(sessions)),
            ("waited_ms", json!(waited)),
        ];
        self.record("review", fields)?;
        let cases = Cases::open(&self.state)?;
        if !approved {
            let no = if answer.scope == Scope::Never { No::ForGood } else { No::Once };
            for case in &group.cases {
                self.record("refusal_by_person", about(case, person, answer.scope))?;
                cases.refuse(case, no)?;
            }
            let rule = first.filter(|_| no == No::ForGood).and_then(rule_against);
            return Ok(json!({"done": true, "probe": null, "proposed_rule": rule}));
        }
        let weak = vigilance::is_weak(self, person)?;
        let needs = group.needs(&waiting.terms).max(if weak { 2 } else { 1 });
        if before.len() + 1 < needs {
            let mut noted = true;
            for case in &group.cases {
                noted &= cases.note_approval(case, person, answer.scope == Scope::Once)?;
            }
            if !noted {
                return Err(changed());
            }
            return Ok(json!({"done": false, "probe": null, "proposed_rule": null}));
        }
        if !group.cases.iter().all(|case| cases.is_as_shown(case)) {
            return Err(changed());
        }
        let vouched_for = self.vouched_for(before.iter().chain([&person.to_owned()]))?;
        for case in &group.cases {
            // Of two people, the one who lets less through decides how much that is.
            let scope = if case.approved_once { Scope::Once } else { answer.scope };
            // Recorded first: what is not in the log lets nothing through.
            let mut fields = Vec::from(approval(case, person, scope, &before));
            fields.push(("vouched_for", json!(vouched_for)));
            let receipt = self.record("approval", fields)?;
            let receipt =
                receipt.ok_or_else(|| Problem::failed("it was not recorded, and does not hold"))?;
            if scope == Scope::Session {
                cases.allow_for_session(case, &receipt)?;
            } else {
                cases.allow(case, &receipt)?;
            }
        }
        Ok(json!({"done": true, "probe": null, "proposed_rule": null}))
    }
}

impl Server {
    /// Takes a passkey away. Recorded first: what its owner let through for a session ends with it, as does what they
    /// have approved of and somebody else has to, too.
    pub(crate) fn revoke(&self, passkey: &str, by: &str) -> Result<(), Problem> {
        let _one = lock(&self.office.answering);
        self.auth.revoke(passkey, by, |revoked| {
            Cases::open(&self.state)?.take_back(&revoked.person)?;
            let fields = [
                ("person", json!(revoked.person)),
                ("passkey", json!(revoked.id)),
                ("by", json!(by)),
            ];
            self.record("passkey_revoked", fields).map(drop)
        })
    }

    /// Those of these people who are somebody of their own by the word of another of them alone: whoever reads the log
    /// is told so.
    fn vouched_for<'p>(
        &self,
        people: impl Iterator<Item = &'p String>,
    ) -> Result<BTreeSet<String>, Problem> {
        let people: BTreeSet<&String> = people.collect();
        let mut known = self.auth.passkeys()?;
        known.retain(|it| {
            let by = it.vouched_by.as_ref();
            people.contains(&it.person) && by.is_some_and(|by| people.contains(by))
        });
        Ok(known.into_iter().map(|it| it.person).collect())
    }
}

fn changed() -> Problem {
    let problem = "this is not what you were shown: it has changed since; look at it again";
    Problem::new(StatusCode::CONFLICT, problem)
}

fn about(case: &Case, by: &str, scope: Scope) -> [(&'static str, Value); 6] {
    [
        ("agent", json!(case.agent)),
        ("session", json!(case.session)),
        ("case", json!(case.digest)),
        ("rule", json!(case.rule)),
        ("by", json!(by)),
        ("scope", json!(scope.as_str())),
    ]
}

/// What is recorded of a yes: by it the gate lets the call through, and what the rule for the session covers.
fn approval(
    case: &Case,
    person: &str,
    scope: Scope,
    before: &[String],
) -> [(&'static str, Value); 9] {
    let [agent, session, digest, rule, by, scope_field] = about(case, person, scope);
    let session_rule = session_rule(case).filter(|_| scope == Scope::Session);
    [
        agent,
        session,
        digest,
        rule,
        by,
        scope_field,
        ("through", json!("passkey")),
        ("approved_by", json!(before)),
        ("session_rule", json!(session_rule)),
    ]
}

/// The rule that a yes for the session would be. What is shown and what is recorded is read from this.
fn session_rule(case: &Case) -> Option<SessionRule> {
    serde_json::from_value(case.session_rule.clone()?).ok()
}

/// A rule that says no to the same from now on, where it can be said in a line: the person decides whether to
/// keep it.
fn rule_against(case: &Case) -> Option<String> {
    let (kind, target) = words::told(case.effects.first()?)?;
    let target = target.split(", ").next()?.split(" (").next()?;
    let is_simple = !target.contains(['"', '\\', '\n', '{', '*', '?']);
    is_simple.then(|| {
        format!(
            "[[rule]]\nid = \"our.never-{}\"\noutcome = \"deny\"\nwhy = \"A person has said never to this.\"\n\
             owner = \"us\"\nmaturity = \"new\"\nwhen.effect = \"{kind}\"\nwhen.target = \"{target}\"\n",
            case.code
        )
    })
}

impl Waiting {
    /// How many a person answers yet in this hour; where it is not known who looks, whoever has most.
    fn left_of(&self, person: Option<&str>) -> usize {
        let all = self.terms.per_hour as usize;
        match person {
            Some(person) => self.left.get(person).copied().unwrap_or_default(),
            None => self.left.values().max().copied().unwrap_or(all),
        }
    }

    /// What a person is shown: the riskiest, as many as they answer yet; beside them as many that are refused
    /// already, for which nobody waits.
    fn shown_to(&self, person: Option<&str>) -> Vec<&Group> {
        let left = self.left_of(person);
        let (mut waiting, mut refused) = (0, 0);
        let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
        for ((who, session), count) in &self.taken {
            if person == Some(who) {
                taken.insert(session, *count);
            }
        }
        let share = self.share();
        let mut shown = Vec::new();
        for group in &self.groups {
            if !group.is_queued() {
                refused += 1;
                shown.extend(Some(group).filter(|_| refused <= left));
                continue;
            }
            let sessions: BTreeSet<&str> =
                group.cases.iter().map(|case| case.session.as_str()).collect();
            let has_room = |it: &&str| taken.get(it).copied().unwrap_or_default() < share;
            if waiting < left && sessions.iter().any(has_room) {
                waiting += 1;
                sessions.into_iter().for_each(|it| *taken.entry(it).or_default() += 1);
                shown.push(group);
            }
        }
        shown
    }

    /// So much of an hour is for one session: others ask, too, unless the hour is of one answer.
    fn share(&self) -> usize {
        let per_hour = self.terms.per_hour as usize;
        (per_hour - per_hour.div_ceil(4)).max(1)
    }

    /// What nobody is shown whose answer it waits for, and an agent waits for. Who has approved of it already is
    /// nobody of those; where there is nobody else, it waits for somebody to be enrolled.
    fn rest(&self) -> impl Iterator<Item = &Case> {
        let shown = self.left.keys().map(|person| {
            let shown = self.shown_to(Some(person)).into_iter().map(std::ptr::from_ref);
            (person, shown.collect::<BTreeSet<*const Group>>())
        });
        let shown: Vec<(&String, BTreeSet<*const Group>)> = shown.collect();
        let is_rest = move |group: &&Group| {
            let approved_by = group.approved_by(self);
            let mut others =
                shown.iter().filter(|(person, _)| !approved_by.contains(person)).peekable();
            let one = std::ptr::from_ref(*group);
            others.peek().is_some() && others.all(|(_, shown)| !shown.contains(&one))
        };
        let waiting = self.groups.iter().filter(|group| group.is_queued());
        waiting.filter(is_rest).flat_map(|group| &group.cases)
    }
}

impl Group {
    fn risk(&self) -> u8 {
        self.cases.iter().map(|case| case.risk).max().unwrap_or_default()
    }

    /// Whether an agent waits for the answer; else it was told no already.
    fn is_queued(&self) -> bool {
        self.cases.iter().any(|case| case.queued)
    }

    fn needs(&self, terms: &ApprovalTerms) -> usize {
        let needs_two = self.cases.iter().any(|case| terms.needs_two.contains(&case.rule));
        let has_one = self.cases.iter().any(|case| !case.approved_by.is_empty());
        if needs_two || has_one { 2 } else { 1 }
    }

    /// Who has approved of all of them, and is still one of the people: a case that came later was not there to
    /// be approved of.
    fn approved_by(&self, waiting: &Waiting) -> Vec<String> {
        let mut cases = self.cases.iter();
        let mut all = cases.next().map(|case| case.approved_by.clone()).unwrap_or_default();
        cases.for_each(|case| all.retain(|person| case.approved_by.contains(person)));
        all.retain(|person| waiting.left.contains_key(person));
        all
    }

    /// Whose they are, each once.
    fn sessions(&self) -> Vec<String> {
        let sessions: BTreeSet<&String> = self.cases.iter().map(|it| &it.session).collect();
        sessions.into_iter().cloned().collect()
    }

    fn told(&self, waiting: &Waiting) -> Value {
        let mut told = told(&self.cases, self.age, &self.sessions(), self.needs(&waiting.terms));
        if let Some(told) = told.as_object_mut() {
            told.insert("risk".to_owned(), json!(self.risk()));
            told.insert("approved_by".to_owned(), json!(self.approved_by(waiting)));
        }
        told
    }
}

/// The same call of some sessions, as a person sees it, and by `shown` the digest of all that an answer is about: what
/// is seen, each case for itself, and the rule that a yes for the session would be in each of them.
pub(crate) fn told(cases: &[Case], age: Duration, sessions: &[String], needs: usize) -> Value {
    let Some(case) = cases.first() else { return Value::Null };
    let rules: Vec<_> = cases.iter().map(|case| (&case.digest, &case.session_rule)).collect();
    let mut for_session: Vec<String> = Vec::new();
    for words in cases.iter().filter_map(session_rule).map(|it| words::session_rule_in_words(&it)) {
        // Each line once: most of them have the same.
        words.into_iter().for_each(|line| {
            if !for_session.contains(&line) {
                for_session.push(line);
            }
        });
    }
    let left = SignedDuration::try_from(KEPT.saturating_sub(age)).unwrap_or_default();
    let expires = time().checked_add(left).ok();
    let mut told = json!({
        "code": case.code, "digest": case.digest, "agent": case.agent, "session": case.session,
        "tool": case.tool, "input": case.input, "cwd": case.cwd, "rule": case.rule,
        "why": case.why, "instead": case.instead, "effects": case.effects,
        "evidence": case.evidence, "seen": case.seen, "blast": case.blast,
        "cost_of_no": case.cost_of_no, "denied": case.denied, "sessions": sessions,
        "for_session": for_session,
    });
    let signed = json!([told, rules]).to_string();
    let shown = format!("sha256:{:x}", Sha256::digest(signed.as_bytes()));
    let beside = json!({
        "shown": shown, "risk": case.risk, "opened": case.opened,
        "expires": expires.map(|it| it.to_string()), "needs": needs,
        "approved_by": case.approved_by,
    });
    if let (Some(told), Value::Object(beside)) = (told.as_object_mut(), beside) {
        told.extend(beside);
    }
    told
}

fn time() -> Timestamp {
    now().parse().unwrap_or_default()
}

impl Office {
    /// What was answered in the last hour. At first the log says it, so that a new server gives nobody a new hour; false
    /// until that can be read.
    fn answered_lately(
        &self,
        server: &Server,
        each: impl FnMut(&Answered),
    ) -> Result<bool, Problem> {
        let now = time();
        let answered = self.with(server, |it| {
            it.answered.retain(|it| now.duration_since(it.at) < HOUR);
            it.answered.iter().for_each(each);
        })?;
        Ok(answered.is_some())
    }

    /// Whether it is known what was answered before this server began.
    fn is_ready(&self, server: &Server) -> Result<bool, Problem> {
        Ok(self.with(server, |_| ())?.is_some())
    }

    fn count(&self, server: &Server, person: &str, sessions: Vec<String>) -> Result<(), Problem> {
        let one = Answered { at: time(), person: person.to_owned(), sessions };
        self.with(server, |it| it.answered.push(one)).map(drop)
    }

    /// Keeps whether this person has caught what nobody had asked for.
    pub(crate) fn noticed(
        &self,
        server: &Server,
        person: &str,
        caught: bool,
    ) -> Result<(), Problem> {
        self.with(server, |it| it.noticed(person, caught)).map(drop)
    }

    /// Whether this person has caught what nobody had asked for, the last time last; nothing until that is known.
    pub(crate) fn caught(
        &self,
        server: &Server,
        person: &str,
    ) -> Result<Option<Vec<bool>>, Problem> {
        self.with(server, |it| it.caught.get(person).cloned().unwrap_or_default())
    }

    /// With what is remembered; nothing while the database lacks some of what the log had when this server began:
    /// who would answer more than they may, or unseen, need only have it grow.
    fn with<T>(
        &self,
        server: &Server,
        work: impl FnOnce(&mut Remembered) -> T,
    ) -> Result<Option<T>, Problem> {
        let mut remembered = lock(&self.remembered);
        if remembered.is_none() {
            let Some(history) = server.feed.history()? else { return Ok(None) };
            *remembered = Some(Remembered::read(&history)?);
        }
        Ok(remembered.as_mut().map(work))
    }

    /// How many were decided in the last hour that nobody was shown.
    fn decided_by_default(&self) -> usize {
        let (mut decided, now) = (lock(&self.by_default), time());
        decided.retain(|at| now.duration_since(*at) < HOUR);
        decided.len()
    }
}

impl Remembered {
    /// What the log says.
    fn read(history: &Projection) -> Result<Self, Problem> {
        let mut remembered = Self::default();
        for kind in ["review", "vigilance"] {
            let query = Query { kind: Some(kind.to_owned()), limit: 1_000, ..Query::default() };
            for entry in history.find(&query)? {
                let text = |name: &str| entry.get(name).and_then(Value::as_str);
                let Some(person) = text("reviewer") else { continue };
                if let Some(caught) = entry.get("caught").and_then(Value::as_bool) {
                    remembered.noticed(person, caught);
                }
                let at = text("at").and_then(|at| at.parse::<Timestamp>().ok());
                let sessions = entry.get("sessions").cloned().unwrap_or_default();
                let sessions = serde_json::from_value(sessions).unwrap_or_default();
                let person = person.to_owned();
                remembered.answered.extend(at.map(|at| Answered { at, person, sessions }));
            }
        }
        Ok(remembered)
    }

    fn noticed(&mut self, person: &str, caught: bool) {
        let theirs = self.caught.entry(person.to_owned()).or_default();
        theirs.push(caught);
        theirs.drain(..theirs.len().saturating_sub(vigilance::LAST));
    }
}

pub(crate) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
pub(crate) mod tests;
