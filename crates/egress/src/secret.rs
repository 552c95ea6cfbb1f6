//! Secrets that stay outside: inside stands something of the same form, which is exchanged on its way to
//! the one host that the secret belongs to.
//!
//! Both have the same length, so that no length that was said before has to change. What comes back is
//! exchanged the other way, for a host may repeat what it was told.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::host::Host;
use crate::rules::BadRule;

/// Shorter ones could stand anywhere by chance.
const SHORTEST: usize = 12;
/// What shows of which kind it is, as programs check it: `ghp_`, `sk-`.
const SHOWN: usize = 4;

/// One secret and what stands for it.
#[derive(Clone)]
pub struct Secret {
    pub(crate) name: String,
    pub(crate) host: Host,
    real: Vec<u8>,
    stand_in: String,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Secret {
    /// A secret by the name of its variable, for one host. `random` has a byte for each of the secret.
    ///
    /// # Errors
    /// When it is too short, or not of plain characters.
    pub(crate) fn new(name: &str, real: &str, host: Host, random: &[u8]) -> Result<Self, BadRule> {
        if real.len() < SHORTEST || !real.bytes().all(|it| it.is_ascii_graphic()) {
            let form = format!("a secret has {SHORTEST} plain characters at least");
            return Err(BadRule::new(format!(
                "the value of {name} cannot be stood in for: {form}"
            )));
        }
        let one_of = |letters: &[u8], byte: u8| {
            let index = usize::from(byte) % letters.len();
            char::from(letters.get(index).copied().unwrap_or(b'x'))
        };
        let stand_in =
            real.bytes().zip(random).enumerate().map(|(index, (byte, random))| match byte {
                _ if index < SHOWN => char::from(byte),
                b'0'..=b'9' => one_of(b"0123456789", *random),
                b'a'..=b'z' => one_of(b"abcdefghijklmnopqrstuvwxyz", *random),
                b'A'..=b'Z' => one_of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", *random),
                other => char::from(other),
            });
        let (name, stand_in) = (name.to_owned(), stand_in.collect::<String>());
        if stand_in.len() != real.len() || stand_in == real {
            return Err(BadRule::new(format!("the value of {name} cannot be stood in for")));
        }
        Ok(Self { name, host, real: real.as_bytes().to_vec(), stand_in })
    }

    /// The name of its variable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands for it inside.
    pub fn stand_in(&self) -> &str {
        &self.stand_in
    }

    /// Whether what stands for it occurs in a message.
    pub(crate) fn occurs(&self, message: &[u8]) -> bool {
        message.windows(self.stand_in.len()).any(|it| it == self.stand_in.as_bytes())
    }
}

/// Exchanges in a stream, which comes in any pieces.
pub(crate) struct Exchange {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// What may be the beginning of one.
    held: Vec<u8>,
}

impl Exchange {
    /// Secrets for what stands for them.
    pub(crate) fn outward<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let pairs = secrets.map(|it| (it.stand_in.clone().into_bytes(), it.real.clone()));
        Self { pairs: pairs.collect(), held: Vec::new() }
    }

    /// What stands for secrets in their place.
    pub(crate) fn inward<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let pairs = secrets.map(|it| (it.real.clone(), it.stand_in.clone().into_bytes()));
        Self { pairs: pairs.collect(), held: Vec::new() }
    }

    /// Takes a piece; what is certain is added to `out`.
    pub(crate) fn pass(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut all = std::mem::take(&mut self.held);
        all.extend_from_slice(piece);
        let mut rest = all.as_slice();
        while let [byte, after @ ..] = rest {
            let begun = |(from, _): &&(Vec<u8>, Vec<u8>)| from.first() == Some(byte);
            let mut candidates = self.pairs.iter().filter(begun);
            match candidates.find(|(from, _)| rest.starts_with(from) || from.starts_with(rest)) {
                Some((from, to)) if rest.len() >= from.len() => {
                    out.extend_from_slice(to);
                    rest = rest.get(from.len()..).unwrap_or_default();
                }
                Some(_) => break,
                None => {
                    out.push(*byte);
                    rest = after;
                }
            }
        }
        self.held = rest.to_vec();
    }

    /// Nothing more comes for now: what was held was no beginning.
    pub(crate) fn flush(&mut self, out: &mut Vec<u8>) {
        out.append(&mut self.held);
    }

    /// The head of a request, with a name and password that are written as one word taken apart.
    pub(crate) fn head(&mut self, head: &[u8], out: &mut Vec<u8>) {
        for line in head.split_inclusive(|it| *it == b'\n') {
            match basic(line) {
                Some((before, word, after)) => {
                    let mut plain = Vec::new();
                    self.pass(&word, &mut plain);
                    self.flush(&mut plain);
                    out.extend_from_slice(before);
                    out.extend_from_slice(STANDARD.encode(plain).as_bytes());
                    out.extend_from_slice(after);
                }
                None => {
                    self.pass(line, out);
                    self.flush(out);
                }
            }
        }
    }
}

/// Takes `Authorization: Basic WORD` apart.
fn basic(line: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    const NAME: &[u8] = b"authorization: basic ";
    let (before, rest) = line.split_at_checked(NAME.len())?;
    if !before.eq_ignore_ascii_case(NAME) {
        return None;
    }
    let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let (word, after) = rest.split_at_checked(end)?;
    Some((before, STANDARD.decode(word).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secret() -> Secret {
        let host = Host::parse("api.test").unwrap();
        Secret::new("TOKEN", "ghp_Real1234Secret", host, &[7; 18]).unwrap()
    }

    #[test]
    fn what_stands_for_a_secret_has_its_form_and_nothing_of_it() {
        let secret = secret();
        assert_eq!(secret.stand_in(), "ghp_Hhhh7777Hhhhhh");
        assert!(!format!("{secret:?}").contains("Real"));
        let host = Host::parse("api.test").unwrap();
        for short in ["", "short", "with a space in it", "line\nline\nline\n"] {
            assert!(Secret::new("TOKEN", short, host.clone(), &[1; 99]).is_err(), "{short}");
        }
    }

    #[test]
    fn a_head_is_exchanged_in_words_too() {
        let secret = secret();
        let word = |token: &str| STANDARD.encode(format!("me:{token}"));
        let head = |token: &str| {
            let basic = word(token);
            format!(
                "GET /?t={token} HTTP/1.1\r\nAuthorization: Basic {basic}\r\nX: Bearer {token}\r\n\r\n"
            )
        };
        let mut out = Vec::new();
        let mut exchange = Exchange::outward([&secret].into_iter());
        exchange.head(head(secret.stand_in()).as_bytes(), &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), head("ghp_Real1234Secret"));
    }

    proptest! {
        /// However a message comes in pieces, and back again.
        #[test]
        fn exchanged_in_any_pieces(parts in proptest::collection::vec("[a-zg]{0,6}|ghp_|ghp_Hhhh7777Hhhhhh|ghp_Hhhh", 0..8), cut in 1_usize..9) {
            let text = parts.concat();
            let secret = secret();
            let run = |mut exchange: Exchange, text: &str| {
                let mut out = Vec::new();
                text.as_bytes().chunks(cut).for_each(|it| exchange.pass(it, &mut out));
                exchange.flush(&mut out);
                String::from_utf8(out).unwrap()
            };
            let there = run(Exchange::outward([&secret].into_iter()), &text);
            prop_assert_eq!(&there, &text.replace(secret.stand_in(), "ghp_Real1234Secret"));
            prop_assert_eq!(run(Exchange::inward([&secret].into_iter()), &there), text);
        }
    }
}
