//! Claude Code's settings file: JSON with comments.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};
use jsonc_parser::json;

use super::{InstallError, Registered, Registration, folder_of, program_of};
use crate::hook::HookAgent;

/// Events that can stop a call. Hooks that fail there must block.
const DECIDING: &[&str] = &["PreToolUse", "PermissionRequest"];

/// Events that tell what happened.
const TELLING: &[&str] = &[
    "PostToolUse",
    "PostToolUseFailure",
    "UserPromptSubmit",
    "SessionStart",
    "SessionEnd",
    "Stop",
    "SubagentStart",
    "SubagentStop",
    "ConfigChange",
];

/// Events that take a matcher for tools.
const MATCHED: &[&str] = &["PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure"];

/// Seconds after which the agent gives up on the hook. The hook's own deadline is shorter.
const TIMEOUT: &str = "10";

pub(super) fn register(settings: &str, gate: &Registration) -> Result<String, InstallError> {
    let (mark, text) = without_mark(settings);
    let root = parse(text)?;
    let top = root.object_value_or_create().ok_or_else(not_an_object)?;
    if is_registered(&top, gate) {
        return Ok(settings.to_owned());
    }
    remove_ours(&top, None)?;
    let hooks = top.object_value_or_create("hooks").ok_or_else(|| wrong_type("hooks"))?;
    for event in DECIDING.iter().chain(TELLING) {
        let groups = hooks.array_value_or_create(event).ok_or_else(|| wrong_type(event))?;
        groups.ensure_multiline();
        groups.append(group(event, gate));
    }
    Ok(format!("{mark}{root}"))
}

pub(super) fn unregister(settings: &str, theirs: &str) -> Result<String, InstallError> {
    let (mark, text) = without_mark(settings);
    let root = parse(text)?;
    let theirs = parse(without_mark(theirs).1)?.object_value();
    if let Some(top) = root.object_value() {
        remove_ours(&top, theirs.as_ref())?;
    }
    Ok(format!("{mark}{root}"))
}

pub(super) fn registered(settings: &str) -> Result<Registered, InstallError> {
    let root = parse(without_mark(settings).1)?;
    let mut found = Registered::default();
    let Some(top) = root.object_value() else {
        found.missing = DECIDING.iter().map(|event| (*event).to_owned()).collect();
        return Ok(found);
    };
    for event in DECIDING {
        let entries = entries(&top, event);
        let guards = entries.iter().any(|entry| entry.matches_all && entry.program.is_some());
        let list = if guards { &mut found.guarded } else { &mut found.missing };
        list.push((*event).to_owned());
        for entry in entries {
            if let Some(program) = entry.program {
                found.programs.push(program);
                found.states.extend(folder_of(&entry.command, "--state"));
                found.configs.extend(folder_of(&entry.command, "--config"));
                found.commands.push(entry.command);
            }
        }
    }
    for list in [&mut found.programs, &mut found.states, &mut found.configs] {
        list.sort();
        list.dedup();
    }
    found.commands.sort();
    found.commands.dedup();
    let hears = |event: &&&str| entries(&top, event).iter().any(|entry| entry.program.is_some());
    found.told = TELLING.iter().filter(hears).map(|event| (*event).to_owned()).collect();
    found.bypasses = switches(settings)?;
    Ok(found)
}

/// What is in these settings that `register` would not have written, in words; empty where every event
/// calls just this gate, in just this way.
pub(super) fn deviations(settings: &str, gate: &Registration) -> Result<Vec<String>, InstallError> {
    let root = parse(without_mark(settings).1)?;
    let top = root.object_value().ok_or_else(not_an_object)?;
    let mut found = Vec::new();
    let hooks = top.object_value("hooks");
    // Of two properties of the same name, agents read the last.
    let objects = [Some(&top), hooks.as_ref()];
    for object in objects.into_iter().flatten() {
        let mut names: Vec<String> = object.properties().iter().filter_map(name_of).collect();
        names.sort();
        let twice = names.iter().zip(names.iter().skip(1)).filter(|(one, other)| one == other);
        found.extend(twice.map(|(name, _)| format!("`{name}` is there twice")));
    }
    for event in DECIDING.iter().chain(TELLING) {
        let groups = hooks.as_ref().and_then(|hooks| hooks.array_value(event));
        let groups = groups.map(|groups| groups.elements()).unwrap_or_default();
        let stands =
            groups.iter().filter_map(CstNode::as_object).any(|it| is_group(&it, event, gate));
        if !stands {
            found.push(format!("the hook on {event} is not as `ringfence init` writes it"));
        }
    }
    Ok(found)
}

