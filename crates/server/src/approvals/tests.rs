//! What waits, and what comes of answers, without the network.

use std::collections::BTreeSet;
use std::sync::Mutex;

use ringfence_record::StateFolder;
use ringfence_record::desk::{Desk, Passkey};
use ringfence_record::holds::Holds;
use ringfence_record::log::{Durability, Entry, Log};

use super::*;
use crate::api::instant;
use crate::auth::Auth;
use crate::feed::Feed;
use crate::gate::{Gate, Refused, Then};
use crate::metrics::Metrics;

/// A gate that decides nothing, and says what is wanted of the queue.
struct Terms(Mutex<ApprovalTerms>);

impl Gate for Terms {
    fn answer(&self, _: &str, _: u32, _: &[u8]) -> Result<Vec<u8>, Refused> {
        Err(Refused::undecided("no"))
    }
    fn decide(&self, _: Vec<u8>, then: Then) {
        then(Err(Refused::undecided("no")));
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
    fn try_rules(&self, _: &str, _: &str, _: &Value) -> Result<Value, String> {
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

/// Such a gate.
pub(crate) fn quiet_gate(terms: ApprovalTerms) -> Arc<dyn Gate> {
    Arc::new(Terms(Mutex::new(terms)))
}

struct Place {
    _folder: tempfile::TempDir,
    server: Server,
    cases: Cases,
}

fn place(terms: ApprovalTerms) -> Place {
    place_after(terms, |_| ())
}

/// One that begins when this stands in the log.
fn place_after(terms: ApprovalTerms, fill: impl FnOnce(&Log)) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::open(folder.path().join("state")).unwrap();
    let log = Log::open(&state, Durability::Process).unwrap();
    fill(&log);
    let address = "127.0.0.1:7475".parse().unwrap();
    let server = Server {
        holds: Holds::of(&state),
        feed: Feed::start(&state, &log).unwrap(),
        auth: Auth::new(Desk::of(&state), address, Box::new(|_| Ok(()))).unwrap(),
        gate: quiet_gate(terms),
        metrics: Metrics::default(),
        office: Office::default(),
        limits: crate::limits::Limits::default(),
        person_limits: crate::limits::Limits::default(),
        state: state.clone(),
        log,
    };
    let known = ["p1", "p2"].map(|person| Passkey {
        id: format!("key of {person}"),
        key: String::new(),
        count: 0,
        person: person.to_owned(),
        owner: person.to_owned(),
        name: "a key".to_owned(),
        role: Role::Approver,
        at: String::new(),
        vouched_by: None,
    });
    let enrol = |all: &mut Vec<Passkey>| {
        all.extend(known);
        Ok::<_, Problem>(())
    };
    server.auth.desk.change(enrol).unwrap();
    Place { _folder: folder, server, cases: Cases::open(&state).unwrap() }
}

fn terms(per_hour: u32) -> ApprovalTerms {
    ApprovalTerms { per_hour, ..ApprovalTerms::default() }
}

fn person(name: &str) -> Person {
    Person { name: name.to_owned(), passkey: format!("key of {name}") }
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
            effects: vec!["changes infrastructure: deploy".to_owned()],
            queued: true,
            risk,
            ..Case::default()
        };
        self.cases.leave(&case).unwrap();
        let all = self.cases.pending().unwrap();
        all.into_iter().find(|it| it.digest == case.digest).unwrap()
    }

    fn shown(&self) -> Vec<Value> {
        self.shown_to("p1")
    }

    fn shown_to(&self, person: &str) -> Vec<Value> {
        let waiting = self.server.waiting(true).unwrap();
        let shown = waiting.shown_to(Some(person));
        let mut shown: Vec<Value> = shown.iter().map(|it| it.told(&waiting)).collect();
        shown.extend(waiting.planted.as_ref().map(Planted::told));
        shown
    }

