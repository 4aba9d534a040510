//! What one request may cost.

use fastcgi_tower::{ConnectionBuilder, Limits};
use tower::service_fn;

use crate::support::{
    KEEP_CONN, PARAMS, PIPE, RESPONDER, STDOUT, WebServer, begin, get, head, pair, record, show,
    stdin, stdin_all,
};

/// R-10a: a refusal is a whole response.
#[tokio::test(start_paused = true)]
async fn params_over_a_limit_are_answered_with_431_and_the_connection_lives_on() {
    let name = "N".repeat(1025);
    let long = "v".repeat(1000);
    let apache = ("SERVER_SOFTWARE", "Apache/2.4.62");
    let small = Limits::default().max_params_size(1000);
    for (limits, more) in [
        (small, vec![apache, ("LONG", &long)]),
        (Limits::default(), vec![apache, (&name, "")]),
        (
            Limits::default(),
            [vec![apache], vec![("A", "1"); 1000]].concat(),
        ),
    ] {
        let builder = ConnectionBuilder::new().limits(limits);
        let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(show));
        web_server
            .send([head(1, "POST", "/", &more), stdin_all(1, b"body")].concat())
            .await;
        let reply = web_server.reply(1).await;
        assert_eq!(
            (reply.status(), reply.app_status, reply.protocol_status),
            ("431", 0, 0)
        );
        assert_eq!(reply.body(), b"431 Request Header Fields Too Large\n");
        web_server.send(get(1, "/next")).await;
        assert_eq!(web_server.reply(1).await.body(), b"GET /next ");
    }
}

/// B-9: h2o, or who might be, is not told the end: it would abort if it still wrote the body.
#[tokio::test(start_paused = true)]
async fn params_over_a_limit_end_the_connection_of_h2o_and_of_the_unknown() {
    let unknown = vec![("X", "x"); 1000];
    let h2o = [vec![("SERVER_SOFTWARE", "h2o/2.2.5")], unknown.clone()].concat();
    for more in [h2o, unknown] {
        let mut web_server = WebServer::connect(service_fn(show));
        web_server.send(head(1, "POST", "/", &more)).await;
        let response = b"Status: 431 Request Header Fields Too Large\r\n\
            content-type: text/plain; charset=utf-8\r\ncontent-length: 36\r\n\r\n\
            431 Request Header Fields Too Large\n";
        let expected = [record(STDOUT, 1, response), record(STDOUT, 1, b"")].concat();
        assert_eq!(web_server.rest().await, expected);
        web_server.send(stdin_all(1, b"body")).await;
        web_server.disconnect().await.expect("a good end");
    }
}

/// what is known of a request that is refused includes its method.
#[tokio::test(start_paused = true)]
async fn a_refused_head_request_has_no_body() {
    let builder = ConnectionBuilder::new().limits(Limits::default().max_params_size(1000));
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(show));
    let long = "v".repeat(1000);
    web_server
        .send(head(
            1,
            "HEAD",
            "/",
            &[("SERVER_SOFTWARE", "nginx"), ("X", &long)],
        ))
        .await;
    let reply = web_server.reply(1).await;
    assert_eq!((reply.status(), reply.body()), ("431", &b""[..]));
}

/// h2o splits a pair across records then.
#[tokio::test(start_paused = true)]
async fn headers_of_64_kib_are_no_limit() {
    let cookie = "c".repeat(70_000);
    let mut web_server = WebServer::connect(service_fn(show));
    let wire = head(1, "GET", "/", &[("HTTP_COOKIE", &cookie)]);
    web_server.send([wire, stdin(1, b"")].concat()).await;
    assert_eq!(web_server.reply(1).await.status(), "200");
}

/// Peers allocate what a length announces, before it has arrived.
#[tokio::test(start_paused = true)]
async fn a_length_of_2_gib_costs_nothing() {
    let mut web_server = WebServer::connect(service_fn(show));
    let lie = b"\xff\xff\xff\xff\xff\xff\xff\xff";
    let wire = [
        begin(1, RESPONDER, KEEP_CONN),
        record(PARAMS, 1, lie),
        record(PARAMS, 1, b""),
    ];
    web_server.send(wire.concat()).await;
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_protocol())
    );
}

/// B-15
#[tokio::test(start_paused = true)]
async fn a_flood_of_empty_records_is_a_protocol_error() {
    for empty in [record(PARAMS, 7, b""), stdin(1, b""), record(99, 1, b"")] {
        let mut web_server = WebServer::connect(service_fn(show));
        web_server
            .send(head(1, "POST", "/", &[("CONTENT_LENGTH", "5")]))
            .await;
        for _ in 0..1001 {
            if tokio::io::AsyncWriteExt::write_all(&mut web_server.io, &empty)
                .await
                .is_err()
            {
                break;
            }
        }
        let error = web_server.result().await.expect_err("a protocol error");
        assert!(error.is_protocol(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_for_requests_that_are_over_has_a_limit() {
    let builder = ConnectionBuilder::new().limits(Limits::default().max_ignored(100_000));
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(show));
    web_server.send(get(1, "/")).await;
    web_server.reply(1).await;
    for _ in 0..11 {
        web_server.send(stdin(1, &[0; 10_000])).await;
    }
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_protocol())
    );
}

/// A value that is not UTF-8 took all the following with it, in a peer.
#[tokio::test(start_paused = true)]
async fn params_need_not_be_utf_8() {
    let mut web_server = WebServer::connect(service_fn(show));
    let pairs = [
        pair(b"X_BYTES", b"\xff\xfe\x00"),
        pair(b"REQUEST_METHOD", b"GET"),
        pair(b"REQUEST_URI", b"/after"),
    ];
    let wire = [
        begin(1, RESPONDER, KEEP_CONN),
        record(PARAMS, 1, &pairs.concat()),
        record(PARAMS, 1, b""),
        stdin(1, b""),
    ];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET /after ");
}
