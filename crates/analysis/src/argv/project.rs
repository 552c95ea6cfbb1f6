//! A project's own program: called by a name that the catalogue cannot know, because the work is what
//! makes it. What it runs is the code of the work.

use ringfence_action::{Attr, EffectKind, Scope, path};

use crate::context::{Analyzer, Frame};
use crate::invocation::Invocation;
use crate::paths;
use crate::value::Value;

use super::program::Program;
use super::settings;

/// Says that the code of the work runs, where the program is one that the work makes: declared by a
/// manifest, or of the name of the work tree itself.
pub(super) fn run(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    invocation: &Invocation,
    program: &Program,
) {
    let Some(word) = invocation.argv.first() else { return };
    if frame.scope != Scope::Local || program.base.is_empty() {
        return;
    }
    let roots: Vec<String> = analyzer.action.workspace_roots().map(str::to_owned).collect();
    for root in roots {
        if named_after(&root, &program.base) || declares(analyzer, &root, &program.base) {
            let attributes =
                [(Attr::By, program.base.as_str().into()), (Attr::Source, "task".into())];
            let root = Value::Known(root);
            paths::effect(analyzer, frame, word.span, EffectKind::ExecCode, &root, &attributes);
            return;
        }
    }
}

fn named_after(root: &str, name: &str) -> bool {
    path::base_name(root) == name
}

/// Whether a manifest of the work tree says that it makes a program of this name.
fn declares(analyzer: &mut Analyzer<'_>, root: &str, name: &str) -> bool {
    let mut file = |name: &str| analyzer.file(&path::absolute(root, name));
    let package = file("package.json");
    let cargo = file("Cargo.toml");
    let python = file("pyproject.toml");
    let module = file("go.mod");
    let command = file(&format!("cmd/{name}/main.go"));
    command.is_some()
        || package.is_some_and(|text| in_package(&text, name))
        || cargo.is_some_and(|text| in_toml(&text, name, &["package.name", "bin.name"], &[]))
        || python.is_some_and(|text| {
            in_toml(&text, name, &[], &["project.scripts.", "tool.poetry.scripts."])
        })
        || module.is_some_and(|text| in_module(&text, name))
}

/// `bin` of package.json: a table by name, or one program of the package's own name.
fn in_package(text: &str, name: &str) -> bool {
    let Ok(manifest) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    match manifest.get("bin") {
        Some(serde_json::Value::Object(programs)) => programs.contains_key(name),
        Some(serde_json::Value::String(_)) => {
            let package = manifest.get("name").and_then(|package| package.as_str());
            package.is_some_and(|package| path::base_name(package) == name)
        }
        _ => false,
    }
}

/// Whether one of these keys has the name as its value, or one of these tables has it as a key.
fn in_toml(text: &str, name: &str, keys: &[&str], tables: &[&str]) -> bool {
    settings::toml(text).iter().any(|setting| {
        let valued = keys.contains(&setting.key.as_str()) && setting.is(name);
        valued || tables.iter().any(|table| setting.key.strip_prefix(table) == Some(name))
    })
}

/// A module of Go makes a program of the last part of its path.
fn in_module(text: &str, name: &str) -> bool {
    let path = text.lines().find_map(|line| line.trim().strip_prefix("module "));
    path.is_some_and(|path| path::base_name(path.trim()) == name)
}
