//! How a request has ended: the exit status, and the line that says why.

use std::{error::Error, io, process::ExitCode};

use fastcgi_tower::client::{Address, ClientError};

use crate::error::explain;

/// The exit statuses that `--help` has, other than 0.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    Local = 1,
    Usage = 2,
    Unreachable = 3,
    Late = 4,
    NotFastCgi = 5,
    Refused = 6,
    NoResponse = 7,
    Status = 8,
    AppStatus = 9,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

impl Outcome {
    pub(super) fn of(error: &ClientError) -> Self {
        if error.is_connect() {
            Self::Unreachable
        } else if error.is_timeout() {
            Self::Late
        } else if error.is_protocol() {
            Self::NotFastCgi
        } else if error.is_refused() {
            Self::Refused
        } else {
            Self::NoResponse
        }
    }
}

/// Whether the application was there and did not answer, before the head of a response.
pub(super) fn is_silent(error: &ClientError) -> bool {
    (error.is_timeout() && !error.is_connect()) || error.is_incomplete_response()
}

pub(super) fn http(address: &Address) -> String {
    format!("{address} speaks HTTP, not FastCGI")
}

/// What has failed, in one line.
pub(super) fn line(address: &Address, error: &ClientError) -> String {
    if error.is_http() {
        return http(address);
    }
    let cause = error.source();
    if error.is_connect() {
        let connecting = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
        match connecting.map(|error| (error.kind(), error)) {
            Some((io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused, error)) => {
                return format!("nobody listens on {address}: {error}");
            }
            Some((_, error)) => return format!("cannot connect to {address}: {error}"),
            None => {}
        }
    }
    if error.is_protocol() {
        let cause = cause.map(explain).unwrap_or_default();
        return format!("{address} does not speak FastCGI: {cause}");
    }
    format!("{address}: {}", explain(error))
}
