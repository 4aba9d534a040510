//! The level below HTTP: what FastCGI carries, as it is.

use std::{convert::Infallible, future::pending, io, time::Duration};

use fastcgi_tower::{
    BoxError, ConnectionBuilder, ConnectionId, Exchange, ExchangeService, Incoming, Reply,
    RequestHandle, Role, Stdout, StdoutBody,
};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::mpsc,
    time::timeout,
};
use tower::service_fn;

use crate::support::{
    AUTHORIZER, CLOSE, Counted, DATA, END_REQUEST, FILTER, KEEP_CONN, PIPE, RESPONDER, STDERR,
    STDOUT, WebServer, abort, get, head, head_as, post, record, records, stdin, stdin_all,
    until_idle,
};

/// A service of handlers that write to STDOUT.
fn writing<F>(
    handler: impl Fn(Exchange, Stdout) -> F + Clone + Send + 'static,
) -> impl ExchangeService<Future: Send, Body: Body<Data: Send> + Send> + Clone + Send + 'static
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    service_fn(move |exchange: Exchange| {
        let handler = handler.clone();
        async move {
            let reply: Reply<StdoutBody<F>> =
                Reply::streaming(move |stdout| handler(exchange, stdout));
            Ok::<_, Infallible>(reply)
        }
    })
}

fn connect<F>(handler: impl Fn(Exchange, Stdout) -> F + Clone + Send + 'static) -> WebServer
where
    F: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    WebServer::connect_exchanges(ConnectionBuilder::new(), writing(handler))
}

/// What comes out of a channel, or a failure: the clock is paused.
async fn next<T>(receiver: &mut mpsc::UnboundedReceiver<T>) -> T {
    let received = timeout(Duration::from_secs(3600), receiver.recv()).await;
    received.expect("in time").expect("a sender")
}

/// The records of a response whose end is that of STDOUT and, if it was used, of STDERR.
fn ended(mut response: Vec<Vec<u8>>, app_status: u8) -> Vec<u8> {
    let has_stderr = response.iter().any(|it| it.get(1) == Some(&STDERR));
    response.push(record(STDOUT, 1, b""));
    if has_stderr {
        response.push(record(STDERR, 1, b""));
    }
    response.push(record(END_REQUEST, 1, &[0, 0, 0, app_status, 0, 0, 0, 0]));
    response.concat()
}

