//! From a question of the engine to a question of Cedar.
//!
//! Requests are built without the schema: every key of the schema can be written here, from the same
//! list that the schema is generated from, and a test evaluates each kind against the schema. Of
//! those, a request carries the ones that the rules of its slice mention. A key that were missing
//! would make a policy error, which is a deny.

use std::collections::BTreeSet;
use std::str::FromStr as _;

use cedar_policy::{
    ActionConstraint, Context, EntityId, EntityTypeName, EntityUid, PolicySet, PrincipalConstraint,
    Request as CedarRequest, ResourceConstraint, RestrictedExpression,
};
use ringfence_action::{Attr, AttrType, AttrValue, Effect, Opaque, PathKind, Scope, Target};

use crate::request::{RepositoryFacts, Request, SessionFacts, Subject, TargetFacts};
use crate::schema::{OPAQUE, attributes};

type Value = RestrictedExpression;
type Fields = Vec<(String, Value)>;

/// The names of entity types, parsed once.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    agent: EntityTypeName,
    action: EntityTypeName,
    scope: EntityTypeName,
}

/// A policy in which each of the names stands.
const NAMED: &str = "permit(principal is Agent, action == Action::\"\", resource is Scope);";

impl Names {
    /// Read out of a policy: for a name by itself Cedar starts another parser, which takes longer than
    /// to decide.
    pub(crate) fn new() -> Result<Self, String> {
        let named = PolicySet::from_str(NAMED).map_err(|error| error.to_string())?;
        let policy = named.policies().next();
        let parts = policy.map(|policy| {
            (
                policy.principal_constraint(),
                policy.action_constraint(),
                policy.resource_constraint(),
            )
        });
        match parts {
            Some((
                PrincipalConstraint::Is(agent),
                ActionConstraint::Eq(action),
                ResourceConstraint::Is(scope),
            )) => Ok(Self { agent, action: action.type_name().clone(), scope }),
            _ => Err("a policy of this program reads as another one".to_owned()),
        }
    }

    pub(crate) fn action(&self, name: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(self.action.clone(), EntityId::new(name))
    }

    /// The question in Cedar's form, with the keys that are asked for.
    pub(crate) fn request(
        &self,
        request: &Request<'_>,
        keys: &Keys,
    ) -> Result<CedarRequest, String> {
        let (action, scope, fields) = match request.subject {
            Subject::Effect(effect) => {
                (effect.kind.as_str(), effect.scope.name(), effect_context(effect, request, keys)?)
            }
            Subject::Opaque(opaque) => {
                (OPAQUE, Scope::Local.name(), opaque_context(opaque, request, keys)?)
            }
        };
        let context = Context::from_pairs(fields).map_err(|error| error.to_string())?;
        let uid = |kind: &EntityTypeName, id: &str| {
            EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
        };
        CedarRequest::new(
            uid(&self.agent, request.agent),
            uid(&self.action, action),
            uid(&self.scope, scope),
            context,
            None,
        )
        .map_err(|error| error.to_string())
    }
}

/// The keys of the context that some rules mention.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys(BTreeSet<&'static str>);

/// The keys that every question has, next to the attributes of its kind.
const COMMON: [&str; 9] =
    ["target", "scope", "facts", "live", "repository", "session", "preset", "reason", "detail"];

impl Keys {
    /// Adds the keys that occur in the text of a rule. A key that only occurs in another sense is
    /// carried for nothing, which is harmless.
    pub(crate) fn mention(&mut self, text: &str) {
        let known = COMMON.into_iter().chain(Attr::ALL.iter().map(|attr| attr.as_str()));
        self.0.extend(known.filter(|key| text.contains(key)));
    }

    fn has(&self, key: &str) -> bool {
        self.0.contains(key)
    }
}

fn effect_context(effect: &Effect, request: &Request<'_>, keys: &Keys) -> Result<Fields, String> {
    let mut fields = common(request, keys)?;
    let mut add = |key: &str, value: Value| fields.push((key.to_owned(), value));
    if keys.has("target") {
        add("target", target(&effect.target)?);
    }
    if keys.has("scope") {
        add("scope", scope(&effect.scope)?);
    }
    if keys.has("facts") {
        add("facts", target_facts(request.target)?);
    }
    if keys.has("live") {
        let live = !effect.is(Attr::DryRun) && !effect.is(Attr::Content);
        add("live", Value::new_bool(live));
    }
    for attr in attributes(effect.kind).filter(|attr| keys.has(attr.as_str())) {
        let value = match (effect.attributes.get(attr), attr.value_type()) {
            (Some(value), _) => attribute(value),
            (None, AttrType::Flag) => Value::new_bool(false),
            (None, AttrType::Text) => text(""),
            (None, AttrType::Set) => Value::new_set([]),
            (None, AttrType::Count) => continue,
        };
        add(attr.as_str(), value);
    }
    Ok(fields)
}

