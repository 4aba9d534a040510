//! Authorizers and Filters (6.3, 6.4), and the level below HTTP.

use std::convert::Infallible;

use bytes::Bytes;
use fastcgi_tower::{BoxError, ConnectionBuilder, Exchange, Incoming, Reply, Role};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tower::service_fn;

use crate::support::{
    AUTHORIZER, CLOSE, DATA, FILTER, KEEP_CONN, PIPE, RESPONDER, Script, Step, UNKNOWN_ROLE,
    WebServer, begin, get, head_as, held, hello, params, record, show, stdin, stdin_all,
};

/// B-13: a bare END_REQUEST reads as 200 in mod_proxy_fcgi, and 200 lets everybody in.
#[tokio::test(start_paused = true)]
async fn roles_that_are_not_served_are_refused_with_403_and_unknown_role() {
    for role in [AUTHORIZER, FILTER, 0, 4, 255] {
        let mut web_server = WebServer::connect(service_fn(hello));
        let wire = [
            head_as(1, role, CLOSE, "GET", "/", &[("REQUEST_METHOD", "GET")]),
            stdin(1, b""),
        ];
        web_server.send(wire.concat()).await;
        let expected = [
            record(
                6,
                1,
                b"Status: 403 Forbidden\r\n\
                  content-type: text/plain; charset=utf-8\r\n\
                  content-length: 14\r\n\
                  \r\n\
                  403 Forbidden\n",
            ),
            record(6, 1, b""),
            record(3, 1, &[0, 0, 0, 0, UNKNOWN_ROLE, 0, 0, 0]),
        ];
        assert_eq!(web_server.rest().await, expected.concat(), "role {role}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_role_leaves_the_connection_alone() {
    let mut web_server = WebServer::connect(service_fn(show));
    let refused = [
        begin(1, FILTER, KEEP_CONN),
        params(1, &[]),
        stdin_all(1, b"some"),
        record(DATA, 1, b"data"),
    ];
    web_server.send(refused.concat()).await;
    assert_eq!(web_server.reply(1).await.protocol_status, UNKNOWN_ROLE);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET / ");
}

/// Tells the role and what is known of the body.
async fn tell_role(request: Request<Incoming>) -> Result<Response<String>, BoxError> {
    let role = request.extensions().get::<Role>().copied();
    let body = request.into_body().collect().await?.to_bytes();
    Ok(Response::new(format!("{role:?} {body:?}")))
}

/// A peer waits for a STDIN that never comes.
#[tokio::test(start_paused = true)]
async fn an_authorizer_starts_at_the_end_of_its_params() {
    // Also when the params tell of a body, which is the Responder's.
    for length in [&[][..], &[("CONTENT_LENGTH", "10")]] {
        let builder = ConnectionBuilder::new().authorizer(true);
        let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(tell_role));
        let start = Instant::now();
        for _ in 0..2 {
            web_server
                .send(head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", length))
                .await;
            let reply = web_server.reply(1).await;
            let expected = format!("Some({:?}) b\"\"", Role::AUTHORIZER);
            assert_eq!(reply.body(), expected.as_bytes());
        }
        assert_eq!(start.elapsed().as_secs(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_authorizer_may_get_an_empty_stdin() {
    let builder = ConnectionBuilder::new().authorizer(true);
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(tell_role));
    let head = head_as(1, AUTHORIZER, CLOSE, "GET", "/", &[]);
    web_server.send([head, stdin(1, b"")].concat()).await;
    assert_eq!(web_server.reply(1).await.status(), "200");
    web_server.closed().await;
}

/// 6.3: `Variable-` fields go to the web server as they are.
#[tokio::test(start_paused = true)]
async fn an_authorizer_can_set_variables() {
    let service = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder().header("variable-auth_method", "database");
        Ok::<_, Infallible>(response.body(String::new()).expect("a response"))
    });
    let builder = ConnectionBuilder::new().authorizer(true);
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    web_server
        .send(head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", &[]))
        .await;
    assert!(
        web_server
            .reply(1)
            .await
            .head()
            .contains("\r\nvariable-auth_method: database")
    );
}

/// lighttpd lets a request pass with the head of an answer, whatever becomes of the rest.
#[tokio::test(start_paused = true)]
async fn an_authorizer_says_nothing_before_it_has_said_all() {
    let (service, mut calls) = held();
    let builder = ConnectionBuilder::new().authorizer(true);
    let mut web_server = WebServer::connect_with(builder, PIPE, service);
    let question = head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", &[]);
    web_server.send(&question).await;
    let steps = [Step::Data("some"), Step::Yield, Step::Fail];
    calls
        .recv()
        .await
        .expect("a call")
        .answer(Script::new(steps));
    let reply = web_server.reply(1).await;
    assert_eq!(reply.status(), "500");

    web_server.send(&question).await;
    let steps = [Step::Data("all of "), Step::Yield, Step::Data("it")];
    calls
        .recv()
        .await
        .expect("a call")
        .answer(Script::new(steps));
    let reply = web_server.reply(1).await;
    assert_eq!((reply.status(), reply.body()), ("200", &b"all of it"[..]));

    // Too long in one piece, and in two.
    for (length, pieces) in [(100 * 1024, 1), (40 * 1024, 2)] {
        web_server.send(&question).await;
        let piece = Box::leak("x".repeat(length).into_boxed_str());
        let steps = (0..pieces).map(|_| Step::Data(piece));
        let call = calls.recv().await.expect("a call");
        call.answer(Script::new(steps));
        assert_eq!(web_server.reply(1).await.status(), "500");
    }
}

/// Only the switch for the one role is on.
#[tokio::test(start_paused = true)]
async fn one_role_can_be_served_without_the_other() {
    let builder = ConnectionBuilder::new().authorizer(true);
    let mut web_server = WebServer::connect_with(builder, PIPE, service_fn(hello));
    web_server
        .send(head_as(1, FILTER, KEEP_CONN, "GET", "/", &[]))
        .await;
    assert_eq!(web_server.reply(1).await.protocol_status, UNKNOWN_ROLE);
    web_server
        .send(head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", &[]))
        .await;
    assert_eq!(web_server.reply(1).await.status(), "200");
}

/// A service of the level below HTTP, as a CGI program would do it.
async fn cgi(exchange: Exchange) -> Result<Reply<Full<Bytes>>, BoxError> {
    let query = exchange.params.get("QUERY_STRING").unwrap_or_default();
    let mut text = format!("{:?} {}", exchange.role, query.escape_ascii());
    for body in [exchange.stdin, exchange.data] {
        let body = body.collect().await?.to_bytes();
        text.push_str(&format!(" {}", body.escape_ascii()));
    }
    exchange.handle.set_app_status(7);
    let head = "Content-Type: text/plain\n\n";
    Ok(Reply::new(head.as_bytes(), Full::new(text.into())))
}

#[tokio::test(start_paused = true)]
async fn an_exchange_is_what_the_wire_says() {
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), service_fn(cgi));
    let wire = [
        begin(1, RESPONDER, KEEP_CONN),
        params(1, &[("QUERY_STRING", "a=b"), ("CONTENT_LENGTH", "5")]),
        stdin_all(1, b"hello"),
    ];
    web_server.send(wire.concat()).await;
    let reply = web_server.reply(1).await;
    let text = format!(
        "Content-Type: text/plain\n\n{:?} a=b hello ",
        Role::RESPONDER
    );
    assert_eq!((reply.text(), reply.app_status), (text.as_str(), 7));
}

/// 6.4
#[tokio::test(start_paused = true)]
async fn a_filter_gets_stdin_and_data() {
    for lengths in [
        &[("CONTENT_LENGTH", "5"), ("FCGI_DATA_LENGTH", "9")][..],
        &[],
    ] {
        let builder = ConnectionBuilder::new().filter(true);
        let mut web_server = WebServer::connect_exchanges(builder, service_fn(cgi));
        let wire = [
            begin(1, FILTER, KEEP_CONN),
            params(1, lengths),
            stdin(1, b"hello"),
            stdin(1, b""),
            record(DATA, 1, b"the "),
            record(DATA, 1, b"file!"),
            record(DATA, 1, b""),
        ];
        web_server.send(wire.concat()).await;
        let reply = web_server.reply(1).await;
        let text = format!(
            "Content-Type: text/plain\n\n{:?}  hello the file!",
            Role::FILTER
        );
        assert_eq!(reply.text(), text, "{lengths:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_filter_without_an_upload_gets_its_data() {
    let builder = ConnectionBuilder::new().filter(true);
    let mut web_server = WebServer::connect_exchanges(builder, service_fn(cgi));
    let wire = [
        begin(1, FILTER, CLOSE),
        params(1, &[("FCGI_DATA_LENGTH", "4")]),
        stdin(1, b""),
        record(DATA, 1, b"file"),
        record(DATA, 1, b""),
    ];
    web_server.send(wire.concat()).await;
    assert!(web_server.reply(1).await.text().ends_with("  file"));
    web_server.closed().await;
    web_server.result().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn a_filter_may_have_no_data() {
    let builder = ConnectionBuilder::new().filter(true);
    let mut web_server = WebServer::connect_exchanges(builder, service_fn(cgi));
    let wire = [
        begin(1, FILTER, CLOSE),
        params(1, &[("CONTENT_LENGTH", "0"), ("FCGI_DATA_LENGTH", "0")]),
        stdin(1, b""),
        record(DATA, 1, b""),
    ];
    web_server.send(wire.concat()).await;
    let text = format!("Content-Type: text/plain\n\n{:?}   ", Role::FILTER);
    assert_eq!(web_server.reply(1).await.text(), text);
    web_server.closed().await;
    web_server.result().await.expect("a good end");
}

/// B-4
#[tokio::test(start_paused = true)]
async fn a_filter_with_half_of_its_data_fails() {
    let builder = ConnectionBuilder::new().filter(true);
    let (exchanges, mut received) = tokio::sync::mpsc::unbounded_channel();
    let service = service_fn(move |exchange: Exchange| {
        exchanges.send(exchange).expect("the test lives");
        std::future::pending::<Result<Reply<Full<Bytes>>, Infallible>>()
    });
    let mut web_server = WebServer::connect_exchanges(builder, service);
    let wire = [
        begin(1, FILTER, KEEP_CONN),
        params(1, &[("FCGI_DATA_LENGTH", "40")]),
        stdin(1, b""),
        record(DATA, 1, b"file"),
    ];
    web_server.send(wire.concat()).await;
    let exchange = received.recv().await.expect("an exchange");
    assert_eq!((exchange.role, exchange.keep_conn), (Role::FILTER, true));
    web_server.disconnect().await.expect("a good end");
    assert!(exchange.stdin.collect().await.is_ok());
    assert!(
        exchange
            .data
            .collect()
            .await
            .is_err_and(|error| error.is_aborted())
    );
}

/// 6.2: for a Responder there is none.
#[tokio::test(start_paused = true)]
async fn data_for_a_responder_is_ignored() {
    let mut web_server = WebServer::connect(service_fn(show));
    let wire = [
        head_as(1, RESPONDER, KEEP_CONN, "GET", "/", &[]),
        record(DATA, 1, b"file"),
        stdin(1, b""),
    ];
    web_server.send(wire.concat()).await;
    assert_eq!(web_server.reply(1).await.body(), b"GET / ");
}

/// R-10, at this level too.
#[tokio::test(start_paused = true)]
async fn a_reply_that_breaks_off_is_a_500_or_truncated() {
    for (steps, expected) in [
        (&["500"][..], &b"Status: 500 Internal Server Error\r\n"[..]),
        (&["some"], b"Status: 200 OK\r\n\r\n"),
    ] {
        let service = service_fn(move |_: Exchange| {
            let mut script: Vec<_> = steps
                .iter()
                .filter(|step| **step != "500")
                .map(|step| Step::Data(step))
                .collect();
            script.push(Step::Fail);
            let head = b"Status: 200 OK\r\n\r\n";
            std::future::ready(Ok::<_, Infallible>(Reply::new(
                &head[..],
                Script::new(script),
            )))
        });
        let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), service);
        let wire = [begin(1, RESPONDER, CLOSE), params(1, &[]), stdin(1, b"")];
        web_server.send(wire.concat()).await;
        let rest = web_server.rest().await;
        assert!(rest[8..].starts_with(expected));
    }
}
