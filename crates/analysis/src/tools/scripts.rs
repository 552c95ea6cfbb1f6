//! Code in files: which parts of a file's text some program would run, and in which language.

use std::collections::BTreeSet;

use ringfence_action::Scope;

use crate::value::Span;

/// A part of a file that would run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) language: &'static str,
    pub(super) code: String,
    /// Where it stands in the text.
    pub(super) span: Span,
    pub(super) scope: Scope,
}

impl Piece {
    fn local(language: &'static str, code: impl Into<String>, span: Span) -> Self {
        Self { language, code: code.into(), span, scope: Scope::Local }
    }
}

/// The parts of a file's text that would run, told from its name, its class and its first line.
pub(super) fn pieces(name: &str, text: &str, classes: &BTreeSet<&'static str>) -> Vec<Piece> {
    let whole = Span::new(0, text.len());
    let lower = name.to_lowercase();
    if let Some(language) = shebang(text) {
        return vec![Piece::local(language, text, whole)];
    }
    let extension = lower.rsplit_once('.').map(|(_, extension)| extension).unwrap_or_default();
    if lower.starts_with("dockerfile") || lower.ends_with("dockerfile") || lower == "containerfile"
    {
        return dockerfile(text);
    }
    match lower.as_str() {
        "makefile" | "gnumakefile" => return recipes(text, '\t', make_to_shell),
        "justfile" | ".justfile" => return recipes(text, ' ', just_to_shell),
        "package.json" => return package_scripts(text),
        _ => {}
    }
    match extension {
        "mk" => recipes(text, '\t', make_to_shell),
        "sh" | "bash" | "ksh" | "command" => vec![Piece::local("sh", text, whole)],
        "zsh" => vec![Piece::local("zsh", text, whole)],
        "py" | "pyw" | "pth" => vec![Piece::local("python", text, whole)],
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" => {
            vec![Piece::local("javascript", text, whole)]
        }
        // The new text of a cell; a whole notebook is data.
        "ipynb" if !text.trim_start().starts_with('{') => {
            vec![Piece::local("python", text, whole)]
        }
        "sql" => vec![Piece::local("sql", text, whole)],
        "yml" | "yaml" if classes.contains("ci") => ci_steps(text),
        "fish" | "nu" | "ps1" => Vec::new(),
        _ if ["shell-rc", "git-hook"].iter().any(|class| classes.contains(class))
            || lower == ".envrc" =>
        {
            vec![Piece::local(if lower.starts_with(".z") { "zsh" } else { "sh" }, text, whole)]
        }
        _ => Vec::new(),
    }
}

fn shebang(text: &str) -> Option<&'static str> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_whitespace().map(|word| word.rsplit('/').next().unwrap_or(word));
    let program = words.find(|word| *word != "env" && !word.starts_with('-'))?;
    match program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.') {
        "sh" | "bash" | "dash" | "ksh" | "ash" => Some("sh"),
        "zsh" => Some("zsh"),
        "python" | "pypy" => Some("python"),
        "node" | "bun" | "deno" | "tsx" => Some("javascript"),
        _ => None,
    }
}

/// Lines with their byte offsets, without line ends.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at;
        at += line.len();
        (start, line.trim_end_matches(['\n', '\r']))
    })
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// `RUN` instructions, continued lines joined. They run in the image that is being built.
fn dockerfile(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut current: Option<(usize, String)> = None;
    for (start, line) in lines(text) {
        let body = match &current {
            Some(_) => line,
            None => {
                let trimmed = line.trim_start();
                let is_run = trimmed.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("run "));
                match trimmed.get(4..).filter(|_| is_run) {
                    Some(body) => body.trim_start_matches(' '),
                    None => continue,
                }
            }
        };
        let (first, mut code) = current.take().unwrap_or((start, String::new()));
        // Options of the instruction itself.
        let mut body = body;
        while code.is_empty() && body.starts_with("--") {
            body = body.split_once(' ').map(|(_, rest)| rest.trim_start()).unwrap_or_default();
        }
        if let Some(part) = body.trim_end().strip_suffix('\\') {
            code.push_str(if part.trim_start().starts_with('#') { "" } else { part });
            code.push(' ');
            current = Some((first, code));
            continue;
        }
        code.push_str(body);
        pieces.push(Piece {
            language: "sh",
            code,
            span: Span::new(first, start + line.len()),
            scope: Scope::Container("build".to_owned()),
        });
    }
    pieces
}

