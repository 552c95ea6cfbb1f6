//! Recipes of a Makefile.
//!
//! Enough of make to know which commands a goal runs: explicit and pattern rules, variables with
//! every value they are ever given, included files. Both branches of a conditional are taken. A
//! value that make would compute by other means than text is unknown to the shell code it goes into.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_action::{Dialect, OpaqueReason};

use super::{TaskFile, UNKNOWN, shell_dialect};
use crate::argv::grammar;
use crate::argv::rules::Subject;
use crate::context::Analyzer;
use crate::invocation::Data;
use crate::paths;
use crate::shell;
use crate::value::{Value, Word};

const NAMES: &[&str] = &["Makefile", "GNUmakefile", "makefile"];

/// Files within files, and variables within variables, that are followed.
const MAX_DEPTH: usize = 10;

/// `make TARGET`: the recipe of the target and of what it depends on.
pub(in crate::argv::handlers) fn make_recipe(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    let span = subject.invocation.span();
    for assignment in subject.parsed.all("assignments") {
        if let Some((name, value)) = grammar::assignment(assignment)
            && shell::is_tool(&name)
        {
            shell::started_with(analyzer, subject.frame, &name, &value, assignment.span);
        }
    }
    let goals: Vec<Word> = subject.parsed.all("targets").cloned().collect();
    let all = Word::known("", span);
    let name = goals.first().unwrap_or(&all);
    let given = subject.parsed.last("file").and_then(|word| word.value.as_known());
    let names = given.map_or(NAMES.to_vec(), |file| vec![file]);
    let Some(mut file) = TaskFile::find(analyzer, subject, &names, name) else {
        if given == Some("-") && !matches!(subject.invocation.stdin, Data::Text(..)) {
            analyzer.opaque(subject.frame, span, OpaqueReason::StdinCode, "a makefile");
        }
        return;
    };
    file.span = span;
    let mut makefile = Makefile::default();
    for assignment in subject.parsed.all("assignments") {
        if let Some((name, value)) = assignment.value.as_known().and_then(|it| it.split_once('=')) {
            let name = name.trim_end_matches([':', '?', '+']);
            makefile.given.insert(name.to_owned(), value.to_owned());
        }
    }
    makefile.read(analyzer, &file, &file.content, 0);
    if goals.iter().any(|goal| goal.value.as_known().is_none()) {
        let detail = "which target is computed";
        analyzer.opaque(&file.frame, span, OpaqueReason::DynamicCode, detail);
    }
    let goals: Vec<String> =
        goals.iter().filter_map(|goal| goal.value.as_known().map(str::to_owned)).collect();
    if !subject.parsed.given("shown") {
        makefile.run(analyzer, &file, goals);
    }
}

#[derive(Default)]
struct Makefile {
    rules: Vec<Rule>,
    /// Every value that each variable is ever given, unexpanded.
    variables: BTreeMap<String, BTreeSet<String>>,
    /// Variables from the command line: they win.
    given: BTreeMap<String, String>,
    one_shell: bool,
}

struct Rule {
    target: String,
    needs: Vec<String>,
    recipe: Vec<String>,
}

/// What the automatic variables of a recipe stand for.
struct Automatic<'r> {
    target: &'r str,
    needs: &'r [String],
    /// What `%` stood for.
    stem: &'r str,
}

impl Makefile {
    fn read(&mut self, analyzer: &mut Analyzer<'_>, file: &TaskFile, text: &str, depth: usize) {
        // How many rules the next line of a recipe belongs to.
        let mut open = 0;
        let mut in_definition = false;
        for line in text.replace("\\\n", " ").lines() {
            if !analyzer.step(&file.frame, file.span) {
                return;
            }
            if in_definition {
                in_definition = line.trim() != "endef";
                continue;
            }
            if let Some(recipe) = line.strip_prefix('\t') {
                let count = self.rules.len();
                for rule in self.rules.iter_mut().skip(count - open.min(count)) {
                    rule.recipe.push(recipe.trim().to_owned());
                }
                continue;
            }
            let line = without_comment(line).trim();
            let words = line.trim_start_matches("export ").trim_start_matches("override ");
            let first = line.split_whitespace().next().unwrap_or_default();
            match first {
                "" | "ifeq" | "ifneq" | "ifdef" | "ifndef" | "else" | "endif" | "vpath"
                | "unexport" | "undefine" => self.evaluate_now(analyzer, file, line),
                "define" => {
                    let name = line.split_whitespace().nth(1).unwrap_or_default();
                    self.assign(name, UNKNOWN);
                    in_definition = true;
                }
                "include" | "-include" | "sinclude" => {
                    self.evaluate_now(analyzer, file, line);
                    self.include(analyzer, file, line, depth);
                }
                _ if let Some((name, operator, value)) = assignment(words) => {
                    if matches!(operator, ":=" | "::=" | "!=") {
                        self.evaluate_now(analyzer, file, value);
                    }
                    match operator {
                        "!=" => {
                            file.shell(analyzer, &self.expand(value, None, 0), Dialect::Posix);
                            self.assign(name, UNKNOWN);
                        }
                        "+=" => self.append(name, value),
                        _ => self.assign(name, value),
                    }
                }
                _ => open = self.rule(analyzer, file, line),
            }
        }
    }