/// Whether hooks are switched off in these settings. Whatever is not plainly `false` may mean so.
pub(super) fn switches(settings: &str) -> Result<Vec<String>, InstallError> {
    let root = parse(without_mark(settings).1)?;
    let properties = root.object_value().map(|top| top.properties()).unwrap_or_default();
    let switches =
        [("disableAllHooks", "no hook runs"), ("allowManagedHooksOnly", "only managed hooks run")];
    let on = switches.into_iter().filter(|(switch, _)| {
        properties.iter().any(|property| {
            let is_off = property
                .value()
                .and_then(|value| value.as_boolean_lit())
                .is_some_and(|literal| !literal.value());
            name_of(property).as_deref() == Some(*switch) && !is_off
        })
    });
    Ok(on.map(|(switch, effect)| format!("`{switch}` is set: {effect}")).collect())
}

fn name_of(property: &CstObjectProp) -> Option<String> {
    property.name()?.decoded_value().ok()
}

/// Whether this is the group that `register` writes, with the same properties and no other.
fn is_group(group: &CstObject, event: &str, gate: &Registration) -> bool {
    let matched = MATCHED.contains(&event);
    let properties = if matched { 2 } else { 1 };
    let matcher = text(group, "matcher");
    group.properties().len() == properties
        && matcher.as_deref() == matched.then_some("*")
        && group.array_value("hooks").is_some_and(|hooks| {
            let hooks = hooks.elements();
            hooks.iter().filter_map(CstNode::as_object).any(|it| is_hook(&it, event, gate))
        })
}

fn is_hook(hook: &CstObject, event: &str, gate: &Registration) -> bool {
    let blocks = DECIDING.contains(&event);
    let properties = if blocks { 4 } else { 3 };
    let timeout = hook.get("timeout").and_then(|it| it.value()?.as_number_lit());
    hook.properties().len() == properties
        && text(hook, "type").as_deref() == Some("command")
        && text(hook, "command") == Some(gate.command(HookAgent::ClaudeCode))
        && timeout.is_some_and(|timeout| timeout.to_string() == TIMEOUT)
        && text(hook, "onFailure").as_deref() == blocks.then_some("block")
}

/// Whether every event already calls this very gate.
fn is_registered(top: &CstObject, gate: &Registration) -> bool {
    let command = gate.command(HookAgent::ClaudeCode);
    DECIDING.iter().chain(TELLING).all(|event| {
        let entries = entries(top, event);
        entries.iter().any(|entry| entry.matches_all && entry.command == command)
    })
}

fn group(event: &str, gate: &Registration) -> CstInputValue {
    let mut hook = vec![
        ("type".to_owned(), json!("command")),
        ("command".to_owned(), json!(gate.command(HookAgent::ClaudeCode))),
        ("timeout".to_owned(), CstInputValue::Number(TIMEOUT.to_owned())),
    ];
    if DECIDING.contains(&event) {
        hook.push(("onFailure".to_owned(), json!("block")));
    }
    let mut group = Vec::new();
    if MATCHED.contains(&event) {
        group.push(("matcher".to_owned(), json!("*")));
    }
    group.push(("hooks".to_owned(), CstInputValue::Array(vec![CstInputValue::Object(hook)])));
    CstInputValue::Object(group)
}

/// One hook of an event.
struct Entry {
    command: String,
    program: Option<std::path::PathBuf>,
    matches_all: bool,
}

fn entries(top: &CstObject, event: &str) -> Vec<Entry> {
    let groups = top.object_value("hooks").and_then(|hooks| hooks.array_value(event));
    let groups = groups.map(|groups| groups.elements()).unwrap_or_default();
    let mut found = Vec::new();
    for group in groups.iter().filter_map(CstNode::as_object) {
        let matcher = text(&group, "matcher").unwrap_or_default();
        let hooks = group.array_value("hooks").map(|hooks| hooks.elements()).unwrap_or_default();
        for hook in hooks.iter().filter_map(CstNode::as_object) {
            found.push(Entry {
                command: text(&hook, "command").unwrap_or_default(),
                program: our_program(&hook),
                matches_all: matches!(matcher.as_str(), "" | "*" | ".*"),
            });
        }
    }
    found
}

/// Removes our hooks, and what only held them: lists that `theirs` has as well stay, though empty.
fn remove_ours(top: &CstObject, theirs: Option<&CstObject>) -> Result<(), InstallError> {
    let their_hooks = theirs.and_then(|theirs| theirs.object_value("hooks"));
    let is_theirs = |event: &CstObjectProp| {
        let name = event.name().and_then(|name| name.decoded_value().ok());
        let (Some(name), Some(hooks)) = (name, &their_hooks) else { return false };
        hooks.get(&name).is_some()
    };
    let Some(hooks_property) = top.get("hooks") else { return Ok(()) };
    let hooks = hooks_property.object_value().ok_or_else(|| wrong_type("hooks"))?;
    let mut removed_any = false;
    for event in hooks.properties() {
        let Some(groups) = event.array_value() else { continue };
        let removed = remove_from(&groups);
        removed_any |= removed;
        if removed && groups.elements().is_empty() && !is_theirs(&event) {
            event.remove();
        }
    }
    if removed_any && hooks.properties().is_empty() && their_hooks.is_none() {
        hooks_property.remove();
    }
    Ok(())
}