fn opaque_context(opaque: &Opaque, request: &Request<'_>, keys: &Keys) -> Result<Fields, String> {
    let mut fields = common(request, keys)?;
    fields.push(("reason".to_owned(), text(opaque.reason.as_str())));
    fields.push(("detail".to_owned(), text(&opaque.detail)));
    Ok(fields)
}

fn common(request: &Request<'_>, keys: &Keys) -> Result<Fields, String> {
    let mut fields = Fields::new();
    if keys.has("repository") {
        fields.push(("repository".to_owned(), repository(request.repository)?));
    }
    if keys.has("session") {
        fields.push(("session".to_owned(), session(request.session)?));
    }
    if keys.has("preset") {
        fields.push(("preset".to_owned(), text(request.preset.as_str())));
    }
    Ok(fields)
}

fn scope(scope: &Scope) -> Result<Value, String> {
    record(vec![("name".to_owned(), text(scope.name())), ("place".to_owned(), text(scope.place()))])
}

fn target(target: &Target) -> Result<Value, String> {
    record(vec![
        ("text".to_owned(), text(&target.text())),
        ("precision".to_owned(), text(target.precision())),
    ])
}

fn target_facts(facts: &TargetFacts) -> Result<Value, String> {
    let mut fields = vec![
        ("created".to_owned(), Value::new_bool(facts.created)),
        ("named_by_user".to_owned(), Value::new_bool(facts.named_by_user)),
    ];
    let optional = [
        ("exists", facts.exists),
        ("tracked", facts.tracked),
        ("ignored", facts.ignored),
        ("holds_untracked", facts.holds_untracked),
        ("clean", facts.clean),
        ("default_branch", facts.default_branch),
        ("current_branch", facts.current_branch),
        ("known_destination", facts.known_destination),
        ("upstream", facts.upstream),
    ];
    for (name, value) in optional {
        fields.extend(value.map(|value| (name.to_owned(), Value::new_bool(value))));
    }
    for (name, value) in
        [("orphaned", facts.orphaned), ("foreign", facts.foreign), ("plan_takes", facts.plan_takes)]
    {
        fields.extend(value.map(|count| (name.to_owned(), long(count))));
    }
    let kind = facts.kind.map(|kind| match kind {
        PathKind::File => "file",
        PathKind::Dir => "dir",
        PathKind::Link => "link",
        PathKind::Special => "special",
    });
    fields.extend(kind.map(|kind| ("kind".to_owned(), text(kind))));
    record(fields)
}

fn repository(facts: &RepositoryFacts) -> Result<Value, String> {
    let mut fields = Fields::new();
    for (name, value) in [("branch", &facts.branch), ("default_branch", &facts.default_branch)] {
        fields.extend(value.as_ref().map(|value| (name.to_owned(), text(value))));
    }
    for (name, value) in [("dirty", facts.dirty), ("has_untracked", facts.has_untracked)] {
        fields.extend(value.map(|value| (name.to_owned(), Value::new_bool(value))));
    }
    for (name, value) in [("unpushed", facts.unpushed), ("stashes", facts.stashes)] {
        fields.extend(value.map(|count| (name.to_owned(), long(count))));
    }
    record(fields)
}

fn session(facts: &SessionFacts) -> Result<Value, String> {
    record(vec![
        ("untrusted".to_owned(), set(&facts.untrusted)),
        ("private".to_owned(), set(&facts.private)),
        ("boundaries".to_owned(), set(&facts.boundaries)),
        ("denials".to_owned(), long(facts.denials)),
    ])
}

fn attribute(value: &AttrValue) -> Value {
    match value {
        AttrValue::Flag(value) => Value::new_bool(*value),
        AttrValue::Text(value) => text(value),
        AttrValue::Set(values) => set(values),
        AttrValue::Count(value) => Value::new_long(*value),
    }
}

fn record(fields: Fields) -> Result<Value, String> {
    Value::new_record(fields).map_err(|error| error.to_string())
}

fn text(value: &str) -> Value {
    Value::new_string(value.to_owned())
}

fn set(values: &BTreeSet<String>) -> Value {
    Value::new_set(values.iter().map(|value| text(value)))
}

fn long(value: u64) -> Value {
    Value::new_long(i64::try_from(value).unwrap_or(i64::MAX))
}
