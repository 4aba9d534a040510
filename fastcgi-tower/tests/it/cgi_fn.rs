//! CGI functions: params and standard input in, a CGI response out. Threads run on the real clock, so every test has a limit.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read, Write},
    sync::Mutex,
    sync::mpsc as std_mpsc,
};

use fastcgi_tower::{
    AsyncCgiIo, BoxError, CgiFn, CgiIo, ConnectionBuilder, ExchangeService, async_cgi_fn, cgi_fn,
    local_redirect, respond,
};
use http::StatusCode;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use crate::{
    blocking::{streams::resident, within},
    support::{
        Reply, STDOUT, WebServer, abort, get, get_close, head, pattern, post, record, stdin,
        stdin_all,
    },
};

fn connect<F, R>(function: CgiFn<F>) -> WebServer
where
    F: Fn(&mut CgiIo) -> Result<(), R> + Send + Sync + 'static,
    R: Into<BoxError> + 'static,
{
    WebServer::connect_exchanges(ConnectionBuilder::new(), function)
}

fn connect_async<F, Fut>(function: F) -> WebServer
where
    F: Fn(AsyncCgiIo) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    WebServer::connect_exchanges(ConnectionBuilder::new(), async_cgi_fn(function))
}

/// The response to `request` of a sync function that writes `output`, and of an async one.
async fn responses(output: &'static [u8], request: Vec<u8>) -> [Reply; 2] {
    let mut sync = connect(cgi_fn(move |io| io.write_all(output)));
    let mut other = connect_async(move |mut io| async move {
        io.write_all(output).await?;
        Ok(())
    });
    within(async {
        sync.send(&request).await;
        other.send(&request).await;
        [sync.reply(1).await, other.reply(1).await]
    })
    .await
}

#[tokio::test]
async fn header_blocks_are_read_in_every_form() {
    let cases: [(&'static [u8], &str, &[u8]); 9] = [
        (
            b"Content-Type: text/plain\n\nhello\n",
            "Status: 200 OK\r\ncontent-type: text/plain",
            b"hello\n",
        ),
        (
            b"Content-Type: text/plain\r\n\r\nhello\r\n",
            "Status: 200 OK\r\ncontent-type: text/plain",
            b"hello\r\n",
        ),
        (
            b"Status: 404 Nothing Here\nContent-Type: a/b\n\n",
            "Status: 404 Nothing Here\r\ncontent-type: a/b",
            b"",
        ),
        (
            b"Status: 201\nLocation: /made\n\nmade",
            "Status: 201 Created\r\nlocation: /made",
            b"made",
        ),
        (
            b"Location: https://example.org/\n\n",
            "Status: 302 Found\r\nlocation: https://example.org/",
            b"",
        ),
        // Caddy would make a 200 of CGI's local redirect.
        (
            b"Location: /there?x\n\n",
            "Status: 302 Found\r\nlocation: /there?x",
            b"",
        ),
        // That is another host.
        (
            b"Location: //there\n\n",
            "Status: 302 Found\r\nlocation: //there",
            b"",
        ),
        (
            b"Content-Length: 2\nX: y\n\nhello",
            "Status: 200 OK\r\nx: y\r\ncontent-length: 2",
            b"he",
        ),
        (
            b"Status: 204 No Content\n\nmore",
            "Status: 204 No Content",
            b"",
        ),
    ];
    for (output, head, body) in cases {
        for reply in responses(output, get(1, "/")).await {
            assert_eq!(reply.head(), head);
            assert_eq!(reply.body(), body, "{head}");
        }
    }
}

/// Apache keeps cookies over a local redirect, and who makes a redirect of it sends all.
#[tokio::test]
async fn a_local_redirect_keeps_its_cookies() {
    let output = b"Set-Cookie: a=1\nContent-Length: 4\nSet-Cookie: b=2\nLocation: /there\n\nmore";
    for reply in responses(output, from_apache("/")).await {
        assert_eq!(
            reply.text(),
            "Location: /there\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
        );
    }
}

fn from_apache(path: &str) -> Vec<u8> {
    let head = head(1, "GET", path, &[("SERVER_SOFTWARE", "Apache")]);
    [head, stdin(1, b"")].concat()
}

#[tokio::test]
async fn a_function_may_write_inside_a_block_on() {
    let function = cgi_fn(|io| {
        tokio::runtime::Handle::current().block_on(async {
            writeln!(io, "X: y\n")?;
            tokio::task::yield_now().await;
            io.flush()
        })
    });
    let mut web_server = connect(function);
    web_server.send(get(1, "/")).await;
    assert_eq!(within(web_server.reply(1)).await.status(), "200");
}

/// 64 KiB of messages wait. What is longer is cut off, and not dropped as a whole.
#[tokio::test]
async fn a_long_message_is_cut_off() {
    let function = cgi_fn(|io| {
        writeln!(io.stderr, "{}", "x".repeat(100_000))?;
        writeln!(io, "X: y\n")
    });
    let mut web_server = connect(function);
    web_server.send(get(1, "/")).await;
    let reply = within(web_server.reply(1)).await;
    // In parts of 8 KiB, of which each but the first costs 40 bytes more.
    assert_eq!(reply.stderr.len(), 7 * 8 * 1024);
}

#[tokio::test]
async fn the_answer_to_head_has_no_body() {
    let request = [head(1, "HEAD", "/", &[]), stdin(1, b"")].concat();
    for reply in responses(b"X: y\nContent-Length: 5\n\nhello", request).await {
        assert_eq!(
            reply.text(),
            "Status: 200 OK\r\nx: y\r\ncontent-length: 5\r\n\r\n"
        );
    }
}

#[tokio::test]
async fn an_invalid_header_block_is_500() {
    for output in [
        &b""[..],
        b"no colon\n\nx",
        b"X: y\n",
        b"X: y",
        b"Status: many\n\n",
        b"Status: 200 OK\nStatus: 404 Not Found\n\n",
        b"Content-Length: 1\nContent-Length: 2\n\n",
        b"X: a\x00b\n\n",
        b"Status: 101 Switching Protocols\n\n",
    ] {
        for reply in responses(output, get(1, "/")).await {
            let text = output.escape_ascii();
            assert_eq!(reply.status(), "500", "{text}");
            assert_eq!(reply.body(), b"500 Internal Server Error\n");
        }
    }
}

/// H-4: a function that counts on the number is not called.
#[tokio::test]
async fn an_invalid_length_is_refused_with_400() {
    let contradictions: [&[(&str, &str)]; 3] = [
        &[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "6")],
        &[("CONTENT_LENGTH", "five")],
        &[("CONTENT_LENGTH", "-2")],
    ];
    for length in contradictions {
        for (method, body) in [("POST", &b"400 Bad Request\n"[..]), ("HEAD", b"")] {
            let request = [head(1, method, "/", length), stdin_all(1, b"hello")].concat();
            for reply in responses(b"X: y\n\ncalled", request).await {
                assert_eq!((reply.status(), reply.body()), ("400", body), "{length:?}");
            }
        }
    }
}

