//! SOCKS5 without passwords: the one request of it that leads somewhere, `CONNECT`.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr};

/// What a client asks for, as it wrote it.
pub(crate) struct Asked {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    Granted = 0,
    NotAllowed = 2,
    Unreachable = 4,
    NoCommand = 7,
    NoKind = 8,
}

/// Speaks with a client until it has asked. None: it asked for something else, and was told.
pub(crate) fn asked(client: &mut (impl Read + Write)) -> io::Result<Option<Asked>> {
    let [version, methods] = read::<2>(client)?;
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered)?;
    let fits = version == 5 && offered.contains(&0);
    client.write_all(&[5, if fits { 0 } else { 0xff }])?;
    if !fits {
        return Ok(None);
    }
    let [version, command, _, kind] = read::<4>(client)?;
    let host = match kind {
        1 => Ipv4Addr::from(read::<4>(client)?).to_string(),
        4 => Ipv6Addr::from(read::<16>(client)?).to_string(),
        3 => {
            let [length] = read::<1>(client)?;
            let mut name = vec![0; length.into()];
            client.read_exact(&mut name)?;
            // What is no text is no name either, and stays recognisable in the record.
            String::from_utf8_lossy(&name).into_owned()
        }
        _ => {
            answer(client, Answer::NoKind)?;
            return Ok(None);
        }
    };
    let port = u16::from_be_bytes(read::<2>(client)?);
    if version != 5 || command != 1 {
        answer(client, Answer::NoCommand)?;
        return Ok(None);
    }
    Ok(Some(Asked { host, port }))
}

pub(crate) fn answer(client: &mut impl Write, answer: Answer) -> io::Result<()> {
    client.write_all(&[5, answer as u8, 0, 1, 0, 0, 0, 0, 0, 0])
}

fn read<const LENGTH: usize>(from: &mut impl Read) -> io::Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    struct Talk {
        said: Cursor<Vec<u8>>,
        heard: Vec<u8>,
    }

    impl Read for Talk {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.said.read(buffer)
        }
    }

    impl Write for Talk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.heard.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn talk(said: &[u8]) -> (Option<(String, u16)>, Vec<u8>) {
        let mut talk = Talk { said: Cursor::new(said.to_vec()), heard: Vec::new() };
        let asked = asked(&mut talk).ok().flatten().map(|it| (it.host, it.port));
        (asked, talk.heard)
    }

    #[test]
    fn a_client_asks_for_a_place() {
        let name = [&[5, 1, 0, 5, 1, 0, 3, 9][..], b"good.test", &[1, 187]].concat();
        assert_eq!(talk(&name).0, Some(("good.test".into(), 443)));
        // The name that two readers cut differently arrives whole, for the parser of names to refuse.
        let name = [&[5, 1, 0, 5, 1, 0, 3, 15][..], b"evil\0.good.test", &[1, 187]].concat();
        assert_eq!(talk(&name).0, Some(("evil\0.good.test".into(), 443)));
        let address = [5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1, 0, 80];
        assert_eq!(talk(&address).0, Some(("127.0.0.1".into(), 80)));
    }

    #[test]
    fn everything_else_is_turned_away() {
        assert_eq!(talk(&[5, 1, 2]), (None, vec![5, 0xff]));
        assert_eq!(talk(&[4, 1, 0]), (None, vec![5, 0xff]));
        for command in [2, 3] {
            let (asked, heard) = talk(&[5, 1, 0, 5, command, 0, 1, 1, 1, 1, 1, 0, 80]);
            assert_eq!((asked, heard.get(..4)), (None, Some(&[5, 0, 5, 7][..])));
        }
        assert_eq!(talk(&[5, 1, 0, 5, 1, 0, 9]).0, None);
    }
}
