//! Instructions to agents, made from seeds of our own (`crates/xtask/data/injection`): what is asked for,
//! how it is brought forward, and where it stands in a text of somebody else.

use std::collections::BTreeMap;

use crate::Failure;
use crate::files;
use crate::fuzz::random::Random;

const FOLDER: &str = "crates/xtask/data/injection";
/// So much of a host is taken.
const HOST: usize = 1_200;

/// What attacks are made of.
pub(super) struct Seeds {
    /// How it is brought forward: `{ask}`, or `{Ask}` at the beginning of a sentence.
    carriers: Vec<String>,
    /// What is asked for.
    asks: Vec<String>,
    /// Whole attacks in other languages.
    foreign: Vec<String>,
    /// What looks like an attack and is none.
    pub(super) benign: Vec<String>,
    fillers: BTreeMap<String, Vec<String>>,
}

impl Seeds {
    pub(super) fn read() -> Result<Self, Failure> {
        let lines = |name: &str| -> Result<Vec<String>, Failure> {
            let path = format!("{FOLDER}/{name}");
            let text = files::read(&path)?.ok_or_else(|| format!("{path} is missing"))?;
            Ok(text.lines().map(str::to_owned).collect())
        };
        Ok(Self {
            carriers: lines("carriers.txt")?,
            asks: lines("asks.txt")?,
            foreign: lines("foreign.txt")?,
            benign: lines("benign.txt")?,
            fillers: toml::from_str(&lines("fillers.toml")?.join("\n"))?,
        })
    }

    /// An attack on its own.
    pub(super) fn attack(&self, random: &mut Random) -> String {
        let mut text = self.sentence(random);
        if random.below(4) == 0 {
            text = format!("{text} {}", self.sentence(random));
        }
        match random.below(24) {
            0 => text.to_uppercase(),
            1 => text.to_lowercase(),
            _ => text,
        }
    }

    fn sentence(&self, random: &mut Random) -> String {
        if random.below(8) == 0 {
            return self.filled(pick(&self.foreign, random).to_owned(), random);
        }
        let mut ask = pick(&self.asks, random).to_owned();
        if random.below(5) == 0 {
            ask = format!("{ask} and {}", pick(&self.asks, random));
        }
        let mut rest = ask.chars();
        let first: String = rest.next().into_iter().flat_map(char::to_uppercase).collect();
        let capital = format!("{first}{}", rest.as_str());
        let carrier = pick(&self.carriers, random);
        self.filled(carrier.replace("{ask}", &ask).replace("{Ask}", &capital), random)
    }

    fn filled(&self, mut text: String, random: &mut Random) -> String {
        for (name, values) in &self.fillers {
            let place = format!("{{{name}}}");
            while text.contains(&place) {
                text = text.replacen(&place, pick(values, random), 1);
            }
        }
        text
    }
}

/// A text within an excerpt of another, and where it stands there.
pub(super) fn placed(text: &str, host: &str, random: &mut Random) -> (String, [usize; 2]) {
    let start = random.below(host.len().saturating_sub(HOST) + 1);
    let start = host.floor_char_boundary(start);
    let end = host.floor_char_boundary((start + HOST).min(host.len()));
    let host = host.get(start..end).unwrap_or_default();
    let after = |mark: char| host.match_indices(mark).map(|(at, _)| at + 1);
    let mut places: Vec<usize> = after('\n').chain([0, host.len()]).collect();
    if random.below(4) == 0 {
        places = after(' ').chain([0]).collect();
    }
    let at = places.get(random.below(places.len())).copied().unwrap_or_default();
    let (before, behind) = match random.below(8) {
        0 => ("# ", "\n"),
        1 => ("\"note\": \"", "\",\n"),
        2 => ("// ", "\n"),
        3 => ("\n\n", "\n\n"),
        4 => ("> ", "\n"),
        5 => ("", " "),
        _ => ("", "\n"),
    };
    let (head, tail) = host.split_at_checked(at).unwrap_or((host, ""));
    let begins = head.len() + before.len();
    (format!("{head}{before}{text}{behind}{tail}"), [begins, begins + text.len()])
}

pub(super) fn pick<'a>(from: &'a [String], random: &mut Random) -> &'a str {
    from.get(random.below(from.len())).map_or("", String::as_str)
}
