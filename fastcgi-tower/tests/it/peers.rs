//! Bugs that other FastCGI libraries have, or had, and this one does not have: each row names a test that shows it at the
//! size at which the bug happens.
//!
//! Each test is named for what is so here. `tower` are the modules beside this one, `core` those of fastcgi-core's
//! tests, `e2e` the end-to-end tests; what has no module is below.
//!
//! | bug | whose | test |
//! |---|---|---|
//! | no END_REQUEST after an abort | fcgisgi | `no_end_request_is_missing_after_an_abort` |
//! | no END_REQUEST after an exception in the middle of a response | fcgisgi | `no_end_is_missing_after_a_failure` |
//! | no END_REQUEST after a panic | fastcgi-server | `no_end_is_missing_after_a_failure`, tower `panics` |
//! | no END_REQUEST for an unknown role | tokio-fastcgi | tower `roles::roles_that_are_not_served_are_refused_with_403_and_unknown_role` |
//! | a refused role keeps its id | simple-fastcgi | tower `roles::a_refused_role_leaves_the_connection_alone` |
//! | a body waits for the thread that waits for it | fcgisgi | `bodies_arrive_on_a_single_thread` |
//! | requests end in the middle at SIGTERM | fcgisgi | tower `serve::a_graceful_shutdown_waits_for_requests_in_progress`, e2e `sigterm_lets_the_request_in_flight_finish` |
//! | SIGTERM does nothing while a connection is idle | fcgisgi | tower `serve::a_graceful_shutdown_closes_idle_connections` |
//! | unbounded queues between a connection and a handler | fcgisgi, fastcgi++ | `queue_is_bounded_both_ways` |
//! | whole bodies in memory | tokio-fastcgi, fastcgi (PyPI) | `queue_is_bounded_both_ways`, tower `back_pressure::a_hundred_mib_pass_in_constant_memory` |
//! | an empty REMOTE_PORT ends the connection | fcgisgi | `empty_params_of_a_web_server_on_a_unix_socket_are_no_error` |
//! | line breaks in response headers | fcgisgi, and others | core `cgi_response::reason_phrase_cannot_hold_a_line_break`; the types of `http` |
//! | ids that were used cost memory | fcgisgi | `ids_may_grow` |
//! | no reason phrase after a status | fcgisgi | tower `dispatch::a_small_response_has_these_bytes`, core `cgi_response::unknown_status_gets_a_reason` |
//! | 100 % CPU after connect and close | simple-fastcgi | `connect_and_close_costs_no_cpu` |
//! | no end of STDOUT | simple-fastcgi, fastcgi (PyPI), fastcgi++ | `success_is_request_complete` |
//! | GET_VALUES fails | simple-fastcgi | `values_are_not_repeated_and_not_waited_for` |
//! | GET_VALUES never ends | fastcgi++ | `values_are_not_repeated_and_not_waited_for` |
//! | GET_VALUES overflows a buffer when a name is repeated | libfcgi | `values_are_not_repeated_and_not_waited_for` |
//! | GET_VALUES without padding waits for more | libfcgi | `values_are_not_repeated_and_not_waited_for` |
//! | GET_VALUES answers what was not asked for | Go, fcgisgi | core `connection::management::only_the_values_asked_for_are_answered` |
//! | a param that is not UTF-8 ends everything | simple-fastcgi, fastcgi (PyPI) | tower `limits::params_need_not_be_utf_8` |
//! | a param that is not UTF-8 takes the following with it | fastcgi (crates.io) | tower `limits::params_need_not_be_utf_8` |
//! | an Authorizer waits for a STDIN that never comes | simple-fastcgi, fastcgi++, Go | `handler_starts_without_stdin_for_authorizers` |
//! | a request waits for a STDIN that it need not | Go | tower `dispatch::a_request_of_length_0_is_dispatched_without_stdin` |
//! | what one write does not take is lost | simple-fastcgi | tower `response::a_response_survives_a_pipe_of_one_byte` |
//! | KEEP_CONN is ignored | simple-fastcgi, fastcgi (PyPI) | tower `keep_conn::with_keep_conn_the_connection_stays` |
//! | success is CANT_MPX_CONN | fastcgi (PyPI) | `success_is_request_complete` |
//! | the id is always 1 | fastcgi (PyPI) | `success_is_request_complete` |
//! | padding over 127 is negative | fastcgi (PyPI) | core `records::padding_above_127_is_not_negative` |
//! | a record of an unknown type raises | fastcgi (PyPI) | tower `keep_conn::an_unknown_management_record_is_named_in_the_answer` |
//! | a body without HTTP_CONTENT_LENGTH is lost | fastcgi (PyPI) | tower `dispatch::without_a_length_the_body_goes_to_the_end_of_stdin` |
//! | nothing is streamed | fastcgi (PyPI) | tower `response::a_streaming_body_is_sent_piece_by_piece` |
//! | any file in the socket's place is removed | fastcgi (PyPI) | tower `listeners::what_is_no_socket_is_left_alone` |
//! | a pair over two records is an error, or lost | tokio-fastcgi, fastcgi++ | tower `dispatch::a_pair_may_cross_records`, core `params::a_pair_may_cross_records_at_every_byte` |
//! | a length is allocated before it is checked | tokio-fastcgi | tower `limits::a_length_of_2_gib_costs_nothing` |
//! | a long length is read as 0 | fastcgi (crates.io) | core `params::lengths_over_127_have_four_bytes` |
//! | a short BEGIN_REQUEST panics, or is not checked | tokio-fastcgi, fastcgi++ | core `connection::errors::begin_request_of_another_length_is_an_error` |
//! | anything that is wrong panics | fastcgi (crates.io) | core `fuzz_corpora` |
//! | STDIN after the end of a request ends the connection | tokio-fastcgi | `late_stdin_is_no_error` |
//! | two requests at once panic | tokio-fastcgi | tower `multiplexing::sixty_four_echoes_at_once_are_not_mixed_up` |
//! | a write that is dropped leaves half a record | tokio-fastcgi | `an_abort_in_the_middle_of_writing_leaves_whole_records` |
//! | an abort does not reach a handler that runs | tokio-fastcgi, Go, fastcgi++ | tower `abort::an_abort_drops_the_handler_and_ends_the_request_once` |
//! | an abort after the end of STDIN is not seen | fastcgi-server, Go | tower `abort::the_end_of_the_connection_drops_the_handler_in_every_phase` |
//! | an abort is a protocol error | libfcgi | `no_end_request_is_missing_after_an_abort` |
//! | late output of an aborted request goes to the next with its id | Go | `an_id_that_is_used_again_gets_nothing_of_the_old_request` |
//! | a pair has to fit an 8 KiB buffer | fastcgi-server | tower `limits::headers_of_64_kib_are_no_limit` |
//! | UNKNOWN_TYPE with the id of a request | fastcgi-server, tokio-fastcgi | core `connection::management::management_records_with_an_id_are_ignored` |
//! | unknown management records are not answered | Go, fcgisgi | tower `keep_conn::an_unknown_management_record_is_named_in_the_answer` |
//! | an early answer is lost by a reset | fastcgi-server, fastcgi (PyPI) | `early_answer_is_not_lost` |
//! | no timeouts | fastcgi-server, and others | tower `timeouts` |
//! | a panic ends the process | Go | tower `panics::a_panic_leaves_other_connections_alone`, e2e `panic_is_500_and_the_process_lives_on` |
//! | a flush before the first byte of the body sends nothing | Go | `head_leaves_before_its_body` |
//! | a body that is not read stops the other requests | Go | tower `multiplexing::a_body_that_nobody_reads_is_spilled_while_others_are_served` |
//! | any number of requests on a connection | Go | tower `multiplexing::a_request_too_many_is_answered_with_503` |
//! | an error of accept ends the server | Go, fastcgi++ | the type of `Listener::accept` has none |
//! | a body that was not read goes into the next request | libfcgi | tower `request_body::dropping_a_body_does_not_disturb_the_next_request` |
//! | padding shows what was in memory | libfcgi | `success_is_request_complete`: there is none |
//! | closing reads for ever | fastcgi (crates.io) | tower `request_body::at_most_100_mib_of_an_early_answered_body_are_drained` |
//! | addresses of IPv6 are swapped | fastcgi (crates.io) | core `request_headers::addresses_lose_brackets_and_zones` |

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_tower::{ConnectionBuilder, HttpService, Incoming, Params, Role, serve};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    time::{Instant, timeout},
};
use tower::service_fn;

