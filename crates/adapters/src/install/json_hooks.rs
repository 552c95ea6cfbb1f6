//! Settings in JSON, with or without comments, in which hooks are listed by event.
//!
//! Agents differ in where the list is, whether hooks stand in groups with a matcher, and what makes a
//! failing hook block. That is a [`Layout`]; what is done with it is the same for all.

use std::path::PathBuf;

use jsonc_parser::cst::{CstArray, CstInputValue, CstNode, CstObject, CstObjectProp, CstRootNode};
use jsonc_parser::errors::ParseError;
use jsonc_parser::{CollectOptions, ParseOptions, json, parse_to_ast};

use super::{InstallError, Registered, Registration, folder_of, program_of};
use crate::hook::HookAgent;

/// Where and how one agent lists hooks.
pub(super) struct Layout {
    pub(super) agent: HookAgent,
    /// The property that holds the events; `None`: the events are at the top.
    pub(super) events: Option<&'static str>,
    /// Properties at the top without which the agent reads nothing.
    pub(super) top: &'static [(&'static str, Literal)],
    /// Events that can stop a call.
    pub(super) deciding: &'static [&'static str],
    /// Events that tell what happened.
    pub(super) telling: &'static [&'static str],
    /// Events whose hooks take a matcher for tools, and the matcher for all of them.
    pub(super) matched: &'static [&'static str],
    pub(super) matcher: &'static str,
    /// Whether hooks stand in groups.
    pub(super) grouped: bool,
    /// Whether a hook says that it is a command.
    pub(super) typed: bool,
    /// The property with the command line.
    pub(super) command: &'static str,
    /// How long the agent waits, in its own unit. The hook's own deadline is shorter.
    pub(super) timeout: Option<(&'static str, &'static str)>,
    /// What makes a failing hook block, on events that decide.
    pub(super) blocking: Option<(&'static str, Literal)>,
    /// What the agent reads beside plain JSON. With anything else in it, the whole file is passed over.
    pub(super) reads: Reads,
    /// Settings that switch hooks off, at the top or among the hooks, and what that means.
    pub(super) switches: &'static [(&'static str, &'static str)],
    /// How the line of our hooks begins in a list, in a file of its own, of those that do not run.
    pub(super) listed_off: Option<&'static str>,
    /// Settings below another that switch hooks on, and are as good as set where they are missing.
    pub(super) enabled: &'static [(&'static str, &'static str)],
    /// Settings below another that list hooks by name or command which do not run.
    pub(super) disabled: &'static [(&'static str, &'static str)],
}

/// A plain value of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Literal {
    Text(&'static str),
    Number(&'static str),
    True,
}

/// What a file may have that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    /// Nothing.
    Plain,
    /// Comments.
    Comments,
}

impl Reads {
    const fn options(self) -> ParseOptions {
        ParseOptions {
            allow_comments: matches!(self, Self::Comments),
            allow_trailing_commas: false,
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
        }
    }
}

impl Literal {
    fn value(self) -> CstInputValue {
        match self {
            Self::Text(text) => json!(text),
            Self::Number(number) => CstInputValue::Number(number.to_owned()),
            Self::True => json!(true),
        }
    }

    fn is(self, object: &CstObject, name: &str) -> bool {
        let Some(value) = object.get(name).and_then(|property| property.value()) else {
            return false;
        };
        match self {
            Self::Text(text) => {
                value.as_string_lit().and_then(|it| it.decoded_value().ok()).as_deref()
                    == Some(text)
            }
            Self::Number(number) => {
                value.as_number_lit().is_some_and(|it| it.to_string() == number)
            }
            Self::True => value.as_boolean_lit().is_some_and(|it| it.value()),
        }
    }
}

impl Layout {
    pub(super) fn register(
        &self,
        settings: &str,
        gate: &Registration,
    ) -> Result<String, InstallError> {
        let (mark, text) = without_mark(settings);
        let root = self.parse_as_agent(text)?;
        let top = root.object_value_or_create().ok_or_else(not_an_object)?;
        if self.is_registered(&top, gate) {
            return Ok(settings.to_owned());
        }
        self.remove_ours(&top, None)?;
        for (name, literal) in self.top {
            if top.get(name).is_none() {
                top.append(name, literal.value());
            }
        }
        let hooks = match self.events {
            Some(name) => top.object_value_or_create(name).ok_or_else(|| wrong_type(name))?,
            None => top,
        };
        for event in self.all_events() {
            let list = hooks.array_value_or_create(event).ok_or_else(|| wrong_type(event))?;
            list.ensure_multiline();
            list.append(self.item(event, gate));
        }
        Ok(format!("{mark}{root}"))
    }

