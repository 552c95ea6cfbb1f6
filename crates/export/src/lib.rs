//! The audit log in the formats that others read.
//!
//! | format | for | one line is |
//! |---|---|---|
//! | OCSF 1.9 | SIEMs, data lakes | an event: process or API activity, a detection, network activity |
//! | OTLP/JSON | collectors | a request to export log records, then one to export spans |
//! | CEF | SIEMs by syslog | an event in an RFC 5424 frame |
//! | Parquet | DuckDB, ClickHouse, Spark | (a file: one row an entry) |
//! | JSON lines | anything | the entry as it stands in the log |
//!
//! Each is a function of the entries and of [`About`]: the same log gives the same bytes, wherever and whenever it is
//! exported. Texts of agents and tools are data in all of them: no format lets one end a field, an event or a line.

mod cef;
mod entry;
mod ocsf;
mod otlp;
mod parquet;

use std::io::Write;

use serde_json::Value;

pub use self::parquet::COLUMNS;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Open Cybersecurity Schema Framework 1.9.
    Ocsf,
    /// OpenTelemetry's protocol as JSON.
    Otlp,
    /// Common Event Format, framed for syslog.
    Cef,
    /// Apache Parquet.
    Parquet,
    /// As it stands in the log.
    Jsonl,
}

/// What is said of the machine and the program in each event.
#[derive(Debug, Clone)]
pub struct About {
    /// The name of the machine.
    pub host: String,
    /// The version of Ringfence.
    pub version: String,
    /// Also names that OpenTelemetry has proposed and not adopted (`gen_ai.security.*`).
    pub drafts: bool,
}

/// Why something could not be exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// What was exported could not be written.
    #[error("the export cannot be written: {0}; make room, or write elsewhere")]
    Io(#[from] std::io::Error),
    /// Parquet would not take it.
    #[error("the Parquet file cannot be made: {0}; write another format")]
    Parquet(#[from] ::parquet::errors::ParquetError),
}

/// Writes entries in a format, one after the other.
pub struct Exporter<W: Write + Send> {
    to: To<W>,
    about: About,
}

enum To<W: Write + Send> {
    Ocsf(W),
    Otlp(W, otlp::Batch),
    Cef(W),
    Parquet(Box<parquet::Table<W>>),
    Jsonl(W),
}

impl<W: Write + Send> Exporter<W> {
    /// An export to `out`.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(format: Format, about: About, out: W) -> Result<Self, ExportError> {
        let to = match format {
            Format::Ocsf => To::Ocsf(out),
            Format::Otlp => To::Otlp(out, otlp::Batch::default()),
            Format::Cef => To::Cef(out),
            Format::Parquet => To::Parquet(Box::new(parquet::Table::new(out)?)),
            Format::Jsonl => To::Jsonl(out),
        };
        Ok(Self { to, about })
    }

    /// The next entry, as it stands in the log.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn entry(&mut self, entry: &Value) -> Result<(), ExportError> {
        match &mut self.to {
            To::Ocsf(out) => writeln!(out, "{}", ocsf::event(entry, &self.about))?,
            To::Otlp(out, batch) => {
                for request in batch.add(entry, &self.about) {
                    writeln!(out, "{request}")?;
                }
            }
            To::Cef(out) => writeln!(out, "{}", cef::event(entry, &self.about))?,
            To::Parquet(table) => table.add(entry)?,
            To::Jsonl(out) => writeln!(out, "{entry}")?,
        }
        Ok(())
    }

    /// Writes what is left, and ends the export.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(self) -> Result<(), ExportError> {
        match self.to {
            To::Otlp(mut out, batch) => {
                for request in batch.finish(&self.about) {
                    writeln!(out, "{request}")?;
                }
                out.flush()?;
            }
            To::Parquet(table) => table.finish()?,
            To::Ocsf(mut out) | To::Cef(mut out) | To::Jsonl(mut out) => out.flush()?,
        }
        Ok(())
    }
}
