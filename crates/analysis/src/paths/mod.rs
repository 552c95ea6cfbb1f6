//! Paths: where they lie and what they are, told from their names alone.
//!
//! [`effect`] is the one door for effects on paths. It makes the target absolute, names the place
//! (`workspace`, `home`, `temp`, `system`…) and the classes (`shell-rc`, `ci`, `lockfile`…, data of
//! `catalog/paths.toml`), says whether the path is one nobody should lose, and adds what follows: writing
//! an rc file persists, writing an agent's settings tampers with a guard, reading a key is using a
//! credential.

mod classes;
mod glob;
mod place;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;

use ringfence_action::path::{absolute, is_within};
use ringfence_action::{Action, Attr, AttrValue, Effect, EffectKind, Platform, Scope, Target};

use crate::context::{Analyzer, Frame, limits};
use crate::value::{Span, Value, escape_pattern};
use classes::{Class, Parts};
use place::{Touch, World};

/// The absolute, normalised target that a path operand names in this frame. Relative to an unknown
/// folder, or below an unknown variable, it is a pattern that begins with `**`.
pub(crate) fn locate(analyzer: &Analyzer<'_>, frame: &Frame, path: &Value) -> Target {
    let action = analyzer.action;
    match path {
        // No kernel takes it.
        Value::Known(text) | Value::Pattern(text) if text.len() > limits::PATH_BYTES => {
            Target::Unknown
        }
        Value::Known(path) => known(action, &frame.cwd, path),
        Value::OneOf(all) => {
            let located: Vec<Target> =
                all.iter().map(|path| known(action, &frame.cwd, path)).collect();
            let texts = located.iter().map(|target| target.as_known().map(str::to_owned));
            texts.collect::<Option<Vec<_>>>().map_or(Target::Unknown, Target::one_of)
        }
        Value::Pattern(pattern) => pattern_target(action, &frame.cwd, pattern),
        Value::Unknown => Target::Unknown,
    }
}

/// What a path costs beyond a step: it is compared with every class.
const STEPS: usize = 4;

/// The user's home as a value: a pattern for any home where it is not known.
pub(crate) fn home(action: &Action) -> Value {
    place::home(action).map_or_else(
        || {
            Value::Pattern(match action.platform {
                Platform::Linux => "/home/*".to_owned(),
                Platform::Macos => "/Users/*".to_owned(),
                Platform::Windows => "C:/Users/*".to_owned(),
            })
        },
        |home| Value::Known(shown(&home).to_owned()),
    )
}

fn known(action: &Action, cwd: &Value, path: &str) -> Target {
    if path.is_empty() {
        return Target::Unknown;
    }
    let path = native(action, path);
    if let Some((home, rest)) = tilde(action, &path) {
        return match home {
            Value::Known(home) => exact(&format!("{}/{rest}", forward_slashes(&home))),
            home => Target::Pattern(normalised_pattern(&format!(
                "{}/{}",
                home.as_pattern(),
                escape_pattern(rest)
            ))),
        };
    }
    if path.starts_with('/') {
        return exact(&path);
    }
    match cwd {
        Value::Known(cwd) => exact(&format!("{}/{path}", forward_slashes(cwd))),
        Value::OneOf(all) => Target::one_of(
            all.iter()
                .map(|cwd| shown(&absolute(&forward_slashes(cwd), &path)).to_owned())
                .collect(),
        ),
        Value::Pattern(cwd) => {
            Target::Pattern(normalised_pattern(&format!("{cwd}/{}", escape_pattern(&path))))
        }
        Value::Unknown => {
            match normalised_pattern(&format!("**/{}", escape_pattern(&path))).as_str() {
                "**" => Target::Unknown,
                pattern => Target::Pattern(pattern.to_owned()),
            }
        }
    }
}

