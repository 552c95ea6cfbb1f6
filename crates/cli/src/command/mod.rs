//! One module per command. Each has its arguments and a `run` that says how it ended.

pub(crate) mod check;
pub(crate) mod explain;
pub(crate) mod policy;
pub(crate) mod replay;
pub(crate) mod run;
pub(crate) mod version;
