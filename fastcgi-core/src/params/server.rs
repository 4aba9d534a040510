//! Web servers that have to be known by name.
//!
//! What they do differently is in the rules; what it means is decided where a rule needs it.

/// Which web server sent the params, by the beginning of `SERVER_SOFTWARE` (T-1: of the last one).
///
/// An operator can change that name, so nothing may become unsafe when it is another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Server {
    Apache,
    Caddy,
    H2o,
    HaProxy,
    Iis,
    Lighttpd,
    /// nginx, or Angie.
    Nginx,
    /// Any other, or one that does not say.
    #[default]
    Other,
}

/// How mod_proxy_fcgi begins `SCRIPT_FILENAME`.
pub(crate) const PROXIED: &[u8] = b"proxy:";

impl Server {
    /// T-6: whether paths come with all their escapes decoded. Apache leaves some, or all, by its settings.
    pub(crate) fn decodes_wholly(self) -> bool {
        match self {
            Self::Caddy | Self::H2o | Self::HaProxy | Self::Lighttpd | Self::Nginx => true,
            Self::Apache | Self::Iis | Self::Other => false,
        }
    }

    /// Whether this is Apache's mod_fcgid: mod_proxy_fcgi sends a URL as `SCRIPT_FILENAME`, mod_fcgid a file.
    pub(crate) fn is_mod_fcgid(self, script_filename: &[u8]) -> bool {
        self == Self::Apache && !script_filename.starts_with(PROXIED)
    }

    pub(crate) fn named(software: &[u8]) -> Self {
        [
            (&b"nginx"[..], Self::Nginx),
            (b"Angie", Self::Nginx),
            (b"Apache", Self::Apache),
            (b"lighttpd", Self::Lighttpd),
            (b"Caddy", Self::Caddy),
            (b"h2o/", Self::H2o),
            (b"HAProxy", Self::HaProxy),
            (b"Microsoft-IIS", Self::Iis),
        ]
        .into_iter()
        .find_map(|(name, server)| software.starts_with(name).then_some(server))
        .unwrap_or(Self::Other)
    }
}
