//! Package names as package managers take them: `left-pad@1.3.0`, `requests==2.31`, `git+https://…`.

use ringfence_action::{Attr, AttrValue, Target};

use crate::value::Value;

/// A package, as far as a word tells.
#[derive(Debug)]
pub(crate) struct Located {
    pub(crate) name: Target,
    pub(crate) attributes: Vec<(Attr, AttrValue)>,
}

/// Name, version and origin of the package that a value names.
pub(crate) fn locate(ecosystem: &str, value: &Value) -> Located {
    let Some(text) = value.as_known() else {
        return Located { name: value.to_target(), attributes: vec![] };
    };
    let mut attributes = Vec::new();
    if let Some(source) = foreign(text) {
        attributes.push((Attr::Source, source.into()));
        if text.contains("://") {
            attributes.push((Attr::Url, text.into()));
        }
        return Located { name: Target::known(text), attributes };
    }
    let (name, version, exact) = split(ecosystem, text);
    if let Some(version) = version {
        attributes.push((Attr::Version, version.into()));
        attributes.push((Attr::Pinned, exact.into()));
    }
    Located { name: Target::known(name), attributes }
}

/// A package that does not come from the registry.
fn foreign(text: &str) -> Option<&'static str> {
    const FORGES: [&str; 5] = ["git+", "git@", "git://", "github:", "gitlab:"];
    if FORGES.iter().any(|start| text.starts_with(start)) || text.ends_with(".git") {
        Some("vcs")
    } else if text.starts_with("http://") || text.starts_with("https://") {
        Some("network")
    } else if text.starts_with("./")
        || text.starts_with("../")
        || text.starts_with('/')
        || text == "."
        || text.starts_with("file:")
        || text.starts_with(".[")
    {
        Some("local")
    } else {
        None
    }
}

/// Name, version, and whether the version is exact.
fn split<'t>(ecosystem: &str, text: &'t str) -> (&'t str, Option<&'t str>, bool) {
    match ecosystem {
        "pypi" | "conda" => {
            let at = text.find(['=', '<', '>', '!', '~', '@', ' ', ';']).unwrap_or(text.len());
            let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            let name = name.split_once('[').map_or(name, |(name, _)| name);
            let exact = (rest.starts_with("==") || rest.starts_with('=')) && !rest.contains('*');
            let version = rest.trim_start_matches(['=', '@']).trim();
            (name, (!version.is_empty()).then_some(version), exact)
        }
        "apt" | "apk" | "dnf" => match text.split_once('=') {
            Some((name, version)) => (name, Some(version), true),
            None => (text, None, false),
        },
        "gem" => match text.split_once(':') {
            Some((name, version)) => (name, Some(version), exact_version(version)),
            None => (text, None, false),
        },
        _ => match text.get(1..).and_then(|rest| rest.rfind('@')) {
            Some(at) => {
                let (name, version) = text.split_at_checked(at + 1).unwrap_or((text, ""));
                let version = version.trim_start_matches('@');
                (name, Some(version), exact_version(version))
            }
            None => (text, None, false),
        },
    }
}

fn exact_version(version: &str) -> bool {
    let version = version.strip_prefix('v').unwrap_or(version);
    version.split('.').count() >= 3
        && version.starts_with(|c: char| c.is_ascii_digit())
        && !version.contains(['x', '*', ' ', '|'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(ecosystem: &str, text: &str) -> (String, Option<String>, bool) {
        let (name, version, exact) = split(ecosystem, text);
        (name.to_owned(), version.map(str::to_owned), exact)
    }

    #[test]
    fn names_and_versions() {
        assert_eq!(known("npm", "left-pad@1.3.0"), ("left-pad".into(), Some("1.3.0".into()), true));
        assert_eq!(
            known("npm", "@types/node@^20"),
            ("@types/node".into(), Some("^20".into()), false)
        );
        assert_eq!(known("npm", "@types/node"), ("@types/node".into(), None, false));
        assert_eq!(
            known("pypi", "requests[socks]==2.31.0"),
            ("requests".into(), Some("2.31.0".into()), true)
        );
        assert_eq!(known("pypi", "django>=4"), ("django".into(), Some(">=4".into()), false));
        assert_eq!(known("apt", "curl=7.88"), ("curl".into(), Some("7.88".into()), true));
    }
}
