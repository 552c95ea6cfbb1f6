//! `ringfence policy`: the rules themselves.

mod diff;
mod explain;
mod new;
mod page;
mod pages;
mod test;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use ringfence_action::Outcome;
use ringfence_policy::Rule;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::exit::{Exit, Failure, Problem};
use crate::render::color::{FAINT, STRONG, paint, width};
use crate::render::table::{self, Cell};
use crate::render::text::{count, cut, printable};
use crate::render::{json, verdict};
use crate::rules;

/// Look at the rules, and check and test your own
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, after_help = EXAMPLE)]
pub(crate) struct Policy {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "Examples:
  ringfence policy list
  ringfence policy explain fs.delete-critical-path
  ringfence policy new my-rules.toml
  ringfence policy test my-rules.toml my-rules.md
  ringfence policy diff default my-rules.toml --over actions.jsonl";

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
    Diff(diff::Diff),
    Explain(explain::Explain),
    List(List),
    New(new::New),
    Show(Show),
    Test(test::Test),
}

/// Check that rule files load together with the built-in rules
///
/// Exits 1 if something is wrong with a rule, 2 if a file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence policy check my-rules.cedar")]
struct Check {
    /// Rule files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// List the rules that are in force
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence policy list --policy my-rules.cedar")]
struct List {
    /// Add the rules of this file to the built-in ones; may be given several times
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Write JSON, one rule per line
    #[arg(long)]
    json: bool,
}

/// Show one rule: what it says, why, and its text
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence policy show fs.delete-critical-path")]
struct Show {
    /// The rule's name, as `policy list` and decisions write it
    id: String,
    /// Add the rules of this file to the built-in ones; may be given several times
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(policy: &Policy, out: &mut impl Write) -> Result<Exit, Failure> {
    match &policy.command {
        Command::Check(check) => self::check(check, out),
        Command::Diff(diff) => diff::run(diff, out),
        Command::Explain(explain) => explain::run(explain, out),
        Command::List(list) => self::list(list, out),
        Command::New(new) => new::run(new, out),
        Command::Show(show) => self::show(show, out),
        Command::Test(test) => test::run(test, out),
    }
}

fn check(check: &Check, out: &mut impl Write) -> Result<Exit, Failure> {
    let sources = rules::read(&check.files)?;
    let bundle = match rules::bundle(&sources) {
        Ok(bundle) => bundle,
        Err(error) => {
            let findings = rules::findings(&error, &sources);
            if check.json {
                json::line(out, &serde_json::json!({ "ok": false, "problems": findings }))?;
            } else {
                for finding in &findings {
                    writeln!(out, "{}", finding.snippet().render(width()))?;
                }
                let found = count(findings.len(), "problem");
                writeln!(out, "{found}; nothing of these files would be loaded")?;
            }
            return Ok(Exit::Found);
        }
    };
    let own = bundle.rules().iter().filter(|rule| sources.iter().any(|it| it.name == rule.file));
    let (own, digest) = (own.count(), bundle.digest());
    if check.json {
        json::line(out, &serde_json::json!({ "ok": true, "rules": own, "bundle": digest }))?;
    } else {
        let files = count(sources.len(), "file");
        writeln!(out, "{} in {files}, ready to use", count(own, "rule"))?;
        writeln!(out, "{}", paint(FAINT, &format!("with the built-in rules: {digest}")))?;
    }
    Ok(Exit::Fine)
}

/// A rule for machines.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    id: &'a str,
    outcome: Outcome,
    why: &'a str,
    instead: &'a str,
    owner: &'a str,
    maturity: &'a str,
    maps_to: &'a [String],
    consentable: bool,
    overridable: bool,
    layer: &'a str,
    file: &'a str,
    about: &'a [&'static str],
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// A rule, as `policy list --json` has it.
pub(super) fn told(rule: &Rule) -> serde_json::Value {
    serde_json::json!(Listed::new(rule))
}

impl<'a> Listed<'a> {
    fn new(rule: &'a Rule) -> Self {
        Self {
            id: &rule.id,
            outcome: rule.outcome,
            why: &rule.why,
            instead: &rule.instead,
            owner: &rule.owner,
            maturity: &rule.maturity,
            maps_to: &rule.maps_to,
            consentable: rule.consentable,
            overridable: rule.overridable,
            layer: rule.layer.as_str(),
            file: &rule.file,
            about: &rule.asked,
            text: None,
        }
    }
}

fn list(list: &List, out: &mut impl Write) -> Result<Exit, Failure> {
    let bundle = rules::load(&list.policy)?;
    if list.json {
        for rule in bundle.rules() {
            json::line(out, &Listed::new(rule))?;
        }
        return Ok(Exit::Fine);
    }
    let names = bundle.rules().iter().map(|rule| rule.id.width()).max().unwrap_or_default();
    let names = names.min(40);
    let rest = width().saturating_sub(names + 8 + 4).max(20);
    for rule in bundle.rules() {
        let cells = [
            Cell::new(verdict::outcome_style(rule.outcome), rule.outcome.as_str()),
            Cell::new(STRONG, printable(&rule.id)),
            Cell::new(anstyle::Style::new(), printable(&rule.why)),
        ];
        write!(out, "{}", table::row(&[8, names, rest], &cells))?;
    }
    let about = format!("{}, {}", count(bundle.rules().len(), "rule"), bundle.digest());
    writeln!(out, "\n{}", paint(FAINT, &about))?;
    Ok(Exit::Fine)
}

fn show(show: &Show, out: &mut impl Write) -> Result<Exit, Failure> {
    let bundle = rules::load(&show.policy)?;
    let rule = bundle.rule(&show.id).ok_or_else(|| unknown(&show.id, bundle.rules()))?;
    if show.json {
        json::line(out, &Listed { text: Some(&rule.text), ..Listed::new(rule) })?;
        return Ok(Exit::Fine);
    }
    let style = verdict::outcome_style(rule.outcome);
    let id = printable(&rule.id);
    writeln!(out, "{}  {}", paint(style, rule.outcome.as_str()), paint(STRONG, &id))?;
    let consent = if rule.consentable {
        "yes, when the user named the operation and its target"
    } else {
        "no"
    };
    let maps_to = rule.maps_to.join(", ");
    let about = rule.asked.join(", ");
    let fields = [
        ("why", rule.why.as_str()),
        ("instead", rule.instead.as_str()),
        ("about", about.as_str()),
        ("consent clears it", consent),
        ("a person may override", if rule.overridable { "yes, once" } else { "no" }),
        ("maturity", rule.maturity.as_str()),
        ("maps to", maps_to.as_str()),
        ("owner", rule.owner.as_str()),
        ("from", rule.file.as_str()),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        let cells = [Cell::new(FAINT, name), Cell::new(anstyle::Style::new(), printable(value))];
        write!(out, "{}", table::row(&[21, width().saturating_sub(23)], &cells))?;
    }
    writeln!(out)?;
    for line in rule.text.lines() {
        writeln!(out, "{}", printable(line))?;
    }
    Ok(Exit::Fine)
}

fn unknown(id: &str, rules: &[Rule]) -> Problem {
    let family = id.split_once('.').map_or(id, |(family, _)| family);
    let near: Vec<&str> =
        rules.iter().map(|rule| rule.id.as_str()).filter(|it| it.starts_with(family)).collect();
    let help = if near.is_empty() {
        "`ringfence policy list` names every rule".to_owned()
    } else {
        format!("rules of that family: {}", near.join(", "))
    };
    Problem::new(format!("there is no rule `{}`", cut(id, 80)), help)
}
