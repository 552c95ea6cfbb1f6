//! The patch format of Codex, which others took over.
//!
//! ```text
//! *** Begin Patch
//! *** Add File: path            every line of the file follows, with a `+` before it
//! *** Delete File: path
//! *** Update File: path
//! *** Move to: path             optional
//! @@ where                      hunks: ` ` kept, `-` taken out, `+` put in
//! *** End of File               optional
//! *** End Patch
//! ```
//!
//! A line that is nothing of this makes the whole patch malformed: half a patch would be judged
//! milder than the patch is.

use ringfence_action::{Call, Replacement, Text};

use super::node::{Node, Problem};
use super::shape::Shape;

/// A patch under a field, or as the whole input.
pub(crate) const PATCH: Shape = Shape {
    read: patch,
    usage: "{\"input\":\"*** Begin Patch\\n*** Delete File: old.txt\\n*** End Patch\"}",
};

fn patch(input: &Node<'_>) -> Result<Call, Problem> {
    if input.value().is_string() {
        return parse(&input.text()?);
    }
    let node = input.need(&["input", "patch", "patch_text", "command", "diff"])?;
    if node.value().is_array() {
        let argv = node.texts()?;
        return match argv.as_slice() {
            [program, patch] if program.value == "apply_patch" => parse(patch),
            _ => Err(Problem::new("`command` is not `apply_patch` and a patch")),
        };
    }
    parse(&node.text()?)
}

/// Reads a patch. One file is one call (two if it also moves); several are [`Call::Many`].
pub(super) fn parse(text: &Text) -> Result<Call, Problem> {
    let mut calls = Parser::new(text)?.files()?;
    match calls.len() {
        0 => Err(Problem::new("the patch names no file")),
        1 => Ok(calls.swap_remove(0)),
        _ => Ok(Call::Many(calls)),
    }
}

/// One line of the patch.
#[derive(Clone, Copy)]
struct Line<'t> {
    text: &'t str,
    /// Where it starts in the patch.
    start: usize,
}

impl<'t> Line<'t> {
    fn end(self) -> usize {
        self.start + self.text.len()
    }

    /// The path after a marker such as `*** Add File: `, with its place.
    fn after(self, marker: &str) -> Option<Line<'t>> {
        let indent = self.text.len() - self.text.trim_start().len();
        let rest = self.text.trim_start().strip_prefix(marker)?;
        let path = rest.trim_start();
        let start = self.start + indent + marker.len() + (rest.len() - path.len());
        Some(Line { text: path.trim_end(), start })
    }

    fn is(self, marker: &str) -> bool {
        self.text.trim() == marker
    }
}

struct Parser<'t> {
    whole: &'t Text,
    lines: std::iter::Peekable<std::vec::IntoIter<Line<'t>>>,
}

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File:";
const DELETE: &str = "*** Delete File:";
const UPDATE: &str = "*** Update File:";
const MOVE: &str = "*** Move to:";
const END_OF_FILE: &str = "*** End of File";
const ENVIRONMENT: &str = "*** Environment ID:";

impl<'t> Parser<'t> {
    fn new(whole: &'t Text) -> Result<Self, Problem> {
        let mut lines = Vec::new();
        let mut start = 0;
        for line in whole.value.split_inclusive('\n') {
            let text = line.strip_suffix('\n').unwrap_or(line);
            lines.push(Line { text: text.strip_suffix('\r').unwrap_or(text), start });
            start += line.len();
        }
        let blank = |line: &Line<'_>| line.text.trim().is_empty();
        let first = lines.iter().position(|line| !blank(line)).unwrap_or(lines.len());
        let mut lines = lines.split_off(first);
        while lines.last().is_some_and(blank) {
            lines.pop();
        }
        // Models like to wrap a patch in a heredoc; Codex looks through it.
        if let [open, .., close] = lines.as_slice()
            && ["<<EOF", "<<'EOF'", "<<\"EOF\""].iter().any(|marker| open.is(marker))
            && close.is("EOF")
        {
            lines.remove(0);
            lines.pop();
        }
        let framed =
            matches!(lines.as_slice(), [first, .., last] if first.is(BEGIN) && last.is(END));
        if !framed {
            return Err(Problem::new(
                "the patch does not start with `*** Begin Patch` and end with `*** End Patch`",
            ));
        }
        lines.remove(0);
        lines.pop();
        Ok(Self { whole, lines: lines.into_iter().peekable() })
    }