use crate::support::{
    AUTHORIZER, CLOSE, Counted, Counts, END_REQUEST, Fed, KEEP_CONN, PIPE, REQUEST_COMPLETE,
    RESPONDER, STDOUT, Script, Step, WebServer, abort, begin, full, get, get_close, head, head_as,
    held, hello, hello_bytes, pair, pattern, post, record, records, show, stdin, stdin_all,
    until_idle,
};

/// Counts how often it is polled.
struct Polled<F> {
    future: F,
    polls: Arc<AtomicUsize>,
}

impl<F: Future + Unpin> Future for Polled<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        pin!(&mut self.future).poll(cx)
    }
}

/// simple-fastcgi
#[tokio::test(start_paused = true)]
async fn connect_and_close_costs_no_cpu() {
    let half = get(1, "/").len() / 2;
    let starts = [
        vec![],
        get(1, "/")[..half].to_vec(),
        [post(1, "/", 100), stdin(1, b"some")].concat(),
        get(1, "/"),
    ];
    for start in starts {
        let (mut near, far) = duplex(PIPE);
        let service = service_fn(|request: Request<Incoming>| async {
            // Waits for ever, or for a body that does not come.
            let _body = request.into_body().collect().await;
            std::future::pending::<Result<Response<String>, Infallible>>().await
        });
        let polls = Arc::<AtomicUsize>::default();
        let connection = tokio::spawn(Polled {
            future: ConnectionBuilder::new().serve_connection(far, HttpService::new(service)),
            polls: Arc::clone(&polls),
        });
        near.write_all(&start).await.expect("a connection");
        until_idle().await;
        drop(near);
        let ended = connection.await.expect("no panic");
        ended.expect("a web server that leaves is no error");
        let polls = polls.load(Ordering::Relaxed);
        assert!(polls < 10, "{polls} polls for {} bytes", start.len());
    }
}

