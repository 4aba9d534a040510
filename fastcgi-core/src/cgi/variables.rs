//! The meta-variables that say something about the request itself.
//!
//! Finding each by its name would walk the params twenty times; one walk sorts them into fields.

/// Single-valued meta-variables (RFC 3875, 4.1). T-1: the last of several wins.
#[derive(Default)]
pub(super) struct Variables<'a> {
    pub(super) auth: Fallbacks<'a>,
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) context_document_root: Option<&'a [u8]>,
    pub(super) context_prefix: Option<&'a [u8]>,
    pub(super) document_root: Option<&'a [u8]>,
    pub(super) document_uri: Option<&'a [u8]>,
    pub(super) https: Option<&'a [u8]>,
    pub(super) path_info: Option<&'a [u8]>,
    pub(super) query_string: Option<&'a [u8]>,
    pub(super) redirect_redirect_status: Option<&'a [u8]>,
    pub(super) redirect_status: Option<&'a [u8]>,
    pub(super) redirect_url: Option<&'a [u8]>,
    pub(super) request_method: Option<&'a [u8]>,
    pub(super) request_scheme: Option<&'a [u8]>,
    pub(super) request_uri: Option<&'a [u8]>,
    pub(super) script_filename: Option<&'a [u8]>,
    pub(super) script_name: Option<&'a [u8]>,
    pub(super) server_name: Option<&'a [u8]>,
    pub(super) server_port: Option<&'a [u8]>,
    pub(super) server_protocol: Option<&'a [u8]>,
    pub(super) unencoded_url: Option<&'a [u8]>,
}

impl<'a> Variables<'a> {
    pub(super) fn set(&mut self, name: &[u8], value: &'a [u8]) {
        let variable = match name {
            b"CONTENT_TYPE" => &mut self.content_type,
            b"CONTEXT_DOCUMENT_ROOT" => &mut self.context_document_root,
            b"CONTEXT_PREFIX" => &mut self.context_prefix,
            b"DOCUMENT_ROOT" => &mut self.document_root,
            b"DOCUMENT_URI" => &mut self.document_uri,
            b"HTTPS" => &mut self.https,
            b"PATH_INFO" => &mut self.path_info,
            b"QUERY_STRING" => &mut self.query_string,
            b"REDIRECT_REDIRECT_STATUS" => &mut self.redirect_redirect_status,
            b"REDIRECT_STATUS" => &mut self.redirect_status,
            b"REDIRECT_URL" => &mut self.redirect_url,
            b"REQUEST_METHOD" => &mut self.request_method,
            b"REQUEST_SCHEME" => &mut self.request_scheme,
            b"REQUEST_URI" => &mut self.request_uri,
            b"SCRIPT_FILENAME" => &mut self.script_filename,
            b"SCRIPT_NAME" => &mut self.script_name,
            b"SERVER_NAME" => &mut self.server_name,
            b"SERVER_PORT" => &mut self.server_port,
            b"SERVER_PROTOCOL" => &mut self.server_protocol,
            b"UNENCODED_URL" => &mut self.unencoded_url,
            _ => {
                self.auth.set(name, value);
                return;
            }
        };
        *variable = Some(value);
    }
}

/// H-6: where Apache leaves `Authorization` when it keeps it out of `HTTP_AUTHORIZATION`.
#[derive(Default)]
pub(super) struct Fallbacks<'a> {
    /// `Authorization`, which mod_fcgid's `FcgidPassHeader` makes.
    verbatim: &'a [u8],
    /// `REDIRECT_HTTP_AUTHORIZATION`, and how long that name was: each internal redirect puts `REDIRECT_` in front.
    redirected: (usize, &'a [u8]),
}

impl<'a> Fallbacks<'a> {
    fn set(&mut self, name: &[u8], value: &'a [u8]) {
        if name == b"Authorization" {
            self.verbatim = value;
            return;
        }
        let mut original = name;
        while let Some(rest) = original.strip_prefix(b"REDIRECT_") {
            original = rest;
        }
        let (length, earlier) = self.redirected;
        if original == b"HTTP_AUTHORIZATION"
            && !value.is_empty()
            && (earlier.is_empty() || name.len() <= length)
        {
            self.redirected = (name.len(), value);
        }
    }

    /// The first that is not empty; empty when none is.
    pub(super) fn first(&self) -> &'a [u8] {
        match (self.verbatim, self.redirected) {
            ([], (_, redirected)) => redirected,
            (verbatim, _) => verbatim,
        }
    }
}
