//! Where what is watched comes from: the daemon's live stream, or the log.
//!
//! The stream is believed only from a daemon that a hook would ask, part by part. Whenever it ends or tells something
//! else than what comes next, the log is read on from the last entry that was shown.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver, SyncSender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use ringfence_record::cases::Cases;
use ringfence_record::holds::Holds;
use ringfence_record::log::{Followed, Follower, Log};
use ringfence_record::{RecordError, StateFolder};
use ringfence_sandbox::read_written;

use super::model::Watched;
use crate::command::hook::daemon_behind;

/// So many lines are taken in between two looks at the screen.
const AT_ONCE: usize = 2_000;

/// So often it is looked whether there is a daemon by now.
const TRIES: Duration = Duration::from_secs(2);

/// A stream on which nothing comes for so long, not even that it is still there, has ended.
const SILENCE: Duration = Duration::from_secs(45);

/// What is looked at.
pub(super) struct Source {
    folder: StateFolder,
    log: Log,
    /// The last entry that was shown.
    last: u64,
    from: From,
    tried: Option<Instant>,
}

enum From {
    /// Nothing yet: it is looked for.
    Nowhere,
    Log(Follower),
    Daemon(Receiver<Followed>),
}

impl Source {
    pub(super) fn after(last: u64, folder: StateFolder, log: Log) -> Self {
        Self { folder, log, last, from: From::Nowhere, tried: None }
    }

    /// What there is by now, and what waits and is held. What cannot be read is said, and tried again.
    pub(super) fn look(&mut self, watched: &mut Watched) -> Result<(), RecordError> {
        let lines = self.more()?;
        watched.is_served = matches!(self.from, From::Daemon(_));
        watched.take(lines.iter().map(|Followed { line, .. }| line.as_str()));
        let mut waiting = Cases::open(&self.folder)?.pending()?;
        waiting.sort_by_key(|case| std::cmp::Reverse(case.risk));
        let holds = Holds::of(&self.folder).all()?;
        watched.stand(waiting, holds);
        Ok(())
    }

    fn more(&mut self) -> Result<Vec<Followed>, RecordError> {
        if !matches!(self.from, From::Daemon(_)) && self.tried.is_none_or(|at| at.elapsed() > TRIES)
        {
            self.tried = Some(instant());
            if let Some(stream) = listen(&self.folder, self.last) {
                self.from = From::Daemon(stream);
            }
        }
        let mut lines = Vec::new();
        if let From::Daemon(stream) = &self.from {
            loop {
                match stream.try_recv() {
                    Ok(line) if line.seq == self.last + 1 => {
                        self.last = line.seq;
                        lines.push(line);
                    }
                    // What was shown already, by the log.
                    Ok(line) if line.seq <= self.last => {}
                    Ok(_) | Err(TryRecvError::Disconnected) => {
                        self.from = From::Nowhere;
                        self.tried = Some(instant());
                        break;
                    }
                    Err(TryRecvError::Empty) => break,
                }
                if lines.len() >= AT_ONCE {
                    break;
                }
            }
        }
        if matches!(self.from, From::Nowhere) {
            self.from = From::Log(self.log.follow_after(self.last)?);
        }
        if let From::Log(follower) = &mut self.from {
            let more = follower.more(AT_ONCE)?;
            self.last = more.last().map_or(self.last, |line| line.seq);
            lines.extend(more);
        }
        Ok(lines)
    }
}

#[expect(clippy::disallowed_methods, reason = "it is tried again after so long")]
fn instant() -> Instant {
    Instant::now()
}

/// Entries after this number, as the daemon tells them; nothing where there is none to believe.
fn listen(folder: &StateFolder, after: u64) -> Option<Receiver<Followed>> {
    let (mut daemon, pid) = daemon_behind(folder.path())?;
    daemon.set_read_timeout(Some(SILENCE)).ok()?;
    // As of old, so that the answer comes in one piece and ends with the connection.
    let head = format!("GET /api/v1/live?after={after} HTTP/1.0\r\nhost: ringfence\r\n\r\n");
    daemon.write_all(head.as_bytes()).ok()?;
    let (send, receive) = mpsc::sync_channel(AT_ONCE);
    let reading = move || {
        // Whatever ends it, the log goes on from there.
        let _ = read(&mut BufReader::new(Written { daemon, pid }), &send);
    };
    thread::Builder::new().name("stream".to_owned()).spawn(reading).ok()?;
    Some(receive)
}

/// Sends on every entry of the stream, until it ends or nobody listens.
fn read(stream: &mut impl BufRead, send: &SyncSender<Followed>) -> Option<()> {
    let (mut line, mut seq) = (String::new(), None);
    stream.read_line(&mut line).ok()?;
    if line.split(' ').nth(1) != Some("200") {
        return None;
    }
    loop {
        line.clear();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(id) = line.strip_prefix("id: ") {
            seq = id.trim().parse().ok();
        } else if let Some(data) = line.strip_prefix("data: ") {
            // What has no number is no entry.
            if let Some(seq) = seq.take() {
                send.send(Followed { seq, line: data.trim_end().to_owned() }).ok()?;
            }
        }
    }
}

/// What this very process wrote, and an end where somebody else did.
struct Written {
    daemon: UnixStream,
    pid: u32,
}

impl Read for Written {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let (count, writer) = read_written(&self.daemon, into)?;
        Ok(if count > 0 && writer == Some(self.pid) { count } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_from_what_else_is_in_the_stream() {
        let stream = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n\
                      event: state\ndata: {\"approvals\":1}\n\n\
                      id: 7\nevent: entry\ndata: {\"seq\":7}\n\n: still here\n\n\
                      id: 8\nevent: entry\ndata: {\"seq\":8}\n\nid: 9\nevent: entry\n";
        let (send, receive) = mpsc::sync_channel(9);
        assert_eq!(read(&mut stream.as_bytes(), &send), None);
        drop(send);
        let told: Vec<(u64, String)> = receive.iter().map(|it| (it.seq, it.line)).collect();
        assert_eq!(told, [(7, "{\"seq\":7}".to_owned()), (8, "{\"seq\":8}".to_owned())]);
        let (send, receive) = mpsc::sync_channel(9);
        read(&mut "HTTP/1.0 401 No\r\n\r\nid: 1\ndata: x\n".as_bytes(), &send);
        drop(send);
        assert_eq!(receive.iter().count(), 0);
    }
}
