//! The way out of a connection, which its requests share.

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::Shutdown,
    process::exit,
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::{
    Stream,
    body::{Request, lock},
    fault, wire,
};

struct Sending {
    stream: Stream,
    active: BTreeMap<u16, Arc<Request>>,
    last: u16,
    sent: usize,
}

/// The way out of a connection.
pub(crate) struct Output {
    sending: Mutex<Sending>,
}

impl Output {
    pub(crate) fn new(stream: Stream) -> Self {
        let sending = Sending {
            stream,
            active: BTreeMap::new(),
            last: 0,
            sent: 0,
        };
        Self {
            sending: Mutex::new(sending),
        }
    }

    pub(crate) fn activate(&self, request: &Arc<Request>) {
        let mut sending = lock(&self.sending);
        sending.last = request.id;
        sending.active.insert(request.id, Arc::clone(request));
    }

    pub(crate) fn is_active(&self, request: &Arc<Request>) -> bool {
        let sending = lock(&self.sending);
        let active = sending.active.get(&request.id);
        active.is_some_and(|it| Arc::ptr_eq(it, request))
    }

    /// Whether it was active.
    pub(crate) fn deactivate(&self, request: &Arc<Request>) -> bool {
        lock(&self.sending).active.remove(&request.id).is_some()
    }

    pub(crate) fn send(&self, bytes: &[u8]) {
        write(&mut lock(&self.sending).stream, bytes);
    }

    /// END_REQUEST.
    pub(crate) fn end(&self, id: u16, app_status: u32, protocol_status: u8) {
        self.send(&end_request(id, app_status, protocol_status));
    }

    /// Sends a record of a request, if it was not given up meanwhile.
    pub(crate) fn send_of(&self, request: &Request, kind: u8, content: &[u8]) {
        let mut sending = lock(&self.sending);
        let active = sending.active.get(&request.id);
        let is_active = active.is_some_and(|it| std::ptr::eq(&raw const **it, request));
        if is_active || fault("an-aborted-handler-goes-on") {
            let is_mixed = content.len() > 60_000 && fault("responses-are-mixed");
            let id = if is_mixed { sending.last } else { request.id };
            sending.sent += content.len();
            write(&mut sending.stream, &wire::record(kind, id, content));
        }
    }

    /// The end of a request that has its response.
    pub(crate) fn end_of(&self, request: &Request, app_status: u32) {
        let mut sending = lock(&self.sending);
        let active = sending.active.get(&request.id);
        let is_active = active.is_some_and(|it| std::ptr::eq(&raw const **it, request));
        if !is_active && !fault("an-aborted-handler-goes-on") {
            return;
        }
        sending.active.remove(&request.id);
        let protocol_status = u8::from(fault("a-success-is-cant-mpx"));
        let app_status = if fault("a-success-is-1") {
            1
        } else {
            app_status
        };
        if request.keep || !fault("no-end-request") {
            let end = end_request(request.id, app_status, protocol_status);
            write(&mut sending.stream, &end);
        }
        if fault("something-follows-the-end") {
            write(&mut sending.stream, &wire::record(7, request.id, b"late"));
        }
        let is_unread = !request.body.has_ended() && request.body.was_received();
        let mut keep = request.keep;
        if is_unread && fault("an-unread-body-closes") {
            keep = false;
        }
        finish(&mut sending, keep);
        drop(sending);
        request.body.ignore();
        if keep && fault("kept-for-500-ms") {
            std::thread::sleep(Duration::from_millis(500));
            self.shutdown(Shutdown::Both);
        }
    }

    /// Behind a refusal or an abort.
    pub(crate) fn finish(&self, keep: bool) {
        finish(&mut lock(&self.sending), keep);
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        lock(&self.sending).stream.shutdown(how);
    }

    /// Ends the connection in the middle of whatever it is.
    pub(crate) fn close(&self) {
        self.shutdown(Shutdown::Both);
    }
}

/// Behind a request: the connection is kept, or this side is ended, and what still comes is read.
fn finish(sending: &mut Sending, keep: bool) {
    if keep && !fault("nothing-is-kept") || !keep && fault("nothing-is-closed") {
        return;
    }
    if fault("the-last-record-is-cut") {
        write(&mut sending.stream, &[1, 6, 0, 1]);
    }
    // A reset would take what is still on its way with it.
    if fault("connections-are-reset") && sending.sent < 10_000 {
        // The thread that reads has the other handle, and lets go of it at the end.
        sending.stream.reset_when_closed();
        sending.stream.shutdown(Shutdown::Read);
        return;
    }
    let is_rude = fault("unread-input-is-not-read");
    sending.stream.shutdown(if is_rude {
        Shutdown::Both
    } else {
        Shutdown::Write
    });
}

fn end_request(id: u16, app_status: u32, protocol_status: u8) -> Vec<u8> {
    let mut content = app_status.to_be_bytes().to_vec();
    content.extend_from_slice(&[protocol_status, 0, 0, 0]);
    if fault("end-request-has-five-bytes") {
        content.truncate(5);
    }
    wire::record(3, id, &content)
}

fn write(stream: &mut Stream, bytes: &[u8]) {
    if stream.write_all(bytes).is_err() {
        if bytes.len() > 10_000 && fault("a-failed-write-ends-the-process") {
            exit(1);
        }
        stream.shutdown(Shutdown::Both);
    }
}