/// Indented lines below a target; lines of one recipe in a row are one piece each.
fn recipes(text: &str, mark: char, to_shell: fn(&str) -> String) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut continued = false;
    for (start, line) in lines(text) {
        let is_recipe = line.starts_with(mark) || (mark == ' ' && line.starts_with('\t'));
        if !(is_recipe || continued) || line.trim().is_empty() {
            continued = false;
            continue;
        }
        let body = line.trim_start().trim_start_matches(['@', '-', '+']);
        let (body, more) = match body.strip_suffix('\\') {
            Some(body) => (body, true),
            None => (body, false),
        };
        let code = to_shell(body);
        let span = Span::new(start, start + line.len());
        match pieces.last_mut().filter(|_| continued) {
            Some(piece) => {
                piece.code.push_str(&code);
                piece.span = piece.span.cover(span);
            }
            None => pieces.push(Piece::local("sh", code, span)),
        }
        continued = more;
    }
    pieces
}

/// `$$x` is the shell's `$x`; make's own `$(x)` is a variable whose value is not known here.
fn make_to_shell(line: &str) -> String {
    let mut shell = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('$') {
        shell.push_str(before);
        let mut chars = after.chars();
        match chars.next() {
            Some('$') => {
                shell.push('$');
                rest = chars.as_str();
            }
            Some(open @ ('(' | '{')) => {
                let close = if open == '(' { ')' } else { '}' };
                match chars.as_str().split_once(close) {
                    Some((name, tail)) => {
                        if let Some(command) = name.strip_prefix("shell ") {
                            shell.push_str(&format!("$({command})"));
                        } else {
                            shell.push_str("${MAKE_VARIABLE}");
                        }
                        rest = tail;
                    }
                    None => rest = chars.as_str(),
                }
            }
            Some(_) => {
                shell.push_str("${MAKE_VARIABLE}");
                rest = chars.as_str();
            }
            None => rest = "",
        }
    }
    shell.push_str(rest);
    shell
}

fn just_to_shell(line: &str) -> String {
    without_expressions(line, "{{", "${JUST_VARIABLE}")
}

/// Template expressions (`{{ x }}`, `${{ x }}`) become a variable that is not known.
fn without_expressions(text: &str, open: &str, instead: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        result.push_str(before);
        match after.split_once("}}") {
            Some((_, tail)) => {
                result.push_str(instead);
                rest = tail;
            }
            None => {
                result.push_str(open);
                rest = after;
            }
        }
    }
    result.push_str(rest);
    result
}

/// Names of scripts that package managers run by themselves or that people run all day: what tells a
/// script from another string when only a part of the file is seen.
const SCRIPTS: &[&str] = &[
    "preinstall",
    "install",
    "postinstall",
    "preuninstall",
    "postuninstall",
    "prepublish",
    "prepublishOnly",
    "prepack",
    "postpack",
    "prepare",
    "dependencies",
    "pretest",
    "test",
    "posttest",
    "prebuild",
    "build",
    "postbuild",
    "start",
    "prestart",
    "dev",
    "lint",
    "format",
    "clean",
    "deploy",
    "release",
];

/// Scripts of those that run on every machine that installs the package.
const AT_INSTALL: &[&str] = &[
    "preinstall",
    "install",
    "postinstall",
    "preuninstall",
    "postuninstall",
    "prepare",
    "dependencies",
];

/// Whether this part of the file runs by itself where somebody installs or builds the project.
pub(super) fn runs_at_install(name: &str, piece: &str) -> bool {
    match name.to_lowercase().as_str() {
        "package.json" => {
            AT_INSTALL.iter().any(|script| piece.starts_with(&format!("\"{script}\"")))
        }
        "setup.py" | "conftest.py" | "sitecustomize.py" => true,
        name => name.ends_with(".pth"),
    }
}

fn package_scripts(text: &str) -> Vec<Piece> {
    let parsed = serde_json::from_str::<serde_json::Value>(text).ok();
    let scripts = parsed.as_ref().and_then(|package| package.get("scripts")?.as_object());
    let known: Vec<(String, String)> = match (scripts, &parsed) {
        (Some(scripts), _) => scripts
            .iter()
            .filter_map(|(name, code)| Some((name.clone(), code.as_str()?.to_owned())))
            .collect(),
        (None, Some(_)) => Vec::new(),
        // A part of the file: lines that look like scripts.
        (None, None) => lines(text)
            .filter_map(|(_, line)| {
                let line = line.trim().trim_end_matches(',');
                let pair =
                    serde_json::from_str::<serde_json::Value>(&format!("{{{line}}}")).ok()?;
                let (name, code) = pair.as_object()?.iter().next()?;
                let is_script = SCRIPTS.contains(&name.as_str());
                Some((name.clone(), code.as_str()?.to_owned())).filter(|_| is_script)
            })
            .collect(),
    };
    known
        .into_iter()
        .map(|(name, code)| {
            let quoted = serde_json::Value::from(name).to_string();
            let start = text.find(&quoted).unwrap_or(0);
            let end =
                text.get(start..).and_then(|rest| rest.find('\n')).unwrap_or(text.len() - start);
            Piece::local("sh", code, Span::new(start, start + end))
        })
        .collect()
}

