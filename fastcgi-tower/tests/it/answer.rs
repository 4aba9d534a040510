//! Ready-made responses for the level below HTTP.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use fastcgi_tower::{
    Answer, Chunks, ConnectionBuilder, Exchange, Reply, local_redirect, redirect, respond,
};
use futures_core::Stream;
use http::StatusCode;
use tokio::io::AsyncWriteExt;
use tower::service_fn;

use crate::support::{STDOUT, WebServer, get};

/// What a handler writes that sends `answer`, and then more.
async fn written(answer: Answer, more: &'static [u8]) -> String {
    let reply = Reply::streaming(|mut stdout| async move {
        stdout.send(answer).await?;
        stdout.write_all(more).await
    });
    let stdout = reply.collect().await.expect("a response");
    String::from_utf8(stdout.to_vec()).expect("a text")
}

#[tokio::test]
async fn a_response_has_a_status_a_type_and_a_body() {
    for (answer, expected) in [
        (
            respond(StatusCode::OK, "text/html", "<p>"),
            "Status: 200 OK\r\ncontent-type: text/html; charset=utf-8\r\n\r\n<p>",
        ),
        (
            respond(
                StatusCode::NOT_FOUND,
                "text/plain; charset=latin1",
                String::new(),
            ),
            "Status: 404 Not Found\r\ncontent-type: text/plain; charset=latin1\r\n\r\n",
        ),
        (
            respond(StatusCode::OK, "image/png", vec![0x50, 0x4e]),
            "Status: 200 OK\r\ncontent-type: image/png\r\n\r\nPN",
        ),
        (
            respond(StatusCode::OK, "a/b", &b"bytes"[..]),
            "Status: 200 OK\r\ncontent-type: a/b\r\n\r\nbytes",
        ),
        (
            Answer::from(StatusCode::GONE),
            "Status: 410 Gone\r\ncontent-type: text/plain; charset=utf-8\r\n\r\n410 Gone\n",
        ),
    ] {
        assert_eq!(written(answer, b"").await, expected);
    }
}

#[tokio::test]
async fn header_fields_are_added_and_later_writes_append() {
    let answer = respond(StatusCode::OK, "a/b", "one")
        .header("x-a", "1")
        .header("x-a", "2");
    assert_eq!(
        written(answer, b" two").await,
        "Status: 200 OK\r\ncontent-type: a/b\r\nx-a: 1\r\nx-a: 2\r\n\r\none two"
    );
}

#[tokio::test]
async fn a_body_may_be_an_iterator() {
    let chunks = (1..=3).map(|number| Ok(Bytes::from(format!("{number} "))));
    let answer = respond(StatusCode::OK, "a/b", Chunks::from_iter(chunks));
    assert!(written(answer, b"4").await.ends_with("\r\n\r\n1 2 3 4"));
}

/// Comes back once before each chunk.
struct Slow(Vec<&'static str>, bool);

impl Stream for Slow {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.1 = !self.1;
        if self.1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.0.pop().map(|chunk| Ok(chunk.into())))
    }
}

#[tokio::test]
async fn a_body_may_be_a_stream() {
    let stream = Slow(vec!["c", "b", "a"], false);
    let answer = respond(StatusCode::OK, "a/b", Chunks::from_stream(stream));
    assert!(written(answer, b"d").await.ends_with("\r\n\r\nabcd"));
    let chunks = Chunks::from_stream(Slow(vec!["b", "a"], false));
    let reply = Reply::try_from(respond(StatusCode::OK, "a/b", chunks)).expect("a response");
    let stdout = reply.collect().await.expect("a response");
    assert!(stdout.ends_with(b"\r\n\r\nab"));
}

