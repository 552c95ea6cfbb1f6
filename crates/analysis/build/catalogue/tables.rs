//! The tables that entries become.
//!
//! An entry is a tree, and a tree of references would have to be put right, reference by reference,
//! each time Ringfence starts: tens of thousands of them. So every type of node has one table, and a
//! tree refers to rows by number; texts are places in one long text. Nothing in it depends on where
//! it is loaded, and only what is looked at is read from disk.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Every table, with the type of its rows.
const TABLES: &[(&str, &str)] = &[
    ("BODIES", "Body"),
    ("BRANCHES", "(Text, Row<Node>)"),
    ("CONDITIONS", "Cond"),
    ("DEALT", "(Slot, Many)"),
    ("ENTRIES", "Entry"),
    ("NODES", "Node"),
    ("OPERANDS", "Operands"),
    ("OPTIONS", "(Text, Opt)"),
    ("PIECES", "Piece"),
    ("PROGRAMS", "(Text, Text, Row<Entry>)"),
    ("RULES", "Rule"),
    ("SETTINGS", "(Attr, Setting)"),
    ("SLOTS", "Slot"),
    ("TEXTS", "Text"),
];

/// The tables, filling up.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    texts: String,
    rows: BTreeMap<&'static str, Vec<String>>,
    /// What is there already, and where: entries have much in common.
    known_texts: HashMap<String, usize>,
    known_rows: HashMap<(&'static str, Vec<String>), usize>,
}

impl Tables {
    /// A text, as Rust: `Text::at(12, 4)`.
    pub(crate) fn text(&mut self, text: &str) -> String {
        let start = *self.known_texts.entry(text.to_owned()).or_insert_with(|| {
            self.texts.push_str(text);
            self.texts.len() - text.len()
        });
        format!("Text::at({start}, {})", text.len())
    }

    /// Rows that follow each other in a table, as Rust: `List::at(7, 2)`.
    pub(crate) fn list(&mut self, table: &'static str, rows: Vec<String>) -> String {
        let (start, length) = self.place(table, rows);
        format!("List::at({start}, {length})")
    }

    /// One row of a table, as Rust: `Row::at(7)`.
    pub(crate) fn row(&mut self, table: &'static str, row: String) -> String {
        format!("Row::at({})", self.place(table, vec![row]).0)
    }

    /// The rows of a list of texts.
    pub(crate) fn texts<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> String {
        let texts = texts.into_iter().map(|text| self.text(text)).collect();
        self.list("TEXTS", texts)
    }

    fn place(&mut self, table: &'static str, rows: Vec<String>) -> (usize, usize) {
        let length = rows.len();
        if length == 0 {
            return (0, 0);
        }
        let all = self.rows.entry(table).or_default();
        let start = *self.known_rows.entry((table, rows)).or_insert_with_key(|(_, rows)| {
            all.extend_from_slice(rows);
            all.len() - length
        });
        (start, length)
    }

    /// The generated file.
    pub(crate) fn finish(self) -> String {
        let mut text = format!("pub(super) static POOL: &str = {:?};\n", self.texts);
        for (table, row) in TABLES {
            let rows = self.rows.get(table).map(Vec::as_slice).unwrap_or_default();
            let _ = writeln!(text, "pub(super) static {table}: &[{row}] = &[");
            for row in rows {
                let _ = writeln!(text, "    {row},");
            }
            text.push_str("];\n");
        }
        text
    }
}
