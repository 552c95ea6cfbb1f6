//! Who may what.
//!
//! To look takes the cookie that a token from the terminal was exchanged for, the bearer token, or a process of
//! this user at the socket. To change something takes a person as well: a passkey of theirs has signed for a
//! challenge that was made for exactly this request. A page of another site can do neither: it does not know
//! the token that changes carry, and its origin and the host it asks for are not ours.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ringfence_record::RecordError;
use ringfence_record::cases::random_letters;
use ringfence_record::desk::{self, Desk, KEY_BYTES, Passkey, Role};
use serde_json::{Map, Value, json};

use crate::passkey::{self, Party};
use crate::problem::Problem;
use crate::{Address, door::Whom};

/// So long a cookie holds: a working day.
const COOKIE: Duration = Duration::from_secs(12 * 60 * 60);

/// So long a challenge waits for its answer.
const CHALLENGE: Duration = Duration::from_secs(2 * 60);

/// More challenges do not wait at once.
const MOST_CHALLENGES: usize = 64;

const NAME: &str = "ringfence";

/// Who looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Viewer {
    /// A process of this user.
    Process,
    /// Whoever has the bearer token.
    Bearer,
    /// A browser that was opened with the token of the terminal; what its changes carry.
    Browser { csrf: String },
}

/// Who changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    /// A pseudonym.
    pub(crate) name: String,
}

/// What a challenge was made for.
struct Challenge {
    text: String,
    purpose: Purpose,
    at: Instant,
}

#[derive(Debug, PartialEq, Eq)]
enum Purpose {
    /// A change, by the digest of method, path and body.
    Change(String),
    /// A passkey of this name.
    Enrol(String),
}

/// A bucket that empties by what is done, and fills with time.
struct Bucket {
    left: f64,
    at: Instant,
}

pub(crate) struct Auth {
    desk: Desk,
    key: hmac::Key,
    bearer: String,
    /// Exchanged once.
    login: Mutex<Option<String>>,
    /// Shown at the terminal; nothing where nobody is there.
    code: Option<String>,
    hosts: Vec<String>,
    origins: Vec<String>,
    party: Party,
    challenges: Mutex<HashMap<String, Challenge>>,
    tries: Mutex<Bucket>,
    /// Of their own: whoever reaches the port can use them up, and a person has still to say no.
    logins: Mutex<Bucket>,
    port: u16,
}

/// Tries of logins, codes and proofs: so many at once, and so many a second after that.
const TRIES: f64 = 30.0;
const TRIES_A_SECOND: f64 = 0.5;

/// The bearer token of a state folder.
///
/// # Errors
/// When its key can be neither read nor made.
pub fn bearer_of(desk: &Desk) -> Result<String, RecordError> {
    Ok(token(&key_of(desk)?, "bearer"))
}

