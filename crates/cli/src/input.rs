//! Input that may be anything: lines of bytes, with a limit, from a file or standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};

use ringfence_action::Action;

use crate::exit::Problem;

/// Where input comes from: a file, or standard input for `-` or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Stdin,
    File(PathBuf),
}

impl Source {
    /// The source that an optional argument names.
    pub(crate) fn named(argument: Option<&Path>) -> Self {
        match argument {
            None => Self::Stdin,
            Some(path) if path == Path::new("-") => Self::Stdin,
            Some(path) => Self::File(path.to_owned()),
        }
    }

    /// Opens it. A person who is expected to type is told so.
    #[expect(clippy::disallowed_methods, reason = "input is what the user named")]
    pub(crate) fn open(&self, what: &str) -> Result<Box<dyn BufRead>, Problem> {
        match self {
            Self::Stdin => {
                if io::stdin().is_terminal() {
                    anstream::eprintln!("reading {what} from the terminal; end with ctrl-d");
                }
                Ok(Box::new(io::stdin().lock()))
            }
            Self::File(path) => {
                let file = File::open(path).map_err(|error| self.unreadable(&error))?;
                if file.metadata().is_ok_and(|metadata| metadata.is_dir()) {
                    return Err(Problem::new(
                        format!("`{}` is a folder", path.display()),
                        format!("name a file with {what}, or `-` for standard input"),
                    ));
                }
                Ok(Box::new(BufReader::new(file)))
            }
        }
    }

    /// The whole of it, up to the longest action there may be.
    pub(crate) fn read(&self, what: &str) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        let limit = Action::MAX_BYTES as u64;
        self.open(what)?
            .take(limit + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| self.unreadable(&error))?;
        if bytes.len() as u64 > limit {
            return Err(Problem::new(
                format!("{self} is longer than {limit} bytes"),
                "send the command itself, not its data; `ringfence check` reads long files line by line",
            ));
        }
        Ok(bytes)
    }

    /// The problem that this cannot be read.
    pub(crate) fn unreadable(&self, error: &io::Error) -> Problem {
        let help = match error.kind() {
            io::ErrorKind::NotFound => "check the name, or use `-` for standard input",
            io::ErrorKind::PermissionDenied => "run as a user who may read it",
            _ => "name a regular file, or use `-` for standard input",
        };
        Problem::new(format!("cannot read {self}"), help).because(error)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// One line of input, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// The bytes of it.
    Bytes(Vec<u8>),
    /// It was longer than the limit and was skipped; this long.
    TooLong(u64),
}

/// Splits input into lines without ever holding more than the limit.
pub(crate) struct Lines<R> {
    input: R,
    limit: usize,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// Lines of at most `limit` bytes.
    pub(crate) fn new(input: R, limit: usize) -> Self {
        Self { input, limit, number: 0 }
    }

    /// The next line and its number, counted from one; nothing at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<(u64, Line)>> {
        let mut kept = Vec::new();
        let mut length: u64 = 0;
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            let end = chunk.iter().position(|&byte| byte == b'\n');
            let piece = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            length += piece.len() as u64;
            if length <= self.limit as u64 {
                kept.extend_from_slice(piece);
            } else {
                kept = Vec::new();
            }
            let used = piece.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        self.number += 1;
        if length > self.limit as u64 {
            return Ok(Some((self.number, Line::TooLong(length))));
        }
        if kept.last() == Some(&b'\r') {
            kept.pop();
        }
        if self.number == 1 && kept.starts_with(b"\xef\xbb\xbf") {
            kept.drain(..3);
        }
        Ok(Some((self.number, Line::Bytes(kept))))
    }
}

/// Whether a line holds nothing but white space.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8], limit: usize) -> Vec<(u64, Line)> {
        // A tiny buffer, so that lines span several reads.
        let mut lines = Lines::new(BufReader::with_capacity(3, input), limit);
        std::iter::from_fn(|| lines.next().unwrap()).collect()
    }

    fn bytes(text: &str) -> Line {
        Line::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn every_line_has_its_number_and_loses_its_end() {
        assert_eq!(
            lines(b"one\r\n\ntwo and more\nlast", 100),
            [(1, bytes("one")), (2, bytes("")), (3, bytes("two and more")), (4, bytes("last"))]
        );
        assert_eq!(lines(b"", 100), []);
        assert_eq!(lines(b"\n", 100), [(1, bytes(""))]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_and_the_next_one_is_read() {
        assert_eq!(
            lines(b"12345\n123456\nabc\n", 5),
            [(1, bytes("12345")), (2, Line::TooLong(6)), (3, bytes("abc"))]
        );
    }

    #[test]
    fn a_byte_order_mark_is_not_part_of_the_first_line() {
        assert_eq!(lines(b"\xef\xbb\xbf{}\n\xef\xbb\xbf\n", 9)[0], (1, bytes("{}")));
    }
}
