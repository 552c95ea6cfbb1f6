//! cmd.exe: commands in a row, word by word; everything else of its language is opaque.

use ringfence_action::{Attr, Effect, EffectKind, OpaqueReason};

use crate::context::{Analyzer, Frame};
use crate::invocation::{Data, Invocation};
use crate::paths;
use crate::value::{Span, Value, Word};

/// Words that begin what is more than a command.
const SYNTAX: &[&str] = &["if", "for", "goto", "setlocal", "shift", "exit"];

/// Commands of the processor itself, with the program of the catalogue that does the same.
const BUILTINS: &[(&str, &str)] = &[
    ("type", "get-content"),
    ("copy", "copy-item"),
    ("xcopy", "copy-item"),
    ("move", "move-item"),
    ("ren", "move-item"),
    ("rename", "move-item"),
    ("md", "new-item"),
    ("mkdir", "new-item"),
    ("dir", "get-childitem"),
    ("echo", "get-childitem"),
    ("set", "get-childitem"),
    ("ver", "get-childitem"),
    ("vol", "get-childitem"),
    ("title", "get-childitem"),
    ("cls", "get-childitem"),
    ("rem", "get-childitem"),
    ("mklink", "new-item"),
];

/// Reads a line or a batch file, recording its effects.
pub(super) fn analyze(analyzer: &mut Analyzer<'_>, frame: &Frame, code: &str) {
    let mut frame = frame.clone();
    for (start, line) in commands(code) {
        let span = Span::new(start, start + line.len());
        if !analyzer.step(&frame, span) {
            return;
        }
        command(analyzer, &mut frame, line, span);
    }
}

