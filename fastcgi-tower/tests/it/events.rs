//! What is logged: names and numbers, never values of params and headers.

use std::{
    convert::Infallible,
    fmt::{self, Write},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, async_cgi_fn, serve};
use http::{HeaderValue, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{sleep, timeout},
};
use tower::service_fn;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use tracing_core::span::Current;

use crate::{
    crowd::Pipes,
    support::{PIPE, WebServer, get, head, hello, stdin, until_idle},
};

/// The events, a line each, and the spans.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>, Arc<Spans>);

#[derive(Default)]
struct Spans {
    begun: AtomicUsize,
    /// References to spans that have not ended.
    open: AtomicUsize,
    /// The one that is entered: tests here have one at a time.
    current: Mutex<Option<&'static Metadata<'static>>>,
    last: Mutex<Option<&'static Metadata<'static>>>,
    names: Mutex<Vec<&'static str>>,
}

impl Events {
    pub(crate) fn lines(&self, level: Level) -> Vec<String> {
        let lines = self.0.lock().expect("no panic elsewhere");
        let start = level.to_string();
        lines
            .iter()
            .filter(|it| it.starts_with(&start))
            .cloned()
            .collect()
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no panic elsewhere").push(line.0);
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        *self.1.last.lock().expect("no panic elsewhere") = Some(span.metadata());
        let mut names = self.1.names.lock().expect("no panic elsewhere");
        names.push(span.metadata().name());
        self.1.begun.fetch_add(1, Ordering::Relaxed);
        self.1.open.fetch_add(1, Ordering::Relaxed);
        Id::from_u64(1)
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.1.open.fetch_add(1, Ordering::Relaxed);
        id.clone()
    }

    fn try_close(&self, _: Id) -> bool {
        self.1.open.fetch_sub(1, Ordering::Relaxed) == 1
    }

    fn record(&self, _: &Id, record: &Record<'_>) {
        let mut line = Line("span".to_owned());
        record.record(&mut line);
        self.0.lock().expect("no panic elsewhere").push(line.0);
    }

    fn current_span(&self) -> Current {
        match *self.1.current.lock().expect("no panic elsewhere") {
            Some(metadata) => Current::new(Id::from_u64(1), metadata),
            None => Current::none(),
        }
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {
        let last = *self.1.last.lock().expect("no panic elsewhere");
        *self.1.current.lock().expect("no panic elsewhere") = last;
    }

    fn exit(&self, _: &Id) {
        *self.1.current.lock().expect("no panic elsewhere") = None;
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a String grows as needed");
    }
}

/// T-8a: Apache calls the front controller for an error, and says only what the client asked for.
#[tokio::test(start_paused = true)]
async fn an_error_page_that_nobody_names_is_refused_with_a_warning() {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let mut web_server = WebServer::connect(service_fn(hello));
    let params = [
        ("SERVER_SOFTWARE", "Apache/2.4.66"),
        ("SCRIPT_NAME", "/index.fcgi"),
        ("PATH_INFO", ""),
        ("SCRIPT_FILENAME", "/srv/www/index.fcgi"),
        ("REDIRECT_STATUS", "403"),
        ("REDIRECT_URL", "/admin/secret"),
    ];
    web_server
        .send(head(1, "GET", "/admin/secret", &params))
        .await;
    web_server.send(stdin(1, b"")).await;
    assert_eq!(web_server.reply(1).await.status(), "403");

    let warnings = events.lines(Level::WARN);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("ErrorDocument"), "{warnings:?}");
    assert!(warnings[0].contains("server.error-handler"), "{warnings:?}");
    assert!(!warnings[0].contains("secret"), "{warnings:?}");
}

/// RFC 3875, 6.3.1: a body wants a content type. Yaws drops one that has none.
#[tokio::test(start_paused = true)]
async fn a_body_without_a_content_type_is_mentioned() {
    assert_eq!(mentioned("hello", Some("text/plain")).await, 0);
    assert_eq!(mentioned("", None).await, 0);
    // tracing remembers for each place in the code whether anybody listens, and the threads of other tests, where nobody
    // does, may just be asking. A new subscriber has it ask again.
    for _ in 0..100 {
        if mentioned("hello", None).await == 1 {
            return;
        }
    }
    panic!("it is not mentioned");
}

/// A query may have secrets in it.
#[tokio::test(start_paused = true)]
async fn the_span_of_a_request_has_its_method_and_its_path_without_the_query() {
    // As above, a new subscriber has the places in the code asked again.
    for _ in 0..100 {
        let events = Events::default();
        let _guard = tracing::subscriber::set_default(events.clone());
        let mut web_server = WebServer::connect(service_fn(hello));
        let params = [
            ("REQUEST_URI", "/orders/7?token=secret"),
            ("QUERY_STRING", "token=secret"),
        ];
        let request = head(1, "GET", "/orders/7", &params);
        web_server.send([request, stdin(1, b"")].concat()).await;
        assert_eq!(web_server.reply(1).await.status(), "200");
        let lines = events.0.lock().expect("no panic elsewhere").clone();
        assert!(!lines.join("\n").contains("secret"), "{lines:?}");
        let recorded: Vec<_> = lines.iter().filter(|it| it.starts_with("span")).collect();
        if !recorded.is_empty() {
            assert_eq!(recorded, ["span method=\"GET\"", "span path=\"/orders/7\""]);
            return;
        }
    }
    panic!("nothing is recorded");
}

