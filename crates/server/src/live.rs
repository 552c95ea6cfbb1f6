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
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::Server;
use crate::feed::{Form, Subscription, frames};
use crate::problem::Problem;

/// So often something is said, so that who watches knows that nobody is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// So many lines of the log are read at once for who was away, and no more than so many bytes: each who watches and
/// does not read keeps some of them in memory.
const READ: usize = 64;
const READ_BYTES: u64 = 64 << 10;

/// Who takes nothing for so long does not watch any more. A browser comes back, and says where it was.
const PATIENCE: Duration = Duration::from_secs(30);

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
    let state = server.feed.state();
    tokio::spawn(Watcher { server, form, send, state }.watch(after));
    let stream = ReceiverStream::new(receive).map(Ok::<Bytes, Infallible>);
    let headers =
        [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// Somebody who watches, and how.
struct Watcher {
    server: Arc<Server>,
    form: Form,
    send: Sender<Bytes>,
    /// What waits and what is held: told at once, however far behind this one is with the entries.
    state: watch::Receiver<Value>,
}

impl Watcher {
    /// Sends until nobody listens any more.
    async fn watch(mut self, after: u64) {
        // Subscribed first: what comes while the log is read is there afterwards.
        let mut watching: Subscription = self.server.feed.subscribe(self.form);
        if self.tell_state().await.is_none() {
            return;
        }
        let Some(mut sent) = self.read_up(after).await else { return };
        loop {
            let going = tokio::select! {
                batch = watching.batches.recv() => {
                    let next = match &batch {
                        Ok(batch) if batch.last <= sent => continue,
                        Err(RecvError::Closed) => return,
                        Ok(batch) if batch.first == sent + 1 => {
                            batch.frames(self.form).zip(Some(batch.last))
                        }
                        // It begins before, or after a gap.
                        Ok(_) | Err(RecvError::Lagged(_)) => None,
                    };
                    let done = match (next, self.form) {
                        (Some((frames, last)), Form::Whole) => {
                            self.tell_at_pace(frames.clone(), frames.len()).await.map(|()| last)
                        }
                        (Some((frames, last)), Form::Brief) => {
                            if self.server.feed.is_busy() {
                                tokio::time::sleep(watching.turn()).await;
                            }
                            tell(&self.send, frames.clone(), PATIENCE).await.map(|()| last)
                        }
                        (None, _) => self.read_up(sent).await,
                    };
                    sent = done.unwrap_or(sent);
                    done
                }
                changed = self.state.changed() => match changed {
                    Ok(()) => self.tell_state().await.map(|()| sent),
                    Err(_) => None,
                },
                () = tokio::time::sleep(HEARTBEAT) => {
                    let beat = Bytes::from_static(b": still here\n\n");
                    tell(&self.send, beat, PATIENCE).await.map(|()| sent)
                }
                () = self.send.closed() => None,
            };
            if going.is_none() {
                return;
            }
        }
    }

    /// Sends what the log has after this number; returns the number that it came to, or nothing where nobody
    /// listens any more or the log cannot be read: who watches comes back and says where it was.
    async fn read_up(&mut self, after: u64) -> Option<u64> {
        let mut sent = after;
        let mut follower = {
            let log = self.server.log.clone();
            tokio::task::spawn_blocking(move || log.follow_after(after)).await.ok()?.ok()?
        };
        loop {
            let read = tokio::task::spawn_blocking(move || {
                let lines = follower.more_within(READ, READ_BYTES);
                (follower, lines)
            });
            let (back, lines) = read.await.ok()?;
            follower = back;
            let lines = lines.ok()?;
            let Some(last) = lines.last() else { return Some(sent) };
            sent = last.seq;
            let frames = frames(&lines, self.form);
            // What is read costs, however little of it is told.
            let read = lines.iter().map(|line| line.line.len()).sum();
            self.tell_at_pace(frames, read).await?;
            if self.state.has_changed().ok()? {
                self.tell_state().await?;
            }
        }
    }

    /// Sends, and waits as long as the share of one who watches takes, of so many bytes.
    async fn tell_at_pace(&mut self, frames: Bytes, bytes: usize) -> Option<()> {
        let all = bytes as f64 * self.server.feed.watchers().max(1) as f64;
        tell(&self.send, frames, PATIENCE).await?;
        let until = Instant::now() + Duration::from_secs_f64(all / BYTES_A_SECOND);
        while self.server.feed.is_busy() && Instant::now() < until {
            tokio::select! {
                changed = self.state.changed() => {
                    changed.ok()?;
                    self.tell_state().await?;
                }
                () = tokio::time::sleep_until(until.min(Instant::now() + BREATH)) => {}
            }
        }
        Some(())
    }

    /// Sends what waits and what is held now.
    async fn tell_state(&mut self) -> Option<()> {
        let frame = state_frame(&self.state.borrow_and_update());
        tell(&self.send, frame, PATIENCE).await
    }
}

/// Sends; nothing where nobody listens any more, or took nothing for so long.
async fn tell(send: &Sender<Bytes>, frames: Bytes, patience: Duration) -> Option<()> {
    tokio::time::timeout(patience, send.send(frames)).await.ok()?.ok()
}

fn state_frame(state: &Value) -> Bytes {
    Bytes::from(format!("event: state\ndata: {state}\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_nothing_is_not_waited_for_without_end() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (send, mut receive) = mpsc::channel(1);
            let (short, frame) = (Duration::from_millis(20), || Bytes::from_static(b"x"));
            assert!(tell(&send, frame(), short).await.is_some(), "there is room for one");
            assert!(tell(&send, frame(), short).await.is_none());
            assert!(receive.recv().await.is_some());
            assert!(tell(&send, frame(), short).await.is_some());
        });
    }
}