    fn files(mut self) -> Result<Vec<Call>, Problem> {
        let mut calls = Vec::new();
        if self.lines.peek().is_some_and(|line| line.after(ENVIRONMENT).is_some()) {
            self.lines.next();
        }
        while let Some(line) = self.lines.next() {
            if let Some(path) = line.after(ADD) {
                calls.push(self.added(path)?);
            } else if let Some(path) = line.after(DELETE) {
                calls.push(Call::Delete { path: self.path(path)? });
            } else if let Some(path) = line.after(UPDATE) {
                self.updated(path, &mut calls)?;
            } else if !line.text.trim().is_empty() {
                return Err(self.unexpected(line));
            }
        }
        Ok(calls)
    }

    fn added(&mut self, path: Line<'t>) -> Result<Call, Problem> {
        let (start, mut end) = (path.end(), path.end());
        let mut content = String::new();
        while let Some(line) = self.lines.next_if(|line| line.text.starts_with('+')) {
            content.push_str(line.text.get(1..).unwrap_or_default());
            content.push('\n');
            end = line.end();
        }
        Ok(Call::Write { path: self.path(path)?, content: self.part(content, start, end) })
    }

    fn updated(&mut self, path: Line<'t>, calls: &mut Vec<Call>) -> Result<(), Problem> {
        let path = self.path(path)?;
        let to = match self.lines.peek().and_then(|line| line.after(MOVE)) {
            Some(to) => {
                self.lines.next();
                Some(self.path(to)?)
            }
            None => None,
        };
        let mut replacements = Vec::new();
        while let Some(hunk) = self.hunk()? {
            replacements.push(hunk);
        }
        if replacements.is_empty() && to.is_none() {
            return Err(Problem::new(format!("the patch updates `{}` with no change", path.value)));
        }
        if !replacements.is_empty() {
            calls.push(Call::Edit { path: path.clone(), replacements });
        }
        if let Some(to) = to {
            calls.push(Call::Move { from: path, to });
        }
        Ok(())
    }

    /// The lines up to the next `@@`, file or end.
    fn hunk(&mut self) -> Result<Option<Replacement>, Problem> {
        let mut span: Option<(usize, usize)> = None;
        let (mut old, mut new) = (String::new(), String::new());
        while let Some(line) = self.lines.peek().copied() {
            let is_file = [ADD, DELETE, UPDATE].iter().any(|marker| line.after(marker).is_some());
            if is_file || (line.text.starts_with("@@") && span.is_some()) {
                break;
            }
            self.lines.next();
            if line.text.starts_with("@@") || line.is(END_OF_FILE) {
                continue;
            }
            let rest = line.text.get(1..).unwrap_or_default();
            match line.text.chars().next() {
                None | Some(' ') => {
                    for side in [&mut old, &mut new] {
                        side.push_str(rest);
                        side.push('\n');
                    }
                }
                Some('-') => {
                    old.push_str(rest);
                    old.push('\n');
                }
                Some('+') => {
                    new.push_str(rest);
                    new.push('\n');
                }
                Some(_) => return Err(self.unexpected(line)),
            }
            let (start, _) = span.unwrap_or((line.start, line.end()));
            span = Some((start, line.end()));
        }
        Ok(span.map(|(start, end)| Replacement {
            old: Some(self.part(old, start, end)),
            new: self.part(new, start, end),
        }))
    }

    fn path(&self, path: Line<'t>) -> Result<Text, Problem> {
        if path.text.is_empty() {
            return Err(Problem::new("the patch has a file without a name"));
        }
        Ok(self.part(path.text.to_owned(), path.start, path.end()))
    }

    fn part(&self, value: String, start: usize, end: usize) -> Text {
        let [start, end] = self.whole.span.unwrap_or([start, end]);
        Text::part(self.whole.pointer.clone(), value, start, end)
    }

    fn unexpected(&self, line: Line<'_>) -> Problem {
        let before = self.whole.value.get(..line.start).unwrap_or_default();
        let number = before.matches('\n').count() + 1;
        Problem::new(format!("line {number} of the patch is no part of the patch format"))
    }
}
