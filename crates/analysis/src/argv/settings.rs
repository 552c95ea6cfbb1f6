//! Files of settings, as far as programs are named in them: the configuration of git, and TOML.
//!
//! What is well-formed is read, the rest is passed over. What is returned is only ever used to name more of
//! what runs, never to say that something does not.

/// One setting: its full name, and its value or values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    /// With the sections around it: `alias.co`, `target.x86_64-unknown-linux-gnu.runner`.
    pub(super) key: String,
    pub(super) values: Vec<String>,
}

impl Setting {
    /// Whether this is its value.
    pub(super) fn is(&self, value: &str) -> bool {
        self.values.iter().any(|own| own == value)
    }

    /// Its value; several are the words of a command.
    pub(super) fn value(&self) -> String {
        self.values.join(" ")
    }
}

/// The settings of a configuration of git. Sections and names are in lower case, what is between them
/// (`filter.LFS.clean`) as it is written.
pub(super) fn git(text: &str) -> Vec<Setting> {
    let mut settings = Vec::new();
    let mut section = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut line = line.trim();
        if let Some(rest) = line.strip_prefix('[') {
            let Some((head, rest)) = section_end(rest) else { continue };
            section = section_name(head);
            line = rest.trim();
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let mut whole = line.to_owned();
        while whole.ends_with('\\') && !whole.ends_with("\\\\") {
            whole.pop();
            whole.push_str(lines.next().unwrap_or_default());
        }
        let (name, value) = match whole.split_once('=') {
            Some((name, value)) => (name, git_value(value)),
            // A name alone is switched on.
            None => (whole.as_str(), "true".to_owned()),
        };
        let key = format!("{section}.{}", name.trim().to_ascii_lowercase());
        settings.push(Setting { key, values: vec![value] });
    }
    settings
}

/// The head of a section, and what stands behind it: a name in quotes may have a bracket.
fn section_end(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '"' => quoted = !quoted,
            ']' if !quoted => return Some((text.get(..at)?, text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

/// `section "Name"` as `section.Name`.
fn section_name(head: &str) -> String {
    match head.split_once(char::is_whitespace) {
        None => head.trim().to_ascii_lowercase(),
        Some((section, name)) => {
            let name = name.trim().trim_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
            format!("{}.{name}", section.trim().to_ascii_lowercase())
        }
    }
}

/// A value without its quotes, escapes and comment.
fn git_value(text: &str) -> String {
    let mut value = String::new();
    let mut quoted = false;
    let mut chars = text.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => quoted = !quoted,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some(other) => value.push(other),
                None => {}
            },
            '#' | ';' if !quoted => break,
            other => value.push(other),
        }
    }
    value.trim_end().to_owned()
}

/// The settings of a TOML document that are texts or lists of texts.
pub(super) fn toml(text: &str) -> Vec<Setting> {
    let mut reader = Toml { text, settings: Vec::new() };
    let mut table = String::new();
    while let Some(line) = reader.line() {
        if let Some(head) = line.strip_prefix('[') {
            let head = head.trim_start_matches('[');
            let head = head.split_once(']').map_or(head, |(head, _)| head);
            table = dotted(head);
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let key = within(&table, &dotted(name));
        // A list may go on for some lines.
        let mut value = value.trim().to_owned();
        while value.starts_with('[') && !closed(&value) {
            let Some(more) = reader.line() else { break };
            value.push('\n');
            value.push_str(more);
        }
        reader.value(&key, &value, 0);
    }
    reader.settings
}

struct Toml<'t> {
    text: &'t str,
    settings: Vec<Setting>,
}

impl<'t> Toml<'t> {
    /// The next line that says something.
    fn line(&mut self) -> Option<&'t str> {
        while !self.text.is_empty() {
            let (line, rest) = self.text.split_once('\n').unwrap_or((self.text, ""));
            self.text = rest;
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Some(line);
            }
        }
        None
    }

    fn value(&mut self, key: &str, value: &str, depth: usize) {
        /// Tables within tables.
        const DEPTH: usize = 8;
        let value = value.trim();
        if let Some(inner) = value.strip_prefix('{') {
            if depth < DEPTH {
                for pair in parts(inner, '}') {
                    if let Some((name, value)) = pair.split_once('=') {
                        self.value(&within(key, &dotted(name)), value, depth + 1);
                    }
                }
            }
        } else if let Some(inner) = value.strip_prefix('[') {
            let values = parts(inner, ']').into_iter().filter_map(string).collect();
            self.settings.push(Setting { key: key.to_owned(), values });
        } else if let Some(value) = string(value) {
            self.settings.push(Setting { key: key.to_owned(), values: vec![value] });
        }
    }
}

