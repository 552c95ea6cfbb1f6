//! People, over HTTP, as a browser would: who they are, and what they sign for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use ringfence_record::StateFolder;
use ringfence_record::cases::{Case, Cases};
use ringfence_record::log::{Durability, Log};
use serde_json::{Value, json};

use crate::approvals::tests::quiet_gate;
use crate::passkey::tests::Authenticator;
use crate::{ApprovalTerms, Terms, serve};

/// A server, and a browser that has logged in.
struct Browser {
    _folder: tempfile::TempDir,
    state: StateFolder,
    port: u16,
    /// What changes carry.
    headers: String,
    /// The codes that the terminal shows.
    codes: Receiver<String>,
}

#[derive(Debug)]
struct Said {
    code: u16,
    head: String,
    body: Value,
}

impl Browser {
    fn open(terms: ApprovalTerms) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let log = Log::open(&state, Durability::Process).unwrap();
        let (send_code, codes) = mpsc::channel();
        let (send_url, urls) = mpsc::channel();
        let send_code = std::sync::Mutex::new(send_code);
        let show = move |code: &str| {
            crate::approvals::lock(&send_code).send(code.to_owned()).map_err(|it| it.to_string())
        };
        let terms = Terms {
            state: state.clone(),
            log,
            listen: "127.0.0.1:0".parse().unwrap(),
            behind_tls: false,
            show_code: Box::new(show),
            gate: quiet_gate(terms),
        };
        thread::spawn(move || serve(terms, |address| send_url.send(address.url.clone()).unwrap()));
        let url = urls.recv_timeout(Duration::from_secs(60)).unwrap();
        let (host, token) = url.split_once("/#token=").unwrap();
        let port = host.rsplit(':').next().unwrap().parse().unwrap();
        let headers = format!("host: localhost:{port}\r\n");
        let mut browser = Self { _folder: folder, state, port, headers, codes };
        let said = browser.posts("/login", &json!({"token": token}));
        let cookie = said.head.split("set-cookie: ").nth(1).unwrap().split(';').next().unwrap();
        browser.headers.push_str(&format!("cookie: {cookie}\r\n"));
        let csrf = browser.gets("/me")["csrf"].as_str().unwrap().to_owned();
        browser.headers.push_str(&format!("x-ringfence-csrf: {csrf}\r\n"));
        browser
    }

    fn asks(&self, method: &str, path: &str, body: &str) -> Said {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let request = format!(
            "{method} /api/v1{path} HTTP/1.1\r\n{}content-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.headers,
            body.len()
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut said = String::new();
        socket.read_to_string(&mut said).unwrap();
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or_default();
        Said { code, head: head.to_owned(), body }
    }

    fn gets(&self, path: &str) -> Value {
        let said = self.asks("GET", path, "");
        assert_eq!(said.code, 200, "{path}: {said:?}");
        said.body
    }

    fn posts(&self, path: &str, body: &Value) -> Said {
        self.asks("POST", path, &body.to_string())
    }

    fn authenticator(&self, id: u8) -> Authenticator {
        let origin = format!("http://localhost:{}", self.port);
        Authenticator { id: vec![id; 16], ..Authenticator::new(&origin) }
    }

    /// The code that the terminal shows next.
    fn code(&self) -> String {
        self.codes.recv_timeout(Duration::from_secs(60)).unwrap()
    }

    fn new_code(&self) -> String {
        assert_eq!(self.posts("/passkeys/code", &json!({})).code, 204);
        self.code()
    }

    /// The body with a proof, by this key, for exactly this.
    fn signed(&self, by: &mut Authenticator, method: &str, path: &str, body: &Value) -> Value {
        let path = format!("/api/v1{path}");
        let asked = json!({"method": method, "path": path, "body": body});
        let asked = self.posts("/challenge", &asked).body;
        let credential = by.sign(asked["options"]["challenge"].as_str().unwrap());
        let mut body = body.clone();
        body["proof"] = json!({"id": asked["id"], "credential": credential});
        body
    }

    fn posts_signed(&self, by: &mut Authenticator, path: &str, body: &Value) -> Said {
        self.posts(path, &self.signed(by, "POST", path, body))
    }

    /// Makes the passkey that the server has begun with this.
    fn makes(&self, key: &mut Authenticator, begun: &Said) -> Said {
        let Some(challenge) = begun.body["challenge"].as_str() else {
            return Said { code: begun.code, head: String::new(), body: begun.body.clone() };
        };
        self.posts("/passkeys/finish", &json!({"credential": key.make(challenge)}))
    }

    fn first(&self, key: &mut Authenticator, name: &str) -> Value {
        let body = json!({"code": self.code(), "person": name, "name": "a key"});
        let begun = self.posts("/passkeys/begin", &body);
        let made = self.makes(key, &begun);
        assert_eq!(made.code, 200, "{made:?}");
        made.body
    }

    fn vouched(&self, by: &mut Authenticator, key: &mut Authenticator, name: &str) -> Said {
        let body = json!({"code": self.new_code(), "person": name, "name": "a key"});
        let begun = self.posts_signed(by, "/passkeys/begin", &body);
        self.makes(key, &begun)
    }

    fn leave(&self, digest: &str, session: &str) -> Case {
        let cases = Cases::open(&self.state).unwrap();
        let case = Case {
            digest: format!("sha256:{digest:0>64}"),
            same: "same".to_owned(),
            session: session.to_owned(),
            agent: "codex".to_owned(),
            rule: "infra.change".to_owned(),
            input: "make deploy".to_owned(),
            queued: true,
            ..Case::default()
        };
        cases.leave(&case).unwrap();
        cases.pending().unwrap().into_iter().find(|it| it.digest == case.digest).unwrap()
    }

    fn shown(&self) -> Value {
        self.gets("/approvals")["approvals"][0].clone()
    }

    /// Approves of what is shown.
    fn approves(&self, by: &mut Authenticator, seen: &Value) -> Said {
        let path = format!("/approvals/{}", seen["code"].as_str().unwrap());
        let body = json!({"answer": "approve", "scope": "once", "shown": seen["shown"]});
        self.posts_signed(by, &path, &body)
    }
}

