//! The one number that all `content-length` fields of a response have to agree on.
//!
//! Two lengths for one body are how one response is smuggled into another; no web server can be relied upon to see it
//!

use http::HeaderMap;
use http::header::CONTENT_LENGTH;

use super::meta::decimal;

/// The length announced; `Ok(None)` when none is, an error when it is not one number of digits (RFC 9110, 8.6).
pub(crate) fn content_length(headers: &HeaderMap) -> Result<Option<u64>, NotOneLength> {
    let mut length = None;
    for value in headers.get_all(CONTENT_LENGTH) {
        let value = decimal(value.as_bytes()).ok_or(NotOneLength)?;
        if length.is_some_and(|earlier| earlier != value) {
            return Err(NotOneLength);
        }
        length = Some(value);
    }
    Ok(length)
}

#[derive(Debug)]
pub(crate) struct NotOneLength;
