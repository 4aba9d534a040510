//! A path and a query as one `http::Uri`.
//!
//! Most requests are for what the client spelled, and then the URI shares the buffer of the params.

use std::borrow::Cow;

use bytes::Bytes;
use http::Uri;

use super::sent::{RequestTarget, Sent};
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
        Path::Raw(at) => target.path.get(*at..).unwrap_or_default(),
        Path::Encoded(path) => path.as_bytes(),
    };
    // T-12
    let raw_path = align::with_one_leading_slash(raw_path);
    // T-11
    let path_part = percent::repair_path(raw_path);
    let query_part = query.map(percent::repair_query);

    let is_untouched =
        matches!(path_part, Cow::Borrowed(_)) && !matches!(query_part, Some(Cow::Owned(_)));
    let shared = match path {
        // The path is empty when the target was the script name alone.
        Path::Raw(_) if is_untouched && !raw_path.is_empty() => {
            as_received(target, raw_path, query)
        }
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
    let mut uri = String::with_capacity(path.len() + query.map_or(0, str::len) + 2);
    if !path.starts_with('/') {
        uri.push('/');
    }
    uri.push_str(path);
    if let Some(query) = query {
        uri.push('?');
        uri.push_str(query);
    }
    uri.into()
}

/// What `http::Uri` can hold.
const MAX_URI: usize = 65_534;
