//! Checks that no longer count: tests that are left out, assertions that are gone, jobs whose failure
//! nobody hears of.

use std::collections::{BTreeMap, HashSet};

use super::lines::{Diff, Line};
use super::names::names;
use super::{Change, Finding, Found, LEFT_OUT};
use crate::value::Span;

const OP: &str = "disable-checks";

/// Tests that are marked to be left out, renamed so that they are not found, or emptied.
pub(super) fn of_tests(change: &Change<'_>, diff: &Diff<'_>, found: &mut Found) {
    // A test that is new was never counted.
    let marks = if change.within || diff.has_old { diff.unheard(LEFT_OUT) } else { Vec::new() };
    let left_out = diff.added().find(|(place, line)| {
        marks.iter().any(|mark| line.normal.contains(mark)) && !is_about_machine(diff, *place)
    });
    if let Some((_, line)) = left_out {
        let mut finding = Finding::of(OP, "test-skipped", line.span, line.text);
        finding.brings.extend(diff.new.lines.iter().flat_map(tests));
        found.add(finding);
    }
    renamed(diff).into_iter().for_each(|finding| found.add(finding));
    emptied(change, diff).into_iter().for_each(|finding| found.add(finding));
}

/// "Only on Windows", "needs a database": where, and not whether.
fn is_about_machine(diff: &Diff<'_>, place: usize) -> bool {
    let words = &[
        "skipif",
        "skipunless",
        "runif",
        "importorskip",
        "platform",
        "windows",
        "win32",
        "darwin",
        "goos",
        "short()",
        "getenv",
        "environ",
        "process.env",
        "ci)",
        "enabledif",
        "disabledif",
        "disabledon",
        "enabledon",
        "not installed",
        "notinstalled",
    ];
    diff.new.says(place, 1, words)
}

/// The names of tests on a line, in lower case.
fn tests(line: &Line<'_>) -> impl Iterator<Item = String> {
    names(line.text)
        .map(str::to_lowercase)
        .filter(|name| name.starts_with("test") && name.len() > "test_".len())
}

/// What was found as a test by its name is not found any more, and is still there.
fn renamed(diff: &Diff<'_>) -> Option<Finding> {
    let mut removed = diff.removed().filter(|(_, line)| defines(line)).peekable();
    removed.peek()?;
    let there: HashSet<String> = diff.new.lines.iter().flat_map(tests).collect();
    // Other names by their ends: what is before the name of the test hides it.
    let mut others: BTreeMap<String, &Line<'_>> = BTreeMap::new();
    for (_, line) in diff.added().filter(|(_, line)| defines(line)) {
        for name in names(line.text).map(str::to_lowercase) {
            if !name.starts_with("test") {
                others.entry(backwards(&name)).or_insert(line);
            }
        }
    }
    for test in removed.flat_map(|(_, line)| tests(line)).filter(|test| !there.contains(test)) {
        let stem = test.trim_start_matches("test").trim_start_matches('_');
        let end = backwards(stem);
        let first = others.range(end.clone()..).next().filter(|(name, _)| name.starts_with(&end));
        if let Some((_, line)) = first.filter(|_| stem.len() > 2) {
            let mut finding = Finding::of(OP, "test-skipped", line.span, line.text);
            finding.brings.insert(test);
            return Some(finding);
        }
    }
    None
}

fn backwards(name: &str) -> String {
    name.chars().rev().collect()
}

fn defines(line: &Line<'_>) -> bool {
    ["def ", "func ", "fn ", "function ", "void ", "public "]
        .iter()
        .any(|it| line.text.contains(it))
}

/// Calls that make a test fail.
const ASSERTS: &[&str] = &[
    "assert",
    "expect(",
    ".should",
    "t.error",
    "t.fatal",
    "require.",
    "verify(",
    "xctassert",
    "fail(",
    "tobe",
    "is_expected",
];

/// Assertions that cannot fail.
const TRIVIAL: &[&str] = &[
    "assert true",
    "asserttrue(true",
    "expect(true).tobe(true",
    "expect(true).tobetruthy(",
    "assert!(true)",
    "assert.ok(true)",
    "assert.true(t,true",
    "expect(1).tobe(1",
    "assert 1==1",
    "asserttrue(1==1",
    "assert.equal(1,1",
];

