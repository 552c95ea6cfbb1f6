//! Tables whose cells wrap.

use anstyle::Style;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns are this far apart.
const GAP: usize = 2;

/// A piece of text in one style. It must be safe to show.
pub(crate) type Piece = (Style, String);

/// The content of a cell: lines that each wrap on their own.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    lines: Vec<Vec<Piece>>,
}

impl Cell {
    /// A cell of one line.
    pub(crate) fn new(style: Style, text: impl Into<String>) -> Self {
        Self::default().line(vec![(style, text.into())])
    }

    /// The same cell with one more line.
    pub(crate) fn line(mut self, pieces: Vec<Piece>) -> Self {
        self.lines.push(pieces);
        self
    }

    fn wrapped(&self, width: usize) -> Vec<Vec<Piece>> {
        self.lines.iter().flat_map(|pieces| wrap(pieces, width)).collect()
    }
}

/// Draws one row below columns of these widths. The last column is not padded.
pub(crate) fn row(widths: &[usize], cells: &[Cell]) -> String {
    let columns: Vec<(usize, Vec<Vec<Piece>>)> =
        widths.iter().zip(cells).map(|(&width, cell)| (width, cell.wrapped(width))).collect();
    let height = columns.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
    let mut drawn = String::new();
    for index in 0..height {
        let mut line = String::new();
        let mut missing = 0;
        for (width, lines) in &columns {
            let pieces = lines.get(index).map(Vec::as_slice).unwrap_or_default();
            if !pieces.is_empty() {
                line.extend(std::iter::repeat_n(' ', missing));
                missing = 0;
            }
            for (style, text) in pieces {
                line.push_str(&format!("{style}{text}{style:#}"));
            }
            missing += width.saturating_sub(columns_of(pieces)) + GAP;
        }
        drawn.push_str(&line);
        drawn.push('\n');
    }
    drawn
}

/// Splits a width between columns of a fixed width and two that share the rest.
pub(crate) fn share(total: usize, fixed: &[usize]) -> (usize, usize) {
    let used: usize = fixed.iter().sum::<usize>() + GAP * (fixed.len() + 1);
    let rest = total.saturating_sub(used);
    (rest - rest / 2, rest / 2)
}

fn columns_of(pieces: &[Piece]) -> usize {
    pieces.iter().map(|(_, text)| text.width()).sum()
}

/// Breaks pieces into lines at spaces, and words that are longer than a line where they must.
fn wrap(pieces: &[Piece], width: usize) -> Vec<Vec<Piece>> {
    let width = width.max(1);
    let mut lines: Vec<Vec<Piece>> = vec![Vec::new()];
    let mut used = 0;
    for (style, text) in pieces {
        for word in text.split_inclusive(' ') {
            let mut word = word;
            let bare = word.trim_end_matches(' ');
            if used > 0 && used + bare.width() > width {
                lines.push(Vec::new());
                used = 0;
            }
            while word.trim_end_matches(' ').width() > width {
                let (head, rest) = split_at_width(word, width);
                add(&mut lines, *style, head);
                lines.push(Vec::new());
                word = rest;
            }
            add(&mut lines, *style, word);
            used += word.width();
        }
    }
    for line in &mut lines {
        if let Some((_, last)) = line.last_mut() {
            last.truncate(last.trim_end().len());
        }
    }
    lines
}

fn add(lines: &mut [Vec<Piece>], style: Style, text: &str) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some((last, so_far)) if *last == style => so_far.push_str(text),
        _ => line.push((style, text.to_owned())),
    }
}

/// The most characters that fit, at least one, and the rest.
fn split_at_width(text: &str, width: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width && at > 0 {
            return text.split_at_checked(at).unwrap_or((text, ""));
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Cell {
        Cell::new(Style::new(), text)
    }

    #[test]
    fn cells_wrap_side_by_side() {
        assert_eq!(
            row(&[4, 10, 8], &[cell("1"), cell("delete /home/u (recursive)"), cell("why not")]),
            "1     delete      why not\n      /home/u\n      (recursive\n      )\n"
        );
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(row(&[6, 3], &[cell("日本語語"), cell("x")]), "日本語  x\n語\n");
    }

    #[test]
    fn the_rest_is_shared() {
        let (left, right) = share(100, &[4, 9]);
        assert_eq!(left + right + 4 + 9 + 3 * GAP, 100);
    }
}
