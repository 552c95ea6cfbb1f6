//! Cases: what a page asks, read strictly, so that a slip of the pen is an error and not a test
//! that never fails.

use std::path::{Path, PathBuf};

use ringfence_action::{Action, Agent, Call, Dialect, Facts, Platform, Preset, Text};
use serde_json::{Value, json};

use crate::PageError;
use crate::expect::{EffectsExpectation, VerdictExpectation};
use crate::markdown::{Block, blocks};

/// One command or action, and what must come of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The page.
    pub file: PathBuf,
    /// The line on which the code opens.
    pub line: usize,
    /// The heading above it.
    pub title: String,
    /// The language of the code: `bash`, `sh`, `zsh` or `json action`.
    pub language: String,
    /// The command, or the JSON of an action.
    pub code: String,
    /// What is known of the world: the `facts` block.
    pub facts: Facts,
    /// What the user said before: one message for each `user` block.
    pub user: Vec<String>,
    /// The `preset` block: what is assumed where no rule speaks.
    pub preset: Preset,
    /// The `effects` block.
    pub expect_effects: Option<EffectsExpectation>,
    /// The `verdict` block.
    pub expect_verdict: Option<VerdictExpectation>,
    /// The `gap` block: the case is known not to hold, and why. It fails once it does hold.
    pub gap: Option<String>,
}

impl Case {
    /// The action that the case describes. A command runs in `/home/u/proj`, the only folder of
    /// the workspace, with home `/home/u`, on Linux.
    ///
    /// # Errors
    /// When a `json action` block is not an action.
    pub fn action(&self) -> Result<Action, PageError> {
        if self.language == "json action" {
            return Action::from_json(self.code.as_bytes())
                .map_err(|error| PageError::new(&self.file, self.line, error.to_string()));
        }
        let project = "/home/u/proj".to_owned();
        Ok(Action {
            id: None,
            agent: Agent { kind: "claude-code".to_owned(), subagent: None },
            session: None,
            tool: "Bash".to_owned(),
            input: json!({"command": self.code}),
            cwd: Some(project.clone()),
            workspace: vec![project],
            home: Some("/home/u".to_owned()),
            platform: Platform::Linux,
            user_messages: self.user.clone(),
            facts: self.facts.clone(),
        })
    }

    /// The tool call of a command, in the dialect that the block names; `None` for an action in
    /// JSON, which an adapter has to read.
    pub fn shell_call(&self) -> Option<Call> {
        let dialect = match self.language.as_str() {
            "bash" => Dialect::Bash,
            "sh" => Dialect::Posix,
            "zsh" => Dialect::Zsh,
            _ => return None,
        };
        let command = Text::new("/input/command", self.code.clone());
        Some(Call::Shell { command, dialect, cwd: None })
    }
}

/// Every case of the pages (`*.md`) in a folder and below, in the order of their names.
///
/// # Errors
/// When the folder cannot be read or a page is not well formed.
pub fn cases(folder: &Path) -> Result<Vec<Case>, PageError> {
    let mut cases = Vec::new();
    for file in pages(folder)? {
        cases.extend(page(&file)?);
    }
    Ok(cases)
}

/// The pages in a folder and below, sorted. `README.md` is not one.
pub(crate) fn pages(folder: &Path) -> Result<Vec<PathBuf>, PageError> {
    let unreadable =
        |error: std::io::Error| PageError::new(folder, 0, format!("unreadable: {error}"));
    let mut pages = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "tests read their own pages")]
    let entries = std::fs::read_dir(folder).map_err(unreadable)?;
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            pages.extend(self::pages(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "md")
            && !path.ends_with("README.md")
        {
            pages.push(path);
        }
    }
    pages.sort();
    Ok(pages)
}

/// The cases of one page.
pub(crate) fn page(file: &Path) -> Result<Vec<Case>, PageError> {
    #[expect(clippy::disallowed_methods, reason = "tests read their own pages")]
    let text = std::fs::read_to_string(file)
        .map_err(|error| PageError::new(file, 0, format!("unreadable: {error}")))?;
    parse(file, &text)
}