fn terms(needs_two: &[&str]) -> ApprovalTerms {
    let needs_two = needs_two.iter().map(|it| (*it).to_owned()).collect();
    ApprovalTerms { per_hour: 12, needs_two, probes_per_day: None }
}

#[test]
fn a_code_serves_once_and_each_person_is_one_however_many_keys_they_have() {
    let browser = Browser::open(terms(&[]));
    let (mut mine, mut stolen) = (browser.authenticator(1), browser.authenticator(9));
    let body = |code: &str, person: &str| json!({"code": code, "person": person, "name": "laptop"});
    let code = browser.code();
    for wrong in ["", "abcdefgh"] {
        assert_eq!(browser.posts("/passkeys/begin", &body(wrong, "heron")).code, 403);
    }
    // Two are begun with the code, and one is made.
    let begun = [1, 2].map(|_| browser.posts("/passkeys/begin", &body(&code, "heron")));
    let made = browser.makes(&mut mine, &begun[0]);
    assert_eq!((made.code, &made.body["role"]), (200, &json!("admin")), "{made:?}");
    assert_eq!(browser.makes(&mut stolen, &begun[1]).code, 403, "the code was used");
    assert_eq!(browser.posts("/passkeys/begin", &body(&code, "stork")).code, 403);
    let me = made.body["person"].clone();
    assert_eq!(browser.gets("/me")["person"], me);

    // Another key of the same person takes no code, but a key that they have; and it is no other person.
    let mut second = browser.authenticator(2);
    let named = json!({"name": "phone"});
    assert_eq!(browser.posts("/passkeys/begin", &named).code, 403, "who are you?");
    let begun = browser.posts_signed(&mut mine, "/passkeys/begin", &named);
    let known = begun.body["excludeCredentials"].as_array().unwrap().len();
    assert_eq!(known, 1, "an authenticator is not enrolled twice");
    assert_eq!(browser.makes(&mut second, &begun).body["person"], me);

    // Somebody else takes a code, and an admin who signs for them.
    let mut other = browser.authenticator(3);
    let code = browser.new_code();
    assert_eq!(browser.posts("/passkeys/begin", &body(&code, "stork")).code, 403, "nobody vouches");
    let signed = browser.signed(&mut mine, "POST", "/passkeys/begin", &body(&code, "stork"));
    let mut swapped = signed.clone();
    swapped["person"] = json!("vulture");
    assert_eq!(browser.posts("/passkeys/begin", &swapped).code, 403, "signed for another name");
    let again = browser.posts_signed(&mut mine, "/passkeys/begin", &body(&code, "Heron"));
    assert_eq!(again.code, 409, "the same name is the same person");
    let begun = browser.posts_signed(&mut mine, "/passkeys/begin", &body(&code, "stork"));
    let made = browser.makes(&mut other, &begun);
    assert_eq!((made.code, &made.body["role"]), (200, &json!("approver")), "{made:?}");
    assert_ne!(made.body["person"], me);
    let code = browser.new_code();
    let begun = browser.posts_signed(&mut other, "/passkeys/begin", &body(&code, "crane"));
    assert_eq!(begun.code, 403, "an approver vouches for nobody");

    let people = browser.gets("/passkeys");
    let keys = |at: usize| people["people"][at]["keys"].as_array().unwrap().len();
    assert_eq!((keys(0), keys(1)), (2, 1), "{people}");
    assert_eq!(people["people"][0]["name"], "heron");
    assert_eq!(people["people"][0]["keys"][1]["name"], "phone");
}