fn pattern_target(action: &Action, cwd: &Value, pattern: &str) -> Target {
    if let Some((home, rest)) = tilde(action, pattern) {
        return Target::Pattern(normalised_pattern(&format!("{}/{rest}", home.as_pattern())));
    }
    if pattern.starts_with('/') || pattern.starts_with("**") || starts_with_drive(pattern) {
        return match normalised_pattern(&forward_slashes(pattern)).as_str() {
            "**" if !pattern.ends_with('/') => Target::Unknown,
            // An empty variable would leave the root itself.
            "**" => Target::Pattern("**/".to_owned()),
            pattern => Target::Pattern(pattern.to_owned()),
        };
    }
    let base = match cwd {
        Value::Known(cwd) => escape_pattern(&forward_slashes(cwd)),
        Value::Pattern(cwd) => cwd.clone(),
        Value::OneOf(_) | Value::Unknown => "**".to_owned(),
    };
    Target::Pattern(normalised_pattern(&format!("{base}/{pattern}")))
}

fn exact(path: &str) -> Target {
    Target::known(shown(&absolute("/", path)))
}

/// `~` and `~/x`: home and the rest. `~name/x` is that user's home.
fn tilde<'p>(action: &Action, path: &'p str) -> Option<(Value, &'p str)> {
    let (user, rest) = path.strip_prefix('~')?.split_once('/').unwrap_or((path.get(1..)?, ""));
    if user.is_empty() {
        return Some((home(action), rest));
    }
    let plain = user.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let base = if action.platform == Platform::Macos { "/Users" } else { "/home" };
    match user {
        "root" => Some((Value::known("/root"), rest)),
        user if plain => Some((Value::Known(format!("{base}/{user}")), rest)),
        _ => None,
    }
}

/// `C:\x` and `\\x` with slashes; on Windows `/c/x` is a drive too. Drives are written `/C:/x` inside
/// this module, so that every path is absolute in the same way.
fn native<'p>(action: &Action, path: &'p str) -> Cow<'p, str> {
    if action.platform == Platform::Windows {
        let path = path.replace('\\', "/");
        if let ["", drive, ..] = path.split('/').collect::<Vec<_>>().as_slice()
            && drive.len() == 1
        {
            return Cow::Owned(path.replacen(
                &format!("/{drive}"),
                &format!("/{}:", drive.to_uppercase()),
                1,
            ));
        }
        return Cow::Owned(forward_slashes(&path).into_owned());
    }
    forward_slashes(path)
}

fn starts_with_drive(path: &str) -> bool {
    path.get(..2).is_some_and(place::is_drive)
        && path.get(2..).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '\\']))
}

fn forward_slashes(path: &str) -> Cow<'_, str> {
    if starts_with_drive(path) {
        Cow::Owned(format!("/{}", path.replace('\\', "/")))
    } else {
        Cow::Borrowed(path)
    }
}

/// The path as people write it: `C:/x` rather than `/C:/x`.
fn shown(path: &str) -> &str {
    path.strip_prefix('/').filter(|rest| starts_with_drive(rest)).unwrap_or(path)
}

/// Removes `.`, `..` and empty components from a pattern. What `..` leaves of an unknown piece is
/// unknown.
fn normalised_pattern(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.last().is_some_and(|last| last.contains("**")) {
                    parts.clear();
                    parts.push("**");
                } else {
                    parts.pop();
                }
            }
            "**" if parts.last() == Some(&"**") => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if joined.starts_with("**") { joined } else { shown(&format!("/{joined}")).to_owned() }
}

/// Records an effect on a path: locates it, says where it lies and what it is, and adds the effects
/// that follow from touching such a path (`persist` for an rc file, `guard` for agent settings…).
///
/// [`Attr::Shown`] among the attributes of a read goes to the `credential` effect that may follow.
pub(crate) fn effect(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    span: Span,
    kind: EffectKind,
    path: &Value,
    attributes: &[(Attr, AttrValue)],
) {
    if !analyzer.step(frame, span) {
        return;
    }
    analyzer.spend(STEPS);
    let world = World::of(analyzer.action);
    let is = |attr| attributes.contains(&(attr, AttrValue::Flag(true)));
    let target = locate(analyzer, frame, path);
    let mut judged: Vec<(Target, Judgement)> = Vec::new();
    for one in target.alternatives() {
        if one.as_known().is_some_and(is_nowhere) {
            continue;
        }
        let judgement =
            judge(&world, analyzer.action, frame, kind, is(Attr::Recursive), path, &one);
        // Alternatives that mean the same stay together.
        match judged.iter_mut().find(|(_, known)| *known == judgement) {
            Some((Target::OneOf(all), _)) => all.extend(one.as_known().map(str::to_owned)),
            Some((target @ Target::Known(_), _)) => {
                let both = target.as_known().into_iter().chain(one.as_known());
                *target = Target::OneOf(both.map(str::to_owned).collect());
            }
            _ => judged.push((one, judgement)),
        }
    }
    let split = judged.len() > 1;
    for (target, judgement) in judged {
        let mut frame = frame.clone();
        frame.conditional |= split;
        record(analyzer, &frame, span, kind, target, &judgement, attributes);
    }
}

