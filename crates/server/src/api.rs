//! The interface: which path is answered by whom, and what every request is checked for first.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use jiff::Timestamp;
use ringfence_action::Action;
use ringfence_record::holds::Hold;
use ringfence_record::projection::{Query as Wanted, SessionRow};
use ringfence_record::transparency::Transparency;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::auth::{Auth, Viewer};
use crate::door::Whom;
use crate::gate::Refused;
use crate::metrics::Metrics;
use crate::problem::Problem;
use crate::{Server, approvals, enrol, intervene, live, policies};

/// Requests of people are no longer than this: 1 MiB.
const LONGEST: usize = 1 << 20;

/// Nothing is loaded from elsewhere, nothing runs that is not ours, nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

pub(crate) fn routes(server: Arc<Server>) -> Router {
    let api = Router::new()
        .route("/events", get(events))
        .route("/live", get(live::live))
        .route("/sessions", get(sessions))
        .route("/sessions/{id}", get(session))
        .route("/approvals", get(approvals::list))
        .route("/approvals/{code}", post(approvals::answer))
        .route("/holds", get(intervene::list).post(intervene::hold))
        .route("/holds/{id}/release", post(intervene::release))
        .route("/agents", get(agents))
        .route("/policies", get(policies::list))
        .route("/policies/check", post(policies::check))
        .route("/policies/try", post(policies::try_on))
        .route("/policies/replay", post(policies::replay))
        .route("/policies/own/{name}", put(policies::keep))
        .route("/oversight", get(oversight))
        .route("/audit/checkpoint", get(checkpoint))
        .route("/audit/key", get(key))
        .route("/audit/tile/{*path}", get(tile))
        .route("/audit/entry/{seq}", get(entry))
        .route("/audit/entries/{after}", get(entries))
        .route("/audit/proof/{seq}", get(proof))
        .route("/me", get(me))
        .route("/logout", post(log_out))
        .route("/passkeys", get(enrol::list))
        .route("/passkeys/code", post(enrol::show_code))
        .route("/passkeys/begin", post(enrol::begin))
        .route("/passkeys/finish", post(enrol::finish))
        .route("/passkeys/{id}/revoke", post(enrol::revoke))
        .route("/challenge", post(challenge))
        .route("/metrics", get(metrics))
        .layer(middleware::from_fn_with_state(server.clone(), only_viewers))
        .route("/health", get(health))
        .route("/login", post(log_in))
        .layer(DefaultBodyLimit::max(LONGEST))
        .route("/hook/{agent}", post(hook))
        .route("/decide", post(decide))
        .layer(DefaultBodyLimit::max(Action::MAX_BYTES + 4096))
        .fallback(|| async {
            Problem::missing("there is nothing under this path; see docs/api.md")
        });
    Router::new()
        .nest("/api/v1", api)
        .fallback(crate::assets::asset)
        .layer(middleware::from_fn_with_state(server.clone(), guard))
        .with_state(server)
}

