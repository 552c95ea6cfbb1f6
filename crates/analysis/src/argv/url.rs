//! Hosts in the ways programs write them: URLs, `user@host:path`, `host:port`, plain names.

use ringfence_action::{Attr, AttrValue, Target};

use crate::value::Value;

/// Where a connection goes.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) host: Target,
    pub(crate) attributes: Vec<(Attr, AttrValue)>,
}

/// The host, port and URL that a value names.
pub(crate) fn locate(value: &Value) -> Located {
    match value {
        Value::Known(text) => {
            let (host, port) = host(text);
            let mut attributes = Vec::new();
            if text.contains('/') || text.contains('@') {
                attributes.push((Attr::Url, text.as_str().into()));
            }
            attributes.extend(port.map(|port| (Attr::Port, port.into())));
            Located { host: Target::Known(host), attributes }
        }
        Value::OneOf(all) => Located {
            host: Target::one_of(all.iter().map(|text| host(text).0).collect()),
            attributes: vec![],
        },
        Value::Pattern(pattern) => {
            let (host, port) = host(pattern);
            // The host is known where the unknown piece comes behind it.
            let wild = host.contains(['*', '?', '[']);
            let target = match (wild, host.as_str()) {
                (false, _) => Target::Known(host),
                (true, "**") => Target::Unknown,
                (true, _) => Target::Pattern(host),
            };
            let mut attributes = vec![(Attr::Url, pattern.as_str().into())];
            attributes.extend(port.map(|port| (Attr::Port, port.into())));
            Located { host: target, attributes }
        }
        Value::Unknown => Located { host: Target::Unknown, attributes: vec![] },
    }
}

/// `https://u:p@Example.com:8443/x` → (`example.com`, 8443).
pub(crate) fn host(text: &str) -> (String, Option<i64>) {
    let after_scheme = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = after_scheme.split(['/', '?', '#']).next().unwrap_or(after_scheme);
    // `:8080/x`: a port of this machine.
    if let Some(port) = authority.strip_prefix(':').and_then(|port| port.parse().ok()) {
        return ("localhost".to_owned(), Some(port));
    }
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (authority, None),
        },
    };
    let port = port.and_then(|port| port.parse().ok());
    (host.trim_end_matches('.').to_ascii_lowercase(), port)
}

/// Whether this names another machine: `host:path`, `user@host:path`, `rsync://…`.
pub(crate) fn remote_path(text: &str) -> Option<(&str, &str)> {
    if let Some((_, rest)) = text.split_once("://") {
        return Some(rest.split_once('/').unwrap_or((rest, "")));
    }
    let (host, path) = text.split_once(':')?;
    // One letter is a drive, where a path from its top follows.
    let drive = host.len() == 1 && path.starts_with(['/', '\\']);
    let plausible = !host.is_empty() && !host.contains('/') && !drive;
    plausible.then_some((host.rsplit_once('@').map_or(host, |(_, host)| host), path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_canonical() {
        assert_eq!(
            host("https://u:p@Example.com:8443/x?y"),
            ("example.com".to_owned(), Some(8443))
        );
        assert_eq!(host("git@github.com:org/repo.git").0, "github.com");
        assert_eq!(host("http://[::1]:3000/"), ("::1".to_owned(), Some(3000)));
        assert_eq!(host("localhost"), ("localhost".to_owned(), None));
        let pattern = locate(&Value::Pattern("https://api.example.com/v1/**".to_owned()));
        assert_eq!(pattern.host, Target::known("api.example.com"));
    }

    #[test]
    fn remote_paths_are_told_from_local_ones() {
        assert_eq!(remote_path("u@web:/srv"), Some(("web", "/srv")));
        assert_eq!(remote_path("./a:b"), None);
        assert_eq!(remote_path("C:/x"), None);
        assert_eq!(remote_path("h:b"), Some(("h", "b")));
    }
}