/// What a path is: its classes, umbrella classes among them.
pub(crate) fn classes(
    analyzer: &Analyzer<'_>,
    frame: &Frame,
    path: &Value,
) -> BTreeSet<&'static str> {
    let world = World::of(analyzer.action);
    let action = analyzer.action;
    let target = locate(analyzer, frame, path);
    let all = target.alternatives();
    let judged =
        all.iter().map(|one| judge(&world, action, frame, EffectKind::Read, false, path, one));
    judged.flat_map(|judgement| judgement.classes).collect()
}

/// What a path is to others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Meaning {
    /// Its classes in the catalogue, umbrella classes among them.
    pub classes: BTreeSet<&'static str>,
    /// Whether somebody executes or obeys what is there, or is let in by it.
    pub obeyed: bool,
    /// Whether reading it is reading a secret.
    pub secret: bool,
}

/// What an absolute path is to others, told from its name alone.
pub fn meaning(path: &str, home: Option<&str>) -> Meaning {
    let world = World::at_home(home);
    let lower = path.to_lowercase();
    let found = classes::of(&cut(&world, &lower, false));
    let mut meaning = Meaning::default();
    for class in found {
        meaning.classes.insert(class.name);
        meaning.classes.extend(class.also);
        meaning.obeyed |= class.change.is_some();
        meaning.secret |= class.read;
    }
    meaning.obeyed |= meaning.classes.contains("protected");
    meaning
}

