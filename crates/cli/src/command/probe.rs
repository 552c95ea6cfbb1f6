//! `ringfence probe`: what comes in, looked at by hand, and the model of the second score.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ringfence_classify::probe::{Meaning, Reader, Report, Second};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure, Problem};
use crate::input::Source;
use crate::render::color::{FAINT, STRONG, paint};
use crate::render::json;
use crate::render::text::{cut, printable};
use crate::{places, reviewing, rules, second};

/// Look at a text as at what a tool returned
///
/// Every result is read by a small model that is built in, and by detectors. A model of yours can be a second
/// score, for results that the first lets pass; it is off unless config.toml in your configuration folder says:
///
///   [probe]
///   encoder = "/home/you/.config/ringfence/encoder"   # what `ringfence probe encoder` made
///   encoder_timeout_ms = 300                          # one result, in the gate 2000 at most; the rest stays unread
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence probe read page.txt", verbatim_doc_comment)]
pub(crate) struct Probe {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Read(Read),
    Encoder(Put),
}

/// Say what the probe finds in a text, with the second score where there is one
///
/// Exits 1 if a session would be tainted by it.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence probe read page.txt --json")]
struct Read {
    /// The text; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Put the model of the second score into your configuration folder, from files that you have
///
/// Nothing is fetched. The files are those that `benches/encoder/run` makes; any other is refused, by its SHA-256.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence probe encoder model.onnx vocab.txt")]
struct Put {
    /// The model, in the ONNX format
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The pieces of words that it knows, one a line
    #[arg(value_name = "VOCABULARY")]
    vocabulary: PathBuf,
}

pub(crate) fn run(probe: &Probe, out: &mut impl Write) -> Result<Exit, Failure> {
    match &probe.what {
        What::Read(what) => read(what, out),
        What::Encoder(what) => put(what, out),
    }
}

fn read(what: &Read, out: &mut impl Write) -> Result<Exit, Failure> {
    let text = Source::named(Some(&what.file)).read("a text")?;
    let text = String::from_utf8_lossy(&text);
    let settings = places::config_folder()
        .map_err(Failure::from)
        .and_then(|folder| rules::settings_in(&folder, reviewing::me()).map_err(unusable))?;
    let encoder = settings.probe.encoder.is_some().then(|| {
        second::load(&settings.probe, reviewing::me()).unwrap_or_else(|problem| {
            std::sync::Arc::new(ringfence_classify::probe::Unavailable { problem })
        })
    });
    let second: Option<&dyn Second> = encoder.as_deref();
    let report = Reader { second, ..Reader::default() }.read_both(&text);
    if what.json {
        json::line(out, &told(&report))?;
    } else {
        draw(&report, &text, out)?;
    }
    Ok(if report.taints { Exit::Found } else { Exit::Fine })
}

fn unusable(problem: String) -> Failure {
    Problem::new("your settings cannot be read", "see the cause").because(problem).into()
}

fn told(report: &Report) -> Value {
    let findings = report.findings.iter().map(|it| {
        json!({"kind": it.kind.as_str(), "span": it.span, "why": it.why, "confidence": it.confidence})
    });
    json!({
        "score": report.score, "taints": report.taints, "findings": findings.collect::<Vec<_>>(),
        "second": report.second.as_ref().map(second_told),
    })
}

/// What the second score came to, for a record.
pub(crate) fn second_told(meaning: &Meaning) -> Value {
    let Meaning { score, windows, problem, .. } = meaning;
    json!({"score": score, "windows": windows, "problem": problem})
}

fn draw(report: &Report, text: &str, out: &mut impl Write) -> Result<(), Failure> {
    let verdict = if report.taints { "taints its session" } else { "taints nothing" };
    writeln!(out, "{}  score {:.2}", paint(STRONG, verdict), report.score)?;
    if let Some(Meaning { score, windows: [read, of], problem, .. }) = &report.second {
        let score = score.map_or_else(|| "none".to_owned(), |score| format!("{score:.2}"));
        let problem = problem.as_deref().map(|it| format!("; {it}")).unwrap_or_default();
        let line = format!("second score {score}  {read} of {of} windows read{problem}");
        writeln!(out, "  {}", printable(&line))?;
    }
    for finding in &report.findings {
        let [from, to] = finding.span;
        let words = text.get(from..to).unwrap_or_default();
        let words = cut(words, 60);
        writeln!(out, "  {:.2}  {}: {}", finding.confidence, finding.kind, finding.why)?;
        writeln!(out, "        {}", paint(FAINT, &words))?;
    }
    Ok(())
}

#[cfg(not(feature = "encoder"))]
fn put(what: &Put, _: &mut impl Write) -> Result<Exit, Failure> {
    let files = [&what.model, &what.vocabulary].map(|path| path.display().to_string()).join(", ");
    let cause = "this program was built without the part that runs a model";
    let help = "build it with the feature `encoder`";
    Err(Problem::new(format!("{files}: not put anywhere"), help).because(cause).into())
}

#[cfg(feature = "encoder")]
fn put(what: &Put, out: &mut impl Write) -> Result<Exit, Failure> {
    use ringfence_classify::probe::EncoderHead;
    use ringfence_record::{given, originals};

    let folder = places::config_folder()?.join("encoder");
    let files = [&what.model, &what.vocabulary].into_iter().zip(EncoderHead::trained().digests);
    let mut checked = Vec::new();
    for ((path, wanted), name) in files.zip(second::FILES) {
        let (bytes, _) = given::bytes(path, second::MOST_BYTES).map_err(|error| {
            let what = format!("`{}` cannot be read", path.display());
            Problem::new(what, "name the model first, then its vocabulary").because(error)
        })?;
        let found = second::digest(&bytes);
        if found != wanted {
            let what = format!(
                "`{}` is not the {name} that the second score was made for",
                path.display()
            );
            let help = "`benches/encoder/run` makes both files";
            let cause = format!("its SHA-256 is {found}, and should be {wanted}");
            return Err(Problem::new(what, help).because(cause).into());
        }
        checked.push((name, bytes));
    }
    for (name, bytes) in &checked {
        originals::replace_bytes(&folder.join(name), bytes).map_err(|error| {
            Problem::new(format!("`{name}` cannot be put there"), "make room, or the folder yours")
                .because(error)
        })?;
    }
    writeln!(out, "the model is in {}", printable(&folder.display().to_string()))?;
    writeln!(
        out,
        "to use it, write in config.toml:\n\n[probe]\nencoder = {:?}",
        folder.display().to_string()
    )?;
    Ok(Exit::Fine)
}
