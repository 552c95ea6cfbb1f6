//! The little of Markdown that test pages use: headings and fenced blocks, with their lines.

/// What a page is made of. Prose is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    /// `# …` to `###### …`.
    Heading { line: usize, text: String },
    /// A fenced block. `line` is that of the opening fence.
    Fence { line: usize, info: String, text: String },
}

/// Splits a page into headings and fences.
///
/// # Errors
/// The line of a fence that is never closed.
pub(crate) fn blocks(page: &str) -> Result<Vec<Block>, usize> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().zip(1..);
    while let Some((text, line)) = lines.next() {
        if let Some((fence, info)) = opening(text) {
            let body = lines.by_ref().map(|(text, _)| text);
            let text = until_closed(body, fence).ok_or(line)?;
            blocks.push(Block::Fence { line, info: info.to_owned(), text });
        } else if let Some(text) = heading(text) {
            blocks.push(Block::Heading { line, text: text.to_owned() });
        }
    }
    Ok(blocks)
}

/// The lines up to the closing fence, joined, or `None` if there is none.
fn until_closed<'a>(lines: impl Iterator<Item = &'a str>, fence: &str) -> Option<String> {
    let mut body = Vec::new();
    for text in lines {
        if closes(text, fence) {
            return Some(body.join("\n"));
        }
        body.push(text);
    }
    None
}

/// The run of backticks or tildes that opens a block, and what follows it.
fn opening(line: &str) -> Option<(&str, &str)> {
    let mark = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = line.trim_start_matches(mark);
    let fence = line.strip_suffix(info)?;
    (fence.len() >= 3 && !info.contains('`')).then(|| (fence, info.trim()))
}

fn closes(line: &str, fence: &str) -> bool {
    let line = line.trim_end();
    line.len() >= fence.len() && fence.chars().next().is_some_and(|c| line.chars().all(|l| l == c))
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    ((1..=6).contains(&level) && text.starts_with(' ')).then(|| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_fences_with_their_lines() {
        let page =
            "# Title\nprose\n\n```bash\n# no heading\necho\n```\n## Next\n~~~~text\n~~~\n~~~~\n";
        assert_eq!(
            blocks(page),
            Ok(vec![
                Block::Heading { line: 1, text: "Title".into() },
                Block::Fence { line: 4, info: "bash".into(), text: "# no heading\necho".into() },
                Block::Heading { line: 8, text: "Next".into() },
                Block::Fence { line: 9, info: "text".into(), text: "~~~".into() },
            ])
        );
    }

    #[test]
    fn an_open_fence_is_reported_where_it_opens() {
        assert_eq!(blocks("a\n```bash\nrm\n"), Err(2));
    }

    #[test]
    fn inline_code_is_prose() {
        assert_eq!(blocks("```x``` is code\n#hashtag\n"), Ok(vec![]));
    }
}