#[tokio::test(start_paused = true)]
async fn each_chunk_of_a_stream_leaves_before_the_next() {
    let service = service_fn(|_: Exchange| async {
        Ok::<_, Infallible>(Reply::streaming(|mut stdout| async move {
            let stream = Slow(vec!["three", "two", "one"], false);
            let answer = respond(StatusCode::OK, "a/b", Chunks::from_stream(stream));
            stdout.send(answer).await
        }))
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), service);
    web_server.send(get(1, "/")).await;
    // The stream has nothing at first, so that the head leaves alone.
    let head = b"Status: 200 OK\r\ncontent-type: a/b\r\n\r\n";
    for expected in [&head[..], b"one", b"two", b"three"] {
        let record = web_server.record().await.expect("a record");
        assert_eq!(
            (record.record_type, &record.content[..]),
            (STDOUT, expected)
        );
    }
}

#[cfg(feature = "json")]
#[tokio::test]
async fn a_value_is_written_as_json() {
    let value = serde_json::json!({"name": "Zoë", "n": 1});
    let answer = fastcgi_tower::json(StatusCode::OK, &value).expect("JSON");
    assert_eq!(
        written(answer, b"\n").await,
        "Status: 200 OK\r\ncontent-type: application/json\r\n\r\n{\"n\":1,\"name\":\"Zoë\"}\n"
    );
}

#[tokio::test]
async fn a_redirect_has_a_status_and_a_local_one_has_none() {
    for (answer, expected) in [
        (
            redirect("https://example.org/"),
            "Status: 302 Found\r\nlocation: https://example.org/\r\n\r\n",
        ),
        (
            redirect("/there?x").status(StatusCode::SEE_OTHER),
            "Status: 303 See Other\r\nlocation: /there?x\r\n\r\n",
        ),
        (local_redirect("/there?x"), "Location: /there?x\r\n\r\n"),
        (
            local_redirect("/there").header("set-cookie", "a=1"),
            "Location: /there\r\nset-cookie: a=1\r\n\r\n",
        ),
    ] {
        assert_eq!(written(answer, b"").await, expected);
    }
}

/// the web server has its own connection to the client, and takes a field `Status` for the status.
#[tokio::test]
async fn a_local_redirect_leaves_out_what_every_head_leaves_out() {
    let answer = local_redirect("/there")
        .header("status", "200 OK")
        .header("connection", "x-private")
        .header("x-private", "1")
        .header("transfer-encoding", "chunked")
        .header("content-length", "4")
        .header("x-kept", "1");
    let expected = "Location: /there\r\nx-kept: 1\r\n\r\n";
    assert_eq!(written(answer, b"").await, expected);
}

#[tokio::test]
async fn an_invalid_field_is_an_error_and_nothing_is_written() {
    let answers = [
        respond(StatusCode::OK, "a\r\nb", "x"),
        respond(StatusCode::OK, "a/b", "x").header("x y", "1"),
        respond(StatusCode::OK, "a/b", "x").header("x", "1\r\nSet-Cookie: y"),
        respond(StatusCode::OK, "a/b", "x").header("content-length", "many"),
        respond(StatusCode::SWITCHING_PROTOCOLS, "a/b", "x"),
        redirect("/\r\nSet-Cookie: y"),
        local_redirect("https://example.org/"),
        local_redirect("//example.org/"),
        local_redirect("/\\example.org/"),
        local_redirect("there"),
    ];
    for answer in answers {
        let shown = format!("{answer:?}");
        let reply = Reply::streaming(|mut stdout| async move {
            let error = stdout.send(answer).await.expect_err("it is invalid");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            stdout.write_all(b"nothing else").await
        });
        let stdout = reply.collect().await.expect("a response");
        assert_eq!(stdout, "nothing else", "{shown}");
    }
    let invalid = respond(StatusCode::OK, "a\nb", "x");
    assert!(Reply::try_from(invalid).is_err());
}

#[tokio::test]
async fn a_chunk_that_fails_is_an_error() {
    let chunks = [Ok(Bytes::from("one")), Err(io::Error::other("it fails"))];
    let answer = respond(StatusCode::OK, "a/b", Chunks::from_iter(chunks));
    let reply = Reply::streaming(|mut stdout| async move { stdout.send(answer).await });
    let error = reply.collect().await.expect_err("it fails");
    assert_eq!(error.to_string(), "it fails");
}
