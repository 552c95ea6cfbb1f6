//! Guards that are taken out while what they stood in front of stays: a decorator, a middleware, a check
//! that returned early.

use super::lines::{Diff, Line};
use super::names::{names, protection, protection_of, words};
use super::{Change, Finding};
use crate::value::Span;

pub(super) fn gone(change: &Change<'_>, diff: &Diff<'_>) -> Vec<Finding> {
    if !diff.has_old {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (place, line) in diff.removed() {
        let Some(mechanism) = guards(diff, place, line) else { continue };
        // By another name, or elsewhere, it is still there.
        let is_kept = diff.new.iter().any(|line| protection_of(line.text) == Some(mechanism))
            || change.elsewhere.lines().any(|line| protection_of(line) == Some(mechanism));
        if !is_kept && stays(change, diff, place, line) {
            let span = Span::new(0, change.new.len());
            let mut finding = Finding::of("weaken", mechanism, span, "");
            let of_it = |name: &&str| protection(&words(name)) == Some(mechanism);
            finding.brings.extend(names(line.text).filter(of_it).map(str::to_lowercase));
            finding.gone = true;
            found.push(finding);
        }
    }
    found
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
            && [Some(line), diff.old.get(place + 1)].into_iter().flatten().any(|line| {
                ["return", "throw", "raise", "abort", "401", "403", "panic"]
                    .iter()
                    .any(|way| line.normal.contains(way))
            });
    if decorates || in_front {
        return names(text).find_map(|name| protection(&words(name)));
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

/// Whether what it stood in front of is still there.
fn stays(change: &Change<'_>, diff: &Diff<'_>, place: usize, line: &Line<'_>) -> bool {
    let next =
        diff.old.iter().skip(place + 1).find(|line| !line.text.trim_start().starts_with('@'));
    let kept = next.is_some_and(|next| !next.alone);
    // The same route with fewer things in front of it.
    let quoted = line.normal.split('\'').nth(1).filter(|route| route.len() > 1);
    let same = quoted.is_some_and(|route| diff.has(route));
    let common = diff.new.iter().any(|line| !line.alone);
    same || (kept && common) || (change.within && change.new.trim().is_empty())
}
