//! What people do: hold, release, end.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use ringfence_record::desk::Role;
use ringfence_record::holds::{Hold, HoldKind};
use ringfence_record::log::Entry;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Server;
use crate::api::{Looks, blocking, now};
use crate::problem::Problem;

/// What is asked for.
#[derive(Debug, Deserialize)]
struct Wanted {
    kind: HoldKind,
    session: Option<String>,
    #[serde(default)]
    reason: String,
}

/// Longer reasons are not told.
const MOST_OF_A_REASON: usize = 300;

pub(crate) async fn list(State(server): State<Arc<Server>>) -> Result<impl IntoResponse, Problem> {
    blocking(move || Ok(Json(json!({"holds": server.holds.all()?})))).await
}

pub(crate) async fn hold(
    State(server): State<Arc<Server>>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<impl IntoResponse, Problem> {
    let wanted: Wanted = serde_json::from_value(body.clone())
        .map_err(|error| Problem::wrong(format!("that is no hold: {error}; see docs/api.md")))?;
    blocking(move || {
        let path = "/api/v1/holds";
        let who = server.auth.person(&viewer, &headers, "POST", path, &body, Role::Approver)?;
        let clean = wanted.reason.chars().filter(|it| !it.is_control());
        let reason: String = clean.take(MOST_OF_A_REASON).collect();
        let (kind, session) = (wanted.kind, wanted.session);
        // First, and whatever becomes of the rest: a full disk keeps no agent alive.
        let end = || server.gate.end(session.as_deref());
        let before = if kind == HoldKind::Kill { end() } else { 0 };
        let hold = server.holds.place(Hold {
            id: String::new(),
            kind,
            session: session.clone(),
            by: who.name.clone(),
            reason: if reason.is_empty() { "no reason was given".to_owned() } else { reason },
            at: now(),
        })?;
        server.record("hold", [("session", json!(hold.session)), ("hold", json!(hold))])?;
        if hold.kind == HoldKind::Kill {
            // Again: one may have been started before the hold was there.
            let ended = before + end();
            server.record(
                "killed",
                [
                    ("session", json!(hold.session)),
                    ("hold", json!(hold.id)),
                    ("processes", json!(ended)),
                ],
            )?;
        }
        Ok(Json(json!({"holds": server.holds.all()?})))
    })
    .await
}

pub(crate) async fn release(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    Looks(viewer): Looks,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<impl IntoResponse, Problem> {
    blocking(move || {
        let path = format!("/api/v1/holds/{id}/release");
        let who = server.auth.person(&viewer, &headers, "POST", &path, &body, Role::Approver)?;
        let Some(hold) = server.holds.all()?.into_iter().find(|hold| hold.id == id) else {
            return Err(Problem::missing(format!("nothing is held under `{id}`; look again")));
        };
        // Recorded first: what is not in the log lets nothing go.
        let fields =
            [("session", json!(hold.session)), ("hold", json!(hold)), ("by", json!(who.name))];
        server.record("release", fields)?;
        server.holds.release(&id)?;
        Ok(Json(json!({"holds": server.holds.all()?})))
    })
    .await
}

impl Server {
    /// Records what a person did.
    pub(crate) fn record<'f>(
        &self,
        kind: &'static str,
        fields: impl IntoIterator<Item = (&'f str, Value)>,
    ) -> Result<Option<ringfence_record::log::Receipt>, Problem> {
        let fields: Map<String, Value> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(self.log.append_all(&now(), vec![Entry { kind, fields }])?)
    }
}
