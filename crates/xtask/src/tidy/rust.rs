//! What holds of one Rust file.

use std::collections::BTreeSet;

use super::Finding;
use crate::files::File;

/// Lines of a file written by hand: more is said, much more fails.
const LONG: usize = 400;
const TOO_LONG: usize = 1000;

/// Crates that touch nothing: what they need comes in as arguments, so that a decision can be
/// replayed.
const PURE: [&str; 3] = ["crates/action/src/", "crates/analysis/src/", "crates/policy/src/"];

/// Names of the standard library that touch the world.
const WORLDLY: [&str; 11] = [
    "fs",
    "process",
    "env",
    "os",
    "thread",
    "time::Instant",
    "time::SystemTime",
    "net::TcpStream",
    "net::TcpListener",
    "net::UdpSocket",
    "net::ToSocketAddrs",
];

/// A word, where alone it may stand (beginnings of paths), and why.
const RESERVED: [(&str, &[&str], &str); 4] = [
    (
        "Decision::new",
        &["crates/engine/src/", "crates/action/src/"],
        "only `engine` makes a decision",
    ),
    (
        "Said::typed_by_the_user",
        &[
            "crates/classify/src/judge/",
            "crates/classify/tests/",
            "crates/cli/src/command/hook/turn.rs",
            "crates/cli/src/reviewing.rs",
            "crates/xtask/src/redteam/judge.rs",
        ],
        "what a judge takes for the user's words is made where it is known that they were typed",
    ),
    (
        "shuck_",
        &["crates/analysis/src/shell/parse.rs", "crates/analysis/src/shell/lower/"],
        "the parser's types stay in shell/parse.rs and shell/lower/, so that it can be replaced",
    ),
    (
        "cedar_policy",
        &["crates/policy/src/", "crates/policy/tests/", "crates/policy/benches/"],
        "the policy language is known to `policy` alone",
    ),
];

/// Checks every file.
pub(super) fn check_all(files: &[File]) -> Vec<Finding> {
    let tests: BTreeSet<String> = files.iter().flat_map(test_modules).collect();
    files.iter().flat_map(|file| check(file, tests.contains(&file.path))).collect()
}

fn check(file: &File, is_test: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(size(file));
    findings.extend(prose(file));
    // These rules are written with the words they look for.
    if is_test || file.path == "crates/xtask/src/tidy/rust.rs" {
        return findings;
    }
    for (line, code) in product_code(&file.text) {
        let at = format!("{}:{line}", file.path);
        findings.extend(pure(file, code).map(|message| Finding::fail(&at, message)));
        findings.extend(reserved(file, code).map(|message| Finding::fail(&at, message)));
    }
    findings
}

/// Where the modules of a file that are there for tests alone (`#[cfg(test)] mod x;`) may lie.
fn test_modules(file: &File) -> Vec<String> {
    let module = file.path.strip_suffix(".rs").unwrap_or(&file.path);
    let folder = module.rsplit_once('/').map_or("", |(folder, _)| folder);
    let lines = file.text.lines().map(str::trim);
    let declared = lines.clone().zip(lines.skip(1)).filter(|(line, _)| *line == "#[cfg(test)]");
    let names = declared.filter_map(|(_, next)| next.strip_prefix("mod ")?.strip_suffix(';'));
    names.flat_map(|name| [folder, module].map(|place| format!("{place}/{name}.rs"))).collect()
}

fn size(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    let message = format!("{lines} lines; split it where the subject changes");
    match lines {
        TOO_LONG.. => Some(Finding::fail(&file.path, message)),
        LONG.. => Some(Finding::warn(&file.path, message)),
        _ => None,
    }
}

fn prose(file: &File) -> Option<Finding> {
    let opens = file.text.starts_with("//! ");
    (!opens).then(|| Finding::fail(&file.path, "open the file with `//!` prose: what it is for"))
}

fn pure<'a>(file: &File, code: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let applies = PURE.iter().any(|folder| file.path.starts_with(folder));
    let words = WORLDLY.iter().filter(move |word| applies && imports(code, word));
    words.map(|word| {
        format!("`std::{word}` in a crate that touches nothing; take it as an argument")
    })
}

