//! `ringfence policy explain`: what a rule means, for the person who meets it.

use std::io::Write;
use std::path::PathBuf;

use anstyle::Style;
use clap::Args;
use ringfence_action::{Action, EffectKind, Preset};
use ringfence_policy::Rule;
use serde::Serialize;
use serde_json::Value;

use super::page::Case;
use super::pages::{self, Told};
use crate::exit::{Exit, Failure};
use crate::render::color::{FAINT, STRONG, paint, width};
use crate::render::table::{self, Cell};
use crate::render::text::{cut, printable};
use crate::render::{json, verdict};
use crate::rules;
use crate::wiring::Judge;

/// Explain a rule: why it is there, what it is about, and what it says of an example
///
/// Examples of the built-in rules come from the pages that test them, and are decided anew; those of your
/// own rules are the ones that you wrote.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence policy explain git.force-push")]
pub(super) struct Explain {
    /// The rule's name, as `policy list` and decisions write it
    id: String,
    /// Add the rules of this file to the built-in ones; may be given several times
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// Names of the risks that default rules map to.
const RISKS: &[(&str, &str)] = &[
    ("ASI01", "Agent Goal Hijack"),
    ("ASI02", "Tool Misuse and Exploitation"),
    ("ASI03", "Identity and Privilege Abuse"),
    ("ASI04", "Agentic Supply Chain Vulnerabilities"),
    ("ASI05", "Unexpected Code Execution"),
    ("ASI06", "Memory and Context Poisoning"),
    ("ASI07", "Insecure Inter-Agent Communication"),
    ("ASI08", "Cascading Failures"),
    ("ASI09", "Human-Agent Trust Exploitation"),
    ("ASI10", "Rogue Agents"),
    ("AML.T0010", "AI Supply Chain Compromise"),
    ("AML.T0055", "Unsecured Credentials"),
    ("AML.T0068", "LLM Prompt Obfuscation"),
    ("AML.T0080", "AI Agent Context Poisoning"),
    ("AML.T0081", "Modify AI Agent Configuration"),
    ("AML.T0086", "Exfiltration via AI Agent Tool Invocation"),
    ("AML.T0101", "Data Destruction via AI Agent Tool Invocation"),
    ("AML.T0110", "AI Agent Tool Poisoning"),
];

/// An example with what comes of it.
#[derive(Debug, Serialize)]
struct Example {
    /// What it is about, where somebody said so.
    #[serde(skip_serializing_if = "String::is_empty")]
    title: String,
    /// A command, or a tool with its input.
    action: String,
    /// What was said and known, if that matters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    given: Vec<String>,
    verdict: String,
    speaks: bool,
}

pub(super) fn run(explain: &Explain, out: &mut impl Write) -> Result<Exit, Failure> {
    let bundle = rules::load(&explain.policy)?;
    let rule =
        bundle.rule(&explain.id).ok_or_else(|| super::unknown(&explain.id, bundle.rules()))?;
    let examples = examples(rule, &explain.policy)?;
    if explain.json {
        let mut told = serde_json::to_value(super::Listed::new(rule)).unwrap_or_default();
        if let Value::Object(fields) = &mut told {
            fields.insert("examples".to_owned(), serde_json::json!(examples));
        }
        json::line(out, &told)?;
    } else {
        show(rule, &examples, out)?;
    }
    Ok(Exit::Fine)
}

fn show(rule: &Rule, examples: &[Example], out: &mut impl Write) -> Result<(), Failure> {
    let style = verdict::outcome_style(rule.outcome);
    let id = printable(&rule.id);
    writeln!(out, "{}  {}\n", paint(style, rule.outcome.as_str()), paint(STRONG, &id))?;
    let plain = |text: &str| Cell::new(Style::new(), printable(text));
    write!(out, "{}", table::row(&[width()], &[plain(&rule.why)]))?;
    writeln!(out)?;
    let consent = if rule.consentable {
        "the user may clear it by naming the operation and its target"
    } else {
        "nothing that the user says clears it"
    };
    let overridden = if rule.overridable {
        "a person may let one call through, with `ringfence allow-once`"
    } else {
        "nobody lets a call through"
    };
    let maturity = match rule.maturity.as_str() {
        "stable" => "stable: proven over recorded work",
        "trial" => "trial: being tried out",
        _ => "new: not yet proven over recorded work",
    };
    let layer = format!("{} ({})", rule.file, rule.layer);
    let mut fields = vec![("instead", rule.instead.clone()), ("speaks about", kinds(rule))];
    fields.extend([("consent", consent.to_owned()), ("override", overridden.to_owned())]);
    fields.extend([("maturity", maturity.to_owned())]);
    fields.extend(rule.maps_to.iter().map(|name| ("guards against", risk(name))));
    fields.extend([("owner", rule.owner.clone()), ("from", layer)]);
    let mut last = "";
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        let shown = if name == last { "" } else { name };
        last = name;
        let cells = [Cell::new(FAINT, shown), plain(&value)];
        write!(out, "{}", table::row(&[14, width().saturating_sub(16)], &cells))?;
    }
    if examples.is_empty() {
        writeln!(out, "\n{}", paint(FAINT, "no example: give it `match` and `not_match`"))?;
    }
    for example in examples {
        writeln!(out)?;
        if !example.title.is_empty() {
            writeln!(out, "{}", paint(FAINT, &printable(&example.title)))?;
        }
        for given in &example.given {
            writeln!(out, "  {}", paint(FAINT, &cut(given, width().saturating_sub(2))))?;
        }
        for line in example.action.lines() {
            writeln!(out, "  {}", cut(line, width().saturating_sub(2)))?;
        }
        let does = if example.speaks { "the rule speaks" } else { "the rule does not speak" };
        writeln!(out, "  → {}, {does}", example.verdict)?;
    }
    Ok(())
}

