//! Params as headers of requests.

use actix_web::http::header::HeaderName;
use actix_web::{App, HttpRequest, web};
use fastcgi_actix::ParamToHeader;

use crate::support::serve;
use crate::wire::Ask;

async fn headers(request: HttpRequest) -> String {
    let mut lines: Vec<_> = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-"))
        .map(|(name, value)| format!("{name}={}", value.as_bytes().escape_ascii()))
        .collect();
    lines.sort();
    lines.join(" ")
}

#[test]
fn one_param() {
    let name = HeaderName::from_static("x-remote-user");
    let server = serve(move || {
        let exposed = ParamToHeader::new("REMOTE_USER", name.clone())
            .and("APP", HeaderName::from_static("x-app"));
        App::new().wrap(exposed).default_service(web::to(headers))
    });
    let forged = Ask::get("/")
        .header("X-Remote-User", "root")
        .header("X-Other", "kept");
    assert_eq!(server.ask(&forged).text(), "x-other=kept");
    let known = forged
        .param("REMOTE_USER", "first")
        .param("REMOTE_USER", "zoë")
        .param("APP", "7");
    let expected = "x-app=7 x-other=kept x-remote-user=zo\\xc3\\xab";
    assert_eq!(server.ask(&known).text(), expected);
    let impossible = known.clone().param("REMOTE_USER", "a\nb");
    assert_eq!(server.ask(&impossible).text(), "x-app=7 x-other=kept");
    // nginx sends it so where nobody has logged in.
    let empty = known.param("REMOTE_USER", "");
    assert_eq!(server.ask(&empty).text(), "x-app=7 x-other=kept");
}

#[test]
fn all_params() {
    let server = serve(|| {
        let exposed = ParamToHeader::all("X-Fcgi-").expect("it begins a name");
        App::new().wrap(exposed).default_service(web::to(headers))
    });
    let ask = Ask::get("/")
        .header("X-Fcgi-Forged", "root")
        .header("X-Kept", "yes")
        .param("APP_SETTING", "on");
    let answer = server.ask(&ask);
    assert!(
        answer.text().contains("x-fcgi-app-setting=on"),
        "{}",
        answer.text()
    );
    assert!(answer.text().contains("x-kept=yes"), "{}", answer.text());
    assert!(!answer.text().contains("forged"), "{}", answer.text());
    assert!(
        !answer.text().contains("x-fcgi-http-host"),
        "{}",
        answer.text()
    );
}

#[test]
fn prefix_has_to_begin_a_name() {
    assert!(ParamToHeader::all("").is_err());
    assert!(ParamToHeader::all("a b").is_err());
}