    pub(super) fn unregister(&self, settings: &str, theirs: &str) -> Result<String, InstallError> {
        let (mark, text) = without_mark(settings);
        let root = parse(text)?;
        let theirs = parse(without_mark(theirs).1)?.object_value();
        if let Some(top) = root.object_value() {
            self.remove_ours(&top, theirs.as_ref())?;
        }
        Ok(format!("{mark}{root}"))
    }

    pub(super) fn registered(&self, settings: &str) -> Result<Registered, InstallError> {
        let root = self.parse_as_agent(without_mark(settings).1)?;
        let mut found = Registered::default();
        let Some(top) = root.object_value() else {
            found.missing = self.deciding.iter().map(|event| (*event).to_owned()).collect();
            return Ok(found);
        };
        for event in self.deciding {
            let entries = self.entries(&top, event);
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
        let hears =
            |event: &&&str| self.entries(&top, event).iter().any(|entry| entry.program.is_some());
        found.told = self.telling.iter().filter(hears).map(|event| (*event).to_owned()).collect();
        found.bypasses = self.switches(settings)?;
        Ok(found)
    }

    /// What is in these settings that `register` would not have written, in words; empty where every
    /// event calls just this gate, in just this way.
    pub(super) fn deviations(
        &self,
        settings: &str,
        gate: &Registration,
    ) -> Result<Vec<String>, InstallError> {
        let root = parse(without_mark(settings).1)?;
        let top = root.object_value().ok_or_else(not_an_object)?;
        let mut found = Vec::new();
        let hooks = self.hooks(&top);
        // Of two properties of the same name, agents read the last.
        let objects = [Some(&top), hooks.as_ref().filter(|_| self.events.is_some())];
        for object in objects.into_iter().flatten() {
            let mut names: Vec<String> = object.properties().iter().filter_map(name_of).collect();
            names.sort();
            let twice = names.iter().zip(names.iter().skip(1)).filter(|(one, other)| one == other);
            found.extend(twice.map(|(name, _)| format!("`{name}` is there twice")));
        }
        for event in self.all_events() {
            let items = hooks.as_ref().and_then(|hooks| hooks.array_value(event));
            let items = items.map(|items| items.elements()).unwrap_or_default();
            let objects: Vec<CstObject> = items.iter().filter_map(CstNode::as_object).collect();
            if !objects.iter().any(|it| self.is_item(it, event, gate)) {
                let why = objects.iter().find_map(|it| self.deviation(it, event, gate));
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                found
                    .push(format!("the hook on {event} is not as `ringfence init` writes it{why}"));
            }
        }
        Ok(found)
    }

    /// What is different in a hook that calls the gate, in words.
    fn deviation(&self, item: &CstObject, event: &str, gate: &Registration) -> Option<String> {
        let hooks = self.hooks_of(item);
        let hook = hooks.iter().find(|hook| self.our_program(hook).is_some())?;
        if text(hook, self.command) != Some(gate.command(self.agent)) {
            return Some("it calls another command".to_owned());
        }
        let matcher = text(item, "matcher");
        let wanted = self.matched.contains(&event).then_some(self.matcher);
        if matcher.as_deref() != wanted {
            return Some(format!("its matcher is `{}`", matcher.unwrap_or_default()));
        }
        let said = |name: &str| {
            let value = hook.get(name).and_then(|property| property.value());
            value.map_or_else(|| "missing".to_owned(), |value| value.to_string())
        };
        if let Some((name, number)) = self.timeout
            && !Literal::Number(number).is(hook, name)
        {
            return Some(format!("its `{name}` is {}, not {number}", said(name)));
        }
        if let Some((name, literal)) = self.blocking.filter(|_| self.deciding.contains(&event))
            && !literal.is(hook, name)
        {
            return Some(format!("its `{name}` is {}", said(name)));
        }
        Some("it has other properties".to_owned())
    }

    /// Whether hooks are switched off in these settings. Whatever is not plainly `false` may mean so.
    pub(super) fn switches(&self, settings: &str) -> Result<Vec<String>, InstallError> {
        let is_ours =
            |line: &str| self.listed_off.is_some_and(|ours| line.trim().starts_with(ours));
        if settings.lines().any(is_ours) {
            return Ok(vec!["it lists the gate among the hooks that do not run".to_owned()]);
        }
        let root = parse(without_mark(settings).1)?;
        let top = root.object_value();
        let hooks = top.as_ref().and_then(|top| top.object_value("hooks"));
        let properties: Vec<CstObjectProp> =
            [&top, &hooks].into_iter().flatten().flat_map(CstObject::properties).collect();
        let on = self.switches.iter().filter(|(switch, _)| {
            properties.iter().any(|property| {
                let is_off = property
                    .value()
                    .and_then(|value| value.as_boolean_lit())
                    .is_some_and(|literal| !literal.value());
                name_of(property).as_deref() == Some(*switch) && !is_off
            })
        });
        let mut found: Vec<String> =
            on.map(|(switch, effect)| format!("`{switch}` is set: {effect}")).collect();
        let below = |(outer, inner): &(&str, &str)| top.as_ref()?.object_value(outer)?.get(inner);
        for (outer, inner) in self.enabled {
            let value = below(&(outer, inner)).and_then(|property| property.value());
            let is_on = |value: CstNode| value.as_boolean_lit().is_some_and(|it| it.value());
            if value.is_some_and(|value| !is_on(value)) {
                found.push(format!("`{outer}.{inner}` is not true: no hook runs"));
            }
        }
        for (outer, inner) in self.disabled {
            let list = below(&(outer, inner)).and_then(|property| property.array_value());
            let names = list.map(|list| list.elements()).unwrap_or_default();
            let ours = names.iter().filter_map(|name| name.as_string_lit()?.decoded_value().ok());
            if ours.into_iter().any(|name| name == "*" || program_of(&name, self.agent).is_some()) {
                found.push(format!("`{outer}.{inner}` names the gate: it does not run"));
            }
        }
        Ok(found)
    }

    /// Events before a call on which hooks of somebody else run as well.
    pub(super) fn shared(&self, settings: &str) -> Result<Vec<String>, InstallError> {
        let root = parse(without_mark(settings).1)?;
        let Some(top) = root.object_value() else { return Ok(Vec::new()) };
        let others =
            |event: &&&str| self.entries(&top, event).iter().any(|it| it.program.is_none());
        Ok(self.deciding.iter().filter(others).map(|event| (*event).to_owned()).collect())
    }

    fn all_events(&self) -> impl Iterator<Item = &'static str> {
        self.deciding.iter().chain(self.telling).copied()
    }

