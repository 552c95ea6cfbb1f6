//! What is wrong with a bundle, in words and with the place.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, SourceCode, SourceSpan};

/// Everything that is wrong with a set of rules. A bundle with errors does not load.
#[derive(Debug)]
pub struct BundleError {
    /// At least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong, with the place and the remedy.
#[derive(Debug, Clone)]
pub struct Problem {
    message: String,
    help: Option<String>,
    file: String,
    text: String,
    span: Option<SourceSpan>,
}

impl Problem {
    pub(crate) fn new(file: &str, text: &str, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: None,
            file: file.to_owned(),
            text: text.to_owned(),
            span: None,
        }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn at(mut self, start: usize, length: usize) -> Self {
        self.span = Some((start, length).into());
        self
    }

    /// What Cedar reports, with its own place and help.
    pub(crate) fn from_cedar(file: &str, text: &str, diagnostic: &dyn Diagnostic) -> Self {
        let mut problem = Self::new(file, text, diagnostic.to_string());
        problem.help = diagnostic.help().map(|help| help.to_string());
        problem.span = diagnostic
            .labels()
            .and_then(|mut labels| labels.next())
            .map(|label: LabeledSpan| *label.inner());
        problem
    }

    /// The file, as it was named when the bundle was loaded.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The line, counted from one, where it is known.
    pub fn line(&self) -> Option<usize> {
        let before = self.text.get(..self.span?.offset())?;
        Some(before.matches('\n').count() + 1)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.span.map(|_| &self.text as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = LabeledSpan::new_with_span(Some(format!("in {}", self.file)), self.span?);
        Some(Box::new(std::iter::once(label)))
    }
}

impl fmt::Display for BundleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match problem.line() {
                Some(line) => write!(f, "{}:{line}: {problem}", problem.file())?,
                None => write!(f, "{}: {problem}", problem.file())?,
            }
            if let Some(help) = &problem.help {
                write!(f, " ({help})")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for BundleError {}

impl Diagnostic for BundleError {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.problems.iter().map(|problem| problem as &dyn Diagnostic)))
    }
}

/// The known word that is closest to an unknown one, as a remark: "did you mean `force`?".
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let closest = known.into_iter().map(|name| (distance(word, name), name)).min()?;
    (closest.0 <= 1 + word.len() / 4).then(|| format!("did you mean `{}`?", closest.1))
}

/// How many insertions, deletions and replacements turn one word into the other.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (deleted, a) in from.chars().enumerate() {
        let mut diagonal = deleted;
        let mut left = deleted + 1;
        let mut next = vec![left];
        for (b, above) in to.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != *b)).min(left + 1).min(above + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        let words = ["force", "recursive", "branch"];
        assert_eq!(did_you_mean("froce", words).unwrap(), "did you mean `force`?");
        assert_eq!(did_you_mean("recursiv", words).unwrap(), "did you mean `recursive`?");
        assert_eq!(did_you_mean("colour", words), None);
    }
}