/// Where a path lies: `workspace`, `home`, `temp`, `system`…
pub(crate) fn place(analyzer: &Analyzer<'_>, frame: &Frame, path: &str) -> &'static str {
    let world = World::of(analyzer.action);
    let written = Value::known(path);
    let target = locate(analyzer, frame, &written);
    let read = EffectKind::Read;
    judge(&world, analyzer.action, frame, read, false, &written, &target).place
}

/// Everything a path's name tells.
#[derive(PartialEq)]
struct Judgement {
    place: &'static str,
    classes: BTreeSet<&'static str>,
    critical: bool,
    follows: Vec<(EffectKind, &'static str)>,
}

fn judge(
    world: &World,
    action: &Action,
    frame: &Frame,
    kind: EffectKind,
    recursive: bool,
    written: &Value,
    target: &Target,
) -> Judgement {
    let mut judgement = Judgement {
        place: "unknown",
        classes: BTreeSet::new(),
        critical: false,
        follows: Vec::new(),
    };
    let (path, pattern) = match target {
        Target::Known(path) => (path, false),
        Target::Pattern(path) => (path, true),
        Target::OneOf(_) | Target::Unknown => {
            judgement.critical = kind == EffectKind::Delete && recursive && names_cwd(written);
            return judgement;
        }
    };
    let resolved = action.facts.paths.get(path).and_then(|facts| facts.resolved.as_deref());
    for path in [Some(path.as_str()), resolved].into_iter().flatten() {
        let path = forward_slashes(path);
        // A pattern from an unknown start needs no leading slash to be cut into components.
        let lower = path.to_lowercase();
        let parts = cut(world, &lower, pattern);
        judgement.place = place_of(world, frame, written, &path, &parts);
        if judgement.place == "home" && frame.scope == Scope::Local && is_anothers(world, &lower) {
            judgement.classes.insert("anothers-home");
        }
        let mut found = classes::of(&parts);
        if recursive && !pattern && judgement.place != "workspace" {
            found.extend(classes::held(&parts));
        }
        let gone = recursive && kind == EffectKind::Delete;
        if frame.scope == Scope::Local && touches_guard(action, &path, pattern, gone) {
            found.extend(classes::of_guards());
        }
        for class in found {
            judgement.classes.insert(class.name);
            judgement.classes.extend(class.also);
            follow(class, kind, &mut judgement.follows);
        }
        let cwd = frame.cwd.as_known().map(forward_slashes);
        let touch = Touch { kind, recursive, path: &path, pattern, cwd: cwd.as_deref() };
        judgement.critical |= place::is_critical(world, action.platform, touch)
            || (kind == EffectKind::Delete && recursive && pattern && names_cwd(written));
    }
    judgement
}

/// Whether a path is a part of what guards the agent, or would go with it.
fn touches_guard(action: &Action, path: &str, pattern: bool, gone: bool) -> bool {
    let guards = &action.facts.guards;
    if !pattern {
        return guards.iter().any(|it| is_within(it, path) || (gone && is_within(path, it)));
    }
    // As far as it is known, the path leads there.
    let known: Vec<&str> =
        path.split('/').take_while(|part| !part.contains(['*', '?', '['])).collect();
    let known = known.join("/");
    !known.is_empty() && guards.iter().any(|it| is_within(it, &known))
}

/// Whether this is the very program that guards the agent, whatever its name.
pub(crate) fn is_guard(analyzer: &Analyzer<'_>, frame: &Frame, program: &str) -> bool {
    let guards = &analyzer.action.facts.guards;
    !guards.is_empty()
        && program.contains('/')
        && locate(analyzer, frame, &Value::known(program))
            .as_known()
            .is_some_and(|path| guards.contains(path))
}

/// Whether the words mean the working folder or all that is in it, wherever that is.
fn names_cwd(written: &Value) -> bool {
    let text = match written {
        Value::Known(text) | Value::Pattern(text) => text,
        Value::OneOf(_) | Value::Unknown => return false,
    };
    !text.is_empty()
        && !text.starts_with(['/', '~'])
        && !text.starts_with("**")
        && text.split('/').all(|part| matches!(part, "" | "." | "..") || glob::is_bare(part))
}

fn cut<'p>(world: &World, path: &'p str, pattern: bool) -> Parts<'p> {
    let all: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut homes = Vec::new();
    match all.as_slice() {
        ["home" | "users", _, ..] | ["var", "root", ..] => homes.push(2),
        ["root", ..] => homes.push(1),
        [drive, "users", _, ..] if place::is_drive(drive) => homes.push(3),
        _ => {}
    }
    if let Some(home) = &world.home {
        let home = home.to_lowercase();
        if is_within(&home, path) {
            homes.push(home.split('/').filter(|part| !part.is_empty()).count());
        }
    }
    if pattern {
        let unknown = all.iter().position(|part| *part == "**");
        homes.extend(unknown.map(|at| at + 1));
    }
    homes.dedup();
    Parts { all, pattern, homes }
}

/// Whether this home is not the one of the user, nor of whoever the work belongs to. Where the user's is not known,
/// nobody's is another's.
fn is_anothers(world: &World, path: &str) -> bool {
    let Some(home) = &world.home else { return false };
    let is_of = |root: &str| is_within(root, path);
    let shared = ["/users/shared", "/home/linuxbrew", "/home/runner"];
    let works_there = world.workspace.iter().any(|root| {
        let root = root.to_lowercase();
        let person: Vec<&str> = root.split('/').take(3).collect();
        matches!(person.as_slice(), ["", "home" | "users", _]) && is_of(&person.join("/"))
    });
    !is_of(&home.to_lowercase()) && !works_there && !shared.iter().any(|place| is_of(place))
}

