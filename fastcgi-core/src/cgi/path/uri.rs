//! A path and a query as one `http::Uri`.
//!
//! Most requests are for what the client spelled, and then the URI shares the buffer of the params.

use std::borrow::Cow;

use bytes::Bytes;
use http::Uri;

use super::sent::Sent;
use super::target::RequestTarget;
use super::{Path, align};
use crate::cgi::error::InvalidRequest;
use crate::cgi::percent;

pub(super) fn uri(
    sent: &Sent<'_>,
    path: &Path<'_>,
    query_string: Option<&[u8]>,
) -> Result<Uri, InvalidRequest> {
    let target = &sent.target;
    let query = query(target, query_string);
    let raw_path = match path {
        Path::Raw { at, slashes } => with_leading_slashes(target.path.split_at(*at).1, *slashes),
        Path::Encoded(path) => {
            let path = path.as_bytes();
            with_leading_slashes(path, align::leading_raw_slashes(path).0)
        }
    };
    // T-11
    let path_part = percent::repair_path(&raw_path);
    let query_part = query.map(percent::repair_query);

    let shared = match (path, &raw_path, &path_part, &query_part) {
        (
            Path::Raw { .. },
            Cow::Borrowed(raw_path),
            Cow::Borrowed(_),
            None | Some(Cow::Borrowed(_)),
        ) => as_received(target, raw_path, query),
        _ => None,
    };
    let uri = match shared {
        Some(received) => sent.share(received),
        None => join(&path_part, query_part.as_deref()),
    };
    if uri.len() > MAX_URI {
        return Err(InvalidRequest::TargetTooLong);
    }
    Uri::from_maybe_shared(uri).map_err(|_| InvalidRequest::Target)
}

/// T-12: `path`, an encoded one, with this many slashes in front, all but the first of them encoded; `/` when it is empty.
///
/// `//evil.example/x` would be another host's URL, if an application put it into `Location`.
fn with_leading_slashes(path: &[u8], slashes: usize) -> Cow<'_, [u8]> {
    let (_, rest) = align::leading_raw_slashes(path);
    match path {
        [b'/', after @ ..] if slashes <= 1 && after == rest => path.into(),
        [b'/', after @ ..] if has_encoded_slashes(after, rest, slashes) => path.into(),
        _ => {
            let more = slashes.saturating_sub(1);
            [b"/", &*b"%2F".repeat(more), rest].concat().into()
        }
    }
}

/// Whether `path` is `rest` behind the encoded ones of this many slashes.
fn has_encoded_slashes(path: &[u8], rest: &[u8], slashes: usize) -> bool {
    let more = path.len() - rest.len();
    slashes > 1 && more == 3 * (slashes - 1) && path.iter().take(more).all(|&byte| byte != b'/')
}

/// T-13: QUERY_STRING wins, because rewrite rules add to it. Only a bare `?` is not seen in it.
fn query<'a>(target: &RequestTarget<'a>, query_string: Option<&'a [u8]>) -> Option<&'a [u8]> {
    match query_string {
        None => target.query,
        Some(b"") => target.query.filter(|query| query.is_empty()),
        query => query,
    }
}

/// The end of the target, if it is `path` and `query`.
fn as_received<'a>(
    target: &RequestTarget<'a>,
    path: &[u8],
    query: Option<&[u8]>,
) -> Option<&'a [u8]> {
    let start = target.path.len().checked_sub(path.len())?;
    let received = match query {
        None => target.whole.get(start..target.path.len()),
        _ if query == target.query => target.whole.get(start..),
        _ => None,
    };
    received.filter(|received| !received.is_empty())
}

fn join(path: &str, query: Option<&str>) -> Bytes {
    let mut uri = String::with_capacity(path.len() + query.map_or(0, str::len) + 1);
    uri.push_str(path);
    if let Some(query) = query {
        uri.push('?');
        uri.push_str(query);
    }
    uri.into()
}

/// What `http::Uri` can hold.
const MAX_URI: usize = 65_534;
