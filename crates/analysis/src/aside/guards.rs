//! Guards that are taken out while what they stood in front of stays: a decorator, a middleware, a check
//! that returned early.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use super::lines::{Diff, Line};
use super::names::{names, protection, protection_of, words};
use super::{Change, Finding, Found};
use crate::value::Span;

pub(super) fn gone(change: &Change<'_>, diff: &Diff<'_>, found: &mut Found) {
    if !diff.has_old {
        return;
    }
    let kept = OnceCell::new();
    let after = OnceCell::new();
    for (place, line) in diff.removed() {
        let Some(mechanism) = guards(diff, place, line) else { continue };
        // By another name, or elsewhere, it is still there.
        let kept: &BTreeSet<&str> = kept.get_or_init(|| protected(change, diff));
        if kept.contains(mechanism) || !found.lacks("weaken", mechanism) {
            continue;
        }
        if after.get_or_init(|| After::of(diff)).has_what_it_guarded(change, place, line) {
            let span = Span::new(0, change.new.len());
            let mut finding = Finding::of("weaken", mechanism, span, "");
            let of_it = |name: &&str| protection(&words(name)) == Some(mechanism);
            finding.brings.extend(names(line.text).filter(of_it).map(str::to_lowercase));
            finding.gone = true;
            found.add(finding);
        }
    }
}

/// What the new lines and those elsewhere protect.
fn protected(change: &Change<'_>, diff: &Diff<'_>) -> BTreeSet<&'static str> {
    let here = diff.new.lines.iter().filter_map(|line| protection_of(line.text));
    here.chain(change.elsewhere.protections.keys().copied()).collect()
}

/// Calls that put something in front of something.
const IN_FRONT: &[&str] = &[
    ".use(",
    ".get('",
    ".post('",
    ".put('",
    ".delete('",
    ".patch('",
    ".all('",
    "dependencies=[",
    "depends(",
    "before_action",
    "permission_classes",
    "authentication_classes",
    "middleware",
    "guards:",
];

/// What the line protects by standing where it does.
fn guards(diff: &Diff<'_>, place: usize, line: &Line<'_>) -> Option<&'static str> {
    let text = line.text.trim_start();
    let normal = &line.normal;
    let decorates = text.starts_with('@') || text.starts_with("#[") || text.starts_with("[Auth");
    let in_front = IN_FRONT.iter().any(|call| normal.contains(call)) && !text.starts_with("import");
    let refuses =
        (text.starts_with("if ") || text.starts_with("if(") || text.starts_with("unless "))
            && [Some(line), diff.old.lines.get(place + 1)].into_iter().flatten().any(|line| {
                ["return", "throw", "raise", "abort", "401", "403", "panic"]
                    .iter()
                    .any(|way| line.normal.contains(way))
            });
    if decorates || in_front {
        return protection_of(text);
    }
    // `if (!user.isAdmin) throw …`
    refuses.then(|| names(text).find_map(|name| refused_for(&words(name)))).flatten()
}

/// What a check that returns early asks for.
fn refused_for(words: &[String]) -> Option<&'static str> {
    protection(words).or_else(|| {
        let of_rights = |word: &String| {
            matches!(
                word.as_str(),
                "admin" | "permission" | "permissions" | "authorized" | "owner" | "role"
            )
        };
        words.iter().any(of_rights).then_some("authorization")
    })
}

/// What is still there, for each line that was.
struct After<'d> {
    /// Whether the next line of the old text that is no decorator is in the new one too.
    next_is_kept: Vec<bool>,
    /// Some line is.
    has_common: bool,
    /// What stands between quotes in the new text.
    quoted: BTreeSet<&'d str>,
}

impl<'d> After<'d> {
    fn of(diff: &'d Diff<'_>) -> Self {
        let mut kept = false;
        let next_is_kept = diff.old.lines.iter().rev().map(|line| {
            let next = kept;
            if !line.text.trim_start().starts_with('@') {
                kept = !line.alone;
            }
            next
        });
        let mut next_is_kept: Vec<bool> = next_is_kept.collect();
        next_is_kept.reverse();
        let has_common = diff.new.lines.iter().any(|line| !line.alone);
        let quoted = diff.new.lines.iter().flat_map(|line| line.normal.split('\'').skip(1));
        Self { next_is_kept, has_common, quoted: quoted.collect() }
    }

    /// Whether a route is still there, however it ends: `/admin` is there as `/admin/` and `/admin/:id`, too.
    fn has_route(&self, route: &str) -> bool {
        let route = route.trim_end_matches('/');
        let first = self.quoted.range(route..).next();
        route.len() > 1 && first.is_some_and(|quoted| quoted.starts_with(route))
    }

    /// Whether what a line that is gone stood in front of is still there.
    fn has_what_it_guarded(&self, change: &Change<'_>, place: usize, line: &Line<'_>) -> bool {
        let kept = self.next_is_kept.get(place).copied().unwrap_or(false);
        // The same route with fewer things in front of it.
        let route = line.normal.split('\'').nth(1).filter(|route| route.len() > 1);
        route.is_some_and(|route| self.has_route(route))
            || (kept && self.has_common)
            || (change.within && change.new.trim().is_empty())
    }
}