/// fcgisgi, libfcgi
#[tokio::test(start_paused = true)]
async fn no_end_request_is_missing_after_an_abort() {
    let states = [
        begin(1, RESPONDER, KEEP_CONN),
        [
            begin(1, RESPONDER, KEEP_CONN),
            record(4, 1, &pair(b"A", b"b")),
        ]
        .concat(),
        head(1, "POST", "/", &[]),
        post(1, "/", 10),
        [post(1, "/", 10), stdin(1, b"some")].concat(),
        get(1, "/"),
    ];
    for state in states {
        let (service, _calls) = held();
        let mut web_server = WebServer::connect(service);
        web_server.send([state, abort(1)].concat()).await;
        let reply = web_server.reply(1).await;
        assert_eq!(
            (reply.app_status, reply.protocol_status),
            (1, REQUEST_COMPLETE)
        );
        web_server.silent_for(Duration::from_secs(10)).await;
    }
}

/// fcgisgi, fastcgi-server: the web server waits until its own timeout.
#[tokio::test(start_paused = true)]
async fn no_end_is_missing_after_a_failure() {
    for failure in [|| Step::Fail, || Step::Panic] {
        let service = service_fn(move |_: Request<Incoming>| {
            let script = Script::new([Step::Data("some"), Step::Yield, failure()]);
            std::future::ready(Ok::<_, Infallible>(Response::new(script)))
        });
        let start = Instant::now();
        // Alone, the connection is closed in a way that shows; beside others, END_REQUEST comes.
        let mut web_server = WebServer::connect_multiplexed(service);
        web_server.send(get(1, "/")).await;
        assert!(
            web_server
                .rest()
                .await
                .ends_with(b"\x00\x06\x00\x01\x00\x08\x00\x00")
        );
        let mut web_server = WebServer::connect_multiplexed(service);
        web_server
            .send([post(2, "/", 10), get(1, "/")].concat())
            .await;
        let mut ends = Vec::new();
        while ends.is_empty() {
            let record = web_server.record().await.expect("a record");
            ends.extend((record.record_type == END_REQUEST).then_some(record.content));
        }
        assert_eq!(ends, [[0, 0, 0, 1, REQUEST_COMPLETE, 0, 0, 0]]);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}

/// fcgisgi: chunks came through the pool of threads whose threads waited for them.
#[test]
fn bodies_arrive_on_a_single_thread() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let mut web_server = WebServer::connect_multiplexed(service_fn(show));
        for id in 1..=8 {
            web_server.send(post(id, "/", 4)).await;
        }
        for byte in [b"a", b"b", b"c", b"d"] {
            for id in 1..=8 {
                web_server.send(stdin(id, byte)).await;
            }
        }
        for (_, reply) in web_server.replies(8).await {
            assert_eq!(reply.body(), b"POST / abcd");
        }
    });
}

