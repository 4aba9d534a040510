//! How much of a body may follow the head of a response.

use bytes::Bytes;
use fastcgi_core::cgi::BodyLength;

/// What passes of each piece, how much was too many, and what may follow then.
fn take(mut length: BodyLength, pieces: &[&'static [u8]]) -> (Vec<Bytes>, usize, BodyLength) {
    let mut surplus = 0;
    let pieces = pieces.iter().map(|piece| {
        let mut data = Bytes::from_static(piece);
        surplus += length.take(&mut data);
        data
    });
    let pieces = pieces.collect();
    (pieces, surplus, length)
}

#[test]
fn an_announced_length_is_kept() {
    let (passed, surplus, left) = take(BodyLength::Exactly(7), &[b"hello", b"", b"world", b"!"]);
    assert_eq!(passed, ["hello", "", "wo", ""]);
    assert_eq!((surplus, left), (4, BodyLength::Exactly(0)));
}

#[test]
fn nothing_passes_where_nothing_may_follow() {
    let (passed, surplus, left) = take(BodyLength::None, &[b"hello"]);
    assert_eq!(passed, [""]);
    assert_eq!((surplus, left), (5, BodyLength::None));
}

#[test]
fn everything_passes_where_the_length_is_unknown() {
    let (passed, surplus, left) = take(BodyLength::Unknown, &[b"hello", b"world"]);
    assert_eq!(passed, ["hello", "world"]);
    assert_eq!((surplus, left), (0, BodyLength::Unknown));
}

#[test]
fn a_body_is_over_when_nothing_more_may_follow() {
    let is_over = [
        BodyLength::None,
        BodyLength::Exactly(0),
        BodyLength::Exactly(1),
        BodyLength::Unknown,
    ]
    .map(BodyLength::is_over);
    assert_eq!(is_over, [true, true, false, false]);
}

#[test]
fn a_short_body_is_an_error() {
    for length in [
        BodyLength::None,
        BodyLength::Exactly(0),
        BodyLength::Unknown,
    ] {
        assert_eq!(length.finish(), Ok(()));
    }
    assert_eq!(
        BodyLength::Exactly(1)
            .finish()
            .map_err(|error| error.to_string()),
        Err("the response body is shorter than its content-length".to_owned())
    );
}
