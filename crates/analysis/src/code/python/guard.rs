//! A bound on how deep a program's tree can be, before it is parsed: the parser, the walk and the drop
//! of the tree all recurse.

/// Tokens on the path from the top to the deepest expression.
const MAX: usize = 500;

/// Whether no expression is nested so deep that reading it would be a risk.
pub(super) fn is_shallow(code: &str) -> bool {
    // Strings within strings within strings.
    let nested_strings = ["{f\"", "{f'", "{rf", "{fr", "{t\"", "{t'"];
    if nested_strings.iter().map(|opener| code.matches(opener).count()).sum::<usize>() > 100 {
        return false;
    }
    // Tokens since the last comma, for every bracket that is open.
    let mut levels: Vec<usize> = vec![0];
    let mut chars = code.chars().peekable();
    let mut in_word = false;
    let mut deepest = 0;
    while let Some(c) = chars.next() {
        let word = c.is_alphanumeric() || c == '_';
        let starts_word = word && !in_word;
        in_word = word;
        match c {
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            '"' | '\'' => {
                skip_string(&mut chars, c);
                bump(&mut levels);
            }
            '(' | '[' | '{' => {
                bump(&mut levels);
                levels.push(0);
            }
            ')' | ']' | '}' if levels.len() > 1 => {
                levels.pop();
            }
            ',' | ';' => reset(&mut levels),
            '\n' if levels.len() == 1 => reset(&mut levels),
            c if c.is_whitespace() => {}
            _ if starts_word || !word => bump(&mut levels),
            _ => {}
        }
        if starts_word || !word {
            deepest = deepest.max(levels.iter().sum());
        }
        if deepest > MAX {
            return false;
        }
    }
    true
}

/// Without one of these no program reaches out of itself, whatever the version of its language.
const WORDS: &[&str] = &[
    "os",
    "posix",
    "nt",
    "sys",
    "subprocess",
    "commands",
    "popen2",
    "shutil",
    "pathlib",
    "socket",
    "open",
    "file",
    "exec",
    "eval",
    "execfile",
    "compile",
    "input",
    "urllib",
    "urllib2",
    "httplib",
    "http",
    "requests",
    "httpx",
    "ctypes",
    "cffi",
    "pty",
    "pickle",
    "cPickle",
    "marshal",
    "runpy",
    "importlib",
    "imp",
    "getattr",
    "globals",
    "locals",
    "vars",
    "builtins",
    "signal",
    "ftplib",
    "smtplib",
    "telnetlib",
    "paramiko",
    "tempfile",
    "io",
    "codecs",
    "pip",
    "asyncio",
    "multiprocessing",
    "platform",
    "glob",
];

/// Whether a program that does not parse could do anything at all if some other version of the language
/// read it. Most that do not parse are only slips, and never run.
pub(super) fn could_act(code: &str) -> bool {
    code.contains("__")
        || code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| WORDS.contains(&word))
}

fn bump(levels: &mut [usize]) {
    if let Some(top) = levels.last_mut() {
        *top += 1;
    }
}

fn reset(levels: &mut [usize]) {
    if let Some(top) = levels.last_mut() {
        *top = 0;
    }
}

fn skip_string(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, quote: char) {
    let mut opened = 1;
    while opened < 3 && chars.next_if_eq(&quote).is_some() {
        opened += 1;
    }
    if opened == 2 {
        return;
    }
    let mut closing = 0;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
                closing = 0;
            }
            c if c == quote => {
                closing += 1;
                if closing == opened {
                    return;
                }
            }
            '\n' if opened == 1 => return,
            _ => closing = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_shallow;

    #[test]
    fn depth_is_bounded_before_anything_recurses() {
        for deep in [
            "(".repeat(30_000),
            "1+".repeat(30_000),
            "not ".repeat(15_000),
            "a.b()".repeat(10_000),
            format!("x = {}1", "lambda: ".repeat(8_000)),
            format!("({}", "a\n+".repeat(9_000)),
        ] {
            assert!(!is_shallow(&deep));
        }
    }

    #[test]
    fn ordinary_programs_pass() {
        let rows = "    (\"name\", 'it''s', [1, 2, {\"a\": 3}]),\n".repeat(1_000);
        assert!(is_shallow(&format!("rows = [\n{rows}]\n")));
        assert!(is_shallow(&"print('a' + b)  # ((((\nx = '''\n((((\n'''\n".repeat(500)));
    }
}
