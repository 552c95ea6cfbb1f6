//! Who can reach it: what listened to this machine alone, and what lets anybody in.

use super::lines::{Diff, Line};
use super::{Change, Finding};

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

pub(super) fn widened(change: &Change<'_>, diff: &Diff<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (place, line) in diff.added() {
        let opens = no_longer_here(diff, line) || lets_anybody_in(change, diff, place, line);
        if opens {
            let mut finding = Finding::of("weaken", "exposure", line.span, line.text);
            finding.brings.extend(
                ANYBODY
                    .iter()
                    .chain(EVERYWHERE)
                    .filter(|it| line.text.contains(**it))
                    .map(|it| (*it).to_owned()),
            );
            found.push(finding);
        }
    }
    found
}

/// An address of this machine alone became one of anybody, or went.
fn no_longer_here(diff: &Diff<'_>, line: &Line<'_>) -> bool {
    let is_here = |line: &Line<'_>| HERE.iter().any(|here| line.normal.contains(here));
    let has_anybody = ANYBODY.iter().any(|it| line.normal.contains(it))
        && !EVERYWHERE.iter().any(|it| line.normal.contains(it));
    if is_here(line) || diff.new.iter().any(|line| line.alone && is_here(line)) {
        return false;
    }
    diff.removed().any(|(_, old)| {
        is_here(old)
            && ((has_anybody
                && without_numbers(&old.normal, HERE) == without_numbers(&line.normal, ANYBODY))
                || (has_anybody
                    && key(&old.normal).is_some()
                    && key(&old.normal) == key(&line.normal))
                || maps_the_same_port(&old.normal, &line.normal))
    })
}

/// `'127.0.0.1:5432:5432'` that is `'5432:5432'` now.
fn maps_the_same_port(old: &str, new: &str) -> bool {
    let ports = |text: &str| {
        let text = text.trim_matches(['-', '\'', ' ']);
        text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'/' | b'.'))
            && text.matches(':').count() >= 1
    };
    let bare = |text: &str| text.trim_matches(['-', '\'', ' ']).matches(':').count() == 1;
    old.contains("127.0.0.1:") && ports(new) && bare(new) && !new.contains('.')
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

/// A network of anybody in what lets others in.
fn lets_anybody_in(change: &Change<'_>, diff: &Diff<'_>, place: usize, line: &Line<'_>) -> bool {
    let everywhere = |line: &Line<'_>| EVERYWHERE.iter().any(|it| line.normal.contains(it));
    if !everywhere(line) || diff.old.iter().any(everywhere) {
        return false;
    }
    let around = diff.around(place, NEAR);
    let says = |words: &[&str]| {
        around.iter().any(|line| words.iter().any(|word| line.normal.contains(word)))
    };
    let numbers = |line: &Line<'_>| {
        let all = line.normal.split(|c: char| !c.is_alphanumeric() && c != '.' && c != '/');
        all.filter(|it| it.bytes().all(|b| b.is_ascii_digit()))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let ports: Vec<String> =
        around.iter().filter(|line| line.normal.contains("port")).flat_map(numbers).collect();
    let is_inner = ports.iter().any(|port| INNER_PORTS.contains(&port.as_str()));
    let is_public =
        !ports.is_empty() && ports.iter().all(|port| PUBLIC_PORTS.contains(&port.as_str()));
    // What had a narrower network before is widened; what is new must be something for few.
    let narrowed = diff.has_old
        && (change.within || says(INWARD))
        && diff.removed().any(|(_, old)| {
            old.normal.contains('/') && old.normal.contains(|c: char| c.is_ascii_digit())
        });
    !says(OUTWARD) && !is_public && (is_inner || narrowed)
}
