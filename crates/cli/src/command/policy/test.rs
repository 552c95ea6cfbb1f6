//! `ringfence policy test`: what the rules must say, as pages that read as documentation.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ringfence_action::Preset;
use ringfence_policy::{BundleError, Tried};

use super::page::{self, Case};
use crate::exit::{Exit, Failure, Problem};
use crate::input::Source;
use crate::render::color::{FAINT, GREEN, RED, paint, width};
use crate::render::json;
use crate::render::text::{count, printable};
use crate::rules;
use crate::wiring::{Judge, Rules};

/// Test that rules decide what their author means
///
/// Tries the examples (`match` and `not_match`) of the rules in files that end in .toml or .cedar, and the
/// cases of Markdown pages. A case is a heading, a command in a `bash` block (or a whole action in a
/// `json action` block), and a `verdict` block: the verdict, and rules that must speak or, with `!`,
/// must not. `facts` (JSON), `user` and `preset` blocks before the action say what is known, was said
/// and is assumed. A command runs in /home/u/proj, the only folder of the workspace.
///
/// Exits 1 if an example or a case fails, 2 if a file cannot be read or a rule does not load.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Test {
    /// Files of rules, pages (.md), or folders with pages
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Write JSON, one example or case per line
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Examples:
  ringfence policy test our-rules.toml
  ringfence policy test our-rules.md --policy our-rules.toml

A page:
  ## Nobody pushes to a release branch
  ```bash
  git push origin release/2.1
  ```
  ```verdict
  deny team.no-push-to-release
  ```";

/// How many held, and how many did not.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Tally {
    fn count(&mut self, passed: bool) {
        *(if passed { &mut self.passed } else { &mut self.failed }) += 1;
    }

    fn show(&self, what: &str, out: &mut impl Write) -> Result<(), Failure> {
        let style = if self.failed == 0 { GREEN } else { RED };
        let all = count(self.passed + self.failed, what);
        let told = format!("{all}: {} passed, {} failed", self.passed, self.failed);
        Ok(writeln!(out, "{}", paint(style, &told))?)
    }
}

pub(super) fn run(test: &Test, out: &mut impl Write) -> Result<Exit, Failure> {
    let is_rules =
        |path: &&PathBuf| path.extension().is_some_and(|it| it == "toml" || it == "cedar");
    let (own, named): (Vec<&PathBuf>, Vec<&PathBuf>) = test.files.iter().partition(is_rules);
    let policy: Vec<PathBuf> = test.rules.policy.iter().chain(own).cloned().collect();
    let (mut examples, mut cases) = (Tally::default(), Tally::default());
    try_examples(&policy, test.json, &mut examples, out)?;
    // A rule whose examples fail does not load: what pages say of it cannot be told.
    if examples.failed == 0 {
        let mut judges = Judges { rules: Rules { policy, ..test.rules.clone() }, made: Vec::new() };
        for file in pages(&named)? {
            for case in read(&file)? {
                try_case(&case, &mut judges, test.json, &mut cases, out)?;
            }
        }
    }
    if !test.json {
        if examples.passed + examples.failed > 0 || named.is_empty() {
            examples.show("example", out)?;
        }
        if cases.passed + cases.failed > 0 {
            cases.show("case", out)?;
        }
        if examples.failed > 0 && !named.is_empty() {
            writeln!(out, "{}", paint(FAINT, "the pages were not tried: the rules do not load"))?;
        }
    }
    Ok(if examples.failed + cases.failed == 0 { Exit::Fine } else { Exit::Found })
}

