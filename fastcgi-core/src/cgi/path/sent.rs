//! What the web server says about the path, without the habits of single web servers (T-2, T-3).

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;

use super::align::{self, Alignment};
use super::proxied;
use super::script;
use super::target::{RequestTarget, Spelling};
use crate::cgi::error::InvalidRequest;
use crate::cgi::percent;
use crate::cgi::script_name::ScriptName;
use crate::cgi::variables::Variables;
use crate::params::{Params, server::Server};

/// The variables that say something about the path. The names of docs/rules.md are in parentheses.
pub(super) struct Sent<'a> {
    params: &'a Params,
    pub(super) variables: &'a Variables<'a>,
    pub(super) server: Server,
    /// Whether this is plain CGI: then the program named by `SCRIPT_NAME` is this one.
    pub(super) is_cgi: bool,
    pub(super) target: RequestTarget<'a>,
    spelling: Spelling,
    /// `SCRIPT_NAME` (S), or what takes its place.
    pub(super) script_name: &'a [u8],
    /// `PATH_INFO` (I), or what takes its place; empty, or begins with a slash.
    pub(super) path_info: Cow<'a, [u8]>,
    /// The path in the URL of mod_proxy_fcgi (P), decoded; empty when there is none.
    pub(super) proxied: Vec<u8>,
    /// The same as it was sent.
    pub(super) raw_proxied: &'a [u8],
    /// Whether the path that Caddy gave was not below the mount that it gave.
    pub(super) is_beside_mount: bool,
}

impl<'a> Sent<'a> {
    pub(super) fn new(
        params: &'a Params,
        variables: &'a Variables<'a>,
        is_cgi: bool,
    ) -> Result<Self, InvalidRequest> {
        let server = params.server();
        let mut uri = variables.request_uri.unwrap_or_default();
        if server == Server::Iis {
            // T-2: REQUEST_URI does not survive its rewrites.
            uri = variables
                .unencoded_url
                .filter(|url| !url.is_empty())
                .unwrap_or(uri);
        }
        let target = RequestTarget::parse(uri);
        let mut sent = Self {
            params,
            variables,
            server,
            is_cgi,
            spelling: target.spelling(),
            target,
            script_name: variables.script_name.unwrap_or_default(),
            path_info: variables.path_info.unwrap_or_default().into(),
            proxied: Vec::new(),
            raw_proxied: b"",
            is_beside_mount: false,
        };
        if server == Server::H2o && sent.target.authority.is_some() {
            // T-3: h2o does not take an absolute form apart, and routes by the whole of it.
            sent.target.authority = None;
            sent.spelling = Spelling::Absent;
        }
        sent.clean()?;
        // T-5: web servers authorise the path without dot segments. To route the one with them would pass by that.
        if sent.is_dotted_and_meant() {
            return Err(InvalidRequest::DotSegment);
        }
        if sent.is_cut_off() {
            return Err(InvalidRequest::LineFeed);
        }
        Ok(sent)
    }

    /// Where mod_proxy_fcgi would have sent the request as HTTP, unless that is where a file would be.
    pub(super) fn read_proxied(&mut self) {
        let Some(raw) = proxied::raw_path(self.script_filename()) else {
            return;
        };
        let path: Vec<u8> = percent::decode(raw).collect();
        let info = &*self.path_info;
        let is_path_info = align::is_same(raw, info) || align::is_same(&path, info);
        let is_of_script = self.script_name.ends_with(&path);
        let has_root = !self.script_name.is_empty() && self.variables.document_root.is_some();
        let is_file = || {
            let is_unknown = !info.is_empty() && !has_root;
            is_unknown || self.is_file_of_script(raw) || self.is_file_of_script(&path)
        };
        if !is_of_script && is_file() {
            return;
        }
        if is_of_script || !is_path_info {
            // An operator has set it to the same path; or it is a part of the path before a rule in a directory.
            self.path_info = Cow::default();
        }
        self.proxied = path;
        self.raw_proxied = raw;
    }

