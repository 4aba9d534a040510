//! When a request reaches the service (B-5, B-6), and how.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, HttpService, Incoming, Params, RequestHandle, Role};
use http::{Request, Response};
use http_body::Body;
use tokio::io::duplex;
use tower::service_fn;
use tower_service::Service;

use crate::support::{
    CLOSE, KEEP_CONN, PIPE, RESPONDER, WebServer, begin, get, get_close, head, hello, hello_bytes,
    pair, params, post, record, records, show, stdin, stdin_all,
};

#[tokio::test(start_paused = true)]
async fn a_request_that_is_all_there_is_answered() {
    let mut web_server = WebServer::connect(service_fn(show));
    // BEGIN_REQUEST: version 1, type 1, id 1, 8 bytes; role 1, FCGI_KEEP_CONN.
    let mut wire = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00".to_vec();
    // PARAMS: 35 bytes, of which a pair is two lengths, a name and a value.
    wire.extend(b"\x01\x04\x00\x01\x00\x23\x00\x00");
    wire.extend(b"\x0e\x04REQUEST_METHODPOST\x0b\x02REQUEST_URI/a");
    // The end of PARAMS, three bytes of STDIN with five of padding, the end of STDIN.
    wire.extend(b"\x01\x04\x00\x01\x00\x00\x00\x00");
    wire.extend(b"\x01\x05\x00\x01\x00\x03\x05\x00abc\x00\x00\x00\x00\x00");
    wire.extend(b"\x01\x05\x00\x01\x00\x00\x00\x00");
    web_server.send(wire).await;
    assert_eq!(web_server.reply(1).await.body(), b"POST /a abc");
}

#[tokio::test(start_paused = true)]
async fn a_small_response_has_these_bytes() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(get_close(1, "/")).await;
    assert_eq!(web_server.rest().await, hello_bytes());
}

#[tokio::test(start_paused = true)]
async fn a_request_may_be_cut_at_every_byte() {
    let wire = [
        post(1, "/cut", 5),
        stdin(1, b"he"),
        stdin(1, b"llo"),
        stdin(1, b""),
    ]
    .concat();
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 1, service_fn(show));
    web_server.send(&wire).await;
    assert_eq!(web_server.reply(1).await.body(), b"POST /cut hello");
    for cut in 1..wire.len() {
        let mut web_server = WebServer::connect(service_fn(show));
        let (front, back) = wire.split_at(cut);
        web_server.send(front).await;
        tokio::task::yield_now().await;
        web_server.send(back).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), b"POST /cut hello", "cut at {cut}");
    }
}

/// Peers lose the pair there, or the connection.
#[tokio::test(start_paused = true)]
async fn a_pair_may_cross_records() {
    let mut web_server = WebServer::connect(service_fn(show));
    let pairs = [pair(b"REQUEST_METHOD", b"GET"), pair(b"REQUEST_URI", b"/x")].concat();
    for cut in 1..pairs.len() {
        let (front, back) = pairs.split_at(cut);
        let wire = [
            begin(1, RESPONDER, KEEP_CONN),
            record(4, 1, front),
            record(4, 1, back),
            record(4, 1, b""),
            stdin(1, b""),
        ];
        web_server.send(wire.concat()).await;
        assert_eq!(web_server.reply(1).await.body(), b"GET /x ", "cut at {cut}");
    }
}

/// B-6
#[tokio::test(start_paused = true)]
async fn a_request_of_known_length_is_dispatched_at_the_end_of_its_params() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(post(1, "/", 5)).await;
    assert_eq!(web_server.reply(1).await.body(), b"hello");
}

/// B-6: nothing of the body is needed when there will be none.
#[tokio::test(start_paused = true)]
async fn a_request_of_length_0_is_dispatched_without_stdin() {
    let mut web_server = WebServer::connect(service_fn(describe));
    web_server.send(post(1, "/", 0)).await;
    assert_eq!(web_server.reply(1).await.body(), b"exactly 0, at its end");
}

/// B-5
#[tokio::test(start_paused = true)]
async fn without_a_length_the_first_stdin_record_is_waited_for() {
    for length in [
        &[][..],
        &[("CONTENT_LENGTH", "")],
        &[("CONTENT_LENGTH", "-1")],
    ] {
        let mut web_server = WebServer::connect(service_fn(describe));
        web_server.send(head(1, "POST", "/", length)).await;
        web_server.silent_for(Duration::from_secs(20)).await;

        web_server.send(stdin(1, b"data")).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), b"unknown, not at its end", "{length:?}");
    }
}

/// B-5: so that `Option<Json>` and proxies see what they see behind hyper.
#[tokio::test(start_paused = true)]
async fn without_a_length_an_empty_stdin_is_a_body_of_exactly_0() {
    for length in [
        &[][..],
        &[("CONTENT_LENGTH", "")],
        &[("CONTENT_LENGTH", "-1")],
    ] {
        let mut web_server = WebServer::connect(service_fn(describe));
        web_server.send(head(1, "GET", "/", length)).await;
        web_server.send(stdin(1, b"")).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), b"exactly 0, at its end", "{length:?}");
    }
}

/// B-5: bodies of unknown length are not lost.
#[tokio::test(start_paused = true)]
async fn without_a_length_the_body_goes_to_the_end_of_stdin() {
    for length in [
        &[][..],
        &[("CONTENT_LENGTH", "")],
        &[("CONTENT_LENGTH", "-1")],
    ] {
        let mut web_server = WebServer::connect(service_fn(show));
        web_server.send(head(1, "POST", "/", length)).await;
        for piece in ["one ", "two ", "three", ""] {
            web_server.send(stdin(1, piece.as_bytes())).await;
        }
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), b"POST / one two three", "{length:?}");
    }
}

