//! The size of tests that can be longer than CI has time for.

use std::{env, fmt::Display, str::FromStr};

/// `size`, times what `TEST_FACTOR` says: `tests/long` sets it. Without it, `size`.
///
/// # Panics
///
/// When the variable is no number.
#[must_use]
pub fn scaled(size: u32) -> u32 {
    size.saturating_mul(variable("TEST_FACTOR", 1))
}

/// Where random numbers start: what `TEST_SEED` says, so that a long run is another one each time and can be repeated.
/// Without it, `seed`.
///
/// # Panics
///
/// When the variable is no number.
#[must_use]
pub fn seed(seed: u64) -> u64 {
    // Zero is a fixed point of many generators.
    seed ^ variable("TEST_SEED", 0)
}

fn variable<T: FromStr<Err: Display>>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(value) => match value.parse() {
            Ok(value) => value,
            Err(error) => panic!("{name}={value}: {error}"),
        },
        Err(_) => default,
    }
}
