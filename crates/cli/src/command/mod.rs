//! One module per command. Each has its arguments and a `run` that says how it ended.

pub(crate) mod allow_once;
pub(crate) mod audit;
pub(crate) mod check;
mod codex;
pub(crate) mod doctor;
pub(crate) mod eval;
pub(crate) mod explain;
pub(crate) mod hold;
pub(crate) mod hook;
pub(crate) mod init;
pub(crate) mod judge;
pub(crate) mod oversight;
pub(crate) mod policy;
pub(crate) mod probe;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod serve;
pub(crate) mod setup;
mod standing;
pub(crate) mod status;
pub(crate) mod version;
pub(crate) mod watch;
