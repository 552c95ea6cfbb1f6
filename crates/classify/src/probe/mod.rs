//! The probe: does a text that came in talk to the agent instead of to the person?
//!
//! [`scan`] reads what a tool returned, and says how much it looks like an instruction
//! ([`Report::score`]) and what in it does ([`Report::findings`], each with a reason and the place).
//! Texts come in pieces of any size ([`Scanner`]) and may be of any length: memory does not grow with
//! them. Two things look at the text:
//!
//! - *detectors*: characters that are not drawn, markup that hides, imitations of the system and of
//!   tools, phrases that speak to an agent, links that carry data away, and what is packed in an
//!   encoding, which is unpacked and looked at again;
//! - a linear *model* over pieces of words, in windows of [`WINDOW`] words (`docs/models.md`).
//!
//! Where the user has an encoder, that is a *second* score ([`Reader`]), which looks at meaning.
//!
//! It only ever makes things stricter: a report taints a session, and never clears anything. It does not
//! panic on any input, reads no clock and touches nothing.

mod detect;
#[cfg(feature = "encoder")]
mod encoder;
mod grams;
mod inflate;
mod model;
mod phrases;
mod second;
mod spotlight;
mod unpack;
mod words;

use std::fmt;

#[cfg(feature = "encoder")]
pub use self::encoder::{Encoder, Head as EncoderHead, MOST, PIECES, Window};
pub use self::grams::PLACES;
pub use self::model::{BLOCK, Best, Head, Model, WINDOW};
pub use self::second::{Meaning, Reader, Second, Unavailable};
pub use self::spotlight::{Settings, Treatment, around, warning, withheld};

use self::model::Windows;
use self::phrases::Finder;
use self::words::Words;

/// So much of a text is looked at by the detectors at once.
const CHUNK: usize = 8 << 10;
/// So much is looked at twice, so that nothing is cut in two.
const OVERLAP: usize = 1 << 10;
/// So deep is packed within packed.
const DEEPEST: usize = 3;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Characters that are not drawn, and may say something.
    HiddenCharacters,
    /// Marks that show a text in another order than it is read.
    Direction,
    /// Markup that keeps words from being seen.
    HiddenMarkup,
    /// Words of the system, of the user or of another role.
    RoleImitation,
    /// A call or a result of a tool.
    ToolImitation,
    /// A phrase that tells an agent what to do.
    Instruction,
    /// Something of the above within an encoding.
    Packed,
    /// A link that carries data to somebody.
    DataLink,
    /// The words as a whole.
    Words,
    /// What the words mean.
    Meaning,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::HiddenCharacters,
        Self::Direction,
        Self::HiddenMarkup,
        Self::RoleImitation,
        Self::ToolImitation,
        Self::Instruction,
        Self::Packed,
        Self::DataLink,
        Self::Words,
        Self::Meaning,
    ];

    /// A short stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HiddenCharacters => "hidden-characters",
            Self::Direction => "direction",
            Self::HiddenMarkup => "hidden-markup",
            Self::RoleImitation => "role-imitation",
            Self::ToolImitation => "tool-imitation",
            Self::Instruction => "instruction",
            Self::Packed => "packed",
            Self::DataLink => "data-link",
            Self::Words => "words",
            Self::Meaning => "meaning",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One thing in a text that talks to the agent, or hides something from the person.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Byte offsets into the text, end-exclusive.
    pub span: [usize; 2],
    /// Why, in few words of our own: nothing of the text is in it.
    pub why: String,
    /// From 0 to 1: how often this is meant to instruct, where it is found.
    pub confidence: f64,
}

/// What was found in a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// From 0 to 1: how much the text looks like one that was made to instruct an agent.
    pub score: f64,
    /// The same by the words alone, before it was made a probability.
    pub words: Best,
    /// Whether the session that read this is to be trusted less.
    pub taints: bool,
    /// What was found, surest first: of each kind the surest.
    pub findings: Vec<Finding>,
    /// Where a second look is worth most, best first: byte offsets, end-exclusive, of at most four parts. All of a
    /// text that is no longer than they are together.
    pub liked: Vec<[usize; 2]>,
    /// What the second score made of it, where it was asked.
    pub second: Option<Meaning>,
}

impl Report {
    /// Whether the session would be trusted less without the second score too.
    pub fn taints_alone(&self) -> bool {
        self.taints && self.findings.first().is_some_and(|it| it.kind != Kind::Meaning)
    }

    /// How sure the surest of the detectors is.
    pub fn surest(&self) -> f64 {
        let of_detectors = |it: &&Finding| !matches!(it.kind, Kind::Words | Kind::Meaning);
        let detectors = self.findings.iter().filter(of_detectors);
        detectors.map(|finding| finding.confidence).fold(0.0, f64::max)
    }

    /// The surest reason, as a short stable name; of a text that taints.
    pub fn reason(&self) -> Option<&'static str> {
        self.findings.first().filter(|_| self.taints).map(|finding| finding.kind.as_str())
    }
}

/// From this confidence a single finding taints. Weaker ones are reported.
pub const SURE: f64 = 0.9;