    fn hooks(&self, top: &CstObject) -> Option<CstObject> {
        match self.events {
            Some(name) => top.object_value(name),
            None => Some(top.clone()),
        }
    }

    /// One hook, in a group of its own where there are groups.
    fn item(&self, event: &str, gate: &Registration) -> CstInputValue {
        let mut hook = Vec::new();
        if self.typed {
            hook.push(("type".to_owned(), json!("command")));
        }
        hook.push((self.command.to_owned(), json!(gate.command(self.agent))));
        if let Some((name, number)) = self.timeout {
            hook.push((name.to_owned(), CstInputValue::Number(number.to_owned())));
        }
        if let Some((name, literal)) = self.blocking.filter(|_| self.deciding.contains(&event)) {
            hook.push((name.to_owned(), literal.value()));
        }
        let matcher = self.matched.contains(&event);
        let matcher = matcher.then(|| ("matcher".to_owned(), json!(self.matcher)));
        if !self.grouped {
            hook.extend(matcher);
            return CstInputValue::Object(hook);
        }
        let mut group: Vec<_> = matcher.into_iter().collect();
        group.push(("hooks".to_owned(), CstInputValue::Array(vec![CstInputValue::Object(hook)])));
        CstInputValue::Object(group)
    }

    /// Whether this is what `item` makes, with the same properties and no other.
    fn is_item(&self, item: &CstObject, event: &str, gate: &Registration) -> bool {
        let matched = self.matched.contains(&event);
        let matcher = text(item, "matcher").as_deref() == matched.then_some(self.matcher);
        if !self.grouped {
            return matcher && self.is_hook(item, event, gate, usize::from(matched));
        }
        matcher
            && item.properties().len() == 1 + usize::from(matched)
            && item.array_value("hooks").is_some_and(|hooks| {
                let hooks = hooks.elements();
                let mut objects = hooks.iter().filter_map(CstNode::as_object);
                objects.any(|it| self.is_hook(&it, event, gate, 0))
            })
    }

