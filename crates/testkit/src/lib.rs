//! Literate Markdown tests, corpora and oracles for the other crates.
//!
//! A test of an effect, a rule or a bypass is a page that a person reads: prose, a command, and
//! what must come of it. [`run`] turns every page of a folder into one test; the crate under test
//! supplies the judge. Pages are written like this:
//!
//! ~~~text
//! # What this page is about
//!
//! ## A case in words
//! Why it matters.
//! ```bash
//! rm -rf "$HOME/"*
//! ```
//! ```effects
//! delete /home/u/* recursive
//! !net
//! ```
//! ```verdict
//! deny fs.delete-critical-path
//! ```
//! ~~~
//!
//! *Invariant:* depends on `action` alone of ours, so that every other crate can use it in its tests.

mod case;
mod corpus;
mod expect;
mod harness;
pub mod hostile;
mod markdown;
pub mod server;
pub mod timing;
pub mod traffic;
mod twins;

pub use crate::case::{Case, cases};
pub use crate::corpus::{Corpora, Row};
pub use crate::expect::{EffectsExpectation, VerdictExpectation};
pub use crate::harness::{Judged, check, root, run};
pub use crate::twins::{Twins, twins};

use std::fmt;
use std::path::PathBuf;

/// Why a page cannot be read as tests, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageError {
    file: PathBuf,
    line: usize,
    message: String,
}

impl PageError {
    fn new(file: impl Into<PathBuf>, line: usize, message: impl Into<String>) -> Self {
        Self { file: file.into(), line, message: message.into() }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.message)
    }
}

impl std::error::Error for PageError {}