/// What every request is checked for, and every answer carries.
async fn guard(
    State(server): State<Arc<Server>>,
    ConnectInfo(whom): ConnectInfo<Whom>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = match whom {
        Whom::Process(_) => Ok(()),
        Whom::Network => server.auth.check_origin(request.headers()),
        Whom::Stranger => Err(Problem::forbidden("only processes of this user may ask here")),
    };
    let mut response = match allowed {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if matches!(response.status().as_u16(), 401 | 403 | 429) {
        Metrics::count(&server.metrics.turned_away);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let is_answer = !response.headers().contains_key(header::CACHE_CONTROL);
    if is_answer {
        let never = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, never);
    }
    response
}

/// Only for who may look.
async fn only_viewers(
    State(server): State<Arc<Server>>,
    ConnectInfo(whom): ConnectInfo<Whom>,
    mut request: Request,
    next: Next,
) -> Response {
    let viewer = match server.auth.viewer(whom, request.headers()) {
        Ok(viewer) => viewer,
        Err(problem) => return problem.into_response(),
    };
    // Only now: strangers use up nothing, and processes nothing of the person's.
    let limits = match &viewer {
        Viewer::Browser { .. } => &server.person_limits,
        Viewer::Process | Viewer::Bearer => &server.limits,
    };
    match limits.enter().await {
        Ok(_turn) => {
            request.extensions_mut().insert(viewer);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Who looks.
pub(crate) struct Looks(pub(crate) Viewer);

impl<S: Sync> FromRequestParts<S> for Looks {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let viewer = parts.extensions.get::<Viewer>().cloned();
        viewer.map(Self).ok_or_else(|| Problem::new(StatusCode::UNAUTHORIZED, "log in first"))
    }
}

/// Work that waits for files.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let stopped = |_| Problem::failed("ringfence stopped unexpectedly; try again");
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}

pub(crate) fn now() -> String {
    #[expect(clippy::disallowed_methods, reason = "an entry says when it was made")]
    let now = SystemTime::now();
    Timestamp::try_from(now).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

#[expect(clippy::disallowed_methods, reason = "how long answers take is measured")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// A message of an agent's hook, from the hook itself.
async fn hook(
    State(server): State<Arc<Server>>,
    ConnectInfo(whom): ConnectInfo<Whom>,
    Path(agent): Path<String>,
    asked: Bytes,
) -> Result<Response, Problem> {
    let Whom::Process(pid) = whom else {
        return Err(Problem::forbidden("only hooks ask this, through the socket"));
    };
    let began = instant();
    let gate = server.gate.clone();
    let told = blocking(move || Ok(gate.answer(&agent, pid, &asked)?)).await;
    server.metrics.took(began.elapsed());
    let metrics = &server.metrics;
    Metrics::count(if told.is_ok() { &metrics.answered } else { &metrics.left_to_hooks });
    told.map(json_bytes)
}

/// An action of an agent that asks by itself.
async fn decide(
    State(server): State<Arc<Server>>,
    ConnectInfo(whom): ConnectInfo<Whom>,
    headers: HeaderMap,
    action: Bytes,
) -> Result<Response, Problem> {
    // A cookie is for people; what agents ask, pages cannot make them ask.
    if matches!(server.auth.viewer(whom, &headers)?, Viewer::Browser { .. }) {
        return Err(Problem::forbidden("agents ask this, with the bearer token or by the socket"));
    }
    let began = instant();
    let (tell, told) = oneshot::channel();
    // Whoever asked may be gone.
    server.gate.decide(action.into(), Box::new(move |decided| drop(tell.send(decided))));
    let stopped = |_| Err(Refused::undecided("ringfence stopped unexpectedly; try again"));
    let decision = told.await.unwrap_or_else(stopped).map_err(Problem::from);
    server.metrics.took(began.elapsed());
    let metrics = &server.metrics;
    Metrics::count(if decision.is_ok() { &metrics.decided } else { &metrics.undecided });
    decision.map(json_bytes)
}

fn json_bytes(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], bytes).into_response()
}

async fn health(State(server): State<Arc<Server>>) -> Result<Json<Value>, Problem> {
    let seq = server.feed.last();
    let gate = server.gate.clone();
    let bundle = blocking(move || Ok(gate.bundle())).await?;
    let (bundle, problem) = (bundle.as_ref().ok(), bundle.as_ref().err());
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(json!({"ok": problem.is_none(), "version": version, "bundle": bundle, "seq": seq,
                   "problem": problem})))
}