/// Looks at a whole text.
pub fn scan(text: &str) -> Report {
    scan_with(Model::trained(), text)
}

/// Looks at a whole text, by other weights than those that were trained.
pub fn scan_with(model: Model<'_>, text: &str) -> Report {
    let mut scanner = Scanner::with(model);
    scanner.feed(text);
    scanner.finish()
}

/// Looks at a text that comes in pieces.
#[derive(Debug)]
pub struct Scanner<'w> {
    model: Model<'w>,
    words: Words,
    windows: Windows<'w>,
    phrases: Finder,
    /// What the detectors have not seen yet, after what they see again.
    pending: String,
    /// Where `pending` begins in the text.
    base: usize,
    findings: Vec<Finding>,
    depth: usize,
}

impl Default for Scanner<'static> {
    fn default() -> Self {
        Self::with(Model::trained())
    }
}

impl<'w> Scanner<'w> {
    /// A scanner with these weights.
    pub fn with(model: Model<'w>) -> Self {
        Self::at_depth(model, 0)
    }

    fn at_depth(model: Model<'w>, depth: usize) -> Self {
        let windows = Windows::new(model);
        let (words, phrases, pending, findings) = Default::default();
        Self { model, words, windows, phrases, pending, base: 0, findings, depth }
    }

    /// The next piece of the text.
    pub fn feed(&mut self, piece: &str) {
        let mut rest = piece;
        while !rest.is_empty() {
            let room = CHUNK.saturating_sub(self.pending.len()).max(4);
            let (now, later) =
                rest.split_at_checked(rest.floor_char_boundary(room)).unwrap_or((rest, ""));
            let start = self.base + self.pending.len();
            for (at, c) in now.char_indices() {
                self.words.push(c, start + at, &mut |word| {
                    self.windows.push(word);
                    self.phrases.push(word);
                });
            }
            self.pending.push_str(now);
            if self.pending.len() + 4 > CHUNK {
                self.look();
                let keep = self.pending.floor_char_boundary(self.pending.len() - OVERLAP);
                self.pending.drain(..keep);
                self.base += keep;
            }
            rest = later;
        }
    }

    /// How many bytes are held: of the text, and of what was found in it.
    pub fn held(&self) -> usize {
        self.pending.capacity()
            + self.findings.iter().map(|it| size_of_val(it) + it.why.len()).sum::<usize>()
    }

    /// The text is over.
    pub fn finish(mut self) -> Report {
        self.words.finish(&mut |word| {
            self.windows.push(word);
            self.phrases.push(word);
        });
        let length = self.base + self.pending.len();
        self.look();
        if let Some(phrase) = phrases::together(&self.phrases.finish()) {
            let phrases::Phrase { span, why, confidence } = phrase;
            let kind = Kind::Instruction;
            self.findings.push(Finding { kind, span, why: why.to_owned(), confidence });
        }
        let (words, liked) = self.windows.finish(length);
        let probability = self.model.probability(words.score);
        let by_words = words.score >= self.model.taints_from();
        if by_words {
            let why = "its words are those of an instruction to an agent".to_owned();
            let (kind, span, confidence) = (Kind::Words, words.span, probability);
            self.findings.push(Finding { kind, span, why, confidence });
        }
        let mut findings = self.findings;
        findings.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.span.cmp(&b.span)));
        let surest = findings.first().map_or(0.0, |finding| finding.confidence);
        let taints = by_words || surest >= SURE;
        Report { score: probability.max(surest), words, taints, findings, liked, second: None }
    }

    fn look(&mut self) {
        let likely = |part: &str| self.model.probability(model::of_words(self.model, part));
        let mut found = detect::detect(&self.pending, &likely);
        if self.depth < DEEPEST {
            for packed in unpack::unpack(&self.pending) {
                let mut inner = Scanner::at_depth(self.model, self.depth + 1);
                inner.feed(&packed.text);
                let report = inner.finish();
                let how = packed.how;
                if report.score >= 0.5 {
                    // Who packs an instruction does not want it to be seen.
                    let confidence = report.score + (1.0 - report.score) * 0.5;
                    let why = format!("an instruction to an agent, packed in {how}");
                    found.push(Finding { kind: Kind::Packed, span: packed.span, why, confidence });
                }
            }
        }
        for mut finding in found {
            finding.span = finding.span.map(|at| at + self.base);
            match self.findings.iter_mut().find(|known| known.kind == finding.kind) {
                Some(known) if known.confidence < finding.confidence => *known = finding,
                Some(_) => {}
                None => self.findings.push(finding),
            }
        }
    }
}

/// The places of the words of a text, word by word, with the byte offsets of each: what the model is
/// trained on.
pub fn places(text: &str) -> Vec<([usize; 2], Vec<usize>)> {
    let mut all = Vec::new();
    let mut grams = grams::Grams::default();
    let mut each = |word: &words::Word| {
        let mut places = Vec::new();
        grams.next(word, |place| places.push(place));
        all.push((word.span, places));
    };
    let mut words = Words::default();
    for (at, c) in text.char_indices() {
        words.push(c, at, &mut each);
    }
    words.finish(&mut each);
    all
}