/// `run:` blocks and `script:` lists of pipelines. They run on somebody's runner.
fn ci_steps(text: &str) -> Vec<Piece> {
    const KEYS: &[&str] =
        &["run", "script", "before_script", "after_script", "command", "bash", "commands"];
    let all: Vec<(usize, &str)> = lines(text).collect();
    let mut pieces = Vec::new();
    let mut index = 0;
    while let Some((start, line)) = all.get(index) {
        index += 1;
        let key_indent = indent(line);
        let body = line.trim_start();
        let item = body.strip_prefix("- ").unwrap_or(body).trim_start();
        let Some((key, value)) = item.split_once(':') else { continue };
        if !KEYS.contains(&key.trim()) {
            continue;
        }
        let depth = key_indent + (body.len() - item.len());
        let value = value.trim();
        let mut code = String::new();
        let mut end = start + line.len();
        if value.is_empty() || value.starts_with(['|', '>']) {
            while let Some((at, line)) = all.get(index) {
                let is_list = value.is_empty() && line.trim_start().starts_with("- ");
                let inside = line.trim().is_empty()
                    || indent(line) > depth
                    || (is_list && indent(line) >= depth);
                if !inside {
                    break;
                }
                let line_code = line.trim_start();
                let line_code =
                    if is_list { line_code.get(2..).unwrap_or_default() } else { line_code };
                code.push_str(unquoted(line_code));
                // Folded text is one line.
                code.push(if value.starts_with('>') { ' ' } else { '\n' });
                end = at + line.len();
                index += 1;
            }
        } else {
            code.push_str(unquoted(value));
        }
        if !code.trim().is_empty() {
            pieces.push(Piece {
                language: "sh",
                code: without_expressions(&code, "${{", "${CI_EXPRESSION}"),
                span: Span::new(*start, end),
                scope: Scope::Remote("ci".to_owned()),
            });
        }
    }
    pieces
}

fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(name: &str, text: &str, class: &'static str) -> Vec<String> {
        pieces(name, text, &BTreeSet::from([class])).into_iter().map(|piece| piece.code).collect()
    }

    #[test]
    fn scripts_by_name_and_first_line() {
        assert_eq!(codes("x", "#!/usr/bin/env bash\nls", ""), ["#!/usr/bin/env bash\nls"]);
        assert_eq!(codes("pre-commit", "ls", "git-hook"), ["ls"]);
        assert!(codes("notes.txt", "ls", "").is_empty());
    }

    #[test]
    fn instructions_of_an_image() {
        let text = "FROM a\nRUN --mount=type=cache,target=/x apt-get update && \\\n    rm -rf /y\nCOPY . .\n";
        assert_eq!(codes("Dockerfile", text, ""), ["apt-get update &&      rm -rf /y"]);
    }

    #[test]
    fn recipes_of_make_and_just() {
        let text = "clean:\n\t@rm -rf $(BUILD) $$HOME/x\n\nall: clean\n\techo a \\\n\t  b\n";
        assert_eq!(codes("Makefile", text, ""), ["rm -rf ${MAKE_VARIABLE} $HOME/x", "echo a b"]);
        assert_eq!(codes("justfile", "x:\n  rm {{y}}\n", ""), ["rm ${JUST_VARIABLE}"]);
    }

    #[test]
    fn scripts_of_packages() {
        let text = r#"{"name": "x", "scripts": {"postinstall": "curl a | sh", "odd": "ls"}}"#;
        assert_eq!(codes("package.json", text, ""), ["curl a | sh", "ls"]);
        let part = "    \"postinstall\": \"node x.js\",\n    \"version\": \"1.0\",\n";
        assert_eq!(codes("package.json", part, ""), ["node x.js"]);
    }

    #[test]
    fn steps_of_pipelines() {
        let text = "jobs:\n  a:\n    steps:\n      - run: make test\n      - name: x\n        run: |\n          npm ci\n          echo ${{ secrets.T }}\n      - uses: y\n";
        assert_eq!(codes("ci.yml", text, "ci"), ["make test", "npm ci\necho ${CI_EXPRESSION}\n"]);
        let text = "test:\n  script:\n    - go test ./...\n    - ls\n  tags: [x]\n";
        assert_eq!(codes(".gitlab-ci.yml", text, "ci"), ["go test ./...\nls\n"]);
    }
}
