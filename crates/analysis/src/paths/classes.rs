//! What a path is: the classes of `catalog/paths.toml`, looked up by name alone.

use std::collections::BTreeSet;

use ringfence_action::EffectKind;

use super::glob;

/// A class of paths, and what follows from touching one.
pub(super) struct Class {
    pub(super) name: &'static str,
    /// Umbrella classes that go with it.
    pub(super) also: &'static [&'static str],
    /// What changing such a path amounts to.
    pub(super) change: Option<EffectKind>,
    /// Whether reading it is reading a secret.
    pub(super) read: bool,
    except: &'static [&'static [&'static str]],
}

struct Pattern {
    anchor: Anchor,
    parts: &'static [&'static str],
    class: usize,
}

/// Where a pattern begins.
#[derive(Clone, Copy)]
enum Anchor {
    Home,
    Anywhere,
    System,
}

/// A part of the machine; see [`super::place`].
pub(super) struct Place {
    pub(super) name: &'static str,
    pub(super) home: &'static [&'static [&'static str]],
    pub(super) system: &'static [&'static [&'static str]],
}

include!(concat!(env!("OUT_DIR"), "/path_data.rs"));

/// A path cut into components, in lower case, with where homes end in it.
pub(super) struct Parts<'a> {
    pub(super) all: Vec<&'a str>,
    /// Whether the components may hold wildcards, with `\` in front of literal ones.
    pub(super) pattern: bool,
    /// Component counts after which a home folder may end.
    pub(super) homes: Vec<usize>,
}

impl Parts<'_> {
    fn below(&self, from: usize) -> &[&str] {
        self.all.get(from..).unwrap_or_default()
    }

    pub(super) fn matches_home(&self, parts: &[&str]) -> bool {
        self.homes.iter().any(|home| self.covered(parts, self.below(*home)))
    }

    pub(super) fn matches_system(&self, parts: &[&str]) -> bool {
        self.covered(parts, &self.all)
    }

    fn matches_anywhere(&self, parts: &[&str]) -> bool {
        (0..self.all.len()).any(|from| self.covered(parts, self.below(from)))
    }

    /// Whether the path is surely what these parts name: an exception must fit all it may mean.
    fn is_exempt(&self, parts: &[&str]) -> bool {
        let fits = if self.pattern { glob::contains } else { glob::matches };
        (0..self.all.len()).any(|from| fits(parts, self.below(from)))
    }

    fn covered(&self, parts: &[&str], path: &[&str]) -> bool {
        if self.pattern { glob::suggests(parts, path) } else { glob::matches(parts, path) }
    }
}

/// The classes of a path, umbrella classes not included.
pub(super) fn of(path: &Parts<'_>) -> Vec<&'static Class> {
    let mut hits = BTreeSet::new();
    if path.pattern {
        for pattern in KEYED.iter().map(|(_, pattern)| pattern).chain(LOOSE) {
            check(pattern, path, &mut hits);
        }
    } else {
        for part in &path.all {
            check_key(part, path, &mut hits);
            for (dot, _) in part.match_indices('.').filter(|(dot, _)| *dot > 0) {
                check_key(part.get(dot..).unwrap_or_default(), path, &mut hits);
            }
        }
        for pattern in LOOSE {
            check(pattern, path, &mut hits);
        }
    }
    hits.into_iter()
        .filter_map(|class| CLASSES.get(class))
        .filter(|class| !class.except.iter().any(|parts| path.is_exempt(parts)))
        .collect()
}

/// The class of what guards the agent.
pub(super) fn of_guards() -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.name == "ringfence")
}

/// The classes of what would lie below a folder of somebody's home: `~/.config` holds tokens.
pub(super) fn held(path: &Parts<'_>) -> Vec<&'static Class> {
    let holds = |pattern: &Pattern| {
        matches!(pattern.anchor, Anchor::Home)
            && path.homes.iter().any(|home| {
                let folder = path.below(*home);
                !folder.is_empty() && folder.len() < pattern.parts.len() && {
                    pattern.parts.iter().zip(folder).all(|(part, name)| part == name)
                }
            })
    };
    let hits: BTreeSet<usize> = KEYED
        .iter()
        .map(|(_, pattern)| pattern)
        .chain(LOOSE)
        .filter(|pattern| holds(pattern))
        .map(|pattern| pattern.class)
        .collect();
    hits.into_iter().filter_map(|class| CLASSES.get(class)).collect()
}

fn check_key(key: &str, path: &Parts<'_>, hits: &mut BTreeSet<usize>) {
    let from = KEYED.partition_point(|(known, _)| *known < key);
    let same = KEYED.iter().skip(from).take_while(|(known, _)| *known == key);
    for (_, pattern) in same {
        check(pattern, path, hits);
    }
}

fn check(pattern: &Pattern, path: &Parts<'_>, hits: &mut BTreeSet<usize>) {
    if hits.contains(&pattern.class) {
        return;
    }
    let hit = match pattern.anchor {
        Anchor::Home => path.matches_home(pattern.parts),
        Anchor::Anywhere => path.matches_anywhere(pattern.parts),
        Anchor::System => path.matches_system(pattern.parts),
    };
    if hit {
        hits.insert(pattern.class);
    }
}
