//! The response of a request: header block, body and streams.

use crate::{body::Request, fault, output::Output};

/// The response of a request.
pub(crate) struct Reply<'a> {
    request: &'a Request,
    output: &'a Output,
    has_body: bool,
    left: usize,
    used_stderr: bool,
    collected: Vec<u8>,
    sent: usize,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(request: &'a Request, output: &'a Output) -> Self {
        Self {
            request,
            output,
            has_body: true,
            left: usize::MAX,
            used_stderr: false,
            collected: Vec::new(),
            sent: 0,
        }
    }

    /// The header block (RFC 3875, 6).
    pub(crate) fn head(&mut self, status: u16, fields: &[(&str, String)]) {
        let mut text = String::new();
        if fault("a-status-line-is-sent") {
            text.push_str("HTTP/1.1 200 OK\r\n");
        }
        let reason = match status {
            _ if fault("no-reason") => "",
            200 => " OK",
            404 => " Not Found",
            _ => " Some Reason",
        };
        let shown = match status {
            418 if fault("418-is-400") => "400".to_owned(),
            200 if fault("status-has-four-digits") => "0200".to_owned(),
            _ => status.to_string(),
        };
        if status != 200 || !fault("200-is-not-said") {
            text.push_str(&format!("Status: {shown}{reason}\r\n"));
        }
        if fault("a-blank-before-the-colon") {
            text.push_str("X-Blank : x\r\n");
        }
        let joined: Vec<_> = fields.iter().filter(|it| it.0 == "Set-Cookie").collect();
        let joined: Vec<_> = joined.iter().map(|it| it.1.as_str()).collect();
        if !joined.is_empty() && fault("cookies-are-joined") {
            text.push_str(&format!("Set-Cookie: {}\r\n", joined.join(", ")));
        }
        for (name, value) in fields {
            let mut value = value.as_str();
            let mut wrong = String::new();
            let is_left_out = match *name {
                "Connection" => !fault("hop-by-hop-is-sent"),
                "Set-Cookie" => fault("cookies-are-joined"),
                "Content-Type" => fault("200-is-not-said") || fault("no-content-type"),
                "Location" => fault("no-location"),
                _ => false,
            };
            if *name == "Content-Length" {
                self.left = value.parse().unwrap_or(usize::MAX);
                if status == 404 && fault("a-length-of-one-more") {
                    wrong = (self.left + 1).to_string();
                    value = &wrong;
                }
            }
            if fault("fields-have-1000-bytes") {
                value = value.get(..1000).unwrap_or(value);
            }
            if !is_left_out {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            drop(wrong);
        }
        text.push_str("\r\n");
        let is_head = self.request.param("REQUEST_METHOD") == Some(b"HEAD");
        self.has_body = match (is_head, status) {
            (true, _) => fault("head-has-a-body"),
            (false, 204) => fault("204-has-a-body"),
            (false, 304) => false,
            (false, _) => true,
        };
        self.stdout(text.as_bytes());
    }

    /// Some of the body: no more than was announced.
    pub(crate) fn body(&mut self, bytes: &[u8]) {
        if !self.has_body {
            return;
        }
        let mut fits = self.left;
        if fault("surplus-is-sent") {
            fits = usize::MAX;
        }
        if fault("responses-have-2-mib") {
            fits = fits.min((2_usize << 20).saturating_sub(self.sent));
        }
        let bytes = bytes.get(..fits).unwrap_or(bytes);
        self.left = self.left.saturating_sub(bytes.len());
        self.sent += bytes.len();
        self.stdout(bytes);
    }

    fn stdout(&mut self, bytes: &[u8]) {
        if fault("another-type-is-sent") {
            self.output.send_of(self.request, 8, b"data");
        }
        if fault("responses-are-collected") {
            self.collected.extend_from_slice(bytes);
            return;
        }
        self.send(bytes);
    }

    fn send(&self, bytes: &[u8]) {
        for piece in bytes.chunks(0xfff8) {
            self.output.send_of(self.request, 6, piece);
        }
    }

    pub(crate) fn stderr(&mut self, text: &str) {
        if !fault("stderr-is-dropped") {
            self.used_stderr = true;
            self.output.send_of(self.request, 7, text.as_bytes());
        }
    }

    /// The end of the streams (specification, 6.1), and of the request.
    pub(crate) fn end(mut self, app_status: u32) {
        if fault("served-is-logged") {
            self.stderr("served\n");
        }
        let collected = std::mem::take(&mut self.collected);
        self.send(&collected);
        if !fault("stdout-is-not-ended") {
            self.output.send_of(self.request, 6, b"");
        }
        if fault("stdout-is-ended-twice") {
            self.output.send_of(self.request, 6, b"");
        }
        if self.used_stderr && !fault("stderr-is-not-ended") {
            self.output.send_of(self.request, 7, b"");
        }
        self.output.end_of(self.request, app_status);
    }

    /// The response cannot go on: the connection ends, so that nobody takes it for whole.
    pub(crate) fn break_off(mut self) {
        if fault("cut-off-looks-whole") {
            return self.end(0);
        }
        let collected = std::mem::take(&mut self.collected);
        self.send(&collected);
        self.output.close();
    }
}
