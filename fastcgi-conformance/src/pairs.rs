//! Name-value pairs (specification, 3.4).

/// How the lengths of a pair are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lengths {
    /// One byte where that is enough.
    Shortest,
    /// Always four bytes, which is allowed.
    FourBytes,
}

/// The bytes of one pair.
pub(crate) fn pair(name: &[u8], value: &[u8], lengths: Lengths) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(name.len() + value.len() + 8);
    for length in [name.len(), value.len()] {
        match (u8::try_from(length), lengths) {
            (Ok(length @ ..=127), Lengths::Shortest) => bytes.push(length),
            _ => {
                let length = u32::try_from(length).unwrap_or(u32::MAX >> 1);
                bytes.extend_from_slice(&(length | 1 << 31).to_be_bytes());
            }
        }
    }
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(value);
    bytes
}

/// The pairs in `bytes`, or nothing where they do not end with the bytes.
pub(crate) fn decode(mut bytes: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut pairs = Vec::new();
    while !bytes.is_empty() {
        let name_length = length(&mut bytes)?;
        let value_length = length(&mut bytes)?;
        let (name, rest) = bytes.split_at_checked(name_length)?;
        let (value, rest) = rest.split_at_checked(value_length)?;
        pairs.push((name.to_vec(), value.to_vec()));
        bytes = rest;
    }
    Some(pairs)
}

fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first()?;
    if first >> 7 == 0 {
        *bytes = rest;
        return Some(usize::from(*first));
    }
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*four) & (u32::MAX >> 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_one_byte_or_four() {
        assert_eq!(pair(b"a", b"bc", Lengths::Shortest), b"\x01\x02abc");
        let four = b"\x80\0\0\x01\x80\0\0\x02abc";
        assert_eq!(pair(b"a", b"bc", Lengths::FourBytes), four);
        let long = pair(b"", &[b'x'; 128], Lengths::Shortest);
        assert_eq!(long[..5], *b"\0\x80\0\0\x80");
    }

    #[test]
    fn pairs_are_read_as_they_were_written() {
        let bytes = b"\x01\x02abc\x80\0\0\x01\0d";
        let pairs = vec![(b"a".to_vec(), b"bc".to_vec()), (b"d".to_vec(), Vec::new())];
        assert_eq!(decode(bytes), Some(pairs));
        assert_eq!(decode(b"\x01\x02ab"), None);
    }
}