    /// What they say of what they see.
    fn says(&self, code: &str, answer: Said, scope: Scope, who: &str) -> Result<Value, Problem> {
        let seen = self.shown_to(who).into_iter().find(|it| it["code"] == code);
        let shown = seen.map_or("nothing", |it| it["shown"].as_str().unwrap().to_owned().leak());
        let answer = Answer { answer, scope, shown: shown.to_owned() };
        self.server.answered(code, &answer, &person(who))
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
    assert_eq!(place.cases.refused(&no.digest), Some(No::Once));
    assert_eq!(place.cases.refused(&never.digest), Some(No::ForGood));
    assert_eq!((place.entries("refusal_by_person"), place.entries("approval")), (2, 0));
    assert!(place.shown().is_empty());
}

/// Kinds are told in words of their own.
#[test]
fn a_rule_that_is_proposed_names_the_kind_as_rules_do() {
    let ruled =
        |effect: &str| rule_against(&Case { effects: vec![effect.to_owned()], ..Case::default() });
    for (effect, kind, target) in [
        ("changes the remote repository: origin/main, by force", "vcs_remote", "origin/main"),
        ("runs code of script.py", "exec_code", "script.py"),
        ("deletes /home/u/x, with everything in it (on web-1)", "delete", "/home/u/x"),
    ] {
        let rule = ruled(effect).unwrap();
        assert!(
            rule.contains(&format!("when.effect = \"{kind}\"\nwhen.target = \"{target}\"")),
            "{rule}"
        );
    }
    for effect in ["something else", "deletes a \"quoted\" name", "deletes *.rs"] {
        assert_eq!(ruled(effect), None);
    }
}

#[test]
fn each_person_answers_as_many_as_they_can_with_care_and_the_riskiest_come_first() {
    let place = place(terms(2));
    let cases: Vec<Case> = (1..=4)
        .map(|it| place.leave(&it.to_string(), &it.to_string(), &it.to_string(), it))
        .collect();
    for person in ["p1", "p2"] {
        let shown = place.shown_to(person);
        let risks: Vec<&Value> = shown.iter().map(|it| &it["risk"]).collect();
        assert_eq!(risks, [&json!(4), &json!(3)]);
    }
    let hidden = place.says(&cases[0].code, Said::Approve, Scope::Once, "p1").unwrap_err();
    assert_eq!(hidden.0, StatusCode::TOO_MANY_REQUESTS);
    place.says(&cases[3].code, Said::Deny, Scope::Once, "p1").unwrap();
    place.says(&cases[2].code, Said::Deny, Scope::Once, "p1").unwrap();
    assert!(place.shown_to("p1").is_empty(), "their hour is spent");
    assert!(place.says(&cases[1].code, Said::Approve, Scope::Once, "p1").is_err());
    assert_eq!(place.shown_to("p2").len(), 2, "another person has an hour of their own");
    place.says(&cases[1].code, Said::Approve, Scope::Once, "p2").unwrap();
}

#[test]
fn what_nobody_is_shown_is_decided_by_the_stricter_default_and_the_log_says_so() {
    let place = place(terms(2));
    let cases: Vec<Case> = (1..=4)
        .map(|it| place.leave(&it.to_string(), &it.to_string(), &it.to_string(), it))
        .collect();
    place.server.decide_the_rest().unwrap();
    let refused: Vec<Option<No>> =
        cases.iter().map(|case| place.cases.refused(&case.digest)).collect();
    assert_eq!(refused, [Some(No::Crowded), Some(No::Crowded), None, None]);
    assert_eq!(place.entries("refusal_by_default"), 2);
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.entries("refusal_by_default"), 2, "once");
    place.says(&cases[3].code, Said::Deny, Scope::Once, "p1").unwrap();
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.cases.refused(&cases[2].digest), None, "the other person has two left");
    // What was refused by a rule has its answer, and takes nobody's place.
    let denied = Case { queued: false, denied: true, ..cases[3].clone() };
    let denied = Case { digest: "sha256:ff".to_owned(), same: "ff".to_owned(), ..denied };
    place.cases.leave(&denied).unwrap();
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.cases.refused(&denied.digest), None);
}

