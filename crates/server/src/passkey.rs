//! Passkeys: what an authenticator of a person signs, and what has to be true of it.
//!
//! The part of WebAuthn that is needed here: ES256 keys without attestation, made and used by this origin, with
//! the person present and verified. What is signed names a challenge that the server made for one request.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ciborium::Value as Cbor;
use ring::digest::{SHA256, digest};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::Value;

/// Whose passkeys these are.
#[derive(Debug, Clone)]
pub(crate) struct Party {
    /// The host that they are made for.
    pub(crate) id: &'static str,
    /// The origin that uses them.
    pub(crate) origin: String,
}

/// A key that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    /// The name of the credential, base64url.
    pub(crate) id: String,
    /// The point, uncompressed, base64url.
    pub(crate) key: String,
    pub(crate) count: u32,
}

/// Flags of what an authenticator says.
const PRESENT: u8 = 1;
const VERIFIED: u8 = 1 << 2;
const HAS_KEY: u8 = 1 << 6;

/// The fixed part of what an authenticator says: whose it is, flags, count.
const HEAD: usize = 37;

/// How a COSE key says that it is of P-256, for ES256.
const KEY_TYPE: (i64, i64) = (1, 2);
const ALGORITHM: (i64, i64) = (3, -7);
const CURVE: (i64, i64) = (-1, 1);
const X: i64 = -2;
const Y: i64 = -3;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    #[serde(rename = "type")]
    what: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// The challenge that a credential was made or used for, base64url, as it says itself: nothing is checked by
/// this.
pub(crate) fn challenge_of(credential: &Value) -> Option<String> {
    let (data, _) = client_data(credential).ok()?;
    Some(data.challenge)
}

/// The key of a credential that was made for this challenge.
pub(crate) fn made(credential: &Value, challenge: &str, party: &Party) -> Result<Made, String> {
    let (data, _) = client_data(credential)?;
    check_client(&data, "webauthn.create", challenge, party)?;
    let object = bytes(credential, "/response/attestationObject")?;
    let object: Cbor = ciborium::from_reader(object.as_slice())
        .map_err(|error| format!("the attestation is not CBOR: {error}"))?;
    let said = object
        .as_map()
        .and_then(|fields| fields.iter().find(|(name, _)| name.as_text() == Some("authData")))
        .and_then(|(_, said)| said.as_bytes())
        .ok_or("the attestation has no authenticator data")?;
    let (flags, count) = check_said(said, party)?;
    if flags & HAS_KEY == 0 {
        return Err("the authenticator sent no key".to_owned());
    }
    // A name of the kind of authenticator, the length of the credential's name, the name, the key.
    let rest = said.get(HEAD + 16..).ok_or("the authenticator data is cut off")?;
    let (length, rest) =
        rest.split_first_chunk::<2>().ok_or("the authenticator data is cut off")?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (id, key) = rest.split_at_checked(length).ok_or("the authenticator data is cut off")?;
    let named = credential.get("id").and_then(Value::as_str);
    if named != Some(BASE64.encode(id).as_str()) {
        return Err("the credential is not the one that its key is for".to_owned());
    }
    let key: Cbor = ciborium::from_reader(key).map_err(|error| format!("no COSE key: {error}"))?;
    let point = point(&key).ok_or("the key is not of P-256, for ES256")?;
    Ok(Made { id: BASE64.encode(id), key: BASE64.encode(point), count })
}

/// That the key has signed for this challenge; the count of its signature. `count` is that of the one before.
pub(crate) fn used(
    credential: &Value,
    challenge: &str,
    key: &str,
    count: u32,
    party: &Party,
) -> Result<u32, String> {
    let (data, text) = client_data(credential)?;
    check_client(&data, "webauthn.get", challenge, party)?;
    let said = bytes(credential, "/response/authenticatorData")?;
    let (_, now) = check_said(&said, party)?;
    let key = BASE64.decode(key).map_err(|_| "the key that is kept is damaged")?;
    let signature = bytes(credential, "/response/signature")?;
    let signed = [said.as_slice(), digest(&SHA256, &text).as_ref()].concat();
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key)
        .verify(&signed, &signature)
        .map_err(|_| "the signature is not of this passkey")?;
    // Authenticators that do not count say 0 all the time.
    if (now, count) != (0, 0) && now <= count {
        return Err("the passkey was used elsewhere since: it may have been copied".to_owned());
    }
    Ok(now)
}

