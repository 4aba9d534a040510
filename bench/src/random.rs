//! Random numbers that are the same at every run.

/// xorshift64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: usize) -> Self {
        let mut random = Self(seed as u64 ^ 0x9e37_79b9_7f4a_7c15);
        // Seeds that are near each other are so no longer.
        for _ in 0..20 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn hex(&mut self) -> String {
        format!("{:016x}", self.next())
    }

    pub(crate) fn shuffle<T>(&mut self, list: &mut [T]) {
        for last in (1..list.len()).rev() {
            let other = self.next() % (last as u64 + 1);
            list.swap(last, other as usize);
        }
    }
}