/// Not with the next one on a connection that is kept. `TraceLayer` makes a span inside it that is called `request`.
#[tokio::test(start_paused = true)]
async fn the_span_of_a_request_ends_with_it() {
    // As above, a new subscriber has the places in the code asked again.
    for _ in 0..100 {
        let events = Events::default();
        let _guard = tracing::subscriber::set_default(events.clone());
        let mut web_server = WebServer::connect(service_fn(hello));
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.status(), "200");
        until_idle().await;
        if events.1.begun.load(Ordering::Relaxed) == 1 {
            assert_eq!(events.1.open.load(Ordering::Relaxed), 0);
            let names = events.1.names.lock().expect("no panic elsewhere");
            assert_eq!(*names, ["fastcgi_request"]);
            return;
        }
    }
    panic!("there is no span");
}

/// How often the missing content type of a response is.
async fn mentioned(body: &'static str, content_type: Option<&'static str>) -> usize {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let answer = move |_| async move {
        let mut response = Response::new(body.to_owned());
        if let Some(value) = content_type {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert("content-type", value);
        }
        Ok::<_, Infallible>(response)
    };
    let mut web_server = WebServer::connect(service_fn(answer));
    web_server.send(head(1, "GET", "/", &[])).await;
    web_server.send(stdin(1, b"")).await;
    assert_eq!(web_server.reply(1).await.status(), "200");
    let lines = events.lines(Level::DEBUG);
    let mentioned = lines.iter().filter(|it| it.contains("no content-type"));
    mentioned.count()
}

/// Which rule was broken, and nothing of what was sent.
#[tokio::test]
async fn a_malformed_record_is_a_debug_event() {
    for _ in 0..100 {
        let events = Events::default();
        let _guard = tracing::subscriber::set_default(events.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let addr = listener.local_addr().expect("an address");
        let server = tokio::spawn(serve(listener, service_fn(hello)).into_future());
        let mut io = TcpStream::connect(addr).await.expect("a connection");
        io.write_all(b"\x07secret!").await.expect("a connection");
        let read = timeout(Duration::from_secs(20), io.read(&mut [0])).await;
        assert_eq!(read.expect("in time").unwrap_or(0), 0);
        server.abort();
        let lines = events.lines(Level::DEBUG);
        // tracing may not ask yet: see above.
        if lines.is_empty() {
            continue;
        }
        let failed = lines.iter().filter(|it| it.contains("a connection failed"));
        let failed: Vec<_> = failed.collect();
        assert_eq!(failed.len(), 1, "{lines:?}");
        assert!(failed[0].contains("protocol version"), "{failed:?}");
        assert!(!failed[0].contains("secret"), "{failed:?}");
        return;
    }
    panic!("it is not mentioned");
}

/// B-21: a browser, or nginx with `proxy_pass`. The answer is core's.
#[tokio::test(start_paused = true)]
async fn http_is_answered_and_is_one_warning_a_minute() {
    for _ in 0..100 {
        let events = Events::default();
        let _guard = tracing::subscriber::set_default(events.clone());
        let (connections, accepted) = mpsc::unbounded_channel();
        let server = tokio::spawn(serve(Pipes::new(accepted), service_fn(hello)).into_future());
        for _ in 0..3 {
            let (mut near, far) = duplex(PIPE);
            connections.send(far).expect("the server runs");
            let request = b"GET /?secret HTTP/1.1\r\nHost: a\r\n\r\n";
            near.write_all(request).await.expect("a connection");
            let mut answer = String::new();
            near.read_to_string(&mut answer).await.expect("text");
            assert!(
                answer.starts_with("HTTP/1.1 400 Bad Request\r\n"),
                "{answer}"
            );
            assert!(answer.contains("fastcgi_pass"), "{answer}");
            assert!(answer.contains("fastcgi-front"), "{answer}");
        }
        sleep(Duration::from_secs(59)).await;
        let warnings = events.lines(Level::WARN);
        assert!(warnings.len() <= 1, "{warnings:?}");
        // The next is a minute later.
        sleep(Duration::from_secs(2)).await;
        server.abort();
        // tracing may not ask yet: see above.
        let Some(warning) = warnings.first() else {
            continue;
        };
        assert!(warning.contains("fastcgi_pass"), "{warning}");
        assert!(warning.contains("fastcgi-front"), "{warning}");
        assert!(!warning.contains("secret"), "{warning}");
        let others = events.lines(Level::DEBUG);
        assert!(
            !others.iter().any(|it| it.contains("a connection failed")),
            "{others:?}"
        );
        return;
    }
    panic!("it is not mentioned");
}

/// What is wrong, and not what was written: it may be a cookie.
#[tokio::test(start_paused = true)]
async fn an_invalid_header_block_is_one_error_event_without_values() {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    for (output, fault) in [
        (
            &b"Set-Cookie secret\n\n"[..],
            "a line of the header block is not a field",
        ),
        (b"", "a CGI function has written nothing"),
        (b"X: secret\n", "has no empty line at its end"),
        (b"Status: secret\n\n", "the status is not one number"),
    ] {
        let function = async_cgi_fn(move |mut io| async move { io.write_all(output).await });
        let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), function);
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.status(), "500");
        let errors = std::mem::take(&mut *events.0.lock().expect("no panic elsewhere"));
        let errors: Vec<_> = errors.iter().filter(|it| it.starts_with("ERROR")).collect();
        let [error] = errors[..] else {
            panic!("{errors:?}");
        };
        assert!(error.contains(fault), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
}
