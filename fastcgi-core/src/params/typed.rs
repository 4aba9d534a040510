//! Single params as types of their own, for frameworks whose handlers ask for what they need by its type.

use std::{error::Error, fmt};

use http::StatusCode;

use super::{ClientCertificate, Params};

/// What can be read of [`Params`], or is the reason to refuse a request.
///
/// The types that implement it are extractors in axum-fastcgi, and fastcgi-actix has extractors of the same names.
pub trait FromParams: Sized {
    /// Reads it.
    ///
    /// # Errors
    ///
    /// When it is absent or invalid: [`MissingParam::status`] says how to answer then.
    fn from_params(params: &Params) -> Result<Self, MissingParam>;
}

/// A param that a request cannot be answered without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingParam {
    name: &'static str,
    status: StatusCode,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Absent,
    Invalid,
    Unverified,
}

impl MissingParam {
    fn new(name: &'static str, status: StatusCode, fault: Fault) -> Self {
        Self {
            name,
            status,
            fault,
        }
    }

    /// The name of the param.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The status to answer with: 401 where the user is not known, 403 where there is no certificate that was verified, and
    /// 500 for what the web server should have sent. A value that is not UTF-8, or no number, is 400 where it comes from the
    /// client.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the param is absent or empty, and not invalid.
    pub fn is_absent(&self) -> bool {
        self.fault == Fault::Absent
    }
}

impl fmt::Display for MissingParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Absent => "is absent",
            Fault::Invalid => "is invalid",
            Fault::Unverified => "is not SUCCESS",
        };
        write!(f, "{} {fault}", self.name)
    }
}

impl Error for MissingParam {}

/// A param that is a text.
macro_rules! text {
    (
        $(#[$doc:meta])*
        $type:ident, $name:literal, $method:ident, absent: $absent:ident, invalid: $invalid:ident
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $type(String);

        impl $type {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl FromParams for $type {
            fn from_params(params: &Params) -> Result<Self, MissingParam> {
                let value = params.$method().ok_or_else(|| {
                    MissingParam::new($name, StatusCode::$absent, Fault::Absent)
                })?;
                let text = std::str::from_utf8(value).map_err(|_| {
                    MissingParam::new($name, StatusCode::$invalid, Fault::Invalid)
                })?;
                Ok(Self(text.to_owned()))
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// The user that the web server has authenticated: [`Params::remote_user`]. Absent: 401.
    ///
    /// Where nginx sends `REMOTE_USER` and `auth_basic` is off, it is a name that the client has chosen (C-5).
    RemoteUser, "REMOTE_USER", remote_user, absent: UNAUTHORIZED, invalid: BAD_REQUEST
}

text! {
    /// How the web server has authenticated the user: [`Params::auth_type`]. Absent: 401.
    AuthType, "AUTH_TYPE", auth_type, absent: UNAUTHORIZED, invalid: INTERNAL_SERVER_ERROR
}

text! {
    /// The directory of the site: [`Params::document_root`]. Absent: 500.
    DocumentRoot, "DOCUMENT_ROOT", document_root,
    absent: INTERNAL_SERVER_ERROR, invalid: INTERNAL_SERVER_ERROR
}

text! {
    /// The file that the request is for: [`Params::script_filename`]. Absent: 500.
    ScriptFilename, "SCRIPT_FILENAME", script_filename,
    absent: INTERNAL_SERVER_ERROR, invalid: BAD_REQUEST
}

text! {
    /// The name of the server: [`Params::server_name`]. Absent: 500.
    ServerName, "SERVER_NAME", server_name,
    absent: INTERNAL_SERVER_ERROR, invalid: BAD_REQUEST
}

/// The port at which the client was accepted: [`Params::server_port`]. Absent: 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServerPort(u16);

impl ServerPort {
    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl FromParams for ServerPort {
    fn from_params(params: &Params) -> Result<Self, MissingParam> {
        const NAME: &str = "SERVER_PORT";
        let fault = match params.server_port() {
            Some(port) => return Ok(Self(port)),
            None if params.not_empty(NAME).is_some() => Fault::Invalid,
            None => Fault::Absent,
        };
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Err(MissingParam::new(NAME, status, fault))
    }
}

/// Only one that was verified. Else: 403.
impl FromParams for ClientCertificate {
    fn from_params(params: &Params) -> Result<Self, MissingParam> {
        let fault = match params.client_certificate() {
            Some(certificate) if certificate.is_verified() => return Ok(certificate),
            Some(_) => Fault::Unverified,
            None => Fault::Absent,
        };
        let status = StatusCode::FORBIDDEN;
        Err(MissingParam::new("SSL_CLIENT_VERIFY", status, fault))
    }
}