/// `a."b c".d` without its quotes and blanks.
fn dotted(name: &str) -> String {
    let parts = name.split('.').map(|part| part.trim().trim_matches(['"', '\'']));
    parts.collect::<Vec<_>>().join(".")
}

fn within(table: &str, name: &str) -> String {
    if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") }
}

/// Whether the list that a text begins with has its end.
fn closed(text: &str) -> bool {
    let mut depth = 0_i32;
    outside_quotes(text, |_, c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth == 0
    })
    .is_some()
}

/// What stands between commas, up to the bracket that closes.
fn parts(text: &str, close: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_i32);
    let end = outside_quotes(text, |at, c| {
        match c {
            '[' | '{' => depth += 1,
            c if c == close && depth == 0 => return true,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(text.get(start..at));
                start = at + 1;
            }
            _ => {}
        }
        false
    });
    parts.extend(text.get(start..end.unwrap_or(text.len())));
    parts.retain(|part| !part.trim().is_empty());
    parts
}

/// Where the function says that it is enough, of all that stands outside quotes and comments.
fn outside_quotes(text: &str, mut enough: impl FnMut(usize, char) -> bool) -> Option<usize> {
    let mut quote = None;
    let mut comment = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (_, '\n') => comment = false,
            _ if comment => {}
            (Some('"'), '\\') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '#') => comment = true,
            (None, c) if enough(at, c) => return Some(at),
            (None, _) => {}
        }
    }
    None
}

/// The text that stands in quotes.
fn string(value: &str) -> Option<String> {
    let value = value.trim();
    if let Some(rest) = value.strip_prefix('\'') {
        return Some(rest.split('\'').next().unwrap_or_default().to_owned());
    }
    let rest = value.strip_prefix('"')?;
    let mut text = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(settings: &[Setting]) -> Vec<(&str, String)> {
        settings.iter().map(|setting| (setting.key.as_str(), setting.value())).collect()
    }

    #[test]
    fn git_writes_sections_names_and_quotes() {
        let text = r#"
            [core] ; what matters
                pager = less -R   # shown
                fsmonitor
            [alias]
                co = checkout
                x = "!f() { git push; }; f" ; comment
                long = !git log \
            --all
            [filter "LFS"]
                Clean = git-lfs clean -- %f
            [url "git@x:y]z"] insteadOf = https://x/
        "#;
        assert_eq!(
            pairs(&git(text)),
            [
                ("core.pager", "less -R".to_owned()),
                ("core.fsmonitor", "true".to_owned()),
                ("alias.co", "checkout".to_owned()),
                ("alias.x", "!f() { git push; }; f".to_owned()),
                ("alias.long", "!git log             --all".to_owned()),
                ("filter.LFS.clean", "git-lfs clean -- %f".to_owned()),
                ("url.git@x:y]z.insteadof", "https://x/".to_owned()),
            ]
        );
    }

    #[test]
    fn toml_has_tables_lists_and_tables_in_a_line() {
        let text = r#"
            # what cargo reads
            [alias]
            b = "build --release"
            lint = ["clippy", "--all",
                "--", "-D", 'warnings'] # more
            [target."cfg(unix)"]
            runner = 'sudo -E'
            [[bin]]
            name = "tool" # the program
            [build]
            jobs = 4
            env = { CC = { value = "x", force = true }, RUSTC_WRAPPER = "sccache" }
        "#;
        assert_eq!(
            pairs(&toml(text)),
            [
                ("alias.b", "build --release".to_owned()),
                ("alias.lint", "clippy --all -- -D warnings".to_owned()),
                ("target.cfg(unix).runner", "sudo -E".to_owned()),
                ("bin.name", "tool".to_owned()),
                ("build.env.CC.value", "x".to_owned()),
                ("build.env.RUSTC_WRAPPER", "sccache".to_owned()),
            ]
        );
        // What is not well-formed ends.
        for text in ["[", "a = [", "a = {b", "a = \"x", "= =", "[a\nb=[\"c\""] {
            toml(text);
            git(text);
        }
    }
}
