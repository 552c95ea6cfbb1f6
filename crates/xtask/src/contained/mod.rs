//! What of the work that is answered with `contain` fails for being contained.
//!
//! Recorded commands that did no harm and get `contain` are carried out twice in a world to throw away
//! (`world.sh`): as they are, and inside the walls. The machine is read-only there, homes and scratch
//! folders are empty, nobody has rights and there is no network; programs that would fetch something
//! are stood for by one that leaves behind what they would (`stub.sh`). What succeeds outside and
//! fails inside is an interruption. What fails outside too, for want of a program, a file or a
//! network, tells nothing.

#![expect(
    clippy::disallowed_methods,
    reason = "a measurement starts processes and throws its folder away"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ringfence_action::{Attr, Decision, EffectKind, Verdict};
use ringfence_adapters::normalize;
use ringfence_analysis::{Changes, changes_in};
use ringfence_engine::{Engine, Options, Session};
use ringfence_facts::Supplied;
use ringfence_policy::Bundle;
use ringfence_testkit::{Corpora, Row};

use crate::corpus::share;
use crate::{Failure, files};

/// Sources that are agents at work: all that they have is taken before others fill the sample.
const TRAFFIC: [&str; 3] = ["entire_cli", "minsky_cursor", "swe_mini_gemini3"];

const WORKSPACE: &str = "/home/u/proj";
const PAGE: &str = "docs/reports/contained.md";
const SECONDS: &str = "10";
const COULD_NOT_START: i32 = 125;

/// A command that is to be carried out, and what was decided on it.
struct Sampled {
    row: Row,
    decision: Decision,
}

/// How a command went.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Went {
    /// It fails outside as well: nothing is told by it.
    Untold,
    Well,
    FailedInside,
}

