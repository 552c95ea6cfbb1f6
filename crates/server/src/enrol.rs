//! Who the people are, and how they come to be known: each is one identity, with one passkey or several.
//!
//! A new person types a code that is shown at the terminal of the server alone; it serves once, for minutes. The
//! first may do everything; whoever comes later is vouched for by an admin, who signs for it. Another key of one's
//! own takes no code but a key that one has. So two keys of one person are never two people.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use ringfence_record::cases::random_letters;
use ringfence_record::desk::{Passkey, Role};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Server;
use crate::api::{Looks, blocking, now as time};
use crate::approvals::lock;
use crate::auth::{Auth, Purpose, Viewer, is_same, now, take};
use crate::passkey;
use crate::problem::Problem;

/// Shows a code to the person at the terminal and to nobody else, or says why nobody is there.
pub type ShowCode = Box<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// So long a code serves.
pub const CODE_SERVES: Duration = Duration::from_secs(10 * 60);

/// After so many wrong ones, it serves no more.
const MOST_GUESSES: u8 = 5;

/// Longer names are cut.
const NAME: usize = 60;

/// The code that enrols one more person.
pub(crate) struct Codes {
    show: ShowCode,
    waiting: Mutex<Option<Code>>,
}

struct Code {
    text: String,
    at: Instant,
    guesses: u8,
}

/// A passkey that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Enrolment {
    person: String,
    owner: String,
    /// What the key is called.
    name: String,
    /// How it was permitted.
    by: Permitted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Permitted {
    /// The code, by the first person of all.
    First { code: String },
    /// The code, and the admin who vouches for somebody new.
    Vouched { code: String, admin: String },
    /// Another key of whoever this is.
    Own,
}

impl Codes {
    pub(crate) fn shown_by(show: ShowCode) -> Self {
        Self { show, waiting: Mutex::default() }
    }

    /// Shows a new code; an older one serves no more.
    pub(crate) fn renew(&self) -> Result<(), Problem> {
        let text = random_letters(8)?;
        let mut waiting = lock(&self.waiting);
        *waiting = None;
        (self.show)(&text).map_err(|doubt| {
            Problem::forbidden(format!(
                "nobody was seen at the terminal of `ringfence serve`: {doubt}"
            ))
        })?;
        *waiting = Some(Code { text, at: now(), guesses: 0 });
        Ok(())
    }

    /// Whether this is the code; it still serves after that.
    fn check(&self, given: &str) -> Result<(), Problem> {
        let mut waiting = lock(&self.waiting);
        let Some(code) = waiting.as_mut().filter(|it| it.at.elapsed() < CODE_SERVES) else {
            return Err(Problem::forbidden(
                "no code waits: each serves once, for ten minutes; have a new one shown at the terminal of \
                 `ringfence serve`",
            ));
        };
        if is_same(&code.text, given) {
            return Ok(());
        }
        code.guesses += 1;
        if code.guesses >= MOST_GUESSES {
            *waiting = None;
        }
        Err(Problem::forbidden("that is not the code that `ringfence serve` shows"))
    }

    /// Uses it up, if this is still it.
    fn take(&self, given: &str) -> bool {
        let is_it = |it: &mut Code| it.at.elapsed() < CODE_SERVES && is_same(&it.text, given);
        lock(&self.waiting).take_if(is_it).is_some()
    }
}

/// What is asked for to make a passkey.
#[derive(Debug, Deserialize)]
struct Wanted {
    /// For somebody new: what the terminal shows, and their name.
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    person: String,
    /// What the key is called.
    #[serde(default)]
    name: String,
}

