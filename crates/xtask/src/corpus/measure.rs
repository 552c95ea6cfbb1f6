//! Decides every row and counts.

use std::collections::{BTreeMap, BTreeSet};

use ringfence_action::{
    Action, Attr, Call, Decision, EffectKind, OpaqueReason, Outcome, Verdict, path,
};
use ringfence_adapters::labelled::work_tree;
use ringfence_adapters::transcript::without_notes;
use ringfence_classify::probe::{Model, Reader};
use ringfence_engine::{Engine, Explained, Options, Session, StageOne};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_testkit::Row;
use ringfence_testkit::timing::{Percentiles, timed};
use serde_json::{Value, json};

use super::history::{Event, History};
use super::tally::{Latency, Report, Tally};
use crate::Failure;

/// Longer commands do not count for the time that analysis takes.
const TIMED_BYTES: usize = 4 << 10;

pub(super) fn measure(
    mut rows: Vec<Row>,
    histories: &BTreeMap<String, History>,
    show: Option<&str>,
    model: Model<'_>,
) -> Result<Report, Failure> {
    let bundle = Bundle::default_rules().map_err(|error| error.to_string())?;
    let options = Options { sandbox: true, ..Options::default() };
    let engine = Engine::new(bundle, Box::new(Supplied), options);
    let mut decided = |_: &Row, _: &Explained| {};
    live(engine, &mut rows, histories, show, model, &mut decided)
}

/// Every row with what came of it and what stage 1 was told of it.
pub(crate) fn each(
    mut rows: Vec<Row>,
    histories: &BTreeMap<String, History>,
    decided: &mut dyn FnMut(&Row, &Explained),
) -> Result<(), Failure> {
    let bundle = Bundle::default_rules().map_err(|error| error.to_string())?;
    let options = Options { sandbox: true, ..Options::default() };
    let engine = Engine::new(bundle, Box::new(Supplied), options).with_stage_one(StageOne::Scores);
    live(engine, &mut rows, histories, None, Model::trained(), decided).map(drop)
}

fn live(
    engine: Engine,
    rows: &mut [Row],
    histories: &BTreeMap<String, History>,
    show: Option<&str>,
    model: Model<'_>,
    decided: &mut dyn FnMut(&Row, &Explained),
) -> Result<Report, Failure> {
    rows.sort_by(|a, b| (&a.session, a.sequence).cmp(&(&b.session, b.sequence)));
    let rows = &*rows;
    let folders = folders(rows);
    let mut counter = Counter {
        engine,
        model,
        mixed: mixed_sources(rows),
        show,
        report: Report::default(),
        times: Times::default(),
        decided,
    };
    let mut cut = 0_u64;
    for of_session in rows.chunk_by(|a, b| a.session.is_some() && a.session == b.session) {
        let mut session = Session::new();
        let told = of_session.first().and_then(|row| folders.get(&key(row)));
        let Some((cwd, home)) = told else { continue };
        if let Some(history) = of_session.first().and_then(|row| histories.get(&key(row))) {
            counter.live_through(history, of_session, home, cwd, &mut session);
            continue;
        }
        for row in of_session {
            match row.action(cwd, home) {
                Some(action) => drop(counter.decide(Some(row), &action, &mut session)),
                None => cut += 1,
            }
        }
    }
    if cut > 0 {
        eprintln!("left out: {cut} tool calls that are cut short in the recording");
    }
    counter.report.latency = counter.times.latency();
    Ok(counter.report)
}

/// Decides and counts.
struct Counter<'r> {
    engine: Engine,
    /// What reads the results.
    model: Model<'r>,
    mixed: BTreeSet<&'r str>,
    show: Option<&'r str>,
    report: Report,
    times: Times,
    /// Is told what came of each row.
    decided: &'r mut dyn FnMut(&Row, &Explained),
}

