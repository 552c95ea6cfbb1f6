//! Commands that are written to be expensive: deep, wide, doubling, or just as long as is let in, in the
//! shell and in the languages that it runs. Analysis has to be done with each in bounded time and
//! memory, whatever it says about it.

mod languages;
mod shell;

/// So long may one command be; the inputs stay just below.
const BYTES: usize = (64 << 10) - 512;

/// One of them.
#[derive(Debug, Clone)]
pub struct Input {
    /// What makes it expensive: `nested`, `doubling`, or the language that it is written in.
    pub family: &'static str,
    /// What it is made of.
    pub name: String,
    /// The command.
    pub text: String,
}

/// All of them. No text is longer than what is read.
pub fn inputs() -> Vec<Input> {
    let mut inputs = shell::inputs();
    inputs.extend(languages::inputs());
    for input in &mut inputs {
        let end =
            (0..=BYTES.min(input.text.len())).rev().find(|end| input.text.is_char_boundary(*end));
        input.text.truncate(end.unwrap_or(0));
    }
    inputs
}

/// The families, each once, in the order of [`inputs`].
pub fn families() -> Vec<&'static str> {
    let mut families: Vec<_> = inputs().into_iter().map(|input| input.family).collect();
    families.dedup();
    families
}

/// Each piece again and again, as long as there is room.
fn filled(pieces: &[&str]) -> Vec<(String, String)> {
    let times = |piece: &str| piece.repeat(BYTES / piece.len().max(1));
    pieces.iter().map(|piece| (format!("as many `{piece}` as fit"), times(piece))).collect()
}
