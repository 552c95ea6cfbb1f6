//! What the command is told: an allow-list, because nobody can list every name of a secret.

use crate::profile::Profile;
use crate::request::{Doors, Request};

/// Where programs look for a proxy.
const PROXIES: [&str; 6] =
    ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "https_proxy", "http_proxy"];

/// The variables that are passed, in order of name, and the names of those that are not.
pub(super) fn chosen(profile: &Profile, request: &Request) -> (Vec<(String, String)>, Vec<String>) {
    let mut passed = Vec::new();
    let mut withheld = Vec::new();
    let network = request.network || request.doors.is_some();
    let set = &profile.environment.set;
    for (name, value) in request.environment.iter().filter(|(name, _)| !set.contains_key(name)) {
        let asked = request.pass.iter().any(|it| it == name);
        let listed = profile.environment.passes(name, network) && !holds_password(value);
        if request.doors.is_some() && PROXIES.contains(&name.as_str()) {
            // Where a proxy is expected there is one. That of the host is not reached from inside.
            passed.push((name.clone(), format!("http://{}", Doors::PROXY)));
        } else if asked || listed {
            passed.push((name.clone(), value.clone()));
        } else {
            withheld.push(name.clone());
        }
    }
    // Programs make their temporary files here, and a folder of the caller is not there.
    passed.push(("TMPDIR".to_owned(), "/tmp".to_owned()));
    passed.extend(set.iter().map(|(name, value)| (name.clone(), value.clone())));
    passed.sort();
    withheld.sort();
    withheld.retain(|name| name != "TMPDIR" && name != "_");
    (passed, withheld)
}

/// Whether an address with a password stands in a value: `https://user:password@host`.
fn holds_password(value: &str) -> bool {
    value.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#', ' ']).next().unwrap_or(rest);
        authority.rsplit_once('@').is_some_and(|(user, _)| !user.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::holds_password;

    #[test]
    fn an_address_with_a_password_is_seen() {
        assert!(holds_password("https://me:secret@host/simple"));
        assert!(holds_password("x,https://token@host"));
        assert!(!holds_password("https://host/@scope/package"));
        assert!(!holds_password("me@host"));
    }
}
