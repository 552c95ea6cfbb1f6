//! Checks that no longer count: tests that are left out, assertions that are gone, jobs whose failure
//! nobody hears of.

use super::lines::{Diff, Line};
use super::names::names;
use super::{Change, Finding, LEFT_OUT};
use crate::value::Span;

const OP: &str = "disable-checks";

/// Tests that are marked to be left out, renamed so that they are not found, or emptied.
pub(super) fn of_tests(change: &Change<'_>, diff: &Diff<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (_, line) in diff.added() {
        let marked = LEFT_OUT.iter().any(|mark| line.normal.contains(mark) && !diff.had(mark));
        // A test that is new was never counted.
        if marked && (change.within || diff.has_old) && !is_about_machine(diff, line) {
            let mut finding = Finding::of(OP, "test-skipped", line.span, line.text);
            finding.brings.extend(tests(diff.new.iter()));
            found.push(finding);
        }
    }
    found.extend(renamed(diff));
    found.extend(emptied(change, diff));
    found
}

/// "Only on Windows", "needs a database": where, and not whether.
fn is_about_machine(diff: &Diff<'_>, line: &Line<'_>) -> bool {
    let words = [
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
    let place = diff.new.iter().position(|other| std::ptr::eq(other, line)).unwrap_or_default();
    diff.around(place, 1).iter().any(|line| words.iter().any(|word| line.normal.contains(word)))
}

/// The names of tests that are defined in these lines.
fn tests<'l, 't: 'l>(lines: impl Iterator<Item = &'l Line<'t>>) -> Vec<String> {
    let is_test = |name: &&str| {
        let lower = name.to_lowercase();
        lower.starts_with("test") && name.len() > 5
    };
    lines.flat_map(|line| names(line.text).filter(is_test).map(str::to_lowercase)).collect()
}

/// What was found as a test by its name is not found any more, and is still there.
fn renamed(diff: &Diff<'_>) -> Option<Finding> {
    for (_, gone) in diff.removed().filter(|(_, line)| defines(line)) {
        for test in tests(std::iter::once(gone)) {
            let stem = test.trim_start_matches("test").trim_start_matches('_');
            let hidden = |line: &&Line<'_>| {
                defines(line)
                    && names(line.text).any(|name| {
                        let lower = name.to_lowercase();
                        stem.len() > 2 && lower.ends_with(stem) && !lower.starts_with("test")
                    })
            };
            let is_there = diff.new.iter().any(|line| tests(std::iter::once(line)).contains(&test));
            if let Some(line) =
                diff.added().map(|(_, line)| line).find(hidden).filter(|_| !is_there)
            {
                let mut finding = Finding::of(OP, "test-skipped", line.span, line.text);
                finding.brings.insert(test);
                return Some(finding);
            }
        }
    }
    None
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

/// The test is still there, and nothing in it can fail.
fn emptied(change: &Change<'_>, diff: &Diff<'_>) -> Option<Finding> {
    let asserts = |line: &Line<'_>| ASSERTS.iter().any(|word| line.normal.contains(word));
    let trivial = |line: &Line<'_>| TRIVIAL.iter().any(|word| line.normal.contains(word));
    let had = diff.removed().any(|(_, line)| asserts(line) && !trivial(line));
    let has = diff.new.iter().any(|line| asserts(line) && !trivial(line));
    let moved = change.elsewhere.to_lowercase();
    let moved = ASSERTS.iter().any(|word| moved.contains(word));
    let says_yes = diff.added().find(|(_, line)| trivial(line)).map(|(_, line)| line.span);
    // Taken out are assertions and nothing else, and nothing takes their place. What goes whole, or is
    // said in another way, is another matter.
    let only_those = || {
        diff.removed().all(|(_, line)| asserts(line))
            && diff.added().next().is_none()
            && change.within
    };
    let is_empty = had && !has && !moved && (says_yes.is_some() || only_those());
    let span = says_yes.unwrap_or(Span::new(0, change.new.len()));
    is_empty.then(|| {
        let mut finding = Finding::of(OP, "assertions-removed", span, "");
        finding.brings.extend(tests(diff.old.iter()));
        finding
    })
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

/// Settings of what runs checks: their failure is no failure any more.
pub(super) fn of_settings(change: &Change<'_>, diff: &Diff<'_>) -> Vec<Finding> {
    let lower = change.path.to_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let runs_checks = change.classes.contains("ci")
        || matches!(
            name,
            "package.json"
                | "makefile"
                | "justfile"
                | "tox.ini"
                | "noxfile.py"
                | ".pre-commit-config.yaml"
                | "taskfile.yml"
        )
        || name.starts_with("jest.config")
        || name.starts_with("vitest.config");
    if !runs_checks {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (place, line) in diff.added() {
        let normal = &line.normal;
        let here = RUNS.iter().any(|word| normal.contains(word));
        let near = || {
            diff.around(place, 4)
                .iter()
                .any(|line| RUNS.iter().any(|word| line.normal.contains(word)))
        };
        let says_so = [
            "continue-on-error:true",
            "allow_failure:true",
            "--passwithnotests",
            "'passwithnotests':true",
        ]
        .iter()
        .any(|it| normal.contains(it) && !diff.had(it));
        let swallowed =
            ["||true", "||:", "||exit 0", ";exit 0", ";true", "||echo"].iter().any(|it| {
                normal
                    .split_once(it)
                    .is_some_and(|(before, _)| RUNS.iter().any(|word| before.contains(word)))
            });
        let off = ["if:false", "if:${{false}}", "when:never", "when:manual"]
            .iter()
            .any(|it| normal.ends_with(it) && !diff.had(it));
        if (says_so && (here || near() || change.within)) || swallowed || (off && near()) {
            found.push(Finding::of(OP, "failure-ignored", line.span, line.text));
        }
    }
    found
}
