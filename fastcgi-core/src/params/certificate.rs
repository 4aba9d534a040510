//! The certificate that a client has shown to the web server.

use std::{borrow::Cow, fmt};

use percent_encoding::percent_decode;

use super::Params;

/// The certificate with which a client has identified itself over TLS.
///
/// These are the names that Apache (`SSLOptions +StdEnvVars +ExportCertData`) and lighttpd give the params, and nginx gives
/// its variables. nginx, HAProxy and Caddy send none of them by themselves: `docs/web-servers.md` has the lines for each.
///
/// | what | params, the first that is not empty |
/// |---|---|
/// | [`subject`](Self::subject) | `SSL_CLIENT_S_DN` |
/// | [`issuer`](Self::issuer) | `SSL_CLIENT_I_DN` |
/// | [`serial`](Self::serial) | `SSL_CLIENT_M_SERIAL`, `SSL_CLIENT_SERIAL` |
/// | [`is_verified`](Self::is_verified) | `SSL_CLIENT_VERIFY` |
/// | [`pem`](Self::pem) | `SSL_CLIENT_CERT`, `SSL_CLIENT_RAW_CERT`, `SSL_CLIENT_ESCAPED_CERT` |
///
/// `Debug` says whether it is verified, and nothing else.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ClientCertificate {
    params: Params,
}

const SUBJECT: &[&str] = &["SSL_CLIENT_S_DN"];
const ISSUER: &[&str] = &["SSL_CLIENT_I_DN"];
const SERIAL: &[&str] = &["SSL_CLIENT_M_SERIAL", "SSL_CLIENT_SERIAL"];
const VERIFY: &str = "SSL_CLIENT_VERIFY";
const PEM: &[&str] = &[
    "SSL_CLIENT_CERT",
    "SSL_CLIENT_RAW_CERT",
    "SSL_CLIENT_ESCAPED_CERT",
];

impl Params {
    /// The certificate of the client; `None` where it has shown none, or nothing is known of it.
    ///
    /// It is there also if the web server could not verify it: see [`ClientCertificate::is_verified`].
    pub fn client_certificate(&self) -> Option<ClientCertificate> {
        // nginx and Apache say NONE where there is no certificate.
        let is_shown = match self.not_empty(VERIFY) {
            Some(verify) => verify != b"NONE",
            None => [SUBJECT, ISSUER, SERIAL, PEM]
                .iter()
                .any(|names| self.first_of(names).is_some()),
        };
        is_shown.then(|| ClientCertificate {
            params: self.clone(),
        })
    }

    fn first_of(&self, names: &[&str]) -> Option<&[u8]> {
        names.iter().find_map(|name| self.not_empty(name))
    }
}

impl ClientCertificate {
    /// Whether the web server has verified it: `SSL_CLIENT_VERIFY` is `SUCCESS`.
    ///
    /// It is not where Apache's `SSLVerifyClient optional_no_ca` has let it pass unseen (`GENEROUS`), or where verifying it
    /// failed (`FAILED:reason`); nor where that param is absent.
    pub fn is_verified(&self) -> bool {
        self.params.get(VERIFY) == Some(b"SUCCESS")
    }

    /// The distinguished name of the subject, such as `CN=ann,O=Example` (RFC 2253); Apache can be set to write it with
    /// slashes.
    pub fn subject(&self) -> Option<&[u8]> {
        self.params.first_of(SUBJECT)
    }

    /// The distinguished name of the issuer.
    pub fn issuer(&self) -> Option<&[u8]> {
        self.params.first_of(ISSUER)
    }

    /// The serial number, in hexadecimal digits; in Caddy, in decimal ones.
    pub fn serial(&self) -> Option<&[u8]> {
        self.params.first_of(SERIAL)
    }

    /// The certificate in PEM, with a line break after each line.
    ///
    /// nginx's `$ssl_client_cert` has a tab in front of each line but the first, `$ssl_client_escaped_cert` is
    /// percent-encoded, and HAProxy's `ssl_c_der,base64` has neither lines nor an armour: here all of them have the same
    /// form. `None` where the param has another form.
    pub fn pem(&self) -> Option<String> {
        let sent = self.params.first_of(PEM)?;
        let sent = if sent.starts_with(b"-----BEGIN%20") {
            Cow::from(percent_decode(sent))
        } else {
            Cow::Borrowed(sent)
        };
        let text = std::str::from_utf8(&sent).ok()?.trim();
        let base64 = match text.strip_prefix(BEGIN) {
            Some(rest) => rest.split(END).next()?,
            None => text,
        };
        armoured(base64)
    }
}

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// RFC 7468, 2.
const LINE: usize = 64;

fn armoured(base64: &str) -> Option<String> {
    let is_white = |c: char| c.is_ascii_whitespace();
    let digits: Vec<char> = base64.chars().filter(|&c| !is_white(c)).collect();
    let is_digit = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    if digits.is_empty() || !digits.iter().all(is_digit) {
        return None;
    }
    let mut pem = format!("{BEGIN}\n");
    for line in digits.chunks(LINE) {
        pem.extend(line);
        pem.push('\n');
    }
    pem.push_str(END);
    pem.push('\n');
    Some(pem)
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("is_verified", &self.is_verified())
            .finish_non_exhaustive()
    }
}
