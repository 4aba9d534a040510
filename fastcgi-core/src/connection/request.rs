//! One request in progress: a machine that knows no neighbour.

use std::{fmt, time::Instant};

use http::Method;

use super::{
    deadlines::Wait,
    input::{Gathered, Stream},
    output::Output,
};
use crate::{
    params::{Params, server::Server},
    record::{BeginRequest, Flags, RequestId, Role},
};

/// What a request is called by, from its [`Event::Request`](crate::Event::Request) to its end.
///
/// It is a small number, less than [`Limits::max_reqs`](crate::Limits::max_reqs), and is used again for a later request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestKey(usize);

impl RequestKey {
    pub(super) fn new(index: usize) -> Self {
        Self(index)
    }

    /// The number.
    pub fn index(self) -> usize {
        self.0
    }
}

/// A request, from its `FCGI_BEGIN_REQUEST` to its `FCGI_END_REQUEST`.
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) role: Role,
    pub(super) keep_conn: bool,
    /// For the end of its params, then for the first of a body of unknown length.
    pub(super) wait: Wait,
    /// How long nothing of its body has come.
    pub(super) silence: Wait,
    /// Bytes of its body that have arrived and wait to be read.
    pub(super) held: usize,
    /// Whether the application knows of it.
    pub(super) is_handed_out: bool,
    /// Whether more of a stream came than was announced.
    pub(super) has_surplus: bool,
    /// Whether the response began before the web server had sent everything.
    pub(super) answered_early: bool,
    pub(super) params: Gathering,
    pub(super) stdin: Stream,
    pub(super) data: Stream,
    pub(super) output: Output,
}

/// The params of a request.
pub(super) enum Gathering {
    Arriving(Gathered),
    /// They are here. `is_cut` is whether some are missing, because there were too many.
    Here {
        params: Params,
        is_cut: bool,
    },
}

impl Request {
    pub(super) fn new(id: RequestId, begin: &BeginRequest, wait: Wait) -> Self {
        Self {
            id,
            role: begin.role,
            keep_conn: begin.flags.contains(Flags::KEEP_CONN),
            wait,
            silence: Wait::default(),
            held: 0,
            is_handed_out: false,
            has_surplus: false,
            answered_early: false,
            params: Gathering::Arriving(Gathered::Nothing),
            stdin: Stream::new(None, false),
            data: Stream::new(None, false),
            output: Output::new(begin.role == Role::AUTHORIZER),
        }
    }

    /// The params are here: how long the streams are is known now, as far as the web server knows it.
    pub(super) fn set_params(&mut self, params: Params, is_cut: bool) {
        // An Authorizer starts at the end of its params: it is sent no body, sometimes not even an empty one (B-13). An
        // invalid length is refused where requests are made of params, not here.
        let announced = match self.role {
            Role::AUTHORIZER => Some(0),
            _ => params.content_length().unwrap_or(None),
        };
        let data = match self.role {
            Role::FILTER => params.data_length(),
            _ => Some(0),
        };
        let resumes = announced.is_some_and(|length| length > 0) && is_from_mod_fcgid(&params);
        self.stdin = Stream::new(announced, resumes);
        self.data = Stream::new(data, resumes);
        self.wait.restart();
        self.params = Gathering::Here { params, is_cut };
    }

    /// The params, once they are here.
    pub(super) fn params(&self) -> Option<&Params> {
        match &self.params {
            Gathering::Arriving(_) => None,
            Gathering::Here { params, .. } => Some(params),
        }
    }

    /// Bytes that are held for it, besides its body and its response.
    pub(super) fn memory(&self) -> usize {
        let params = match &self.params {
            Gathering::Arriving(gathered) => gathered.memory(),
            Gathering::Here { params, .. } => params.as_bytes().len(),
        };
        params + self.output.memory()
    }

    pub(super) fn method(&self) -> Option<Method> {
        Method::from_bytes(self.params()?.get("REQUEST_METHOD")?).ok()
    }

    /// Whether the web server may still send something that belongs to the request.
    pub(super) fn is_receiving(&self) -> bool {
        !(self.stdin.is_complete() && self.data.is_complete())
    }

    /// Since when something has to follow an end of a stream that came too early. The wait for it begins with the first call.
    pub(super) fn suspended_since(&mut self, now: Instant) -> Option<Instant> {
        let streams = [&mut self.stdin, &mut self.data];
        streams
            .into_iter()
            .filter_map(|stream| stream.suspended_since(now))
            .min()
    }

    /// Whether the web server may still send bytes that are not part of the body: more than it announced, or too late.
    pub(super) fn exceeds_its_length(&self) -> bool {
        self.has_surplus || self.stdin.has_failed() || self.data.has_failed()
    }

    /// Whether the web server has nothing more to send of this request.
    pub(super) fn has_ended(&self) -> bool {
        let data_ended = self.role != Role::FILTER || self.data.has_ended();
        self.stdin.has_ended() && data_ended
    }

    /// B-9: h2o 2.2 aborts when, on a connection that it keeps, it reads `FCGI_END_REQUEST` before it has noticed that its
    /// last write succeeded. That can be after we have read what it wrote, unless it was sent nothing until then. The end
    /// of the connection does as well.
    pub(super) fn must_end_by_closing(&self) -> bool {
        let is_early = self.answered_early || !self.has_ended();
        let may_be_from_h2o = match &self.params {
            Gathering::Arriving(_) => false,
            Gathering::Here { params, is_cut } => {
                params.server() == Server::H2o
                    || (*is_cut && params.get("SERVER_SOFTWARE").is_none())
            }
        };
        is_early && self.keep_conn && may_be_from_h2o
    }
}

impl fmt::Debug for Request {
    /// The states by the names that they have in `input` and `output`. What was sent may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stdin, data): (&dyn fmt::Debug, &dyn fmt::Debug) = match self.params {
            Gathering::Arriving(_) => (&format_args!("Params"), &format_args!("Params")),
            Gathering::Here { .. } => (&self.stdin, &self.data),
        };
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("role", &self.role)
            .field("stdin", stdin)
            .field("data", data)
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// B-1: mod_fcgid may send an empty STDIN record in front of a body. mod_proxy_fcgi does not.
fn is_from_mod_fcgid(params: &Params) -> bool {
    let file = params.get("SCRIPT_FILENAME").unwrap_or_default();
    params.server().is_mod_fcgid(file)
}