/// Whoever makes the log grow keeps the database busy, and gets nobody a new hour by it, nor a reviewer who does not look.
#[test]
fn until_the_database_has_what_was_there_nobody_has_an_hour_and_nobody_is_trusted_alone() {
    let place = place_after(terms(12), |log| {
        let entry = |kind: &'static str, fields: Value| Entry {
            kind,
            fields: fields.as_object().unwrap().clone(),
        };
        let padding = || entry("decision", json!({"padding": "words ".repeat(20)}));
        let review = || entry("review", json!({"reviewer": "p1", "answer": "approve"}));
        let missed = || entry("vigilance", json!({"reviewer": "p1", "caught": false}));
        log.append_all(&now(), (0..20_000).map(|_| padding()).collect()).unwrap();
        log.append_all(&now(), (0..10).map(|_| review()).collect()).unwrap();
        log.append_all(&now(), vec![missed(), missed()]).unwrap();
    });
    let case = place.leave("a1", "s", "x", 1);
    let (began, mut waited) = (instant(), 0);
    loop {
        let waiting = place.server.waiting(true).unwrap();
        assert_eq!(waiting.left_of(Some("p1")), 0);
        assert!(vigilance::is_weak(&place.server, "p1").unwrap());
        place.server.decide_the_rest().unwrap();
        assert_eq!(place.cases.refused(&case.digest), None, "it waits");
        if waiting.counted {
            break;
        }
        waited += 1;
        assert_eq!((waiting.left_of(Some("p2")), waiting.left_of(None)), (0, 0));
        let answer = Answer { answer: Said::Approve, scope: Scope::Once, shown: String::new() };
        let error = place.server.answered(&case.code, &answer, &person("p2")).unwrap_err();
        assert_ne!(error.0, StatusCode::OK);
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(waited > 0, "the database was there at once: let it have more to read");
    let waiting = place.server.waiting(false).unwrap();
    assert_eq!((waiting.left_of(Some("p1")), waiting.left_of(Some("p2"))), (0, 12));
    assert!(!vigilance::is_weak(&place.server, "p2").unwrap());
}

#[test]
fn what_a_revoked_key_helped_to_approve_counts_no_more() {
    let needs_two = vec!["infra.change".to_owned()];
    let place = place(ApprovalTerms { needs_two, ..terms(12) });
    let another = |all: &mut Vec<Passkey>| {
        let id = "another key of p1".to_owned();
        all.push(Passkey { id, ..all[0].clone() });
        all[1].role = Role::Admin;
        Ok::<_, Problem>(())
    };
    place.server.auth.desk.change(another).unwrap();
    let case = place.leave("a1", "s", "x", 1);
    place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap();
    place.server.revoke("key of p1", "p1").unwrap();
    assert_eq!(place.entries("passkey_revoked"), 1);
    let second = place.says(&case.code, Said::Approve, Scope::Once, "p2").unwrap();
    assert_eq!(second["done"], false);
    assert_eq!(place.shown()[0]["approved_by"], json!(["p2"]));
    // Nor does it say anything after that, though its owner has another.
    let late = place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap_err();
    assert_eq!(late.0, StatusCode::FORBIDDEN);
    let shown = place.shown()[0]["shown"].as_str().unwrap().to_owned();
    let answer = Answer { answer: Said::Approve, scope: Scope::Once, shown };
    let other = Person { passkey: "another key of p1".to_owned(), ..person("p1") };
    assert_eq!(place.server.answered(&case.code, &answer, &other).unwrap()["done"], true);
}

/// It waits for a second person, and the only other one has no answer left.
#[test]
fn what_only_those_are_shown_who_approved_of_it_already_is_shown_to_nobody() {
    let needs_two = vec!["infra.change".to_owned()];
    let place = place(ApprovalTerms { needs_two, ..terms(4) });
    let case = place.leave("a1", "s", "x", 1);
    place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap();
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.cases.refused(&case.digest), None, "the other is shown it");
    for _ in 0..4 {
        place.server.office.count(&place.server, "p2", Vec::new()).unwrap();
    }
    assert_eq!((place.shown().len(), place.shown_to("p2").len()), (1, 0));
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.cases.refused(&case.digest), Some(No::Crowded));

    // Where there is nobody else at all, it waits for somebody.
    let case = place.leave("b2", "s", "y", 1);
    let leave_one = |all: &mut Vec<Passkey>| {
        all.retain(|it| it.person == "p1");
        Ok::<_, Problem>(())
    };
    place.server.auth.desk.change(leave_one).unwrap();
    place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap();
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.cases.refused(&case.digest), None);
}

/// However small the hour is.
#[test]
fn of_a_small_hour_there_is_some_for_others() {
    for (per_hour, share) in [(1, 1), (2, 1), (3, 2), (4, 3), (12, 9)] {
        let place = place(terms(per_hour));
        for number in 1..=per_hour {
            place.leave(&format!("a{number}"), "loud", &format!("a{number}"), 90);
        }
        assert_eq!(place.shown().len(), share, "{per_hour}");
    }
}

