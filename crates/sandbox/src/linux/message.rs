//! What goes from inside to the supervisor, and back: one letter, and for a refusal its texts.

use crate::refusal::{Refusal, RefusalKind};

/// The command was stopped.
pub(super) const STOPPED: u8 = b'S';
/// The command has ended. Its exit code follows, and whether something it left still runs.
pub(super) const ENDED: u8 = b'E';
/// Whether the command starts is decided: it does.
const REFUSED: u8 = b'R';
/// A signal for the command, whose number follows.
pub(super) const SIGNAL: u8 = b'K';
/// The longest message.
pub(super) const LONGEST: usize = 4096;

/// A message from inside.
pub(super) enum Message {
    Stopped,
    Ended { code: u8, left_running: bool },
    Refused(Refusal),
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

pub(super) fn read(bytes: &[u8]) -> Message {
    match bytes {
        [STOPPED, ..] => Message::Stopped,
        [ENDED, code, left] => Message::Ended { code: *code, left_running: *left != 0 },
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
