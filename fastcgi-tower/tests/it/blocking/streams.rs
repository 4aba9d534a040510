//! Bodies that are read and written bit by bit.

use std::{
    io::{self, Read, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use fastcgi_tower::ConnectionBuilder;
use tokio::sync::mpsc;

use super::*;
use crate::support::{PIPE, STDOUT, abort, get, head, pattern, post, stdin, stdin_all};

/// Sends back what comes, at once.
fn echo(request: &mut Request) -> io::Result<Response> {
    let mut body = request.start(http::Response::new(()))?;
    let mut buffer = [0; 1000];
    loop {
        match request.read(&mut buffer)? {
            0 => return body.finish(),
            count => {
                body.write_all(&buffer[..count])?;
                body.flush()?;
            }
        }
    }
}

#[tokio::test]
async fn a_response_is_written_while_the_request_is_read() {
    let mut web_server = connect(blocking::service_fn(echo));
    within(async {
        web_server.send(post(1, "/", 6)).await;
        let head = web_server.record().await.expect("a head");
        assert_eq!(head.content, b"Status: 200 OK\r\n\r\n");
        // Each piece is answered before the next is sent.
        for piece in ["ab", "cd", "ef"] {
            web_server.send(stdin(1, piece.as_bytes())).await;
            let record = web_server.record().await.expect("a piece");
            assert_eq!(
                (record.record_type, record.content),
                (STDOUT, piece.as_bytes().to_vec())
            );
        }
        web_server.send(stdin(1, b"")).await;
        assert_eq!(web_server.reply(1).await.stdout, b"");
    })
    .await;
}

#[tokio::test]
async fn large_bodies_come_back_whole() {
    let service = blocking::service_fn(|request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        io::copy(request, &mut body)?;
        body.finish()
    });
    let mut web_server = connect(service.max_workers(1));
    let sent = pattern(5_000_000);
    within(async {
        web_server
            .send([post(1, "/", sent.len()), stdin_all(1, &sent)].concat())
            .await;
        assert!(web_server.reply(1).await.body() == sent, "another body");
    })
    .await;
}

/// In its hands and in the channel, two chunks of 32 KiB; on the connection 256 KiB and a frame; and the pipe.
#[tokio::test]
async fn writing_waits_for_the_client() {
    const CHUNK: usize = 10_000;
    let written = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&written);
    let service = blocking::service_fn(move |request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        for _ in 0..10_000 {
            body.write_all(&[b'x'; CHUNK])?;
            counter.fetch_add(CHUNK, Ordering::Relaxed);
        }
        body.finish()
    });
    let mut web_server = connect(service);
    within(async {
        web_server.send(get(1, "/")).await;
        let mut received = 0;
        loop {
            let record = web_server.record().await.expect("a record");
            received += record.content.len();
            let ahead = written.load(Ordering::Relaxed).saturating_sub(received);
            assert!(ahead < 1024 * 1024, "{ahead} bytes are on their way");
            if record.record_type == STDOUT && record.content.is_empty() {
                break;
            }
        }
        assert!(received > 10_000 * CHUNK, "{received}");
    })
    .await;
}

/// 1 GB down beside an upload that nobody reads.
#[tokio::test]
async fn a_handler_that_writes_1_gb_without_reading_its_input_is_bounded() {
    const SIZE: usize = 1_000_000_000;
    let service = blocking::service_fn(|request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        let chunk = [b'x'; 100_000];
        for _ in 0..SIZE / chunk.len() {
            body.write_all(&chunk)?;
        }
        body.finish()
    });
    let before = resident();
    let (near, far) = tokio::io::duplex(PIPE);
    let connection =
        ConnectionBuilder::new().serve_connection(far, fastcgi_tower::HttpService::new(service));
    tokio::spawn(connection);
    let (mut from, mut to) = tokio::io::split(near);
    within(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let upload = tokio::spawn(async move {
            // It may be cut off: the answer does not depend on it.
            let _ = to.write_all(&post(1, "/", 50_000_000)).await;
            for _ in 0..50 {
                if to.write_all(&stdin(1, &[b'u'; 60_000])).await.is_err() {
                    break;
                }
            }
            to
        });
        let mut received = 0;
        let mut buffer = vec![0; 256 * 1024];
        while received < SIZE {
            received += from.read(&mut buffer).await.expect("a response");
        }
        drop(from);
        drop(upload.await);
    })
    .await;
    let grown = resident().saturating_sub(before);
    // B-8: up to 16 MiB of an upload wait. The other tests of this process run beside.
    assert!(grown < 200 * 1024 * 1024, "{grown} bytes");
}

/// Bytes of this process.
pub(crate) fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split(' ').nth(1).expect("a second number");
    pages.parse::<usize>().expect("a number") * rustix::param::page_size()
}

#[tokio::test]
async fn writing_fails_once_the_client_has_left() {
    let (said, mut told) = mpsc::unbounded_channel();
    let service = blocking::service_fn(move |request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        let failure = loop {
            if let Err(error) = body.write_all(&[b'x'; 10_000]) {
                break error;
            }
        };
        let is_aborted = request.is_aborted();
        said.send((failure.kind(), is_aborted)).expect("a test");
        Err::<Response, _>(failure)
    });
    let mut web_server = connect(service);
    within(async {
        web_server.send(get(1, "/")).await;
        web_server.record().await.expect("a head");
        web_server.send(abort(1)).await;
        assert_eq!(told.recv().await, Some((io::ErrorKind::BrokenPipe, true)));
    })
    .await;
}

