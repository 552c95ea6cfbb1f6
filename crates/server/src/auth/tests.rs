//! Who may what, without the network.

use std::sync::Arc;

use axum::http::HeaderValue;
use ringfence_record::StateFolder;
use ringfence_record::desk::Passkey;

use super::*;
use crate::passkey::tests::Authenticator;

const ORIGIN: &str = "http://localhost:7475";
const PATH: &str = "/api/v1/holds";

struct Place {
    _folder: tempfile::TempDir,
    auth: Auth,
    headers: HeaderMap,
    viewer: Viewer,
    /// The codes that the terminal has shown.
    codes: Arc<Mutex<Vec<String>>>,
}

/// Where a person has logged in.
fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let state = StateFolder::open(folder.path().join("state")).unwrap();
    let address = "127.0.0.1:7475".parse().unwrap();
    let codes = Arc::new(Mutex::new(Vec::new()));
    let terminal = codes.clone();
    let show = move |code: &str| {
        lock(&terminal).push(code.to_owned());
        Ok(())
    };
    let auth = Auth::new(Desk::of(&state), address, Box::new(show)).unwrap();
    let token = auth.address().url.split_once("#token=").unwrap().1.to_owned();
    let cookie = auth.log_in(&token).unwrap();
    let mut headers = HeaderMap::new();
    let value = |text: &str| HeaderValue::from_str(text).unwrap();
    headers.insert(header::COOKIE, value(cookie.split(';').next().unwrap()));
    let viewer = auth.viewer(Whom::Network, &headers).unwrap();
    let Viewer::Browser { csrf } = &viewer else { panic!("{viewer:?}") };
    headers.insert("x-ringfence-csrf", value(csrf));
    Place { _folder: folder, auth, headers, viewer, codes }
}

impl Place {
    fn enrol(&self, authenticator: &mut Authenticator) -> Result<Passkey, Problem> {
        self.auth.codes.renew()?;
        let code = lock(&self.codes).last().cloned().unwrap();
        let body = json!({"code": code, "person": "heron", "name": "mine"});
        let Self { auth, headers, viewer, .. } = self;
        let options = auth.begin_enrolling(viewer, headers, &body)?;
        let made = authenticator.make(options["challenge"].as_str().unwrap());
        auth.finish_enrolling(&made, "now", |_, _| Ok(())).map(|(passkey, _)| passkey)
    }

    /// The body with a proof that was asked for as this request.
    fn proven(
        &self,
        authenticator: &mut Authenticator,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Value {
        let asked = self.auth.challenge(method, path, body).unwrap();
        let credential = authenticator.sign(asked["options"]["challenge"].as_str().unwrap());
        let mut body = body.clone();
        body["proof"] = json!({"id": asked["id"], "credential": credential});
        body
    }

    fn person(&self, body: &Value, needs: Role) -> Result<Person, String> {
        let Self { auth, headers, viewer, .. } = self;
        auth.person(viewer, headers, "POST", PATH, body, needs).map_err(|problem| problem.1)
    }
}

#[test]
fn a_person_with_a_passkey_changes_what_they_signed_for_once() {
    let place = place();
    let mut mine = Authenticator::new(ORIGIN);
    assert_eq!(place.enrol(&mut mine).unwrap().role, Role::Admin);
    let body = json!({"kind": "pause", "session": "s", "reason": "x"});
    let proven = place.proven(&mut mine, "POST", PATH, &body);
    // In another order, as another language would write it.
    let mut other = json!({"reason": "x", "session": "s", "kind": "pause"});
    other["proof"] = proven["proof"].clone();
    assert!(place.person(&other, Role::Approver).unwrap().name.starts_with("person-"));
    assert!(place.person(&proven, Role::Approver).unwrap_err().contains("was used"));
}

#[test]
fn a_proof_is_for_one_request_of_one_page_of_a_known_key() {
    let place = place();
    let mut mine = Authenticator::new(ORIGIN);
    place.enrol(&mut mine).unwrap();
    let body = json!({"kind": "pause", "session": "s"});
    for (method, path, signed) in [
        ("POST", "/api/v1/holds/x/release", body.clone()),
        ("PUT", PATH, body.clone()),
        ("POST", PATH, json!({"kind": "kill", "session": "s"})),
        ("POST", PATH, json!({"kind": "pause", "session": null})),
    ] {
        let mut wrong = place.proven(&mut mine, method, path, &signed);
        let proof = wrong["proof"].take();
        let mut asked = body.clone();
        asked["proof"] = proof;
        let error = place.person(&asked, Role::Approver).unwrap_err();
        assert!(error.contains("not for this request"), "{error}");
    }
    let mut stranger = Authenticator { id: vec![9; 16], ..Authenticator::new(ORIGIN) };
    let proven = place.proven(&mut stranger, "POST", PATH, &body);
    assert!(place.person(&proven, Role::Approver).unwrap_err().contains("not enrolled"));
    let mut copied = Authenticator { count: 50, ..Authenticator::new(ORIGIN) };
    let proven = place.proven(&mut copied, "POST", PATH, &body);
    assert!(place.person(&proven, Role::Approver).is_err(), "the same name, another key");

    let proven = place.proven(&mut mine, "POST", PATH, &body);
    let change = |viewer: &Viewer, headers: &HeaderMap| {
        place.auth.person(viewer, headers, "POST", PATH, &proven, Role::Approver).is_ok()
    };
    assert!(!change(&Viewer::Bearer, &place.headers) && !change(&Viewer::Process, &place.headers));
    assert!(!change(&place.viewer, &HeaderMap::new()), "without what the page knows");
    assert!(change(&place.viewer, &place.headers));
}

/// A second process that writes, and a thread of this one: nothing of either is lost.
#[test]
fn passkeys_are_changed_by_one_at_a_time() {
    let place = place();
    let mut mine = Authenticator::new(ORIGIN);
    let first = place.enrol(&mut mine).unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (desk, first) = (&place.auth.desk, &first);
            scope.spawn(move || {
                let id = format!("key {number}");
                let another = Passkey { id, ..first.clone() };
                desk.change(|all| {
                    all.push(another);
                    Ok::<_, RecordError>(())
                })
                .unwrap();
            });
        }
    });
    assert_eq!(place.auth.passkeys().unwrap().len(), 9);
    // What fails changes nothing.
    let failed = place.auth.desk.change(|all| {
        all.clear();
        Err::<(), Problem>(Problem::wrong("no"))
    });
    assert!(failed.is_err());
    assert_eq!(place.auth.passkeys().unwrap().len(), 9);
}

#[test]
fn who_tries_too_often_waits() {
    let place = place();
    let tried = (0..100).filter(|_| {
        place.auth.log_in("guess").err().is_some_and(|it| it.0 == StatusCode::UNAUTHORIZED)
    });
    assert!(tried.count() < 40);
    assert_eq!(place.auth.log_in("guess").unwrap_err().0, StatusCode::TOO_MANY_REQUESTS);
}