    fn assign(&mut self, name: &str, value: &str) {
        self.variables.entry(name.to_owned()).or_default().insert(value.trim().to_owned());
    }

    fn append(&mut self, name: &str, value: &str) {
        let old = self.variables.entry(name.to_owned()).or_default();
        *old = match old.len() {
            0 => [value.trim().to_owned()].into(),
            1 => old.iter().map(|old| format!("{old} {}", value.trim())).collect(),
            _ => [UNKNOWN.to_owned()].into(),
        };
    }

    /// A rule's head. Returns how many rules the recipe that follows belongs to.
    fn rule(&mut self, analyzer: &mut Analyzer<'_>, file: &TaskFile, line: &str) -> usize {
        self.evaluate_now(analyzer, file, line);
        let Some((targets, rest)) = line.split_once(':') else { return 0 };
        let rest = rest.trim_start_matches(':');
        // A variable for one target only: one more value that it may have.
        if let Some((name, _, value)) = assignment(rest.trim()) {
            self.assign(name, value);
            return 0;
        }
        let (needs, recipe) = match rest.split_once(';') {
            Some((needs, recipe)) => (needs, Some(recipe.trim().to_owned())),
            None => (rest, None),
        };
        // `targets: pattern: needs` is a static pattern rule.
        let needs = needs.split_once(':').map_or(needs, |(_, needs)| needs);
        let words = |text: &str| -> Vec<String> {
            let text = self.expand(text, None, 0);
            text.split_whitespace().filter(|word| *word != "|").map(str::to_owned).collect()
        };
        let (targets, needs) = (words(targets), words(needs));
        self.one_shell |= targets.iter().any(|target| target == ".ONESHELL");
        for target in &targets {
            self.rules.push(Rule {
                target: target.clone(),
                needs: needs.clone(),
                recipe: recipe.clone().into_iter().collect(),
            });
        }
        targets.len()
    }

    fn include(&mut self, analyzer: &mut Analyzer<'_>, file: &TaskFile, line: &str, depth: usize) {
        if depth >= MAX_DEPTH {
            return;
        }
        let names = self.expand(line, None, 0);
        for name in names.split_whitespace().skip(1) {
            let target = paths::locate(analyzer, &file.frame, &Value::known(name));
            let content = target.as_known().and_then(|path| analyzer.file(path));
            if let Some(content) = content {
                self.read(analyzer, file, &content, depth + 1);
            }
        }
    }

    /// What is run while the file is read: `$(shell …)` outside recipes.
    fn evaluate_now(&self, analyzer: &mut Analyzer<'_>, file: &TaskFile, text: &str) {
        if text.contains("shell ") {
            for code in substitutions(&self.expand(text, None, 0)) {
                file.shell(analyzer, &code, Dialect::Posix);
            }
        }
    }

    fn run(&self, analyzer: &mut Analyzer<'_>, file: &TaskFile, goals: Vec<String>) {
        let default = self.rules.iter().map(|rule| &rule.target);
        let default = default.filter(|target| !target.starts_with('.') && !target.contains('%'));
        let mut pending: Vec<String> = match goals.is_empty() {
            true => default.take(1).cloned().collect(),
            false => goals,
        };
        let shell = self.value("SHELL").unwrap_or_else(|| "/bin/sh".to_owned());
        let Some(dialect) = shell_dialect(&shell) else {
            let detail = "make is given a shell of its own";
            return analyzer.opaque(&file.frame, file.span, OpaqueReason::EnvironmentCode, detail);
        };
        let mut done: BTreeSet<String> = BTreeSet::new();
        while let Some(goal) = pending.pop() {
            if !done.insert(goal.clone()) || !analyzer.step(&file.frame, file.span) {
                continue;
            }
            for rule in &self.rules {
                let Some(stem) = matched(&rule.target, &goal) else { continue };
                let needs: Vec<String> =
                    rule.needs.iter().map(|need| need.replace('%', stem)).collect();
                let automatic = Automatic { target: &goal, needs: &needs, stem };
                self.recipe(analyzer, file, rule, &automatic, dialect);
                pending.extend(needs);
            }
        }
    }

    fn recipe(
        &self,
        analyzer: &mut Analyzer<'_>,
        file: &TaskFile,
        rule: &Rule,
        automatic: &Automatic<'_>,
        dialect: Dialect,
    ) {
        let lines = rule.recipe.iter().map(|line| {
            self.expand(line, Some(automatic), 0)
                .trim_start_matches(['@', '-', '+', ' '])
                .to_owned()
        });
        if self.one_shell {
            return file.shell(analyzer, &lines.collect::<Vec<_>>().join("\n"), dialect);
        }
        for line in lines {
            file.shell(analyzer, &line, dialect);
        }
    }