#[test]
fn an_hour_is_an_hour_whoever_restarts_the_server() {
    let place = place(terms(3));
    let entry = [("reviewer", json!("p1")), ("answer", json!("approve"))];
    place.server.record("review", entry).unwrap();
    let began = instant();
    let query = Query { kind: Some("review".to_owned()), limit: 9, ..Query::default() };
    while place.server.feed.database().find(&query).unwrap().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(10));
    }
    let waiting = place.server.waiting(false).unwrap();
    assert_eq!((waiting.left_of(Some("p1")), waiting.left_of(Some("p2"))), (2, 3));
    assert_eq!(waiting.left_of(Some("somebody else")), 0);
}

/// Whoever answers has signed for what they saw.
#[test]
fn what_has_changed_since_it_was_shown_is_not_answered() {
    let place = place(terms(12));
    let case = place.leave("a1", "s", "same", 40);
    let seen = place.shown()[0]["shown"].as_str().unwrap().to_owned();
    // Another agent asks for the same: a yes would be one for it, too.
    place.leave("b2", "t", "same", 40);
    for said in [Said::Approve, Said::Deny] {
        let answer = Answer { answer: said, scope: Scope::Once, shown: seen.clone() };
        let error = place.server.answered(&case.code, &answer, &person("p1")).unwrap_err();
        assert_eq!(error.0, StatusCode::CONFLICT, "{error:?}");
    }
    assert_eq!((place.entries("review"), place.entries("approval")), (0, 0));
    let now = place.shown()[0].clone();
    assert_eq!(now["sessions"], json!(["s", "t"]));
    place.says(now["code"].as_str().unwrap(), Said::Approve, Scope::Once, "p1").unwrap();
    assert_eq!(place.entries("approval"), 2);
}

#[test]
fn a_rule_for_a_session_is_shown_before_it_is_said_yes_to_and_stands_in_the_log() {
    let place = place(terms(12));
    let rule = json!({"tool": "Bash", "cwd": "/p", "rules": ["infra.change"], "seen": [], "preset": "guard",
                      "bundle": "sha256:0", "effects": [
                          {"kind": "delete", "target": {"known": "/p/x"}, "recursive": true, "scope": "local"}]});
    let case = place.leave("a1", "s", "x", 1);
    let case = Case { session_rule: Some(rule.clone()), ..case };
    place.cases.leave(&case).unwrap();
    assert_eq!(
        place.shown()[0]["for_session"],
        json!(["by Bash, in /p", "deletes /p/x, with everything in it"])
    );
    place.says(&case.code, Said::Approve, Scope::Session, "p1").unwrap();
    let entries = place.server.log.entries().unwrap().map(Result::unwrap);
    let approval = entries.into_iter().find(|entry| entry["kind"] == "approval").unwrap();
    assert_eq!((&approval["session_rule"], &approval["session"]), (&rule, &json!("s")));
    let receipts = place.cases.session_rules("codex", "s").unwrap();
    assert_eq!(json!(receipts[0].seq), approval["seq"]);

    // Once is once.
    let once = Case { code: String::new(), digest: "sha256:b2".to_owned(), ..case };
    place.cases.leave(&once).unwrap();
    let once = place.cases.pending().unwrap().remove(0);
    place.says(&once.code, Said::Approve, Scope::Once, "p1").unwrap();
    assert_eq!(place.cases.session_rules("codex", "s").unwrap().len(), 1);
}

#[test]
fn of_two_people_the_one_who_lets_less_through_decides() {
    let needs_two = vec!["infra.change".to_owned()];
    let place = place(ApprovalTerms { needs_two, ..terms(12) });
    let case = place.leave("a1", "s", "x", 1);
    place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap();
    place.says(&case.code, Said::Approve, Scope::Session, "p2").unwrap();
    assert!(!place.cases.take(&case.digest).unwrap().unwrap().for_session);

    // Whoever is no longer one of the people does not count.
    let case = place.leave("b2", "s", "y", 1);
    place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap();
    let revoke = |all: &mut Vec<Passkey>| {
        all.retain(|it| it.person != "p1");
        Ok::<_, Problem>(())
    };
    place.server.auth.desk.change(revoke).unwrap();
    let second = place.says(&case.code, Said::Approve, Scope::Once, "p2").unwrap();
    assert_eq!(second["done"], false);
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

    // Who misses them is not trusted alone, whatever the database has.
    assert!(!vigilance::is_weak(&place.server, "p1").unwrap());
    place.server.office.noticed(&place.server, "p1", false).unwrap();
    assert!(vigilance::is_weak(&place.server, "p1").unwrap());
    assert!(!vigilance::is_weak(&place.server, "p2").unwrap());
    let code = real["code"].as_str().unwrap();
    assert_eq!(place.says(code, Said::Approve, Scope::Once, "p1").unwrap()["done"], false);
    assert_eq!(place.says(code, Said::Approve, Scope::Once, "p2").unwrap()["done"], true);
}

