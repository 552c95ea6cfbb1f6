//! Lines of a file that may be anything: huge, cut off, not text.

use std::io::{self, BufRead};

/// Longer lines are not kept: 64 MiB. Memory never holds more than one line.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// What a line turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'b> {
    /// Text, without its end.
    Text {
        text: &'b str,
        /// The file ends without a line break here.
        last: bool,
    },
    /// Nothing that could be read; why, and what to do.
    Bad(String),
}

/// Reads line by line.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    limit: usize,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, buffer: Vec::new(), limit: MAX_BYTES }
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.buffer.clear();
        let mut bytes = 0;
        let mut ended = false;
        while !ended {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                break;
            }
            let end = available.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(available.len(), |end| end + 1);
            let kept = available.get(..end.unwrap_or(taken)).unwrap_or_default();
            bytes += kept.len();
            if bytes <= self.limit {
                self.buffer.extend_from_slice(kept);
            }
            self.input.consume(taken);
            ended = end.is_some();
        }
        if bytes == 0 && !ended {
            return Ok(None);
        }
        if bytes > self.limit {
            return Ok(Some(Line::Bad(format!(
                "{bytes} bytes long, over the limit of {}; what it holds was not judged",
                self.limit
            ))));
        }
        let text = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        if text.contains(&0) {
            return Ok(Some(Line::Bad(
                "NUL bytes; the file was damaged, restore it from a backup if the line matters"
                    .to_owned(),
            )));
        }
        Ok(Some(match std::str::from_utf8(text) {
            Ok(text) => Line::Text { text, last: !ended },
            Err(error) => Line::Bad(format!(
                "not UTF-8 at byte {}; the file was damaged or is no transcript",
                error.valid_up_to()
            )),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], limit: usize) -> Vec<String> {
        // A small buffer, so that lines cross its border.
        let mut lines = Lines { limit, ..Lines::new(io::BufReader::with_capacity(3, input)) };
        let mut found = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            found.push(match line {
                Line::Text { text, last } => format!("{text}{}", if last { "$" } else { "" }),
                Line::Bad(why) => format!("bad: {why}"),
            });
        }
        found
    }

    #[test]
    fn text_comes_line_by_line() {
        assert_eq!(lines(b"", 10), Vec::<String>::new());
        assert_eq!(lines(b"one\r\n\nthree", 10), ["one", "", "three$"]);
        assert_eq!(lines(b"one\n", 10), ["one"]);
    }

    #[test]
    fn what_is_no_text_says_so_and_the_next_line_is_read() {
        let found = lines(b"aaaaaaaaaaaaaaa\nok\n\xff\nok\n\0\0\nok", 10);
        let starts =
            ["bad: 15 bytes long", "ok", "bad: not UTF-8 at byte 0", "ok", "bad: NUL", "ok$"];
        assert_eq!(found.len(), starts.len());
        for (found, start) in found.iter().zip(starts) {
            assert!(found.starts_with(start), "{found}");
        }
    }
}
