//! What is told of repositories, compared with what git itself made of them.

#![expect(
    clippy::disallowed_methods,
    reason = "tests make repositories with git, and take the time"
)]
#![cfg(unix)]

mod hostile;
mod oracle;
mod questions;
mod support;
mod told;
