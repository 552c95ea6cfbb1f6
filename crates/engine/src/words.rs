//! Words of a message: how they are cut, compared and kept.
//!
//! What is kept are digests. They are enough to tell whether a target was named, and they are not
//! the user's text, which need not be kept for that.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Words as people write targets: paths, branches and package names stay whole. Scripts without
/// blanks between words end a word of another script.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || "`\"'()[],?¿¡“”".contains(c) || is_unspaced(c))
        .map(|word| word.trim_end_matches(['.', ':', ';', '!']))
        .filter(|word| !word.is_empty())
}

/// Whether the script of this letter puts no blanks between words.
pub(crate) fn is_unspaced(c: char) -> bool {
    ('\u{2E80}'..='\u{9FFF}').contains(&c) || ('\u{F900}'..='\u{FFEF}').contains(&c)
}

/// Words are compared as people write paths: `./x/` is `x`.
pub(crate) fn digest(word: &str) -> u64 {
    let word = word.trim_start_matches("./").trim_end_matches('/');
    BuildHasherDefault::<DefaultHasher>::default().hash_one(word)
}

/// Whether a word is a name by its form: a path, a number, a branch, an address, an option.
pub(crate) fn is_name(word: &str) -> bool {
    word.chars().any(|c| c.is_ascii_digit() || "/._@#~$*=".contains(c))
        || word.trim_matches('-').contains('-')
}

/// The names that one written word stands for: `#12` is 12, `v1.2` is 1.2, an address is its host
/// and its last part, `KEY=value` is both.
pub(crate) fn spellings(word: &str) -> Vec<&str> {
    let mut found = vec![word];
    let plain = word.trim_start_matches(['#', '!', '@', '~', '$']).trim_start_matches('/');
    if plain != word && !plain.is_empty() {
        found.push(plain);
    }
    if let Some(version) = word.strip_prefix('v')
        && version.starts_with(|c: char| c.is_ascii_digit())
    {
        found.push(version);
    }
    // `../hotfix` lies beside the work, and is called by what follows.
    let beside = word.trim_start_matches("../");
    if beside != word && !beside.is_empty() {
        found.push(beside);
    }
    if let Some((scheme, place)) = word.split_once("://") {
        let path = place.split(['?', '#']).next().unwrap_or(place);
        found.push(path);
        // Who names what lies in a bucket has not named the bucket, and something may go there.
        let first = path.split('/').next().unwrap_or_default();
        match STORES.contains(&scheme) {
            true => found.extend(word.get(scheme.len() + 1..scheme.len() + 3 + first.len())),
            false => found.push(first),
        }
        found.extend(path.rsplit('/').find(|part| !part.is_empty()));
    } else {
        let first = word.chars().next().map_or(0, char::len_utf8);
        let mark = word.char_indices().find(|(at, c)| *at >= first && ":=@".contains(*c));
        if let Some((before, after)) = mark.and_then(|(at, _)| word.split_at_checked(at)) {
            let after = after.trim_start_matches([':', '=', '@']);
            // `deploy@web1:/srv`: the host between a name and a place.
            found.extend(after.split_once(':').map(|(host, _)| host));
            found.extend([before, after].into_iter().filter(|part| part.chars().count() > 1));
        }
    }
    found
}

/// Schemes of addresses that begin with a store of many things.
const STORES: &[&str] = &[
    "s3", "gs", "gcs", "az", "azure", "abfs", "abfss", "wasb", "wasbs", "r2", "oci", "b2", "hdfs",
];

pub(crate) fn contains_phrase(text: &str, phrase: &str) -> bool {
    find_phrase(text, phrase).is_some()
}

/// Where a phrase begins in the text, at word boundaries. `stem*` may go on; scripts without blanks
/// between words match anywhere.
pub(crate) fn find_phrase(text: &str, phrase: &str) -> Option<usize> {
    let (stem, open) = phrase.strip_suffix('*').map_or((phrase, false), |stem| (stem, true));
    let spaced = stem.is_ascii() || stem.chars().all(|c| c < '\u{2E80}');
    places(text, stem).find(|at| {
        let at = *at;
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let after = text.get(at + stem.len()..).and_then(|t| t.chars().next());
        let free = |c: Option<char>| {
            c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_' && c != '/' && c != '.')
        };
        let ends = open && after.is_none_or(|c| c.is_alphabetic() || free(Some(c)));
        !spaced || (free(before) && (ends || free(after)))
    })
}

/// Where this is in a text. Phrases are a few letters long and looked for by the hundred: what prepares for a
/// long search takes longer than the search.
fn places<'t>(text: &'t str, part: &'t str) -> impl Iterator<Item = usize> + 't {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut from = 0;
    let begins = std::iter::from_fn(move || {
        let at = from + begin(text.get(from..)?, part)?;
        from = at + 1;
        Some(at)
    });
    begins.filter(move |at| text.get(*at..).is_some_and(|rest| rest.starts_with(part)))
}

/// The next place where the first two bytes of this are. Many bytes are compared at a time: most texts have them
/// nowhere.
fn begin(text: &[u8], part: &[u8]) -> Option<usize> {
    const AT_A_TIME: usize = 32;
    let [first, second, ..] = *part else {
        return text.iter().position(|byte| Some(byte) == part.first());
    };
    let is_here = |pair: &[u8]| pair == [first, second];
    let mut at = 0;
    while let Some(piece) = text.get(at..).and_then(|rest| rest.first_chunk::<{ AT_A_TIME + 1 }>())
        && let (Some(here), Some(next)) =
            (piece.first_chunk::<AT_A_TIME>(), piece.last_chunk::<AT_A_TIME>())
    {
        let both = here.iter().zip(next).map(|(one, two)| (*one == first) & (*two == second));
        if both.fold(false, |any, it| any | it) {
            return piece.windows(2).position(is_here).map(|it| at + it);
        }
        at += AT_A_TIME;
    }
    text.get(at..)?.windows(2).position(is_here).map(|it| at + it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stands_for_what_it_names() {
        assert_eq!(spellings("#12"), ["#12", "12"]);
        assert_eq!(spellings("v1.4.2"), ["v1.4.2", "1.4.2"]);
        assert!(spellings("https://github.com/acme/shop/pull/911").contains(&"911"));
        assert!(spellings("log_level=debug").contains(&"log_level"));
        assert!(spellings("@acme/icons@4.1.0").contains(&"@acme/icons"));
    }

    #[test]
    fn a_phrase_is_found_wherever_it_stands() {
        for before in 0..80 {
            let text = format!("{}go ahead, and de-go", "gob ".repeat(before));
            assert_eq!(find_phrase(&text, "go ahead"), Some(4 * before), "{text}");
            assert_eq!(find_phrase(&text, "go ah*"), Some(4 * before));
            assert_eq!(find_phrase(&text, "go"), Some(4 * before));
            assert_eq!(find_phrase(&text, "de"), None);
            assert_eq!(find_phrase(&text, "x"), None);
            assert_eq!(find_phrase(&format!("{text} x"), "x"), Some(text.len() + 1));
            assert_eq!(find_phrase(&"\u{30d7}".repeat(before + 1), "\u{30d7}"), Some(0));
        }
        assert_eq!(
            (find_phrase("", "go"), find_phrase("g", "go"), find_phrase("x", "")),
            (None, None, None)
        );
    }

    #[test]
    fn scripts_without_blanks_end_a_name() {
        assert_eq!(words("old-apiブランチを削除して").collect::<Vec<_>>(), ["old-api"]);
        assert_eq!(words("把 web-1 删除").collect::<Vec<_>>(), ["web-1"]);
    }
}