    /// Whether `file` is where Apache would look for the file of `SCRIPT_NAME`.
    pub(super) fn is_file_of_script(&self, file: &[u8]) -> bool {
        let variables = self.variables;
        let is_below = |root: Option<&[u8]>, prefix: &[u8]| {
            let path = self.script_name.strip_prefix(prefix);
            root.zip(path)
                .is_some_and(|(root, path)| align::is_same(file, root.iter().chain(path)))
        };
        is_below(variables.document_root, b"")
            || is_below(
                variables.context_document_root,
                variables.context_prefix.unwrap_or_default(),
            )
    }

    /// `SCRIPT_FILENAME` (F).
    pub(super) fn script_filename(&self) -> &'a [u8] {
        self.variables.script_filename.unwrap_or_default()
    }

    /// Whether Apache includes the resource in a page of its own.
    pub(super) fn is_included(&self) -> bool {
        self.variables.server_protocol == Some(b"INCLUDED")
    }

    /// The path of `REQUEST_URI` (R), if it can be used.
    pub(super) fn raw_path(&self) -> Option<&'a [u8]> {
        (self.spelling == Spelling::Usable).then_some(self.target.path)
    }

    /// T-5: whether what is meant is what the client asked for, with dot segments that are resolved or, behind Jetty, as they
    /// were sent; or nothing else says it.
    fn is_dotted_and_meant(&self) -> bool {
        let path = self.script_name;
        self.spelling == Spelling::Dotted
            && self.path_info.is_empty()
            && (path.is_empty() || path == self.target.path || self.is_requested(path))
    }

    /// The whole path that is meant, whatever S and I were set to; `None` behind web servers that do not send it.
    fn whole_uri(&self) -> Option<&'a [u8]> {
        match self.server {
            Server::Caddy if !self.is_split_by_caddy() => self.variables.path_info,
            _ => self.document_uri(),
        }
    }

    /// nginx's `$document_uri` (V), under whatever name.
    pub(super) fn document_uri(&self) -> Option<&'a [u8]> {
        let uri = self.variables.document_uri?;
        let is_of_nginx = match self.server {
            Server::Nginx => true,
            // Apache's is the page that includes.
            Server::Other => !self.is_included(),
            _ => false,
        };
        (is_of_nginx && uri.starts_with(b"/")).then_some(uri)
    }

    /// The path of `REQUEST_URI`, if it cannot be used because of its dot segments.
    pub(super) fn dotted_path(&self) -> Option<&'a [u8]> {
        (self.spelling == Spelling::Dotted).then_some(self.target.path)
    }

    /// Whether R has a path at all.
    pub(super) fn has_target(&self) -> bool {
        self.spelling != Spelling::Absent
    }

    /// Where `path` is the end of R (T-6).
    pub(super) fn align(&self, path: &[u8]) -> Option<Alignment> {
        align::align(self.raw_path()?, path, self.server.decodes_wholly())
    }

    /// Where `path` is the end of R, behind one of `mounts` and nothing else: then R is a spelling of what the web server
    /// means, and not another resource whose end looks like it.
    pub(super) fn spelling_of(&self, path: &[u8], mounts: &[&[u8]]) -> Option<Alignment> {
        let alignment = self.align(path)?;
        let before = self.target.path.get(..alignment.at)?;
        let is_whole = || before.is_empty() && self.whole_uri() == Some(path);
        let is_behind = |mount: &&[u8]| match before {
            b"" => mount.is_empty(),
            before => align::align(before, mount, self.server.decodes_wholly())
                .is_some_and(|mount| mount.at == 0),
        };
        (is_whole() || mounts.iter().any(is_behind)).then_some(alignment)
    }

    /// What may precede I in R: S, or what precedes a program that the client did not ask for.
    pub(super) fn mounts_of_path_info(&self) -> Vec<&'a [u8]> {
        if !self.proxied.is_empty() {
            // A rule may have led to the page that I ends in, and then S is the client's.
            return Vec::new();
        }
        let mount = self.mount();
        if script::is_mount(self) {
            vec![mount]
        } else {
            vec![mount, b"", script::directory(mount)]
        }
    }

    /// Whether a program was put in front of what the client asked for, or in the place of the last segment.
    pub(super) fn is_behind_program(&self) -> bool {
        let directory = script::directory(self.script_name);
        self.is_surely_requested(&self.path_info)
            || self.is_surely_requested(&[directory, &*self.path_info].concat())
    }

    /// As [`is_requested`](Self::is_requested), in whatever way the web server resolves dot segments.
    fn is_surely_requested(&self, path: &[u8]) -> bool {
        match self.dotted_path() {
            Some(dotted) => self.resolutions(dotted).all(|it| align::is_same(&it, path)),
            None => self.is_requested(path),
        }
    }

    /// As [`is_requested`](Self::is_requested), in one of the ways in which web servers resolve dot segments.
    pub(super) fn may_be_requested(&self, path: &[u8]) -> bool {
        match self.dotted_path() {
            Some(dotted) => self.resolutions(dotted).any(|it| align::is_same(&it, path)),
            None => self.is_requested(path),
        }
    }

    fn resolutions(&self, dotted: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        align::resolutions(dotted, self.server.decodes_wholly())
    }

    /// Whether the web server calls for an error page.
    pub(super) fn is_error_page(&self) -> bool {
        self.error_status().is_some()
    }

    /// The status of the error for which the web server asks.
    pub(super) fn error_status(&self) -> Option<StatusCode> {
        let status = StatusCode::from_bytes(self.variables.redirect_status?).ok()?;
        (status.is_client_error() || status.is_server_error()).then_some(status)
    }

    /// Whether the decoded `path` is what the client asked for (D): all of R by T-6, or R with its dot segments resolved.
    pub(super) fn is_requested(&self, path: &[u8]) -> bool {
        match self.dotted_path() {
            Some(dotted) => align::is_same(&align::resolve_dot_segments(dotted), path),
            None => self.align(path).is_some_and(|alignment| alignment.at == 0),
        }
    }

    /// Whether what the client asked for is below `mount`, by whole segments.
    pub(super) fn is_requested_below(&self, mount: &[u8]) -> bool {
        match self.dotted_path() {
            Some(dotted) => align::below(&align::resolve_dot_segments(dotted), mount).is_some(),
            None => self
                .raw_path()
                .is_some_and(|raw| align::strip(raw, mount).is_some()),
        }
    }

    /// Whether `part` is anywhere in what the client asked for, decoded.
    pub(super) fn has_client_written(&self, part: &[u8]) -> bool {
        let path: Vec<u8> = percent::decode(self.target.path).collect();
        memchr::memmem::find(&path, part).is_some()
    }

    /// S, but that `/` is as good as no mount (T-2).
    pub(super) fn mount(&self) -> &'a [u8] {
        match self.script_name {
            b"/" => b"",
            other => other,
        }
    }

    /// [`mount`](Self::mount) as a script name.
    pub(super) fn script_name(&self) -> ScriptName {
        ScriptName::from_decoded(self.share(self.mount()))
    }

    /// S + I; I alone where S has no part in it.
    pub(super) fn script_and_path_info(&self) -> Cow<'_, [u8]> {
        match (self.script_name, &*self.path_info) {
            (_, info) if self.is_beside_mount => info.into(),
            (name, b"") => name.into(),
            (b"" | b"/", info) => info.into(),
            (name, info) => [name, info].concat().into(),
        }
    }

    /// The whole path that the web server means (W).
    pub(super) fn whole_path(&self) -> Cow<'_, [u8]> {
        if self.is_rewritten_by_proxy() {
            (&*self.proxied).into()
        } else {
            self.script_and_path_info()
        }
    }

    /// Whether mod_proxy_fcgi's URL has another path than S.
    pub(super) fn is_rewritten_by_proxy(&self) -> bool {
        !self.proxied.is_empty() && !self.script_name.ends_with(&self.proxied)
    }

    /// Whether the web server says nothing about the path but R.
    pub(super) fn is_silent(&self) -> bool {
        self.script_name.is_empty() && self.path_info.is_empty() && self.proxied.is_empty()
    }

    /// The raw path in front of `at`.
    pub(super) fn raw_prefix(&self, at: usize) -> Bytes {
        self.share(self.target.path.split_at(at).0)
    }

    /// `slice`, which must be empty or part of the params, as `Bytes`.
    pub(super) fn share(&self, slice: &[u8]) -> Bytes {
        self.params.share(slice)
    }
}
