//! Signed notes: a text that people can read, and under it who vouches for it.
//!
//! ```text
//! ringfence/audit/5a1c…
//! 1204
//! 3Qm+…=
//!
//! — ringfence/audit/5a1c… Az3grl…
//! ```
//!
//! The form is that of C2SP's *signed-note*: a key is named by its name and four bytes of a hash, so
//! that any number of parties may sign the same text, and signatures by unknown keys are left alone. Two kinds of
//! signature are known: plain Ed25519, and *cosignature/v1* of a witness, which says when, too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sha2::{Digest, Sha256};

/// What a key signs, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The text itself.
    Author,
    /// The text, and the time at which it was seen to be consistent with what was seen before.
    Witness,
}

impl Role {
    const ALL: [Self; 2] = [Self::Author, Self::Witness];

    /// The byte by which the format tells the kinds of keys apart.
    const fn algorithm(self) -> u8 {
        match self {
            Self::Author => 1,
            Self::Witness => 4,
        }
    }
}

/// The public half of a key: `name+hash+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// Who it belongs to.
    pub name: String,
    /// What it signs.
    pub role: Role,
    public: [u8; 32],
}

impl Verifier {
    /// Reads a key as it is passed around; `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, rest) = text.trim().split_once('+')?;
        let (hash, key) = rest.split_once('+')?;
        let key = BASE64.decode(key).ok()?;
        let (algorithm, public) = key.split_first()?;
        let role = Role::ALL.into_iter().find(|role| role.algorithm() == *algorithm)?;
        let verifier = Self { name: name.to_owned(), role, public: public.try_into().ok()? };
        let written = format!("{:08x}", u32::from_be_bytes(verifier.hash()));
        (is_name(name) && written == hash).then_some(verifier)
    }

    /// The four bytes that stand in front of each signature.
    fn hash(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(&self.name)
            .chain_update(b"\n")
            .chain_update([self.role.algorithm()])
            .chain_update(self.public)
            .finalize();
        let mut hash = [0; 4];
        hash.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        hash
    }

    fn holds(&self, text: &str, signature: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&ED25519, &self.public);
        match self.role {
            Role::Author => key.verify(text.as_bytes(), signature).is_ok(),
            Role::Witness => signature.split_first_chunk().is_some_and(|(time, signature)| {
                key.verify(seen_at(u64::from_be_bytes(*time), text).as_bytes(), signature).is_ok()
            }),
        }
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![self.role.algorithm()];
        key.extend(self.public);
        let hash = u32::from_be_bytes(self.hash());
        write!(f, "{}+{hash:08x}+{}", self.name, BASE64.encode(key))
    }
}

/// A key that signs.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.verifier).finish()
    }
}

impl Signer {
    /// A new key as bytes that [`Signer::read`] takes (PKCS #8); `None` if the system gives no chance.
    pub fn generate() -> Option<Vec<u8>> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok()?;
        Some(document.as_ref().to_vec())
    }

    /// The key of these bytes. It is named after `prefix` and its own public half. `None` if they are not
    /// a key.
    pub fn read(bytes: &[u8], prefix: &str, role: Role) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(bytes).ok()?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        let own: String =
            Sha256::digest(public).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let verifier = Verifier { name: format!("{prefix}/{own}"), role, public };
        Some(Self { pair, verifier })
    }

    /// Its public half.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The line to put under a text that ends in a newline. `at` is in seconds since 1970, and stands in a
    /// witness's signature alone.
    pub fn sign(&self, text: &str, at: u64) -> String {
        let mut signature = self.verifier.hash().to_vec();
        match self.verifier.role {
            Role::Author => signature.extend(self.pair.sign(text.as_bytes()).as_ref()),
            Role::Witness => {
                signature.extend(at.to_be_bytes());
                signature.extend(self.pair.sign(seen_at(at, text).as_bytes()).as_ref());
            }
        }
        format!("{DASH}{} {}\n", self.verifier.name, BASE64.encode(signature))
    }
}

const DASH: &str = "\u{2014} ";

/// What a witness signs.
fn seen_at(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

/// A note that was read: its text, and the lines under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// All before the empty line, with its last newline.
    pub text: String,
    signatures: Vec<(String, Vec<u8>)>,
}

impl Note {
    /// Reads a note; `None` if it is not one, or nobody signed it.
    pub fn parse(note: &str) -> Option<Self> {
        let end = note.rfind("\n\n")?;
        let (text, signatures) = (note.get(..=end)?, note.get(end + 2..)?);
        let lines = signatures.strip_suffix('\n')?.split('\n');
        let signatures = lines.map(|line| {
            let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
            is_name(name).then_some((name.to_owned(), BASE64.decode(signature).ok()?))
        });
        Some(Self { text: text.to_owned(), signatures: signatures.collect::<Option<_>>()? })
    }

    /// Whether the owner of this key has signed the text. A signature by it that does not hold is no
    /// signature.
    pub fn is_signed_by(&self, verifier: &Verifier) -> bool {
        self.signatures.iter().any(|(name, signature)| {
            let body = signature.strip_prefix(verifier.hash().as_slice());
            *name == verifier.name && body.is_some_and(|body| verifier.holds(&self.text, body))
        })
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c == '+')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(role: Role) -> Signer {
        Signer::read(&Signer::generate().unwrap(), "example.com/log", role).unwrap()
    }

    #[test]
    fn a_note_is_what_its_signers_have_signed() {
        let (author, witness) = (signer(Role::Author), signer(Role::Witness));
        let text = "a text\nof two lines\n";
        let note = format!("{text}\n{}{}", author.sign(text, 0), witness.sign(text, 1_700_000_000));
        let read = Note::parse(&note).unwrap();
        assert_eq!(read.text, text);
        assert!(read.is_signed_by(author.verifier()) && read.is_signed_by(witness.verifier()));
        assert!(!read.is_signed_by(signer(Role::Author).verifier()));
        // Any other text is not.
        let other = Note::parse(&note.replace("two", "ten")).unwrap();
        assert!(!other.is_signed_by(author.verifier()) && !other.is_signed_by(witness.verifier()));
    }

    #[test]
    fn a_key_is_read_as_it_is_written() {
        for role in Role::ALL {
            let verifier = signer(role).verifier().clone();
            assert_eq!(Verifier::parse(&verifier.to_string()), Some(verifier));
        }
        for text in ["", "a+b", "a+00000000+AAAA", "a b+00000000+AYUt"] {
            assert_eq!(Verifier::parse(text), None, "{text}");
        }
    }

    /// The example in the documentation of Go's `golang.org/x/mod/sumdb/note`.
    #[test]
    fn a_note_of_others_is_read() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let note = "If you think cryptography is the answer to your problem,\n\
            then you don't know what your problem is.\n\n\
            \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let key = Verifier::parse(key).unwrap();
        assert!(Note::parse(note).unwrap().is_signed_by(&key));
    }

    #[test]
    fn what_is_not_a_note_is_not_read() {
        for text in ["", "text\n", "text\n\n", "text\n\nname AAAA\n", "text\n\n\u{2014} name\n"] {
            assert_eq!(Note::parse(text), None, "{text:?}");
        }
    }
}
