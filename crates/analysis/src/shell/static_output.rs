//! What simple filters print when their input is known: `echo cm0gLXJm | base64 -d | sh` is code
//! that can be read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ringfence_action::{Target, path};

use super::expand::PATH_OF;
use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::value::{Value, Word};

/// What the program prints, where that can be told from its arguments and its input.
pub(crate) fn output(
    analyzer: &Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
) -> Option<Data> {
    let (program, arguments) = invocation.argv.split_first()?;
    let name = path::base_name(program.value.as_known()?);
    let known = || arguments.iter().map(|word| word.value.as_known()).collect::<Option<Vec<_>>>();
    if name == "cat" {
        return cat(analyzer, frame, arguments, &invocation.stdin);
    }
    if !matches!(
        name,
        "tee"
            | "echo"
            | "printf"
            | "base64"
            | "base32"
            | "rev"
            | "tac"
            | "tr"
            | "xxd"
            | "sed"
            | "head"
            | "tail"
            | "cut"
            | "basename"
            | "dirname"
            | "seq"
            | "openssl"
            | "sort"
            | "uniq"
            | "paste"
            | "fold"
            | "nl"
    ) {
        return None;
    }
    let words = known()?;
    let flags = |text: &str| words.contains(&text);
    let (stdin, span) = match &invocation.stdin {
        Data::Text(text, span) => (Some(text.as_str()), *span),
        Data::None | Data::File(_) | Data::Network(_) | Data::Setup(_) | Data::Unknown => {
            (None, program.span)
        }
    };
    let printed = match name {
        "tee" => stdin?.to_owned(),
        "echo" if !words.first().is_some_and(|word| word.starts_with('-')) => {
            format!("{}\n", words.join(" "))
        }
        "base64" if flags("-d") || flags("--decode") || flags("-D") || flags("-di") => {
            decode_base64(stdin?)?
        }
        "openssl" if flags("base64") || flags("enc") => {
            (flags("-d") && (flags("base64") || flags("-base64"))).then_some(())?;
            decode_base64(stdin?)?
        }
        "base64" if words.is_empty() || words == ["-w0"] => {
            format!("{}\n", STANDARD.encode(stdin?))
        }
        "rev" if words.is_empty() => lines(stdin?, |line| line.chars().rev().collect()),
        "tac" if words.is_empty() => {
            let lines = stdin?.lines().rev().collect::<Vec<_>>();
            format!("{}\n", lines.join("\n"))
        }
        "tr" => translate(&words, stdin?)?,
        "xxd"
            if words.iter().all(|word| matches!(*word, "-r" | "-p" | "-ps" | "-plain"))
                && flags("-r") =>
        {
            hexadecimal(stdin?)?
        }
        "sed" => substitute(&words, stdin?)?,
        "head" => first_lines(&words, stdin?)?,
        "cut" => characters(&words, stdin?)?,
        "basename" if words.len() == 1 => format!("{}\n", path::base_name(words.first()?)),
        "dirname" if words.len() == 1 => {
            let text = words.first()?.trim_end_matches('/');
            let parent = match text.rsplit_once('/') {
                Some(("", _)) => "/",
                Some((parent, _)) => parent,
                None => ".",
            };
            format!("{parent}\n")
        }
        _ => return None,
    };
    Some(Data::Text(printed, span))
}

/// Whether the program turns an encoding back into text.
pub(crate) fn decodes(invocation: &Invocation) -> bool {
    let mut words = invocation.argv.iter().filter_map(|word| word.value.as_known());
    let program = words.next().map(path::base_name);
    let decodes = |word: &str| matches!(word, "-d" | "-D" | "-di" | "--decode" | "-r");
    match program {
        Some("rev") => true,
        Some("base64" | "base32" | "openssl" | "xxd") => words.any(decodes),
        _ => false,
    }
}

/// `tee` puts what it prints into files as well.
pub(crate) fn copied(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    printed: &Data,
) {
    let Some((program, arguments)) = invocation.argv.split_first() else { return };
    if program.value.as_known().map(path::base_name) != Some("tee") {
        return;
    }
    let option = |word: &&Word| word.value.as_known().is_some_and(|text| text.starts_with('-'));
    let appends = arguments.iter().any(|word| option(&word));
    for word in arguments.iter().filter(|word| !option(word)) {
        if let Target::Known(path) = paths::locate(analyzer, frame, &word.value) {
            let content = if appends { Data::Unknown } else { printed.clone() };
            analyzer.wrote(&path, content);
        }
    }
}

/// What is known of a text whose letters are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Printed {
    /// A number, or where a program is.
    Value(Value),
    /// One word, and no option: the name of a branch, of a user, of a machine.
    Name,
}

