//! Rules that people write, in TOML, compiled to Cedar.
//!
//! ```toml
//! [[rule]]
//! id = "team.no-push-to-release"
//! outcome = "deny"
//! why = "Release branches are cut by the pipeline."
//! instead = "Open a pull request."
//! when.effect = "vcs_remote"
//! when.op = "push"
//! when.branch = ["main", "release/*"]
//! unless.dry_run = true
//! match = ["git push origin release/2.1"]
//! not_match = ["git push origin feature-x"]
//! ```
//!
//! `when` says what the rule is about: every line of it must hold, a list holds if one of its
//! elements does. `unless` says when it is not meant after all: if every line of it holds. The
//! examples are checked when the rules load, so that a rule says what its author thinks it says.

mod condition;
mod examples;

use std::collections::BTreeMap;
use std::ops::Range;

use ringfence_action::{Attr, EffectKind};
use serde::Deserialize;
use toml::{Spanned, Table, Value};

pub(crate) use self::condition::Condition;
pub use self::examples::Tried;
pub(crate) use self::examples::{Examples, check};
use crate::bundle::Source;
use crate::error::{Problem, did_you_mean};
use crate::schema::{group_names, groups};

/// A rule that was written in TOML.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// The same in Cedar.
    pub(crate) cedar: String,
    /// Where it stands in its file.
    pub(crate) span: [usize; 2],
    pub(crate) examples: Examples,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Table>>,
    #[serde(flatten)]
    other: BTreeMap<String, Value>,
}

const TEXTS: [&str; 8] =
    ["id", "outcome", "why", "instead", "owner", "maturity", "consent", "override"];
const OTHERS: [&str; 5] = ["maps_to", "when", "unless", "match", "not_match"];

