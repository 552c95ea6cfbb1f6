//! Lexical paths: no file system is touched, so that the same action always means the same path.
//!
//! Symbolic links are the business of `facts`; here `..` removes the component before it, as the
//! agents' shells do for `cd` and as kernels do where no link is involved.

/// Joins `path` to `base` (unless absolute) and removes `.`, `..`, empty components and trailing
/// slashes. The result is absolute if `base` is.
///
/// ```
/// # use ringfence_action::path::absolute;
/// assert_eq!(absolute("/home/u/proj", "../x/./y//"), "/home/u/x/y");
/// assert_eq!(absolute("/", "../.."), "/");
/// ```
pub fn absolute(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let joined = if path.starts_with('/') { [path, ""] } else { [base, path] };
    for component in joined.iter().flat_map(|part| part.split('/')) {
        match component {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    format!("/{}", parts.join("/"))
}

/// Whether `path` is `base` or lies below it. Both must be absolute and normalised.
///
/// ```
/// # use ringfence_action::path::is_within;
/// assert!(is_within("/home/u", "/home/u/x"));
/// assert!(!is_within("/home/u", "/home/user"));
/// ```
pub fn is_within(base: &str, path: &str) -> bool {
    if base == "/" {
        return path.starts_with('/');
    }
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path without its last component; `/` is its own parent.
pub fn parent(path: &str) -> &str {
    match path.trim_end_matches('/').rfind('/') {
        Some(0) | None => "/",
        Some(index) => path.get(..index).unwrap_or("/"),
    }
}

/// The last component, or the whole text if it has no slash.
pub fn base_name(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_without_touching_the_disk() {
        assert_eq!(absolute("/a", "b/../../c"), "/c");
        assert_eq!(absolute("/a", "/b/./c/"), "/b/c");
        assert_eq!(absolute("/a/b", "."), "/a/b");
        assert_eq!(parent("/a/b"), "/a");
        assert_eq!(parent("/a"), "/");
        assert_eq!(base_name("/usr/bin/rm"), "rm");
        assert_eq!(base_name("rm"), "rm");
    }
}