fn key_of(desk: &Desk) -> Result<hmac::Key, RecordError> {
    let key: [u8; KEY_BYTES] = desk.key()?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

fn token(key: &hmac::Key, what: &str) -> String {
    BASE64.encode(hmac::sign(key, what.as_bytes()))
}

fn random_token() -> Result<String, RecordError> {
    let mut bytes = [0; 32];
    desk::random(&mut bytes)?;
    Ok(BASE64.encode(bytes))
}

#[expect(clippy::disallowed_methods, reason = "challenges wait, and buckets fill, for so long")]
fn now() -> Instant {
    Instant::now()
}

fn seconds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a cookie holds until then")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Auth {
    pub(crate) fn new(
        desk: Desk,
        address: SocketAddr,
        may_enrol: bool,
    ) -> Result<Self, RecordError> {
        let key = key_of(&desk)?;
        let port = address.port();
        let mut hosts: Vec<String> =
            ["localhost", "127.0.0.1", "[::1]"].map(|it| format!("{it}:{port}")).into();
        if !address.ip().is_loopback() {
            hosts.push(address.to_string());
        }
        let origins = hosts.iter().map(|host| format!("http://{host}")).collect();
        Ok(Self {
            bearer: token(&key, "bearer"),
            key,
            login: Mutex::new(Some(random_token()?)),
            code: may_enrol.then(|| random_letters(8)).transpose()?,
            origins,
            hosts,
            party: Party { id: "localhost", origin: format!("http://localhost:{port}") },
            challenges: Mutex::default(),
            tries: Mutex::new(Bucket { left: TRIES, at: now() }),
            logins: Mutex::new(Bucket { left: TRIES, at: now() }),
            desk,
            port,
        })
    }

    pub(crate) fn address(&self) -> Address {
        let token = lock(&self.login).clone().unwrap_or_default();
        let url = format!("http://localhost:{}/#token={token}", self.port);
        Address { url, code: self.code.clone() }
    }

    /// Whether a request over the network is meant for us, by a page of ours if by any: a name that leads here
    /// is not enough.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let text = |name: header::HeaderName| headers.get(name).map(|it| it.to_str().unwrap_or(""));
        let host = text(header::HOST).unwrap_or("");
        if !self.hosts.iter().any(|it| it == host) {
            return Err(Problem::forbidden(format!(
                "this is not served under that name; open http://localhost:{}",
                self.port
            )));
        }
        if text(header::ORIGIN).is_some_and(|origin| !self.origins.iter().any(|it| it == origin)) {
            return Err(Problem::forbidden("pages of other sites may not ask here"));
        }
        let site = headers.get("sec-fetch-site").map(|it| it.to_str().unwrap_or(""));
        if !matches!(site, None | Some("same-origin" | "none")) {
            return Err(Problem::forbidden("pages of other sites may not ask here"));
        }
        Ok(())
    }

    /// Who looks, if that may.
    pub(crate) fn viewer(&self, whom: Whom, headers: &HeaderMap) -> Result<Viewer, Problem> {
        if let Whom::Process(_) = whom {
            return Ok(Viewer::Process);
        }
        let text = |name: header::HeaderName| headers.get(name).and_then(|it| it.to_str().ok());
        let given = text(header::AUTHORIZATION).and_then(|it| it.strip_prefix("Bearer "));
        if given.is_some_and(|given| is_same(given, &self.bearer)) {
            return Ok(Viewer::Bearer);
        }
        let cookies = text(header::COOKIE).unwrap_or_default().split(';');
        let mut ours = cookies.filter_map(|it| it.trim().strip_prefix(NAME)?.strip_prefix('='));
        let csrf = ours.find_map(|cookie| self.csrf_of(cookie));
        csrf.map(|csrf| Viewer::Browser { csrf }).ok_or_else(|| {
            let problem = "log in first: open the address that `ringfence serve` prints";
            Problem::new(StatusCode::UNAUTHORIZED, problem)
        })
    }

    /// The cookie for the token of the terminal.
    pub(crate) fn log_in(&self, given: &str) -> Result<String, Problem> {
        take(&self.logins)?;
        let mut login = lock(&self.login);
        if !login.as_ref().is_some_and(|token| is_same(token, given)) {
            let problem =
                "that token was used, or is none; start `ringfence serve` again for another";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, problem));
        }
        let body = format!("{}.{}", seconds().saturating_add(COOKIE.as_secs()), random_token()?);
        *login = None;
        let mac = token(&self.key, &format!("cookie.{body}"));
        Ok(format!(
            "{NAME}={body}.{mac}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}",
            COOKIE.as_secs()
        ))
    }

    /// The cookie that takes a cookie away.
    pub(crate) const fn log_out() -> &'static str {
        "ringfence=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
    }

    fn csrf_of(&self, cookie: &str) -> Option<String> {
        let (body, mac) = cookie.rsplit_once('.')?;
        let (until, _) = body.split_once('.')?;
        let is_ours = is_same(mac, &token(&self.key, &format!("cookie.{body}")));
        let holds = until.parse::<u64>().is_ok_and(|until| seconds() < until);
        (is_ours && holds).then(|| token(&self.key, &format!("csrf.{body}")))
    }

    pub(crate) fn passkeys(&self) -> Result<Vec<Passkey>, Problem> {
        Ok(self.desk.passkeys()?)
    }

    /// What a browser is to make a passkey by.
    pub(crate) fn begin_enrolling(&self, code: &str, name: &str) -> Result<Value, Problem> {
        take(&self.tries)?;
        let Some(shown) = &self.code else {
            return Err(Problem::forbidden(
                "nobody was seen at the terminal of `ringfence serve`; start it in a terminal of your \
                 own to enrol a passkey",
            ));
        };
        if !is_same(shown, code.trim()) {
            return Err(Problem::forbidden("that is not the code that `ringfence serve` shows"));
        }
        let name: String = name.chars().filter(|it| !it.is_control()).take(60).collect();
        let (_, text) = self.challenge_for(Purpose::Enrol(name.clone()))?;
        let known: Vec<Value> = self.allowed()?;
        let user = random_token()?;
        Ok(json!({
            "challenge": text,
            "rp": {"id": self.party.id, "name": "Ringfence"},
            "user": {"id": user, "name": name, "displayName": name},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
            "excludeCredentials": known,
            "authenticatorSelection": {"userVerification": "required", "residentKey": "preferred"},
            "attestation": "none",
            "timeout": 120_000,
        }))
    }

    /// Takes a passkey in. The first may do everything; the others answer and hold.
    pub(crate) fn finish_enrolling(
        &self,
        credential: &Value,
        at: &str,
    ) -> Result<Passkey, Problem> {
        take(&self.tries)?;
        let text = passkey::challenge_of(credential)
            .ok_or_else(|| Problem::wrong("that is no credential"))?;
        let Some(Purpose::Enrol(name)) = self.answered(&text) else {
            return Err(Problem::forbidden("nothing waits for that passkey; begin again"));
        };
        let made = passkey::made(credential, &text, &self.party).map_err(Problem::forbidden)?;
        let mut passkeys = self.desk.passkeys()?;
        if passkeys.iter().any(|it| it.id == made.id) {
            return Err(Problem::new(StatusCode::CONFLICT, "that passkey is enrolled already"));
        }
        let role = if passkeys.is_empty() { Role::Admin } else { Role::Approver };
        let person = format!("person-{}", random_letters(6)?);
        let at = at.to_owned();
        let new = Passkey { id: made.id, key: made.key, count: made.count, person, name, role, at };
        passkeys.push(new.clone());
        self.desk.keep(&passkeys)?;
        Ok(new)
    }

    /// A challenge for exactly this request.
    pub(crate) fn challenge(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, Problem> {
        take(&self.tries)?;
        let allowed = self.allowed()?;
        if allowed.is_empty() {
            return Err(Problem::forbidden("no passkey is enrolled; enrol one first"));
        }
        let (id, text) = self.challenge_for(Purpose::Change(digest_of(method, path, body)))?;
        Ok(json!({"id": id, "options": {
            "challenge": text,
            "rpId": self.party.id,
            "allowCredentials": allowed,
            "userVerification": "required",
            "timeout": 120_000,
        }}))
    }

    /// Who wants this change, by what the body of the request carries as proof.
    pub(crate) fn person(
        &self,
        viewer: &Viewer,
        headers: &HeaderMap,
        method: &str,
        path: &str,
        body: &Value,
        needs: Role,
    ) -> Result<Person, Problem> {
        self.check_csrf(viewer, headers)?;
        take(&self.tries)?;
        let proof = body.get("proof").cloned().unwrap_or_default();
        let text = proof.get("credential").and_then(passkey::challenge_of);
        let id = proof.get("id").and_then(Value::as_str);
        let (Some(text), Some(credential), Some(id)) = (text, proof.get("credential"), id) else {
            return Err(Problem::forbidden(
                "this needs the proof of a person; ask for a challenge and sign it with a passkey",
            ));
        };
        let wanted = Purpose::Change(digest_of(method, path, body));
        if id_of(&text) != id || self.answered(&text) != Some(wanted) {
            return Err(Problem::forbidden(
                "that proof is not for this request, was used, or is too old; sign again",
            ));
        }
        let mut passkeys = self.desk.passkeys()?;
        let named = credential.get("id").and_then(Value::as_str);
        let found = passkeys.iter_mut().find(|it| Some(it.id.as_str()) == named);
        let passkey = found.ok_or_else(|| Problem::forbidden("that passkey is not enrolled"))?;
        passkey.count = passkey::used(credential, &text, &passkey.key, passkey.count, &self.party)
            .map_err(Problem::forbidden)?;
        let (name, role) = (passkey.person.clone(), passkey.role);
        self.desk.keep(&passkeys)?;
        if role < needs {
            let role = role.as_str();
            return Err(Problem::forbidden(format!("a {role} may not do this; ask an admin")));
        }
        Ok(Person { name })
    }

    /// Whether a page of ours sends this.
    pub(crate) fn check_csrf(&self, viewer: &Viewer, headers: &HeaderMap) -> Result<(), Problem> {
        let Viewer::Browser { csrf } = viewer else {
            return Err(Problem::forbidden(
                "tokens only view; log in with a browser to change this",
            ));
        };
        let given = headers.get("x-ringfence-csrf").and_then(|it| it.to_str().ok());
        if given.is_some_and(|given| is_same(given, csrf)) {
            return Ok(());
        }
        Err(Problem::forbidden("this request did not come from the console; reload the page"))
    }

    fn allowed(&self) -> Result<Vec<Value>, Problem> {
        let passkeys = self.desk.passkeys()?;
        Ok(passkeys.iter().map(|it| json!({"type": "public-key", "id": it.id})).collect())
    }

    fn challenge_for(&self, purpose: Purpose) -> Result<(String, String), Problem> {
        let text = random_token()?;
        let id = id_of(&text);
        let mut challenges = lock(&self.challenges);
        challenges.retain(|_, it| it.at.elapsed() < CHALLENGE);
        if challenges.len() >= MOST_CHALLENGES {
            return Err(too_many());
        }
        challenges.insert(id.clone(), Challenge { text: text.clone(), purpose, at: now() });
        Ok((id, text))
    }

    /// What this challenge was made for; it serves once.
    fn answered(&self, text: &str) -> Option<Purpose> {
        let challenge = lock(&self.challenges).remove(&id_of(text))?;
        let holds = challenge.text == text && challenge.at.elapsed() < CHALLENGE;
        holds.then_some(challenge.purpose)
    }
}

