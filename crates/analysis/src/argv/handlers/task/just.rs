//! Recipes of a justfile.

use std::collections::BTreeMap;

use ringfence_action::{Dialect, OpaqueReason};

use super::{TaskFile, UNKNOWN, shell_dialect};
use crate::argv::rules::Subject;
use crate::argv::script;
use crate::context::Analyzer;
use crate::value::Word;

const NAMES: &[&str] = &["justfile", "Justfile", ".justfile"];

/// Names within names that are followed.
const MAX_DEPTH: usize = 10;

/// `just NAME ARGUMENT…`: the recipes and what they depend on.
pub(in crate::argv::handlers) fn just_recipe(analyzer: &mut Analyzer<'_>, subject: &Subject<'_>) {
    if ["shown", "command", "edit", "format"].iter().any(|slot| subject.parsed.given(slot)) {
        return;
    }
    let span = subject.invocation.span();
    let words: Vec<Word> = subject.parsed.all("recipes").cloned().collect();
    let default = Word::known("", span);
    let given = subject.parsed.last("file").and_then(|word| word.value.as_known());
    let names = given.map_or(NAMES.to_vec(), |file| vec![file]);
    let first = words.first().unwrap_or(&default);
    let Some(mut file) = TaskFile::find(analyzer, subject, &names, first) else { return };
    file.span = span;
    let mut justfile = Justfile::parse(&file.content);
    for assignment in subject.parsed.all("assignments") {
        if let Some((name, value)) = assignment.value.as_known().and_then(|it| it.split_once('=')) {
            justfile.variables.insert(name.to_owned(), quoted(value));
        }
    }
    for code in &justfile.evaluated {
        file.shell(analyzer, code, Dialect::Posix);
    }
    let mut words = words.iter();
    if words.len() == 0
        && let Some(recipe) = justfile.recipes.first()
    {
        return justfile.run(analyzer, &file, recipe, &[], 0);
    }
    while let Some(word) = words.next() {
        let recipe = word.value.as_known().map(|name| justfile.recipe(name));
        let Some(recipe) = recipe else {
            let detail = "which recipe is computed";
            return analyzer.opaque(&file.frame, span, OpaqueReason::DynamicCode, detail);
        };
        let Some(recipe) = recipe else { continue };
        let arguments: Vec<String> = words
            .by_ref()
            .take(recipe.parameters.len())
            .map(|word| word.value.as_known().map_or(UNKNOWN.to_owned(), str::to_owned))
            .collect();
        justfile.run(analyzer, &file, recipe, &arguments, 0);
    }
}

#[derive(Default)]
struct Justfile {
    recipes: Vec<Recipe>,
    aliases: BTreeMap<String, String>,
    /// Expressions, as written.
    variables: BTreeMap<String, String>,
    /// Code in backticks, which runs whatever recipe is asked for.
    evaluated: Vec<String>,
    shell: Option<String>,
}

#[derive(Default)]
struct Recipe {
    name: String,
    /// With the default value of each, as written.
    parameters: Vec<(String, Option<String>)>,
    needs: Vec<String>,
    lines: Vec<String>,
}

