//! The rules that hold, and drafts of the user's own: looked through, tried, run against the past, and kept.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use ringfence_record::desk::Role;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Server;
use crate::api::{Looks, blocking};
use crate::problem::Problem;

/// A draft goes through so many days of the log, where it does not say, and never through more.
const DAYS: u32 = 30;
const MOST_DAYS: u32 = 366;

#[derive(Debug, Deserialize)]
pub(crate) struct Draft {
    #[serde(default)]
    name: String,
    text: String,
    #[serde(default)]
    days: Option<u32>,
    #[serde(default)]
    action: Value,
}

pub(crate) async fn list(State(server): State<Arc<Server>>) -> Result<Json<Value>, Problem> {
    blocking(move || Ok(Json(server.gate.policies().map_err(Problem::failed)?))).await
}

pub(crate) async fn check(
    state: State<Arc<Server>>,
    looks: Looks,
    headers: HeaderMap,
    draft: Json<Draft>,
) -> Result<Json<Value>, Problem> {
    of_draft(state, looks, headers, draft, |server, it| server.gate.check_rules(&it.name, &it.text))
        .await
}

pub(crate) async fn try_on(
    state: State<Arc<Server>>,
    looks: Looks,
    headers: HeaderMap,
    draft: Json<Draft>,
) -> Result<Json<Value>, Problem> {
    let tried = |server: &Server, it: &Draft| server.gate.try_rules(&it.name, &it.text, &it.action);
    of_draft(state, looks, headers, draft, tried).await
}

pub(crate) async fn replay(
    state: State<Arc<Server>>,
    looks: Looks,
    headers: HeaderMap,
    draft: Json<Draft>,
) -> Result<Json<Value>, Problem> {
    of_draft(state, looks, headers, draft, |server, it| {
        let days = it.days.unwrap_or(DAYS).min(MOST_DAYS);
        server.gate.replay_rules(&it.name, &it.text, days)
    })
    .await
}

/// What is told of a draft. It changes nothing, and takes the machine's time: only pages of ours ask for it.
async fn of_draft(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(draft): Json<Draft>,
    told: fn(&Server, &Draft) -> Result<Value, String>,
) -> Result<Json<Value>, Problem> {
    server.auth.check_csrf(&viewer, &headers)?;
    blocking(move || told(&server, &draft).map(Json).map_err(Problem::wrong)).await
}

pub(crate) async fn keep(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<StatusCode, Problem> {
    let draft: Draft = serde_json::from_value(body.clone())
        .map_err(|error| Problem::wrong(format!("that is no draft: {error}; see docs/api.md")))?;
    blocking(move || {
        let path = format!("/api/v1/policies/own/{name}");
        let who = server.auth.person(&viewer, &headers, "PUT", &path, &body, Role::Admin)?;
        // Looked at before it is recorded: what does not load is no change.
        let found = server.gate.check_rules(&name, &draft.text).map_err(Problem::wrong)?;
        let wrong = found.get("diagnostics").and_then(Value::as_array);
        if !wrong.is_some_and(Vec::is_empty) {
            return Err(Problem::wrong(format!("the rules do not load: {found}")));
        }
        let digest = format!("sha256:{:x}", Sha256::digest(draft.text.as_bytes()));
        let fields = [("by", json!(who.name)), ("name", json!(name)), ("digest", json!(digest))];
        server.record("policy", fields)?;
        server.gate.keep_rules(&name, &draft.text).map_err(Problem::failed)?;
        Ok(StatusCode::NO_CONTENT)
    })
    .await
}