/// What a program prints, as far as that can be told without its text.
pub(super) fn printed(argv: &[Word]) -> Option<Printed> {
    if prints_number(argv) {
        return Some(Printed::Value(Value::number()));
    }
    let (program, arguments) = argv.split_first()?;
    match (path::base_name(program.value.as_known()?), arguments) {
        ("which", [name]) => place_of(name).map(Printed::Value),
        ("git", _) => names_revision(arguments).then_some(Printed::Name),
        ("whoami" | "arch" | "logname", _) | ("hostname" | "uname", []) => Some(Printed::Name),
        ("uname", [one]) if one.value.as_known() != Some("-a") => Some(Printed::Name),
        _ => None,
    }
}

/// Whether git prints one branch, tag or commit: a name that neither has blanks nor begins with a dash.
fn names_revision(arguments: &[Word]) -> bool {
    let texts: Option<Vec<&str>> = arguments.iter().map(|word| word.value.as_known()).collect();
    let Some(texts) = texts else { return false };
    let texts = match texts.as_slice() {
        ["-C", _, rest @ ..] => rest,
        all => all,
    };
    match texts {
        ["branch", rest @ ..] => rest == ["--show-current"],
        ["rev-parse", rest @ ..] => {
            let of_head = |text: &&str| matches!(*text, "HEAD" | "@" | "main" | "master");
            let plain = |text: &&str| {
                of_head(text)
                    || text.starts_with("--abbrev-ref")
                    || text.starts_with("--short")
                    || *text == "--verify"
                    || *text == "-q"
            };
            rest.iter().filter(|text| of_head(text)).count() == 1 && rest.iter().all(plain)
        }
        ["symbolic-ref", rest @ ..] => rest.contains(&"HEAD"),
        ["describe", ..] => true,
        _ => false,
    }
}

/// `which NAME`, `command -v NAME`: the path of the program of that name.
pub(super) fn place_of(name: &Word) -> Option<Value> {
    let name = name.value.as_known()?;
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    (!name.starts_with('-') && !name.is_empty() && name.bytes().all(plain))
        .then(|| Value::Pattern(format!("{PATH_OF}{name}")))
}

/// Whether the program prints one whole number and nothing else.
fn prints_number(argv: &[Word]) -> bool {
    let Some((program, arguments)) = argv.split_first() else { return false };
    let Some(name) = program.value.as_known().map(path::base_name) else { return false };
    let known = |word: &Word| word.value.as_known().map(str::to_owned);
    let texts = arguments.iter().filter_map(known).collect::<Vec<_>>();
    match name {
        "nproc" | "expr" => true,
        "wc" => {
            arguments.len() == 1
                && texts.iter().all(|text| matches!(text.as_str(), "-l" | "-w" | "-c" | "-m"))
        }
        "date" => texts.iter().any(|text| {
            text.strip_prefix('+').is_some_and(|format| {
                let mut rest = format.replace('%', "");
                rest.retain(|c| !"sNYmdHMSj".contains(c));
                format.starts_with('%') && rest.is_empty()
            })
        }),
        "id" => texts.iter().any(|text| matches!(text.as_str(), "-u" | "-g")),
        "grep" | "rg" => {
            texts.iter().any(|text| text == "-c" || text == "--count") && texts.len() <= 2
        }
        "stat" => {
            texts.iter().any(|text| matches!(text.as_str(), "%s" | "%Y" | "%z" | "%m" | "-f%z"))
        }
        _ => false,
    }
}

/// One file, or the input itself.
fn cat(analyzer: &Analyzer<'_>, frame: &Frame, arguments: &[Word], stdin: &Data) -> Option<Data> {
    let mut files = arguments.iter().filter(|word| {
        !word.value.as_known().is_some_and(|text| text.len() > 1 && text.starts_with('-'))
    });
    let Some(file) = files.next() else { return Some(stdin.clone()) };
    if files.next().is_some() {
        return None;
    }
    if file.value.as_known() == Some("-") {
        return Some(stdin.clone());
    }
    match paths::locate(analyzer, frame, &file.value) {
        Target::Known(path) => Some(match analyzer.written(&path) {
            Some(data) => data.clone(),
            None => Data::File(Value::Known(path)),
        }),
        Target::OneOf(_) | Target::Pattern(_) | Target::Unknown => None,
    }
}

fn lines(text: &str, change: impl Fn(&str) -> String) -> String {
    text.split_inclusive('\n')
        .map(|line| match line.strip_suffix('\n') {
            Some(line) => change(line) + "\n",
            None => change(line),
        })
        .collect()
}

fn decode_base64(text: &str) -> Option<String> {
    let text = text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let padded = format!(
        "{}{}",
        text.trim_end_matches('='),
        match text.trim_end_matches('=').len() % 4 {
            2 => "==",
            3 => "=",
            _ => "",
        }
    );
    String::from_utf8(STANDARD.decode(padded).ok()?).ok()
}

fn hexadecimal(text: &str) -> Option<String> {
    let digits = text.chars().filter_map(|c| c.to_digit(16)).collect::<Vec<_>>();
    let bytes = digits.chunks_exact(2).map(|pair| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Option<Vec<_>>>()?).ok()
}

