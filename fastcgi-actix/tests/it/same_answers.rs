//! One application, served over FastCGI and over HTTP: what it answers is the same.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::same_application::application;
use crate::support::{FastCgi, Http, serve, serve_http};
use crate::wire::{Answer, Ask};

struct Both {
    fastcgi: FastCgi,
    http: Http,
    _files: TempDir,
}

fn both() -> Both {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), "<h1>Files</h1>\n").unwrap();
    fs::write(dir.path().join("large.txt"), "0123456789".repeat(20_000)).unwrap();
    let files = PathBuf::from(dir.path());
    let factory = move || application(&files);
    Both {
        fastcgi: serve(factory.clone()),
        http: serve_http(factory),
        _files: dir,
    }
}

impl Both {
    /// Asks both, and gives the answer of both.
    fn ask(&self, ask: &Ask) -> Answer {
        let mut answer = self.fastcgi.ask(ask);
        // R-14: nginx keeps it to itself.
        answer
            .headers
            .retain(|(name, _)| name != "x-accel-buffering");
        assert_eq!(answer, self.http.ask(ask), "{ask:?}");
        answer
    }

    fn is(&self, ask: &Ask, status: u16, body: &str) {
        let answer = self.ask(ask);
        assert_eq!((answer.status, answer.text()), (status, body), "{ask:?}");
    }
}

#[test]
fn extractors() {
    let both = both();
    both.is(&Ask::get("/hello/Zo%C3%AB%2Fx"), 200, "Hello Zoë/x!");
    let found = r#"{"text":"a b&c","page":2}"#;
    both.is(&Ask::get("/search?text=a+b%26c&page=2"), 200, found);
    assert_eq!(both.ask(&Ask::get("/search?text=a")).status, 400);
    let form = Ask::post("/form", "text=a+b%26c&page=2");
    let urlencoded = "application/x-www-form-urlencoded";
    both.is(&form.clone().header("Content-Type", urlencoded), 200, found);
    assert_eq!(both.ask(&form).status, 415);
    let json = Ask::post("/json", found).header("Content-Type", "application/json");
    both.is(&json, 200, found);
    let json = Ask::post("/json", "{").header("Content-Type", "application/json");
    assert_eq!(both.ask(&json).status, 400);
    both.is(&Ask::post("/echo", ""), 200, "");
    both.is(
        &Ask::post("/echo", "x".repeat(90_000)),
        200,
        &"x".repeat(90_000),
    );
    assert_eq!(
        both.ask(&Ask::post("/echo", "x".repeat(100_001))).status,
        413
    );
}

#[test]
fn routing() {
    let both = both();
    assert_eq!(both.ask(&Ask::get("/")).status, 404);
    assert_eq!(both.ask(&Ask::post("/hello/you", "")).status, 404);
    assert_eq!(both.ask(&Ask::post("/only", "")).status, 405);
    let inner = "Path((\"me\", 7)) Some(\"/scope/{owner}/inner/{item}\") /scope/me/inner/7?a=%20";
    both.is(&Ask::get("/scope/me/inner/7?a=%20"), 200, inner);
    // NormalizePath.
    let slashes = Ask::get("/scope//me/inner/7/?a=%20");
    assert_eq!(both.ask(&slashes).status, 200);
    both.is(&Ask::get("/scope/me/other"), 418, "scope");
    assert_eq!(both.ask(&Ask::get("/scope/me/inner/x")).status, 404);
    assert_eq!(
        both.ask(&Ask::get("/scope/me/inner/7").header("X-Away", "yes"))
            .status,
        404
    );
}

/// Every character that a client can put into a target. Some of them actix refuses in an HTTP request; where a web
/// server lets them through they arrive percent-encoded.
#[test]
fn targets() {
    let both = both();
    let mut differences = Vec::new();
    for character in ('!'..='~').filter(|&it| it != '#') {
        for target in [
            format!("/hello/a{character}b"),
            format!("/search?page=1&text=a{character}b"),
        ] {
            let ask = Ask::get(&target);
            let (fastcgi, http) = (both.fastcgi.ask(&ask), both.http.ask(&ask));
            if (fastcgi.status, &fastcgi.body) != (http.status, &http.body) {
                differences.push(format!("{target} {} {}", fastcgi.status, http.status));
            }
        }
    }
    let expected = [
        "/search?page=1&text=a\"b 200 400",
        "/hello/a<b 200 400",
        "/search?page=1&text=a<b 200 400",
        "/hello/a>b 200 400",
        "/search?page=1&text=a>b 200 400",
        "/hello/a`b 200 400",
    ];
    assert_eq!(differences, expected);
}

