//! Where a stream is cut.

/// A sequence of lengths, of which many are tiny and some are not.
#[derive(Clone, Debug)]
pub struct Lengths(u64);

impl Lengths {
    /// The same seed gives the same sequence.
    pub fn new(seed: u8) -> Self {
        Self(u64::from(seed) + 0x9e37_79b9_7f4a_7c15)
    }

    /// The next length, at least 1.
    pub fn length(&mut self) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let [first, second, ..] = self.0.to_le_bytes();
        match first {
            0..=99 => 1,
            100..=199 => 1 + usize::from(second % 16),
            _ => 1 + usize::from(second) * 8,
        }
    }
}

/// `input` in pieces. Seed 0 leaves it whole, seed 1 takes every byte alone.
pub fn cut(input: &[u8], seed: u8) -> Vec<&[u8]> {
    if seed == 0 {
        return vec![input];
    }
    let mut lengths = Lengths::new(seed);
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let length = if seed == 1 { 1 } else { lengths.length() };
        let (piece, after) = rest.split_at(length.min(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
