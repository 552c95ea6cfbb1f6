//! Who may what.
//!
//! To look takes the cookie that a token from the terminal was exchanged for, the bearer token, or a process of
//! this user at the socket. To change something takes a person as well: a passkey of theirs has signed for a
//! challenge that was made for exactly this request. A page of another site can do neither: it does not know
//! the token that changes carry, and its origin and the host it asks for are not ours.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::digest::{SHA256, digest};
use ring::hmac;
use ringfence_record::RecordError;
use ringfence_record::desk::{self, Desk, KEY_BYTES, Passkey, Role};
use serde_json::{Map, Value, json};

use crate::approvals::lock;
use crate::enrol::{Codes, Enrolment, ShowCode};
use crate::limits::Bucket;
use crate::passkey::{self, Party};
use crate::problem::Problem;
use crate::{Address, door::Whom};

/// So long a cookie holds: a working day.
const COOKIE: Duration = Duration::from_secs(12 * 60 * 60);

/// So long a challenge waits for its answer.
const CHALLENGE: Duration = Duration::from_secs(2 * 60);

/// More challenges do not wait at once.
const MOST_CHALLENGES: usize = 64;

/// Of more browsers it is not kept whose they are.
const MOST_BROWSERS: usize = 1_000;

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
    /// The id of the passkey that proved it.
    pub(crate) passkey: String,
}

/// What a challenge was made for.
struct Challenge {
    text: String,
    purpose: Purpose,
    at: Instant,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A change, by the digest of method, path and body.
    Change(String),
    /// A passkey for somebody.
    Enrol(Enrolment),
}

pub(crate) struct Auth {
    pub(crate) desk: Desk,
    key: hmac::Key,
    bearer: String,
    /// Exchanged once.
    login: Mutex<Option<String>>,
    /// What enrolls a new person, shown at the terminal.
    pub(crate) codes: Codes,
    /// Whose browsers have proved who they are, by the token that their changes carry.
    proved: Mutex<HashMap<String, String>>,
    hosts: Vec<String>,
    origins: Vec<String>,
    pub(crate) party: Party,
    challenges: Mutex<HashMap<String, Challenge>>,
    pub(crate) tries: Bucket,
    /// Of their own: whoever reaches the port can use them up, and a person has still to say no.
    logins: Bucket,
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
pub(crate) fn now() -> Instant {
    Instant::now()
}

fn seconds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a cookie holds until then")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
}

impl Auth {
    pub(crate) fn new(
        desk: Desk,
        address: SocketAddr,
        show_code: ShowCode,
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
            codes: Codes::shown_by(show_code),
            proved: Mutex::default(),
            origins,
            hosts,
            party: Party { id: "localhost", origin: format!("http://localhost:{port}") },
            challenges: Mutex::default(),
            tries: Bucket::new(TRIES, TRIES_A_SECOND),
            logins: Bucket::new(TRIES, TRIES_A_SECOND),
            desk,
            port,
        })
    }

    pub(crate) fn address(&self) -> Address {
        let token = lock(&self.login).clone().unwrap_or_default();
        Address { url: format!("http://localhost:{}/#token={token}", self.port) }
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
        let named = credential.get("id").and_then(Value::as_str);
        let (name, passkey, role) = self.desk.change(|passkeys| {
            let found = passkeys.iter_mut().find(|it| Some(it.id.as_str()) == named);
            let passkey =
                found.ok_or_else(|| Problem::forbidden("that passkey is not enrolled"))?;
            let party = &self.party;
            passkey.count = passkey::used(credential, &text, &passkey.key, passkey.count, party)
                .map_err(Problem::forbidden)?;
            Ok::<_, Problem>((passkey.person.clone(), passkey.id.clone(), passkey.role))
        })?;
        if let Viewer::Browser { csrf } = viewer {
            self.knows(csrf, &name);
        }
        if role < needs {
            let role = role.as_str();
            return Err(Problem::forbidden(format!("a {role} may not do this; ask an admin")));
        }
        Ok(Person { name, passkey })
    }

    /// Keeps that this browser is this person's, for what it is shown: what it changes is proved each time.
    pub(crate) fn knows(&self, csrf: &str, person: &str) {
        let mut proved = lock(&self.proved);
        if proved.len() >= MOST_BROWSERS {
            proved.clear();
        }
        proved.insert(csrf.to_owned(), person.to_owned());
    }

    /// Who looks, as far as it can be told: whoever proved it by this browser, or the only one there is.
    pub(crate) fn looks(&self, viewer: &Viewer) -> Result<Option<String>, Problem> {
        let people: BTreeSet<String> =
            self.desk.passkeys()?.into_iter().map(|it| it.person).collect();
        let Viewer::Browser { csrf } = viewer else { return Ok(None) };
        let proved = lock(&self.proved).get(csrf).cloned().filter(|it| people.contains(it));
        let only = people.first().filter(|_| people.len() == 1).cloned();
        Ok(proved.or(only))
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

    pub(crate) fn allowed(&self) -> Result<Vec<Value>, Problem> {
        let passkeys = self.desk.passkeys()?;
        Ok(passkeys.iter().map(|it| json!({"type": "public-key", "id": it.id})).collect())
    }

    pub(crate) fn challenge_for(&self, purpose: Purpose) -> Result<(String, String), Problem> {
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
    pub(crate) fn answered(&self, text: &str) -> Option<Purpose> {
        let challenge = lock(&self.challenges).remove(&id_of(text))?;
        let holds = challenge.text == text && challenge.at.elapsed() < CHALLENGE;
        holds.then_some(challenge.purpose)
    }
}

pub(crate) fn take(tries: &Bucket) -> Result<(), Problem> {
    if tries.take() { Ok(()) } else { Err(too_many()) }
}

pub(crate) fn too_many() -> Problem {
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too many tries; wait a minute, and try again")
}

pub(crate) fn is_same(one: &str, other: &str) -> bool {
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
mod tests;
