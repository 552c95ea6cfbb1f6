//! Tasks that a file of the project defines: scripts of package.json, recipes of a Makefile or a
//! justfile. That code of the file runs is an effect in any case; where the file's content is known,
//! what runs is followed.
//!
//! What a task file puts into a command and cannot be told here (a variable of make, a function of
//! just) is put into the shell code as a variable that the shell does not know either.

mod just;
mod make;
mod package;

use std::rc::Rc;

use ringfence_action::{Attr, Dialect, Effect, EffectKind};

use crate::argv::rules::Subject;
use crate::context::{Analyzer, Frame};
use crate::invocation::Data;
use crate::paths;
use crate::value::{Span, Value, Word};

pub(super) use just::just_recipe;
pub(super) use make::make_recipe;
pub(super) use package::package_script;

/// Stands in shell code for a value that is not known.
const UNKNOWN: &str = "${ringfence_unknown}";

/// The file that defines a task, and where the task's commands run.
struct TaskFile {
    path: String,
    content: Rc<str>,
    frame: Frame,
    span: Span,
}

impl TaskFile {
    /// The first of these files that is known, after saying that code of it runs.
    fn find(
        analyzer: &mut Analyzer<'_>,
        subject: &Subject<'_>,
        names: &[&str],
        task: &Word,
    ) -> Option<Self> {
        let given = subject.parsed.last("folder");
        let folder = given.map_or(Value::known("."), |word| word.value.clone());
        let first = names.first()?;
        let place = |name: &str| match name.starts_with('/') {
            true => Value::known(name),
            false => folder.concat(&Value::known(format!("/{name}"))),
        };
        let target = paths::locate(analyzer, subject.frame, &place(first));
        let mut effect = Effect::new(EffectKind::ExecCode, target)
            .with(Attr::By, subject.parsed.name)
            .with(Attr::Lang, "sh")
            .with(Attr::Source, "task");
        let op = task.value.to_target().to_string();
        if !op.is_empty() {
            effect = effect.with(Attr::Op, op);
        }
        analyzer.effect(subject.frame, task.span, effect);
        let mut frame = subject.frame.clone();
        if given.is_some() {
            let target = paths::locate(analyzer, subject.frame, &folder);
            frame.cwd = target.as_known().map_or(Value::Unknown, Value::known);
        }
        names.iter().find_map(|name| {
            let target = paths::locate(analyzer, subject.frame, &place(name));
            let path = target.as_known()?;
            let content = analyzer.file(path)?;
            Some(Self { path: path.to_owned(), content, frame: frame.clone(), span: task.span })
        })
    }

    fn shell(&self, analyzer: &mut Analyzer<'_>, code: &str, dialect: Dialect) {
        let word = Word::known(code, self.span);
        analyzer.shell(&self.frame, &word, dialect, &Data::None);
    }
}

/// The dialect of a program that a task file names as its shell; `None` if it is no shell.
fn shell_dialect(program: &str) -> Option<Dialect> {
    let name = program.split_whitespace().next()?;
    match ringfence_action::path::base_name(name) {
        "sh" | "dash" | "ash" | "ksh" => Some(Dialect::Posix),
        "bash" => Some(Dialect::Bash),
        "zsh" => Some(Dialect::Zsh),
        _ => None,
    }
}
