//! Tables of Markdown that can be read as they are: columns are padded.

use unicode_width::UnicodeWidthStr;

/// A table, row by row. The first column is text, the others are numbers unless they are named as text.
pub(super) struct Grid {
    heads: Vec<&'static str>,
    texts: usize,
    rows: Vec<Vec<String>>,
}

impl Grid {
    /// A table with these columns, of which the first so many are text.
    pub(super) fn new(texts: usize, heads: &[&'static str]) -> Self {
        Self { heads: heads.to_vec(), texts, rows: Vec::new() }
    }

    pub(super) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(|cell| cell.replace('|', "\\|")).collect());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn draw(&self) -> String {
        let heads: Vec<String> = self.heads.iter().map(|head| (*head).to_owned()).collect();
        let widths: Vec<usize> = heads
            .iter()
            .enumerate()
            .map(|(at, head)| {
                let cells = self.rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
                cells.chain([head.width(), 3]).max().unwrap_or_default()
            })
            .collect();
        let rule: Vec<String> = widths
            .iter()
            .enumerate()
            .map(|(at, width)| {
                let dashes = "-".repeat(width - 1);
                if at < self.texts { format!("{dashes}-") } else { format!("{dashes}:") }
            })
            .collect();
        let mut drawn = String::new();
        for row in [&heads, &rule].into_iter().chain(&self.rows) {
            drawn.push('|');
            for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let pad = " ".repeat(width.saturating_sub(cell.width()));
                let cell = if at < self.texts {
                    format!(" {cell}{pad} |")
                } else {
                    format!(" {pad}{cell} |")
                };
                drawn.push_str(&cell);
            }
            drawn.push('\n');
        }
        drawn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let mut grid = Grid::new(1, &["source", "n"]);
        grid.row(vec!["日本".to_owned(), "1".to_owned()]);
        grid.row(vec!["a|b".to_owned(), "1234".to_owned()]);
        assert_eq!(
            grid.draw(),
            "| source |    n |\n| ------ | ---: |\n| 日本   |    1 |\n| a\\|b   | 1234 |\n"
        );
    }
}
