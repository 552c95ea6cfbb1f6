//! A session and its subagents write a file each; together they happened in one order.

use std::iter::Peekable;

use super::{Entry, TranscriptError};

/// Entries of several transcripts in the order of their times.
///
/// Every transcript keeps its own order. An entry without a time goes with the one before it; equal
/// times go by the order of the transcripts. Next to the entry comes the index of its transcript.
pub fn merge<I>(transcripts: impl IntoIterator<Item = I>) -> Merged<I::IntoIter>
where
    I: IntoIterator<Item = Result<Entry, TranscriptError>>,
{
    let sources = transcripts
        .into_iter()
        .map(|transcript| Source { entries: transcript.into_iter().peekable(), reached: None })
        .collect();
    Merged { sources }
}

/// What [`merge`] returns.
#[derive(Debug)]
pub struct Merged<I: Iterator<Item = Result<Entry, TranscriptError>>> {
    sources: Vec<Source<I>>,
}

#[derive(Debug)]
struct Source<I: Iterator<Item = Result<Entry, TranscriptError>>> {
    entries: Peekable<I>,
    /// The time of the last entry that had one.
    reached: Option<String>,
}

impl<I: Iterator<Item = Result<Entry, TranscriptError>>> Source<I> {
    /// The time of the next entry: its own, if it is later than what was reached. Errors come first.
    fn due(&mut self) -> Option<Option<String>> {
        let next = match self.entries.peek()? {
            Ok(entry) => entry.at.clone(),
            Err(_) => None,
        };
        Some(next.max(self.reached.clone()))
    }
}

impl<I: Iterator<Item = Result<Entry, TranscriptError>>> Iterator for Merged<I> {
    type Item = (usize, Result<Entry, TranscriptError>);

    fn next(&mut self) -> Option<Self::Item> {
        let (due, index) = self
            .sources
            .iter_mut()
            .enumerate()
            .filter_map(|(index, source)| Some((source.due()?, index)))
            .min()?;
        let source = self.sources.get_mut(index)?;
        source.reached = due;
        source.entries.next().map(|entry| (index, entry))
    }
}
