//! The pages that test the default rules, compiled in: what a rule means is best told by a case and the
//! case beside it that comes out otherwise.

use std::path::Path;

use super::page::{self, Case};

// `const PAGES: &[(&str, &str)]`: the name and the text of each page of `tests/policy`.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// A case in which a rule speaks, and one beside it that is let through.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) case: Case,
    pub(super) twin: Option<Case>,
}

/// The first case that names the rule, rather one with a twin than one without.
pub(super) fn about(rule: &str) -> Option<Told> {
    let mut lonely: Option<Told> = None;
    for (file, text) in PAGES {
        // A page that cannot be read fails its own test.
        let mut cases = page::cases(Path::new(file), text).unwrap_or_default();
        // Rather a case in which it has its way than one in which the user cleared it.
        let names = |case: &Case| case.expected.names(rule);
        let objects = cases.iter().position(|case| names(case) && !case.expected.allows());
        let Some(at) = objects.or_else(|| cases.iter().position(names)) else { continue };
        let allows = |at: usize| cases.get(at).map(|case| case.expected.allows());
        // A case stands before its twin; where a rule permits, its case is the twin of the one before.
        let beside = [Some(at + 1), at.checked_sub(1)].into_iter().flatten();
        let twin =
            beside.into_iter().find(|&twin| allows(twin).is_some_and(|it| Some(it) != allows(at)));
        let twin = twin.and_then(|twin| cases.get(twin).cloned());
        let told = Told { case: cases.swap_remove(at), twin };
        if told.twin.is_some() {
            return Some(told);
        }
        lonely = lonely.or(Some(told));
    }
    lonely
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_default_rule_has_a_case_that_tells_what_it_means() {
        let rules = ringfence_policy::Bundle::default_rules().unwrap();
        let ids: BTreeSet<&str> = rules.rules().iter().map(|rule| rule.id.as_str()).collect();
        let untold: Vec<&&str> = ids.iter().filter(|id| about(id).is_none()).collect();
        assert!(untold.is_empty(), "no page of tests/policy names {untold:?}");
        let told = about("git.force-push").unwrap();
        assert!(told.twin.is_some());
    }
}