impl Counter<'_> {
    /// A session as it went: what was said, every call, what came of it. Calls that are rows are counted.
    fn live_through(
        &mut self,
        history: &History,
        rows: &[Row],
        home: &str,
        cwd: &str,
        session: &mut Session,
    ) {
        let cwd = history.cwd.as_deref().unwrap_or(cwd);
        let mut open: BTreeMap<&str, (Explained, Action)> = BTreeMap::new();
        for (index, event) in (0_u64..).zip(&history.events) {
            match event {
                Event::Said { typed, relayed } => {
                    relayed.iter().for_each(|text| session.observe_relayed(text));
                    typed.iter().for_each(|text| session.observe_user(text));
                }
                Event::Call { id, tool, input } => {
                    let row = rows.iter().find(|row| row.sequence == index);
                    let Some(action) = action(tool, input, cwd, home) else { continue };
                    let explained = self.decide(row, &action, session);
                    open.insert(id, (explained, action));
                }
                Event::Result { id, failed, text } => {
                    let Some((explained, action)) = open.remove(id.as_str()) else { continue };
                    let call = ringfence_adapters::normalize(&action);
                    let reader = Reader { model: self.model, second: None };
                    let text = if is_cut(text) { "" } else { text };
                    let text = without_notes(text);
                    let came = session.observe_result_with(&reader, &action, &call, text);
                    self.report.results += 1;
                    self.report.tainting += u64::from(came.taint().is_some());
                    if !failed {
                        explained.would_create().for_each(|made| session.observe_created(&made));
                    }
                }
            }
        }
    }

    /// Decides; counts where it is a row.
    fn decide(&mut self, row: Option<&Row>, action: &Action, session: &mut Session) -> Explained {
        let call = ringfence_adapters::normalize(action);
        let (engine, times) = (&self.engine, &mut self.times);
        let explained = times.decision(|| engine.decide(action, &call, session));
        let decision = &explained.decision;
        // History went on as if nothing had been denied: one denial is counted once.
        if decision.verdict == Verdict::Deny {
            session.release();
        }
        let Some(row) = row else { return explained };
        (self.decided)(row, &explained);
        if let Some(wanted) = self.show {
            print_if(wanted, row, decision);
            return explained;
        }
        if matches!(call, Call::Shell { .. }) && row.text.len() <= TIMED_BYTES {
            self.times.analysis(action, &call);
        }
        let name = match (self.mixed.contains(row.source.as_str()), row.danger) {
            (false, _) => row.source.clone(),
            (true, danger) => {
                format!("{} ({})", row.source, if danger { "danger" } else { "benign" })
            }
        };
        let is_shell = matches!(call, Call::Shell { .. } | Call::Exec { .. });
        count(self.report.sources.entry(name).or_default(), is_shell, decision);
        count_reasons(&mut self.report, decision);
        explained
    }
}

/// Whether the recording ends within a note of the agent's own program, which cannot be told from an
/// imitation then.
fn is_cut(text: &str) -> bool {
    text.rfind("<system-reminder>") > text.rfind("</system-reminder>")
}

fn action(tool: &str, input: &Value, cwd: &str, home: &str) -> Option<Action> {
    let value = json!({
        "tool": tool, "input": input, "cwd": cwd, "workspace": [cwd], "home": home,
    });
    serde_json::from_value(value).ok()
}

/// Sources that have both labels.
fn mixed_sources(rows: &[Row]) -> BTreeSet<&str> {
    let labels: BTreeSet<(&str, bool)> =
        rows.iter().map(|row| (row.source.as_str(), row.danger)).collect();
    let both = |source: &str| labels.contains(&(source, true)) && labels.contains(&(source, false));
    labels.iter().map(|(source, _)| *source).filter(|source| both(source)).collect()
}

fn count(tally: &mut Tally, is_shell: bool, decision: &Decision) {
    tally.actions += 1;
    tally.shell += u64::from(is_shell);
    let interrupts = match decision.verdict {
        Verdict::Allow => {
            tally.allow += 1;
            false
        }
        Verdict::Contain => {
            tally.contain += 1;
            false
        }
        Verdict::Ask => {
            tally.ask += 1;
            true
        }
        Verdict::Deny => {
            tally.deny += 1;
            true
        }
    };
    tally.interrupted_shell += u64::from(is_shell && interrupts);
    tally.opaque += u64::from(!decision.opaque.is_empty());
    tally.opaque_shell += u64::from(is_shell && !decision.opaque.is_empty());
    // A project's own program runs the code of the project.
    let code = decision.effects.iter().filter(|effect| effect.kind == EffectKind::ExecCode);
    let own: BTreeSet<&str> = code.filter_map(|effect| effect.text(Attr::By)).collect();
    for program in decision.effects.iter().filter(|effect| effect.kind == EffectKind::Exec) {
        // What is called by its path is a file, not a program by name.
        let name = program.target.as_known().filter(|name| !name.contains('/'));
        if let Some(name) = name.filter(|_| is_shell) {
            tally.executions += 1;
            let known = ringfence_analysis::knows_program(name) || own.contains(name);
            tally.unknown_executions += u64::from(!known);
        }
    }
}

