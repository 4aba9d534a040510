//! `HTTP_*` meta-variables as the header fields they were.
//!
//! Whatever a client can send arrives under an `HTTP_` name; so no other variable may become a field, but for the three
//! that servers send apart (RFC 3875, 4.1.18).

use bytes::Bytes;

use super::error::InvalidRequest;
use super::fields::{FieldError, HeaderFields};
use super::host;
use super::left_out::{LeftOut, LeftOutReason};
use super::names::{self, Kind, Name, Names};
use super::variables::Variables;
use crate::params::Params;

/// The header fields of a request, as they are found among its params.
///
/// Values share the buffer of the params.
pub(super) struct Headers<'a, 'f, F: HeaderFields> {
    names: &'f mut Names<F::Name>,
    fields: CountedFields<'a, 'f, F>,
    /// `host`, once it was looked up for an `HTTP_HOST`.
    host_name: Option<F::Name>,
    // H-8: fields of which two would be a contradiction keep the last.
    host: &'a [u8],
    authorization: &'a [u8],
    content_type: &'a [u8],
}

impl<'a, 'f, F: HeaderFields> Headers<'a, 'f, F> {
    pub(super) fn new(
        params: &'a Params,
        names: &'f mut Names<F::Name>,
        fields: &'f mut F,
    ) -> Self {
        Self {
            names,
            fields: CountedFields {
                params,
                fields,
                count: 0,
                left_out: Vec::new(),
            },
            host_name: None,
            host: b"",
            authorization: b"",
            content_type: b"",
        }
    }

    /// Adds what was sent as `HTTP_` and `raw`.
    pub(super) fn add(&mut self, raw: &[u8], value: &'a [u8]) -> Result<(), InvalidRequest> {
        let Some(Name { name, kind }) = self.names.name(raw) else {
            self.fields
                .leave_out(Bytes::copy_from_slice(raw), LeftOutReason::InvalidName);
            return Ok(());
        };
        let value = trim(value);
        match kind {
            Kind::Host => {
                self.host_name = Some(name);
                self.fields.keep_last(raw, &mut self.host, value);
            }
            Kind::Authorization => self.fields.keep_last(raw, &mut self.authorization, value),
            Kind::ContentType => self.fields.keep_last(raw, &mut self.content_type, value),
            Kind::Dropped => {}
            // H-12
            Kind::Cookie if value.is_empty() => {}
            Kind::Cookie | Kind::Other => {
                let value = self.fields.params.share(value);
                if let Err(error) = self.fields.append(name, value) {
                    return self.fields.left_out_for(raw, error);
                }
            }
        }
        Ok(())
    }

    /// Adds the fields that come from elsewhere, and those that had to wait; returns what was left out. `host` is that of
    /// a request target in absolute form.
    pub(super) fn finish(
        mut self,
        variables: &Variables<'a>,
        host: Option<Bytes>,
    ) -> Result<Vec<LeftOut>, InvalidRequest> {
        // T-3
        if let Some(host) = host.or_else(|| self.host(variables)) {
            self.push_host(host)?;
        }
        // H-6, H-12: the rewrite idiom for Apache sets it empty when there are no credentials.
        let authorization = match self.authorization {
            b"" => trim(variables.auth.first()),
            authorization => authorization,
        };
        self.push(b"AUTHORIZATION", authorization)?;
        // H-3: CONTENT_TYPE decides when it is there, even empty.
        let content_type = variables.content_type.map_or(self.content_type, trim);
        self.push(b"CONTENT_TYPE", content_type)?;
        // H-4
        if let Some(length) = self.fields.params.content_length()? {
            let length = length.to_string().into();
            self.push_owned(b"CONTENT_LENGTH", length)?;
        }
        Ok(self.fields.left_out)
    }

    /// Adds a field, whose name is that of a param without `HTTP_`, unless its value is empty.
    fn push(&mut self, raw: &[u8], value: &[u8]) -> Result<(), InvalidRequest> {
        if value.is_empty() {
            Ok(())
        } else {
            self.push_owned(raw, self.fields.params.share(value))
        }
    }

    fn push_owned(&mut self, raw: &[u8], value: Bytes) -> Result<(), InvalidRequest> {
        let result = self.append(raw, value);
        result.or_else(|error| self.fields.left_out_for(raw, error))
    }

    /// A request cannot do without its host.
    fn push_host(&mut self, host: Bytes) -> Result<(), InvalidRequest> {
        let appended = match self.host_name.take() {
            Some(name) => self.fields.append(name, host),
            None => self.append(b"HOST", host),
        };
        appended.map_err(|error| match error {
            FieldError::Full => InvalidRequest::TooManyHeaders,
            FieldError::Invalid => InvalidRequest::Host,
        })
    }

    fn append(&mut self, raw: &[u8], value: Bytes) -> Result<(), FieldError> {
        let name = self.names.name(raw).ok_or(FieldError::Invalid)?;
        self.fields.append(name.name, value)
    }

    /// T-18, H-10
    pub(super) fn host(&self, variables: &Variables<'a>) -> Option<Bytes> {
        match self.host {
            b"" => host::from_server(variables),
            host if host::is_pattern_of_server(host, variables) => None,
            host => Some(self.fields.params.share(host)),
        }
    }
}

/// The map that the fields go into, how many went, and what did not.
struct CountedFields<'a, 'f, F> {
    params: &'a Params,
    fields: &'f mut F,
    count: usize,
    /// At most one for each param.
    left_out: Vec<LeftOut>,
}

impl<F: HeaderFields> CountedFields<'_, '_, F> {
    fn leave_out(&mut self, name: Bytes, reason: LeftOutReason) {
        self.left_out.push(LeftOut { name, reason });
    }

    /// H-8: the last of several is the operator's.
    fn keep_last<'v>(&mut self, raw: &[u8], kept: &mut &'v [u8], value: &'v [u8]) {
        if !kept.is_empty() && *kept != value {
            self.leave_out(names::spelled(raw), LeftOutReason::Repeated);
        }
        *kept = value;
    }

    /// H-10: only control characters are refused; the other bytes stay what they are, UTF-8 or not.
    fn left_out_for(&mut self, raw: &[u8], error: FieldError) -> Result<(), InvalidRequest> {
        match error {
            FieldError::Invalid => {
                self.leave_out(names::spelled(raw), LeftOutReason::InvalidValue);
                Ok(())
            }
            FieldError::Full => Err(InvalidRequest::TooManyHeaders),
        }
    }

    /// H-8: several of one name stay several, in their order.
    fn append(&mut self, name: F::Name, value: Bytes) -> Result<(), FieldError> {
        if self.count >= MAX_HEADERS {
            return Err(FieldError::Full);
        }
        self.fields.append(name, value)?;
        self.count += 1;
        Ok(())
    }
}

/// H-10: h2o leaves blanks at the end. Not `trim_ascii`, which would hide line breaks.
fn trim(value: &[u8]) -> &[u8] {
    let mut value = value;
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// hyper's own limit is 100, but a web server in front has had its say already.
const MAX_HEADERS: usize = 256;
