//! Answers as people and machines read them.
//!
//! *Invariant:* text that comes from an agent, a file or a rule reaches a terminal through
//! [`text`] alone, which escapes what a terminal would obey and what a reader would not see.

pub(crate) mod color;
pub(crate) mod effects;
pub(crate) mod explanation;
pub(crate) mod json;
pub(crate) mod judgement;
pub(crate) mod session;
pub(crate) mod snippet;
pub(crate) mod summary;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod verdict;
