//! Runs pages as tests: one test for each page, and a report that says what came out instead.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use ringfence_action::{Effect, Opaque};

use crate::PageError;
use crate::case::{Case, page, pages};

/// What the crate under test made of a case.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Judged {
    /// The effects.
    pub effects: Vec<Effect>,
    /// What could not be told.
    pub opaque: Vec<Opaque>,
    /// The verdict and the ids of the rules behind it; `None` where no verdict is made, and then
    /// `verdict` blocks are not checked.
    pub verdict: Option<(String, Vec<String>)>,
}

/// Runs the pages of some folders (relative to the top of the repository) as tests, each page as
/// one. Understands the arguments of Rust's own test harness.
pub fn run(folders: &[&str], judge: impl Fn(&Case) -> Judged + Clone + Send + 'static) -> ExitCode {
    let root = root();
    let mut trials = Vec::new();
    for folder in folders {
        match pages(&root.join(folder)) {
            Ok(pages) if pages.is_empty() => {
                let problem = format!("no pages in {folder}");
                trials.push(Trial::test(*folder, move || Err(Failed::from(problem))));
            }
            Ok(pages) => {
                trials.extend(pages.into_iter().map(|file| trial(&root, file, judge.clone())));
            }
            Err(error) => trials.push(Trial::test(*folder, move || Err(Failed::from(error)))),
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(root: &Path, file: PathBuf, judge: impl Fn(&Case) -> Judged + Send + 'static) -> Trial {
    let name = file.strip_prefix(root).unwrap_or(&file).with_extension("");
    let shown = name.with_extension("md");
    Trial::test(name.to_string_lossy().replace('\\', "/"), move || {
        let report = report(&file, &shown, judge)?;
        if report.is_empty() { Ok(()) } else { Err(Failed::from(report)) }
    })
}

/// Everything on a page that is not as it says; empty is success.
fn report(file: &Path, shown: &Path, judge: impl Fn(&Case) -> Judged) -> Result<String, PageError> {
    let cases = page(file)?;
    let reports: Vec<String> = cases
        .into_iter()
        .filter_map(|case| {
            let case = Case { file: shown.to_owned(), ..case };
            check(&case, &judge(&case))
        })
        .collect();
    Ok(reports.join("\n"))
}

/// Compares what a case expects with what came out: `None`, or a report for people. A case with a
/// known gap is expected to differ.
pub fn check(case: &Case, judged: &Judged) -> Option<String> {
    let mut problems = Vec::new();
    if let Some(expected) = &case.expect_effects {
        problems.extend(expected.check(&judged.effects, &judged.opaque));
    }
    if let (Some(expected), Some((verdict, rules))) = (&case.expect_verdict, &judged.verdict) {
        problems.extend(expected.check(verdict, rules));
    }
    match &case.gap {
        None => (!problems.is_empty()).then(|| explain(case, judged, &problems)),
        // Effects alone are judged here; the verdict, elsewhere, may still be the gap.
        Some(_) if judged.verdict.is_none() && case.expect_verdict.is_some() => None,
        Some(_) if problems.is_empty() => {
            let problem = "holds now: remove the `gap` block".to_owned();
            Some(explain(case, judged, &[problem]))
        }
        Some(_) => None,
    }
}

fn explain(case: &Case, judged: &Judged, problems: &[String]) -> String {
    let mut text = format!("{}:{}: {}\n", case.file.display(), case.line, case.title);
    let mut add = |line: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{line}");
    };
    for line in case.code.lines() {
        add(&format!("    | {line}"));
    }
    for problem in problems {
        add(&format!("  {problem}"));
    }
    if let Some((verdict, rules)) = &judged.verdict {
        add(&format!("  verdict     {verdict} {}", rules.join(" ")));
    }
    for effect in &judged.effects {
        add(&format!("  actual      {effect}"));
    }
    for remark in &judged.opaque {
        add(&format!("  actual      opaque {} ({})", remark.reason, remark.detail));
    }
    if judged.effects.is_empty() && judged.opaque.is_empty() {
        add("  actual      no effects, nothing opaque");
    }
    text
}

/// The top of the repository: the nearest folder above the crate under test with a `Cargo.lock`.
pub fn root() -> PathBuf {
    let start = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| ".".into(), PathBuf::from);
    let top = start.ancestors().find(|folder| folder.join("Cargo.lock").is_file());
    top.map_or_else(|| ".".into(), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use ringfence_action::{EffectKind, Target};

    use super::*;
    use crate::expect::{EffectsExpectation, VerdictExpectation};

    #[test]
    fn a_failure_says_what_came_out_instead() {
        let case = Case {
            file: "tests/x.md".into(),
            line: 7,
            title: "Home goes away".into(),
            language: "bash".into(),
            code: "rm -r ~".into(),
            facts: Default::default(),
            user: vec![],
            preset: Default::default(),
            expect_effects: Some(EffectsExpectation::parse("delete /home/u").unwrap()),
            expect_verdict: Some(VerdictExpectation::parse("deny fs.home").unwrap()),
            gap: None,
        };
        let judged = Judged {
            effects: vec![Effect::new(EffectKind::Exec, Target::known("rm"))],
            opaque: vec![],
            verdict: Some(("allow".into(), vec![])),
        };
        assert_eq!(
            check(&case, &judged).unwrap(),
            "tests/x.md:7: Home goes away\n    | rm -r ~\n  expected    delete /home/u\n  \
             expected    deny, got allow\n  expected    rule fs.home\n  verdict     allow \n  \
             actual      exec rm\n"
        );
    }

    #[test]
    fn a_gap_fails_once_it_is_closed() {
        let case = Case {
            file: "tests/x.md".into(),
            line: 7,
            title: "Home goes away".into(),
            language: "bash".into(),
            code: "rm -r ~".into(),
            facts: Default::default(),
            user: vec![],
            preset: Default::default(),
            expect_effects: Some(EffectsExpectation::parse("delete /home/u").unwrap()),
            expect_verdict: None,
            gap: Some("not modelled".into()),
        };
        let deletes = Effect::new(EffectKind::Delete, Target::known("/home/u"));
        let closed = Judged { effects: vec![deletes], ..Judged::default() };
        assert!(check(&case, &Judged::default()).is_none());
        assert!(check(&case, &closed).unwrap().contains("remove the `gap` block"));
    }
}
