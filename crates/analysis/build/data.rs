//! `catalog/{paths,hosts,installs,tools}.toml` become static tables, checked while they are built.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use serde::Deserialize;

use crate::normal::normal;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes the tables into `OUT_DIR`.
pub(crate) fn generate() -> Result<()> {
    let out = env::var("OUT_DIR")?;
    let write = |name: &str, text: String| fs::write(Path::new(&out).join(name), text);
    write("path_data.rs", paths(&read::<PathsFile>("paths.toml")?)?)?;
    write("host_data.rs", hosts(&read::<HostsFile>("hosts.toml")?)?)?;
    let written = read::<ContentFile>("content.toml")?;
    write("content_data.rs", content(&written)?)?;
    write("change_data.rs", change(&written)?)?;
    write("install_data.rs", installs(&read::<InstallsFile>("installs.toml")?)?)?;
    write("tool_data.rs", tools(&read::<ToolsFile>("tools.toml")?)?)?;
    Ok(())
}

fn read<T: serde::de::DeserializeOwned>(name: &str) -> Result<T> {
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../catalog").join(name);
    println!("cargo::rerun-if-changed={}", path.display());
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PathsFile {
    class: Vec<Class>,
    place: Vec<Place>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    name: String,
    description: String,
    #[serde(default)]
    home: Vec<String>,
    #[serde(default)]
    anywhere: Vec<String>,
    #[serde(default)]
    system: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
    #[serde(default)]
    also: Vec<String>,
    change: Option<String>,
    read: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Place {
    name: String,
    #[serde(default)]
    home: Vec<String>,
    #[serde(default)]
    system: Vec<String>,
}

fn paths(file: &PathsFile) -> Result<String> {
    let mut rows = String::new();
    let mut keyed = Vec::new();
    let mut loose = Vec::new();
    let mut names = BTreeSet::new();
    for (index, class) in file.class.iter().enumerate() {
        if !names.insert(&class.name) {
            return Err(format!("paths.toml: class `{}` is there twice", class.name).into());
        }
        if class.description.is_empty() {
            return Err(format!("paths.toml: class `{}` has no description", class.name).into());
        }
        let change = match class.change.as_deref() {
            None => "None".to_owned(),
            Some(kind @ ("persist" | "guard" | "credential" | "privilege")) => {
                format!("Some(EffectKind::{})", capitalised(kind))
            }
            Some(other) => {
                return Err(
                    format!("paths.toml: `change = \"{other}\"` in `{}`", class.name).into()
                );
            }
        };
        let read = match class.read.as_deref() {
            None => false,
            Some("credential") => true,
            Some(other) => {
                return Err(format!("paths.toml: `read = \"{other}\"` in `{}`", class.name).into());
            }
        };
        let except =
            class.except.iter().map(|pattern| components(pattern)).collect::<Result<Vec<_>>>()?;
        writeln!(
            rows,
            "Class {{ name: {:?}, also: &{:?}, change: {change}, read: {read}, except: &{} }},",
            class.name,
            class.also,
            nested(&except),
        )?;
        for (anchor, patterns) in
            [("Home", &class.home), ("Anywhere", &class.anywhere), ("System", &class.system)]
        {
            for pattern in patterns {
                let parts = components(pattern)?;
                let row = format!(
                    "Pattern {{ anchor: Anchor::{anchor}, parts: &{parts:?}, class: {index} }}"
                );
                match key(&parts) {
                    Some(key) => keyed.push((key, row)),
                    None => loose.push(row),
                }
            }
        }
    }
    keyed.sort();
    let mut text = String::from("// Generated from catalog/paths.toml.\n");
    writeln!(text, "pub(super) static CLASSES: &[Class] = &[\n{rows}];")?;
    writeln!(text, "static KEYED: &[(&str, Pattern)] = &[")?;
    for (key, row) in keyed {
        writeln!(text, "({key:?}, {row}),")?;
    }
    writeln!(text, "];\nstatic LOOSE: &[Pattern] = &[")?;
    for row in loose {
        writeln!(text, "{row},")?;
    }
    writeln!(text, "];\npub(super) static PLACES: &[Place] = &[")?;
    for place in &file.place {
        let list = |patterns: &[String]| -> Result<String> {
            Ok(nested(&patterns.iter().map(|p| components(p)).collect::<Result<Vec<_>>>()?))
        };
        writeln!(
            text,
            "Place {{ name: {:?}, home: &{}, system: &{} }},",
            place.name,
            list(&place.home)?,
            list(&place.system)?
        )?;
    }
    writeln!(text, "];")?;
    Ok(text)
}

/// The components of a pattern, in lower case.
fn components(pattern: &str) -> Result<Vec<String>> {
    let parts: Vec<String> =
        pattern.split('/').filter(|part| !part.is_empty()).map(str::to_lowercase).collect();
    if parts.iter().all(|part| part == "**") {
        return Err(format!("paths.toml: `{pattern}` names every path").into());
    }
    Ok(parts)
}

/// What a path must contain to match at all: a whole component, or (with its dot) the end of one.
fn key(parts: &[String]) -> Option<String> {
    let literal = |part: &&String| !part.contains(['*', '?', '[']);
    if let Some(part) = parts.iter().rev().find(literal) {
        return Some(part.clone());
    }
    let ending = parts.iter().rev().find_map(|part| part.strip_prefix('*'))?;
    (ending.starts_with('.') && !ending.contains(['*', '?', '['])).then(|| ending.to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostsFile {
    class: Vec<HostClass>,
    registry: Vec<Registry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registry {
    ecosystem: String,
    hosts: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HostClass {
    name: String,
    description: String,
    #[serde(default)]
    hosts: Vec<String>,
    /// Ports of this machine and others behind which services of this class usually are.
    #[serde(default)]
    ports: Vec<u16>,
}

/// One row for each host, sorted, with all its classes and whether hosts below it count.
fn hosts(file: &HostsFile) -> Result<String> {
    let mut rows: BTreeSet<(String, bool, String)> = BTreeSet::new();
    for class in &file.class {
        if class.description.is_empty() {
            return Err(format!("hosts.toml: class `{}` has no description", class.name).into());
        }
        for host in class.hosts.iter().filter(|host| !host.contains('/')) {
            let name = host.strip_prefix('=').unwrap_or(host);
            rows.insert((name.to_owned(), !host.starts_with('='), class.name.clone()));
        }
    }
    let mut text = String::from("static HOSTS: &[(&str, bool, &str)] = &[\n");
    for row in rows {
        writeln!(text, "{row:?},")?;
    }
    text.push_str("];\nstatic PORTS: &[(u16, &str)] = &[\n");
    let ports =
        file.class.iter().flat_map(|class| class.ports.iter().map(|port| (port, &class.name)));
    for row in ports.collect::<BTreeSet<_>>() {
        writeln!(text, "{row:?},")?;
    }
    text.push_str("];\nstatic REGISTRIES: &[(&str, &[&str])] = &[\n");
    for Registry { ecosystem, hosts } in &file.registry {
        writeln!(text, "({ecosystem:?}, &{hosts:?}),")?;
    }
    text.push_str("];\n");
    Ok(text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InstallsFile {
    programs: Vec<String>,
    install: Vec<Install>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Install {
    ecosystem: String,
    writes: Vec<String>,
    #[serde(default)]
    members: Vec<(String, String)>,
}

/// What installs write, and which programs change nothing else.
fn installs(file: &InstallsFile) -> Result<String> {
    let mut text = format!("static PROGRAMS: &[&str] = &{:?};\n", file.programs);
    text.push_str("static INSTALLS: &[Install] = &[\n");
    for Install { ecosystem, writes, members } in &file.install {
        if let Some(name) = writes.iter().find(|name| name.contains('/')) {
            return Err(format!("installs.toml: `{name}` is more than a name").into());
        }
        writeln!(text, "({ecosystem:?}, &{writes:?}, &{members:?}),")?;
    }
    text.push_str("];\n");
    Ok(text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ContentFile {
    secret: Vec<Secret>,
    widening: Vec<Widening>,
    protection: Vec<Protection>,
    weakening: Vec<Widening>,
    exchange: Vec<Exchange>,
    left_out: LeftOut,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Protection {
    mechanism: String,
    names: Vec<String>,
    said: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    mechanism: String,
    from: Vec<String>,
    to: Vec<String>,
    #[serde(default)]
    stays: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeftOut {
    marks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    name: String,
    prefix: String,
    length: usize,
    #[serde(default)]
    alphabet: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Widening {
    mechanism: String,
    words: Vec<String>,
}

fn content(file: &ContentFile) -> Result<String> {
    let mut text = String::from("static SECRETS: &[Secret] = &[\n");
    for Secret { name, prefix, length, alphabet } in &file.secret {
        writeln!(
            text,
            "Secret {{ name: {name:?}, prefix: {prefix:?}, length: {length}, alphabet: {alphabet:?} }},"
        )?;
    }
    text.push_str("];\nstatic WIDENINGS: &[(&str, &[&str])] = &[\n");
    for Widening { mechanism, words } in &file.widening {
        writeln!(text, "({mechanism:?}, &{words:?}),")?;
    }
    text.push_str("];\n");
    Ok(text)
}

/// What is noticed in changes. Phrases are sorted by their longest word, by which they are looked up.
fn change(file: &ContentFile) -> Result<String> {
    let mechanisms: Vec<&str> = file.protection.iter().map(|it| it.mechanism.as_str()).collect();
    let of_phrases = file.weakening.iter().map(|it| &it.mechanism);
    let of_exchanges = file.exchange.iter().map(|it| &it.mechanism);
    for mechanism in of_phrases.chain(of_exchanges) {
        if !mechanisms.contains(&mechanism.as_str()) {
            return Err(format!("content.toml: `{mechanism}` is no [[protection]]").into());
        }
    }
    let mut text = String::from("static PROTECTIONS: &[Protection] = &[\n");
    for Protection { mechanism, names, said } in &file.protection {
        writeln!(
            text,
            "Protection {{ mechanism: {mechanism:?}, names: &{names:?}, said: &{said:?} }},"
        )?;
    }
    let mut phrases: Vec<(String, String)> = Vec::new();
    for Widening { mechanism, words } in &file.weakening {
        for phrase in words {
            let parts: Vec<String> = phrase.split('…').map(|part| normal(part.trim())).collect();
            let words = parts.first().map(String::as_str).unwrap_or_default();
            let words = words.split(|c: char| !c.is_alphanumeric() && c != '_');
            let key = words.max_by_key(|word| word.len()).unwrap_or_default();
            let entry =
                format!("Phrase {{ key: {key:?}, mechanism: {mechanism:?}, parts: &{parts:?} }},");
            phrases.push((key.to_owned(), entry));
        }
    }
    phrases.sort();
    text.push_str("];\nstatic PHRASES: &[Phrase] = &[\n");
    for (_, entry) in phrases {
        writeln!(text, "{entry}")?;
    }
    let spelled = |all: &[String]| all.iter().map(|one| normal(one)).collect::<Vec<_>>();
    text.push_str("];\nstatic EXCHANGES: &[Exchange] = &[\n");
    for Exchange { mechanism, from, to, stays } in &file.exchange {
        let (from, to) = (spelled(from), spelled(to));
        writeln!(
            text,
            "Exchange {{ mechanism: {mechanism:?}, from: &{from:?}, to: &{to:?}, stays: {stays} }},"
        )?;
    }
    writeln!(text, "];\nstatic LEFT_OUT: &[&str] = &{:?};", spelled(&file.left_out.marks))?;
    Ok(text)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolsFile {
    noun_like: Vec<String>,
    verb: Vec<Verb>,
    noun: Vec<Noun>,
    arguments: BTreeMap<String, Vec<String>>,
    server: Vec<Server>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verb {
    effect: String,
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Noun {
    effect: String,
    with: Vec<String>,
    words: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    words: Vec<String>,
    kind: String,
}

fn tools(file: &ToolsFile) -> Result<String> {
    let mut verbs = BTreeMap::new();
    for verb in &file.verb {
        for word in verb.words.iter().filter(|word| !word.contains('_')) {
            if let Some(other) = verbs.insert(word.clone(), capitalised(&verb.effect))
                && other != capitalised(&verb.effect)
            {
                return Err(format!("tools.toml: the verb `{word}` has two effects").into());
            }
        }
    }
    if let Some(word) = file.noun_like.iter().find(|word| word.is_empty()) {
        return Err(format!("tools.toml: empty word `{word}` in `noun_like`").into());
    }
    let mut text = format!("static NOUN_LIKE: &[&str] = &{:?};\n", file.noun_like);
    text.push_str("static VERBS: &[(&str, Does)] = &[\n");
    for (word, effect) in verbs {
        writeln!(text, "({word:?}, Does::{effect}),")?;
    }
    text.push_str("];\nstatic NOUNS: &[(&[&str], &[Does], Does)] = &[\n");
    for noun in &file.noun {
        let with: Vec<String> =
            noun.with.iter().map(|effect| format!("Does::{}", capitalised(effect))).collect();
        let effect = capitalised(&noun.effect);
        writeln!(text, "(&{:?}, &[{}], Does::{effect}),", noun.words, with.join(", "))?;
    }
    text.push_str("];\nstatic ARGUMENTS: &[(&str, Role)] = &[\n");
    let mut arguments = BTreeSet::new();
    for (role, names) in &file.arguments {
        for name in names {
            arguments.insert((name.replace('_', ""), capitalised(role)));
        }
    }
    for (name, role) in arguments {
        writeln!(text, "({name:?}, Role::{role}),")?;
    }
    text.push_str("];\nstatic SERVERS: &[(&[&str], Family)] = &[\n");
    for server in &file.server {
        let kind: String = server.kind.split('_').map(capitalised).collect();
        writeln!(text, "(&{:?}, Family::{kind}),", server.words)?;
    }
    text.push_str("];\n");
    Ok(text)
}

fn nested(lists: &[Vec<String>]) -> String {
    let inner: Vec<String> = lists.iter().map(|list| format!("&{list:?}")).collect();
    format!("[{}]", inner.join(", "))
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
