//! How a command ends: its exit code, and errors that tell people what to do.

use std::fmt;
use std::io;
use std::process::ExitCode;

use miette::Diagnostic;

use crate::render::snippet::Snippet;
use crate::render::text::printable;

/// What the exit code says. Scripts rely on the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Nothing to object to.
    Fine,
    /// Something was denied, asked or found.
    Found,
    /// The command or its input was wrong.
    Usage,
    /// What a command that was run answered, or why it was not started.
    Child(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Fine => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Child(code) => code,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something a person can put right.
    Problem(Problem),
    /// Several things, each with its place.
    Report(Vec<Snippet>),
    /// The answer could not be written. A reader that went away is no news; anything else is.
    Output(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// What happened, why, and what to do about it. Its texts are safe to show on a terminal.
#[derive(Debug)]
pub(crate) struct Problem {
    what: String,
    why: Option<Why>,
    help: String,
}

impl Problem {
    /// A problem and its remedy.
    pub(crate) fn new(what: impl AsRef<str>, help: impl AsRef<str>) -> Self {
        Self { what: safe(what.as_ref()), why: None, help: safe(help.as_ref()) }
    }

    /// The same problem, with its cause.
    pub(crate) fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(Why(safe(&why.to_string())));
        self
    }
}

/// Escapes each line: errors of others quote what they could not read.
fn safe(text: &str) -> String {
    text.lines().map(printable).collect::<Vec<_>>().join("\n")
}

#[derive(Debug)]
struct Why(String);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Why {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.why.as_ref().map(|why| why as _)
    }
}

impl Diagnostic for Problem {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.help))
    }
}