fn client_data(credential: &Value) -> Result<(ClientData, Vec<u8>), String> {
    let text = bytes(credential, "/response/clientDataJSON")?;
    let data = serde_json::from_slice(&text)
        .map_err(|error| format!("the client data is not JSON of its shape: {error}"))?;
    Ok((data, text))
}

fn check_client(
    data: &ClientData,
    what: &str,
    challenge: &str,
    party: &Party,
) -> Result<(), String> {
    let holds = data.what == what
        && data.challenge == challenge
        && data.origin == party.origin
        && !data.cross_origin;
    holds.then_some(()).ok_or_else(|| "it was not signed here, for this, now".to_owned())
}

/// The flags and the count.
fn check_said(said: &[u8], party: &Party) -> Result<(u8, u32), String> {
    let head = said.get(..HEAD).ok_or("the authenticator data is cut off")?;
    let (whose, rest) = head.split_at_checked(32).ok_or("the authenticator data is cut off")?;
    if whose != digest(&SHA256, party.id.as_bytes()).as_ref() {
        return Err("the passkey is for another host".to_owned());
    }
    let [flags, a, b, c, d] = *rest else {
        return Err("the authenticator data is cut off".to_owned());
    };
    if flags & PRESENT == 0 || flags & VERIFIED == 0 {
        return Err(
            "nobody was there, or nobody was verified: use a PIN or a fingerprint".to_owned()
        );
    }
    Ok((flags, u32::from_be_bytes([a, b, c, d])))
}

fn point(key: &Cbor) -> Option<Vec<u8>> {
    let field = |name: i64| {
        let is_it = |(it, _): &&(Cbor, Cbor)| it.as_integer() == Some(name.into());
        key.as_map()?.iter().find(is_it).map(|(_, value)| value)
    };
    let is =
        |(name, value): (i64, i64)| field(name).and_then(Cbor::as_integer) == Some(value.into());
    let coordinate = |name| field(name)?.as_bytes().filter(|bytes| bytes.len() == 32);
    let (x, y) = (coordinate(X)?, coordinate(Y)?);
    (is(KEY_TYPE) && is(ALGORITHM) && is(CURVE)).then(|| [&[4], x.as_slice(), y].concat())
}

fn bytes(credential: &Value, pointer: &str) -> Result<Vec<u8>, String> {
    let text = credential.pointer(pointer).and_then(Value::as_str);
    let decode = |text: &str| BASE64.decode(text.trim_end_matches('=')).ok();
    text.and_then(decode).ok_or_else(|| format!("the credential has no `{pointer}`, base64url"))
}

#[cfg(test)]
pub(crate) mod tests {
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::json;

    use super::*;

    /// An authenticator in software, with a person that is always there.
    pub(crate) struct Authenticator {
        pub(crate) key: EcdsaKeyPair,
        pub(crate) id: Vec<u8>,
        pub(crate) count: u32,
        pub(crate) flags: u8,
        pub(crate) origin: String,
        pub(crate) host: String,
    }

    impl Authenticator {
        pub(crate) fn new(origin: &str) -> Self {
            let random = SystemRandom::new();
            let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
            let key = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap();
            let (origin, host) = (origin.to_owned(), "localhost".to_owned());
            Self { key, id: vec![7; 16], count: 0, flags: PRESENT | VERIFIED, origin, host }
        }

        fn said(&mut self, flags: u8) -> Vec<u8> {
            self.count += 1;
            let whose = digest(&SHA256, self.host.as_bytes());
            [whose.as_ref(), &[self.flags | flags], &self.count.to_be_bytes()].concat()
        }

        fn client(&self, what: &str, challenge: &str) -> Vec<u8> {
            let data = json!({"type": what, "challenge": challenge, "origin": self.origin,
                              "crossOrigin": false});
            data.to_string().into_bytes()
        }

        pub(crate) fn make(&mut self, challenge: &str) -> Value {
            let point = self.key.public_key().as_ref();
            let field = |name: i64, value: Cbor| (Cbor::Integer(name.into()), value);
            let key = Cbor::Map(vec![
                field(1, Cbor::Integer(2.into())),
                field(3, Cbor::Integer((-7).into())),
                field(-1, Cbor::Integer(1.into())),
                field(-2, Cbor::Bytes(point[1..33].to_vec())),
                field(-3, Cbor::Bytes(point[33..].to_vec())),
            ]);
            let mut said = self.said(HAS_KEY);
            said.extend([0; 16]);
            said.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            said.extend(&self.id);
            ciborium::into_writer(&key, &mut said).unwrap();
            let object = Cbor::Map(vec![
                (Cbor::Text("fmt".to_owned()), Cbor::Text("none".to_owned())),
                (Cbor::Text("attStmt".to_owned()), Cbor::Map(Vec::new())),
                (Cbor::Text("authData".to_owned()), Cbor::Bytes(said)),
            ]);
            let mut attestation = Vec::new();
            ciborium::into_writer(&object, &mut attestation).unwrap();
            let client = self.client("webauthn.create", challenge);
            json!({"id": BASE64.encode(&self.id), "type": "public-key", "response": {
                "clientDataJSON": BASE64.encode(client),
                "attestationObject": BASE64.encode(attestation)}})
        }

