//! An application that knows nothing of its mount, below one, and an event stream behind nginx.

use actix_files::Files;
use actix_web::cookie::Cookie;
use actix_web::http::header;
use actix_web::web::{self, Bytes, Redirect};
use actix_web::{App, Error, HttpRequest, HttpResponse};
use fastcgi_actix::{FastCgiServer, PathSource, ScriptName};
use futures_util::stream;

use crate::support::{FastCgi, serve, start};
use crate::wire::{Answer, Ask};

async fn login() -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, "/login?next=/"))
        .cookie(Cookie::build("id", "1").path("/").finish())
        .finish()
}

/// A page by its name, as actix makes a URL of it.
async fn by_name(request: HttpRequest) -> Result<HttpResponse, Error> {
    let url = request.url_for("page", ["1"])?;
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, url.as_str()))
        .body(url.to_string()))
}

fn below_app(mounts: bool) -> FastCgi {
    start(move |listener| {
        let server = FastCgiServer::new(|| {
            App::new()
                .route("/", web::get().to(login))
                .route("/by-name", web::get().to(by_name))
                .service(web::resource("/page/{id}").name("page").to(login))
                .service(Redirect::new("/old", "/new"))
                .service(
                    Files::new("/files", ".")
                        .index_file("index.html")
                        .redirect_to_slash_directory(),
                )
        });
        let server = server.workers(1).disable_signals();
        let server = server.script_name("/app").mount_redirects(mounts);
        server.listen_uds(listener).unwrap().run()
    })
}

fn ask(server: &FastCgi, path: &str) -> Answer {
    server.ask(&Ask::get(format!("/app{path}")))
}

#[test]
fn redirect_of_the_application_stays_below_the_mount() {
    let answer = ask(&below_app(true), "/");
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some("/app/login?next=/"));
    assert_eq!(answer.header("set-cookie"), Some("id=1; Path=/app"));

    let answer = ask(&below_app(false), "/");
    assert_eq!(answer.header("location"), Some("/login?next=/"));
    assert_eq!(answer.header("set-cookie"), Some("id=1; Path=/"));
}

#[test]
fn redirect_of_actix_stays_below_the_mount() {
    let server = below_app(true);
    assert_eq!(ask(&server, "/old").header("location"), Some("/app/new"));
    // A directory without its slash.
    assert_eq!(
        ask(&server, "/files/src").header("location"),
        Some("/app/files/src/")
    );
}

/// It has no place for the mount: what is to be in a page has to get it from the application.
#[test]
fn url_for_is_right_in_a_redirect_alone() {
    let answer = ask(&below_app(true), "/by-name");
    assert_eq!(
        answer.header("location"),
        Some("http://www.example.org/app/page/1")
    );
    assert_eq!(answer.text(), "http://www.example.org/page/1");
}

/// As in the documentation of `mount_redirects`.
#[test]
fn url_for_gets_the_mount_from_the_application() {
    let server = start(|listener| {
        let server = FastCgiServer::new(|| {
            App::new()
                .service(web::resource("/page/{id}").name("page").to(login))
                .default_service(web::to(
                    |request: HttpRequest, mount: web::ReqData<ScriptName>| async move {
                        let mut url = request.url_for("page", ["1"])?;
                        let path = format!("{}{}", *mount, url.path());
                        url.set_path(&path);
                        Ok::<_, Error>(url.to_string())
                    },
                ))
        });
        let server = server.workers(1).disable_signals().script_name("/app");
        server.listen_uds(listener).unwrap().run()
    });
    assert_eq!(
        ask(&server, "/x").text(),
        "http://www.example.org/app/page/1"
    );
}

/// In a scope that is the mount, `url_for` is right everywhere, and redirects have the mount already.
#[test]
fn url_for_is_right_where_the_routes_have_the_mount() {
    let server = start(|listener| {
        let server = FastCgiServer::new(|| {
            App::new().service(
                web::scope("/app")
                    .route("/by-name", web::get().to(by_name))
                    .service(web::resource("/page/{id}").name("page").to(login)),
            )
        });
        let server = server.workers(1).disable_signals().mount_redirects(true);
        let server = server.path_source(PathSource::RequestUri);
        server.listen_uds(listener).unwrap().run()
    });
    let answer = ask(&server, "/by-name");
    assert_eq!(
        answer.header("location"),
        Some("http://www.example.org/app/page/1")
    );
    assert_eq!(answer.text(), "http://www.example.org/app/page/1");
}

/// the handler knows nothing of the web server.
#[test]
fn nginx_is_asked_not_to_collect_an_event_stream() {
    let server = serve(|| {
        App::new().default_service(web::to(|| async {
            let events = stream::empty::<Result<Bytes, Error>>();
            HttpResponse::Ok()
                .content_type("text/event-stream")
                .streaming(events)
        }))
    });
    for (software, expected) in [("nginx/1.22.1", Some("no")), ("lighttpd/1.4.69", None)] {
        let answer = server.ask(&Ask::get("/").param("SERVER_SOFTWARE", software));
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        assert_eq!(answer.header("x-accel-buffering"), expected);
    }
}
