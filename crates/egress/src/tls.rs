//! The name in a TLS client hello, which is said in the clear before anything is agreed.
//!
//! No cryptography and no judgement: cuts the message into its fields, and answers only if every length
//! fits. A hello may come in several records, and in any pieces.

/// What a client's first bytes are, read as TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hello {
    /// Nothing that TLS begins with.
    Foreign,
    /// It may become one.
    More,
    /// A hello that names a host.
    Names(String),
    /// A hello that names nobody, or that hides whom it means behind a name for everybody.
    Hides,
    /// It begins like one and is none.
    Broken,
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const LONGEST_RECORD: usize = 16_640;
/// Larger than any hello with keys of today.
const LONGEST: usize = 65_536;

const SERVER_NAME: u16 = 0;
const ENCRYPTED_HELLO: [u16; 2] = [0xfe0d, 0xffce];

/// Reads what a client said so far.
pub(crate) fn hello(said: &[u8]) -> Hello {
    match said {
        [] | [HANDSHAKE] => return Hello::More,
        [HANDSHAKE, 3, ..] => {}
        _ => return Hello::Foreign,
    }
    let mut message = Vec::new();
    let mut rest = said;
    loop {
        if let Some(whole) = whole(&message) {
            return fields(whole).unwrap_or(Hello::Broken);
        }
        if message.len() > LONGEST || message.first().is_some_and(|it| *it != CLIENT_HELLO) {
            return Hello::Broken;
        }
        let [kind, major, _, high, low, after @ ..] = rest else {
            let fits = rest.first().is_none_or(|it| *it == HANDSHAKE);
            return if fits { Hello::More } else { Hello::Broken };
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if *kind != HANDSHAKE || *major != 3 || length == 0 || length > LONGEST_RECORD {
            return Hello::Broken;
        }
        let Some((payload, after)) = after.split_at_checked(length) else { return Hello::More };
        message.extend_from_slice(payload);
        rest = after;
    }
}

/// The body of a message that is there as a whole.
fn whole(message: &[u8]) -> Option<&[u8]> {
    let [CLIENT_HELLO, a, b, c, body @ ..] = message else { return None };
    let length = u32::from_be_bytes([0, *a, *b, *c]);
    body.get(..usize::try_from(length).ok()?)
}

/// Reads the fields of a hello. None: a length does not fit.
fn fields(body: &[u8]) -> Option<Hello> {
    let mut body = Cursor(body);
    // Version and random.
    body.take(34)?;
    body.vector8()?;
    body.vector16()?;
    body.vector8()?;
    if body.0.is_empty() {
        return Some(Hello::Hides);
    }
    let mut extensions = Cursor(body.vector16()?);
    if !body.0.is_empty() {
        return None;
    }
    let mut name = None;
    let mut hides = false;
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let data = extensions.vector16()?;
        match kind {
            // Said twice, two readers could see two names.
            SERVER_NAME if name.is_some() => return None,
            SERVER_NAME => name = Some(server_name(data)?),
            kind => hides |= ENCRYPTED_HELLO.contains(&kind),
        }
    }
    Some(name.filter(|_| !hides).map_or(Hello::Hides, Hello::Names))
}

fn server_name(data: &[u8]) -> Option<String> {
    let mut data = Cursor(data);
    let mut list = Cursor(data.vector16()?);
    let kind = list.take(1)?;
    let name = list.vector16()?;
    let alone = data.0.is_empty() && list.0.is_empty() && kind == [0];
    let name = String::from_utf8(name.to_vec()).ok()?;
    alone.then_some(name)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes(bytes.try_into().ok()?))
    }

    fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = *self.take(1)?.first()?;
        self.take(length.into())
    }

    fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(length.into())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn vector(bytes: &[u8]) -> Vec<u8> {
        [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
    }

    fn extension(kind: u16, data: &[u8]) -> Vec<u8> {
        [kind.to_be_bytes().to_vec(), vector(data)].concat()
    }

    fn named(name: &str) -> Vec<u8> {
        extension(SERVER_NAME, &vector(&[&[0][..], &vector(name.as_bytes())].concat()))
    }

    fn message(extensions: &[u8]) -> Vec<u8> {
        let body = [&[3, 3][..], &[7; 32], &[0], &vector(&[0x13, 1]), &[1, 0], &vector(extensions)];
        let body = body.concat();
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&[CLIENT_HELLO][..], &length[1..], &body].concat()
    }

    fn records(message: &[u8], size: usize) -> Vec<u8> {
        let records = message.chunks(size).map(|it| [&[HANDSHAKE, 3, 1][..], &vector(it)].concat());
        records.collect::<Vec<_>>().concat()
    }

    /// A hello that names a host.
    pub(crate) fn hello_to(name: &str) -> Vec<u8> {
        records(&message(&[extension(10, &[0, 2, 0, 29]), named(name)].concat()), 16_384)
    }

    #[test]
    fn a_hello_names_a_host() {
        assert_eq!(hello(&hello_to("good.test")), Hello::Names("good.test".into()));
        let message = message(&named("good.test"));
        // In records of three bytes each.
        assert_eq!(hello(&records(&message, 3)), Hello::Names("good.test".into()));
    }

    #[test]
    fn a_hello_that_hides_or_says_two_things() {
        let hides = |extensions: &[u8]| hello(&records(&message(extensions), 999));
        assert_eq!(hides(&[]), Hello::Hides);
        assert_eq!(hides(&extension(10, &[0])), Hello::Hides);
        let encrypted = [named("good.test"), extension(0xfe0d, &[0])].concat();
        assert_eq!(hides(&encrypted), Hello::Hides);
        let twice = [named("good.test"), named("evil.test")].concat();
        assert_eq!(hides(&twice), Hello::Broken);
        let pair = [&[0][..], &vector(b"good.test"), &[0], &vector(b"evil.test")].concat();
        assert_eq!(hides(&extension(SERVER_NAME, &vector(&pair))), Hello::Broken);
        assert_eq!(hello(b"GET / HTTP/1.1\r\n"), Hello::Foreign);
        assert_eq!(hello(b"\x16\x03\x01\x00\x00"), Hello::Broken);
        assert_eq!(hello(b"\x16\x03\x01\x00\x01\x02"), Hello::Broken);
    }

    proptest! {
        /// Bytes that begin like a hello: no panic, and never a name before the whole is there.
        #[test]
        fn any_piece(cut in 0_usize..400, noise in proptest::collection::vec(any::<u8>(), 0..60), at in 0_usize..90) {
            let whole = hello_to("good.test");
            let piece = &whole[..cut.min(whole.len())];
            let read = hello(piece);
            prop_assert_eq!(matches!(read, Hello::Names(_)), piece.len() == whole.len());
            let mut bent = whole.clone();
            for (slot, byte) in bent.iter_mut().skip(at).zip(&noise) {
                *slot = *byte;
            }
            let _ = hello(&bent);
            let _ = hello(&[&[HANDSHAKE, 3, 1][..], &noise].concat());
        }
    }
}
