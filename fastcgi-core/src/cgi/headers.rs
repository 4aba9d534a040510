//! `HTTP_*` meta-variables as the header fields they were.
//!
//! Whatever a client can send arrives under an `HTTP_` name; so no other variable may become a field, but for the three
//! that servers send apart (RFC 3875, 4.1.18).

use bytes::Bytes;

use super::error::InvalidRequest;
use super::fields::{FieldError, HeaderFields};
use super::hop_by_hop::is_always_hop_by_hop;
use super::host;
use super::left_out::{LeftOut, LeftOutReason};
use super::variables::Variables;
use crate::params::Params;

/// The header fields of a request, as they are found among its params.
///
/// Values share the buffer of the params.
pub(super) struct Headers<'a, 'f, F> {
    fields: CountedFields<'a, 'f, F>,
    // H-8: fields of which two would be a contradiction keep the last.
    host: &'a [u8],
    authorization: &'a [u8],
    content_type: &'a [u8],
    speller: Speller,
}

impl<'a, 'f, F: HeaderFields> Headers<'a, 'f, F> {
    pub(super) fn new(params: &'a Params, fields: &'f mut F) -> Self {
        Self {
            fields: CountedFields {
                params,
                fields,
                count: 0,
                left_out: Vec::new(),
            },
            host: b"",
            authorization: b"",
            content_type: b"",
            speller: Speller::default(),
        }
    }

    /// Adds what was sent as `HTTP_` and `name`.
    pub(super) fn add(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), InvalidRequest> {
        // H-11: a name that is no token is not passed on.
        let Some(spelled) = self.speller.field_name(name) else {
            self.fields.leave_out(name, LeftOutReason::InvalidName);
            return Ok(());
        };
        let value = trim(value);
        match spelled {
            b"host" => self.fields.keep_last(spelled, &mut self.host, value),
            b"authorization" => self
                .fields
                .keep_last(spelled, &mut self.authorization, value),
            b"content-type" => self
                .fields
                .keep_last(spelled, &mut self.content_type, value),
            // H-5: these describe the client's connection, which ended in the web server. What `connection` nominates
            // stays: the web server may have set it, and a client could delete it otherwise.
            spelled if is_always_hop_by_hop(spelled) => {}
            // H-4: the client's claim; the server's count is in CONTENT_LENGTH.
            b"content-length" => {}
            // H-7: httpoxy. No request has such a field, but child processes obey the variable.
            b"proxy" => {}
            // H-12
            b"cookie" if value.is_empty() => {}
            spelled => return self.fields.push(spelled, value),
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
            self.fields.push_host(host)?;
        }
        // H-6, H-12: the rewrite idiom for Apache sets it empty when there are no credentials.
        let authorization = match self.authorization {
            b"" => trim(variables.auth.first()),
            authorization => authorization,
        };
        self.fields
            .push_unless_empty(b"authorization", authorization)?;
        // H-3: CONTENT_TYPE decides when it is there, even empty.
        let content_type = variables.content_type.map_or(self.content_type, trim);
        self.fields
            .push_unless_empty(b"content-type", content_type)?;
        // H-4
        if let Some(length) = self.fields.params.content_length()? {
            self.fields
                .push_owned(b"content-length", length.to_string().into())?;
        }
        Ok(self.fields.left_out)
    }

    /// T-18, H-10
    fn host(&self, variables: &Variables<'a>) -> Option<Bytes> {
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
    fn leave_out(&mut self, name: &[u8], reason: LeftOutReason) {
        let name = Bytes::copy_from_slice(name);
        self.left_out.push(LeftOut { name, reason });
    }

    /// H-8: the last of several is the operator's.
    fn keep_last<'v>(&mut self, name: &[u8], kept: &mut &'v [u8], value: &'v [u8]) {
        if !kept.is_empty() && *kept != value {
            self.leave_out(name, LeftOutReason::Repeated);
        }
        *kept = value;
    }

    fn push_unless_empty(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidRequest> {
        if value.is_empty() {
            Ok(())
        } else {
            self.push(name, value)
        }
    }

    fn push(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidRequest> {
        self.push_owned(name, self.params.share(value))
    }

    /// H-10: only control characters are refused; the other bytes stay what they are, UTF-8 or not.
    fn push_owned(&mut self, name: &[u8], value: Bytes) -> Result<(), InvalidRequest> {
        match self.append(name, value) {
            Ok(()) => Ok(()),
            Err(FieldError::Invalid) => {
                self.leave_out(name, LeftOutReason::InvalidValue);
                Ok(())
            }
            Err(FieldError::Full) => Err(InvalidRequest::TooManyHeaders),
        }
    }

    /// A request cannot do without its host.
    fn push_host(&mut self, host: Bytes) -> Result<(), InvalidRequest> {
        self.append(b"host", host).map_err(|error| match error {
            FieldError::Full => InvalidRequest::TooManyHeaders,
            FieldError::Invalid => InvalidRequest::Host,
        })
    }

    /// H-8: several of one name stay several, in their order.
    fn append(&mut self, name: &[u8], value: Bytes) -> Result<(), FieldError> {
        if self.count >= MAX_HEADERS {
            return Err(FieldError::Full);
        }
        self.fields.append(name, value)?;
        self.count += 1;
        Ok(())
    }
}

/// Where names are spelled as header fields have them, one after the other.
struct Speller {
    short: [u8; 64],
    long: Vec<u8>,
}

impl Default for Speller {
    fn default() -> Self {
        Self {
            short: [0; 64],
            long: Vec::new(),
        }
    }
}

impl Speller {
    /// H-1: `_` stands for `-`. A dot stays a dot: PHP folds it, and so confuses `X.User` with `X-User`. H-11: `None` for
    /// what is no token.
    fn field_name(&mut self, name: &[u8]) -> Option<&[u8]> {
        let spelled = match self.short.get_mut(..name.len()) {
            Some(short) => short,
            None => {
                self.long.resize(name.len(), 0);
                &mut self.long
            }
        };
        let mut is_token = !name.is_empty();
        for (to, from) in spelled.iter_mut().zip(name) {
            *to = FIELD_NAME.get(usize::from(*from)).map_or(0, |byte| *byte);
            is_token &= *to != 0;
        }
        is_token.then_some(spelled)
    }
}

/// What becomes of each byte of a name; 0 where it cannot be in one (RFC 9110, 5.6.2).
static FIELD_NAME: [u8; 256] = field_name_table();

#[expect(clippy::indexing_slicing, reason = "checked when this is compiled")]
const fn field_name_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'_' => b'-',
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => byte.to_ascii_lowercase(),
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'`' | b'|' | b'~' => byte,
            _ => 0,
        };
        byte += 1;
    }
    table
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
