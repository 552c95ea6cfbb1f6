//! What does not stay in the log: old segments, and content that must not be kept.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use ringfence_record::RecordError;
use ringfence_record::log::{Pruned, Redacted};
use ringfence_record::projection::Projection;
use serde_json::json;

use super::failed;
use crate::command::hold;
use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::json;
use crate::render::text::printable;
use crate::retention::Retention;
use crate::rules;

/// Close the newest segment; what comes next goes into another
#[derive(Debug, Args)]
pub(super) struct Rotate {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Remove segments that were kept long enough
///
/// By itself it does what `[audit]` in config.toml says, as the end of each session does: `keep_days = 400`,
/// `keep_mib = 2048`, `rotate = "day"`. Without that, everything is kept. With options, a person at a terminal of their
/// own is asked first. The newest segment always stays, what goes is signed for before, and every proof still holds.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence audit prune\n  ringfence audit prune --keep-days 400"
)]
pub(super) struct Prune {
    /// Remove segments whose newest entry is older than this many days
    #[arg(long, value_name = "DAYS")]
    keep_days: Option<u32>,
    /// Remove the oldest segments until no more than this many MiB are left
    #[arg(long, value_name = "MIB")]
    keep_mib: Option<u64>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Take the content of an entry out of the log, for good
///
/// What is left says that it was there, when and of what kind, and why, when and by whom it was taken out. The entry's
/// hash stays, and every proof still holds. A person at a terminal of their own is asked first. Whoever can guess the
/// content can still compare it with the hash.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence audit redact 4711 --reason \"a customer's name\"")]
pub(super) struct Redact {
    /// The number of the entry
    seq: u64,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn rotate(asked: &Rotate, out: &mut impl Write) -> Result<Exit, Failure> {
    let Some((_, log)) = places::existing_log()? else { return nothing(asked.json, out) };
    let rotated = log.rotate().map_err(failed)?;
    if asked.json {
        json::line(out, &json!({"rotated": rotated}))?;
    } else if rotated {
        writeln!(out, "the newest segment is closed")?;
    } else {
        writeln!(out, "nothing to close: the newest segment holds nothing yet")?;
    }
    Ok(Exit::Fine)
}

pub(super) fn prune(asked: &Prune, out: &mut impl Write) -> Result<Exit, Failure> {
    let Some((folder, log)) = places::existing_log()? else { return nothing(asked.json, out) };
    let by_options = asked.keep_days.is_some() || asked.keep_mib.is_some();
    let (retention, by) = if by_options {
        let what = format!(
            "remove what is older or more than {} from the audit log",
            [
                asked.keep_days.map(|it| format!("{it} days")),
                asked.keep_mib.map(|it| format!("{it} MiB"))
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" or ")
        );
        let Some(by) = somebody(&what, out)? else { return Ok(Exit::Found) };
        let (keep_days, keep_mib) = (asked.keep_days, asked.keep_mib);
        (Retention { keep_days, keep_mib, ..Retention::default() }, by)
    } else {
        let settings = rules::settings_in(&places::config_folder()?, folder.owner());
        let settings = settings.map_err(|error| {
            Problem::new("the configuration cannot be used", "mend config.toml").because(error)
        })?;
        (settings.audit, "retention".to_owned())
    };
    log.settle().map_err(failed)?;
    let pruned = retention.prune(&log, Timestamp::now(), &by).map_err(failed)?;
    if let Some(pruned) = &pruned {
        Projection::forget(&folder, pruned.last.seq).map_err(failed)?;
    }
    match (&pruned, asked.json) {
        (Some(Pruned { segments, last, bytes }), true) => {
            json::line(out, &json!({"segments": segments, "last": last.seq, "bytes": bytes}))?;
        }
        (None, true) => json::line(out, &json!({"segments": 0}))?,
        (Some(Pruned { segments, last, .. }), false) => {
            writeln!(
                out,
                "{segments} segments removed, up to entry {}; `ringfence audit verify` says so",
                last.seq
            )?;
        }
        (None, false) => writeln!(out, "nothing was kept longer than it is to be")?,
    }
    Ok(Exit::Fine)
}

pub(super) fn redact(asked: &Redact, out: &mut impl Write) -> Result<Exit, Failure> {
    let Some((folder, log)) = places::existing_log()? else { return nothing(asked.json, out) };
    let what = format!(
        "take the content of entry {} out of the audit log, for good: {}",
        asked.seq, asked.reason
    );
    let Some(by) = somebody(&what, out)? else { return Ok(Exit::Found) };
    let at = Timestamp::now().to_string();
    let Redacted { entry, was, by: recorded } = match log.redact(asked.seq, &asked.reason, &at, &by)
    {
        Ok(done) => done,
        Err(RecordError::Refused(why)) => {
            return Err(Problem::new(why, "see `ringfence audit tail`").into());
        }
        Err(error) => return Err(failed(error).into()),
    };
    // The database has it, too, and so may whoever has that open: another takes its place.
    Projection::reindex(&folder, &log).map_err(failed)?;
    if asked.json {
        json::line(
            out,
            &json!({"entry": entry.seq, "hash": entry.hash, "was": was, "recorded": recorded.seq}),
        )?;
    } else {
        let reason = printable(&asked.reason);
        writeln!(
            out,
            "entry {} ({}) has no content any more: {reason}; entry {} says so",
            entry.seq,
            printable(&was),
            recorded.seq
        )?;
    }
    Ok(Exit::Fine)
}

/// Who wants this, where it is shown that it is a person: what is gone cannot speak against an agent.
fn somebody(what: &str, out: &mut impl Write) -> Result<Option<String>, Failure> {
    let seat = hold::Office::open()?.proof(what, out)?;
    Ok(seat.map(|seat| format!("the user at {}, through {}", seat.terminal, seat.through)))
}

fn nothing(as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    if as_json {
        json::line(out, &json!({"entries": 0}))?;
    } else {
        writeln!(out, "{}", super::NOTHING_YET)?;
    }
    Ok(Exit::Fine)
}