/// The commands of a text: cut at newlines, `&`, `|` and brackets outside quotes.
fn commands(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut in_quotes, mut escaped) = (0, false, false);
    for (at, c) in code.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '^' if !in_quotes => escaped = true,
            '"' => in_quotes = !in_quotes,
            '\n' => {
                in_quotes = false;
                found.push((start, code.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            '&' | '|' | '(' | ')' if !in_quotes => {
                found.push((start, code.get(start..at).unwrap_or_default()));
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push((start, code.get(start..).unwrap_or_default()));
    found.retain(|(_, line)| !line.trim().is_empty());
    found
}

fn command(analyzer: &mut Analyzer<'_>, frame: &mut Frame, line: &str, span: Span) {
    let (words, files) = words(line.trim().trim_start_matches('@'));
    for (path, append) in files {
        if path.as_known().is_none_or(|path| !path.eq_ignore_ascii_case("nul")) {
            let attributes = [(Attr::By, "cmd".into()), (Attr::Append, append.into())];
            paths::effect(analyzer, frame, span, EffectKind::Write, &path, &attributes);
        }
    }
    let Some(first) = words.first() else { return };
    let name = first.as_known().map(str::to_lowercase).unwrap_or_default();
    if SYNTAX.contains(&name.as_str()) {
        let detail = format!("`{name}` of the windows command processor");
        analyzer.opaque(frame, span, OpaqueReason::UnsupportedSyntax, detail);
        // What stands in it is looked at all the same.
        if let Some(at) = line.to_lowercase().find(" do ") {
            let rest = line.get(at + 4..).unwrap_or_default();
            command(analyzer, frame, rest, span);
        }
        return;
    }
    match name.as_str() {
        "cd" | "chdir" | "pushd" => {
            let target = words.iter().skip(1).find(|word| word.as_known() != Some("/d"));
            let target = target.map(|path| paths::locate(analyzer, frame, path));
            frame.cwd = target
                .and_then(|target| target.as_known().map(Value::known))
                .unwrap_or(Value::Unknown);
        }
        "call" | "start" => {
            let rest = words.iter().skip(1).filter(|word| {
                word.as_known().is_none_or(|word| !word.is_empty() && !word.starts_with('/'))
            });
            run(analyzer, frame, rest.cloned().collect(), span);
        }
        "del" | "erase" | "rd" | "rmdir" => delete(analyzer, frame, &words, span),
        name => {
            let builtin = BUILTINS.iter().find(|(builtin, _)| *builtin == name);
            let mut words = words.clone();
            if let (Some((_, program)), Some(first)) = (builtin, words.first_mut()) {
                *first = Value::known(*program);
                words.retain(|word| word.as_known().is_none_or(|word| !word.starts_with('/')));
            }
            run(analyzer, frame, words, span);
        }
    }
}

fn delete(analyzer: &mut Analyzer<'_>, frame: &Frame, words: &[Value], span: Span) {
    let switch = |letter: &str| {
        words.iter().any(|word| word.as_known().is_some_and(|it| it.eq_ignore_ascii_case(letter)))
    };
    let attributes = [
        (Attr::By, "cmd".into()),
        (Attr::Recursive, switch("/s").into()),
        (Attr::Force, (switch("/q") || switch("/f")).into()),
    ];
    let exec = Effect::new(
        EffectKind::Exec,
        words.first().map_or(Value::Unknown, Clone::clone).to_target(),
    )
    .with(Attr::By, "del");
    analyzer.effect(frame, span, exec);
    for path in words.iter().skip(1) {
        if path.as_known().is_none_or(|path| !path.starts_with('/')) {
            paths::effect(analyzer, frame, span, EffectKind::Delete, path, &attributes);
        }
    }
}

fn run(analyzer: &mut Analyzer<'_>, frame: &Frame, words: Vec<Value>, span: Span) {
    if words.is_empty() {
        return;
    }
    let argv = words.into_iter().map(|value| Word::new(value, span)).collect();
    let invocation = Invocation { argv, env: Vec::new(), stdin: Data::Unknown, stdout_shown: true };
    analyzer.run(frame, &invocation);
}

/// The words of a command, and the files that it is redirected to, each with whether it is appended to.
fn words(line: &str) -> (Vec<Value>, Vec<(Value, bool)>) {
    let (mut words, mut files) = (Vec::new(), Vec::new());
    let mut current: Option<String> = None;
    // Where the next word goes: `Some(append)` into a file.
    let mut redirected: Option<bool> = None;
    let mut in_quotes = false;
    let mut chars = line.chars().peekable();
    let mut finish = |current: &mut Option<String>, redirected: &mut Option<bool>| {
        if let Some(word) = current.take() {
            match redirected.take() {
                Some(append) => files.push((value(&word), append)),
                None => words.push(value(&word)),
            }
        }
    };
    while let Some(c) = chars.next() {
        match c {
            '^' if !in_quotes => current.get_or_insert_default().extend(chars.next()),
            '"' => {
                in_quotes = !in_quotes;
                current.get_or_insert_default();
            }
            '>' | '<' if !in_quotes => {
                // `2>file`
                if current
                    .as_deref()
                    .is_some_and(|word| word.len() == 1 && word.chars().all(|c| c.is_ascii_digit()))
                {
                    current = None;
                }
                finish(&mut current, &mut redirected);
                let append = chars.next_if_eq(&'>').is_some();
                if c == '>' && chars.next_if_eq(&'&').is_none() {
                    redirected = Some(append);
                }
            }
            c if c.is_whitespace() && !in_quotes => finish(&mut current, &mut redirected),
            c => current.get_or_insert_default().push(c),
        }
    }
    finish(&mut current, &mut redirected);
    (words, files)
}

/// A word; `%NAME%` and `!NAME!` leave it open.
fn value(word: &str) -> Value {
    let mut parts = word.split(['%', '!']);
    let first = parts.next().unwrap_or_default();
    let mut value = Value::known(first);
    for (index, part) in parts.enumerate() {
        value = match index % 2 {
            0 => value.concat(&Value::Unknown),
            _ => value.concat(&Value::known(part)),
        };
    }
    value
}

#[cfg(test)]
mod tests {
    use super::super::tests::expect;

    fn cmd(code: &str, wanted: &[&str]) {
        expect("cmd", code, wanted);
    }

    #[test]
    fn commands_in_a_row_are_read() {
        cmd(
            "rd /s /q build & git push -f",
            &["delete /home/u/proj/build recursive force", "exec git", "!opaque"],
        );
        cmd("npm install x && del \"a.txt\"", &["package x", "delete /home/u/proj/a.txt"]);
        cmd(
            "type .env > out.txt 2>nul",
            &["read /home/u/proj/.env", "write /home/u/proj/out.txt", "!write /home/u/proj/nul"],
        );
        cmd("cd sub\r\ndel x", &["delete /home/u/proj/sub/x"]);
        cmd("echo del x", &["!delete"]);
        cmd("d^el x", &["delete /home/u/proj/x"]);
    }

    #[test]
    fn the_rest_of_the_language_is_opaque() {
        cmd("if exist x del x", &["opaque unsupported_syntax"]);
        cmd("for %%f in (*.txt) do del %%f", &["opaque unsupported_syntax"]);
        cmd("%PROG% x", &["opaque dynamic_program"]);
        cmd("del %DIR%\\x", &["delete _"]);
    }
}