fn take(tries: &Mutex<Bucket>) -> Result<(), Problem> {
    let mut bucket = lock(tries);
    let filled = bucket.at.elapsed().as_secs_f64() * TRIES_A_SECOND;
    *bucket = Bucket { left: (bucket.left + filled).min(TRIES), at: now() };
    if bucket.left < 1.0 {
        return Err(too_many());
    }
    bucket.left -= 1.0;
    Ok(())
}

fn too_many() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many tries; wait a minute, and try again")
}

fn is_same(one: &str, other: &str) -> bool {
    // In a time that tells nothing of where they differ.
    let key = hmac::Key::new(hmac::HMAC_SHA256, NAME.as_bytes());
    let tag = hmac::sign(&key, other.as_bytes());
    hmac::verify(&key, one.as_bytes(), tag.as_ref()).is_ok()
}

fn id_of(challenge: &str) -> String {
    BASE64.encode(digest(&SHA256, challenge.as_bytes()))
}

/// What is asked for, in one form whatever the order of its fields; the proof is not part of it.
fn digest_of(method: &str, path: &str, body: &Value) -> String {
    let mut body = body.clone();
    if let Some(fields) = body.as_object_mut() {
        fields.remove("proof");
    }
    let text = format!("{}\n{path}\n{}", method.to_ascii_uppercase(), sorted(body));
    BASE64.encode(digest(&SHA256, text.as_bytes()))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            let fields = fields.into_iter().map(|(name, value)| (name, sorted(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use ringfence_record::StateFolder;

    use super::*;
    use crate::passkey::tests::Authenticator;

    const ORIGIN: &str = "http://localhost:7475";
    const PATH: &str = "/api/v1/holds";

    struct Place {
        _folder: tempfile::TempDir,
        auth: Auth,
        headers: HeaderMap,
        viewer: Viewer,
    }

    /// Where a person has logged in.
    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let state = StateFolder::open(folder.path().join("state")).unwrap();
        let address = "127.0.0.1:7475".parse().unwrap();
        let auth = Auth::new(Desk::of(&state), address, true).unwrap();
        let token = auth.address().url.split_once("#token=").unwrap().1.to_owned();
        let cookie = auth.log_in(&token).unwrap();
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        headers.insert(header::COOKIE, value(cookie.split(';').next().unwrap()));
        let viewer = auth.viewer(Whom::Network, &headers).unwrap();
        let Viewer::Browser { csrf } = &viewer else { panic!("{viewer:?}") };
        headers.insert("x-ringfence-csrf", value(csrf));
        Place { _folder: folder, auth, headers, viewer }
    }

    impl Place {
        fn enrol(&self, authenticator: &mut Authenticator) -> Result<Passkey, Problem> {
            let code = self.auth.code.clone().unwrap();
            let options = self.auth.begin_enrolling(&code, "mine")?;
            let made = authenticator.make(options["challenge"].as_str().unwrap());
            self.auth.finish_enrolling(&made, "now")
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
        assert!(
            !change(&Viewer::Bearer, &place.headers) && !change(&Viewer::Process, &place.headers)
        );
        assert!(!change(&place.viewer, &HeaderMap::new()), "without what the page knows");
        assert!(change(&place.viewer, &place.headers));
    }

    #[test]
    fn only_the_first_passkey_may_do_everything_and_none_comes_without_the_code() {
        let place = place();
        for code in ["", "abcdefgh"] {
            assert!(place.auth.begin_enrolling(code, "x").is_err());
        }
        let mut mine = Authenticator::new(ORIGIN);
        assert!(place.auth.finish_enrolling(&mine.make("b3RoZXI"), "now").is_err());
        place.enrol(&mut mine).unwrap();
        assert!(place.enrol(&mut mine).is_err(), "twice");
        let mut second = Authenticator { id: vec![8; 16], ..Authenticator::new(ORIGIN) };
        assert_eq!(place.enrol(&mut second).unwrap().role, Role::Approver);
        let body = json!({});
        let proven = place.proven(&mut second, "POST", PATH, &body);
        assert!(place.person(&proven, Role::Admin).unwrap_err().contains("may not"));
        let proven = place.proven(&mut second, "POST", PATH, &body);
        assert!(place.person(&proven, Role::Approver).is_ok());
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
}
