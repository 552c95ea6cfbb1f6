//! Who can reach it: what listened to this machine alone, and what lets anybody in.

use std::collections::HashSet;

use super::lines::{Diff, Line};
use super::{Change, Finding, Found};

/// Addresses of this machine alone.
const HERE: &[&str] = &["127.0.0.1", "localhost", "[::1]", "::1"];

/// Addresses of anybody.
const ANYBODY: &[&str] = &["0.0.0.0", "[::]", "'::'", "'*'"];

/// Networks of anybody.
const EVERYWHERE: &[&str] = &["0.0.0.0/0", "::/0"];

/// Words for lines that say who is let in, and for those that say who is let out.
const INWARD: &[&str] = &[
    "ingress",
    "inbound",
    "source_ranges",
    "sourceranges",
    "authorized_networks",
    "allowed",
    "allow",
    "cidr",
];
const OUTWARD: &[&str] = &["egress", "outbound"];

/// What everybody may reach anyway.
const PUBLIC_PORTS: &[&str] = &["80", "443"];

/// Ports that nobody opens to everybody.
const INNER_PORTS: &[&str] = &[
    "22", "23", "3389", "5432", "3306", "1433", "1521", "6379", "27017", "9200", "5601", "2375",
    "2379", "11211", "5900", "8080", "9090", "15672",
];

/// Lines below or above say which port and which way.
const NEAR: usize = 8;

pub(super) fn widened(change: &Change<'_>, diff: &Diff<'_>, found: &mut Found) {
    if !found.lacks("weaken", "exposure") {
        return;
    }
    let here = WasHere::of(diff);
    let was_everywhere = EVERYWHERE.iter().any(|network| diff.old.has(network));
    // What had a narrower network before is widened.
    let was_narrow = diff.removed().any(|(_, old)| {
        old.normal.contains('/') && old.normal.contains(|c: char| c.is_ascii_digit())
    });
    let opens = diff.added().find(|(place, line)| {
        here.as_ref().is_some_and(|here| here.opens(line))
            || (!was_everywhere && lets_anybody_in(diff, *place, line, was_narrow, change.within))
    });
    if let Some((_, line)) = opens {
        let mut finding = Finding::of("weaken", "exposure", line.span, line.text);
        let anybody = ANYBODY.iter().chain(EVERYWHERE).filter(|it| line.text.contains(**it));
        finding.brings.extend(anybody.map(|it| (*it).to_owned()));
        found.add(finding);
    }
}

/// What listened to this machine alone, where nothing does any more.
struct WasHere<'d> {
    /// The lines that said so, without addresses and numbers.
    bare: HashSet<String>,
    /// The names that were set to it.
    keys: HashSet<&'d str>,
    /// A port was mapped for this machine alone.
    mapped: bool,
}

impl<'d> WasHere<'d> {
    fn of(diff: &'d Diff<'_>) -> Option<Self> {
        let is_here = |line: &Line<'_>| HERE.iter().any(|here| line.normal.contains(here));
        let lines = || diff.removed().map(|(_, line)| line).filter(|line| is_here(line));
        if lines().next().is_none() || diff.added().any(|(_, line)| is_here(line)) {
            return None;
        }
        Some(Self {
            bare: lines().map(|line| without_numbers(&line.normal, HERE)).collect(),
            keys: lines().filter_map(|line| key(&line.normal)).collect(),
            mapped: lines().any(|line| line.normal.contains("127.0.0.1:")),
        })
    }

    /// Whether an address of this machine alone became one of anybody on this line, or went.
    fn opens(&self, line: &Line<'_>) -> bool {
        let normal = line.normal.as_str();
        let has = |words: &[&str]| words.iter().any(|it| normal.contains(it));
        let is_same = || {
            self.bare.contains(&without_numbers(normal, ANYBODY))
                || key(normal).is_some_and(|key| self.keys.contains(key))
        };
        (has(ANYBODY) && !has(EVERYWHERE) && is_same()) || (self.mapped && maps_a_port(normal))
    }
}

/// `'5432:5432'`, which may have been `'127.0.0.1:5432:5432'` before.
fn maps_a_port(line: &str) -> bool {
    let line = line.trim_matches(['-', '\'', ' ']);
    line.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'/'))
        && line.matches(':').count() == 1
}

/// The line without its addresses and numbers: what is set, whatever to.
fn without_numbers(line: &str, addresses: &[&str]) -> String {
    let mut line = line.to_owned();
    for address in addresses {
        line = line.replace(address.trim_matches('\''), "");
    }
    line.retain(|c| !c.is_ascii_digit() && c != '\'');
    line
}

fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once([':', '='])?;
    let key = key.trim_matches(['\'', '-', ' ']);
    let is_name = key.chars().any(char::is_alphabetic)
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    is_name.then_some(key)
}

/// A network of anybody in what lets others in, where the old text had none.
fn lets_anybody_in(
    diff: &Diff<'_>,
    place: usize,
    line: &Line<'_>,
    was_narrow: bool,
    within: bool,
) -> bool {
    if !EVERYWHERE.iter().any(|it| line.normal.contains(it)) {
        return false;
    }
    let ports: Vec<&str> = diff.new.around(place, NEAR).iter().flat_map(ports).collect();
    let is_inner = ports.iter().any(|port| INNER_PORTS.contains(port));
    let is_public = !ports.is_empty() && ports.iter().all(|port| PUBLIC_PORTS.contains(port));
    // What is new must be something for few.
    let narrowed = || was_narrow && (within || diff.new.says(place, NEAR, INWARD));
    !is_public && !diff.new.says(place, NEAR, OUTWARD) && (is_inner || narrowed())
}

/// The numbers of a line about ports.
fn ports<'l>(line: &'l Line<'_>) -> impl Iterator<Item = &'l str> {
    let all = line.normal.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '/');
    let is_about_ports = line.normal.contains("port");
    let is_number = |it: &&str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
    all.filter(move |it| is_about_ports && is_number(it))
}