/// The cases of the text of a page.
#[cfg(test)]
pub(crate) fn cases_of(file: &Path, text: &str) -> Result<Vec<Case>, PageError> {
    parse(file, text)
}

fn parse(file: &Path, text: &str) -> Result<Vec<Case>, PageError> {
    let mut page = Page::new(file);
    let blocks =
        blocks(text).map_err(|line| PageError::new(file, line, "this block is never closed"))?;
    for block in blocks {
        match block {
            Block::Heading { text, .. } => page.heading(text)?,
            Block::Fence { line, info, text } => page.fence(line, &info, text)?,
        }
    }
    page.finish()
}

/// A page as it is read: finished cases, the open one, and what was said ahead of the next.
struct Page<'a> {
    file: &'a Path,
    title: String,
    facts: Option<(usize, Facts)>,
    user: Vec<(usize, String)>,
    preset: Option<(usize, Preset)>,
    cases: Vec<Case>,
}

impl<'a> Page<'a> {
    fn new(file: &'a Path) -> Self {
        let (title, facts, user, preset) = Default::default();
        Self { file, title, facts, user, preset, cases: Vec::new() }
    }

    fn heading(&mut self, text: String) -> Result<(), PageError> {
        self.nothing_waits()?;
        self.title = text;
        Ok(())
    }

    fn fence(&mut self, line: usize, info: &str, text: String) -> Result<(), PageError> {
        match info {
            "bash" | "sh" | "zsh" | "json action" => self.open(line, info, text),
            "facts" if self.facts.is_some() => Err(self.error(line, "a second `facts` block")),
            "facts" => {
                let facts = facts(&text).map_err(|problem| self.error(line, problem))?;
                self.facts = Some((line, facts));
                Ok(())
            }
            "user" => {
                self.user.push((line, text));
                Ok(())
            }
            "preset" => {
                let known = Preset::ALL.into_iter().find(|known| known.as_str() == text.trim());
                let preset = known.ok_or_else(|| {
                    let names = Preset::ALL.map(Preset::as_str).join(", ");
                    self.error(line, format!("`{text}` is no preset; there are {names}"))
                })?;
                self.preset = Some((line, preset));
                Ok(())
            }
            "effects" => {
                let expected = EffectsExpectation::parse(&text)
                    .map_err(|(offset, problem)| self.error(line + 1 + offset, problem))?;
                let twice = self.last(line)?.expect_effects.replace(expected).is_some();
                if twice { Err(self.error(line, "a second `effects` block")) } else { Ok(()) }
            }
            "verdict" => {
                let expected = VerdictExpectation::parse(&text)
                    .map_err(|(offset, problem)| self.error(line + 1 + offset, problem))?;
                let twice = self.last(line)?.expect_verdict.replace(expected).is_some();
                if twice { Err(self.error(line, "a second `verdict` block")) } else { Ok(()) }
            }
            "gap" if text.trim().is_empty() => Err(self.error(line, "say what is missing")),
            "gap" => {
                self.last(line)?.gap = Some(text);
                Ok(())
            }
            "text" => Ok(()),
            other => Err(self.error(
                line,
                format!("`{other}` is no block of a test; use `text` for illustrations"),
            )),
        }
    }

    fn open(&mut self, line: usize, language: &str, code: String) -> Result<(), PageError> {
        self.last_expects_something()?;
        let case = Case {
            file: self.file.to_owned(),
            line,
            title: self.title.clone(),
            language: language.to_owned(),
            code,
            facts: self.facts.take().map(|(_, facts)| facts).unwrap_or_default(),
            user: self.user.drain(..).map(|(_, text)| text).collect(),
            preset: self.preset.take().map(|(_, preset)| preset).unwrap_or_default(),
            expect_effects: None,
            expect_verdict: None,
            gap: None,
        };
        if language == "json action" {
            if !case.user.is_empty() || case.facts != Facts::default() {
                return Err(
                    self.error(line, "an action in JSON carries its own facts and user_messages")
                );
            }
            case.action()?;
        }
        self.cases.push(case);
        Ok(())
    }

    fn finish(self) -> Result<Vec<Case>, PageError> {
        self.nothing_waits()?;
        self.last_expects_something()?;
        if self.cases.is_empty() {
            return Err(self.error(1, "a page without a case; add one, or call it README.md"));
        }
        Ok(self.cases)
    }