/// fcgisgi, tokio-fastcgi, fastcgi++
#[tokio::test(start_paused = true)]
async fn queue_is_bounded_both_ways() {
    let (near, far, counts) = Counted::duplex(PIPE);
    let (service, mut calls) = held();
    let connection = ConnectionBuilder::new().serve_connection(far, HttpService::new(service));
    let mut web_server = WebServer::over(near, connection);
    let length = 100 * 1024 * 1024;
    web_server.send(post(1, "/", length)).await;
    let call = calls.recv().await.expect("a call");

    // Up: nobody reads the body. What is not taken stays in the socket, and with the web server.
    let upload = stdin_all(1, &pattern(32 * 1024 * 1024));
    let mut sending = pin!(web_server.io.write_all(&upload));
    let early = timeout(Duration::from_millis(999), &mut sending).await;
    assert!(early.is_err(), "all was taken");
    let taken = Counts::read(&counts.bytes_in);
    assert!(taken <= 200 * 1024, "{taken} bytes");
    // After a second more is taken, as a pipe does not say whether its other end is still there (B-11).
    let late = timeout(Duration::from_secs(60), &mut sending).await;
    assert!(late.is_err(), "all was taken");
    let taken = Counts::read(&counts.bytes_in);
    assert!(taken <= 17 * 1024 * 1024, "{taken} bytes");

    // Down: nobody reads the response, which has no end.
    let polls = Arc::<AtomicUsize>::default();
    let endless = Endless(Arc::clone(&polls));
    call.answer(endless);
    until_idle().await;
    let made = polls.load(Ordering::Relaxed) * PIECE;
    assert!(made <= 512 * 1024, "{made} bytes");
}

const PIECE: usize = 16 * 1024;

/// A body without end that counts its pieces.
#[derive(Default)]
struct Endless(Arc<AtomicUsize>);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let piece = Bytes::from_static(&[b'x'; PIECE]);
        Poll::Ready(Some(Ok(http_body::Frame::data(piece))))
    }
}

