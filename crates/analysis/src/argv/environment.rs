//! Which environment a name hints at: `web-prod-1` is production.

use super::grammar::Parsed;
use super::told;
use crate::context::Frame;
use crate::value::Value;

/// Whole segments of names, lower-case.
const HINTS: &[(&str, &[&str])] = &[
    ("production", &["prod", "production", "prd", "live"]),
    ("staging", &["staging", "stage", "stg", "preprod", "uat", "preproduction"]),
    (
        "development",
        &[
            "dev",
            "develop",
            "development",
            "local",
            "localhost",
            "test",
            "sandbox",
            "minikube",
            "kind",
        ],
    ),
];

/// The environment that a name hints at: `production`, `staging` or `development`.
pub fn of(name: &str) -> Option<&'static str> {
    let segments = || name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|s| !s.is_empty());
    let trimmed =
        |segment: &str| segment.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase();
    let found = HINTS.iter().find_map(|(environment, hints)| {
        segments().any(|segment| hints.contains(&trimmed(segment).as_str())).then_some(*environment)
    });
    // What is shared is nobody's to try things on, whatever it is for.
    let shared = segments().any(|segment| matches!(trimmed(segment).as_str(), "shared" | "common"));
    found.filter(|environment| !shared || *environment != "development")
}

/// Variables that tell programs which environment, account or cluster they work on.
const VARIABLES: &[&str] = &[
    "RAILS_ENV",
    "RACK_ENV",
    "NODE_ENV",
    "APP_ENV",
    "MIX_ENV",
    "FLASK_ENV",
    "DJANGO_ENV",
    "DJANGO_SETTINGS_MODULE",
    "ENVIRONMENT",
    "DEPLOY_ENV",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "CLOUDSDK_CORE_PROJECT",
    "KUBECONFIG",
    "TF_WORKSPACE",
    "DATABASE_URL",
    "PGHOST",
    "PGSERVICE",
    "PGDATABASE",
    "HEROKU_APP",
    "VERCEL_ENV",
];

/// The strictest environment hinted at by the options that name one, by the target, or by what the
/// command finds in its variables.
pub(crate) fn hinted(
    frame: &Frame,
    parsed: &Parsed,
    target: &Value,
    variables: &[(String, Value)],
) -> Option<&'static str> {
    let variables = variables
        .iter()
        .filter(|(name, _)| VARIABLES.contains(&name.as_str()))
        .map(|(_, value)| value);
    let slots = parsed.entry.environment.iter();
    let given: Vec<_> = slots.flat_map(|slot| parsed.words(*slot)).collect();
    let mut found: Option<&'static str> = None;
    // `psql "$PROD_URL"`: what a variable is called tells where it leads.
    for word in given.iter().filter(|word| word.value.as_known().is_none()) {
        let text = frame.source.evidence(word.span).text;
        let names = told::variables(&text).map(str::to_lowercase);
        let hint = names.filter_map(|name| of(&name)).find(|hint| *hint == "production");
        found = stricter(found, hint);
    }
    let given = given.into_iter().map(|word| &word.value);
    for value in given.chain(variables).chain(std::iter::once(target)) {
        let texts = match value {
            Value::Known(text) | Value::Pattern(text) => std::slice::from_ref(text),
            Value::OneOf(all) => all.as_slice(),
            Value::Unknown => &[],
        };
        for text in texts {
            found = stricter(found, of(text));
        }
    }
    found
}

/// The environment of two in which more is at stake.
pub(crate) fn stricter(
    one: Option<&'static str>,
    other: Option<&'static str>,
) -> Option<&'static str> {
    let rank = |name: &&str| HINTS.iter().position(|(known, _)| known == name);
    one.into_iter().chain(other).min_by_key(rank)
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn whole_segments_count() {
        for name in
            ["prod", "web-prod-1", "my_production_db", "arn:aws:eks:eu:1:cluster/prd2", "live"]
        {
            assert_eq!(of(name), Some("production"), "{name}");
        }
        assert_eq!(of("staging-eu"), Some("staging"));
        assert_eq!(of("dev"), Some("development"));
        for name in ["product-catalog", "reproduce", "delivery", "olive", "shared-dev"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
