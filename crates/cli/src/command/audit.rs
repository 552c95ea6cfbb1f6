//! `ringfence audit`: what was recorded, and whether it is still what was recorded.

mod export;
mod keep;
mod replay;
mod tree;

use std::io::Write;

use clap::{Args, Subcommand};
use ringfence_record::log::{Receipt, Verification};
use ringfence_record::projection::{Projection, Query};
use ringfence_record::sessions::SessionStore;
use ringfence_record::{RecordError, StateFolder};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::render::json;
use crate::render::text::{cut, printable};

/// Look at the audit log, and check it
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence audit tail\n  ringfence audit verify\n  ringfence audit checkpoint\n  ringfence audit replay\n  ringfence audit export --format ocsf --since 7d"
)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the newest entries
    Tail(Tail),
    /// Show one entry as it was recorded
    Show {
        /// The number of the entry
        seq: u64,
        /// Write it on one line, as it stands in the log
        #[arg(long)]
        json: bool,
    },
    /// Check every entry, every link and what was signed, from the files alone
    Verify {
        #[command(flatten)]
        known: tree::Known,
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    Checkpoint(tree::Sign),
    /// Print the key that the log is signed with, for others to keep
    Key {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    Prove(tree::Prove),
    CheckProof(tree::CheckProof),
    Witness(tree::Witnessing),
    Export(export::Export),
    Rotate(keep::Rotate),
    Prune(keep::Prune),
    Redact(keep::Redact),
    /// Build the search database again from the log
    Reindex {
        /// Write JSON
        #[arg(long)]
        json: bool,
    },
    /// Decide everything again from what was recorded, and compare
    Replay(replay::Replay),
}

#[derive(Debug, Args)]
struct Tail {
    /// How many entries
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: u32,
    /// Of this session only
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// With this verdict only
    #[arg(long, value_name = "VERDICT", value_parser = ["allow", "contain", "ask", "deny"])]
    verdict: Option<String>,
    /// With this rule or code only
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// With these words in them only
    #[arg(long, value_name = "WORDS")]
    search: Option<String>,
    /// Write the entries as they were recorded, one JSON object a line
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(audit: &Audit, out: &mut impl Write) -> Result<Exit, Failure> {
    match &audit.command {
        Command::Tail(tail) => show_tail(tail, out),
        Command::Show { seq, json } => show(*seq, *json, out),
        Command::Verify { known, json } => verify(known, *json, out),
        Command::Checkpoint(sign) => tree::sign(sign, out),
        Command::Key { json } => tree::show_key(*json, out),
        Command::Prove(prove) => tree::prove(prove, out),
        Command::CheckProof(check) => tree::check_proof(check, out),
        Command::Witness(witness) => tree::witness(witness, out),
        Command::Export(asked) => export::run(asked, out),
        Command::Rotate(asked) => keep::rotate(asked, out),
        Command::Prune(asked) => keep::prune(asked, out),
        Command::Redact(asked) => keep::redact(asked, out),
        Command::Reindex { json } => reindex(*json, out),
        Command::Replay(replay) => replay::run(replay, out),
    }
}

const NOTHING_YET: &str = "nothing recorded yet";

fn show_tail(tail: &Tail, out: &mut impl Write) -> Result<Exit, Failure> {
    let query = Query {
        kind: None,
        session: tail.session.clone(),
        verdict: tail.verdict.clone(),
        code: tail.code.clone(),
        text: tail.search.clone(),
        limit: tail.lines,
        ..Query::default()
    };
    let mut missing = None;
    let entries = match places::existing_log()? {
        Some((folder, log)) => {
            missing = log.cut_off(&receipts(&folder)?).map_err(failed)?;
            let projection = Projection::open(&folder, &log).map_err(failed)?;
            projection.find(&query).map_err(failed)?
        }
        None if tail.json => Vec::new(),
        None => {
            writeln!(out, "{NOTHING_YET}")?;
            return Ok(Exit::Fine);
        }
    };
    for entry in &entries {
        if tail.json {
            json::line(out, entry)?;
        } else {
            writeln!(out, "{}", in_a_line(entry))?;
        }
    }
    let Some(missing) = missing else { return Ok(Exit::Fine) };
    let (first, last) = missing.into_inner();
    let problem = format!("entries {first} to {last} were acknowledged and are not in the log");
    if tail.json {
        json::line(out, &json!({"problem": problem}))?;
    } else {
        writeln!(out, "not sound: {problem}; `ringfence audit verify` says more")?;
    }
    Ok(Exit::Found)
}

fn show(seq: u64, as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    let entry = match projection()? {
        Some(projection) => projection.get(seq).map_err(failed)?,
        None => None,
    };
    let entry = entry.ok_or_else(|| {
        Problem::new(format!("there is no entry {seq}"), "`ringfence audit tail` shows the newest")
    })?;
    if as_json {
        json::line(out, &entry)?;
    } else {
        serde_json::to_writer_pretty(&mut *out, &entry).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    Ok(Exit::Fine)
}

fn verify(known: &tree::Known, as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    let mut found = match places::existing_log()? {
        Some((folder, log)) => log.verify(&receipts(&folder)?).map_err(failed)?,
        None => Verification::default(),
    };
    found.problems.extend(tree::problems(known)?);
    let sound = found.problems.is_empty();
    if as_json {
        let report = json!({"sound": sound, "entries": found.entries, "head": found.head,
                            "redacted": found.redacted, "pruned": found.pruned,
                            "problems": found.problems, "notes": found.notes});
        json::line(out, &report)?;
    } else {
        for line in found.notes.iter().chain(&found.problems) {
            writeln!(out, "{}", printable(line))?;
        }
        match (sound, found.entries) {
            (false, _) => writeln!(out, "not sound: {} problems in the log", found.problems.len())?,
            (true, 0) => writeln!(out, "{NOTHING_YET}")?,
            (true, entries) => {
                let signed = tree::signed()?;
                let redacted = match found.redacted {
                    0 => String::new(),
                    count => format!(", {count} without content, as the log says"),
                };
                writeln!(
                    out,
                    "sound: {entries} entries, {signed} of them signed for{redacted}, head {}",
                    found.head
                )?;
            }
        }
    }
    Ok(if sound { Exit::Fine } else { Exit::Found })
}

fn reindex(as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    let entries = match places::existing_log()? {
        Some((folder, log)) => Projection::reindex(&folder, &log).map_err(failed)?,
        None => 0,
    };
    if as_json {
        json::line(out, &json!({"entries": entries}))?;
    } else {
        writeln!(out, "{entries} entries indexed")?;
    }
    Ok(Exit::Fine)
}

/// What sessions know to be in the log.
fn receipts(folder: &StateFolder) -> Result<Vec<Receipt>, Problem> {
    SessionStore::open(folder).and_then(|sessions| sessions.receipts()).map_err(failed)
}

/// The database of the log; `None` if nothing was recorded yet.
fn projection() -> Result<Option<Projection>, Failure> {
    let Some((folder, log)) = places::existing_log()? else { return Ok(None) };
    Ok(Some(Projection::open(&folder, &log).map_err(failed)?))
}

fn failed(error: RecordError) -> Problem {
    let help = "`ringfence audit verify` says whether the log itself is sound";
    Problem::new("the audit log cannot be used", help).because(error)
}

/// `12  2026-11-21T10:00:00Z  deny   fs.delete-critical-path  Bash  rm -rf ~/`
fn in_a_line(entry: &Value) -> String {
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let seq = entry.get("seq").and_then(Value::as_u64).unwrap_or_default();
    let at = text("/at").split('.').next().unwrap_or_default().trim_end_matches('Z');
    let line = match text("/kind") {
        "decision" => {
            let input = entry.pointer("/action/input").map(what_of).unwrap_or_default();
            let (verdict, code) = (text("/decision/verdict"), text("/decision/code"));
            format!("{verdict:<8} {code}  {}  {input}", text("/action/tool"))
        }
        "finding" => format!("finding  {}  {}", text("/code"), text("/problem")),
        "session" => format!("session  {} {}", text("/event"), text("/source")),
        "prompt" => format!("prompt   {}", text("/standing")),
        "result" => format!("result   {}", text("/call")),
        "run_started" => {
            let command = entry.get("command").and_then(Value::as_array).into_iter().flatten();
            let words: Vec<&str> = command.filter_map(Value::as_str).collect();
            format!("run      started  tier {}  {}", text("/tier"), words.join(" "))
        }
        "egress" => {
            let port = entry.get("port").and_then(Value::as_u64).unwrap_or_default();
            let why = text("/why");
            let answer = if why.is_empty() { "allowed" } else { why };
            format!("egress   {} {}:{port}  {answer}", text("/event"), text("/host"))
        }
        "observed" => {
            let sights = entry.get("sights").and_then(Value::as_array);
            format!("observed {} sights", sights.map_or(0, Vec::len))
        }
        "run" => match entry.get("exit").and_then(Value::as_u64) {
            Some(exit) => {
                let blocked = entry.pointer("/report/blocked").and_then(Value::as_array);
                let blocked = blocked.map_or(0, Vec::len);
                format!("run      ended    exit {exit}, {blocked} blocked")
            }
            None => format!("run      not started: {}", text("/refused")),
        },
        "redacted" => format!("redacted {}: {}", text("/was"), text("/reason")),
        "redaction" => {
            let of = entry.get("entry").and_then(Value::as_u64).unwrap_or_default();
            format!("redacts  entry {of}: {}  {}", text("/reason"), text("/by"))
        }
        "pruned" => {
            let segments = entry.get("segments").and_then(Value::as_array).map_or(0, Vec::len);
            format!("pruned   {segments} segments  {}", text("/by"))
        }
        "approval" => format!("approval {}  {}", text("/rule"), text("/terminal")),
        "override" => format!("override {}", text("/call")),
        "refusal" => format!("refusal  {}: {}", text("/event"), text("/problem")),
        kind => kind.to_owned(),
    };
    cut(&printable(&format!("{seq:>5}  {at}  {line}")), 160)
}

/// The part of an input that says most.
fn what_of(input: &Value) -> String {
    ["command", "file_path", "path", "url", "pattern", "query"]
        .iter()
        .find_map(|name| input.get(name)?.as_str().map(str::to_owned))
        .unwrap_or_else(|| input.to_string())
}