/// `tr`: sets of characters and ranges.
fn translate(words: &[&str], text: &str) -> Option<String> {
    match words {
        ["-d", set] | ["--delete", set] => {
            let set = char_set(set)?;
            Some(text.chars().filter(|c| !set.contains(c)).collect())
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (char_set(from)?, char_set(to)?);
            let last = *to.last()?;
            let change = |c: char| match from.iter().position(|known| *known == c) {
                Some(at) => to.get(at).copied().unwrap_or(last),
                None => c,
            };
            Some(text.chars().map(change).collect())
        }
        _ => None,
    }
}

fn char_set(set: &str) -> Option<Vec<char>> {
    let named = match set {
        "[:lower:]" => Some("a-z"),
        "[:upper:]" => Some("A-Z"),
        "[:digit:]" => Some("0-9"),
        "[:space:]" => Some(" \t\n"),
        "[:blank:]" => Some(" \t"),
        _ => None,
    };
    let text = super::builtins::unescape(named.unwrap_or(set));
    if text.contains("[:") {
        return None;
    }
    let chars = text.chars().collect::<Vec<_>>();
    let mut set = Vec::new();
    let mut rest = chars.as_slice();
    loop {
        match rest {
            [start, '-', end, after @ ..] if start <= end => {
                set.extend(*start..=*end);
                rest = after;
            }
            [c, after @ ..] => {
                set.push(*c);
                rest = after;
            }
            [] => return Some(set),
        }
    }
}

/// `sed 's/literal/literal/[g]'`.
fn substitute(words: &[&str], text: &str) -> Option<String> {
    let [script] = words else { return None };
    let rest = script.strip_prefix('s')?;
    let delimiter = rest.chars().next()?;
    let mut parts = rest.strip_prefix(delimiter)?.split(delimiter);
    let (from, to, flags) = (parts.next()?, parts.next()?, parts.next()?);
    let special = ['\\', '.', '*', '[', ']', '^', '$', '+', '?', '(', ')', '{', '}', '|'];
    if parts.next().is_some()
        || from.contains(special)
        || to.contains(['\\', '&'])
        || from.is_empty()
    {
        return None;
    }
    match flags {
        "" => Some(lines(text, |line| line.replacen(from, to, 1))),
        "g" => Some(text.replace(from, to)),
        _ => None,
    }
}

fn first_lines(words: &[&str], text: &str) -> Option<String> {
    let count = match words {
        [] => 10,
        ["-n", count] => count.parse().ok()?,
        [flag] => flag.strip_prefix("-n").or_else(|| flag.strip_prefix('-'))?.parse().ok()?,
        _ => return None,
    };
    Some(text.split_inclusive('\n').take(count).collect())
}

/// `cut -cN`, `cut -cN-M`, `cut -d X -f N`.
fn characters(words: &[&str], text: &str) -> Option<String> {
    let range = |range: &str| -> Option<(usize, usize)> {
        match range.split_once('-') {
            None => range.parse().ok().map(|n| (n, n)),
            Some((start, end)) => {
                let start = if start.is_empty() { Some(1) } else { start.parse().ok() };
                let end = if end.is_empty() { Some(usize::MAX) } else { end.parse().ok() };
                Some((start?, end?))
            }
        }
    };
    let joined = words.concat();
    if let Some(chars) = joined.strip_prefix("-c") {
        let (start, end) = range(chars)?;
        let take = end.saturating_sub(start).saturating_add(1);
        return Some(lines(text, |line| {
            line.chars().skip(start.saturating_sub(1)).take(take).collect()
        }));
    }
    let fields = joined.strip_prefix("-d")?;
    let delimiter = fields.chars().next()?;
    let field = fields.strip_prefix(delimiter)?.strip_prefix("-f")?.parse::<usize>().ok()?;
    Some(lines(text, |line| {
        if !line.contains(delimiter) {
            return line.to_owned();
        }
        line.split(delimiter).nth(field.saturating_sub(1)).unwrap_or_default().to_owned()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_do_what_the_programs_do() {
        assert_eq!(decode_base64("cm0gWAo=\n").unwrap(), "rm X\n");
        assert_eq!(hexadecimal("726d2058\n").unwrap(), "rm X");
        assert_eq!(translate(&["a-z", "n-za-m"], "ez K").unwrap(), "rm K");
        assert_eq!(translate(&["-d", "x"], "rxm").unwrap(), "rm");
        assert_eq!(substitute(&["s/a/r/"], "am\nam\n").unwrap(), "rm\nrm\n");
        assert_eq!(substitute(&["s/./r/"], "am"), None);
        assert_eq!(characters(&["-d:", "-f2"], "a:rm\n").unwrap(), "rm\n");
        assert_eq!(characters(&["-c2-3"], "xrm").unwrap(), "rm");
    }
}