    fn is_hook(&self, hook: &CstObject, event: &str, gate: &Registration, more: usize) -> bool {
        let blocking = self.blocking.filter(|_| self.deciding.contains(&event));
        let properties = 1
            + more
            + usize::from(self.typed)
            + usize::from(self.timeout.is_some())
            + usize::from(blocking.is_some());
        hook.properties().len() == properties
            && (!self.typed || text(hook, "type").as_deref() == Some("command"))
            && text(hook, self.command) == Some(gate.command(self.agent))
            && self.timeout.is_none_or(|(name, number)| Literal::Number(number).is(hook, name))
            && blocking.is_none_or(|(name, literal)| literal.is(hook, name))
    }

    /// Whether every event already calls this very gate.
    fn is_registered(&self, top: &CstObject, gate: &Registration) -> bool {
        let command = gate.command(self.agent);
        self.all_events().all(|event| {
            let entries = self.entries(top, event);
            entries.iter().any(|entry| entry.matches_all && entry.command == command)
        })
    }

    fn entries(&self, top: &CstObject, event: &str) -> Vec<Entry> {
        let items = self.hooks(top).and_then(|hooks| hooks.array_value(event));
        let items = items.map(|items| items.elements()).unwrap_or_default();
        let mut found = Vec::new();
        for item in items.iter().filter_map(CstNode::as_object) {
            let matcher = text(&item, "matcher").unwrap_or_default();
            let matches_all = matches!(matcher.as_str(), "" | "*" | ".*");
            for hook in self.hooks_of(&item) {
                found.push(Entry {
                    command: text(&hook, self.command).unwrap_or_default(),
                    program: self.our_program(&hook),
                    matches_all,
                });
            }
        }
        found
    }

    /// The hooks of a group, or the one that stands alone.
    fn hooks_of(&self, item: &CstObject) -> Vec<CstObject> {
        if !self.grouped {
            return vec![item.clone()];
        }
        let hooks = item.array_value("hooks").map(|hooks| hooks.elements()).unwrap_or_default();
        hooks.iter().filter_map(CstNode::as_object).collect()
    }

    /// Removes our hooks, and what only held them: lists that `theirs` has as well stay, though empty.
    fn remove_ours(&self, top: &CstObject, theirs: Option<&CstObject>) -> Result<(), InstallError> {
        let their_hooks = theirs.and_then(|theirs| self.hooks(theirs));
        let is_theirs = |event: &CstObjectProp| {
            let (Some(name), Some(hooks)) = (name_of(event), &their_hooks) else { return false };
            hooks.get(&name).is_some()
        };
        let property = self.events.and_then(|name| top.get(name));
        let hooks = match (self.events, &property) {
            (None, _) => top.clone(),
            (Some(_), None) => return Ok(()),
            (Some(name), Some(property)) => {
                property.object_value().ok_or_else(|| wrong_type(name))?
            }
        };
        let mut removed_any = false;
        for event in hooks.properties() {
            let Some(items) = event.array_value() else { continue };
            let removed = self.remove_from(&items);
            removed_any |= removed;
            if removed && items.elements().is_empty() && !is_theirs(&event) {
                event.remove();
            }
        }
        if let Some(property) = property
            && removed_any
            && hooks.properties().is_empty()
            && their_hooks.is_none()
        {
            property.remove();
        }
        Ok(())
    }

    fn remove_from(&self, items: &CstArray) -> bool {
        let mut removed_any = false;
        for item in items.elements() {
            let Some(object) = item.as_object() else { continue };
            let mut removed = false;
            for hook in self.hooks_of(&object) {
                if self.our_program(&hook).is_some() {
                    hook.remove();
                    removed = true;
                }
            }
            removed_any |= removed;
            let empty = || object.array_value("hooks").is_none_or(|it| it.elements().is_empty());
            if self.grouped && removed && empty() {
                item.remove();
            }
        }
        removed_any
    }

    fn our_program(&self, hook: &CstObject) -> Option<PathBuf> {
        program_of(&text(hook, self.command)?, self.agent)
    }
}

/// One hook of an event.
struct Entry {
    command: String,
    program: Option<PathBuf>,
    matches_all: bool,
}

fn name_of(property: &CstObjectProp) -> Option<String> {
    property.name()?.decoded_value().ok()
}

fn text(object: &CstObject, name: &str) -> Option<String> {
    object.get(name)?.value()?.as_string_lit()?.decoded_value().ok()
}

/// Editors of some systems put it in front; it belongs to the file, not to the settings.
fn without_mark(settings: &str) -> (&str, &str) {
    let length = if settings.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    settings.split_at_checked(length).unwrap_or(("", settings))
}

