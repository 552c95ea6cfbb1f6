//! Which database a program of the project works on: what its settings say.
//!
//! Migrations, consoles and seeds name no host: they take it from `DATABASE_URL`, out of a file next to
//! them. Of that file, only which system it leads to is told on; the address and what opens it are
//! neither kept nor shown.

use ringfence_action::{Action, Attr, Effect, EffectKind, Target};
use ringfence_analysis::environment_of;

/// Files that programs read their settings from, those that override others last.
const FILES: &[&str] = &[".env", ".env.development", ".env.local"];

/// Settings that say where the database is.
const SETTINGS: &[&str] = &[
    "DATABASE_URL",
    "DB_URL",
    "DIRECT_URL",
    "POSTGRES_URL",
    "POSTGRES_PRISMA_URL",
    "PG_URL",
    "MYSQL_URL",
    "MONGODB_URI",
    "MONGO_URL",
    "SQLALCHEMY_DATABASE_URI",
    "DB_HOST",
    "PGHOST",
    "POSTGRES_HOST",
    "MYSQL_HOST",
];

/// Tells effects on databases which system they are on, where nothing in the action does.
pub(crate) fn place(
    effects: &mut [Effect],
    action: &Action,
    read: impl Fn(&str) -> Option<String>,
) {
    if !effects.iter().any(unplaced) {
        return;
    }
    // Who says which host is not asked about the settings.
    let is_host =
        |effect: &&Effect| effect.kind == EffectKind::Net && effect.target != Target::Unknown;
    let is_here = |effect: &Effect| effect.attributes.contains(Attr::Classes, "localhost");
    let hosts: Vec<&Effect> = effects.iter().filter(is_host).collect();
    if !hosts.is_empty() {
        if !hosts.into_iter().any(is_here) {
            put(effects, ELSEWHERE);
        }
        return;
    }
    let Some(cwd) = action.cwd.as_deref() else { return };
    let texts =
        FILES.iter().filter_map(|name| read(&format!("{}/{name}", cwd.trim_end_matches('/'))));
    let settings: Vec<String> = texts.collect();
    let Some(environment) = settings.iter().rev().find_map(|text| environment(text)) else {
        return;
    };
    put(effects, environment);
}

/// Some other machine, whichever.
const ELSEWHERE: &str = "elsewhere";

fn unplaced(effect: &Effect) -> bool {
    effect.kind == EffectKind::Database && effect.text(Attr::Environment).is_none()
}

fn put(effects: &mut [Effect], environment: &str) {
    for effect in effects.iter_mut().filter(|effect| unplaced(effect)) {
        effect.attributes.set(Attr::Environment, environment);
    }
}

/// The system that settings lead to. Of several, the one that must not be touched.
fn environment(settings: &str) -> Option<&'static str> {
    let values = settings.lines().filter_map(|line| {
        let (name, value) = line.trim().trim_start_matches("export ").split_once('=')?;
        SETTINGS.contains(&name.trim()).then(|| value.trim().trim_matches(['"', '\'']))
    });
    let mut found = values.filter_map(|value| environment_of(place_of(value))).peekable();
    let first = found.peek().copied();
    found.find(|environment| *environment == "production").or(first)
}

/// Host and name of the database, without what opens it.
fn place_of(value: &str) -> &str {
    let place = value.split_once("://").map_or(value, |(_, place)| place);
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let place = place.split('?').next().unwrap_or(place);
    if place.starts_with("127.") || place.starts_with("[::1]") { "localhost" } else { place }
}

#[cfg(test)]
mod tests {
    use super::environment;

    #[test]
    fn what_settings_lead_to() {
        for (settings, expected) in [
            ("DATABASE_URL=postgres://u:p@localhost:5432/app", Some("development")),
            ("export DATABASE_URL='postgres://u:p@127.0.0.1/app'", Some("development")),
            (
                "DATABASE_URL=\"postgres://u:live@db.prod.example.com/app?ssl=1\"",
                Some("production"),
            ),
            (
                "DB_HOST=localhost\nDIRECT_URL=mysql://u:p@app-production.example.com/x",
                Some("production"),
            ),
            ("DATABASE_URL=postgres://u:p@staging-db.example.com/app", Some("staging")),
            ("DATABASE_URL=postgres://prod:prod@db.example.com/app", None),
            ("# DATABASE_URL=postgres://db.prod.example.com/app", None),
            ("PORT=3000", None),
        ] {
            assert_eq!(environment(settings), expected, "{settings}");
        }
    }
}
