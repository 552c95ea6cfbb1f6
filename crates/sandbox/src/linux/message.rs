//! What goes from inside to the supervisor, and back: one letter, and for a refusal its texts.

use crate::refusal::{Refusal, RefusalKind};

/// The command was stopped.
pub(super) const STOPPED: u8 = b'S';
/// The command has ended. Its exit code follows, and whether something it left still runs.
pub(super) const ENDED: u8 = b'E';
/// Whether the command starts is decided: it does.
const REFUSED: u8 = b'R';
/// This program is at work inside of what `bwrap` made.
pub(super) const BEGUN: u8 = b'B';
/// A signal for the command, whose number follows.
pub(super) const SIGNAL: u8 = b'K';
/// A part of the command's copy of some settings: whose, whether more follows, and the text.
const SETTINGS: u8 = b'G';
/// Sockets of the run's network come with this. The number of doors follows, and whether the way in is there.
pub(super) const SOCKETS: u8 = b'N';
/// What the kernel tells of watched calls comes with this.
pub(super) const LISTENER: u8 = b'L';
/// The longest message.
pub(super) const LONGEST: usize = 4096;

/// A message from inside.
pub(super) enum Message {
    Begun,
    Stopped,
    Ended {
        code: u8,
        left_running: bool,
    },
    Refused(Refusal),
    /// Part of what the command made of the settings with this number.
    Settings {
        number: usize,
        part: Vec<u8>,
    },
    Sockets {
        doors: usize,
        inbound: bool,
    },
    Listener,
    Unknown,
}

pub(super) fn write(refusal: &Refusal) -> Vec<u8> {
    let kind = match refusal.about() {
        RefusalKind::Request => b'r',
        RefusalKind::Support => b's',
        RefusalKind::NotFound => b'n',
        RefusalKind::NotExecutable => b'x',
    };
    let texts = [refusal.what(), refusal.why().unwrap_or_default(), refusal.remedy()];
    let mut bytes = vec![REFUSED, kind];
    bytes.extend(texts.join("\0").bytes());
    bytes.truncate(LONGEST);
    bytes
}

/// The text of some settings, in messages.
pub(super) fn settings(number: usize, text: &[u8]) -> Vec<Vec<u8>> {
    let [low, high, ..] = number.to_le_bytes();
    let message = |part: &[u8]| [&[SETTINGS, low, high], part].concat();
    // What is empty is told too.
    let parts = text.chunks(LONGEST - 3).chain(text.is_empty().then_some(text));
    parts.map(message).collect()
}

pub(super) fn read(bytes: &[u8]) -> Message {
    match bytes {
        [BEGUN] => Message::Begun,
        [STOPPED, ..] => Message::Stopped,
        [ENDED, code, left] => Message::Ended { code: *code, left_running: *left != 0 },
        [LISTENER] => Message::Listener,
        [SOCKETS, doors, inbound] => {
            Message::Sockets { doors: usize::from(*doors), inbound: *inbound != 0 }
        }
        [SETTINGS, low, high, part @ ..] => {
            let number = usize::from(u16::from_le_bytes([*low, *high]));
            Message::Settings { number, part: part.to_vec() }
        }
        [REFUSED, kind, texts @ ..] => {
            let texts = String::from_utf8_lossy(texts);
            let mut texts = texts.split('\0');
            let what = texts.next().unwrap_or_default();
            let why = texts.next().unwrap_or_default();
            let refusal = Refusal::new(what, texts.next().unwrap_or_default());
            let refusal = if why.is_empty() { refusal } else { refusal.because(why) };
            Message::Refused(refusal.kind(match kind {
                b's' => RefusalKind::Support,
                b'n' => RefusalKind::NotFound,
                b'x' => RefusalKind::NotExecutable,
                _ => RefusalKind::Request,
            }))
        }
        _ => Message::Unknown,
    }
}
