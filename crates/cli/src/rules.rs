//! Rule files: read, loaded into a bundle, and shown with the place where something is wrong.

use std::path::PathBuf;

use miette::{Diagnostic, Severity};
use ringfence_policy::{Bundle, BundleError, Layer, Source, default_sources};
use serde::Serialize;

use crate::exit::{Failure, Problem};
use crate::input;
use crate::render::snippet::{Mark, Snippet};
use crate::render::text::printable;
use crate::wiring;

/// The built-in rules, with those of these files added.
pub(crate) fn load(files: &[PathBuf]) -> Result<Bundle, Failure> {
    let sources = read(files)?;
    bundle(&sources).map_err(|error| {
        Failure::Report(findings(&error, &sources).iter().map(Finding::snippet).collect())
    })
}

/// The files as sources of a bundle.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Source>, Problem> {
    files
        .iter()
        .map(|path| {
            let source = input::Source::File(path.clone());
            let text = String::from_utf8(source.read("rules")?).map_err(|error| {
                Problem::new(format!("{source} is not UTF-8"), "save the rules as UTF-8 text")
                    .because(error.utf8_error())
            })?;
            Ok(Source { layer: Layer::User, name: path.display().to_string(), text })
        })
        .collect()
}

/// The built-in rules and these.
pub(crate) fn bundle(sources: &[Source]) -> Result<Bundle, BundleError> {
    let mut all = default_sources();
    all.extend_from_slice(sources);
    Bundle::load_checked(&all, &|command| {
        wiring::effects_of(&wiring::project_action(command)).effects
    })
}

/// One thing that is wrong with a rule file.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
    #[serde(skip)]
    text: String,
    #[serde(skip)]
    spans: Vec<[usize; 2]>,
}

/// What is wrong, with the text of the files at hand.
pub(crate) fn findings(error: &BundleError, sources: &[Source]) -> Vec<Finding> {
    error
        .problems
        .iter()
        .map(|problem| {
            let text = sources.iter().find(|source| source.name == problem.file());
            let labels = problem.labels().into_iter().flatten();
            Finding {
                file: problem.file().to_owned(),
                line: problem.line(),
                error: problem.to_string(),
                help: problem.help().map(|help| help.to_string()),
                text: text.map(|source| source.text.clone()).unwrap_or_default(),
                spans: labels.map(|label| [label.offset(), label.offset() + label.len()]).collect(),
            }
        })
        .collect()
}

impl Finding {
    /// For people, with the place underlined.
    pub(crate) fn snippet(&self) -> Snippet {
        let help = self.help.as_deref().unwrap_or(
            "compare with a rule that loads: `ringfence policy show fs.delete-critical-path`",
        );
        let help = Some(printable(help).into_owned());
        let place = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        let message = printable(&format!("{}{place}: {}", self.file, self.error)).into_owned();
        let snippet = Snippet::new(Severity::Error, message, help);
        let marks: Vec<Mark> =
            self.spans.iter().map(|&span| Mark { span, label: "here".to_owned() }).collect();
        if marks.is_empty() || self.text.is_empty() {
            return snippet;
        }
        snippet.with_source(&self.file, &self.text, &marks)
    }
}
