//! A replayed session as a table: what each call does, the verdict, why, and what the person did.

use std::collections::BTreeSet;

use anstyle::Style;
use ringfence_action::{Action, Decision, Effect, EffectKind, Evidence, Verdict};
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::color::{FAINT, STRONG, paint};
use super::effects::{self, Viewpoint};
use super::table::{self, Cell};
use super::text::{count, cut, printable};
use super::verdict;
use crate::command::replay::Judged;
use crate::recording::{Person, Recording};

/// How much of a session is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Every call.
    Everything,
    /// Runs of allowed calls as one line.
    Folded,
    /// Only the calls that are asked for.
    Only,
}

/// Fewer allowed calls than this in a row are shown rather than folded.
const FOLD_FROM: usize = 2;
/// More of the agent's own words than this are cut.
const WORDS: usize = 160;

/// The table of one session. Nothing for a session without calls.
pub(crate) fn draw(
    recording: &Recording,
    calls: &[Judged<'_>],
    detail: Detail,
    is_shown: &dyn Fn(Verdict) -> bool,
    width: usize,
) -> String {
    let shown = calls.iter().filter(|call| is_shown(call.decision().verdict)).count();
    if calls.is_empty() || (shown == 0 && detail == Detail::Only) {
        return String::new();
    }
    let mut drawn = header(recording, calls, width);
    let layout = Layout::new(width, calls);
    let mut prompt = None;
    let mut told = BTreeSet::new();
    let mut rest = calls;
    while let Some((call, after)) = rest.split_first() {
        let allowed =
            rest.iter().take_while(|call| call.decision().verdict == Verdict::Allow).count();
        if detail == Detail::Folded && allowed >= FOLD_FROM {
            drawn.push_str(&layout.fold(allowed));
            rest = rest.get(allowed..).unwrap_or_default();
            continue;
        }
        rest = after;
        if !is_shown(call.decision().verdict) {
            continue;
        }
        // The prompt stands over the first call that is shown for it.
        if call.prompt.is_some() && call.prompt != prompt {
            prompt = call.prompt;
            let said = cut(call.prompt.unwrap_or_default().trim(), width.saturating_sub(6));
            drawn.push_str(&format!("    {}\n", paint(FAINT, &format!("“{said}”"))));
        }
        // Why is told in full once; after that the name of the rule says it.
        let is_new = told.insert(call.decision().code.as_str());
        drawn.push_str(&layout.row(call, is_new));
    }
    drawn
}

fn header(recording: &Recording, calls: &[Judged<'_>], width: usize) -> String {
    let project = recording.project.as_deref().unwrap_or("a session");
    let started = recording.started.as_deref().map(date).unwrap_or_default();
    let prompts = recording.prompts().count();
    let id: String = recording.session.chars().take(8).collect();
    let mut about =
        vec![count(prompts, "prompt"), count(calls.len(), "call"), format!("session {id}")];
    about.extend(drift(calls));
    if !started.is_empty() {
        about.insert(0, started);
    }
    let about = cut(&about.join(" · "), width);
    let project = cut(project, width);
    // Side by side where both fit.
    let between = if project.width() + 2 + about.width() <= width { "  " } else { "\n" };
    format!("\n{}{between}{}\n", paint(STRONG, &project), paint(FAINT, &about))
}

/// How much of what the session changed nobody had asked for, over its calls and at its end; nothing where all
/// was.
fn drift(calls: &[Judged<'_>]) -> Option<String> {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const MOST: usize = 16;
    let end = calls.last()?.drift;
    let over = |from: usize, to: usize| {
        let part = calls.get(from..to).unwrap_or_default();
        part.iter().map(|call| call.drift).fold(0.0, f64::max)
    };
    let bars = calls.len().min(MOST);
    let bar = |at: usize| {
        let share = over(at * calls.len() / bars, (at + 1) * calls.len() / bars);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
        let height = (share * 8.0).clamp(0.0, 7.0) as usize;
        BARS.get(height).copied().unwrap_or('█')
    };
    let moved = calls.iter().any(|call| call.drift > 0.0);
    moved.then(|| format!("drift {} {end:.2}", (0..bars).map(bar).collect::<String>()))
}

/// `2026-11-20T14:02:11.000Z` as `2026-11-20 14:02`.
fn date(timestamp: &str) -> String {
    timestamp.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

struct Layout {
    number: usize,
    what: usize,
    why: usize,
    person: usize,
}

/// The widest verdict with its mark.
const VERDICT: usize = 9;

impl Layout {
    fn new(width: usize, calls: &[Judged<'_>]) -> Self {
        let number = calls.len().to_string().len().max(4);
        let person = calls
            .iter()
            .filter_map(|call| call.person)
            .map(|person| person.did().len())
            .max()
            .unwrap_or_default();
        let (what, why) = table::share(width, &[number, VERDICT, person]);
        Self { number, what, why, person }
    }

    fn fold(&self, allowed: usize) -> String {
        let number = " ".repeat(self.number);
        paint(FAINT, &format!("{number}  … {allowed} allowed")) + "\n"
    }

    fn row(&self, judged: &Judged<'_>, in_full: bool) -> String {
        let Judged { call, action, person, .. } = judged;
        let decision = judged.decision();
        let mark = format!("{} {}", verdict::mark(decision.verdict), decision.verdict);
        let is_allowed = decision.verdict == Verdict::Allow;
        let plain = if is_allowed { FAINT } else { Style::new() };
        let mut what = Cell::new(plain, cut(&summary(action, decision), WORDS));
        if !is_allowed && let Some(words) = command(action) {
            what = what.line(vec![(FAINT, cut(&words, WORDS))]);
        }
        let why = if is_allowed { Cell::default() } else { why(decision, in_full) };
        table::row(
            &[self.number, VERDICT, self.what, self.why, self.person],
            &[
                Cell::new(FAINT, format!("{call:>width$}", width = self.number)),
                Cell::new(verdict::style(decision.verdict), mark),
                what,
                why,
                Cell::new(FAINT, person.map(Person::did).unwrap_or_default()),
            ],
        )
    }
}

fn why(decision: &Decision, in_full: bool) -> Cell {
    let code = printable(&decision.code).into_owned();
    let why = decision.rules.iter().find(|hit| hit.id == decision.code).or(decision.rules.first());
    let cell = Cell::new(verdict::style(decision.verdict), code);
    match why {
        Some(hit) if in_full => cell.line(vec![(Style::new(), cut(&hit.why, 240))]),
        Some(_) | None => cell,
    }
}

/// What a call does in a few words: what the verdict is about, or else what changes, or else what
/// it runs.
fn summary(action: &Action, decision: &Decision) -> String {
    let effects = &decision.effects;
    let blamed = blamed(decision);
    let telling = [
        blamed.iter().copied().filter(|effect| effect.kind != EffectKind::Exec).collect(),
        blamed,
        effects.iter().filter(|effect| effect.kind.changes_state()).collect::<Vec<&Effect>>(),
    ];
    if let Some(telling) = telling.into_iter().find(|effects| !effects.is_empty()) {
        return said(telling, action);
    }
    // Nothing changes: the agent's own words say best what is looked at or run.
    let runs = |effect: &Effect| matches!(effect.kind, EffectKind::Exec | EffectKind::ExecCode);
    match command(action) {
        Some(command) if effects.iter().any(runs) => format!("run {command}"),
        _ if !effects.is_empty() => said(effects.iter().collect(), action),
        _ if !decision.opaque.is_empty() => "something that is not understood".to_owned(),
        _ => match words(action) {
            Some(words) => format!("{}: {words}", action.tool),
            None => format!("use {}", action.tool),
        },
    }
}

/// The effects that made the verdict stricter than to allow.
fn blamed(decision: &Decision) -> Vec<&Effect> {
    if decision.verdict == Verdict::Allow {
        return Vec::new();
    }
    let evidence: Vec<&Evidence> = decision
        .rules
        .iter()
        .filter(|hit| hit.id == decision.code)
        .flat_map(|hit| &hit.evidence)
        .collect();
    let is_blamed =
        |effect: &&Effect| effect.evidence.as_ref().is_some_and(|it| evidence.contains(&it));
    decision.effects.iter().filter(is_blamed).collect()
}

/// The most telling effects in words, one for each target.
fn said(mut effects: Vec<&Effect>, action: &Action) -> String {
    let from = Viewpoint { cwd: action.cwd.as_deref(), home: action.home.as_deref() };
    effects.sort_by_key(|effect| effects::weight(effect.kind));
    let mut targets = BTreeSet::new();
    effects.retain(|effect| targets.insert(&effect.target));
    let more = effects.len().saturating_sub(2);
    let words: Vec<String> =
        effects.into_iter().take(2).map(|effect| effects::words(effect, from)).collect();
    let said = words.join("; ");
    if more > 0 { format!("{said}; {more} more") } else { said }
}

/// The command of a shell call. Not escaped.
fn command(action: &Action) -> Option<String> {
    first_of(action, &["command", "cmd"])
}

/// The agent's own words: the command, or what else a tool is about. Not escaped.
fn words(action: &Action) -> Option<String> {
    command(action).or_else(|| {
        first_of(action, &["file_path", "path", "notebook_path", "url", "query", "pattern"])
    })
}

fn first_of(action: &Action, fields: &[&str]) -> Option<String> {
    let text = fields.iter().find_map(|field| action.input.get(field).and_then(Value::as_str))?;
    Some(text.trim().chars().take(4 * WORDS).collect())
}
