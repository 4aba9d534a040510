//! What an application learns about a request.

use actix_web::{App, HttpMessage, HttpRequest, web};
use fastcgi_actix::{FastCgiServer, Params, RequestExt, RequestHandle};

use crate::support::{FastCgi, serve, start};
use crate::wire::{self, Ask};

fn application() -> App<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .route("/params", web::get().to(params))
        .route("/headers", web::to(headers))
        .default_service(web::to(describe))
}

async fn describe(request: HttpRequest) -> String {
    let info = request.connection_info();
    format!(
        "{} {} {:?} {}://{} {:?} {:?}",
        request.method(),
        request.uri(),
        request.version(),
        info.scheme(),
        info.host(),
        request.peer_addr(),
        info.realip_remote_addr(),
    )
}

async fn params(params: Params, request: HttpRequest) -> String {
    let extensions = request.extensions();
    let same = extensions.get::<fastcgi_tower::Params>();
    assert_eq!(same.map(|same| same.as_bytes()), Some(params.as_bytes()));
    params
        .get("APP_SETTING")
        .map_or_else(String::new, |it| it.escape_ascii().to_string())
}

async fn headers(request: HttpRequest) -> String {
    request.headers().len().to_string()
}

fn described(server: &FastCgi, ask: &Ask) -> String {
    server.ask(ask).text().to_owned()
}

/// Heads of requests are used again: whatever a request does not set would be another client's.
#[test]
fn nothing_of_one_request_shows_in_the_next() {
    let server = serve(application);
    let rich = Ask::new("PROPFIND", "/a?b=c")
        .header("X-Secret", "of the first client")
        .header("Authorization", "Basic of the first client")
        .param("REMOTE_ADDR", "192.0.2.1")
        .param("REMOTE_PORT", "1234")
        .param("HTTPS", "on")
        .param("REMOTE_USER", "first")
        .param("SERVER_PROTOCOL", "HTTP/2.0");
    let expected = "PROPFIND https://www.example.org/a?b=c HTTP/2.0 https://www.example.org \
                    Some(192.0.2.1:1234) Some(\"192.0.2.1\")";
    // More often than once, because there is a pool.
    for _ in 0..10 {
        assert_eq!(described(&server, &rich), expected);
        let plain = "GET / HTTP/1.1 http://www.example.org None None";
        assert_eq!(described(&server, &Ask::get("/")), plain);
        assert_eq!(described(&server, &Ask::get("/headers")), "1");
    }
}

#[test]
fn scheme_of_the_client_is_that_of_the_connection_info() {
    let server = serve(application);
    let https = |ask: Ask| described(&server, &ask.param("REQUEST_SCHEME", "https"));
    let expected = "GET https://www.example.org/x HTTP/1.1 https://www.example.org None None";
    assert_eq!(https(Ask::get("/x")), expected);
    // A host that is none stays where it was.
    let mut odd = Ask::get("/x");
    odd.headers = vec![("Host".to_owned(), "a b".to_owned())];
    assert!(https(odd).starts_with("GET /x HTTP/1.1 http://"));
    assert!(https(Ask::new("OPTIONS", "*")).starts_with("OPTIONS * HTTP/1.1"));
}

/// nginx sends patterns in `SERVER_NAME`, and `full_url` panics for what is no host.
#[test]
fn full_url_is_one_whatever_the_server_name_is() {
    let url = async |request: HttpRequest| request.full_url().to_string();
    let server = serve(move || App::new().default_service(web::to(url)));
    for (name, expected) in [
        ("www.example.org", "http://www.example.org/x"),
        ("*.example.org", "http://localhost:8080/x"),
        ("~^(.+)$", "http://localhost:8080/x"),
        ("2001:db8::1", "http://[2001:db8::1]/x"),
    ] {
        let mut ask = Ask::get("/x").param("SERVER_NAME", name);
        ask.headers.clear();
        assert_eq!(described(&server, &ask), expected, "{name}");
    }
}

#[test]
fn routes_of_https_requests_are_those_of_http_requests() {
    let server = serve(application);
    let ask = Ask::get("/params?q")
        .param("HTTPS", "on")
        .param("APP_SETTING", "a\u{e9}");
    assert_eq!(described(&server, &ask), "a\\xc3\\xa9");
}

