//! `ringfence policy test`: what the rules must say, as pages that read as documentation.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use super::page::{self, Case};
use crate::exit::{Exit, Failure, Problem};
use crate::input::Source;
use crate::render::color::{FAINT, GREEN, RED, paint};
use crate::render::json;
use crate::render::text::{count, printable};
use crate::wiring::{Judge, Rules};

/// Test that rules decide what their author means
///
/// Reads Markdown pages. A case is a heading, a command in a `bash` block (or a whole action in a
/// `json action` block), and a `verdict` block: the verdict, and rules that must speak or, with `!`,
/// must not. `facts` (JSON) and `user` blocks before the action say what is known and was said. A
/// command runs in /home/u/proj, the only folder of the workspace.
///
/// Exits 1 if a case fails, 2 if a page cannot be read.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(super) struct Test {
    /// Pages (.md), or folders with pages
    #[arg(required = true)]
    pages: Vec<PathBuf>,
    #[command(flatten)]
    rules: Rules,
    /// Write JSON, one case per line
    #[arg(long)]
    json: bool,
}

const EXAMPLE: &str = "Example:
  ringfence policy test our-rules.md --policy our-rules.toml

A page:
  ## Nobody pushes to a release branch
  ```bash
  git push origin release/2.1
  ```
  ```verdict
  deny team.no-push-to-release
  ```";

pub(super) fn run(test: &Test, out: &mut impl Write) -> Result<Exit, Failure> {
    let mut judge = Judge::new(&test.rules, false)?;
    let (mut passed, mut failed) = (0, 0);
    for file in pages(&test.pages)? {
        for case in read(&file)? {
            let problems = problems(&mut judge, &case)?;
            *(if problems.is_empty() { &mut passed } else { &mut failed }) += 1;
            if test.json {
                let Case { file, line, title, .. } = &case;
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
        }
    }
    if !test.json {
        let style = if failed == 0 { GREEN } else { RED };
        let cases = count(passed + failed, "case");
        writeln!(out, "{}", paint(style, &format!("{cases}: {passed} passed, {failed} failed")))?;
    }
    Ok(if failed == 0 { Exit::Fine } else { Exit::Found })
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
fn pages(named: &[PathBuf]) -> Result<Vec<PathBuf>, Problem> {
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
            pages.push(path.clone());
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
