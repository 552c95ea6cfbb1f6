//! Where a recorded session ran, told from the paths that it names: most corpora do not say.

use std::collections::BTreeMap;

/// Named less often than this, a folder may be anything.
const OFTEN: u64 = 3;

/// A work tree and the home above it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct WorkTree {
    /// Two levels below the home: `/home/u/work/app`.
    pub folder: String,
    /// `/home/u`.
    pub home: String,
}

/// The folder two levels below a home that the texts of a session name most often; `None` where none
/// is named again and again. One text alone proves nothing: what it names may be what it is out for.
pub fn work_tree<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<WorkTree> {
    let mut named: BTreeMap<WorkTree, u64> = BTreeMap::new();
    for text in texts {
        for found in named_in(text) {
            *named.entry(found).or_default() += 1;
        }
    }
    let (most, count) = named.into_iter().max_by_key(|(_, count)| *count)?;
    (count >= OFTEN).then_some(most)
}

/// Each `/Users/NAME/A/B…` or `/home/NAME/A/B…` in a text.
fn named_in(text: &str) -> impl Iterator<Item = WorkTree> {
    let words = text.split(|c: char| c.is_whitespace() || "\"'`,;:()\\=".contains(c));
    words.filter_map(|word| {
        let mut parts = word.split('/').filter(|part| !part.is_empty());
        let top =
            parts.next().filter(|top| word.starts_with('/') && ["Users", "home"].contains(top))?;
        let home = format!("/{top}/{}", parts.next()?);
        let (first, second) = (parts.next()?, parts.next()?);
        let folder = format!("{home}/{first}/{second}");
        (!first.starts_with('.')).then_some(WorkTree { folder, home })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_tree_is_told_from_the_paths() {
        let text =
            r#"{"file_path":"/Users/ann/Work/tool/src/a.go"} cat /Users/ann/.ssh/id x/Users/b/c/d"#;
        let expected =
            WorkTree { folder: "/Users/ann/Work/tool".to_owned(), home: "/Users/ann".to_owned() };
        assert_eq!(work_tree([text; 3]), Some(expected));
        assert_eq!(work_tree([text]), None);
    }
}
