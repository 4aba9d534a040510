//! What single web servers do to `SCRIPT_NAME` and `PATH_INFO`, undone (T-2).

use super::align;
use super::script;
use super::sent::Sent;
use crate::cgi::error::InvalidRequest;
use crate::cgi::percent;
use crate::params::server::Server;

impl Sent<'_> {
    /// Undoes it.
    pub(super) fn clean(&mut self) -> Result<(), InvalidRequest> {
        self.join_pieces()?;
        match self.server {
            Server::Nginx | Server::Other => self.read_document_uri(),
            Server::Caddy => self.split_off_mount(),
            Server::Iis => self.drop_mount_of_iis(),
            Server::Apache if self.is_included() => {
                if let Some(rest) = self.script_name.strip_suffix(&*self.path_info) {
                    self.script_name = rest;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A path that was not split at a slash is one piece.
    fn join_pieces(&mut self) -> Result<(), InvalidRequest> {
        if self.path_info.is_empty() || self.path_info.starts_with(b"/") {
            return Ok(());
        }
        let is_split = self.server != Server::Caddy || self.is_split_by_caddy();
        self.path_info = match self.document_uri() {
            Some(uri) if uri.ends_with(&self.path_info) => uri.into(),
            None if is_split && self.script_name.starts_with(b"/") => {
                [self.script_name, &*self.path_info].concat().into()
            }
            _ => return Err(InvalidRequest::PathInfo),
        };
        self.script_name = b"";
        Ok(())
    }

    /// nginx's `$document_uri` is the path that is meant, after redirects; a fixed `SCRIPT_NAME` or `fastcgi_index` is not.
    fn read_document_uri(&mut self) {
        let Some(uri) = self.document_uri() else {
            return;
        };
        if !self.path_info.is_empty() {
            // The usual SCRIPT_NAME beside a PATH_INFO that was set: `$uri`, or another path.
            let is_set = self.server == Server::Nginx || *self.path_info == *uri;
            if self.script_name == uri && is_set {
                self.script_name = b"";
            }
            return;
        }
        match align::below(uri, self.script_name) {
            Some(rest) if self.script_name != b"/" => self.path_info = rest.into(),
            _ => self.script_name = uri,
        }
    }

    /// Caddy gives the whole path in `PATH_INFO` where nothing was split, whatever `SCRIPT_NAME` was set to.
    fn split_off_mount(&mut self) {
        if self.is_split_by_caddy() || self.variables.path_info.is_none() {
            return;
        }
        if self.path_info.is_empty() {
            // `handle_path /app*` has removed all of it.
            self.path_info = b"/".into();
        }
        if self.mount().is_empty() {
            return;
        }
        match align::below(&self.path_info, self.mount()) {
            Some([]) => self.path_info = b"/".into(),
            Some(rest) => self.path_info = rest.to_vec().into(),
            None => self.is_beside_mount = true,
        }
    }

    pub(super) fn is_split_by_caddy(&self) -> bool {
        let part = self.variables.document_uri;
        part.is_some_and(|part| !part.is_empty())
    }

    /// IIS gives the whole path in `PATH_INFO`.
    fn drop_mount_of_iis(&mut self) {
        if let Some(rest) = align::below(&self.path_info, self.mount()) {
            self.path_info = rest.to_vec().into();
        }
    }

    /// T-2: whether a pattern has split a path that continues behind a line feed: `.` does not match that, and `$` is before the
    /// last one.
    pub(super) fn is_cut_off(&self) -> bool {
        if self.path_info.is_empty() {
            return false;
        }
        if let Some(uri) = self.document_uri() {
            return line_feeds(uri) > line_feeds(self.script_name) + line_feeds(&self.path_info);
        }
        let path: Vec<u8> = align::squash(percent::decode(self.target.path)).collect();
        let is_cut_behind = |mount: &[u8]| {
            let whole = mount.iter().chain(&*self.path_info).copied();
            let rest = path.strip_prefix(&*align::squash(whole).collect::<Vec<_>>());
            rest.is_some_and(|rest| rest.starts_with(b"\n"))
        };
        line_feeds(&path) > 0
            && [b"", self.script_name, script::directory(self.script_name)]
                .into_iter()
                .any(is_cut_behind)
    }
}

fn line_feeds(path: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', path).count()
}
