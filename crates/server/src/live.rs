//! The live stream: every entry from a number on, in order, without gaps, however slow who watches is.
//!
//! What was recorded before is read from the log; what comes is sent as it comes. Whoever falls behind reads the
//! log again, and goes on. The number of the last entry is the id of the event, so that a browser that comes
//! back says where it was.
//!
//! A list that many watch takes entries in brief, many to an event: each batch is made once, and the same bytes go to
//! all of them.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::Server;
use crate::feed::{Form, Subscription, frames};
use crate::problem::Problem;

/// So often something is said, so that who watches knows that nobody is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// So many lines of the log are read at once for who was away.
const READ: usize = 64;

/// So many bytes a second go to all who watch together while much is decided. Whoever falls behind by that reads
/// on in the log, later: decisions come first, and nothing piles up in memory.
const BYTES_A_SECOND: f64 = 16e6;

/// So often it is looked whether there is still much to decide.
const BREATH: Duration = Duration::from_millis(500);

/// More do not watch at once.
const MOST_WATCHERS: usize = 1_000;

/// From where on, and how.
#[derive(Debug, Deserialize)]
pub(crate) struct From {
    after: Option<u64>,
    #[serde(default)]
    brief: bool,
}

pub(crate) async fn live(
    State(server): State<Arc<Server>>,
    Query(from): Query<From>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if server.feed.watchers() >= MOST_WATCHERS {
        return Err(Problem::failed("too many watch already; close one, and try again"));
    }
    let last_seen = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let after = last_seen.or(from.after).unwrap_or_else(|| server.feed.last());
    let (send, receive) = mpsc::channel(1);
    let form = if from.brief { Form::Brief } else { Form::Whole };
    tokio::spawn(watch(server, after, form, send));
    let stream = ReceiverStream::new(receive).map(Ok::<Bytes, Infallible>);
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// Sends until nobody listens any more.
async fn watch(server: Arc<Server>, after: u64, form: Form, send: Sender<Bytes>) {
    // Subscribed first: what comes while the log is read is there afterwards.
    let mut watching: Subscription = server.feed.subscribe(form);
    let mut state = server.feed.state();
    let now = state_frame(&state.borrow_and_update());
    let Some(mut sent) = read_up(&server, after, form, &send).await else { return };
    if send.send(now).await.is_err() {
        return;
    }
    loop {
        let going = tokio::select! {
            batch = watching.batches.recv() => {
                let next = match &batch {
                    Ok(batch) if batch.last <= sent => continue,
                    Err(RecvError::Closed) => return,
                    Ok(batch) if batch.first == sent + 1 => batch.frames(form).zip(Some(batch.last)),
                    // It begins before, or after a gap.
                    Ok(_) | Err(RecvError::Lagged(_)) => None,
                };
                let done = match (next, form) {
                    (Some((frames, last)), Form::Whole) => {
                        send_at_pace(&server, frames.clone(), &send).await.map(|()| last)
                    }
                    (Some((frames, last)), Form::Brief) => {
                        if server.feed.is_busy() {
                            tokio::time::sleep(watching.turn()).await;
                        }
                        send.send(frames.clone()).await.ok().map(|()| last)
                    }
                    (None, _) => read_up(&server, sent, form, &send).await,
                };
                sent = done.unwrap_or(sent);
                done.is_some()
            }
            changed = state.changed() => {
                let frame = state_frame(&state.borrow_and_update());
                changed.is_ok() && send.send(frame).await.is_ok()
            }
            () = tokio::time::sleep(HEARTBEAT) => {
                send.send(Bytes::from_static(b": still here\n\n")).await.is_ok()
            }
            () = send.closed() => false,
        };
        if !going {
            return;
        }
    }
}

/// Sends what the log has after this number; returns the number that it came to, or nothing where nobody
/// listens any more or the log cannot be read: who watches comes back and says where it was.
async fn read_up(server: &Server, after: u64, form: Form, send: &Sender<Bytes>) -> Option<u64> {
    let mut sent = after;
    let mut follower = {
        let log = server.log.clone();
        tokio::task::spawn_blocking(move || log.follow_after(after)).await.ok()?.ok()?
    };
    loop {
        let read = tokio::task::spawn_blocking(move || {
            let lines = follower.more(READ);
            (follower, lines)
        });
        let (back, lines) = read.await.ok()?;
        follower = back;
        let lines = lines.ok()?;
        let Some(last) = lines.last() else { return Some(sent) };
        sent = last.seq;
        send_at_pace(server, frames(&lines, form), send).await?;
    }
}

/// Sends, and waits as long as the share of one who watches takes.
async fn send_at_pace(server: &Server, frames: Bytes, send: &Sender<Bytes>) -> Option<()> {
    let all = frames.len() as f64 * server.feed.watchers().max(1) as f64;
    send.send(frames).await.ok()?;
    let until = tokio::time::Instant::now() + Duration::from_secs_f64(all / BYTES_A_SECOND);
    while server.feed.is_busy() && tokio::time::Instant::now() < until {
        tokio::time::sleep(BREATH.min(until.duration_since(tokio::time::Instant::now()))).await;
    }
    Some(())
}

fn state_frame(state: &Value) -> Bytes {
    Bytes::from(format!("event: state\ndata: {state}\n\n"))
}