/// fcgisgi: such are the params when the clients of the web server come over a Unix socket.
#[tokio::test(start_paused = true)]
async fn empty_params_of_a_web_server_on_a_unix_socket_are_no_error() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let params = request.extensions().get::<Params>().expect("params");
        let text = format!("{:?} {:?}", params.remote_addr(), params.local_addr());
        Ok::<_, Infallible>(Response::new(text))
    });
    let mut web_server = WebServer::connect(service);
    let nginx = [
        ("REMOTE_ADDR", "unix:"),
        ("REMOTE_PORT", ""),
        ("SERVER_ADDR", "unix:/run/nginx.sock"),
        ("SERVER_PORT", ""),
        ("CONTENT_TYPE", ""),
        ("CONTENT_LENGTH", ""),
    ];
    let wire = [head(1, "GET", "/", &nginx), stdin(1, b"")];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.reply(1).await.body(), b"None None");
}

/// fcgisgi; HAProxy takes a new id for each request.
#[tokio::test(start_paused = true)]
async fn ids_may_grow() {
    let mut web_server = WebServer::connect(service_fn(show));
    for id in (1..=u16::MAX).step_by(17) {
        web_server.send(get(id, "/")).await;
        assert_eq!(web_server.reply(id).await.body(), b"GET / ", "{id}");
    }
}

/// fastcgi (PyPI), simple-fastcgi, fastcgi++, libfcgi
#[tokio::test(start_paused = true)]
async fn success_is_request_complete() {
    for [high, low] in [[0, 1], [0, 7], [0x12, 0x34]] {
        let id = u16::from_be_bytes([high, low]);
        let mut web_server = WebServer::connect(service_fn(hello));
        web_server.send(get_close(id, "/")).await;
        let head = "Status: 200 OK\r\ncontent-length: 5\r\n\r\n";
        let expected = [
            &[1, STDOUT, high, low, 0, 37, 0, 0],
            head.as_bytes(),
            &[1, STDOUT, high, low, 0, 5, 0, 0],
            b"hello",
            &[1, STDOUT, high, low, 0, 0, 0, 0],
            &[1, END_REQUEST, high, low, 0, 8, 0, 0],
            // FCGI_REQUEST_COMPLETE is 0.
            &[0, 0, 0, 0, 0, 0, 0, 0],
        ];
        assert_eq!(web_server.rest().await, expected.concat());
    }
}

/// libfcgi, fastcgi++, simple-fastcgi
#[tokio::test(start_paused = true)]
async fn values_are_not_repeated_and_not_waited_for() {
    const GET_VALUES: u8 = 9;
    let mut web_server = WebServer::connect(service_fn(hello));
    let pairs: Vec<u8> = (0..30)
        .flat_map(|_| pair(b"FCGI_MPXS_CONNS", b""))
        .collect();
    // Without padding, and with nothing after it: as HAProxy sends it.
    web_server.send(record(GET_VALUES, 0, &pairs)).await;
    let answer = [
        &[1, 10, 0, 0, 0, 18, 6, 0][..],
        b"\x0f\x01FCGI_MPXS_CONNS0",
        &[0; 6],
    ];
    let answers = [answer.concat(), record(10, 0, b"\x0f\x01FCGI_MPXS_CONNS0")];
    let received = web_server.bytes(answers[1].len()).await;
    assert!(
        answers.iter().any(|answer| answer.starts_with(&received)),
        "{received:02x?}"
    );
    web_server.send(get_close(1, "/")).await;
    assert!(web_server.rest().await.ends_with(&hello_bytes()));
}

