//! Which variables may leave a run: the list in `data/git-settings.toml`, and what its groups mean.

use serde::Deserialize;

use super::text::Variable;
use crate::names;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Allowed {
    free: Vec<String>,
    address: Vec<String>,
    remote: Vec<String>,
    update: Vec<String>,
    place: Vec<String>,
}

impl Allowed {
    pub(super) fn read() -> Self {
        // The list is part of the program. Were it unreadable, nothing would leave.
        toml::from_str(include_str!("../../data/git-settings.toml")).unwrap_or_default()
    }

    /// Whether a variable may go from some values to others.
    pub(super) fn leaves(&self, variable: &Variable, was: &[&str], is: &[&str]) -> bool {
        let within = |list: &[String]| list.iter().any(|it| is_called(variable, it));
        within(&self.free)
            || within(&self.address)
                && (is.is_empty() || was.is_empty() && is.iter().all(|it| is_usual_address(it)))
            || within(&self.remote) && is.iter().all(|it| is_name(it))
            || within(&self.update) && is.iter().all(|it| !it.starts_with('!'))
            || within(&self.place) && is.iter().all(|it| is_below_modules(it))
    }
}

/// A pattern has as many parts as the variable, so that `color.*` is not `color.x.y`.
fn is_called(variable: &Variable, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('.').collect();
    match (parts.as_slice(), &variable.subsection) {
        ([section, name], None) => {
            *section == variable.section && names::fits(name, &variable.name)
        }
        ([section, "*", name], Some(_)) => *section == variable.section && *name == variable.name,
        _ => false,
    }
}

/// Over the network by the usual ways, or a folder. `helper::address` and options execute.
fn is_usual_address(value: &str) -> bool {
    let plain =
        !value.starts_with('-') && !value.contains("::") && !value.chars().any(char::is_control);
    let host = value.split_once("://").map_or(value, |(_, rest)| rest);
    let scheme = value.split_once("://").map(|(scheme, _)| scheme);
    let known = scheme.is_none_or(|it| ["https", "http", "ssh", "git", "file"].contains(&it));
    plain && known && !host.starts_with('-')
}

fn is_name(value: &str) -> bool {
    let path = ['/', '~', '-'].iter().any(|it| value.starts_with(*it));
    value == "."
        || !value.starts_with('.') && !path && !value.contains(':') && !value.contains("..")
}

/// As git writes it into the settings of a submodule: up from its folder, and down to its files.
fn is_below_modules(value: &str) -> bool {
    let down = value.trim_start_matches("../");
    let ups = (value.len() - down.len()) / 3;
    // `modules/NAME` is two folders below the git folder, which is one below the work tree.
    (3..=8).contains(&ups) && !down.starts_with('/') && !down.split('/').any(|it| it == "..")
}
