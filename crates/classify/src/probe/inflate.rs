//! Unzipping, bounded: enough of RFC 1951 and 1952 to read what was hidden in gzip.

/// What a gzip file holds, up to so many bytes; nothing where it is not one.
pub(crate) fn gunzip(file: &[u8], most: usize) -> Option<Vec<u8>> {
    const HEAD: usize = 10;
    let flags = *file.get(3)?;
    let mut rest = file.get(HEAD..)?;
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes([*rest.first()?, *rest.get(1)?]));
        rest = rest.get(2 + length..)?;
    }
    for named in [8, 16] {
        if flags & named != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    inflate(rest, most)
}

struct Bits<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<u32> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = (byte >> (self.at % 8)) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn bits(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for place in 0..count {
            value |= self.bit()? << place;
        }
        Some(value)
    }

    fn byte(&mut self) -> Option<u8> {
        self.at = self.at.next_multiple_of(8);
        let byte = *self.bytes.get(self.at / 8)?;
        self.at += 8;
        Some(byte)
    }
}

/// A canonical Huffman code: how many codes of each length, and their symbols in order.
struct Code {
    counts: [u32; 16],
    symbols: Vec<u32>,
}

impl Code {
    fn new(lengths: &[u8]) -> Self {
        let mut counts = [0; 16];
        for length in lengths.iter().filter(|length| **length > 0) {
            if let Some(count) = counts.get_mut(usize::from(*length)) {
                *count += 1;
            }
        }
        let mut symbols: Vec<(u8, u32)> =
            lengths.iter().copied().zip(0..).filter(|(length, _)| *length > 0).collect();
        symbols.sort_unstable();
        Self { counts, symbols: symbols.into_iter().map(|(_, symbol)| symbol).collect() }
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Option<u32> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in self.counts.iter().skip(1) {
            code |= bits.bit()?;
            if code.wrapping_sub(first) < *count {
                return self.symbols.get(usize::try_from(index + code - first).ok()?).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

fn inflate(bytes: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes, at: 0 };
    let mut out = Vec::new();
    loop {
        let is_last = bits.bit()? == 1;
        match bits.bits(2)? {
            0 => {
                let [low, high, _, _] = [bits.byte()?, bits.byte()?, bits.byte()?, bits.byte()?];
                for _ in 0..u16::from_le_bytes([low, high]) {
                    out.push(bits.byte()?);
                }
            }
            1 => {
                let lengths: Vec<u8> = (0..288_u32)
                    .map(|symbol| match symbol {
                        0..=143 => 8,
                        144..=255 => 9,
                        256..=279 => 7,
                        _ => 8,
                    })
                    .collect();
                block(&mut bits, &Code::new(&lengths), &Code::new(&[5; 30]), &mut out, most)?;
            }
            2 => {
                let (literals, distances) = tables(&mut bits)?;
                block(&mut bits, &literals, &distances, &mut out, most)?;
            }
            _ => return None,
        }
        if is_last || out.len() >= most {
            out.truncate(most);
            return Some(out);
        }
    }
}

fn tables(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let literals = usize::try_from(bits.bits(5)? + 257).ok()?;
    let distances = usize::try_from(bits.bits(5)? + 1).ok()?;
    let given = usize::try_from(bits.bits(4)? + 4).ok()?;
    let mut lengths = [0_u8; 19];
    for place in ORDER.iter().take(given) {
        *lengths.get_mut(*place)? = u8::try_from(bits.bits(3)?).ok()?;
    }
    let code = Code::new(&lengths);
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (value, times) = match code.symbol(bits)? {
            symbol @ 0..=15 => (u8::try_from(symbol).ok()?, 1),
            16 => (*lengths.last()?, 3 + bits.bits(2)?),
            17 => (0, 3 + bits.bits(3)?),
            _ => (0, 11 + bits.bits(7)?),
        };
        lengths.extend((0..times).map(|_| value));
    }
    let (first, rest) = lengths.split_at_checked(literals)?;
    Some((Code::new(first), Code::new(rest)))
}

fn block(
    bits: &mut Bits<'_>,
    literals: &Code,
    distances: &Code,
    out: &mut Vec<u8>,
    most: usize,
) -> Option<()> {
    while out.len() < most {
        match literals.symbol(bits)? {
            literal @ 0..=255 => out.push(u8::try_from(literal).ok()?),
            256 => return Some(()),
            symbol => {
                let length = length_of(symbol - 257, bits)?;
                let distance = distance_of(distances.symbol(bits)?, bits)?;
                let start = out.len().checked_sub(usize::try_from(distance).ok()?)?;
                for at in start..start + usize::try_from(length).ok()? {
                    out.push(*out.get(at)?);
                }
            }
        }
    }
    Some(())
}

/// Lengths stand in groups of four, each group with one more bit than the one before.
fn length_of(symbol: u32, bits: &mut Bits<'_>) -> Option<u32> {
    match symbol {
        0..=7 => Some(symbol + 3),
        8..=27 => {
            let extra = symbol / 4 - 1;
            Some(((4 + symbol % 4) << extra) + 3 + bits.bits(extra)?)
        }
        28 => Some(258),
        _ => None,
    }
}

/// Distances stand in groups of two.
fn distance_of(symbol: u32, bits: &mut Bits<'_>) -> Option<u32> {
    match symbol {
        0..=3 => Some(symbol + 1),
        4..=29 => {
            let extra = symbol / 2 - 1;
            Some(((2 + symbol % 2) << extra) + 1 + bits.bits(extra)?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_fixed_and_cut_files_are_read_or_refused() {
        // Made with `printf 'hello hello hello' | gzip -n`.
        let file = [
            0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40,
            0x90, 0x00, 0x80, 0x88, 0xf9, 0xe5, 0x11, 0, 0, 0,
        ];
        let text = gunzip(&file, 1_000).unwrap();
        assert!(text.starts_with(b"hello hello"), "{text:?}");
        assert_eq!(gunzip(&file, 5).unwrap().len(), 5);
        assert_eq!(gunzip(file.get(..13).unwrap(), 100), None);
        assert_eq!(gunzip(&[0x1f, 0x8b], 100), None);
    }
}