    /// The value of a variable, if it has just one.
    fn value(&self, name: &str) -> Option<String> {
        if let Some(given) = self.given.get(name) {
            return Some(given.clone());
        }
        let all = self.variables.get(name)?;
        Some(if all.len() == 1 { all.first()?.clone() } else { UNKNOWN.to_owned() })
    }

    /// Text with its references replaced.
    fn expand(&self, text: &str, automatic: Option<&Automatic<'_>>, depth: usize) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let (reference, tail) = reference(after);
            rest = tail;
            match reference {
                Reference::Dollar => expanded.push('$'),
                Reference::Named(name) => {
                    expanded.push_str(&self.reference(name, automatic, depth));
                }
            }
            // What doubles and doubles is not put together.
            if expanded.len() > crate::context::limits::CODE_BYTES {
                return UNKNOWN.to_owned();
            }
        }
        expanded.push_str(rest);
        expanded
    }

    fn reference(&self, name: &str, automatic: Option<&Automatic<'_>>, depth: usize) -> String {
        if depth >= MAX_DEPTH {
            return UNKNOWN.to_owned();
        }
        match (name, automatic) {
            ("@", Some(it)) => return it.target.to_owned(),
            ("<", Some(it)) => return it.needs.first().cloned().unwrap_or_default(),
            ("*", Some(it)) => return it.stem.to_owned(),
            ("^" | "+" | "?", Some(it)) => return it.needs.join(" "),
            ("MAKE", _) => return "make".to_owned(),
            ("CURDIR", _) => return "$PWD".to_owned(),
            ("RM", _) if self.value("RM").is_none() => return "rm -f".to_owned(),
            _ => {}
        }
        if let Some(value) = self.value(name) {
            return self.expand(&value, automatic, depth + 1);
        }
        match name.split_once(char::is_whitespace) {
            Some(("shell", code)) => format!("$({})", self.expand(code, automatic, depth + 1)),
            Some(("wildcard" | "strip" | "sort" | "abspath" | "realpath", words)) => {
                self.expand(words.trim(), automatic, depth + 1)
            }
            Some(("info" | "warning" | "error", _)) => String::new(),
            Some(_) => UNKNOWN.to_owned(),
            // A variable that the file does not set comes from the environment.
            None if is_identifier(name) => format!("${{{name}}}"),
            None => UNKNOWN.to_owned(),
        }
    }
}

enum Reference<'t> {
    Dollar,
    Named(&'t str),
}

/// What follows a `$`, and the text behind it.
fn reference(text: &str) -> (Reference<'_>, &str) {
    let mut chars = text.char_indices();
    let (open, close) = match chars.next() {
        None => return (Reference::Dollar, ""),
        Some((_, '$')) => return (Reference::Dollar, text.get(1..).unwrap_or_default()),
        Some((_, '(')) => ('(', ')'),
        Some((_, '{')) => ('{', '}'),
        Some((_, other)) => {
            let (name, rest) = text.split_at_checked(other.len_utf8()).unwrap_or((text, ""));
            return (Reference::Named(name), rest);
        }
    };
    let mut depth = 1;
    for (at, c) in chars {
        depth += i32::from(c == open) - i32::from(c == close);
        if depth == 0 {
            let name = text.get(1..at).unwrap_or_default();
            return (Reference::Named(name), text.get(at + 1..).unwrap_or_default());
        }
    }
    (Reference::Named(text.get(1..).unwrap_or_default()), "")
}

/// The code of every `$(…)` in expanded text.
fn substitutions(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("$(") {
        let mut depth = 1;
        let end = after.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '(') - i32::from(*c == ')');
            depth == 0
        });
        let (code, tail) = match end {
            Some((at, _)) => after.split_at_checked(at).unwrap_or((after, "")),
            None => (after, ""),
        };
        found.push(code.to_owned());
        rest = tail;
    }
    found
}

/// `NAME = value` with its operator.
fn assignment(line: &str) -> Option<(&str, &str, &str)> {
    let at = line.find('=')?;
    let (head, value) = line.split_at_checked(at)?;
    let value = value.strip_prefix('=')?;
    let name = head.trim_end_matches([':', '?', '+', '!']);
    let operator = line.get(name.len()..at + 1)?;
    let name = name.trim();
    (!name.is_empty() && !name.contains([':', ' ', '\t', '#'])).then_some((
        name,
        operator.trim(),
        value.trim(),
    ))
}

fn without_comment(line: &str) -> &str {
    let comment = line
        .char_indices()
        .find(|(at, c)| *c == '#' && !line.get(..*at).is_some_and(|head| head.ends_with('\\')));
    comment.map_or(line, |(at, _)| line.get(..at).unwrap_or(line))
}

/// The stem, if a rule's target stands for the goal: itself, or a pattern with `%`.
fn matched<'g>(target: &str, goal: &'g str) -> Option<&'g str> {
    match target.split_once('%') {
        None => (target == goal).then_some(""),
        Some((before, after)) => goal.strip_prefix(before)?.strip_suffix(after),
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}