fn try_examples(
    policy: &[PathBuf],
    as_json: bool,
    tally: &mut Tally,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let sources = rules::read(policy)?;
    for Tried { rule, command, is_match, problem } in rules::try_examples(&sources)? {
        tally.count(problem.is_none());
        let finding = problem.map(|problem| {
            let error = BundleError { problems: vec![problem] };
            rules::findings(&error, &sources)
        });
        if as_json {
            let example = serde_json::json!({
                "rule": rule, "command": command, "match": is_match, "ok": finding.is_none(),
                "problems": finding.unwrap_or_default(),
            });
            json::line(out, &example)?;
        } else {
            for finding in finding.into_iter().flatten() {
                writeln!(out, "{}", finding.snippet().render(width()))?;
            }
        }
    }
    Ok(())
}

/// One judge for each preset that a page names.
struct Judges {
    rules: Rules,
    made: Vec<(Preset, Judge)>,
}

impl Judges {
    fn of(&mut self, preset: Option<Preset>) -> Result<&mut Judge, Failure> {
        let preset = preset.unwrap_or(self.rules.preset);
        let at = match self.made.iter().position(|(known, _)| *known == preset) {
            Some(at) => at,
            None => {
                let rules = Rules { preset, ..self.rules.clone() };
                self.made.push((preset, Judge::new(&rules, false)?));
                self.made.len() - 1
            }
        };
        let judge = self.made.get_mut(at).map(|(_, judge)| judge);
        judge.ok_or_else(|| Problem::new("there is no judge", "report this").into())
    }
}

fn try_case(
    case: &Case,
    judges: &mut Judges,
    as_json: bool,
    tally: &mut Tally,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let problems = problems(judges.of(case.preset)?, case)?;
    tally.count(problems.is_empty());
    if as_json {
        let Case { file, line, title, .. } = case;
        let ok = problems.is_empty();
        let case = serde_json::json!({
            "file": file, "line": line, "title": title, "ok": ok, "problems": problems,
        });
        json::line(out, &case)?;
    } else if !problems.is_empty() {
        let place = format!("{}:{}", case.file.display(), case.line);
        let title = printable(&case.title);
        writeln!(out, "{} {title}  {}", paint(RED, "✗"), paint(FAINT, &printable(&place)))?;
        for problem in &problems {
            writeln!(out, "    {}", printable(problem))?;
        }
    }
    Ok(())
}

fn problems(judge: &mut Judge, case: &Case) -> Result<Vec<String>, Problem> {
    let explained = judge.decide(&case.action).map_err(|error| {
        Problem::new(error.to_string(), "report the case, so that this can be mended")
    })?;
    let rules: Vec<&str> = explained.decision.rules.iter().map(|hit| hit.id.as_str()).collect();
    Ok(case.expected.problems(explained.decision.verdict, &rules))
}

fn read(file: &Path) -> Result<Vec<Case>, Problem> {
    let source = Source::File(file.to_owned());
    let text = String::from_utf8(source.read("tests")?).map_err(|error| {
        Problem::new(format!("{source} is not UTF-8"), "save the page as UTF-8 text")
            .because(error.utf8_error())
    })?;
    page::cases(file, &text)
}

/// The pages that were named, and those in folders that were named.
fn pages(named: &[&PathBuf]) -> Result<Vec<PathBuf>, Problem> {
    let mut pages = Vec::new();
    for path in named {
        if path.is_dir() {
            let before = pages.len();
            walk(path, &mut pages)?;
            if pages.len() == before {
                let what = format!("there is no page in `{}`", path.display());
                return Err(Problem::new(what, "pages of tests end in .md"));
            }
        } else {
            pages.push((*path).clone());
        }
    }
    Ok(pages)
}

#[expect(clippy::disallowed_methods, reason = "pages lie where the user says")]
fn walk(folder: &Path, pages: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let unreadable = |error| Source::File(folder.to_owned()).unreadable(&error);
    let mut entries: Vec<fs::DirEntry> =
        fs::read_dir(folder).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            walk(&path, pages)?;
        } else if path.extension().is_some_and(|extension| extension == "md")
            && !path.ends_with("README.md")
        {
            pages.push(path);
        }
    }
    Ok(())
}
