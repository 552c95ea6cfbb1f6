//! Pages of tests: Markdown in which each case is a heading, an action and the verdict it must get.

use std::path::{Path, PathBuf};

use ringfence_action::{Action, Facts, Preset, Verdict};
use serde_json::json;

use crate::exit::Problem;
use crate::wiring;

/// One action and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    pub(super) file: PathBuf,
    /// Of the action.
    pub(super) line: usize,
    pub(super) title: String,
    pub(super) action: Action,
    /// Where the page names one.
    pub(super) preset: Option<Preset>,
    pub(super) expected: Expected,
}

/// A `verdict` block: `VERDICT[|VERDICT…] [RULE | !RULE]…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    verdicts: Vec<Verdict>,
    rules: Vec<String>,
    absent: Vec<String>,
}

impl Expected {
    fn parse(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let verdicts: Vec<Verdict> = words
            .next()
            .unwrap_or_default()
            .split('|')
            .map(|word| {
                serde_json::from_value(json!(word)).map_err(|_| {
                    format!("`{word}` is not a verdict; write allow, contain, ask or deny first")
                })
            })
            .collect::<Result<_, String>>()?;
        let (absent, rules): (Vec<&str>, Vec<&str>) = words.partition(|id| id.starts_with('!'));
        let absent = absent.into_iter().map(|id| id.trim_start_matches('!').to_owned()).collect();
        Ok(Self { verdicts, rules: rules.into_iter().map(str::to_owned).collect(), absent })
    }

    /// Whether the action must be let through as it is.
    pub(super) fn allows(&self) -> bool {
        self.verdicts == [Verdict::Allow]
    }

    /// Whether this rule must be among those that speak.
    pub(super) fn names(&self, rule: &str) -> bool {
        self.rules.iter().any(|id| id == rule)
    }

    /// What is not as expected; nothing is success.
    pub(super) fn problems(&self, verdict: Verdict, rules: &[&str]) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.verdicts.contains(&verdict) {
            let expected: Vec<&str> = self.verdicts.iter().map(|it| it.as_str()).collect();
            problems.push(format!("expected {}, got {verdict}", expected.join(" or ")));
        }
        let spoke = |id: &&String| rules.contains(&id.as_str());
        problems.extend(
            self.rules.iter().filter(|id| !spoke(id)).map(|id| format!("rule {id} did not speak")),
        );
        problems.extend(self.absent.iter().filter(spoke).map(|id| format!("rule {id} spoke")));
        problems
    }
}

/// Reads a page.
pub(super) fn cases(file: &Path, text: &str) -> Result<Vec<Case>, Problem> {
    let mut page = Page::new(file);
    let mut lines = text.lines().zip(1..);
    while let Some((text, line)) = lines.next() {
        let ticks = text.len() - text.trim_start_matches('`').len();
        if let Some(title) = text.trim_start_matches('#').strip_prefix(' ')
            && text.starts_with('#')
        {
            page.title = title.trim().to_owned();
        } else if ticks >= 3 {
            let (fence, info) = text.split_at_checked(ticks).unwrap_or((text, ""));
            let mut body = Vec::new();
            let mut closed = false;
            for (text, _) in lines.by_ref() {
                closed = text.trim_end() == fence;
                if closed {
                    break;
                }
                body.push(text);
            }
            if !closed {
                return Err(page.problem(line, "this block is never closed"));
            }
            page.block(line, info.trim(), &body.join("\n"))?;
        }
    }
    match page.open {
        Some((line, _)) => Err(page.problem(line, "this action has no `verdict` block")),
        None => Ok(page.cases),
    }
}

/// A page as it is read.
#[derive(Debug)]
struct Page<'a> {
    file: &'a Path,
    title: String,
    facts: Facts,
    said: Vec<String>,
    preset: Option<Preset>,
    /// An action that waits for its verdict.
    open: Option<(usize, Action)>,
    cases: Vec<Case>,
}