/// H-4
#[tokio::test(start_paused = true)]
async fn a_length_that_is_none_is_refused_with_400() {
    let contradictions: [&[(&str, &str)]; 5] = [
        &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "6")],
        &[("CONTENT_LENGTH", "+5")],
        &[("CONTENT_LENGTH", "5, 5")],
        &[("CONTENT_LENGTH", "-2")],
        &[("CONTENT_LENGTH", "18446744073709551616")],
    ];
    for length in contradictions {
        let mut web_server = WebServer::connect(service_fn(show));
        web_server.send(head(1, "POST", "/", length)).await;
        web_server.send(stdin_all(1, b"hello")).await;
        assert_eq!(web_server.reply(1).await.status(), "400", "{length:?}");
        // Nothing else is touched.
        web_server.send(get(1, "/next")).await;
        assert_eq!(web_server.reply(1).await.body(), b"GET /next ");
    }
}

/// h2o sends on whatever follows such a head.
#[tokio::test(start_paused = true)]
async fn a_refused_head_request_gets_no_body() {
    let mut web_server = WebServer::connect(service_fn(show));
    let wire = head(1, "HEAD", "/", &[("CONTENT_LENGTH", "five")]);
    web_server.send([wire, stdin(1, b"")].concat()).await;
    let reply = web_server.reply(1).await;
    assert_eq!((reply.status(), reply.body()), ("400", &b""[..]));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_request_does_not_reach_the_service() {
    let mut web_server = WebServer::connect(service_fn(show));
    let wire = [begin(1, RESPONDER, CLOSE), params(1, &[]), stdin(1, b"")];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.reply(1).await.status(), "400");
    web_server.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_carries_its_params_and_a_handle_and_no_role() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let extensions = request.extensions();
        let user = extensions
            .get::<Params>()
            .and_then(|params| params.get("REMOTE_USER"));
        Ok::<_, Infallible>(Response::new(format!(
            "{:?} {} {:?}",
            user.map(|user| user.escape_ascii().to_string()),
            extensions.get::<RequestHandle>().is_some(),
            extensions.get::<Role>(),
        )))
    });
    let mut web_server = WebServer::connect(service);
    let wire = head(1, "GET", "/", &[("REMOTE_USER", "ann")]);
    web_server.send([wire, stdin(1, b"")].concat()).await;
    assert_eq!(web_server.reply(1).await.body(), b"Some(\"ann\") true None");
}

/// A service that has to be asked before each call, on the same value.
#[derive(Debug, Default)]
struct Asked {
    ready: bool,
    asked: u32,
}

impl Clone for Asked {
    fn clone(&self) -> Self {
        panic!("a connection has no need of a second service");
    }
}

impl Service<Request<Incoming>> for Asked {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked += 1;
        // Not at the first time of asking.
        if self.asked % 2 == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without poll_ready");
        ready(Ok(Response::new(self.asked.to_string())))
    }
}

#[tokio::test(start_paused = true)]
async fn poll_ready_comes_before_every_call_on_the_same_service() {
    let mut web_server = WebServer::connect_multiplexed(Asked::default());
    for asked in ["2", "4", "6"] {
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.body(), asked.as_bytes());
    }
    // Two at once wait for the same service.
    web_server.send([get(1, "/"), get(2, "/")].concat()).await;
    let replies = web_server.replies(2).await;
    assert!(replies.iter().all(|(_, reply)| reply.status() == "200"));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_arrives_while_the_service_is_not_ready_is_kept() {
    struct Late(Pin<Box<tokio::time::Sleep>>);

    impl Service<Request<Incoming>> for Late {
        type Response = Response<Incoming>;
        type Error = Infallible;
        type Future = Ready<Result<Response<Incoming>, Infallible>>;

        fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            self.0.as_mut().poll(cx).map(Ok)
        }

        fn call(&mut self, request: Request<Incoming>) -> Self::Future {
            ready(Ok(Response::new(request.into_body())))
        }
    }

    let late = Late(Box::pin(tokio::time::sleep(Duration::from_secs(3))));
    let mut web_server = WebServer::connect(late);
    web_server.send(post(1, "/", 6)).await;
    web_server.send(stdin(1, b"abc")).await;
    web_server.silent_for(Duration::from_secs(2)).await;
    web_server.send(stdin(1, b"def")).await;
    assert_eq!(web_server.reply(1).await.body(), b"abcdef");
}

/// Nothing is spawned, so nothing has to be `Send`.
#[tokio::test(start_paused = true)]
async fn a_service_need_not_be_send() {
    let shared = Rc::new(std::cell::Cell::new(0));
    let service = service_fn(|_: Request<Incoming>| {
        let shared = Rc::clone(&shared);
        async move {
            tokio::task::yield_now().await;
            shared.set(shared.get() + 1);
            Ok::<_, Infallible>(Response::new(format!("call {}", shared.get())))
        }
    });
    let (mut near, far) = duplex(PIPE);
    let web_server = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        near.write_all(&get_close(1, "/")).await.expect("a pipe");
        let mut response = Vec::new();
        near.read_to_end(&mut response).await.expect("a pipe");
        response
    };
    let connection = ConnectionBuilder::new().serve_connection(far, HttpService::new(service));
    let (response, result) = tokio::join!(web_server, connection);
    result.expect("a good end");
    assert_eq!(records(&response)[1].content, b"call 1");
}

/// Answers with what is known of the request body before it is read.
async fn describe(request: Request<Incoming>) -> Result<Response<String>, Infallible> {
    let body = request.body();
    let size = match body.size_hint().exact() {
        Some(size) => format!("exactly {size}"),
        None => "unknown".to_owned(),
    };
    let end = if body.is_end_stream() { "" } else { "not " };
    Ok(Response::new(format!("{size}, {end}at its end")))
}