/// Carries out a sample with this program and writes the report.
pub(crate) fn run(binary: &Path, size: usize) -> Result<bool, Failure> {
    let Some(corpora) = Corpora::from_env() else { return Ok(true) };
    let sample = sample(corpora.actions()?, size)?;
    let folder = std::env::temp_dir().join(format!("ringfence-contained-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let went = all(binary, &folder, &sample);
    fs::remove_dir_all(&folder)?;
    let page = render(&sample, &went?);
    print!("{page}");
    files::write(PAGE, &page)?;
    Ok(true)
}

/// Different commands that are labelled harmless and get `contain`, in an order that is always the same.
fn sample(rows: Vec<Row>, size: usize) -> Result<Vec<Sampled>, Failure> {
    let bundle = Bundle::default_rules().map_err(|error| error.to_string())?;
    let options = Options { sandbox: true, ..Options::default() };
    let engine = Engine::new(bundle, Box::new(Supplied), options);
    let mixed = BuildHasherDefault::<DefaultHasher>::default();
    let mut rows: Vec<Row> = rows.into_iter().filter(|row| !row.danger).collect();
    rows.sort_by_key(|row| (!is_traffic(row), mixed.hash_one(&row.id)));
    let mut texts = BTreeSet::new();
    let mut sample = Vec::new();
    for row in rows {
        if sample.len() == size {
            break;
        }
        let Some(action) = row.action(WORKSPACE, "/home/u") else { continue };
        if command(&row).is_none_or(|command| texts.contains(&command)) {
            continue;
        }
        let decision = engine.decide(&action, &normalize(&action), &mut Session::new()).decision;
        if decision.verdict == Verdict::Contain {
            texts.extend(command(&row));
            sample.push(Sampled { row, decision });
        }
    }
    Ok(sample)
}

fn is_traffic(row: &Row) -> bool {
    TRAFFIC.contains(&row.source.as_str())
}

/// The command of a row that is one of a shell.
fn command(row: &Row) -> Option<String> {
    if row.kind == "shell" {
        return Some(row.text.clone());
    }
    let action = row.action("/", "/")?;
    (action.tool == "Bash").then_some(())?;
    action.input.get("command")?.as_str().map(str::to_owned)
}

fn all(binary: &Path, folder: &Path, sample: &[Sampled]) -> Result<Vec<Went>, Failure> {
    let write = |name: &str, text: &str| -> Result<PathBuf, Failure> {
        let path = folder.join(name);
        fs::write(&path, text)?;
        Ok(path)
    };
    let world = write("world.sh", include_str!("world.sh"))?;
    let stub = write("stub.sh", include_str!("stub.sh"))?;
    fs::set_permissions(&stub, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let mut went = Vec::new();
    for (number, Sampled { row, decision }) in sample.iter().enumerate() {
        let code = write("command", &command(row).unwrap_or_default())?;
        let installs = decision.effects.iter().any(|effect| effect.kind == EffectKind::Package);
        let profile = if installs { "install" } else { "plain" };
        let writes = writes(decision);
        let once = |mode: &str| -> Result<Option<i32>, Failure> {
            let status = Command::new("unshare")
                .args(["-m", "-n", "-p", "-i", "-u", "-f", "--kill-child", "--mount-proc", "bash"])
                .args([world.as_path(), binary, &stub, &code])
                .args([mode, SECONDS, profile])
                .args(&writes)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
            Ok(status.code())
        };
        let outside = once("plain")?;
        let result = if outside == Some(0) {
            match once("inside")? {
                Some(0) => Went::Well,
                Some(COULD_NOT_START) => {
                    return Err(
                        "the walls could not be set up: run this as root of a machine of its own"
                            .into(),
                    );
                }
                _ => Went::FailedInside,
            }
        } else {
            Went::Untold
        };
        went.push(result);
        if (number + 1) % 50 == 0 {
            eprintln!("{} of {}", number + 1, sample.len());
        }
    }
    Ok(went)
}

/// What the world's workspace holds of what is asked about: a virtual environment.
fn says(file: &str, _: &str) -> bool {
    file.ends_with("/pyvenv.cfg")
}

/// What of its workspace it may write, as the gate says it.
fn writes(decision: &Decision) -> Vec<String> {
    match changes_in(&decision.effects, &decision.opaque, WORKSPACE, &says) {
        Changes::Anything(_) => Vec::new(),
        Changes::Paths(paths) if paths.is_empty() => vec!["--only-write=".to_owned()],
        Changes::Paths(paths) => paths.iter().map(|it| format!("--only-write={it}")).collect(),
    }
}

fn render(sample: &[Sampled], went: &[Went]) -> String {
    let pairs: Vec<(&Sampled, Went)> = sample.iter().zip(went.iter().copied()).collect();
    let mut page = String::from(
        "# Work that is contained\n\n\
         Generated by `cargo xtask contained`. Recorded commands that did no harm and are answered with `contain` are carried out twice, in a\n\
         world that is thrown away: as they are, and inside the walls. The machine is read-only there, homes and scratch folders are empty,\n\
         and there is no network: programs that fetch something are stood for by one that leaves behind what they would, where they would.\n\
         A virtual environment of the project is active, as on a developer's machine, whose own Python takes no packages. Commands that install\n\
         something get the profile that the gate gives them: scripts of packages off; and one all of whose writes are known may write nothing\n\
         else of its workspace.\n\
         What succeeds outside and fails inside fails for being contained, and is an interruption. What fails outside as well, for want of\n\
         a program, a file or a network, tells nothing.\n\n\
         | of | commands | could be carried out | failed inside | share (95 % interval) |\n|---|--:|--:|--:|---|\n",
    );
    let traffic = |sampled: &Sampled| is_traffic(&sampled.row);
    line(&mut page, "agents at work", pairs.iter().filter(|(sampled, _)| traffic(sampled)));
    let others = pairs.iter().filter(|(sampled, _)| !traffic(sampled));
    line(&mut page, "documentation, build files, requested one-liners", others);
    line(&mut page, "**all**", pairs.iter());
    page.push_str("\n## By the rule that contains\n\n| rule | commands | could be carried out | failed inside | share (95 % interval) |\n|---|--:|--:|--:|---|\n");
    let rules: BTreeSet<&str> =
        sample.iter().map(|sampled| sampled.decision.code.as_str()).collect();
    for rule in rules {
        let of = pairs.iter().filter(|(sampled, _)| sampled.decision.code == rule);
        line(&mut page, &format!("`{rule}`"), of);
    }
    page.push_str("\n## What failed\n\n| command | rule | programs |\n|---|---|---|\n");
    for (sampled, _) in pairs.iter().filter(|(_, went)| *went == Went::FailedInside) {
        let _ = writeln!(
            page,
            "| {} | `{}` | {} |",
            sampled.row.id,
            sampled.decision.code,
            programs(&sampled.decision)
        );
    }
    page
}

fn line<'a>(page: &mut String, name: &str, of: impl Iterator<Item = &'a (&'a Sampled, Went)>) {
    let mut counts: BTreeMap<Went, u64> = BTreeMap::new();
    for (_, went) in of {
        *counts.entry(*went).or_default() += 1;
    }
    let count = |went| counts.get(&went).copied().unwrap_or_default();
    let tried = count(Went::Well) + count(Went::FailedInside);
    let failed = count(Went::FailedInside);
    let share = share(failed, tried);
    let _ = writeln!(
        page,
        "| {name} | {} | {tried} | {failed} | {:.1} % ({:.1}–{:.1}) |",
        tried + count(Went::Untold),
        share.value,
        share.low,
        share.high
    );
}

/// The programs that a command runs, by name.
fn programs(decision: &Decision) -> String {
    let execs = decision.effects.iter().filter(|effect| effect.kind == EffectKind::Exec);
    let names: BTreeSet<&str> = execs.filter_map(|effect| effect.text(Attr::By)).take(5).collect();
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ")
}