#[tokio::test]
async fn reading_fails_once_the_client_has_left() {
    let (said, mut told) = mpsc::unbounded_channel();
    let (begun, mut beginning) = mpsc::unbounded_channel();
    let service = blocking::service_fn(move |request: &mut Request| {
        begun.send(()).expect("a test");
        let failure = request.read_to_end(&mut Vec::new());
        let failure = failure.expect_err("there is no end");
        said.send((failure.kind(), request.is_aborted()))
            .expect("a test");
        // Whatever is read after that fails, too.
        assert_eq!(
            request.read(&mut [0]).map_err(|it| it.kind()),
            Err(io::ErrorKind::ConnectionAborted)
        );
        Err::<Response, _>(failure)
    });
    within(async {
        // By ABORT_REQUEST, and by a socket that is closed.
        for is_closed in [false, true] {
            let mut web_server = connect(service.clone());
            web_server
                .send([post(1, "/", 100), stdin(1, b"some")].concat())
                .await;
            beginning.recv().await.expect("a call");
            if is_closed {
                drop(web_server);
            } else {
                web_server.send(abort(1)).await;
            }
            let expected = (io::ErrorKind::ConnectionAborted, true);
            assert_eq!(told.recv().await, Some(expected));
        }
    })
    .await;
}

#[tokio::test]
async fn a_body_that_ends_early_is_an_error_of_reading() {
    let service = blocking::service_fn(|request: &mut Request| {
        let error = request.read_to_end(&mut Vec::new()).expect_err("it is cut");
        Ok::<_, io::Error>(format!("{:?}", error.kind()))
    });
    let mut web_server = connect(service);
    web_server
        .send([post(1, "/", 10), stdin_all(1, b"half")].concat())
        .await;
    assert_eq!(within(web_server.reply(1)).await.body(), b"UnexpectedEof");
}

/// A client that sends less than it has announced is no fault of the handler.
#[tokio::test]
async fn a_handler_that_fails_with_its_body_is_answered_with_400() {
    let service = blocking::service_fn(|request: &mut Request| {
        let mut text = String::new();
        request.read_to_string(&mut text)?;
        Ok::<_, io::Error>(text)
    });
    let mut web_server = connect(service);
    web_server
        .send([post(1, "/", 10), stdin_all(1, b"half")].concat())
        .await;
    assert_eq!(within(web_server.reply(1)).await.status(), "400");
    // What is not UTF-8 arrived as it was sent.
    web_server
        .send([post(1, "/", 1), stdin_all(1, b"\xff")].concat())
        .await;
    assert_eq!(within(web_server.reply(1)).await.status(), "500");
}

/// nothing follows the head, and the handler need not write it.
#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let (said, mut told) = mpsc::unbounded_channel();
    let service = blocking::service_fn(move |request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        let failure = loop {
            let written = body.write_all(b"body").and_then(|()| body.flush());
            if let Err(error) = written {
                break error;
            }
        };
        said.send(failure.kind()).expect("a test");
        Err::<Response, _>(failure)
    });
    let mut web_server = connect(service);
    within(async {
        let head = head(1, "HEAD", "/", &[]);
        web_server.send([head, stdin(1, b"")].concat()).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.text(), "Status: 200 OK\r\n\r\n");
        assert_eq!(told.recv().await, Some(io::ErrorKind::BrokenPipe));
    })
    .await;
}

/// While a client is slow, others are served by other workers.
#[tokio::test]
async fn a_slow_client_holds_one_worker() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&order);
    let service = blocking::service_fn(move |request: &mut Request| {
        let mut body = Vec::new();
        request.read_to_end(&mut body)?;
        let path = request.uri().path().to_owned();
        log.lock().expect("no panic").push(path.clone());
        Ok::<_, io::Error>(path)
    });
    let service = service.max_workers(2);
    let (mut slow, mut quick) = (connect(service.clone()), connect(service));
    within(async {
        slow.send(post(1, "/slow", 1)).await;
        quick.send(get(1, "/quick")).await;
        assert_eq!(quick.reply(1).await.body(), b"/quick");
        slow.send(stdin_all(1, b"x")).await;
        assert_eq!(slow.reply(1).await.body(), b"/slow");
    })
    .await;
    assert_eq!(*order.lock().expect("no panic"), ["/quick", "/slow"]);
}

/// As where rows of a database are awaited, and written one by one.
#[tokio::test]
async fn bodies_are_read_and_written_inside_a_block_on() {
    let service = blocking::service_fn(|request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        tokio::runtime::Handle::current().block_on(async {
            tokio::task::yield_now().await;
            io::copy(request, &mut body)
        })?;
        body.finish()
    });
    let mut web_server = connect(service);
    // Many more pieces than tokio allows a task without a pause.
    let sent = pattern(8_000_000);
    within(async {
        web_server
            .send([post(1, "/", sent.len()), stdin_all(1, &sent)].concat())
            .await;
        assert!(web_server.reply(1).await.body() == sent, "another body");
    })
    .await;
}