/// 64 KiB is what the web server's half takes.
#[tokio::test]
async fn a_header_block_without_end_is_500() {
    let function = cgi_fn(|io| {
        loop {
            writeln!(io, "X: {}", "y".repeat(100))?;
        }
        #[expect(unreachable_code, reason = "the type of the loop")]
        Ok::<_, io::Error>(())
    });
    let mut web_server = connect(function);
    web_server.send(get(1, "/")).await;
    assert_eq!(within(web_server.reply(1)).await.status(), "500");
}

#[tokio::test]
async fn params_and_streams_are_there() {
    let function = cgi_fn(|io| {
        let method = io.var("REQUEST_METHOD").unwrap_or("none").to_owned();
        assert_eq!(io.var("NOTHING"), None);
        assert_eq!(io.var("BYTES"), None);
        assert_eq!(io.params.get("BYTES"), Some(&b"\xff"[..]));
        let mut line = String::new();
        io.read_line(&mut line)?;
        let mut rest = String::new();
        io.read_to_string(&mut rest)?;
        writeln!(io, "Content-Type: text/plain\n")?;
        write!(io, "{method} {line:?} {rest:?}")?;
        write!(io.stderr, "a line of ")?;
        writeln!(io.stderr, "{} words", 5)?;
        write!(io.stderr, "and a rest")?;
        io.set_exit_status(2);
        assert!(!io.is_aborted());
        Ok::<_, io::Error>(())
    });
    let mut web_server = connect(function);
    let request = [
        head(
            1,
            "POST",
            "/",
            &[("CONTENT_LENGTH", "9"), ("BYTES", "\u{0}")],
        ),
        stdin_all(1, b"one\ntwo\n!"),
    ]
    .concat();
    // A value that is not UTF-8 cannot be spelled as a text.
    let position = request.windows(6).position(|it| it == b"BYTES\0");
    let mut request = request;
    request[position.expect("it was spelled") + 5] = 0xff;
    within(async {
        web_server.send(request).await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), b"POST \"one\\n\" \"two\\n!\"");
        assert_eq!(reply.stderr, b"a line of 5 words\nand a rest");
        assert_eq!(reply.app_status, 2);
    })
    .await;
}