#[test]
fn versions() {
    let server = serve(application);
    for (sent, seen) in [
        ("HTTP/1.0", " HTTP/1.0 "),
        ("HTTP/1.1", " HTTP/1.1 "),
        ("HTTP/2.0", " HTTP/2.0 "),
        ("HTTP/3.0", " HTTP/3.0 "),
        ("INCLUDED", " HTTP/1.1 "),
    ] {
        let ask = Ask::get("/").param("SERVER_PROTOCOL", sent);
        assert!(described(&server, &ask).contains(seen), "{sent}");
    }
}

/// actix-http's parser has a limit of 96, and answers 431.
#[test]
fn hundred_headers() {
    let mut ask = Ask::get("/headers");
    for n in 1..100 {
        ask = ask.header(format!("X-Header-{n}"), n.to_string());
    }
    assert_eq!(described(&serve(application), &ask), "100");
}

#[test]
fn large_headers_arrive_whole() {
    let value = |n: usize| format!("{n}").repeat(3000);
    let names = async |request: HttpRequest| {
        let values = (0..5).map(|n| {
            let value = request
                .headers()
                .get(format!("x-{n}"))
                .expect("it was sent");
            value.to_str().expect("digits").to_owned()
        });
        values.collect::<String>()
    };
    let server = serve(move || App::new().default_service(web::to(names)));
    let mut ask = Ask::get("/");
    for n in 0..5 {
        ask = ask.header(format!("X-{n}"), value(n));
    }
    assert_eq!(
        server.ask(&ask).text(),
        (0..5).map(value).collect::<String>()
    );
}

#[test]
fn script_name_is_cut_and_told() {
    let mount = async |request: HttpRequest| {
        let fastcgi = request.fastcgi().expect("it came over FastCGI");
        let extensions = request.extensions();
        assert_eq!(extensions.get(), Some(fastcgi.script_name()));
        assert_eq!(extensions.get(), Some(fastcgi.params()));
        assert!(extensions.get::<RequestHandle>().is_some());
        format!("{} {}", fastcgi.script_name().as_str(), request.uri())
    };
    let server = start(|listener| {
        let server = FastCgiServer::new(move || App::new().default_service(web::to(mount)));
        let server = server.workers(1).disable_signals().script_name("/app");
        server.listen_uds(listener).unwrap().run()
    });
    assert_eq!(server.ask(&Ask::get("/app/x?y")).text(), "/app /x?y");
    assert_eq!(server.ask(&Ask::get("/app")).text(), "/app /");
}

/// Several requests on a connection, with a body that the first does not read.
#[test]
fn connection_is_kept_after_an_unread_body() {
    let server = serve(application);
    let stream = server.connect();
    for _ in 0..2 {
        let mut bytes = Ask::post("/x", vec![b'x'; 200_000]).fastcgi();
        // FCGI_KEEP_CONN.
        bytes[10] = 1;
        wire::send(&stream, &bytes);
        let answer = wire::read_answer(&stream).unwrap();
        assert!(answer.text().starts_with("POST /x "), "{answer:?}");
    }
}

/// Over plain HTTP there are no params.
#[actix_web::test]
async fn params_are_empty_without_fastcgi() {
    let empty = async |params: Params| params.is_empty().to_string();
    let app = actix_web::test::init_service(App::new().default_service(web::to(empty))).await;
    let request = actix_web::test::TestRequest::get().to_request();
    let body = actix_web::test::call_and_read_body(&app, request).await;
    assert_eq!(body, "true");
    let request = actix_web::test::TestRequest::get().to_http_request();
    assert!(request.fastcgi().is_none());
}

/// `docs/facades.md` and the documentation of the crate say so, and what to read instead.
#[test]
fn app_config_is_not_about_this_server() {
    let server = serve(|| {
        App::new().default_service(web::to(|request: HttpRequest, params: Params| async move {
            let config = request.app_config();
            let (host, addr) = (config.host(), config.local_addr());
            let instead = (
                request.connection_info().host().to_owned(),
                params.local_addr(),
            );
            format!("{host} {addr} {} {instead:?}", config.secure())
        }))
    });
    let ask = Ask::get("/")
        .param("SERVER_ADDR", "192.0.2.7")
        .param("SERVER_PORT", "443");
    let instead = r#"("www.example.org", Some(192.0.2.7:443))"#;
    assert_eq!(
        server.ask(&ask).text(),
        format!("localhost:8080 127.0.0.1:8080 false {instead}")
    );
}