impl Auth {
    /// What a browser is to make a passkey by.
    pub(crate) fn begin_enrolling(
        &self,
        viewer: &Viewer,
        headers: &HeaderMap,
        body: &Value,
    ) -> Result<Value, Problem> {
        let wanted: Wanted = serde_json::from_value(body.clone())
            .map_err(|error| Problem::wrong(format!("that is no passkey: {error}")))?;
        let prove = |role| self.person(viewer, headers, "POST", BEGIN, body, role);
        let name = named(&wanted.name, "passkey");
        let known = self.desk.passkeys()?;
        let enrolment = match wanted.code {
            Some(code) => {
                let code = code.trim().to_owned();
                take(&self.tries)?;
                self.codes.check(&code)?;
                let owner = named(&wanted.person, "");
                if owner.is_empty() {
                    return Err(Problem::wrong("say who the person is, as colleagues know them"));
                }
                let is_known = |it: &Passkey| it.owner.to_lowercase() == owner.to_lowercase();
                if known.iter().any(is_known) {
                    let problem = "somebody of that name is enrolled; who has a passkey adds another \
                                   to it, without a code";
                    return Err(Problem::new(StatusCode::CONFLICT, problem));
                }
                let by = if known.is_empty() {
                    Permitted::First { code }
                } else {
                    let admin = prove(Role::Admin)?.name;
                    Permitted::Vouched { code, admin }
                };
                Enrolment { person: format!("person-{}", random_letters(6)?), owner, name, by }
            }
            None => {
                let person = prove(Role::Viewer)?.name;
                let owner = known.iter().find(|it| it.person == person);
                let owner = owner.map(|it| it.owner.clone()).unwrap_or_default();
                Enrolment { person, owner, name, by: Permitted::Own }
            }
        };
        let Enrolment { person, owner, .. } = enrolment.clone();
        let (_, text) = self.challenge_for(Purpose::Enrol(enrolment))?;
        Ok(json!({
            "challenge": text,
            "rp": {"id": self.party.id, "name": "Ringfence"},
            // By it, an authenticator knows the same person again.
            "user": {"id": encoded(&person), "name": owner, "displayName": owner},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
            "excludeCredentials": self.allowed()?,
            "authenticatorSelection": {"userVerification": "required", "residentKey": "preferred"},
            "attestation": "none",
            "timeout": 120_000,
        }))
    }

    /// Takes a passkey in, once it is recorded with who permitted it. The first person may do everything; later ones
    /// answer and hold.
    pub(crate) fn finish_enrolling(
        &self,
        credential: &Value,
        at: &str,
        record: impl FnOnce(&Passkey, &str) -> Result<(), Problem>,
    ) -> Result<(Passkey, String), Problem> {
        take(&self.tries)?;
        let text = passkey::challenge_of(credential)
            .ok_or_else(|| Problem::wrong("that is no credential"))?;
        let Some(Purpose::Enrol(enrolment)) = self.answered(&text) else {
            return Err(Problem::forbidden("nothing waits for that passkey; begin again"));
        };
        let made = passkey::made(credential, &text, &self.party).map_err(Problem::forbidden)?;
        let Enrolment { person, owner, name, by } = enrolment;
        self.desk.change(|passkeys| {
            if passkeys.iter().any(|it| it.id == made.id) {
                let problem = "that passkey is enrolled already";
                return Err(Problem::new(StatusCode::CONFLICT, problem));
            }
            let (role, by, vouched_by) = match by {
                Permitted::First { code } if passkeys.is_empty() && self.codes.take(&code) => {
                    (Role::Admin, "terminal".to_owned(), None)
                }
                Permitted::Vouched { code, admin }
                    if is_admin(passkeys, &admin) && self.codes.take(&code) =>
                {
                    (Role::Approver, admin.clone(), Some(admin))
                }
                Permitted::Own => {
                    let own = passkeys.iter().find(|it| it.person == person);
                    let own = own.ok_or_else(|| Problem::forbidden("your passkeys were revoked"))?;
                    (own.role, person.clone(), own.vouched_by.clone())
                }
                Permitted::First { .. } | Permitted::Vouched { .. } => {
                    return Err(Problem::forbidden(
                        "that code was used, or is too old; have a new one shown at the terminal of \
                         `ringfence serve`, and begin again",
                    ));
                }
            };
            let (id, key, count, at) = (made.id, made.key, made.count, at.to_owned());
            let new = Passkey { id, key, count, person, owner, name, role, at, vouched_by };
            record(&new, &by)?;
            passkeys.push(new.clone());
            Ok((new, by))
        })
    }