/// The kinds of effect that it can speak about, in words where they are few.
fn kinds(rule: &Rule) -> String {
    let words = |name: &&str| match EffectKind::from_name(name) {
        Some(kind) if rule.asked.len() <= 3 => {
            format!("{name} ({})", kind.description().trim().trim_end_matches('.'))
        }
        _ => (*name).to_owned(),
    };
    rule.asked.iter().map(words).collect::<Vec<_>>().join(", ")
}

fn risk(name: &str) -> String {
    let known = RISKS.iter().find(|(known, _)| *known == name);
    known.map_or_else(|| name.to_owned(), |(_, title)| format!("{name} {title}"))
}

/// Examples that its author wrote, or else the case that tests it and the one beside it.
fn examples(rule: &Rule, policy: &[PathBuf]) -> Result<Vec<Example>, Failure> {
    let own = rule.matching().iter().chain(rule.not_matching());
    let own: Vec<Action> = own.map(|command| crate::wiring::project_action(command)).collect();
    let told = if own.is_empty() { pages::about(&rule.id) } else { None };
    let cases: Vec<Case> =
        told.into_iter().flat_map(|Told { case, twin }| [Some(case), twin]).flatten().collect();
    let own = own.into_iter().map(|action| (String::new(), Preset::default(), action));
    let cases =
        cases.into_iter().map(|case| (case.title, case.preset.unwrap_or_default(), case.action));
    own.chain(cases)
        .map(|(title, preset, action)| {
            let options = ringfence_engine::Options { preset, sandbox: true };
            let mut judge = Judge::over(rules::load(policy)?, options);
            Ok(example(rule, title, preset, &action, &mut judge))
        })
        .collect()
}

fn example(
    rule: &Rule,
    title: String,
    preset: Preset,
    action: &Action,
    judge: &mut Judge,
) -> Example {
    let command = action.input.get("command").and_then(Value::as_str);
    let shown = match command {
        Some(command) => command.to_owned(),
        None => format!("{} {}", action.tool, action.input),
    };
    let mut given: Vec<String> =
        action.user_messages.iter().map(|said| format!("the user said: {said}")).collect();
    if action.facts != Default::default() {
        given.push(format!("known: {}", serde_json::json!(action.facts)));
    }
    if preset != Preset::default() {
        given.push(format!("preset {preset}"));
    }
    let decided = judge.decide(action).map(|explained| explained.decision);
    let (verdict, speaks) = match decided {
        Ok(decision) => {
            (decision.verdict.to_string(), decision.rules.iter().any(|hit| hit.id == rule.id))
        }
        Err(undecided) => (undecided.to_string(), false),
    };
    Example { title, action: shown, given, verdict, speaks }
}