#[tokio::test(start_paused = true)]
async fn stdout_is_sent_as_it_is() {
    let written: [&'static [u8]; 4] = [
        b"Status: 200 OK\r\n\r\nhello",
        // A web server makes of it what it can.
        b"there is no head",
        b"\xff\x00",
        b"Content-Length: 2\n\nmore than was announced",
    ];
    for bytes in written {
        let mut web_server = connect(move |_, mut stdout| async move {
            stdout.write_all(bytes).await?;
            Ok(())
        });
        web_server.send(get(1, "/")).await;
        let expected = ended(vec![record(STDOUT, 1, bytes)], 0);
        assert_eq!(web_server.bytes(expected.len()).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_may_be_empty() {
    let mut web_server = connect(|_, _| async { Ok(()) });
    web_server.send(get(1, "/")).await;
    let expected = ended(vec![], 0);
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_body_to_head_is_sent() {
    let mut web_server = connect(|_, mut stdout| async move {
        stdout.write_all(b"Status: 200 OK\r\n\r\nbody").await?;
        Ok(())
    });
    web_server
        .send([head(1, "HEAD", "/", &[]), stdin(1, b"")].concat())
        .await;
    assert_eq!(web_server.reply(1).await.body(), b"body");
}

#[tokio::test(start_paused = true)]
async fn a_length_that_does_not_fit_is_sent_as_it_is() {
    for length in ["2", "100"] {
        let mut web_server = connect(move |_, mut stdout| async move {
            let head = format!("Content-Length: {length}\r\n\r\n");
            stdout.write_all(head.as_bytes()).await?;
            stdout.write_all(b"hello").await?;
            Ok(())
        });
        web_server.send(get(1, "/")).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.head(), format!("Content-Length: {length}"));
        assert_eq!(reply.body(), b"hello");
    }
}

#[tokio::test(start_paused = true)]
async fn stderr_is_sent_before_between_and_after_stdout() {
    let mut web_server = connect(|exchange, mut stdout| async move {
        exchange.handle.stderr_now("before");
        stdout.write_all(b"\r\none").await?;
        stdout.flush().await?;
        exchange.handle.stderr_now("between");
        stdout.write_all(b"two").await?;
        stdout.flush().await?;
        exchange.handle.stderr_now("after");
        Ok(())
    });
    web_server.send(get(1, "/")).await;
    let expected = vec![
        record(STDERR, 1, b"before"),
        record(STDOUT, 1, b"\r\none"),
        record(STDERR, 1, b"between"),
        record(STDOUT, 1, b"two"),
        record(STDERR, 1, b"after"),
    ];
    let expected = ended(expected, 0);
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

/// A handler that has only messages to say says them while it waits.
#[tokio::test(start_paused = true)]
async fn stderr_is_sent_before_anything_is_written() {
    let mut web_server = connect(|exchange, stdout| async move {
        exchange.handle.stderr_now("working");
        pending::<()>().await;
        drop(stdout);
        Ok(())
    });
    web_server.send(get(1, "/")).await;
    let expected = record(STDERR, 1, b"working");
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn stderr_before_the_head_leaves_room_for_an_error_page() {
    let mut web_server = connect(|exchange, mut stdout| async move {
        exchange.handle.stderr_now("about to fail");
        stdout.write_all(b"Status: 200 OK\r\n\r\n").await?;
        Err("it fails".into())
    });
    web_server.send(get(1, "/")).await;
    let reply = web_server.reply(1).await;
    assert_eq!(reply.status(), "500");
    assert_eq!(reply.stderr, b"about to fail");
}

#[tokio::test(start_paused = true)]
async fn app_status_is_that_of_end_request() {
    let mut web_server = connect(|exchange, _| async move {
        exchange.handle.set_app_status(7);
        Ok(())
    });
    web_server.send(get(1, "/")).await;
    let expected = ended(vec![], 7);
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

#[tokio::test(start_paused = true)]
async fn three_flushes_are_three_writes() {
    let (near, far, counts) = Counted::duplex(PIPE);
    let service = writing(|_, mut stdout| async move {
        for text in ["one", "two", "three"] {
            stdout.write_all(text.as_bytes()).await?;
            stdout.flush().await?;
        }
        Ok(())
    });
    let connection = ConnectionBuilder::new().serve_connection(far, service);
    let mut web_server = WebServer::over(near, connection);
    web_server.send(get(1, "/")).await;
    let pieces = ["one", "two", "three"].map(|text| record(STDOUT, 1, text.as_bytes()));
    let expected = ended(pieces.to_vec(), 0);
    assert_eq!(web_server.bytes(expected.len()).await, expected);
    let writes = crate::support::Counts::read(&counts.writes);
    assert_eq!(writes, 4, "three pieces, and the end");
}

#[tokio::test(start_paused = true)]
async fn writes_without_a_flush_leave_together() {
    let mut web_server = connect(|_, mut stdout| async move {
        for text in ["one", "two", "three"] {
            stdout.write_all(text.as_bytes()).await?;
        }
        Ok(())
    });
    web_server.send(get(1, "/")).await;
    let expected = ended(vec![record(STDOUT, 1, b"onetwothree")], 0);
    assert_eq!(web_server.bytes(expected.len()).await, expected);
}

/// 64 KiB in the handler's hands, 256 KiB and a frame on the connection, and what the pipe holds.
#[tokio::test(start_paused = true)]
async fn a_handler_waits_for_a_web_server_that_does_not_read() {
    let (wrote, mut written) = mpsc::unbounded_channel();
    let mut web_server = connect(move |_, mut stdout| {
        let wrote = wrote.clone();
        async move {
            for _ in 0..1024 {
                stdout.write_all(&[b'x'; 16 * 1024]).await?;
                wrote.send(16 * 1024)?;
            }
            Ok(())
        }
    });
    web_server.send(get(1, "/")).await;
    until_idle().await;
    let mut sum = 0;
    while let Ok(count) = written.try_recv() {
        sum += count;
    }
    assert!((64 * 1024..640 * 1024).contains(&sum), "{sum} bytes");
    assert_eq!(web_server.reply(1).await.stdout.len(), 16 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_spawned_can_write() {
    let mut web_server = connect(|_, mut stdout| async move {
        let task = tokio::spawn(async move {
            tokio::task::yield_now().await;
            stdout.write_all(b"from a task").await?;
            stdout.flush().await
        });
        task.await??;
        Ok(())
    });
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.text(), "from a task");
}

#[tokio::test(start_paused = true)]
async fn an_abort_can_be_asked_and_awaited_and_ends_writing() {
    let (said, mut told) = mpsc::unbounded_channel();
    let mut web_server = connect(move |exchange, mut stdout| {
        let said = said.clone();
        async move {
            assert!(!exchange.handle.is_aborted());
            tokio::spawn(async move {
                exchange.handle.aborted().await;
                let failure = stdout.write_all(b"too late").await.map_err(|it| it.kind());
                said.send((exchange.handle.is_aborted(), failure))
            });
            pending().await
        }
    });
    web_server.send(get(1, "/")).await;
    until_idle().await;
    web_server.send(abort(1)).await;
    assert_eq!(
        next(&mut told).await,
        (true, Err(io::ErrorKind::BrokenPipe))
    );
}

/// The end of the future is the end of the response, whoever still has a way to write.
#[tokio::test(start_paused = true)]
async fn nothing_is_written_after_the_end() {
    let (give, mut given) = mpsc::unbounded_channel();
    let mut web_server = connect(move |_, mut stdout| {
        let give = give.clone();
        async move {
            stdout.write_all(b"all").await?;
            give.send(stdout)?;
            Ok(())
        }
    });
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.text(), "all");
    let mut stdout = next(&mut given).await;
    let error = stdout.write_all(b"more").await.expect_err("it is over");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_anything_has_left_is_500() {
    let fails = |_, mut stdout: Stdout| async move {
        stdout.write_all(b"Status: 200 OK\r\n\r\n").await?;
        Err("it fails".into())
    };
    let panics = |_, mut stdout: Stdout| async move {
        stdout.write_all(b"Status: 200 OK\r\n\r\n").await?;
        // There is nothing to flush yet for the connection, but the handler has waited.
        tokio::task::yield_now().await;
        panic!("it panics")
    };
    let waits = |_, stdout: Stdout| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(stdout);
        Err("it fails late".into())
    };
    let mut web_server = connect(fails);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.status(), "500");
    let mut web_server = connect(waits);
    web_server.send(get(1, "/")).await;
    assert_eq!(web_server.reply(1).await.status(), "500");
    // Here the head has left: it was all that was ready.
    let mut web_server = connect(panics);
    web_server.send(get(1, "/")).await;
    let rest = web_server.rest().await;
    assert!(
        rest.starts_with(&record(STDOUT, 1, b"Status: 200 OK\r\n\r\n")),
        "{}",
        rest.escape_ascii()
    );
    let error = web_server.result().await.expect_err("it is truncated");
    assert!(error.is_truncated());
}

#[tokio::test(start_paused = true)]
async fn requests_of_one_connection_have_its_id() {
    fn tell(exchange: Exchange) -> Result<Reply<Full<bytes::Bytes>>, Infallible> {
        let id = exchange.handle.connection_id();
        assert_ne!(id, ConnectionId::default());
        Ok(Reply::new("\r\n", Full::from(id.to_string())))
    }
    let service = service_fn(|exchange: Exchange| async { tell(exchange) });
    let connect = || WebServer::connect_exchanges(ConnectionBuilder::new(), service);
    let (mut one, mut other) = (connect(), connect());
    let mut ids = Vec::new();
    for web_server in [&mut one, &mut other] {
        for _ in 0..2 {
            web_server.send(get(1, "/")).await;
            ids.push(web_server.reply(1).await.text().to_owned());
        }
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[2], ids[3]);
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_read_as_bytes_and_lines() {
    let mut web_server = connect(|mut exchange, mut stdout| async move {
        let mut two = [0; 2];
        exchange.stdin.read_exact(&mut two).await?;
        let mut line = String::new();
        exchange.stdin.read_line(&mut line).await?;
        let mut rest = String::new();
        exchange.stdin.read_to_string(&mut rest).await?;
        let text = format!("{two:?} {line:?} {rest:?}");
        stdout.write_all(text.as_bytes()).await?;
        Ok(())
    });
    let pieces = [
        post(1, "/", 13),
        stdin(1, b"ab1"),
        stdin(1, b"23\nrest"),
        stdin(1, b"\nx\n"),
        stdin(1, b""),
    ];
    for piece in pieces {
        web_server.send(piece).await;
        until_idle().await;
    }
    assert_eq!(
        web_server.reply(1).await.text(),
        "[97, 98] \"123\\n\" \"rest\\nx\\n\""
    );
}

#[tokio::test]
async fn a_body_of_no_bytes_is_at_its_end() {
    for mut body in [Incoming::empty(), Incoming::default(), Incoming::from("")] {
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(body.fill_buf().await.expect("no error"), b"");
        body.consume(0);
        let mut bytes = Vec::new();
        assert_eq!(body.read_to_end(&mut bytes).await.expect("no error"), 0);
        assert!(body.frame().await.is_none());
    }
}

/// Bytes that were read do not come again as frames; the rest comes as frames.
#[tokio::test]
async fn a_body_is_read_as_bytes_and_then_as_frames() {
    let mut body = Incoming::from("hello");
    let mut two = [0; 2];
    body.read_exact(&mut two).await.expect("two bytes");
    assert_eq!(body.size_hint().exact(), Some(3));
    assert!(!body.is_end_stream());
    let rest = body.collect().await.expect("a whole body").to_bytes();
    assert_eq!(rest, "llo");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_an_error_of_reading() {
    let (said, mut told) = mpsc::unbounded_channel();
    let service = move |mut exchange: Exchange, _: Stdout| {
        let said = said.clone();
        async move {
            tokio::spawn(async move {
                let read = exchange.stdin.read_to_end(&mut Vec::new()).await;
                said.send(read.map_err(|it| it.kind()))
            });
            pending().await
        }
    };
    let mut web_server = connect(service.clone());
    web_server
        .send([post(1, "/", 10), stdin(1, b"half")].concat())
        .await;
    until_idle().await;
    web_server.send(abort(1)).await;
    assert_eq!(next(&mut told).await, Err(io::ErrorKind::ConnectionAborted));
    let mut web_server = connect(service);
    web_server
        .send([post(1, "/", 10), stdin_all(1, b"half")].concat())
        .await;
    assert_eq!(next(&mut told).await, Err(io::ErrorKind::UnexpectedEof));
}

/// Without a socket and without a runtime's help.
#[tokio::test]
async fn a_handler_is_tested_by_itself() {
    async fn handler(exchange: Exchange) -> Result<Reply<Incoming>, Infallible> {
        exchange.handle.stderr("seen");
        exchange.handle.set_app_status(1);
        let head = match exchange.params.get("REQUEST_METHOD") {
            Some(b"POST") => "Status: 201 Created\r\n\r\n",
            _ => "Status: 200 OK\r\n\r\n",
        };
        Ok(Reply::new(head, exchange.stdin))
    }
    let mut exchange = Exchange::new([("REQUEST_METHOD", "POST")].into_iter().collect());
    exchange.stdin = vec![b'x'; 3].into();
    let handle = exchange.handle.clone();
    let reply = handler(exchange).await.expect("infallible");
    let stdout = reply.collect().await.expect("a whole body");
    assert_eq!(stdout, "Status: 201 Created\r\n\r\nxxx");
    assert_eq!(handle.take_messages(), "seen");

    let streaming = Reply::streaming(|mut stdout| async move {
        stdout.write_all(b"one").await?;
        stdout.flush().await?;
        stdout.write_all(b"two").await
    });
    assert_eq!(streaming.collect().await.expect("whole"), "onetwo");

    let handle = RequestHandle::default();
    assert!(!handle.is_aborted());
    handle.set_aborted();
    handle.aborted().await;
    assert!(handle.is_aborted());
}

/// Tells the role and what was sent.
async fn tell_streams(mut exchange: Exchange, mut stdout: Stdout) -> Result<(), BoxError> {
    let (mut stdin, mut data) = (String::new(), String::new());
    exchange.stdin.read_to_string(&mut stdin).await?;
    exchange.data.read_to_string(&mut data).await?;
    let text = format!(
        "Status: 200 OK\r\n\r\n{:?} {stdin:?} {data:?}",
        exchange.role
    );
    stdout.write_all(text.as_bytes()).await?;
    Ok(())
}

#[tokio::test]
async fn authorizers_and_filters_are_served_by_the_one_call() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let listener = fastcgi_tower::listener::UnixSocket::bind(&path).expect("a socket");
    let server = fastcgi_tower::serve_exchanges(listener, writing(tell_streams))
        .authorizer(true)
        .filter(true);
    let server = tokio::spawn(server.into_future());
    let filtered = [
        ("CONTENT_LENGTH", "2"),
        ("FCGI_DATA_LENGTH", "4"),
        ("FCGI_DATA_LAST_MOD", "1"),
    ];
    let cases = [
        (
            [
                head_as(1, RESPONDER, CLOSE, "POST", "/", &[("CONTENT_LENGTH", "2")]),
                stdin_all(1, b"in"),
            ]
            .concat(),
            format!("{:?} \"in\" \"\"", Role::RESPONDER),
        ),
        (
            head_as(1, AUTHORIZER, CLOSE, "GET", "/", &[]),
            format!("{:?} \"\" \"\"", Role::AUTHORIZER),
        ),
        (
            [
                head_as(1, FILTER, CLOSE, "POST", "/", &filtered),
                stdin_all(1, b"in"),
                record(DATA, 1, b"file"),
                record(DATA, 1, b""),
            ]
            .concat(),
            format!("{:?} \"in\" \"file\"", Role::FILTER),
        ),
    ];
    for (request, expected) in cases {
        let mut io = UnixStream::connect(&path).await.expect("a connection");
        io.write_all(&request).await.expect("a connection");
        let mut response = Vec::new();
        io.read_to_end(&mut response).await.expect("a connection");
        let stdout: Vec<u8> = records(&response)
            .into_iter()
            .filter(|record| record.record_type == STDOUT)
            .flat_map(|record| record.content)
            .collect();
        let expected = format!("Status: 200 OK\r\n\r\n{expected}");
        assert_eq!(String::from_utf8_lossy(&stdout), expected);
    }
    server.abort();
}

/// B-13: of an Authorizer's answer nothing leaves before its end, however it is written.
#[tokio::test(start_paused = true)]
async fn an_authorizer_that_writes_and_fails_lets_nobody_in() {
    let service = writing(|_, mut stdout| async move {
        stdout.write_all(b"Status: 200 OK\r\n\r\n").await?;
        stdout.flush().await?;
        Err("it fails".into())
    });
    let builder = ConnectionBuilder::new().authorizer(true);
    let mut web_server = WebServer::connect_exchanges(builder, service);
    web_server
        .send(head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", &[]))
        .await;
    assert_eq!(web_server.reply(1).await.status(), "500");
}

/// A service of exchanges need not be `Send`, nor its handler's future.
#[tokio::test(start_paused = true)]
async fn a_handler_need_not_be_send() {
    let (near, far) = tokio::io::duplex(PIPE);
    let word = std::rc::Rc::new("local");
    let service = service_fn(move |_: Exchange| {
        let word = std::rc::Rc::clone(&word);
        async move {
            Ok::<_, Infallible>(Reply::streaming(|mut stdout| async move {
                stdout.write_all(word.as_bytes()).await
            }))
        }
    });
    let connection = ConnectionBuilder::new().serve_connection(far, service);
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async move {
            let connection = tokio::task::spawn_local(connection);
            let mut web_server = WebServer::beside(near, connection);
            web_server.send(get(1, "/")).await;
            assert_eq!(web_server.reply(1).await.text(), "local");
        })
        .await;
}
