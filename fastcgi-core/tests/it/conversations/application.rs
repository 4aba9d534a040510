//! The application of all conversations (tests/conversations/README.md).

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};
use fastcgi_core::{
    Connection, Event, NewRequest, RequestKey, RequestMut, StreamEnd, cgi::ResponseMapping,
};
use http::{Method, Response, StatusCode, header::CONTENT_LENGTH, header::CONTENT_TYPE};

/// The requests in progress.
#[derive(Debug, Default)]
pub(crate) struct Application {
    exchanges: HashMap<RequestKey, Exchange>,
}

/// A request, and what has come of it.
#[derive(Debug)]
struct Exchange {
    request: NewRequest,
    stdin: Vec<u8>,
    stdin_end: Option<StreamEnd>,
    data: Vec<u8>,
    data_end: Option<StreamEnd>,
    has_head: bool,
    /// How much of a flood has been sent.
    sent: usize,
}

/// How much `/flood` sends.
const FLOOD: usize = 32 * 1024 * 1024;

impl Application {
    pub(crate) fn take(&mut self, event: Event) {
        match event {
            Event::Request(request) => {
                self.exchanges.insert(request.key, Exchange::new(request));
            }
            Event::Stdin { key, data } => self.with(key, |it| it.stdin.extend_from_slice(&data)),
            Event::StdinEnd { key, end } => self.with(key, |it| it.stdin_end = Some(end)),
            Event::Data { key, data } => self.with(key, |it| it.data.extend_from_slice(&data)),
            Event::DataEnd { key, end } => self.with(key, |it| it.data_end = Some(end)),
            Event::Aborted { key } => {
                self.exchanges.remove(&key);
            }
            _ => {}
        }
    }

    fn with(&mut self, key: RequestKey, change: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.exchanges.get_mut(&key) {
            change(exchange);
        }
    }

    /// Sends what can be sent now.
    pub(crate) fn go_on(&mut self, connection: &mut Connection) {
        self.exchanges.retain(|key, exchange| {
            while connection.wants_output() {
                let Some(request) = connection.request(*key) else {
                    return false;
                };
                if !exchange.go_on(request) {
                    break;
                }
            }
            connection.request(*key).is_some()
        });
    }
}

impl Exchange {
    fn new(request: NewRequest) -> Self {
        Self {
            request,
            stdin: Vec::new(),
            stdin_end: None,
            data: Vec::new(),
            data_end: None,
            has_head: false,
            sent: 0,
        }
    }

    /// Takes a step, and gives whether there may be another one.
    fn go_on(&mut self, mut request: RequestMut<'_>) -> bool {
        let uri = self.request.params.get("REQUEST_URI").unwrap_or_default();
        let path = uri.rsplit(|byte| *byte == b'/').next();
        match path.unwrap_or_default() {
            b"hello" => self.answer(request, "hello\n", StatusCode::OK, None),
            b"empty" => self.answer(request, "none", StatusCode::NO_CONTENT, None),
            b"unmodified" => self.answer(request, "none", StatusCode::NOT_MODIFIED, None),
            b"short" => self.answer(request, "short", StatusCode::OK, Some(10)),
            b"nothing" => self.answer(request, "", StatusCode::OK, Some(10)),
            b"long" => self.answer(request, "longer", StatusCode::OK, Some(4)),
            b"log" => {
                request.stderr("logged\n".into());
                self.answer(request, "hello\n", StatusCode::OK, None)
            }
            b"echo" => match self.stdin_end {
                None => false,
                Some(StreamEnd::Complete) => {
                    let body = std::mem::take(&mut self.stdin);
                    self.answer(request, body, StatusCode::OK, None)
                }
                Some(_) => end(request, RequestMut::fail),
            },
            b"file" => match self.data_end {
                None => false,
                Some(StreamEnd::Complete) => {
                    let file = std::mem::take(&mut self.data);
                    self.answer(request, file, StatusCode::OK, None)
                }
                Some(_) => end(request, RequestMut::fail),
            },
            b"fail" => end(request, RequestMut::fail),
            b"break" => {
                self.head(&mut request, StatusCode::OK, None, None);
                let _ = request.stdout("some".into());
                end(request, RequestMut::fail)
            }
            b"stall" if !self.has_head => {
                self.head(&mut request, StatusCode::OK, None, None);
                let _ = request.stdout("some".into());
                false
            }
            b"flood" => self.flood(request),
            _ => false,
        }
    }

    /// A response of which all is here.
    fn answer(
        &mut self,
        mut request: RequestMut<'_>,
        body: impl Into<Bytes>,
        status: StatusCode,
        announced: Option<u64>,
    ) -> bool {
        let body = body.into();
        let length = announced.is_none().then_some(body.len() as u64);
        self.head(&mut request, status, announced, length);
        if request.wants_stdout() && !body.is_empty() {
            let _ = request.stdout(body);
        }
        end(request, RequestMut::end)
    }

    fn head(
        &mut self,
        request: &mut RequestMut<'_>,
        status: StatusCode,
        announced: Option<u64>,
        exact: Option<u64>,
    ) {
        let mut response = Response::new(());
        *response.status_mut() = status;
        let fields = response.headers_mut();
        if status == StatusCode::OK {
            fields.insert(CONTENT_TYPE, "text/plain".parse().expect("a value"));
        }
        if let Some(announced) = announced {
            fields.insert(CONTENT_LENGTH, announced.into());
        }
        let method = self.request.params.get("REQUEST_METHOD").unwrap_or(b"GET");
        let method = Method::from_bytes(method).expect("a method");
        let exact = exact.filter(|_| status != StatusCode::NOT_MODIFIED);
        let (parts, ()) = response.into_parts();
        let mut head = BytesMut::new();
        let mapping = ResponseMapping::default();
        let length = mapping
            .write_head(&parts, &method, exact, &mut head)
            .expect("a head");
        request.head(head, length);
        self.has_head = true;
    }

    fn flood(&mut self, mut request: RequestMut<'_>) -> bool {
        if !self.has_head {
            self.head(&mut request, StatusCode::OK, None, None);
        }
        let piece = Bytes::from_static(&[b'x'; 64 * 1024]);
        self.sent += piece.len();
        let _ = request.stdout(piece);
        if self.sent < FLOOD {
            return true;
        }
        end(request, RequestMut::end)
    }
}

/// Ends a request, after which there is no step.
fn end<'a, T>(request: RequestMut<'a>, end: impl FnOnce(RequestMut<'a>, u32) -> T) -> bool {
    end(request, 0);
    false
}