impl Justfile {
    fn parse(text: &str) -> Self {
        let mut justfile = Self::default();
        let mut in_recipe = false;
        for line in text.replace("\\\n", " ").lines() {
            if line.starts_with([' ', '\t']) {
                if in_recipe && let Some(recipe) = justfile.recipes.last_mut() {
                    recipe.lines.push(line.trim().to_owned());
                }
                continue;
            }
            if line.trim().is_empty() {
                continue;
            }
            in_recipe = false;
            let line = line.trim();
            if line.starts_with(['#', '['])
                || line.starts_with("import")
                || line.starts_with("mod ")
            {
                continue;
            }
            if let Some(setting) = line.strip_prefix("set ") {
                if let Some((name, value)) = setting.split_once(":=")
                    && name.trim() == "shell"
                {
                    let shell = value.trim().trim_start_matches('[').split(',').next();
                    justfile.shell = shell.and_then(literal);
                }
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            match line.split_once(":=") {
                Some((name, value)) if !name.trim().contains(char::is_whitespace) => {
                    justfile.evaluated.extend(backticks(value));
                    justfile.variables.insert(name.trim().to_owned(), value.trim().to_owned());
                }
                Some((name, value)) if name.starts_with("alias ") => {
                    let name = name.trim_start_matches("alias ").trim();
                    justfile.aliases.insert(name.to_owned(), value.trim().to_owned());
                }
                _ => in_recipe = justfile.head(line),
            }
        }
        justfile
    }

    fn head(&mut self, line: &str) -> bool {
        let Some((head, needs)) = line.split_once(':') else { return false };
        let mut words = head.split_whitespace();
        let Some(name) = words.next() else { return false };
        let parameters = words.map(|word| {
            let word = word.trim_start_matches(['+', '*', '$']);
            match word.split_once('=') {
                Some((name, default)) => (name.to_owned(), Some(default.to_owned())),
                None => (word.to_owned(), None),
            }
        });
        let needs = needs.replace(['(', ')'], " ");
        self.recipes.push(Recipe {
            name: name.trim_start_matches('@').to_owned(),
            parameters: parameters.collect(),
            needs: needs.split_whitespace().map(str::to_owned).collect(),
            lines: Vec::new(),
        });
        true
    }

    fn recipe(&self, name: &str) -> Option<&Recipe> {
        let name = self.aliases.get(name).map_or(name, String::as_str);
        self.recipes.iter().find(|recipe| recipe.name == name)
    }

    fn run(
        &self,
        analyzer: &mut Analyzer<'_>,
        file: &TaskFile,
        recipe: &Recipe,
        arguments: &[String],
        depth: usize,
    ) {
        if depth >= MAX_DEPTH || !analyzer.step(&file.frame, file.span) {
            return;
        }
        for need in recipe.needs.iter().filter_map(|need| self.recipe(need)) {
            self.run(analyzer, file, need, &[], depth + 1);
        }
        let mut known: BTreeMap<&str, String> = BTreeMap::new();
        for (index, (name, default)) in recipe.parameters.iter().enumerate() {
            let value = arguments.get(index).cloned();
            let value = value.or_else(|| default.as_deref().map(|it| self.value(it, 0)));
            known.insert(name, value.unwrap_or_else(|| UNKNOWN.to_owned()));
        }
        let lines: Vec<String> =
            recipe.lines.iter().map(|line| self.interpolate(line, &known)).collect();
        let whole = lines.join("\n");
        if whole.starts_with("#!") {
            return match script::detect("", Some(&whole)) {
                Some("sh") => file.shell(analyzer, &whole, Dialect::Posix),
                Some("bash") => file.shell(analyzer, &whole, Dialect::Bash),
                Some(language) => {
                    analyzer.code(&file.frame, language, &Word::known(whole, file.span));
                }
                None => {
                    let detail = "a recipe in an unknown language";
                    analyzer.opaque(&file.frame, file.span, OpaqueReason::InlineCode, detail);
                }
            };
        }
        let shell = self.shell.as_deref().unwrap_or("sh");
        let Some(dialect) = shell_dialect(shell) else {
            let detail = "just is given a shell of its own";
            return analyzer.opaque(&file.frame, file.span, OpaqueReason::EnvironmentCode, detail);
        };
        for line in lines {
            file.shell(analyzer, line.trim_start_matches(['@', '-']), dialect);
        }
    }

    /// A line with what stands in `{{…}}` put in.
    fn interpolate(&self, line: &str, known: &BTreeMap<&str, String>) -> String {
        let mut text = String::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("{{") {
            text.push_str(before);
            let (expression, tail) = after.split_once("}}").unwrap_or((after, ""));
            let expression = expression.trim();
            match known.get(expression) {
                Some(value) => text.push_str(value),
                None => text.push_str(&self.value(expression, 0)),
            }
            rest = tail;
        }
        text.push_str(rest);
        text
    }

    /// What an expression is, as it goes into shell code.
    fn value(&self, expression: &str, depth: usize) -> String {
        let expression = expression.trim();
        if depth >= MAX_DEPTH {
            return UNKNOWN.to_owned();
        }
        if let Some(text) = literal(expression) {
            return text;
        }
        if let Some(code) = expression.strip_prefix('`').and_then(|it| it.strip_suffix('`')) {
            return format!("$({code})");
        }
        match self.variables.get(expression) {
            Some(value) => self.value(value, depth + 1),
            None => UNKNOWN.to_owned(),
        }
    }
}

/// The text of a literal in quotes.
fn literal(expression: &str) -> Option<String> {
    let expression = expression.trim().trim_end_matches(']');
    ['"', '\''].iter().find_map(|quote| {
        let text = expression.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!text.contains(*quote)).then(|| text.to_owned())
    })
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

/// Code in backticks.
fn backticks(expression: &str) -> Vec<String> {
    expression.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