#[tokio::test]
async fn an_async_function_has_the_same() {
    let mut web_server = connect_async(|mut io| async move {
        let method = io.var("REQUEST_METHOD").unwrap_or("none").to_owned();
        let mut line = String::new();
        io.read_line(&mut line).await?;
        let mut rest = String::new();
        io.read_to_string(&mut rest).await?;
        io.write_all(b"X: y\n\n").await?;
        io.write_all(format!("{method} {line:?} {rest:?}").as_bytes())
            .await?;
        io.flush().await?;
        io.stderr("a word");
        assert!(!io.is_aborted());
        Ok(())
    });
    within(async {
        web_server
            .send([post(1, "/", 5), stdin_all(1, b"a\nbcd")].concat())
            .await;
        let reply = web_server.reply(1).await;
        assert_eq!(reply.body(), b"POST \"a\\n\" \"bcd\"");
        assert_eq!(reply.stderr, b"a word");
    })
    .await;
}

#[tokio::test]
async fn ready_made_responses_can_be_sent() {
    let function = cgi_fn(|io| match io.var("PATH_INFO") {
        Some("/redirect") => io.send(local_redirect("/there")),
        _ => {
            io.send(respond(StatusCode::CREATED, "text/plain", "one ").header("x", "y"))?;
            io.write_all(b"two")
        }
    });
    let mut web_server = connect(function);
    within(async {
        web_server.send(get(1, "/")).await;
        assert_eq!(
            web_server.reply(1).await.text(),
            "Status: 201 Created\r\nx: y\r\ncontent-type: text/plain; charset=utf-8\r\n\r\none two"
        );
        // Where it is followed, it stays as it is.
        for (software, expected) in [
            ("Apache/2.4.62", "Location: /there\r\n\r\n"),
            (
                "nginx/1.22",
                "Status: 302 Found\r\nlocation: /there\r\n\r\n",
            ),
        ] {
            let software = [("SERVER_SOFTWARE", software)];
            let head = head(1, "GET", "/redirect", &software);
            web_server.send([head, stdin(1, b"")].concat()).await;
            assert_eq!(web_server.reply(1).await.text(), expected);
        }
    })
    .await;
}

#[tokio::test]
async fn large_bodies_come_back_whole() {
    let sync = cgi_fn(|io| {
        writeln!(io, "X: y\n")?;
        io::copy(&mut io.stdin, &mut io.stdout).map(drop)
    });
    let mut web_servers = [
        connect(sync.max_workers(1)),
        connect_async(|mut io| async move {
            io.write_all(b"X: y\n\n").await?;
            tokio::io::copy(&mut io.stdin, &mut io.stdout).await?;
            Ok(())
        }),
    ];
    let sent = pattern(3_000_000);
    within(async {
        for web_server in &mut web_servers {
            web_server
                .send([post(1, "/", sent.len()), stdin_all(1, &sent)].concat())
                .await;
            assert!(web_server.reply(1).await.body() == sent, "another body");
        }
    })
    .await;
}

/// A flush passes on what was written, and the head with it.
#[tokio::test]
async fn a_response_is_written_while_the_request_is_read() {
    let function = cgi_fn(|io| {
        writeln!(io, "X: y\n")?;
        io.flush()?;
        let mut piece = [0; 2];
        while io.read_exact(&mut piece).is_ok() {
            io.write_all(&piece)?;
            io.flush()?;
        }
        Ok::<_, io::Error>(())
    });
    let mut web_server = connect(function);
    within(async {
        web_server.send(post(1, "/", 4)).await;
        let head = web_server.record().await.expect("a head");
        assert_eq!(head.content, b"Status: 200 OK\r\nx: y\r\n\r\n");
        for piece in [b"ab", b"cd"] {
            web_server.send(stdin(1, piece)).await;
            let record = web_server.record().await.expect("a piece");
            assert_eq!(record.content, piece);
        }
    })
    .await;
}

/// Fails in the way that the path says.
fn fail(io: &mut CgiIo) -> Result<(), BoxError> {
    let path = io.var("PATH_INFO").unwrap_or_default().to_owned();
    if path.starts_with("/late") {
        writeln!(io, "X: y\n\nsome")?;
        io.flush()?;
    } else if path.starts_with("/within") {
        writeln!(io, "X: y")?;
        io.flush()?;
    } else if !path.starts_with("/at-once") {
        // It is not sent before the end, or a flush.
        writeln!(io, "X: y\n\nsome")?;
    }
    match path.as_str() {
        "/error" | "/within/error" | "/late/error" => Err("it fails".into()),
        "/at-once/panic" | "/panic" | "/within/panic" | "/late/panic" => panic!("it panics"),
        _ => Ok(()),
    }
}

