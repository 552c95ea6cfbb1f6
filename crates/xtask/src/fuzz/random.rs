//! Inputs that are a little, or very, different from those that there are.

/// Longer inputs are cut.
const BYTES: usize = 8 << 10;
/// Words that mean something to a parser.
const TOKENS: [&str; 40] = [
    "$(",
    ")",
    "`",
    "\"",
    "'",
    "${",
    "}",
    "((",
    "))",
    "<<E\n",
    "\nE\n",
    ";",
    "|",
    "&&",
    "||",
    "&",
    "if ",
    "then ",
    "fi",
    "do ",
    "done",
    "case x in ",
    "esac",
    "[[ ",
    " ]]",
    "{ ",
    "\\",
    "$'",
    "<(",
    "=(",
    "a=(",
    "x[",
    "]",
    "#",
    "\n",
    " ",
    "--",
    "-",
    "\u{202e}",
    "\0",
];

/// Marsaglia's xorshift: small, and the same everywhere.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.0 % limit).unwrap_or(0)
    }

    fn pick<'s>(&mut self, all: &'s [String]) -> &'s str {
        let at = self.below(all.len());
        all.get(at).map(String::as_str).unwrap_or_default()
    }

    /// A seed with some changes.
    pub(super) fn input(&mut self, seeds: &[String]) -> Vec<u8> {
        let mut input = self.pick(seeds).as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            let end = (at + self.below(16)).min(input.len());
            match self.below(7) {
                0 => drop(input.drain(at..end)),
                1 => {
                    let piece = input.get(at..end).unwrap_or_default().repeat(1 + self.below(40));
                    input.splice(at..at, piece);
                }
                2 | 3 => {
                    let token = self.below(TOKENS.len());
                    let token = TOKENS.get(token).copied().unwrap_or_default();
                    input.splice(at..at, token.repeat(1 + self.below(3)).into_bytes());
                }
                4 => {
                    let other = self.pick(seeds).as_bytes().to_vec();
                    input.splice(at..end, other);
                }
                5 => {
                    let byte = u8::try_from(self.below(256)).unwrap_or(b' ');
                    input.splice(at..end, [byte]);
                }
                _ => input.truncate(at),
            }
        }
        input.truncate(BYTES);
        input
    }
}
