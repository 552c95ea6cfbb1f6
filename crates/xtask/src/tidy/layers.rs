//! Arrows between crates point down only.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Finding;
use crate::files::File;

/// Each crate and its layer. A crate may depend on lower layers; those of one layer know nothing of
/// each other. Crates that do not exist yet have their place already.
const LAYERS: [(&str, u8); 20] = [
    ("action", 0),
    ("record", 1),
    ("analysis", 2),
    ("policy", 2),
    ("classify", 2),
    ("facts", 2),
    ("engine", 3),
    ("adapters", 4),
    ("gateway", 4),
    ("sandbox", 4),
    ("egress", 4),
    ("posture", 4),
    ("detect", 4),
    ("packages", 4),
    ("export", 4),
    ("oversight", 4),
    ("server", 5),
    ("cli", 6),
    // Beside the layers: a development tool that knows the vocabulary alone, and the build tasks,
    // which know everything and which nothing knows.
    ("testkit", 1),
    ("xtask", 7),
];

/// Who may use these crates outside of tests.
const PRIVATE: [(&str, &[&str]); 2] = [("testkit", &["xtask"]), ("xtask", &[])];

/// Checks every dependency between our own crates, tests excepted.
pub(super) fn check(metadata: &Value) -> Vec<Finding> {
    let packages = metadata.get("packages").and_then(Value::as_array).into_iter().flatten();
    packages.flat_map(package).collect()
}

fn package(package: &Value) -> Vec<Finding> {
    let Some(name) = ours(package) else { return Vec::new() };
    let place = format!("crates/{name}/Cargo.toml");
    let Some(layer) = layer(name) else {
        let hint = "give it one in crates/xtask/src/tidy/layers.rs and in ARCHITECTURE.md";
        return vec![Finding::fail(place, format!("`{name}` has no layer; {hint}"))];
    };
    let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let of_tests =
        |dependency: &&Value| dependency.get("kind").and_then(Value::as_str) == Some("dev");
    let used: BTreeSet<&str> =
        dependencies.filter(|dependency| !of_tests(dependency)).filter_map(ours).collect();
    let wrong = used.into_iter().filter(|used| !may_use(name, layer, used));
    wrong
        .map(|used| Finding::fail(&place, format!("`{name}` must not depend on `{used}`")))
        .collect()
}

fn may_use(name: &str, layer: u8, used: &str) -> bool {
    let invited = PRIVATE.iter().find(|(private, _)| *private == used);
    invited.is_none_or(|(_, users)| users.contains(&name))
        && self::layer(used).is_some_and(|below| below < layer)
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// The folder name of a crate of ours, of a package or a dependency.
fn ours(package: &Value) -> Option<&str> {
    package.get("name").and_then(Value::as_str).and_then(|name| name.strip_prefix("ringfence-"))
}

/// The crates that have sources.
pub(super) fn crate_folders(sources: &[File]) -> BTreeSet<String> {
    let folders = sources.iter().filter_map(|file| file.path.strip_prefix("crates/"));
    folders.filter_map(|path| path.split('/').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn messages(name: &str, dependency: &str, kind: Option<&str>) -> Vec<String> {
        let metadata = json!({"packages": [{
            "name": format!("ringfence-{name}"),
            "dependencies": [{"name": dependency, "kind": kind}],
        }]});
        check(&metadata).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn arrows_point_down() {
        assert!(messages("engine", "ringfence-policy", None).is_empty());
        assert!(messages("engine", "serde", None).is_empty());
        assert!(messages("xtask", "ringfence-testkit", None).is_empty());
    }

    #[test]
    fn arrows_do_not_point_up_or_sideways() {
        let one = ["`policy` must not depend on `engine`"];
        assert_eq!(messages("policy", "ringfence-engine", None), one);
        assert_eq!(messages("policy", "ringfence-engine", Some("build")), one);
        assert_eq!(messages("analysis", "ringfence-policy", None).len(), 1);
        assert_eq!(messages("analysis", "ringfence-unheard", None).len(), 1);
    }

    #[test]
    fn the_test_kit_is_for_tests() {
        assert!(messages("policy", "ringfence-testkit", Some("dev")).is_empty());
        assert_eq!(messages("cli", "ringfence-testkit", None).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_layer() {
        assert_eq!(messages("novelty", "serde", None).len(), 1);
    }
}