/// Whether a line names `std::WORD`, alone or in a group (`std::{fs, io}`).
fn imports(code: &str, word: &str) -> bool {
    let (module, item) = word.split_once("::").unwrap_or((word, ""));
    code.match_indices("std::").any(|(at, found)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return false;
        }
        let rest = code.get(at + found.len()..).unwrap_or_default();
        let named = |text: &str, name: &str| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == name)
        };
        let in_group = rest.starts_with('{') && named(rest, module);
        let alone = rest
            .strip_prefix(module)
            .is_some_and(|after| !after.starts_with(char::is_alphanumeric));
        (in_group || alone) && (item.is_empty() || named(rest, item))
    })
}

fn reserved<'a>(file: &'a File, code: &'a str) -> impl Iterator<Item = String> + use<'a> {
    let broken = RESERVED.iter().filter(|(word, places, _)| {
        code.contains(word) && !places.iter().any(|place| file.path.starts_with(place))
    });
    broken.map(|(word, _, why)| format!("`{word}` here: {why}"))
}

/// The lines of code that are neither comments nor tests, with their numbers. Relies on rustfmt: an
/// item ends with the first line that has its indentation and closes it.
fn product_code(text: &str) -> Vec<(usize, &str)> {
    let mut code = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((line, number)) = lines.next() {
        let trimmed = line.trim_start();
        if trimmed == "#[cfg(test)]" {
            let indentation = line.len() - trimmed.len();
            let ends = |line: &str| {
                let item = line.trim_start();
                line.len() - item.len() == indentation
                    && (item.starts_with('}') || item.ends_with(';') || item.ends_with('}'))
            };
            lines.by_ref().find(|(line, _)| ends(line));
        } else if !trimmed.starts_with("//") {
            code.push((number, line));
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let file = File { path: path.to_owned(), text: format!("//! Prose.\n{text}") };
        check_all(&[file]).into_iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn pure_crates_touch_nothing() {
        for text in [
            "use std::fs;",
            "use std::{fs, io};",
            "let x = std::process::id();",
            "use std::time::Instant;",
            "use std::net::{IpAddr, TcpStream};",
            "use std::time::{Duration, Instant};",
            "std::env::var(\"HOME\")",
        ] {
            assert_eq!(messages("crates/policy/src/x.rs", text).len(), 1, "{text}");
            assert!(messages("crates/facts/src/x.rs", text).is_empty(), "{text}");
        }
        for text in [
            "use std::fmt;",
            "use std::time::Duration;",
            "use std::net::Ipv4Addr;",
            "// std::fs",
            "my_std::process_all()",
        ] {
            assert!(messages("crates/policy/src/x.rs", text).is_empty(), "{text}");
        }
    }

    #[test]
    fn only_the_engine_decides() {
        let text = "Decision::new(verdict)";
        assert!(messages("crates/engine/src/x.rs", text).is_empty());
        assert_eq!(
            messages("crates/cli/src/x.rs", text),
            ["error: crates/cli/src/x.rs:2: `Decision::new` here: only `engine` makes a decision"]
        );
    }

    #[test]
    fn tests_may_do_more_and_what_follows_them_may_not() {
        let text =
            "#[cfg(test)]\nmod tests {\n    use std::fs;\n}\nuse std::fs;\n#[cfg(test)]\nmod t;\n";
        assert_eq!(
            messages("crates/policy/src/x.rs", text),
            [
                "error: crates/policy/src/x.rs:6: `std::fs` in a crate that touches nothing; take it as an argument"
            ]
        );
    }

    #[test]
    fn a_module_of_tests_may_do_more() {
        let parent = "//! Prose.\n#[cfg(test)]\nmod bless;\nmod other;\n";
        let file = |path: &str, text: &str| File { path: path.into(), text: text.into() };
        let files = ["lib", "bless", "other"].map(|name| {
            let text = if name == "lib" { parent } else { "//! Prose.\nuse std::fs;\n" };
            file(&format!("crates/policy/src/{name}.rs"), text)
        });
        let places: Vec<_> = check_all(&files).into_iter().map(|finding| finding.place).collect();
        assert_eq!(places, ["crates/policy/src/other.rs:2"]);
    }

    #[test]
    fn long_files_are_named_and_longer_ones_fail() {
        assert!(messages("crates/cli/src/x.rs", &"\n".repeat(399))[0].starts_with("warning"));
        assert!(messages("crates/cli/src/x.rs", &"\n".repeat(999))[0].starts_with("error"));
    }

    #[test]
    fn a_file_opens_with_prose() {
        let file = File { path: "crates/cli/src/x.rs".into(), text: "use x;\n".into() };
        assert_eq!(check_all(&[file]).len(), 1);
    }
}