#[test]
fn a_passkey_is_revoked_by_whose_it_is_or_by_an_admin_and_signs_nothing_after_that() {
    let browser = Browser::open(terms(&[]));
    let [mut admin, mut other] = [1, 2].map(|id| browser.authenticator(id));
    browser.first(&mut admin, "heron");
    assert_eq!(browser.vouched(&mut admin, &mut other, "stork").code, 200);
    let path_of = |person: usize| {
        let people = browser.gets("/passkeys");
        let id = people["people"][person]["keys"][0]["id"].as_str().unwrap().to_owned();
        format!("/passkeys/{id}/revoke")
    };
    let none = json!({});
    assert_eq!(browser.posts(&path_of(1), &none).code, 403, "without a proof");
    assert_eq!(browser.posts_signed(&mut other, &path_of(0), &none).code, 403, "not theirs");
    let last = browser.posts_signed(&mut admin, &path_of(0), &none);
    assert_eq!(last.code, 409, "{last:?}");
    let hold = json!({"kind": "pause", "session": null, "reason": "look"});
    assert_eq!(browser.posts_signed(&mut other, "/holds", &hold).code, 200);
    assert_eq!(browser.posts_signed(&mut admin, &path_of(1), &none).code, 204);
    assert_eq!(browser.posts_signed(&mut other, "/holds", &hold).code, 403, "no longer");
    assert_eq!(browser.gets("/passkeys")["people"].as_array().unwrap().len(), 1);
    let log = Log::open(&browser.state, Durability::Process).unwrap();
    let kinds: Vec<Value> = log.entries().unwrap().map(|it| it.unwrap()["kind"].clone()).collect();
    assert_eq!(kinds, ["passkey", "passkey", "hold", "passkey_revoked"]);
}

#[test]
fn two_people_are_two_people_and_not_two_keys() {
    let browser = Browser::open(terms(&["infra.change"]));
    let [mut mine, mut phone, mut other] = [1, 2, 3].map(|id| browser.authenticator(id));
    browser.first(&mut mine, "heron");
    let begun = browser.posts_signed(&mut mine, "/passkeys/begin", &json!({"name": "phone"}));
    assert_eq!(browser.makes(&mut phone, &begun).code, 200);
    let case = browser.leave("a1", "s");
    let seen = browser.shown();
    assert_eq!((&seen["needs"], &seen["code"]), (&json!(2), &json!(case.code)));
    let first = browser.approves(&mut mine, &seen);
    assert_eq!((first.code, &first.body["done"]), (200, &json!(false)), "{first:?}");
    let again = browser.approves(&mut phone, &browser.shown());
    assert_eq!(again.code, 409, "another key of the same person: {again:?}");
    assert_eq!(browser.vouched(&mut mine, &mut other, "stork").code, 200);
    let second = browser.approves(&mut other, &browser.shown());
    assert_eq!((second.code, &second.body["done"]), (200, &json!(true)), "{second:?}");
    assert!(Cases::open(&browser.state).unwrap().take(&case.digest).unwrap().is_some());
}

/// What a person signs for names what they were shown.
#[test]
fn a_case_that_changed_in_between_is_not_approved() {
    let browser = Browser::open(terms(&[]));
    let mut mine = browser.authenticator(1);
    browser.first(&mut mine, "heron");
    browser.leave("a1", "s");
    let seen = browser.shown();
    let path = format!("/approvals/{}", seen["code"].as_str().unwrap());
    let blind = json!({"answer": "approve", "scope": "once"});
    assert_eq!(browser.posts_signed(&mut mine, &path, &blind).code, 400, "of what?");
    let body = json!({"answer": "approve", "scope": "once", "shown": seen["shown"]});
    let signed = browser.signed(&mut mine, "POST", &path, &body);
    // Before it arrives, another session asks for the same.
    browser.leave("b2", "t");
    let refused = browser.posts(&path, &signed);
    assert_eq!(refused.code, 409, "{refused:?}");
    let mut forged = signed;
    forged["shown"] = browser.shown()["shown"].clone();
    assert_eq!(browser.posts(&path, &forged).code, 403, "that was not signed for");
    let cases = Cases::open(&browser.state).unwrap();
    assert_eq!(cases.pending().unwrap().len(), 2);
    assert_eq!(browser.approves(&mut mine, &browser.shown()).code, 200);
    assert!(cases.pending().unwrap().is_empty());
}
