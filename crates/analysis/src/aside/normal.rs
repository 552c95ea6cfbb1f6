//! Text in one spelling, for comparison with the catalogue; the build script spells the catalogue by it.

/// Lower case, one kind of quote, and no white space but between two words.
pub(crate) fn normal(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut result = String::with_capacity(text.len());
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = true;
            continue;
        }
        if blank && is_word(c) && result.ends_with(is_word) {
            result.push(' ');
        }
        blank = false;
        match c {
            '"' | '`' => result.push('\''),
            c => result.extend(c.to_lowercase()),
        }
    }
    result
}
