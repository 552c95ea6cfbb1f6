//! What holds of manifests and prose.

use std::collections::BTreeSet;

use super::Finding;
use crate::files::File;

/// The parser is pinned exactly: its tree is not a stable interface, and a silent change of it
/// would be a silent change of what is understood.
pub(super) fn pinned(manifest: &str, lock: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for name in ["shuck-parser", "shuck-ast"] {
        let exact = manifest.lines().any(|line| line.starts_with(&format!("{name} = \"=")));
        if !exact {
            findings
                .push(Finding::fail("Cargo.toml", format!("pin `{name}` exactly, as \"=x.y.z\"")));
        }
        let versions = lock.lines().filter(|line| *line == format!("name = \"{name}\"")).count();
        if versions != 1 {
            findings.push(Finding::fail("Cargo.lock", format!("{versions} versions of `{name}`")));
        }
    }
    findings
}

/// No file names the place where this checkout happens to lie.
pub(super) fn machine_paths(files: &[File], root: &str) -> Vec<Finding> {
    // A checkout in a place as common as `/src` is named by chance.
    if root.matches('/').count() < 2 {
        return Vec::new();
    }
    let named =
        files.iter().flat_map(|file| file.text.lines().zip(1..).map(move |line| (file, line)));
    named
        .filter(|(_, (line, _))| line.contains(root))
        .map(|(file, (_, number))| {
            Finding::fail(
                format!("{}:{number}", file.path),
                "a path of this machine; make it relative",
            )
        })
        .collect()
}

/// Relative links lead somewhere.
pub(super) fn links(files: &[File], exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".md")) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, number) in file.text.lines().zip(1..) {
            for link in link_targets(line) {
                let target = ringfence_action::path::absolute(&format!("/{folder}"), link);
                if !exists(target.trim_start_matches('/')) {
                    let place = format!("{}:{number}", file.path);
                    findings.push(Finding::fail(place, format!("`{link}` leads nowhere")));
                }
            }
        }
    }
    findings
}

/// The relative targets of `[text](target)`, without their fragments.
fn link_targets(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with(['#', '/']))
        .filter(|target| !target.starts_with("mailto:") && !target.contains(' '))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
}

/// ARCHITECTURE.md has a section for every crate.
pub(super) fn described(crates: &BTreeSet<String>, architecture: &str) -> Vec<Finding> {
    let missing = crates.iter().filter(|name| {
        let heading = format!("### `crates/{name}`");
        !architecture.lines().any(|line| line.starts_with(&heading))
    });
    missing
        .map(|name| Finding::fail("ARCHITECTURE.md", format!("no section on `crates/{name}`")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str) -> [File; 1] {
        [File { path: "docs/x.md".into(), text: text.into() }]
    }

    #[test]
    fn links_lead_somewhere() {
        let exists = |path: &str| path == "README.md" || path == "docs/y.md";
        let good = "[a](../README.md#top) [b](y.md), [c](https://example.org/z) [d](#here)";
        assert!(links(&page(good), exists).is_empty());
        assert_eq!(links(&page("\n[a](README.md)"), exists).len(), 1);
    }

    #[test]
    fn the_parser_is_pinned_to_one_version() {
        let manifest = "shuck-ast = \"=0.2.8\"\nshuck-parser = \"=0.2.8\"\n";
        let lock = "name = \"shuck-ast\"\nname = \"shuck-parser\"\n";
        assert!(pinned(manifest, lock).is_empty());
        assert_eq!(pinned(&manifest.replace("\"=", "\""), lock).len(), 2);
        assert_eq!(pinned(manifest, &lock.repeat(2)).len(), 2);
    }

    #[test]
    fn paths_of_this_machine_are_found() {
        assert_eq!(machine_paths(&page("in /srv/me/checkout/x"), "/srv/me/checkout").len(), 1);
        assert!(machine_paths(&page("in /src/x"), "/src").is_empty());
    }

    #[test]
    fn every_crate_is_described() {
        let crates = BTreeSet::from(["cli".to_owned(), "facts".to_owned()]);
        assert_eq!(described(&crates, "### `crates/cli`\n").len(), 1);
    }
}
