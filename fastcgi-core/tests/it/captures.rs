//! Requests as web servers sent them, in 42 configurations: params, targets and header fields.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped has failed the test"
)]

use std::collections::BTreeMap;

use bytes::Bytes;
use fastcgi_core::Params;
use fastcgi_core::cgi::{Mapping, ScriptName};
use http::{HeaderMap, request};

use crate::fixtures::{
    Capture, Expected, Head, RecordedRequest, captures, from_latin1, percent_decoded,
};

#[test]
fn params_are_what_was_recorded() {
    let mut requests = 0;
    for capture in captures() {
        let Some(wire) = &capture.wire else { continue };
        let sent = walk(wire);
        assert_eq!(sent.len(), capture.requests.len(), "{}", capture.name);
        for (sent, recorded) in sent.into_iter().zip(&capture.requests) {
            assert_eq!((sent.id, sent.role), (recorded.id, recorded.role));
            let params = Params::parse(sent.params.into()).unwrap();
            let pairs: Vec<_> = params
                .iter()
                .map(|(name, value)| (name.to_vec(), value.to_vec()))
                .collect();
            assert_eq!(pairs, recorded.params, "{}", capture.name);
            requests += 1;
        }
    }
    assert_eq!(requests, REQUESTS - WITHOUT_BYTES);
}

#[test]
fn targets_are_resolved() {
    let mut targets = 0;
    let mut mismatches = Vec::new();
    for_each_request(|name, params, recorded| {
        for target in &recorded.targets {
            let mut mapping = Mapping::default();
            if let Some(script_name) = &target.script_name {
                mapping = mapping.script_name(script_name.parse().unwrap());
            }
            if let Some(mismatch) = target_mismatch(&mapping, params, &target.expect) {
                mismatches.push(format!("{name} in {:?}: {mismatch}", target.script_name));
            }
            targets += 1;
        }
    });
    assert_eq!(mismatches, [""; 0]);
    assert_eq!(targets, 2 * RESPONDED);
}

#[test]
fn heads_are_what_an_independent_implementation_makes_of_them() {
    let mut heads = 0;
    for_each_request(|name, params, recorded| {
        match (&recorded.head, Mapping::default().request(params)) {
            (Head::Refused { status }, result) => {
                assert_eq!(result.unwrap_err().status(), *status, "{name}");
            }
            (
                Head::Accepted {
                    method,
                    version,
                    headers,
                },
                Ok(parts),
            ) => {
                assert_eq!(parts.method, method.as_str(), "{name}");
                assert_eq!(format!("{:?}", parts.version), *version, "{name}");
                assert_eq!(fields(&parts), by_name(headers), "{name}");
                heads += 1;
            }
            // The target was refused; `targets_are_resolved` knows why.
            (Head::Accepted { .. }, Err(_)) => {}
        }
    });
    assert!(heads > RESPONDED * 9 / 10, "only {heads} heads");
}

#[test]
fn requests_are_for_responders_and_complete_where_they_have_targets() {
    let mut responded = 0;
    for_each_request(|name, _, recorded| {
        let is_responded = recorded.role == 1 && recorded.is_complete;
        assert_eq!(is_responded, !recorded.targets.is_empty(), "{name}");
        responded += usize::from(is_responded);
    });
    assert_eq!(responded, RESPONDED);
}

fn for_each_request(mut check: impl FnMut(&str, &Params, &RecordedRequest)) {
    let mut requests = 0;
    for Capture {
        name,
        requests: recorded,
        ..
    } in &captures()
    {
        for request in recorded {
            check(
                name,
                &request.params.iter().map(|(n, v)| (n, v)).collect(),
                request,
            );
            requests += 1;
        }
    }
    assert_eq!(requests, REQUESTS);
}

/// What differs from the expected URI, script name, decoded path and line of T-8, or from the expected status.
pub(crate) fn target_mismatch(
    mapping: &Mapping,
    params: &Params,
    expected: &Expected,
) -> Option<String> {
    let actual = match mapping.request(params) {
        Err(error) => Expected::Refused {
            status: error.status().as_u16(),
        },
        Ok(parts) => {
            let mount: &ScriptName = parts.extensions.get().unwrap();
            let path = if parts.uri == "*" {
                ""
            } else {
                parts.uri.path()
            };
            let rule = mapping
                .head(params, &mut HeaderMap::new())
                .unwrap()
                .path_rule;
            Expected::Accepted {
                uri: parts.uri.to_string(),
                script_name: from_latin1(mount.as_bytes()),
                path_info: from_latin1(&percent_decoded(path)),
                rule: matches!(expected, Expected::Accepted { rule: Some(_), .. })
                    .then(|| rule.to_string()),
            }
        }
    };
    (actual != *expected).then(|| format!("{actual:?}, expected {expected:?}"))
}

type Fields = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

fn fields(parts: &request::Parts) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in &parts.headers {
        let name = name.as_str().as_bytes().to_vec();
        fields
            .entry(name)
            .or_default()
            .push(value.as_bytes().to_vec());
    }
    fields
}

fn by_name(headers: &[(Vec<u8>, Vec<u8>)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in headers {
        fields.entry(name.clone()).or_default().push(value.clone());
    }
    fields
}

struct Sent {
    id: u16,
    role: u16,
    params: Vec<u8>,
}

/// The requests in a stream of records, read as 3.3 draws them, so that no decoder of the crate is trusted.
fn walk(mut wire: &[u8]) -> Vec<Sent> {
    let mut sent: Vec<Sent> = Vec::new();
    while let [
        1,
        record_type,
        id_1,
        id_0,
        length_1,
        length_0,
        padding,
        _,
        rest @ ..,
    ] = wire
    {
        let id = u16::from_be_bytes([*id_1, *id_0]);
        let length = usize::from(u16::from_be_bytes([*length_1, *length_0]));
        // The last record of a connection that was cut is not whole.
        let Some(content) = rest.get(..length) else {
            break;
        };
        match (record_type, content) {
            (1, [role_1, role_0, ..]) => sent.push(Sent {
                id,
                role: u16::from_be_bytes([*role_1, *role_0]),
                params: Vec::new(),
            }),
            (4, content) => {
                let request = sent.iter_mut().rev().find(|request| request.id == id);
                request.unwrap().params.extend(content);
            }
            _ => {}
        }
        wire = rest
            .get(length + usize::from(*padding)..)
            .unwrap_or_default();
    }
    sent
}

#[test]
fn header_values_and_untouched_targets_share_the_buffer() {
    let params: Params = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/a%20b?c=d"),
        ("QUERY_STRING", "c=d"),
        ("HTTP_USER_AGENT", "a user agent"),
    ]
    .into_iter()
    .collect();
    let parts = Mapping::default().request(&params).unwrap();
    let buffer: &Bytes = params.as_bytes();
    let is_within = |slice: &[u8]| buffer.as_ptr_range().contains(&slice.as_ptr());
    assert!(is_within(parts.headers["user-agent"].as_bytes()));
    assert!(is_within(parts.uri.path().as_bytes()));
}

const REQUESTS: usize = 1004;
/// Uploads of which only the params were kept.
const WITHOUT_BYTES: usize = 5;
/// Complete requests for a responder.
const RESPONDED: usize = 984;
