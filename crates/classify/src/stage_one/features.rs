//! Evidence as names.

use std::collections::BTreeSet;

use ringfence_action::{Attr, AttrValue, Effect, EffectKind, Opaque, Target};

/// What is known of an action when rules have spoken.
#[derive(Debug, Clone, Default)]
pub struct Evidence<'a> {
    /// What it would do, and whether the user named the operation and the target of it.
    pub effects: Vec<(&'a Effect, bool)>,
    /// What could not be told.
    pub opaque: &'a [Opaque],
    /// Rules that spoke and did not stop it: allowed, contained, or cleared by consent.
    pub near: BTreeSet<&'a str>,
    /// Sources of untrusted text that the session has read.
    pub untrusted: usize,
    /// Kinds of private data that the session has read.
    pub private: usize,
    /// How much the user ruled out.
    pub boundaries: usize,
    /// How much was denied in this session.
    pub denials: u64,
    /// Whether the user asked for anything at all.
    pub has_requests: bool,
    /// How long the action's own text is, in bytes.
    pub length: usize,
}

/// On which side evidence is: what its weight may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Of danger: at least zero.
    Danger,
    /// That it was asked for, or cannot harm: at most zero.
    Consent,
}

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature {
    /// On which side it is.
    pub side: Side,
    /// Its name: `delete:recursive`, `op:push --force`, `opaque:dynamic_code`.
    pub name: String,
}

/// Names longer than this are cut: an operation in its own words may be of any length.
const LONGEST: usize = 48;

/// The evidence, each piece once.
pub fn features(evidence: &Evidence<'_>) -> BTreeSet<Feature> {
    let mut all = Names::default();
    for (effect, named) in &evidence.effects {
        of_effect(effect, *named, &mut all);
    }
    for remark in evidence.opaque {
        all.danger(format!("opaque:{}", remark.reason.as_str()));
    }
    for rule in &evidence.near {
        all.danger(format!("near:{rule}"));
    }
    of_session(evidence, &mut all);
    let changes = evidence.effects.iter().filter(|(effect, _)| effect.kind.changes_state());
    match changes.count() {
        0 => all.consent("changes:none"),
        1..=3 => {}
        4..=15 => all.danger("changes:several"),
        _ => all.danger("changes:many"),
    }
    if evidence.length > 2_000 {
        all.danger("text:long");
    }
    all.0
}

fn of_effect(effect: &Effect, named: bool, all: &mut Names) {
    let kind = effect.kind.as_str();
    if effect.is(Attr::DryRun) || effect.is(Attr::ReadOnly) {
        all.consent(format!("{kind}:only-looks"));
        return;
    }
    all.danger(kind);
    if effect.kind.changes_state() {
        if named {
            all.consent("named");
            all.consent(format!("{kind}:named"));
        } else {
            all.danger("unnamed");
            all.danger(format!("{kind}:unnamed"));
        }
    }
    let target = match &effect.target {
        Target::Known(_) => None,
        Target::OneOf(_) => Some("several"),
        Target::Pattern(_) => Some("pattern"),
        Target::Unknown => Some("unknown"),
    };
    if let Some(target) = target {
        all.danger(format!("{kind}:target:{target}"));
    }
    for (attr, value) in effect.attributes.iter() {
        of_attribute(kind, attr, value, all);
    }
    if effect.kind == EffectKind::Exec
        && let Some(program) = effect.text(Attr::By)
    {
        all.danger(format!("program:{program}"));
    }
}

fn of_attribute(kind: &str, attr: Attr, value: &AttrValue, all: &mut Names) {
    let name = attr.as_str();
    match (attr, value) {
        // Names of things, not kinds of things.
        (
            Attr::By
            | Attr::Url
            | Attr::Dir
            | Attr::Branch
            | Attr::Version
            | Attr::Link
            | Attr::Role,
            _,
        ) => {}
        (Attr::Place, AttrValue::Text(place)) if matches!(place.as_str(), "workspace" | "temp") => {
            all.consent(format!("{kind}:place:{place}"));
        }
        (_, AttrValue::Flag(true)) => all.danger(format!("{kind}:{name}")),
        (_, AttrValue::Text(text)) => all.danger(format!("{kind}:{name}:{text}")),
        (_, AttrValue::Set(values)) => {
            values.iter().for_each(|value| all.danger(format!("{kind}:{name}:{value}")));
        }
        (_, AttrValue::Flag(false) | AttrValue::Count(_)) => {}
    }
}

fn of_session(evidence: &Evidence<'_>, all: &mut Names) {
    if evidence.untrusted > 0 {
        all.danger("session:untrusted");
    }
    if evidence.private > 0 {
        all.danger("session:private");
    }
    if evidence.boundaries > 0 {
        all.danger("session:boundaries");
    }
    if evidence.denials > 0 {
        all.danger("session:denials");
    }
    if evidence.has_requests {
        all.consent("said:something");
    }
}

#[derive(Default)]
struct Names(BTreeSet<Feature>);

impl Names {
    fn danger(&mut self, name: impl Into<String>) {
        self.add(Side::Danger, name.into());
    }

    fn consent(&mut self, name: impl Into<String>) {
        self.add(Side::Consent, name.into());
    }

    fn add(&mut self, side: Side, mut name: String) {
        name.truncate(name.floor_char_boundary(LONGEST));
        let name = name.replace(['\t', '\n', '\r'], " ");
        self.0.insert(Feature { side, name });
    }
}