/// The same, of an async function.
async fn fail_async(mut io: AsyncCgiIo) -> Result<(), BoxError> {
    let path = io.params.get("PATH_INFO").unwrap_or_default().to_vec();
    if path.starts_with(b"/late") {
        io.write_all(b"X: y\n\nsome\n").await?;
        io.flush().await?;
    } else if path.starts_with(b"/within") {
        io.write_all(b"X: y\n").await?;
        io.flush().await?;
    } else if !path.starts_with(b"/at-once") {
        io.write_all(b"X: y\n\nsome\n").await?;
    }
    match &path[..] {
        b"/error" | b"/within/error" | b"/late/error" => Err("it fails".into()),
        b"/at-once/panic" | b"/panic" | b"/within/panic" | b"/late/panic" => panic!("it panics"),
        _ => Ok(()),
    }
}

#[tokio::test]
async fn a_failure_before_anything_is_sent_is_one_500() {
    let mut web_server = connect(cgi_fn(fail).max_workers(1));
    within(async {
        for path in [
            "/at-once/panic",
            "/error",
            "/panic",
            "/within/error",
            "/within/panic",
        ] {
            web_server.send(get(1, path)).await;
            assert_eq!(web_server.reply(1).await.status(), "500", "{path}");
            web_server.send(get(1, "/")).await;
            assert_eq!(web_server.reply(1).await.body(), b"some\n");
        }
    })
    .await;
}

#[tokio::test]
async fn a_failure_after_the_head_breaks_the_response_off() {
    let function = cgi_fn(fail).max_workers(1);
    within(async {
        for path in ["/late/error", "/late/panic"] {
            let mut web_server = connect(function.clone());
            web_server.send(get(1, path)).await;
            let rest = web_server.rest().await;
            let some = record(STDOUT, 1, b"some\n");
            assert!(rest.windows(some.len()).any(|it| it == some), "{path}");
            let error = web_server.result().await.expect_err("it is truncated");
            assert!(error.is_truncated(), "{path}");
        }
        let mut web_server = connect(function);
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.body(), b"some\n");
    })
    .await;
}

/// As of a function on a thread, but what is written leaves when the function waits for something, or ends.
#[tokio::test]
async fn an_async_function_that_fails_is_500_or_breaks_its_response_off() {
    within(async {
        let mut web_server = connect_async(fail_async);
        for path in [
            "/at-once/panic",
            "/error",
            "/panic",
            "/within/error",
            "/within/panic",
        ] {
            web_server.send(get(1, path)).await;
            assert_eq!(web_server.reply(1).await.status(), "500", "{path}");
            web_server.send(get(1, "/")).await;
            assert_eq!(web_server.reply(1).await.body(), b"some\n");
        }
        for path in ["/late/error", "/late/panic"] {
            let mut web_server = connect_async(fail_async);
            web_server.send(get(1, path)).await;
            let rest = web_server.rest().await;
            let some = record(STDOUT, 1, b"some\n");
            assert!(rest.windows(some.len()).any(|it| it == some), "{path}");
            let error = web_server.result().await.expect_err("it is truncated");
            assert!(error.is_truncated(), "{path}");
        }
    })
    .await;
}

const GB: usize = 1_000_000_000;

/// 1 GB down beside an upload that nobody reads, and how much larger the process has become.
async fn grown_by_1_gb<S>(function: S) -> usize
where
    S: ExchangeService<Future: Send, Body: Send> + Send + 'static,
{
    let before = resident();
    let (near, far) = tokio::io::duplex(256 * 1024);
    tokio::spawn(ConnectionBuilder::new().serve_connection(far, function));
    let (mut from, mut to) = tokio::io::split(near);
    within(async {
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
        while received < GB {
            received += from.read(&mut buffer).await.expect("a response");
        }
        drop(from);
        drop(upload.await);
    })
    .await;
    resident().saturating_sub(before)
}

/// B-8: up to 16 MiB of an upload wait. The other tests of this process run beside.
#[tokio::test]
async fn a_function_that_writes_1_gb_without_reading_its_input_is_bounded() {
    let chunk = [b'x'; 100_000];
    let grown = grown_by_1_gb(cgi_fn(move |io| {
        writeln!(io, "X: y\n")?;
        (0..GB / chunk.len()).try_for_each(|_| io.write_all(&chunk))
    }));
    let grown = grown.await;
    assert!(grown < 200 * 1024 * 1024, "{grown} bytes");

    let grown = grown_by_1_gb(async_cgi_fn(move |mut io| async move {
        io.write_all(b"X: y\n\n").await?;
        for _ in 0..GB / chunk.len() {
            io.write_all(&chunk).await?;
        }
        Ok::<_, io::Error>(())
    }));
    let grown = grown.await;
    assert!(grown < 200 * 1024 * 1024, "{grown} bytes");
}