        pub(crate) fn sign(&mut self, challenge: &str) -> Value {
            let client = self.client("webauthn.get", challenge);
            let said = self.said(0);
            let signed = [said.as_slice(), digest(&SHA256, &client).as_ref()].concat();
            let signature = self.key.sign(&SystemRandom::new(), &signed).unwrap();
            json!({"id": BASE64.encode(&self.id), "type": "public-key", "response": {
                "clientDataJSON": BASE64.encode(client), "authenticatorData": BASE64.encode(said),
                "signature": BASE64.encode(signature)}})
        }
    }

    const ORIGIN: &str = "http://localhost:7475";

    fn party() -> Party {
        Party { id: "localhost", origin: ORIGIN.to_owned() }
    }

    #[test]
    fn a_passkey_that_was_made_here_signs_for_one_challenge() {
        let mut authenticator = Authenticator::new(ORIGIN);
        let made = made(&authenticator.make("Y2g"), "Y2g", &party()).unwrap();
        assert_eq!((made.id.as_str(), made.count), (BASE64.encode([7; 16]).as_str(), 1));
        let used = |credential: &Value, challenge: &str, count: u32| {
            used(credential, challenge, &made.key, count, &party())
        };
        let signed = authenticator.sign("YWJj");
        assert_eq!(used(&signed, "YWJj", made.count), Ok(2));
        assert!(used(&signed, "b3RoZXI", made.count).is_err(), "another challenge");
        assert!(used(&signed, "YWJj", 2).unwrap_err().contains("copied"), "again");
    }

    #[test]
    fn what_somebody_else_signs_or_for_something_else_is_nothing() {
        let mut authenticator = Authenticator::new(ORIGIN);
        let made = made(&authenticator.make("Y2g"), "Y2g", &party()).unwrap();
        let check = |credential: &Value| used(credential, "Y2g", &made.key, 1, &party()).map(drop);
        let good = authenticator.sign("Y2g");
        assert_eq!(check(&good), Ok(()));
        for pointer in ["signature", "authenticatorData", "clientDataJSON"] {
            let pointer = format!("/response/{pointer}");
            let text = bytes(&good, &pointer).unwrap();
            for bit in 0..text.len() * 8 {
                let mut text = text.clone();
                text[bit / 8] ^= 1 << (bit % 8);
                let mut bad = good.clone();
                *bad.pointer_mut(&pointer).unwrap() = json!(BASE64.encode(&text));
                assert!(check(&bad).is_err(), "{pointer} bit {bit}");
            }
        }
        let mut other = Authenticator::new(ORIGIN);
        assert!(check(&other.sign("Y2g")).is_err(), "another key");
        for change in [
            |it: &mut Authenticator| it.flags = PRESENT,
            |it: &mut Authenticator| it.flags = VERIFIED,
            |it: &mut Authenticator| it.host = "evil.example".to_owned(),
            |it: &mut Authenticator| it.origin = "http://localhost:8000".to_owned(),
            |it: &mut Authenticator| it.origin = "http://evil.example".to_owned(),
        ] {
            let mut wrong =
                Authenticator { id: authenticator.id.clone(), ..Authenticator::new(ORIGIN) };
            std::mem::swap(&mut wrong.key, &mut authenticator.key);
            change(&mut wrong);
            wrong.count = 50;
            assert!(check(&wrong.sign("Y2g")).is_err());
            std::mem::swap(&mut wrong.key, &mut authenticator.key);
        }
        // What was signed when the key was made is no use of it.
        let made_again = authenticator.make("Y2g");
        assert!(check(&made_again).is_err());
        for nonsense in [json!(null), json!({}), json!({"response": {"clientDataJSON": "!"}})] {
            assert!(check(&nonsense).is_err());
            assert!(super::made(&nonsense, "Y2g", &party()).is_err());
        }
    }
}