fn place_of(
    world: &World,
    frame: &Frame,
    written: &Value,
    path: &str,
    parts: &Parts<'_>,
) -> &'static str {
    let local = frame.scope == Scope::Local;
    if local && world.workspace.iter().any(|root| is_within(root, path)) {
        return "workspace";
    }
    if parts.all.first().is_some_and(|first| first.starts_with("**")) {
        // Relative to the folder the agent works in, wherever that is.
        let stays = match written {
            Value::Known(text) | Value::Pattern(text) => {
                !text.starts_with("**") && !text.split('/').any(|part| part == "..")
            }
            Value::OneOf(_) | Value::Unknown => false,
        };
        let here = local && stays && !world.anchored && frame.cwd == Value::Unknown;
        return if here { "workspace" } else { "unknown" };
    }
    if let Some(place) = place::place(parts) {
        return place;
    }
    if parts.homes.is_empty() { "other" } else { "home" }
}

/// Whether the path is where secrets are kept: reading it is reading a credential.
pub(crate) fn is_secret(analyzer: &Analyzer<'_>, frame: &Frame, path: &Value) -> bool {
    let world = World::of(analyzer.action);
    locate(analyzer, frame, path).alternatives().iter().any(|one| {
        let judged = judge(&world, analyzer.action, frame, EffectKind::Read, false, path, one);
        judged.follows.iter().any(|(kind, _)| *kind == EffectKind::Credential)
    })
}

/// What touching a path of this class amounts to.
fn follow(class: &Class, kind: EffectKind, follows: &mut Vec<(EffectKind, &'static str)>) {
    let consequence = match kind {
        EffectKind::Read => class.read.then_some(EffectKind::Credential),
        EffectKind::Write | EffectKind::Create | EffectKind::Delete | EffectKind::Metadata => {
            class.change
        }
        _ => None,
    };
    if let Some(consequence) = consequence {
        // One secret is one secret, however many classes say so.
        let known = follows.iter().any(|(kind, _)| *kind == consequence);
        if !(known && consequence == EffectKind::Credential) {
            follows.push((consequence, class.name));
        }
    }
}

fn record(
    analyzer: &mut Analyzer<'_>,
    frame: &Frame,
    span: Span,
    kind: EffectKind,
    target: Target,
    judgement: &Judgement,
    attributes: &[(Attr, AttrValue)],
) {
    let located = |kind: EffectKind| {
        let mut effect = Effect::new(kind, target.clone());
        if kind.targets_path() {
            effect.attributes.set(Attr::Place, judgement.place);
            for class in &judgement.classes {
                effect.attributes.insert(Attr::Classes, *class);
            }
        }
        effect
    };
    let mut effect = located(kind);
    for (attr, value) in attributes.iter().filter(|(attr, _)| attr.fits(kind)) {
        effect.attributes.set(*attr, value.clone());
    }
    if Attr::Critical.fits(kind) && judgement.critical {
        effect.attributes.set(Attr::Critical, true);
    }
    analyzer.effect(frame, span, effect);
    for (consequence, mechanism) in &judgement.follows {
        let mut effect = located(*consequence).with(Attr::Mechanism, *mechanism);
        let carried = [Attr::By, Attr::Shown, Attr::DryRun, Attr::Recursive];
        for (attr, value) in attributes {
            if carried.contains(attr) && attr.fits(*consequence) {
                effect.attributes.set(*attr, value.clone());
            }
        }
        // Of an edit it can be seen what changes, and what stays.
        let edit = AttrValue::from("edit");
        let is_edit = attributes.contains(&(Attr::Op, edit.clone()));
        effect.attributes.set(Attr::Op, if is_edit { edit } else { kind.as_str().into() });
        analyzer.effect(frame, span, effect);
    }
}

/// Where nothing is kept: reading or writing there changes nothing and tells nothing.
fn is_nowhere(path: &str) -> bool {
    const NOWHERE: &[&str] = &[
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/dev/stdin",
        "/dev/stdout",
        "/dev/stderr",
        "/dev/tty",
        "/dev/ptmx",
        "NUL",
    ];
    NOWHERE.contains(&path)
        || ["/dev/fd/", "/dev/pts/", "/proc/self/fd/"].iter().any(|base| path.starts_with(base))
}
