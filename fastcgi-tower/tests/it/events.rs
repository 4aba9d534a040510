//! What is logged: names and numbers, never values of params and headers.

use std::{
    convert::Infallible,
    fmt::{self, Write},
    sync::{Arc, Mutex},
};

use fastcgi_tower::{ConnectionBuilder, async_cgi_fn};
use http::{HeaderValue, Response};
use tokio::io::AsyncWriteExt;
use tower::service_fn;
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::support::{WebServer, get, head, hello, stdin};

/// The events, a line each.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn lines(&self, level: Level) -> Vec<String> {
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

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
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