/// simple-fastcgi, fastcgi++, Go: mod_authnz_fcgi sends no STDIN at all.
#[tokio::test(start_paused = true)]
async fn handler_starts_without_stdin_for_authorizers() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let role = request.extensions().get::<Role>().copied();
        assert_eq!(role, Some(Role::AUTHORIZER));
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let builder = ConnectionBuilder::new().authorizer(true);
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    let start = Instant::now();
    web_server
        .send(head_as(1, AUTHORIZER, CLOSE, "GET", "/", &[]))
        .await;
    assert_eq!(web_server.reply(1).await.status(), "200");
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// tokio-fastcgi
#[tokio::test(start_paused = true)]
async fn late_stdin_is_no_error() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(post(1, "/", 8)).await;
    // The answer is there before the body.
    assert_eq!(web_server.reply(1).await.body(), b"hello");
    let late = [stdin(1, b"late"), stdin(1, b"more"), stdin(1, b"")];
    web_server
        .send([&late.concat()[..], &get_close(1, "/")].concat())
        .await;
    assert_eq!(web_server.rest().await, hello_bytes());
}

/// tokio-fastcgi: its records were written in two parts.
#[tokio::test(start_paused = true)]
async fn an_abort_in_the_middle_of_writing_leaves_whole_records() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect_with(ConnectionBuilder::new(), 100, service);
    web_server.send(get(1, "/")).await;
    calls
        .recv()
        .await
        .expect("a call")
        .answer(Endless::default());
    until_idle().await;
    web_server.send(abort(1)).await;
    let reply = web_server.reply(1).await;
    // What had been framed leaves whole; then the request ends as aborted, and the connection goes on.
    assert_eq!(reply.app_status, 1);
    assert!(reply.body().len() > 100_000);
    web_server.send(get_close(1, "/")).await;
    calls.recv().await.expect("a call").answer(full("hello"));
    let rest = web_server.rest().await;
    assert_eq!(records(&rest).len(), 4);
}

/// Go: the old handler went on writing.
#[tokio::test(start_paused = true)]
async fn an_id_that_is_used_again_gets_nothing_of_the_old_request() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/old")).await;
    let old = calls.recv().await.expect("a call");
    let handle = old
        .request
        .extensions()
        .get::<fastcgi_tower::RequestHandle>()
        .expect("a handle")
        .clone();
    let (feed, body) = Fed::new();
    old.answer(body);
    feed.send("old".into()).expect("the body lives");
    until_idle().await;
    web_server.send([abort(1), get(1, "/new")].concat()).await;
    let new = calls.recv().await.expect("a call");
    handle.stderr("old");
    handle.set_app_status(9);
    assert!(feed.is_closed(), "nobody takes what the old handler says");
    let old = web_server.reply(1).await;
    assert_eq!((old.body(), old.app_status), (&b"old"[..], 1));
    new.answer(full("new"));
    let new = web_server.reply(1).await;
    assert_eq!(
        (new.body(), &new.stderr[..], new.app_status),
        (&b"new"[..], &b""[..], 0)
    );
}

/// fastcgi-server, fastcgi (PyPI): closed with something unread, a socket is reset, and the reset overtakes the answer.
#[tokio::test]
async fn early_answer_is_not_lost() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let server = tokio::spawn(serve(listener, service_fn(hello)).into_future());
    let length = 1024 * 1024;
    let mut io = tokio::net::TcpStream::connect(addr)
        .await
        .expect("a connection");
    let length_param = length.to_string();
    let params = [("CONTENT_LENGTH", length_param.as_str())];
    io.write_all(&head_as(1, RESPONDER, CLOSE, "POST", "/", &params))
        .await
        .expect("a connection");
    // As Caddy does it: all of the body is written before anything is read.
    io.write_all(&stdin_all(1, &pattern(length)))
        .await
        .expect("the body is taken");
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("no reset");
    assert_eq!(response, hello_bytes());
    server.abort();
}

/// Go: `Flush` sent what was written of the body, and the head only with it.
#[tokio::test(start_paused = true)]
async fn head_leaves_before_its_body() {
    let (service, mut calls) = held();
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    let (_feed, body) = Fed::new();
    calls.recv().await.expect("a call").answer(body);
    let head = web_server.record().await.expect("the head");
    assert_eq!(head.content, b"Status: 200 OK\r\n\r\n");
}