    fn last(&mut self, line: usize) -> Result<&mut Case, PageError> {
        let error = self.error(line, "an expectation before any code");
        self.cases.last_mut().ok_or(error)
    }

    fn last_expects_something(&self) -> Result<(), PageError> {
        match self.cases.last() {
            Some(case) if case.expect_effects.is_none() && case.expect_verdict.is_none() => {
                Err(self.error(
                    case.line,
                    "a case that expects nothing cannot fail; add `effects` or `verdict`",
                ))
            }
            _ => Ok(()),
        }
    }

    fn nothing_waits(&self) -> Result<(), PageError> {
        let facts = self.facts.iter().map(|(line, _)| *line);
        let preset = self.preset.iter().map(|(line, _)| *line);
        let user = self.user.iter().map(|(line, _)| *line);
        match facts.chain(preset).chain(user).next() {
            Some(line) => {
                let message = "`facts`, `user` and `preset` come before the code they are for";
                Err(self.error(line, message))
            }
            None => Ok(()),
        }
    }

    fn error(&self, line: usize, message: impl Into<String>) -> PageError {
        PageError::new(self.file, line, message)
    }
}

/// Facts, refusing fields that nothing reads.
fn facts(text: &str) -> Result<Facts, String> {
    let given: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let facts: Facts =
        serde_json::from_value(given.clone()).map_err(|error| format!("not facts: {error}"))?;
    let understood = serde_json::to_value(&facts).map_err(|error| error.to_string())?;
    match unread(&given, &understood) {
        Some(field) => Err(format!("`{field}` is not a field of facts")),
        None => Ok(facts),
    }
}

/// The first field of `given` that did not survive reading.
fn unread(given: &Value, understood: &Value) -> Option<String> {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(all) => all.is_empty(),
        _ => false,
    };
    let fields = given.as_object()?;
    fields.iter().filter(|(_, value)| !empty(value)).find_map(|(name, value)| {
        match understood.get(name) {
            Some(understood) => unread(value, understood),
            None => Some(name.clone()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"# Deleting
Prose.
## With facts
```facts
{"git": {"branch": "main"}}
```
```user
clean up
```
```bash
rm -rf x
```
```effects
delete /home/u/proj/x
```
```verdict
ask fs.x
```
## In another shell
```zsh
print x
```
```effects
!write
```
"#;

    fn failure(page: &str) -> String {
        parse(Path::new("p.md"), page).unwrap_err().to_string()
    }

    #[test]
    fn a_page_is_read() {
        let cases = parse(Path::new("p.md"), PAGE).unwrap();
        let [first, second] = cases.as_slice() else { panic!("{cases:?}") };
        assert_eq!((first.title.as_str(), first.line), ("With facts", 10));
        assert_eq!(first.facts.git.as_ref().unwrap().branch.as_deref(), Some("main"));
        assert_eq!(first.action().unwrap().user_messages, ["clean up"]);
        assert!(first.expect_effects.is_some() && first.expect_verdict.is_some());
        assert!(matches!(second.shell_call(), Some(Call::Shell { dialect: Dialect::Zsh, .. })));
        assert_eq!(second.facts, Facts::default());
    }

    #[test]
    fn a_slip_of_the_pen_is_an_error() {
        assert!(failure("```bash\nls\n```\n").contains("cannot fail"));
        assert!(failure("```effects\nnet\n```\n").contains("before any code"));
        assert!(failure("```efects\nnet\n```\n").contains("no block of a test"));
        assert!(failure("```facts\n{\"git\":{\"brunch\":\"x\"}}\n```\n").contains("`brunch`"));
        assert!(failure("```facts\n{}\n```\n# Next\n").contains("come before"));
        assert!(failure("just prose\n").contains("without a case"));
        assert!(failure("```json action\n{\"tool\":1}\n```\n").contains("`input` is missing"));
        assert_eq!(
            failure("\n\n```bash\nls\n```\n```effects\nnet\nfoo\n```\n"),
            "p.md:8: `foo` is not a kind of effect"
        );
    }
}
