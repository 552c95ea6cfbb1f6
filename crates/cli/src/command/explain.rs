//! `ringfence explain`: a decision with everything that led to it.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use ringfence_action::{Action, Decision, Effect, Facts, Opaque, Platform};
use ringfence_classify::judge::Judgement;
use ringfence_engine::Explained;
use serde::Serialize;

use crate::command::check::exit_of;
use crate::exit::{Exit, Failure, Problem};
use crate::input::{Source, is_blank};
use crate::render::color::{FAINT, STRONG, paint, width};
use crate::render::{effects, explanation, json, judgement};
use crate::wiring::{self, Judge, Rules};

/// Show what an action would do, and why it is decided as it is
///
/// Reads an action (JSON), or one action per line. For people: its effects, the facts that are
/// known, and the rules that spoke with the words they are about underlined. With `--shell`, the
/// effects of a command in this folder, without a decision.
///
/// Exits 1 if anything was asked or denied.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Explain {
    /// A file with an action; standard input if absent or `-`
    #[arg(conflicts_with = "shell")]
    file: Option<PathBuf>,
    /// Show the effects of this shell command alone
    #[arg(long, value_name = "CMD", conflicts_with_all = ["live", "policy", "judge"])]
    shell: Option<String>,
    #[command(flatten)]
    rules: Rules,
    /// Look at this host for facts that an action does not bring
    #[arg(long)]
    live: bool,
    /// Ask the judge of your configuration about what rules leave open, and show what it saw and said
    #[arg(long)]
    judge: bool,
    /// Write JSON: the decision with its `facts`, or `effects` and `opaque`
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence explain --shell 'git push --force && rm -rf ~/'
  echo '{\"tool\":\"Bash\",\"input\":{\"command\":\"git push --force\"}}' | ringfence explain";

/// A decision and what was known when it was made.
#[derive(Debug, Serialize)]
struct WithFacts<'a> {
    #[serde(flatten)]
    decision: &'a Decision,
    facts: &'a Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    judgement: Option<&'a Judgement>,
    /// What the judge was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    judge_saw: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct EffectsAlone<'a> {
    effects: &'a [Effect],
    opaque: &'a [Opaque],
}

pub(crate) fn run(explain: &Explain, out: &mut impl Write) -> Result<Exit, Failure> {
    if let Some(command) = &explain.shell {
        return shell(command, explain.json, out);
    }
    let source = Source::named(explain.file.as_deref());
    let actions = actions(&source.read("an action")?, &source)?;
    let mut judge = Judge::new(&explain.rules, explain.live)?;
    if explain.judge {
        judge = judge.with_judge()?;
    }
    let mut exit = Exit::Fine;
    for (index, action) in actions.iter().enumerate() {
        let (explained, saw) = judge.decide_and_tell(action).map_err(|error| {
            Problem::new(error.to_string(), "report the action, so that this can be mended")
        })?;
        let Explained { decision, facts, judgement, .. } = explained;
        exit = exit.max(exit_of(decision.verdict));
        if explain.json {
            let (judgement, judge_saw) = (judgement.as_ref(), saw.as_deref());
            let whole = WithFacts { decision: &decision, facts: &facts, judgement, judge_saw };
            json::line(out, &whole)?;
        } else {
            if index > 0 {
                writeln!(out)?;
            }
            write!(out, "{}", explanation::draw(action, &decision, &facts, width()))?;
            if explain.judge {
                write!(out, "{}", judgement::draw(judgement.as_ref(), saw.as_deref(), width()))?;
            }
        }
    }
    Ok(exit)
}

/// One action over any number of lines, or one action per line.
fn actions(text: &[u8], source: &Source) -> Result<Vec<Action>, Problem> {
    let help = "an action looks like {\"tool\":\"Bash\",\"input\":{\"command\":\"ls\"}}; \
                `ringfence explain --shell 'ls'` takes a bare command";
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let lines: Vec<(usize, &[u8])> =
        text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !is_blank(line)).collect();
    let whole = match Action::from_json(text) {
        Ok(action) => return Ok(vec![action]),
        Err(error) => error,
    };
    let is_one_action = lines
        .first()
        .is_none_or(|(_, line)| serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err());
    if lines.len() < 2 || is_one_action {
        let what = format!("{source} does not hold an action");
        return Err(Problem::new(what, help).because(whole));
    }
    lines
        .into_iter()
        .map(|(index, line)| {
            Action::from_json(line).map_err(|error| {
                let what = format!("line {} of {source} is not an action", index + 1);
                Problem::new(what, help).because(error)
            })
        })
        .collect()
}

/// What a command would do if it were typed here.
fn shell(command: &str, as_json: bool, out: &mut impl Write) -> Result<Exit, Failure> {
    let here = |path: Option<PathBuf>| path?.into_os_string().into_string().ok();
    let action = Action {
        cwd: here(std::env::current_dir().ok()),
        home: here(std::env::home_dir()),
        platform: if cfg!(target_os = "macos") { Platform::Macos } else { Platform::Linux },
        ..wiring::shell_action(command)
    };
    let analysis = wiring::effects_of(&action);
    if as_json {
        json::line(out, &EffectsAlone { effects: &analysis.effects, opaque: &analysis.opaque })?;
        return Ok(Exit::Fine);
    }
    if analysis.effects.is_empty() && analysis.opaque.is_empty() {
        writeln!(out, "no effects")?;
    }
    for line in effects::tree(&analysis.effects) {
        writeln!(out, "{line}")?;
    }
    for line in explanation::opaque(&analysis.opaque) {
        writeln!(out, "{line}")?;
    }
    for need in &analysis.needs {
        let path = effects::path_words(&need.path);
        writeln!(out, "{}", paint(FAINT, &format!("the content of {path} would tell more")))?;
    }
    let hint = "effects alone; for a decision, give an action: ";
    writeln!(out, "\n{}{}", paint(FAINT, hint), paint(STRONG, "ringfence explain --help"))?;
    Ok(Exit::Fine)
}
