//! `HTTP_*` meta-variables as the header fields they were.
//!
//! Whatever a client can send arrives under an `HTTP_` name; so no other variable may become a field, but for the three
//! that servers send apart (RFC 3875, 4.1.18).

use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::error::InvalidRequest;
use super::hop_by_hop::is_always_hop_by_hop;
use super::host;
use super::variables::Variables;
use crate::Params;

/// The header fields of a request, as they are found among its params.
///
/// Values share the buffer of the params.
pub(super) struct Headers<'a> {
    params: &'a Params,
    map: HeaderMap,
    // H-8: fields of which two would be a contradiction keep the last.
    host: &'a [u8],
    authorization: &'a [u8],
    content_type: Option<&'a [u8]>,
    /// The values of `connection` that may nominate other fields.
    connection: Vec<&'a [u8]>,
}

impl<'a> Headers<'a> {
    pub(super) fn new(params: &'a Params) -> Self {
        Self {
            params,
            map: HeaderMap::with_capacity(USUAL_HEADERS),
            host: b"",
            authorization: b"",
            content_type: None,
            connection: Vec::new(),
        }
    }

    /// Adds what was sent as `HTTP_` and `name`.
    pub(super) fn add(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), InvalidRequest> {
        // H-11: a name that is no token is not passed on.
        let Some(name) = header_name(name) else {
            return Ok(());
        };
        let value = trim(value);
        match name.as_str() {
            "host" => self.host = value,
            "authorization" => self.authorization = value,
            "content-type" => self.content_type = Some(value),
            "connection" => self.add_connection(value),
            // H-5: these describe the client's connection, which ended in the web server.
            name if is_always_hop_by_hop(name) => {}
            // H-4: the client's claim; the server's count is in CONTENT_LENGTH.
            "content-length" => {}
            // H-7: httpoxy. No request has such a field, but child processes obey the variable.
            "proxy" => {}
            // H-12
            "cookie" if value.is_empty() => {}
            _ => return self.push(name, value),
        }
        Ok(())
    }

    /// All fields, with those that come from elsewhere.
    pub(super) fn finish(mut self, variables: &Variables<'a>) -> Result<HeaderMap, InvalidRequest> {
        self.remove_nominated();

        if let Some(host) = self.host(variables)? {
            self.push_value(HOST, host)?;
        }
        // H-6, H-12: the rewrite idiom for Apache sets it empty when there are no credentials.
        let authorization = match self.authorization {
            b"" => trim(variables.auth.first()),
            authorization => authorization,
        };
        self.push_unless_empty(AUTHORIZATION, authorization)?;
        // H-3: CONTENT_TYPE decides when it is there, even empty.
        let content_type = variables.content_type.map(trim).or(self.content_type);
        self.push_unless_empty(CONTENT_TYPE, content_type.unwrap_or_default())?;
        // H-4
        if let Some(length) = variables.content_length.bytes() {
            self.push_value(CONTENT_LENGTH, length.into())?;
        }
        Ok(self.map)
    }

    fn add_connection(&mut self, value: &'a [u8]) {
        let nominates_none = [&b""[..], b"close", b"keep-alive"]
            .iter()
            .any(|usual| value.eq_ignore_ascii_case(usual));
        if !nominates_none {
            self.connection.push(value);
        }
    }

    /// H-5: `connection` nominates other fields that end with it.
    fn remove_nominated(&mut self) {
        for option in self
            .connection
            .iter()
            .flat_map(|value| value.split(|&byte| byte == b','))
        {
            if let Ok(name) = HeaderName::from_bytes(trim(option)) {
                if !is_of_proxies(name.as_str()) {
                    self.map.remove(name);
                }
            }
        }
    }

    /// T-18, H-10
    fn host(&self, variables: &Variables<'a>) -> Result<Option<HeaderValue>, InvalidRequest> {
        let host = if self.host.is_empty() {
            host::from_server(variables).map(HeaderValue::from_maybe_shared)
        } else {
            Some(HeaderValue::from_maybe_shared(self.params.share(self.host)))
        };
        host.transpose().map_err(|_| InvalidRequest::Host)
    }

    fn push_unless_empty(&mut self, name: HeaderName, value: &[u8]) -> Result<(), InvalidRequest> {
        if value.is_empty() {
            Ok(())
        } else {
            self.push(name, value)
        }
    }

    fn push(&mut self, name: HeaderName, value: &[u8]) -> Result<(), InvalidRequest> {
        // H-10: only control characters are refused; the other bytes stay what they are, UTF-8 or not.
        match HeaderValue::from_maybe_shared(self.params.share(value)) {
            Ok(value) => self.push_value(name, value),
            Err(_) => Ok(()),
        }
    }

    /// H-8: several of one name stay several, in their order.
    fn push_value(&mut self, name: HeaderName, value: HeaderValue) -> Result<(), InvalidRequest> {
        if self.map.len() >= MAX_HEADERS {
            return Err(InvalidRequest::TooManyHeaders);
        }
        self.map
            .try_append(name, value)
            .map_err(|_| InvalidRequest::TooManyHeaders)?;
        Ok(())
    }
}

/// H-1: `_` stands for `-`. A dot stays a dot: PHP folds it, and so confuses `X.User` with `X-User`.
fn header_name(name: &[u8]) -> Option<HeaderName> {
    let dash = |&byte: &u8| if byte == b'_' { b'-' } else { byte };
    let mut buffer = [0; 64];
    let Some(short) = buffer.get_mut(..name.len()) else {
        let long: Vec<u8> = name.iter().map(dash).collect();
        return HeaderName::from_bytes(&long).ok();
    };
    for (to, from) in short.iter_mut().zip(name) {
        *to = dash(from);
    }
    HeaderName::from_bytes(short).ok()
}

/// H-5: what proxies say about the client is kept. A client that nominated it would otherwise hide itself, as it could
/// from applications behind Apache (CVE-2022-31813).
fn is_of_proxies(name: &str) -> bool {
    matches!(name, "forwarded" | "via" | "x-real-ip") || name.starts_with("x-forwarded-")
}

/// H-10: h2o leaves blanks at the end. Not `trim_ascii`, which would hide line breaks.
fn trim(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// More than browsers send, and what `HeaderMap` can hold without growing.
const USUAL_HEADERS: usize = 24;

/// hyper's own limit is 100, but a web server in front has had its say already.
const MAX_HEADERS: usize = 256;