    /// Takes a passkey away, once that is recorded: one's own, or anybody's by an admin.
    pub(crate) fn revoke(
        &self,
        id: &str,
        by: &str,
        record: impl FnOnce(&Passkey) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        self.desk.change(|passkeys| {
            let place = passkeys.iter().position(|it| it.id == id);
            let whose = place.and_then(|at| passkeys.get(at)).map(|it| it.person.clone());
            let (Some(place), Some(whose)) = (place, whose) else {
                return Err(Problem::missing("no passkey of that id is enrolled; look again"));
            };
            if whose != by && !is_admin(passkeys, by) {
                return Err(Problem::forbidden("that is somebody else's passkey; ask an admin"));
            }
            let revoked = passkeys.remove(place);
            if !passkeys.iter().any(|it| it.role == Role::Admin) {
                return Err(Problem::new(
                    StatusCode::CONFLICT,
                    "that is the last passkey of an admin; enrol another one before",
                ));
            }
            record(&revoked)
        })
    }
}

fn is_admin(passkeys: &[Passkey], person: &str) -> bool {
    passkeys.iter().any(|it| it.person == person && it.role == Role::Admin)
}

fn named(name: &str, or: &str) -> String {
    let name: String = name.chars().filter(|it| !it.is_control()).take(NAME).collect();
    let name = name.trim();
    if name.is_empty() { or.to_owned() } else { name.to_owned() }
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

const BEGIN: &str = "/api/v1/passkeys/begin";

/// The people, and what each signs with.
pub(crate) async fn list(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let mut people: Vec<(Passkey, Vec<Value>)> = Vec::new();
        for it in server.auth.desk.passkeys()? {
            let key = json!({"id": it.id, "name": it.name, "at": it.at});
            match people.iter_mut().find(|(first, _)| first.person == it.person) {
                Some((_, keys)) => keys.push(key),
                None => people.push((it, vec![key])),
            }
        }
        let people: Vec<Value> = people
            .into_iter()
            .map(|(it, keys)| {
                json!({"person": it.person, "name": it.owner, "role": it.role,
                       "vouched_by": it.vouched_by, "keys": keys})
            })
            .collect();
        Ok(Json(json!({"people": people, "you": server.auth.looks(&viewer)?})))
    })
    .await
}

/// Has a new code shown at the terminal.
pub(crate) async fn show_code(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    server.auth.check_csrf(&viewer, &headers)?;
    take(&server.auth.tries)?;
    blocking(move || server.auth.codes.renew().map(|()| StatusCode::NO_CONTENT)).await
}

pub(crate) async fn begin(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Problem> {
    server.auth.check_csrf(&viewer, &headers)?;
    blocking(move || server.auth.begin_enrolling(&viewer, &headers, &body).map(Json)).await
}

#[derive(Debug, Deserialize)]
pub(crate) struct Enrolled {
    credential: Value,
}

pub(crate) async fn finish(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(enrolled): Json<Enrolled>,
) -> Result<Json<Value>, Problem> {
    server.auth.check_csrf(&viewer, &headers)?;
    blocking(move || {
        let record = |new: &Passkey, by: &str| {
            let fields = [
                ("person", json!(new.person)),
                ("passkey", json!(new.id)),
                ("role", json!(new.role)),
                ("by", json!(by)),
            ];
            server.record("passkey", fields).map(drop)
        };
        let (new, by) = server.auth.finish_enrolling(&enrolled.credential, &time(), record)?;
        if let (Viewer::Browser { csrf }, true) = (&viewer, by == "terminal") {
            server.auth.knows(csrf, &new.person);
        }
        Ok(Json(json!({"person": new.person, "role": new.role})))
    })
    .await
}

pub(crate) async fn revoke(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<StatusCode, Problem> {
    blocking(move || {
        let path = format!("/api/v1/passkeys/{id}/revoke");
        let who = server.auth.person(&viewer, &headers, "POST", &path, &body, Role::Viewer)?;
        server.revoke(&id, &who.name)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