impl<'a> Page<'a> {
    fn new(file: &'a Path) -> Self {
        Self {
            file,
            title: String::new(),
            facts: Facts::default(),
            said: Vec::new(),
            preset: None,
            open: None,
            cases: Vec::new(),
        }
    }

    fn block(&mut self, line: usize, info: &str, text: &str) -> Result<(), Problem> {
        match info {
            "bash" | "json action" => {
                if let Some((line, _)) = self.open {
                    return Err(self.problem(line, "this action has no `verdict` block"));
                }
                let action = if info == "bash" {
                    self.shell(text)
                } else {
                    Action::from_json(text.as_bytes())
                        .map_err(|error| self.problem(line, error.to_string()))?
                };
                self.open = Some((line, action));
            }
            "facts" => {
                self.facts = serde_json::from_str(text)
                    .map_err(|error| self.problem(line, format!("these are not facts: {error}")))?;
            }
            "user" => self.said.push(text.to_owned()),
            "preset" => {
                let preset = wiring::preset(text.trim());
                self.preset = Some(preset.map_err(|problem| self.problem(line, problem))?);
            }
            "verdict" => {
                let expected =
                    Expected::parse(text).map_err(|problem| self.problem(line, problem))?;
                let Some((line, action)) = self.open.take() else {
                    return Err(self.problem(line, "a verdict without an action before it"));
                };
                let (file, title) = (self.file.to_owned(), self.title.clone());
                let preset = self.preset.take();
                self.cases.push(Case { file, line, title, action, preset, expected });
            }
            // What the effects must be is a matter of analysis, not of rules.
            "effects" | "text" | "" => {}
            other => {
                let problem = format!(
                    "`{other}` is no block of a test; there are bash, json action, facts, user, preset and verdict"
                );
                return Err(self.problem(line, problem));
            }
        }
        Ok(())
    }

    /// A command in the project, with what was known and said ahead of it.
    fn shell(&mut self, command: &str) -> Action {
        Action {
            user_messages: std::mem::take(&mut self.said),
            facts: std::mem::take(&mut self.facts),
            ..wiring::project_action(command)
        }
    }

    fn problem(&self, line: usize, what: impl AsRef<str>) -> Problem {
        let what = format!("{}:{line}: {}", self.file.display(), what.as_ref());
        Problem::new(what, "`ringfence policy test --help` shows how a page is written")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Case>, String> {
        cases(Path::new("p.md"), text).map_err(|problem| problem.to_string())
    }

    #[test]
    fn a_case_is_an_action_and_its_verdict() {
        let page = "# Title\nprose\n## It is asked\n```user\npush it\n```\n```bash\ngit push\n```\n\
                    ```verdict\nask|deny git.push !git.force\n```\n";
        let cases = read(page).unwrap();
        assert_eq!(cases.len(), 1);
        assert_eq!((cases[0].title.as_str(), cases[0].line), ("It is asked", 7));
        assert_eq!(cases[0].action.user_messages, ["push it"]);
        let expected = &cases[0].expected;
        assert!(expected.problems(Verdict::Deny, &["git.push"]).is_empty());
        assert_eq!(
            expected.problems(Verdict::Allow, &["git.force"]),
            [
                "expected ask or deny, got allow",
                "rule git.push did not speak",
                "rule git.force spoke"
            ]
        );
    }

    #[test]
    fn a_slip_of_the_pen_is_an_error_and_not_a_test_that_never_fails() {
        for (page, problem) in [
            ("```bash\nls\n```\n", "p.md:1: this action has no `verdict` block"),
            ("```bash\nls\n", "p.md:1: this block is never closed"),
            ("\n```verdict\nallow\n```", "p.md:2: a verdict without an action before it"),
            ("```bash\nls\n```\n```verdict\nyes\n```", "p.md:4: `yes` is not a verdict"),
            ("```bsh\nls\n```", "p.md:1: `bsh` is no block of a test"),
        ] {
            let found = read(page).unwrap_err();
            assert!(found.starts_with(problem), "{found}");
        }
    }
}