fn remove_from(groups: &CstArray) -> bool {
    let mut removed_any = false;
    for group in groups.elements() {
        let Some(hooks) = group.as_object().and_then(|group| group.array_value("hooks")) else {
            continue;
        };
        let mut removed = false;
        for hook in hooks.elements() {
            if hook.as_object().is_some_and(|hook| our_program(&hook).is_some()) {
                hook.remove();
                removed = true;
            }
        }
        removed_any |= removed;
        if removed && hooks.elements().is_empty() {
            group.remove();
        }
    }
    removed_any
}

fn our_program(hook: &CstObject) -> Option<std::path::PathBuf> {
    program_of(&text(hook, "command")?, HookAgent::ClaudeCode)
}

fn text(object: &CstObject, name: &str) -> Option<String> {
    object.get(name)?.value()?.as_string_lit()?.decoded_value().ok()
}

/// Editors of some systems put it in front; it belongs to the file, not to the settings.
fn without_mark(settings: &str) -> (&str, &str) {
    let length = if settings.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    settings.split_at_checked(length).unwrap_or(("", settings))
}

fn parse(settings: &str) -> Result<CstRootNode, InstallError> {
    let settings = if settings.trim().is_empty() { "{}\n" } else { settings };
    CstRootNode::parse(settings, &ParseOptions::default()).map_err(|error| {
        InstallError(format!("the settings are not JSON: {error}; repair the file and try again"))
    })
}

fn not_an_object() -> InstallError {
    InstallError("the settings are not a JSON object; repair the file and try again".to_owned())
}

fn wrong_type(name: &str) -> InstallError {
    InstallError(format!("`{name}` in the settings has another type than the agent documents"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEIRS: &str = r#"{
  // my model
  "model": "opus",
  "hooks": {
    "PreToolUse": [
      {"matcher": "Bash", "hooks": [{"type": "command", "command": "/home/u/mine.sh"}]} // keep
    ],
    "Stop": []
  },
  "permissions": {"allow": ["Bash(ls:*)"]}, /* last */
}
"#;

    fn gate() -> Registration {
        Registration {
            program: "/opt/ring fence/ringfence".into(),
            state: "/home/u/.local/state/ringfence".into(),
            config: "/home/u/.config/ringfence".into(),
            home: "/home/u".into(),
            decide: false,
        }
    }

    #[test]
    fn what_the_person_wrote_stays() {
        let ours = register(THEIRS, &gate()).unwrap();
        for kept in ["// my model", "/home/u/mine.sh", "// keep", "/* last */", "Bash(ls:*)"] {
            assert!(ours.contains(kept), "{kept} in {ours}");
        }
        let found = registered(&ours).unwrap();
        assert_eq!(found.guarded, ["PreToolUse", "PermissionRequest"]);
        assert_eq!(found.programs, [std::path::PathBuf::from("/opt/ring fence/ringfence")]);
    }

    #[test]
    fn registering_twice_is_registering_once() {
        let once = register(THEIRS, &gate()).unwrap();
        assert_eq!(register(&once, &gate()).unwrap(), once);
    }

    #[test]
    fn unregistering_leaves_theirs() {
        let again = unregister(&register(THEIRS, &gate()).unwrap(), "").unwrap();
        assert!(!again.contains("ringfence"), "{again}");
        for kept in ["// my model", "/home/u/mine.sh", "// keep", "/* last */"] {
            assert!(again.contains(kept), "{kept} in {again}");
        }
    }

    #[test]
    fn an_empty_list_of_theirs_stays() {
        for theirs in ["{\"hooks\": {}}", "{\"hooks\": {\"PreToolUse\": [], \"Stop\": []}}"] {
            let again = unregister(&register(theirs, &gate()).unwrap(), theirs).unwrap();
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(value(&again), value(theirs));
        }
    }

    #[test]
    fn a_fresh_file_is_made_whole() {
        let fresh = register("", &gate()).unwrap();
        let value: serde_json::Value = serde_json::from_str(&fresh).unwrap();
        let hook = &value["hooks"]["PreToolUse"][0]["hooks"][0];
        assert_eq!(hook["onFailure"], "block");
        assert_eq!(
            hook["command"],
            "'/opt/ring fence/ringfence' hook claude-code --state /home/u/.local/state/ringfence \
             --config /home/u/.config/ringfence --home /home/u"
        );
    }

    #[test]
    fn a_narrow_matcher_or_a_switch_is_not_a_guard() {
        let narrow = register("{}", &gate()).unwrap().replace("\"*\"", "\"Bash\"");
        assert_eq!(registered(&narrow).unwrap().guarded, Vec::<String>::new());
        let off = r#"{"disableAllHooks": true}"#;
        assert_eq!(registered(&register(off, &gate()).unwrap()).unwrap().bypasses.len(), 1);
    }

    #[test]
    fn what_is_not_settings_is_not_touched() {
        for text in ["[]", "{", "{\"hooks\": []}", "{\"hooks\": {\"PreToolUse\": {}}}"] {
            assert!(register(text, &gate()).is_err(), "{text}");
        }
    }
}
