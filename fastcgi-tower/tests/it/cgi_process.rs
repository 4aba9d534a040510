//! Plain CGI: one request, from variables and standard input, answered on standard output.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_tower::{Incoming, Params, RequestHandle, process::cgi, serve};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex},
    sync::oneshot,
    time::{Instant, timeout},
};
use tower::{Service, service_fn};

use crate::support::{Script, Step, echo, hello, pattern, show, tell_failure};

fn variables(more: &[(&str, &str)]) -> Params {
    let mut variables = vec![
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/"),
        ("REQUEST_URI", "/"),
    ];
    variables.extend(more);
    variables.into_iter().collect()
}

fn post(length: usize) -> Params {
    let length = length.to_string();
    variables(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", &length)])
}

/// Serves the one request, and gives what the process would exit with.
async fn run<S, B>(
    params: &Params,
    stdin: impl AsyncRead + Unpin + Send + 'static,
    stdout: impl AsyncWrite + Unpin + Send + 'static,
    service: S,
) -> io::Result<u32>
where
    S: Service<Request<Incoming>, Response = Response<B>, Future: Send> + Clone + Send + 'static,
    S::Error: Into<fastcgi_tower::BoxError>,
    B: http_body::Body<Data: Send, Error: Into<fastcgi_tower::BoxError>> + Send + 'static,
{
    let (process, gateway) = cgi(params, stdin, stdout);
    let (done, result) = oneshot::channel();
    let server = serve(process, service).with_graceful_shutdown(async {
        _ = done.send(gateway.await);
    });
    let served = timeout(Duration::from_secs(24 * 60 * 60), server).await;
    served.expect("it ends").expect("a good end");
    result.await.expect("the gateway ended first")
}

/// With all of standard input there, and all of standard output taken.
macro_rules! answer {
    ($params:expr, $stdin:expr, $service:expr) => {{
        let (mut near, far) = duplex(1 << 20);
        let result = run($params, $stdin, far, service_fn($service)).await;
        let mut output = Vec::new();
        near.read_to_end(&mut output).await.expect("a pipe");
        (result, String::from_utf8(output).expect("text"))
    }};
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_on_standard_output() {
    let (result, output) = answer!(&variables(&[]), tokio::io::empty(), hello);
    assert_eq!(output, "Status: 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    assert_eq!(result.expect("a good end"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_body_is_standard_input() {
    let (result, output) = answer!(&post(5), &b"12345"[..], show);
    assert!(output.ends_with("\r\n\r\nPOST / 12345"), "{output}");
    assert_eq!(result.expect("a good end"), 0);
}

/// RFC 3875, 4.2: what follows `CONTENT_LENGTH` bytes is not the request's, and standard input may have no end.
#[tokio::test(start_paused = true)]
async fn only_content_length_bytes_are_read() {
    let (mut near, far) = duplex(100);
    near.write_all(b"12345 and more").await.expect("a pipe");
    let (result, output) = answer!(&post(5), far, show);
    assert!(output.ends_with("\r\n\r\nPOST / 12345"), "{output}");
    assert_eq!(result.expect("a good end"), 0);

    let (_near, far) = duplex(100);
    let (result, output) = answer!(&variables(&[]), far, hello);
    assert!(output.ends_with("hello"), "{output}");
    assert_eq!(result.expect("a good end"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_incomplete() {
    let (_, output) = answer!(&post(10), &b"12345"[..], tell_failure);
    assert!(output.ends_with("\r\n\r\nincomplete"), "{output}");
}

#[tokio::test(start_paused = true)]
async fn a_length_that_is_none_is_refused() {
    let params = variables(&[("REQUEST_METHOD", "POST"), ("CONTENT_LENGTH", "five")]);
    let (_, output) = answer!(&params, &b"12345"[..], show);
    assert!(output.starts_with("Status: 400 "), "{output}");
}

/// B-8: whoever writes the whole body before reading is served, too, as long as the pipes take it.
#[tokio::test(start_paused = true)]
async fn large_bodies_pass_in_both_directions_at_once() {
    let body = pattern(1_000_000);
    let (mut stdin, far_stdin) = duplex(1000);
    let (mut stdout, far_stdout) = duplex(1000);
    let params = post(body.len());
    let served =
        tokio::spawn(async move { run(&params, far_stdin, far_stdout, service_fn(echo)).await });
    let sent = body.clone();
    tokio::spawn(async move { stdin.write_all(&sent).await.expect("a pipe") });
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).await.expect("a pipe");
    assert!(output.ends_with(&body));
    assert_eq!(served.await.expect("no panic").expect("a good end"), 0);
}

/// B-9: a gateway that writes the whole body before it reads gets the answer, and sees its end at once.
#[tokio::test(start_paused = true)]
async fn after_an_early_answer_standard_output_is_closed_and_the_body_is_read() {
    let body = pattern(5_000_000);
    let (mut stdin, far_stdin) = duplex(1000);
    let (mut stdout, far_stdout) = duplex(1000);
    let params = post(body.len());
    let served =
        tokio::spawn(async move { run(&params, far_stdin, far_stdout, service_fn(hello)).await });
    stdin.write_all(&body[..500_000]).await.expect("it is read");
    // Before the body has ended.
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).await.expect("a pipe");
    assert!(output.ends_with(b"hello"));
    assert!(!served.is_finished());
    stdin.write_all(&body[500_000..]).await.expect("it is read");
    assert_eq!(served.await.expect("no panic").expect("a good end"), 0);
}

/// B-9: 100 MiB, or 30 s.
#[tokio::test(start_paused = true)]
async fn the_rest_of_a_body_is_read_within_limits() {
    let (stdin, far_stdin) = duplex(1 << 20);
    let (mut stdout, far_stdout) = duplex(1000);
    let start = Instant::now();
    let params = post(1 << 30);
    let served =
        tokio::spawn(async move { run(&params, far_stdin, far_stdout, service_fn(hello)).await });
    let mut output = Vec::new();
    stdout.read_to_end(&mut output).await.expect("a pipe");
    served.await.expect("no panic").expect("a good end");
    assert_eq!(start.elapsed().as_secs(), 30);
    drop(stdin);

    let (mut stdin, far_stdin) = duplex(1 << 20);
    let (_stdout, far_stdout) = duplex(1000);
    let params = post(1 << 30);
    let served =
        tokio::spawn(async move { run(&params, far_stdin, far_stdout, service_fn(hello)).await });
    let piece = pattern(1 << 20);
    let mut taken = 0;
    while stdin.write_all(&piece).await.is_ok() {
        taken += piece.len();
    }
    served.await.expect("no panic").expect("a good end");
    assert!((99 << 20..103 << 20).contains(&taken), "{taken} bytes");
}

/// RFC 3875, 4.2: there is no way to tell where such a body ends.
#[tokio::test(start_paused = true)]
async fn a_chunked_upload_without_a_length_is_411() {
    let params = |length| {
        variables(&[
            ("REQUEST_METHOD", "POST"),
            ("HTTP_TRANSFER_ENCODING", "Chunked"),
            ("CONTENT_LENGTH", length),
        ])
    };
    let (result, output) = answer!(&params(""), &b"5\r\n12345\r\n0\r\n\r\n"[..], show);
    assert!(
        output.starts_with("Status: 411 Length Required\r\n"),
        "{output}"
    );
    assert_eq!(result.expect("a good end"), 0);
    // A gateway that has decoded it says how long it is.
    let (_, output) = answer!(&params("5"), &b"12345"[..], show);
    assert!(output.ends_with("\r\n\r\nPOST / 12345"), "{output}");
}

/// B-9, B-14: a gateway that writes the body first gets the 411; one whose standard input has no end does not keep the
/// process.
#[tokio::test(start_paused = true)]
async fn a_body_of_unknown_length_is_read_before_the_end() {
    let params = variables(&[
        ("REQUEST_METHOD", "POST"),
        ("HTTP_TRANSFER_ENCODING", "chunked"),
    ]);
    let (mut stdin, far_stdin) = duplex(1000);
    let (mut stdout, far_stdout) = duplex(1000);
    let start = Instant::now();
    let served =
        tokio::spawn(async move { run(&params, far_stdin, far_stdout, service_fn(hello)).await });
    stdin
        .write_all(&pattern(1_000_000))
        .await
        .expect("it is read");
    let mut output = String::new();
    stdout.read_to_string(&mut output).await.expect("a pipe");
    assert!(output.starts_with("Status: 411 "), "{output}");
    assert_eq!(served.await.expect("no panic").expect("a good end"), 0);
    assert_eq!(start.elapsed().as_secs(), 2);
}

/// Writes to nowhere, and counts the calls.
#[derive(Clone, Default)]
struct Writes(Arc<Mutex<Vec<Vec<u8>>>>);

impl AsyncWrite for Writes {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().expect("no panic").push(buf.to_vec());
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// uWSGI parses what it has with each read, and doubles fields of a head that comes in pieces.
#[tokio::test(start_paused = true)]
async fn a_response_that_is_ready_is_written_in_one_piece() {
    let writes = Writes::default();
    let stdout = writes.clone();
    run(
        &variables(&[]),
        tokio::io::empty(),
        stdout,
        service_fn(hello),
    )
    .await
    .expect("a good end");
    let written = writes.0.lock().expect("no panic");
    let expected = b"Status: 200 OK\r\ncontent-length: 5\r\n\r\nhello".to_vec();
    assert_eq!(*written, [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_large_head_is_written_in_one_piece() {
    let cookies = |_| async {
        let mut response = Response::new("hello".to_owned());
        for n in 0..100 {
            let cookie = format!("name-{n}={}; Path=/", "v".repeat(50));
            let cookie = cookie.parse().expect("a header value");
            response.headers_mut().append("set-cookie", cookie);
        }
        Ok::<_, Infallible>(response)
    };
    let writes = Writes::default();
    let stdout = writes.clone();
    run(
        &variables(&[]),
        tokio::io::empty(),
        stdout,
        service_fn(cookies),
    )
    .await
    .expect("a good end");
    let written = writes.0.lock().expect("no panic");
    let lengths: Vec<usize> = written.iter().map(Vec::len).collect();
    assert_eq!(lengths.len(), 1, "{lengths:?}");
}

/// A body that nobody reads does not keep the process.
#[tokio::test(start_paused = true)]
async fn an_answer_need_not_wait_for_the_body() {
    let (mut near, far) = duplex(100);
    near.write_all(b"123").await.expect("a pipe");
    let (result, output) = answer!(&post(1_000_000), far, hello);
    assert!(output.ends_with("hello"), "{output}");
    assert_eq!(result.expect("a good end"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_status_to_exit_with_is_the_handlers() {
    let exit = |request: Request<Incoming>| async move {
        let handle = request
            .extensions()
            .get::<RequestHandle>()
            .expect("a handle");
        handle.set_app_status(3);
        Ok::<_, Infallible>(Response::new(String::new()))
    };
    let (result, _) = answer!(&variables(&[]), tokio::io::empty(), exit);
    assert_eq!(result.expect("a good end"), 3);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_breaks_off_is_an_error() {
    let fail = |_| async {
        let body = Script::new([Step::Data("some"), Step::Yield, Step::Fail]);
        Ok::<_, Infallible>(Response::new(body))
    };
    let (result, output) = answer!(&variables(&[]), tokio::io::empty(), fail);
    assert!(output.ends_with("some"), "{output}");
    let error = result.expect_err("it broke off");
    assert_eq!(error.to_string(), "the response breaks off after its head");
}

#[tokio::test(start_paused = true)]
async fn a_standard_output_that_is_closed_is_an_error() {
    let (near, far) = duplex(100);
    drop(near);
    let result = run(&variables(&[]), tokio::io::empty(), far, service_fn(hello)).await;
    assert_eq!(
        result.expect_err("nobody reads").kind(),
        io::ErrorKind::BrokenPipe
    );
}

#[tokio::test(start_paused = true)]
async fn every_variable_is_a_param() {
    let param = |request: Request<Incoming>| async move {
        let params = request.extensions().get::<Params>().expect("params");
        let value = params.get("APP_SETTING").expect("a param").to_vec();
        let header = request.headers()["x-some"].as_bytes().to_vec();
        request.into_body().collect().await.expect("no body");
        Ok::<_, Infallible>(Response::new(http_body_util::Full::new(Bytes::from(
            [value, header].concat(),
        ))))
    };
    let params = variables(&[("APP_SETTING", "a"), ("HTTP_X_SOME", "b")]);
    let (_, output) = answer!(&params, tokio::io::empty(), param);
    assert!(output.ends_with("\r\n\r\nab"), "{output}");
}
