//! Why a command was not started: the one error of this crate.
//!
//! Every refusal names what could not be enforced and what to do about it. Nothing ever goes on with
//! less than it was asked for.

use std::fmt;

/// What could not be enforced, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    what: String,
    why: Option<String>,
    remedy: String,
    kind: RefusalKind,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request cannot be held, on any kernel.
    Request,
    /// This system lacks something.
    Support,
    /// Everything was in place, and the command itself could not be started.
    NotFound,
    /// The command was found and is not a program.
    NotExecutable,
}

impl Refusal {
    pub(crate) fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        let kind = RefusalKind::Request;
        Self { what: what.into(), why: None, remedy: remedy.into(), kind }
    }

    /// A request that cannot be held, found before it could be planned.
    pub fn of_request(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(what, remedy)
    }

    /// The same refusal, with its cause.
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    pub(crate) fn kind(mut self, kind: RefusalKind) -> Self {
        self.kind = kind;
        self
    }

    /// What the refusal is about.
    pub fn about(&self) -> RefusalKind {
        self.kind
    }

    /// What could not be done.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Why, where more is known.
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// What to do about it.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// The exit code that tells: 125, or what shells answer for a command they cannot start.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            RefusalKind::Request | RefusalKind::Support => 125,
            RefusalKind::NotExecutable => 126,
            RefusalKind::NotFound => 127,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(why) = &self.why {
            write!(f, ": {why}")?;
        }
        write!(f, "; {}", self.remedy)
    }
}

impl std::error::Error for Refusal {}