#[test]
fn heads() {
    let both = both();
    both.is(&Ask::get("/host"), 200, "http://www.example.org HTTP/1.1");
    let forwarded = Ask::get("/host").header("X-Forwarded-Proto", "https");
    both.is(&forwarded, 200, "https://www.example.org HTTP/1.1");
    let moved = both.ask(&Ask::get("/moved"));
    assert_eq!(
        (moved.status, moved.header("location")),
        (303, Some("/somewhere?a=1"))
    );
    let cookies = both.ask(&Ask::get("/cookies").header("Cookie", "a=1; b=\"2\""));
    assert_eq!(
        cookies
            .headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
            .count(),
        2
    );
    assert_eq!(both.ask(&Ask::get("/reason")).reason, "Gone fishing");
    assert_eq!(both.ask(&Ask::get("/nothing")).status, 204);
    both.is(&Ask::new("HEAD", "/head"), 200, "");
    both.is(&Ask::get("/empty"), 200, "");
}

#[test]
fn errors_are_responses() {
    let both = both();
    both.is(&Ask::get("/failing/own"), 402, "refused");
    both.is(&Ask::get("/failing/not-found"), 404, "no such thing");
    both.is(&Ask::get("/failing/otherwise"), 500, "broken");
}

#[test]
fn streams_and_events() {
    let both = both();
    let pieces: String = (0..10).map(|n| format!("piece {n}\n")).collect();
    both.is(&Ask::get("/stream"), 200, &pieces);
    let events = both.ask(&Ask::get("/events"));
    assert_eq!(events.text(), "data: 0\n\ndata: 1\n\ndata: 2\n\n");
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    let announced = both.ask(&Ask::get("/announced"));
    assert_eq!(
        (announced.body.len(), announced.header("content-length")),
        (10_000, Some("10000"))
    );
}

#[test]
fn compression() {
    let both = both();
    for target in ["/big", "/announced", "/hello/you", "/file"] {
        let answer = both.ask(&Ask::get(target).header("Accept-Encoding", "gzip"));
        assert_eq!(answer.header("content-encoding"), Some("gzip"), "{target}");
    }
    assert_eq!(both.ask(&Ask::get("/big")).body.len(), 50_000);
}

#[test]
fn multipart() {
    let body = "--edge\r\ncontent-disposition: form-data; name=\"text\"\r\n\r\nhello\r\n\
                --edge\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\
                content-type: application/octet-stream\r\n\r\n";
    let body = format!("{body}{}\r\n--edge--\r\n", "x".repeat(300_000));
    let ask = Ask::post("/multipart", body);
    let ask = ask.header("Content-Type", "multipart/form-data; boundary=edge");
    both().is(&ask, 200, "text: 5, file: 300000");
}

#[test]
fn files() {
    let both = both();
    both.is(&Ask::get("/files/"), 200, "<h1>Files</h1>\n");
    let large = both.ask(&Ask::get("/files/large.txt"));
    assert_eq!(large.body.len(), 200_000);
    let tag = large.header("etag").unwrap();
    let cached = Ask::get("/files/large.txt").header("If-None-Match", tag);
    assert_eq!(both.ask(&cached).status, 304);
    let range = Ask::get("/files/large.txt").header("Range", "bytes=5-14");
    both.is(&range, 206, "5678901234");
    let head = both.ask(&Ask::new("HEAD", "/files/large.txt"));
    assert_eq!(
        (head.header("content-length"), head.body.len()),
        (Some("200000"), 0)
    );
    assert_eq!(both.ask(&Ask::get("/files/none.txt")).status, 404);
}

#[test]
fn sessions_by_cookie() {
    let both = both();
    // The cookie is encrypted, and no two are alike: each server gets its own back.
    let counts = |ask_one: &dyn Fn(&Ask) -> Answer| {
        let mut cookie = String::from("session=");
        let mut counts = Vec::new();
        for _ in 0..3 {
            let answer = ask_one(&Ask::get("/counter").header("Cookie", &cookie));
            let set = answer.header("set-cookie").unwrap();
            let (pair, attributes) = set.split_once(';').unwrap();
            cookie = pair.to_owned();
            counts.push(format!("{} {attributes}", answer.text()));
        }
        counts
    };
    let counted = counts(&|ask| both.fastcgi.ask(ask));
    assert_eq!(counted, counts(&|ask| both.http.ask(ask)));
    assert!(counted[2].starts_with("3 "), "{counted:?}");
}

/// FastCGI cannot upgrade a connection.
#[test]
fn websocket_is_refused() {
    let factory = || {
        let handshake = |request: actix_web::HttpRequest| async move {
            let mut response = actix_http::ws::handshake(request.head())?;
            Ok::<_, actix_web::Error>(actix_web::HttpResponse::from(response.finish()))
        };
        actix_web::App::new().route("/", actix_web::web::get().to(handshake))
    };
    let ask = Ask::get("/")
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    assert_eq!(serve(factory).ask(&ask).status, 400);
}
