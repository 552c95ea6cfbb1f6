//! What others can check of the log: checkpoints, proofs, and signatures of witnesses.

use std::io::Write;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};
use ringfence_record::transparency::note::Verifier;
use ringfence_record::transparency::{
    Checkpoint, Consistency, Proof, Transparency, Trust, Witness, WitnessError,
};
use serde_json::json;

use super::failed;
use crate::exit::{Exit, Failure, Problem};
use crate::input::Source;
use crate::places;
use crate::render::json;

/// What a check may go by that is not kept with the log.
#[derive(Debug, Args)]
pub(super) struct Known {
    /// The key of the log, as `audit key` printed it; that of the state folder, if absent
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Option<Verifier>,
    /// A checkpoint that was kept elsewhere: the log must hold all that it was signed for
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A witness that must have signed the last checkpoint
    #[arg(long, value_name = "KEY", value_parser = key)]
    witness: Vec<Verifier>,
}

/// Sign for the log as it is now
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Prove that an entry is in the last checkpoint
#[derive(Debug, Args)]
pub(super) struct Prove {
    /// The number of the entry
    seq: u64,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Check a proof of somebody else's
#[derive(Debug, Args)]
pub(super) struct CheckProof {
    /// The proof; standard input if absent or `-`
    file: Option<PathBuf>,
    /// The key of the log that it is from
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Verifier,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Have somebody else vouch that the log only grows
///
/// Who witnesses keeps what was signed last, on another machine or as another user:
///
/// ringfence audit witness request --old 0 | ssh other ringfence audit witness sign --log KEY |
/// ringfence audit witness add --by KEY
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Witnessing {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Write the last checkpoint with the proof that it only grew
    Request {
        /// How many entries the witness has last signed for
        #[arg(long, value_name = "SIZE", default_value_t = 0)]
        old: u64,
    },
    /// As a witness: sign for what was requested, if it holds all that was signed for before
    Sign {
        /// The request; standard input if absent or `-`
        file: Option<PathBuf>,
        /// The key of the log
        #[arg(long, value_name = "KEY", value_parser = key)]
        log: Verifier,
    },
    /// Put a witness's signature under the last checkpoint
    Add {
        /// The signature; standard input if absent or `-`
        file: Option<PathBuf>,
        /// The key of the witness
        #[arg(long, value_name = "KEY", value_parser = key)]
        by: Verifier,
    },
    /// As a witness: print the key that others know this one by
    Key,
}

pub(super) fn sign(asked: &Sign, out: &mut impl Write) -> Result<Exit, Failure> {
    let Some(tree) = tree()? else { return nothing(asked.json, out) };
    let Some((checkpoint, note)) = tree.sign().map_err(failed)? else {
        return nothing(asked.json, out);
    };
    if asked.json {
        let Checkpoint { origin, size, seq, .. } = &checkpoint;
        let key = tree.verifier().map_err(failed)?.map(|key| key.to_string());
        let report =
            json!({"origin": origin, "size": size, "entry": seq, "key": key, "note": note});
        json::line(out, &report)?;
    } else {
        write!(out, "{note}")?;
    }
    Ok(Exit::Fine)
}

pub(super) fn show_key(as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    let key = match tree()? {
        Some(tree) => tree.verifier().map_err(failed)?,
        None => None,
    };
    let key = key.ok_or_else(|| not_signed("there is no key yet"))?;
    if as_json {
        json::line(out, &json!({"key": key.to_string()}))?;
    } else {
        writeln!(out, "{key}")?;
    }
    Ok(Exit::Fine)
}

pub(super) fn prove(asked: &Prove, out: &mut impl Write) -> Result<Exit, Failure> {
    let proof = match tree()? {
        Some(tree) => tree.prove(asked.seq).map_err(failed)?,
        None => None,
    };
    let proof =
        proof.ok_or_else(|| not_signed(&format!("entry {} is not signed for", asked.seq)))?;
    if asked.json {
        let Proof { receipt, index, .. } = &proof;
        let report = json!({"entry": receipt.seq, "hash": receipt.hash, "index": index,
                            "proof": proof.to_string()});
        json::line(out, &report)?;
    } else {
        write!(out, "{proof}")?;
    }
    Ok(Exit::Fine)
}

pub(super) fn check_proof(asked: &CheckProof, out: &mut impl Write) -> Result<Exit, Failure> {
    let text = read(asked.file.as_deref(), "the proof")?;
    let proof = Proof::parse(&text)
        .ok_or_else(|| Problem::new("this is no proof", "`ringfence audit prove N` writes one"))?;
    let holds = proof.holds(&asked.key);
    let receipt = &proof.receipt;
    if asked.json {
        let report = json!({"holds": holds, "entry": receipt.seq, "hash": receipt.hash});
        json::line(out, &report)?;
    } else if holds {
        writeln!(
            out,
            "entry {} {} is in the log of `{}`",
            receipt.seq, receipt.hash, asked.key.name
        )?;
    } else {
        writeln!(
            out,
            "not shown: the proof does not lead to a checkpoint of `{}`",
            asked.key.name
        )?;
    }
    Ok(if holds { Exit::Fine } else { Exit::Found })
}

pub(super) fn witness(asked: &Witnessing, out: &mut impl Write) -> Result<Exit, Failure> {
    match &asked.step {
        Step::Request { old } => {
            let tree = tree()?.ok_or_else(|| not_signed("nothing is signed yet"))?;
            write!(out, "{}", tree.prove_growth(*old).map_err(failed)?)?;
        }
        Step::Sign { file, log } => {
            let text = read(file.as_deref(), "the request")?;
            let asked = Consistency::parse(&text).ok_or_else(|| {
                let help = "`ringfence audit witness request` writes one";
                Problem::new("this is no request to a witness", help)
            })?;
            #[expect(clippy::disallowed_methods, reason = "a witness says when it has looked")]
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            match own_witness()?.sign(&asked, log, now.as_secs()) {
                Ok(line) => write!(out, "{line}")?,
                Err(WitnessError::Record(error)) => return Err(failed(error).into()),
                Err(WitnessError::Refused(why)) => {
                    writeln!(out, "not signed: {why}")?;
                    return Ok(Exit::Found);
                }
            }
        }
        Step::Add { file, by } => {
            let lines = read(file.as_deref(), "the signature")?;
            let tree = tree()?.ok_or_else(|| not_signed("nothing is signed yet"))?;
            tree.add_signatures(&lines, by).map_err(failed)?;
            writeln!(out, "signed by {}", by.name)?;
        }
        Step::Key => writeln!(out, "{}", own_witness()?.verifier())?,
    }
    Ok(Exit::Fine)
}

/// What is wrong with the tree and what it stands for; empty is sound.
pub(super) fn problems(known: &Known) -> Result<Vec<String>, Failure> {
    let mut remembered = Vec::new();
    for file in &known.checkpoint {
        remembered.push(read(Some(file), "the checkpoint")?);
    }
    let trust = Trust { key: known.key.clone(), remembered, witnesses: known.witness.clone() };
    match tree()? {
        Some(tree) => Ok(tree.verify(&trust).map_err(failed)?),
        None if trust.remembered.is_empty() && trust.witnesses.is_empty() => Ok(Vec::new()),
        None => Ok(vec!["nothing is recorded, and it was before".to_owned()]),
    }
}

/// How many entries are in the last checkpoint.
pub(super) fn signed() -> Result<u64, Failure> {
    let newest = match tree()? {
        Some(tree) => tree.newest().map_err(failed)?,
        None => None,
    };
    Ok(newest.map_or(0, |(checkpoint, _)| checkpoint.size))
}

/// The tree over the log; `None` if nothing was recorded yet.
fn tree() -> Result<Option<Transparency>, Failure> {
    let Some((folder, log)) = places::existing_log()? else { return Ok(None) };
    Ok(Some(Transparency::of(&folder, &log)))
}

fn own_witness() -> Result<Witness, Failure> {
    let (folder, _) = places::log()?;
    Ok(Witness::open(&folder).map_err(failed)?)
}

fn key(text: &str) -> Result<Verifier, String> {
    let form = "it looks like `ringfence/audit/…+1a2b3c4d+A…=`, as `ringfence audit key` prints it";
    Verifier::parse(text).ok_or_else(|| format!("this is no key: {form}"))
}

fn read(file: Option<&std::path::Path>, what: &str) -> Result<String, Problem> {
    let bytes = Source::named(file).read(what)?;
    String::from_utf8(bytes).map_err(|_| {
        Problem::new(format!("{what} is not text"), "give the file that `ringfence audit` wrote")
    })
}

fn not_signed(what: &str) -> Problem {
    Problem::new(what, "`ringfence audit checkpoint` signs for what is recorded so far")
}

fn nothing(as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    if as_json {
        json::line(out, &json!({"size": 0}))?;
    } else {
        writeln!(out, "{}", super::NOTHING_YET)?;
    }
    Ok(Exit::Fine)
}