/// One that asks much takes a part of everybody's hour, and the rest of it is for others.
#[test]
fn no_session_takes_the_hour_of_all_others() {
    let place = place(terms(4));
    for number in 1..=8 {
        place.leave(&format!("a{number}"), "loud", &format!("a{number}"), 90);
    }
    let quiet = place.leave("b1", "quiet", "b1", 10);
    let of =
        |shown: &[Value], session: &str| shown.iter().filter(|it| it["session"] == session).count();
    let shown = place.shown();
    assert_eq!((of(&shown, "loud"), of(&shown, "quiet")), (3, 1));
    place.server.decide_the_rest().unwrap();
    assert_eq!(place.cases.refused(&quiet.digest), None);
    assert_eq!(place.entries("refusal_by_default"), 5);
    // Those that were answered count.
    for shown in place.shown().iter().filter(|it| it["session"] == "loud") {
        let code = shown["code"].as_str().unwrap();
        place.says(code, Said::Deny, Scope::Once, "p1").unwrap();
    }
    place.leave("c1", "loud", "c1", 90);
    let shown = place.shown();
    assert_eq!((of(&shown, "loud"), of(&shown, "quiet")), (0, 1));
    assert_eq!(of(&place.shown_to("p2"), "loud"), 1, "the other has an hour of their own");
}

/// What is signed is the rule of each session, not of the first alone.
#[test]
fn whoever_answers_for_several_sessions_signs_the_rule_of_each() {
    let place = place(terms(12));
    let rule = |target: &str| {
        json!({"tool": "Bash", "cwd": "/p", "rules": ["infra.change"], "seen": [], "preset": "guard",
               "bundle": "sha256:0", "effects": [{"kind": "delete", "target": {"known": target},
                                                  "scope": "local"}]})
    };
    let leave = |digest: &str, session: &str, target: &str| {
        let case = place.leave(digest, session, "same", 40);
        place.cases.leave(&Case { session_rule: Some(rule(target)), ..case }).unwrap();
    };
    leave("a1", "s", "/p/x");
    leave("b2", "t", "/p/x");
    let alike = place.shown()[0].clone();
    assert_eq!(alike["for_session"], json!(["by Bash, in /p", "deletes /p/x"]));
    leave("b2", "t", "/p/y");
    let now = place.shown()[0].clone();
    assert_eq!(now["for_session"], json!(["by Bash, in /p", "deletes /p/x", "deletes /p/y"]));
    let code = now["code"].as_str().unwrap();
    let answer = |shown: &Value| Answer {
        answer: Said::Approve,
        scope: Scope::Session,
        shown: shown["shown"].as_str().unwrap().to_owned(),
    };
    let error = place.server.answered(code, &answer(&alike), &person("p1")).unwrap_err();
    assert_eq!(error.0, StatusCode::CONFLICT);
    place.server.answered(code, &answer(&now), &person("p1")).unwrap();
    assert_eq!(place.entries("approval"), 2);
}

/// A second person who is one by the word of the first: it counts, and whoever reads the log is told so.
#[test]
fn who_was_vouched_for_by_the_other_is_told_in_the_log() {
    let needs_two = vec!["infra.change".to_owned()];
    let place = place(ApprovalTerms { needs_two, ..terms(12) });
    let vouch = |all: &mut Vec<Passkey>| {
        all[1].vouched_by = Some("p1".to_owned());
        Ok::<_, Problem>(())
    };
    place.server.auth.desk.change(vouch).unwrap();
    let case = place.leave("a1", "s", "x", 1);
    place.says(&case.code, Said::Approve, Scope::Once, "p1").unwrap();
    place.says(&case.code, Said::Approve, Scope::Once, "p2").unwrap();
    let entries = place.server.log.entries().unwrap().map(Result::unwrap);
    let approval = entries.into_iter().find(|entry| entry["kind"] == "approval").unwrap();
    assert_eq!(approval["vouched_for"], json!(["p2"]));
}