/// The upload is larger than all that may wait.
#[tokio::test]
async fn a_function_that_reads_and_never_writes_is_500() {
    const UPLOAD: usize = 50_000_000;
    let before = resident();
    let thread = connect(cgi_fn(|io| {
        io::copy(&mut io.stdin, &mut io::sink()).map(drop)
    }));
    let task = connect_async(|mut io| async move {
        tokio::io::copy(&mut io.stdin, &mut tokio::io::sink()).await?;
        Ok(())
    });
    within(async {
        for mut web_server in [thread, task] {
            for _ in 0..2 {
                web_server.send(post(1, "/", UPLOAD)).await;
                for _ in 0..UPLOAD / 50_000 {
                    web_server.send(stdin(1, &[b'u'; 50_000])).await;
                }
                web_server.send(stdin(1, b"")).await;
                assert_eq!(web_server.reply(1).await.status(), "500");
            }
        }
    })
    .await;
    let grown = resident().saturating_sub(before);
    assert!(grown < 200 * 1024 * 1024, "{grown} bytes");
}

#[tokio::test]
async fn a_client_that_leaves_is_seen() {
    let (said, mut told) = mpsc::unbounded_channel();
    let (begun, mut beginning) = mpsc::unbounded_channel();
    let function = cgi_fn(move |io| {
        begun.send(()).map_err(io::Error::other)?;
        let read = io.read_to_end(&mut Vec::new()).map_err(|it| it.kind());
        let is_aborted = loop {
            if writeln!(io, "X: y").and_then(|()| io.flush()).is_err() {
                break io.is_aborted();
            }
        };
        said.send((read, is_aborted)).map_err(io::Error::other)
    });
    let mut web_server = connect(function);
    within(async {
        web_server
            .send([post(1, "/", 100), stdin(1, b"some")].concat())
            .await;
        beginning.recv().await.expect("a call");
        web_server.send(abort(1)).await;
        let expected = (Err(io::ErrorKind::ConnectionAborted), true);
        assert_eq!(told.recv().await, Some(expected));
    })
    .await;
}

#[tokio::test]
async fn what_is_too_much_is_refused_with_503() {
    let (call, mut calls) = mpsc::unbounded_channel();
    let (go, gone) = std_mpsc::channel::<()>();
    let gone = Mutex::new(gone);
    let function = cgi_fn(move |io| {
        call.send(()).map_err(io::Error::other)?;
        let _ = gone.lock().expect("no panic").recv();
        writeln!(io, "X: y\n\ndone")
    });
    let function = function.max_workers(1).max_queue(0);
    within(async {
        let (mut one, mut other) = (connect(function.clone()), connect(function.clone()));
        one.send(get(1, "/")).await;
        calls.recv().await.expect("a call");
        other.send(get_close(1, "/")).await;
        let reply = other.reply(1).await;
        assert_eq!(reply.status(), "503");
        assert!(reply.head().contains("\r\nretry-after: 1"));
        //
        let mut bodyless = connect(function);
        let request = [head(1, "HEAD", "/", &[]), stdin(1, b"")].concat();
        bodyless.send(request).await;
        let reply = bodyless.reply(1).await;
        assert_eq!((reply.status(), reply.body()), ("503", &b""[..]));
        go.send(()).expect("a function");
        assert_eq!(one.reply(1).await.body(), b"done\n");
    })
    .await;
}

/// The environment of a CGI program, in the order in which it is sent.
#[tokio::test]
async fn all_params_can_be_listed() {
    let function = cgi_fn(|io| {
        let all: BTreeMap<String, String> = io
            .params
            .iter()
            .map(|(name, value)| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(name), text(value))
            })
            .collect();
        writeln!(io, "Content-Type: text/plain\n")?;
        for (name, value) in all {
            writeln!(io, "{name}={value}")?;
        }
        Ok::<_, io::Error>(())
    });
    let mut web_server = connect(function);
    web_server.send(get(1, "/x")).await;
    let reply = within(web_server.reply(1)).await;
    let body = String::from_utf8_lossy(reply.body()).into_owned();
    assert!(body.contains("PATH_INFO=/x\n"), "{body}");
}