/// Whether a text in lower case has calls that make a test fail.
pub(super) fn asserts(text: &str) -> bool {
    ASSERTS.iter().any(|word| text.contains(word))
}

/// The test is still there, and nothing in it can fail.
fn emptied(change: &Change<'_>, diff: &Diff<'_>) -> Option<Finding> {
    let trivial = |line: &Line<'_>| TRIVIAL.iter().any(|word| line.normal.contains(word));
    let counts = |line: &Line<'_>| asserts(&line.normal) && !trivial(line);
    let had = diff.removed().any(|(_, line)| counts(line));
    if !had || change.elsewhere.asserting > 0 || diff.new.lines.iter().any(counts) {
        return None;
    }
    let says_yes = diff.added().find(|(_, line)| trivial(line)).map(|(_, line)| line.span);
    // Taken out are assertions and nothing else, and nothing takes their place. What goes whole, or is
    // said in another way, is another matter.
    let only_those = change.within
        && diff.added().next().is_none()
        && diff.removed().all(|(_, line)| asserts(&line.normal));
    if says_yes.is_none() && !only_those {
        return None;
    }
    let span = says_yes.unwrap_or(Span::new(0, change.new.len()));
    let mut finding = Finding::of(OP, "assertions-removed", span, "");
    finding.brings.extend(diff.old.lines.iter().flat_map(tests));
    Some(finding)
}

/// What runs checks.
const RUNS: &[&str] = &[
    "test",
    "lint",
    "check",
    "audit",
    "scan",
    "tsc",
    "eslint",
    "pytest",
    "jest",
    "vitest",
    "mypy",
    "clippy",
    "semgrep",
    "trivy",
    "snyk",
    "gitleaks",
    "bandit",
    "verify",
    "typecheck",
    "rspec",
    "phpunit",
    "coverage",
    "ruff",
    "flake8",
    "tox",
];

/// Settings that let a check fail unheard.
const UNHEARD: &[&str] = &[
    "continue-on-error:true",
    "allow_failure:true",
    "--passwithnotests",
    "'passwithnotests':true",
];

/// Settings by which a check does not run of itself.
const NOT_RUN: &[&str] = &["if:false", "if:${{false}}", "when:never", "when:manual"];

/// What comes after a check, so that it ends well whatever it says.
const SWALLOWS: &[&str] = &["||true", "||:", "||exit 0", ";exit 0", ";true", "||echo"];

/// Settings of what runs checks: their failure is no failure any more.
pub(super) fn of_settings(change: &Change<'_>, diff: &Diff<'_>) -> Option<Finding> {
    if !runs_checks(change) {
        return None;
    }
    let (unheard, not_run) = (diff.unheard(UNHEARD), diff.unheard(NOT_RUN));
    let has_check = |text: &str| RUNS.iter().any(|word| text.contains(word));
    let ignored = diff.added().find(|(place, line)| {
        let normal = &line.normal;
        let near = || diff.new.says(*place, 4, RUNS);
        let says_so = unheard.iter().any(|it| normal.contains(it));
        let swallowed = SWALLOWS
            .iter()
            .any(|it| normal.split_once(it).is_some_and(|(before, _)| has_check(before)));
        let off = not_run.iter().any(|it| normal.ends_with(it));
        swallowed || (says_so && (change.within || near())) || (off && near())
    });
    ignored.map(|(_, line)| Finding::of(OP, "failure-ignored", line.span, line.text))
}

/// Whether the file says which checks run, by its class or its name.
fn runs_checks(change: &Change<'_>) -> bool {
    let lower = change.path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let names = [
        "package.json",
        "makefile",
        "justfile",
        "tox.ini",
        "noxfile.py",
        ".pre-commit-config.yaml",
        "taskfile.yml",
    ];
    change.classes.contains("ci")
        || names.contains(&name)
        || name.starts_with("jest.config")
        || name.starts_with("vitest.config")
}
