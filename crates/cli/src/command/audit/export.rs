//! `ringfence audit export`: the log in the formats that others read.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ringfence_export::{About, Exporter, Format};
use serde_json::{Value, json};

use super::failed;
use crate::exit::{Exit, Failure, Problem};
use crate::places;
use crate::progress::Progress;
use crate::render::json;

/// Write the log for other systems: OCSF, OpenTelemetry, CEF, Parquet, or as it stands
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Export {
    /// Of which form
    #[arg(long, value_enum)]
    format: Form,
    /// From this time on: `2026-11-21`, `2026-11-21T10:00:00Z`, or how long ago: `90m`, `24h`, `7d`
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Of this session only
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Into this file, which is made for you alone [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Use names that OpenTelemetry has proposed and not adopted, too (`gen_ai.security.*`)
    #[arg(long)]
    drafts: bool,
    /// Say as JSON what was exported; needs `--output`
    #[arg(long, requires = "output")]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence audit export --format ocsf --since 24h
  ringfence audit export --format parquet --output audit.parquet
  ringfence audit export --format cef | logger --server siem.example --tcp --port 514";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// OCSF 1.9, one event a line
    Ocsf,
    /// OTLP/JSON, one request a line
    Otlp,
    /// CEF in syslog frames, one event a line
    Cef,
    /// A Parquet file
    Parquet,
    /// The entries as they stand in the log
    Jsonl,
}

#[derive(Debug, Clone, Copy)]
enum Moment {
    At(Timestamp),
    Ago(SignedDuration),
}

impl Moment {
    fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now.checked_sub(ago).unwrap_or(Timestamp::MIN),
        }
    }
}

pub(super) fn run(asked: &Export, out: &mut impl Write) -> Result<Exit, Failure> {
    let format = match asked.format {
        Form::Ocsf => Format::Ocsf,
        Form::Otlp => Format::Otlp,
        Form::Cef => Format::Cef,
        Form::Parquet => Format::Parquet,
        Form::Jsonl => Format::Jsonl,
    };
    let to: Box<dyn Write + Send> = match &asked.output {
        Some(path) => Box::new(BufWriter::new(made(path)?)),
        None if format == Format::Parquet && io::stdout().is_terminal() => {
            let help = "name a file: `--output audit.parquet`";
            return Err(Problem::new("a Parquet file is nothing for a terminal", help).into());
        }
        // Nothing that styles what goes by may touch it.
        None => Box::new(BufWriter::new(io::stdout())),
    };
    let about =
        About { host: host(), version: env!("CARGO_PKG_VERSION").to_owned(), drafts: asked.drafts };
    let unwritten =
        |error| Problem::new("the export was not finished", "see the cause").because(error);
    let mut exporter = Exporter::new(format, about, to).map_err(unwritten)?;
    let now = Timestamp::now();
    let (since, until) = (asked.since.map(|it| it.at(now)), asked.until.map(|it| it.at(now)));
    let mut count = 0;
    if let Some((_, log)) = places::existing_log()? {
        let progress = Progress::new("entry", usize::MAX);
        for entry in log.entries().map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if !asked.wants(&entry, since, until) {
                continue;
            }
            if count % 4_096 == 0 {
                progress.counted(count);
            }
            exporter.entry(&entry).map_err(unwritten)?;
            count += 1;
        }
        progress.clear();
    }
    exporter.finish().map_err(unwritten)?;
    if asked.json {
        json::line(out, &json!({"entries": count, "output": asked.output}))?;
    } else if let Some(path) = &asked.output {
        writeln!(out, "{count} entries in {}", path.display())?;
    }
    Ok(Exit::Fine)
}

impl Export {
    /// An entry that does not say when it was made is left out where a time is asked for.
    fn wants(&self, entry: &Value, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        if self.session.as_deref().is_some_and(|session| text("session") != Some(session)) {
            return false;
        }
        if since.is_none() && until.is_none() {
            return true;
        }
        let Some(at) = text("at").and_then(|at| at.parse::<Timestamp>().ok()) else { return false };
        since.is_none_or(|since| at >= since) && until.is_none_or(|until| at < until)
    }
}

/// What is exported says what was done here: it is for its owner.
fn made(path: &Path) -> Result<File, Problem> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(
        |error| {
            let what = format!("`{}` cannot be written", path.display());
            Problem::new(what, "name a file in a folder of your own").because(error)
        },
    )
}

fn host() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "what the machine is called stands in each event"
    )]
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    name.map(|name| name.trim().to_owned())
        .ok()
        .filter(|it| !it.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Moment::At(at));
    }
    if let Ok(date) = text.parse::<Date>()
        && let Ok(begin) = date.to_zoned(TimeZone::UTC)
    {
        return Ok(Moment::At(begin.timestamp()));
    }
    ago(text).map(Moment::Ago).ok_or_else(|| {
        "it is no time; write `2026-11-21`, `2026-11-21T10:00:00Z`, or how long ago: `24h`, `7d`".to_owned()
    })
}

/// `90m`, `24h`, `7d`.
pub(super) fn ago(text: &str) -> Option<SignedDuration> {
    let seconds = [("m", 60), ("h", 3_600), ("d", 86_400)].iter().find_map(|(unit, seconds)| {
        text.strip_suffix(unit)?.parse::<u32>().ok().map(|it| i64::from(it) * seconds)
    })?;
    Some(SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_an_instant_or_how_long_ago() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let at = |text: &str| moment(text).unwrap().at(now).to_string();
        assert_eq!(at("2026-11-21"), "2026-11-21T00:00:00Z");
        assert_eq!(at("2026-11-21T10:00:00+01:00"), "2026-11-21T09:00:00Z");
        assert_eq!(
            (at("7d"), at("90m")),
            ("2026-11-15T00:00:00Z".into(), "2026-11-21T22:30:00Z".into())
        );
        for text in ["", "d", "-1d", "yesterday", "7", "1.5h"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
