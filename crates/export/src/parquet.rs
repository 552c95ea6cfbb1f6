//! Parquet: a row for each entry, the whole entry in its last column.

use std::io::Write;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use crate::ExportError;
use crate::entry::Entry;

/// Rows that are written together.
const GROUP: usize = 8_192;

/// The columns, in order; all but the first two may be absent.
pub const COLUMNS: &[&str] = &[
    "seq",
    "at",
    "kind",
    "agent",
    "session",
    "subagent",
    "call",
    "tool",
    "verdict",
    "code",
    "decided_by",
    "bundle",
    "elapsed_us",
    "command",
    "host",
    "port",
    "hash",
    "entry",
];

const SCHEMA: &str = "message audit {
    required int64 seq;
    required int64 at (timestamp(millis, true));
    optional binary kind (string);
    optional binary agent (string);
    optional binary session (string);
    optional binary subagent (string);
    optional binary call (string);
    optional binary tool (string);
    optional binary verdict (string);
    optional binary code (string);
    optional binary decided_by (string);
    optional binary bundle (string);
    optional int64 elapsed_us;
    optional binary command (string);
    optional binary host (string);
    optional int64 port;
    optional binary hash (string);
    optional binary entry (string);
}";

enum Cells {
    Numbers(Vec<i64>),
    MaybeNumbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
}

/// A file that is being written.
pub(crate) struct Table<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    columns: Vec<Cells>,
    rows: usize,
}

fn empty() -> Vec<Cells> {
    let cells = |name: &&str| match *name {
        "seq" | "at" => Cells::Numbers(Vec::new()),
        "elapsed_us" | "port" => Cells::MaybeNumbers(Vec::new()),
        _ => Cells::Texts(Vec::new()),
    };
    COLUMNS.iter().map(cells).collect()
}

impl<W: Write + Send> Table<W> {
    pub(crate) fn new(out: W) -> Result<Self, ExportError> {
        let schema = Arc::new(parse_message_type(SCHEMA)?);
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
        Ok(Self { writer, columns: empty(), rows: 0 })
    }

    pub(crate) fn add(&mut self, entry: &Value) -> Result<(), ExportError> {
        let read = Entry(entry);
        let number = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        for (name, cells) in COLUMNS.iter().zip(&mut self.columns) {
            match cells {
                Cells::Numbers(numbers) => {
                    numbers.push(if *name == "seq" { number(read.seq()) } else { read.millis() });
                }
                Cells::MaybeNumbers(numbers) => {
                    let pointer = if *name == "port" { "/port" } else { "/decision/elapsed_us" };
                    numbers.push(read.number(pointer).map(number));
                }
                Cells::Texts(texts) => texts.push(match *name {
                    "kind" | "agent" | "session" | "subagent" | "host" | "hash" => {
                        read.text(&format!("/{name}")).map(str::to_owned)
                    }
                    "call" => read.call().map(str::to_owned),
                    "tool" => read.tool().map(str::to_owned),
                    "verdict" => read.verdict().map(str::to_owned),
                    "code" => read.code().map(str::to_owned),
                    "command" => read.command(),
                    "decided_by" | "bundle" => {
                        read.text(&format!("/decision/{name}")).map(str::to_owned)
                    }
                    _ => Some(entry.to_string()),
                }),
            }
        }
        self.rows += 1;
        if self.rows == GROUP { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), ExportError> {
        if self.rows == 0 {
            return Ok(());
        }
        let columns = std::mem::replace(&mut self.columns, empty());
        self.rows = 0;
        let mut group = self.writer.next_row_group()?;
        for cells in columns {
            let Some(mut column) = group.next_column()? else { break };
            match cells {
                Cells::Numbers(numbers) => {
                    column.typed::<Int64Type>().write_batch(&numbers, None, None)?;
                }
                Cells::MaybeNumbers(numbers) => {
                    let there: Vec<i16> =
                        numbers.iter().map(|it| i16::from(it.is_some())).collect();
                    let numbers: Vec<i64> = numbers.into_iter().flatten().collect();
                    column.typed::<Int64Type>().write_batch(&numbers, Some(&there), None)?;
                }
                Cells::Texts(texts) => {
                    let there: Vec<i16> = texts.iter().map(|it| i16::from(it.is_some())).collect();
                    let texts: Vec<ByteArray> =
                        texts.into_iter().flatten().map(|it| it.into_bytes().into()).collect();
                    column.typed::<ByteArrayType>().write_batch(&texts, Some(&there), None)?;
                }
            }
            column.close()?;
        }
        group.close()?;
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), ExportError> {
        self.write()?;
        self.writer.close()?;
        Ok(())
    }
}