impl Layout {
    /// The settings as the agent reads them: what it would pass over is an error, since then no hook runs.
    fn parse_as_agent(&self, settings: &str) -> Result<CstRootNode, InstallError> {
        let root = parse(settings)?;
        let Err(error) = parse_with(settings, self.reads) else { return Ok(root) };
        let agent = self.agent.title();
        let instead = match self.reads {
            Reads::Plain => "it takes plain JSON alone, without comments",
            Reads::Comments => "it takes JSON with comments, and no comma after a last entry",
        };
        Err(InstallError(format!(
            "{agent} passes over this file as it is, with every hook in it: {instead} ({error}); \
             repair the file and try again"
        )))
    }
}

/// The settings, with whatever some agent allows in them.
fn parse(settings: &str) -> Result<CstRootNode, InstallError> {
    let settings = if settings.trim().is_empty() { "{}\n" } else { settings };
    CstRootNode::parse(settings, &ParseOptions::default()).map_err(|error| {
        InstallError(format!("the settings are not JSON: {error}; repair the file and try again"))
    })
}

fn parse_with(settings: &str, reads: Reads) -> Result<(), ParseError> {
    if settings.trim().is_empty() {
        return Ok(());
    }
    // The tree that is changed takes comments whatever it is told.
    parse_to_ast(settings, &CollectOptions::default(), &reads.options()).map(drop)
}

fn not_an_object() -> InstallError {
    InstallError("the settings are not a JSON object; repair the file and try again".to_owned())
}

fn wrong_type(name: &str) -> InstallError {
    InstallError(format!("`{name}` in the settings has another type than the agent documents"))
}

#[cfg(test)]
mod tests {
    use super::super::layouts::CLAUDE_CODE;
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
  "permissions": {"allow": ["Bash(ls:*)"]} /* last */
}
"#;

    /// An agent that reads comments, too.
    const AGENT: Layout = Layout { reads: Reads::Comments, ..CLAUDE_CODE };

    fn register(settings: &str, gate: &Registration) -> Result<String, InstallError> {
        AGENT.register(settings, gate)
    }

    fn unregister(settings: &str, theirs: &str) -> Result<String, InstallError> {
        AGENT.unregister(settings, theirs)
    }

    fn registered(settings: &str) -> Result<Registered, InstallError> {
        AGENT.registered(settings)
    }

    fn gate() -> Registration {
        Registration {
            program: "/opt/ring fence/ringfence".into(),
            state: "/home/u/.local/state/ringfence".into(),
            config: "/home/u/.config/ringfence".into(),
            home: "/home/u".into(),
            decide: false,
            managed: false,
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
        assert_eq!(found.programs, [PathBuf::from("/opt/ring fence/ringfence")]);
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

    /// Measured on the real agents: what they do not read takes their hooks away without a word.
    #[test]
    fn a_file_that_the_agent_passes_over_holds_no_gate() {
        use super::super::layouts::{CODEX, DROID, GEMINI_CLI, QWEN_CODE};
        let (comment, comma) = ("{\n  // mine\n}\n", "{\n  \"Stop\": [],\n}\n");
        for (layout, reads_comments) in [
            (&CLAUDE_CODE, false),
            (&CODEX, false),
            (&GEMINI_CLI, true),
            (&QWEN_CODE, true),
            (&DROID, true),
        ] {
            for (text, reads) in [(comment, reads_comments), (comma, false)] {
                let agent = layout.agent.title();
                let done = layout.register(text, &gate());
                assert_eq!(done.is_ok(), reads, "{agent}: {text}: {done:?}");
                assert_eq!(layout.registered(text).is_ok(), reads, "{agent}: {text}");
                if let Err(error) = done {
                    assert!(error.to_string().contains("passes over this file"), "{error}");
                }
            }
            // What is broken later is found, and can still be taken away.
            let broken = layout.register("", &gate()).unwrap().replacen('{', "{ 'a': 1,", 1);
            assert!(layout.registered(&broken).is_err(), "{}", layout.agent.title());
            assert!(layout.unregister(&broken, "").is_ok(), "{}", layout.agent.title());
        }
        assert!(layouts_off("global/ringfence:pre_tool_use[0].hooks[0]\n"));
        assert!(!layouts_off("global/mine:pre_tool_use[0].hooks[0]\n"));
    }

    fn layouts_off(listed: &str) -> bool {
        super::super::layouts::GROK.switches(listed).is_ok_and(|found| !found.is_empty())
    }

    #[test]
    fn what_is_not_settings_is_not_touched() {
        for text in ["[]", "{", "{\"hooks\": []}", "{\"hooks\": {\"PreToolUse\": {}}}"] {
            assert!(register(text, &gate()).is_err(), "{text}");
        }
    }
}