async fn metrics(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let text = blocking(move || {
        let database = server.feed.database();
        let indexed = database.newest().unwrap_or_default();
        let damaged = database.damaged().unwrap_or_default();
        drop(database);
        let holds = server.holds.all().map_or(0, |holds| holds.len() as u64);
        let state = server.feed.state().borrow().clone();
        let waiting = state.get("approvals").and_then(Value::as_u64).unwrap_or_default();
        Ok(server.metrics.text(&[
            ("ringfence_log_entries", "Entries in the log", server.feed.last()),
            ("ringfence_log_entries_indexed", "Entries in the database", indexed),
            ("ringfence_log_entries_damaged", "Entries that cannot be read", damaged),
            ("ringfence_watchers", "Who watches now", server.feed.watchers() as u64),
            ("ringfence_approvals_waiting", "What waits for a person now", waiting),
            ("ringfence_holds", "What is held now", holds),
        ]))
    })
    .await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

#[derive(Debug, Deserialize)]
struct Events {
    after: Option<u64>,
    before: Option<u64>,
    limit: Option<u32>,
    session: Option<String>,
    kind: Option<String>,
    verdict: Option<String>,
    rule: Option<String>,
    q: Option<String>,
}

/// More are not answered at once.
const MOST_EVENTS: u32 = 1_000;

async fn events(
    State(server): State<Arc<Server>>,
    Query(events): Query<Events>,
) -> Result<Json<Value>, Problem> {
    let given = |text: Option<String>| text.filter(|it| !it.is_empty());
    let wanted = Wanted {
        kind: given(events.kind),
        session: given(events.session),
        verdict: given(events.verdict),
        code: given(events.rule),
        text: given(events.q),
        after: events.after,
        before: events.before,
        limit: events.limit.unwrap_or(200).min(MOST_EVENTS),
    };
    blocking(move || {
        let database = server.feed.database();
        let last = database.newest()?;
        Ok(Json(json!({"events": database.find(&wanted)?, "last": last})))
    })
    .await
}

#[derive(Debug, Deserialize)]
struct Page {
    limit: Option<u32>,
    before: Option<u64>,
}

async fn sessions(
    State(server): State<Arc<Server>>,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let limit = page.limit.unwrap_or(100).min(MOST_EVENTS);
        let rows = server.feed.database().sessions(limit, page.before)?;
        let (holds, alive) = (server.holds.all()?, server.gate.alive());
        let sessions: Vec<Value> = rows.iter().map(|row| shown(row, &holds, &alive)).collect();
        Ok(Json(json!({"sessions": sessions})))
    })
    .await
}

async fn session(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Problem> {
    blocking(move || {
        let database = server.feed.database();
        let row = database.session(&id)?;
        let row = row.ok_or_else(|| Problem::missing("no entry is of that session; look again"))?;
        let wanted = Wanted { session: Some(id), limit: MOST_EVENTS, ..Wanted::default() };
        let events = database.find(&wanted)?;
        let (holds, alive) = (server.holds.all()?, server.gate.alive());
        Ok(Json(json!({"session": shown(&row, &holds, &alive), "events": events})))
    })
    .await
}

fn shown(row: &SessionRow, holds: &[Hold], alive: &BTreeSet<String>) -> Value {
    let is_meant = |hold: &&Hold| hold.session.as_ref().is_none_or(|session| *session == row.id);
    let held = holds.iter().filter(is_meant).max_by_key(|hold| hold.kind);
    json!({
        "id": row.id, "agent": row.agent, "title": row.title, "started": row.started,
        "last": row.last, "last_seq": row.last_seq, "calls": row.calls, "asked": row.asked,
        "denied": row.denied, "contained": row.contained, "taint": row.taint,
        "boundaries": row.boundaries, "held": held, "alive": alive.contains(&row.id),
    })
}

async fn agents(State(server): State<Arc<Server>>) -> Result<Json<Value>, Problem> {
    blocking(move || Ok(Json(server.gate.status().map_err(Problem::failed)?))).await
}

async fn oversight(State(server): State<Arc<Server>>) -> Result<Json<Value>, Problem> {
    blocking(move || Ok(Json(server.gate.oversight().map_err(Problem::failed)?))).await
}

fn tree(server: &Server) -> Transparency {
    Transparency::of(&server.state, &server.log)
}

fn text(text: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text.into()).into_response()
}

