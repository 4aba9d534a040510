//! The one number that all lengths of a message have to agree on.
//!
//! Two lengths for one body are how one message is smuggled into another (H-4, R-7).

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

/// What all `CONTENT_LENGTH` params of a request say together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum ContentLength {
    #[default]
    Absent,
    /// Empty, or `-1`; and the number that one before it had.
    Unknown {
        earlier: Option<u64>,
    },
    Known(u64),
    Invalid,
}

impl ContentLength {
    /// H-4: of a length and an empty value the last counts, and two lengths have to be the same.
    pub(crate) fn add_param(&mut self, value: &[u8]) {
        let earlier = match *self {
            Self::Known(earlier) => Some(earlier),
            Self::Unknown { earlier } => earlier,
            Self::Absent => None,
            Self::Invalid => return,
        };
        *self = match (value, decimal(value)) {
            (b"" | b"-1", _) => Self::Unknown { earlier },
            (_, Some(later)) if earlier.is_none_or(|earlier| earlier == later) => {
                Self::Known(later)
            }
            _ => Self::Invalid,
        };
    }
}

/// The length that the `content-length` fields of a message announce; `Ok(None)` when there is none (RFC 9110, 8.6).
pub(crate) fn of_fields(headers: &HeaderMap) -> Result<Option<u64>, InvalidContentLength> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let value = decimal(value.as_bytes()).ok_or(InvalidContentLength)?;
        if length.is_some_and(|earlier| earlier != value) {
            return Err(InvalidContentLength);
        }
        length = Some(value);
    }
    Ok(length)
}

/// `str::parse` would also take a sign.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, byte| match byte {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(byte - b'0')),
        _ => None,
    })
}

/// Lengths that are not one decimal number of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidContentLength;

impl fmt::Display for InvalidContentLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CONTENT_LENGTH is not one decimal number")
    }
}

impl std::error::Error for InvalidContentLength {}