fn count_reasons(report: &mut Report, decision: &Decision) {
    let rules: BTreeSet<&str> = decision
        .rules
        .iter()
        .filter(|rule| rule.outcome > Outcome::Allow)
        .map(|rule| rule.id.as_str())
        .collect();
    for rule in rules {
        *report.rules.entry(rule.to_owned()).or_default() += 1;
    }
    let reasons: BTreeSet<_> = decision.opaque.iter().map(|remark| remark.reason).collect();
    for reason in reasons {
        *report.opaque.entry(reason.to_string()).or_default() += 1;
    }
    for remark in
        decision.opaque.iter().filter(|remark| remark.reason == OpaqueReason::UnknownOption)
    {
        *report.unknown_options.entry(remark.detail.clone()).or_default() += 1;
    }
    for program in bare_programs(decision) {
        *report.unknown_programs.entry(program).or_default() += 1;
    }
}

/// Programs with arguments of which nothing but their running came out.
fn bare_programs(decision: &Decision) -> BTreeSet<String> {
    let explained: BTreeSet<&str> = decision
        .effects
        .iter()
        .filter(|effect| effect.kind != EffectKind::Exec)
        .filter_map(|effect| effect.text(Attr::By))
        .collect();
    let programs = decision.effects.iter().filter(|effect| effect.kind == EffectKind::Exec);
    programs
        .filter_map(|effect| effect.target.as_known())
        .map(path::base_name)
        .filter(|program| !explained.contains(program))
        .map(str::to_owned)
        .collect()
}

fn print_if(wanted: &str, row: &Row, decision: &Decision) {
    let spoke = decision.rules.iter().any(|rule| rule.id == wanted)
        || decision.opaque.iter().any(|remark| remark.reason.as_str() == wanted)
        || decision.code == wanted;
    if !spoke {
        return;
    }
    println!("{} {} {}", row.id, decision.verdict, row.text.lines().next().unwrap_or_default());
    for remark in decision.opaque.iter().filter(|remark| remark.reason.as_str() == wanted) {
        println!("    {remark}");
    }
}

fn key(row: &Row) -> String {
    row.session.clone().unwrap_or_else(|| row.source.clone())
}

/// The folders of each session, as its paths tell; those of a project like any other where they do
/// not.
fn folders(rows: &[Row]) -> BTreeMap<String, (String, String)> {
    let mut texts: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for row in rows {
        texts.entry(key(row)).or_default().push(&row.text);
    }
    let usual = || ("/home/u/proj".to_owned(), "/home/u".to_owned());
    let told = |texts: Vec<&str>| work_tree(texts).map(|tree| (tree.folder, tree.home));
    texts.into_iter().map(|(key, texts)| (key, told(texts).unwrap_or_else(usual))).collect()
}

/// Microseconds that things took.
#[derive(Default)]
struct Times {
    analysis: Vec<f64>,
    decision: Vec<f64>,
}

impl Times {
    fn decision<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let (result, took) = timed(run);
        self.decision.push(took);
        result
    }

    fn analysis(&mut self, action: &Action, call: &Call) {
        let (_, took) = timed(|| ringfence_analysis::analyze(action, call));
        self.analysis.push(took);
    }

    fn latency(self) -> Option<Latency> {
        if cfg!(debug_assertions) {
            return None;
        }
        let (analysis, decision) = (Percentiles::of(self.analysis), Percentiles::of(self.decision));
        Some(Latency {
            analysis_p50: analysis.p50,
            analysis_p99: analysis.p99,
            decision_p50: decision.p50,
            decision_p99: decision.p99,
        })
    }
}