fn unsigned() -> Problem {
    Problem::missing("nothing is signed yet; run `ringfence audit sign`")
}

async fn checkpoint(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let newest = blocking(move || Ok(tree(&server).newest()?)).await?;
    newest.map(|(_, note)| text(note)).ok_or_else(unsigned)
}

async fn key(State(server): State<Arc<Server>>) -> Result<Response, Problem> {
    let key = blocking(move || Ok(tree(&server).verifier()?)).await?;
    key.map(|key| text(key.to_string())).ok_or_else(unsigned)
}

async fn tile(
    State(server): State<Arc<Server>>,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let bytes = blocking(move || Ok(tree(&server).tile_file(&path)?)).await?;
    let bytes = bytes.ok_or_else(|| Problem::missing("there is no such tile"))?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

async fn entry(
    State(server): State<Arc<Server>>,
    Path(seq): Path<u64>,
) -> Result<Response, Problem> {
    let line = blocking(move || {
        let mut follower = server.log.follow_after(seq.saturating_sub(1))?;
        Ok(follower.more(1)?.into_iter().next().filter(|it| it.seq == seq))
    });
    let line = line.await?.ok_or_else(|| Problem::missing("there is no such entry"))?;
    // As it stands in the log, to the byte: its hash is of this.
    Ok(json_bytes(line.line.into_bytes()))
}

/// So many lines of the log are handed out at once, or about 1 MiB.
const LINES: usize = 1_000;

/// Lines of the log as they stand there, those after this number.
async fn entries(
    State(server): State<Arc<Server>>,
    Path(after): Path<u64>,
) -> Result<Response, Problem> {
    let lines = blocking(move || Ok(server.log.follow_after(after)?.more(LINES)?)).await?;
    let mut all = String::new();
    for it in lines {
        all.push_str(&it.line);
        all.push('\n');
    }
    Ok(text(all))
}

async fn proof(
    State(server): State<Arc<Server>>,
    Path(seq): Path<u64>,
) -> Result<Response, Problem> {
    let proof = blocking(move || Ok(tree(&server).prove(seq)?)).await?;
    let missing =
        || Problem::missing("that entry is in no checkpoint yet; run `ringfence audit sign`");
    proof.map(|proof| text(proof.to_string())).ok_or_else(missing)
}

#[derive(Debug, Deserialize)]
struct Login {
    token: String,
}

async fn log_in(
    State(server): State<Arc<Server>>,
    Json(login): Json<Login>,
) -> Result<impl IntoResponse, Problem> {
    let cookie = server.auth.log_in(&login.token)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]))
}

async fn log_out(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    server.auth.check_csrf(&viewer, &headers)?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, Auth::log_out())]))
}

async fn me(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
) -> Result<Json<Value>, Problem> {
    let passkeys = server.auth.passkeys()?.len();
    let person = server.auth.looks(&viewer)?;
    // What is looked at here needs no person; who it is, only a proof tells.
    let (role, csrf) = match viewer {
        Viewer::Browser { csrf } => ("admin", Some(csrf)),
        Viewer::Bearer | Viewer::Process => ("viewer", None),
    };
    Ok(Json(json!({"role": role, "person": person, "csrf": csrf, "passkeys": passkeys})))
}

#[derive(Debug, Deserialize)]
struct Asked {
    method: String,
    path: String,
    #[serde(default)]
    body: Value,
}

async fn challenge(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(asked): Json<Asked>,
) -> Result<Json<Value>, Problem> {
    server.auth.check_csrf(&viewer, &headers)?;
    let known = Method::from_bytes(asked.method.as_bytes());
    known.map_err(|_| Problem::wrong("that is no method"))?;
    server.auth.challenge(&asked.method, &asked.path, &asked.body).map(Json)
}
