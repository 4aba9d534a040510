//! The application of all conversations (fastcgi-core/tests/conversations/README.md), as a service.

use std::{
    collections::VecDeque,
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use fastcgi_tower::{
    BoxError, Exchange, ExchangeService, HttpService, Incoming, RequestHandle, Role,
};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tower::service_fn;
use tower_service::Service;

/// How many requests are being answered: handlers, and bodies of their responses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live(Arc<AtomicUsize>);

/// One of them.
#[derive(Debug)]
struct Guard(Live);

impl Live {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    fn guard(&self) -> Guard {
        self.0.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How much `/flood` sends.
const FLOOD: usize = 32 * 1024 * 1024;
/// At a time.
const PIECE: &[u8] = &[b'x'; 64 * 1024];

/// Answers as the last segment of the path says.
pub(crate) fn service(live: &Live) -> impl ExchangeService + use<> {
    let live = live.clone();
    let mut http = HttpService::new(service_fn(move |request| {
        let guard = live.guard();
        answer(request, guard)
    }));
    service_fn(move |mut exchange: Exchange| {
        if exchange.role == Role::FILTER {
            // HTTP has one body.
            exchange.stdin = std::mem::take(&mut exchange.data);
        }
        http.call(exchange)
    })
}

async fn answer(request: Request<Incoming>, guard: Guard) -> Result<Response<Answer>, BoxError> {
    let path = request.uri().path().to_owned();
    let answer = Answer::new(guard);
    Ok(match path.rsplit('/').next().unwrap_or_default() {
        "hello" => ok(answer.whole("hello\n")),
        "empty" => with_status(StatusCode::NO_CONTENT, answer.part("none")),
        "unmodified" => with_status(StatusCode::NOT_MODIFIED, answer.part("none")),
        "short" => announcing(10, answer.part("short")),
        "nothing" => announcing(10, answer),
        "long" => announcing(4, answer.part("longer")),
        "log" => {
            let handle = request.extensions().get::<RequestHandle>();
            handle.expect("a handle").stderr("logged\n");
            ok(answer.whole("hello\n"))
        }
        "echo" | "file" => {
            let body = request.into_body().collect().await?;
            ok(answer.whole(body.to_bytes()))
        }
        "fail" => return Err("told to fail".into()),
        "break" => ok(answer.part("some").then(Step::Fail)),
        "stall" => ok(answer.part("some").then(Step::Stall)),
        "flood" => ok((0..FLOOD / PIECE.len()).fold(answer, |answer, _| {
            answer.then(Step::Data(Bytes::from_static(PIECE)))
        })),
        _ => pending().await,
    })
}

fn ok(answer: Answer) -> Response<Answer> {
    let mut response = Response::new(answer);
    let value = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(header::CONTENT_TYPE, value);
    response
}

fn announcing(length: u64, answer: Answer) -> Response<Answer> {
    let mut response = ok(answer);
    let value = HeaderValue::from(length);
    response.headers_mut().insert(header::CONTENT_LENGTH, value);
    response
}

fn with_status(status: StatusCode, answer: Answer) -> Response<Answer> {
    let mut response = Response::new(answer);
    *response.status_mut() = status;
    response
}

/// The body of a response.
#[derive(Debug)]
struct Answer {
    steps: VecDeque<Step>,
    length: Option<u64>,
    _guard: Guard,
}

#[derive(Debug)]
enum Step {
    Data(Bytes),
    Fail,
    /// Nothing more comes.
    Stall,
}

impl Answer {
    fn new(guard: Guard) -> Self {
        Self {
            steps: VecDeque::new(),
            length: None,
            _guard: guard,
        }
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }

    /// A part of a body of unknown length.
    fn part(self, text: &'static str) -> Self {
        self.then(Step::Data(text.into()))
    }

    /// All of it.
    fn whole(mut self, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.length = Some(body.len() as u64);
        if body.is_empty() {
            self
        } else {
            self.then(Step::Data(body))
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.steps.pop_front() {
            None => Poll::Ready(None),
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Fail) => Poll::Ready(Some(Err("told to fail".into()))),
            Some(Step::Stall) => {
                self.steps.push_back(Step::Stall);
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.length
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
