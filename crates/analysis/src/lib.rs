//! What an action would do.
//!
//! [`analyze`] takes a tool call and returns the effects it would have, what could not be told
//! ([`Opaque`]), and the files whose content would tell more ([`Need`]). It reads nothing but its
//! arguments: no file, no clock, no environment.
//!
//! The way of a shell command: guard (size, hidden characters) → parse → lower into our own small
//! tree ([`shell`]) → expand words over abstract values ([`value`]) → each command that would run
//! becomes an [`Invocation`](invocation::Invocation) → its options are read by the grammar of its
//! catalogue entry ([`argv`]) → effects. Code inside code (`sh -c`, `find -exec`, heredocs) comes
//! back in through the same door, [`Analyzer`](context::Analyzer). A witness counts what the
//! interpreter visited against the text, and says opaque where they differ.
//!
//! *Invariant:* analysis never fails. A limit, a parse error, a caught panic is an opaque remark.
//!
//! *Invariant:* every program that would really run is named in the effects, or the analysis is
//! opaque.

pub mod argv;
mod aside;
mod changes;
mod code;
mod context;
mod hosts;
mod invocation;
mod paths;
mod shell;
mod tools;
mod value;

pub use argv::environment_of;
pub use aside::called as names_of_protection;
pub use changes::{Changes, of as changes_in};
pub use hosts::{
    classes as classes_of_host, of_class as hosts_of_class, of_registry as hosts_of_registry,
};
pub use paths::{Meaning, meaning as meaning_of_path};

use std::collections::BTreeMap;

use ringfence_action::{Action, Call, Effect, Opaque, OpaqueReason};

/// What an action would do, as far as can be told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Analysis {
    /// Consequences, in the order in which they were found; no duplicates.
    pub effects: Vec<Effect>,
    /// What could not be told.
    pub opaque: Vec<Opaque>,
    /// Files whose content would tell more. The caller reads them (bounded, no symbolic links),
    /// puts them into `facts.files`, and asks again, at most three times.
    pub needs: Vec<Need>,
    /// Files that get new content (absolute paths): the content, where it is known to the letter.
    pub written: BTreeMap<String, Option<String>>,
}

/// A file that analysis would like to read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Need {
    /// Its absolute path.
    pub path: String,
}

/// Analyses one action. `call` is the action's tool call as its adapter understood it.
///
/// Pure, total and bounded: the same arguments give the same answer, panics are caught, and limits
/// end in an opaque remark.
pub fn analyze(action: &Action, call: &Call) -> Analysis {
    let run = std::panic::AssertUnwindSafe(|| {
        let mut analyzer = context::Analyzer::new(action);
        tools::analyze(&mut analyzer, call);
        analyzer.finish()
    });
    std::panic::catch_unwind(run).unwrap_or_else(|_| Analysis {
        opaque: vec![Opaque::new(OpaqueReason::Panicked, "analysis stopped unexpectedly")],
        ..Analysis::default()
    })
}

/// Whether it is known what a program of this name does: it is a shell, or has an entry in the catalogue.
pub fn knows_program(name: &str) -> bool {
    shell::is_shell(name) || argv::knows(name)
}