/// Compiles a file of rules.
pub(crate) fn compile(source: &Source) -> Result<Vec<Written>, Vec<Problem>> {
    let file: File = toml::from_str(&source.text).map_err(|error| {
        let problem = Problem::new(&source.name, &source.text, error.message());
        vec![match error.span() {
            Some(span) => problem.at(span.start, span.len()),
            None => problem,
        }]
    })?;
    let mut problems: Vec<Problem> = file
        .other
        .keys()
        .map(|key| {
            Problem::new(&source.name, &source.text, format!("unknown key `{key}`"))
                .help("a file of rules holds only [[rule]] tables")
        })
        .collect();
    let mut rules = Vec::new();
    for (index, table) in file.rule.iter().enumerate() {
        // The parser's own span is that of the heading; a rule goes on to the next one.
        let start = table.span().start;
        let end = file.rule.get(index + 1).map_or(source.text.len(), |next| next.span().start);
        let table = table.get_ref();
        let mut reader = Reader { source, table, span: start..end, problems: Vec::new() };
        match reader.rule() {
            Some(rule) if reader.problems.is_empty() => rules.push(rule),
            _ => problems.append(&mut reader.problems),
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

/// Reads one `[[rule]]`, collecting everything that is wrong with it.
struct Reader<'a> {
    source: &'a Source,
    table: &'a Table,
    span: Range<usize>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn rule(&mut self) -> Option<Written> {
        let table = self.table;
        for key in table.keys() {
            let known = TEXTS.into_iter().chain(OTHERS);
            if !known.clone().any(|name| name == key) {
                let help = if EffectKind::from_name(key).is_some() || Attr::from_name(key).is_some()
                {
                    format!("conditions are written `when.{key}`")
                } else {
                    did_you_mean(key, known).unwrap_or_else(|| {
                        format!("known are {}", listed(TEXTS.iter().chain(&OTHERS)))
                    })
                };
                self.wrong(key, format!("unknown key `{key}`"), help);
            }
        }
        let mut annotations = String::new();
        for name in TEXTS {
            match table.get(name) {
                None => {}
                Some(Value::String(text)) => {
                    annotations += &format!("@{name}({})\n", quoted(text));
                }
                Some(_) => {
                    self.wrong(name, format!("`{name}` is not a text"), "write it in quotes")
                }
            }
        }
        let maps_to = self.texts("maps_to", table.get("maps_to"));
        if !maps_to.is_empty() {
            annotations += &format!("@maps_to({})\n", quoted(&maps_to.join(" ")));
        }
        let when = self.conditions("when");
        let unless = self.conditions("unless");
        let kinds = self.kinds(&when)?;
        let when = self.compile("when", &when, &kinds);
        let unless = self.compile("unless", &unless, &kinds);
        let examples = Examples {
            matching: self.examples("match"),
            other: self.examples("not_match"),
            when: when.clone(),
            unless: unless.clone(),
        };
        Some(Written {
            cedar: annotations + &cedar(table, &kinds, &when, &unless),
            span: [self.span.start, self.span.end],
            examples,
        })
    }

    fn conditions(&mut self, name: &str) -> Table {
        match self.table.get(name) {
            None => Table::new(),
            Some(Value::Table(table)) => table.clone(),
            Some(_) => {
                let message = format!("`{name}` is not a table of conditions");
                self.wrong(name, message, format!("write `{name}.effect = \"delete\"`"));
                Table::new()
            }
        }
    }

    fn examples(&mut self, name: &str) -> Vec<String> {
        let value = self.table.get(name);
        if matches!(value, Some(Value::Table(_))) {
            let message = format!("`{name}` holds example commands, not conditions");
            self.wrong(name, message, "conditions are written `when.…`");
            return Vec::new();
        }
        self.texts(name, value)
    }

    /// The kinds of effect that the rule is about.
    fn kinds(&mut self, when: &Table) -> Option<Vec<EffectKind>> {
        let words = self.texts("effect", when.get("effect"));
        if words.is_empty() {
            let help = "say what the rule is about: `when.effect = \"delete\"`";
            self.wrong("when", "the rule has no `when.effect`".to_owned(), help);
            return None;
        }
        let mut kinds = Vec::new();
        for word in &words {
            let found: Vec<EffectKind> = EffectKind::ALL
                .iter()
                .copied()
                .filter(|kind| kind.as_str() == word || groups(*kind).any(|group| group == word))
                .collect();
            if found.is_empty() {
                let known: Vec<&str> =
                    EffectKind::ALL.iter().map(|kind| kind.as_str()).chain(group_names()).collect();
                let help = did_you_mean(word, known.iter().copied())
                    .unwrap_or_else(|| format!("known are {}", listed(&known)));
                self.wrong(word, format!("`{word}` is not a kind of effect"), help);
            }
            kinds.extend(found);
        }
        kinds.sort();
        kinds.dedup();
        Some(kinds)
    }

    fn compile(&mut self, block: &str, table: &Table, kinds: &[EffectKind]) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for (key, value) in table.iter().filter(|(key, _)| *key != "effect" || block == "unless") {
            match Condition::read(key, value, kinds) {
                Ok(found) => conditions.extend(found),
                Err((message, help)) => {
                    self.wrong(key, format!("in `{block}`: {message}"), help);
                }
            }
        }
        conditions
    }

    fn texts(&mut self, name: &str, value: Option<&Value>) -> Vec<String> {
        match value {
            None => Vec::new(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(values)) if values.iter().all(Value::is_str) => {
                values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Some(_) => {
                self.wrong(
                    name,
                    format!("`{name}` is not a text or a list of texts"),
                    "use quotes",
                );
                Vec::new()
            }
        }
    }

    /// Something is wrong near the first mention of a word in this rule.
    fn wrong(&mut self, word: &str, message: String, help: impl Into<String>) {
        let Range { start, end } = self.span;
        let text = self.source.text.get(start..end).unwrap_or_default();
        let (at, length) = match text.find(word) {
            Some(offset) => (start + offset, word.len()),
            None => (start, end.saturating_sub(start)),
        };
        let id = self.table.get("id").and_then(Value::as_str).unwrap_or("without id");
        let problem =
            Problem::new(&self.source.name, &self.source.text, format!("rule `{id}`: {message}"));
        self.problems.push(problem.help(help).at(at, length));
    }
}

/// The policy without its annotations.
fn cedar(table: &Table, kinds: &[EffectKind], when: &[Condition], unless: &[Condition]) -> String {
    let permits = table.get("outcome").and_then(Value::as_str) == Some("allow");
    let verb = if permits { "permit" } else { "forbid" };
    let actions: Vec<String> = kinds.iter().map(|kind| format!("Action::\"{kind}\"")).collect();
    // A rule speaks about what happens, unless it says that it is about more.
    let about_more = when.iter().any(Condition::is_about_liveness);
    let live = (!about_more).then(|| "context.live".to_owned());
    let when: Vec<String> = live.into_iter().chain(when.iter().map(Condition::cedar)).collect();
    let mut text = format!("{verb} (principal, action in [{}], resource)", actions.join(", "));
    if !when.is_empty() {
        text += &format!("\nwhen {{ {} }}", when.join(" && "));
    }
    if !unless.is_empty() {
        let unless: Vec<String> = unless.iter().map(Condition::cedar).collect();
        text += &format!("\nunless {{ {} }}", unless.join(" && "));
    }
    text + ";"
}

/// A string literal of Cedar.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

fn listed<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{}`", word.as_ref())).collect();
    words.join(", ")
}
