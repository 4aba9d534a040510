//! `ParamToHeaderLayer`: what the web server says, as headers that nobody can forge.

use std::convert::Infallible;

use fastcgi_tower::{Incoming, ParamToHeaderLayer, ParamToHeaderService, Params};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use tower::{Layer, Service, service_fn};

use crate::support::{WebServer, head, stdin};

const USER: HeaderName = HeaderName::from_static("x-remote-user");
const DN: HeaderName = HeaderName::from_static("x-client-dn");

/// The headers that a service behind `layer` sees.
async fn seen(
    layer: &ParamToHeaderLayer,
    params: &[(&str, &[u8])],
    headers: &[(HeaderName, &str)],
) -> HeaderMap {
    let mut service: ParamToHeaderService<_> =
        layer.layer(service_fn(|request: Request<()>| async {
            Ok::<_, Infallible>(request.into_parts().0.headers)
        }));
    let mut request = Request::new(());
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a value");
        request.headers_mut().append(name, value);
    }
    if !params.is_empty() {
        let params: Params = params.iter().copied().collect();
        request.extensions_mut().insert(params);
    }
    service.call(request).await.expect("infallible")
}

#[tokio::test]
async fn a_param_becomes_a_header() {
    let layer = ParamToHeaderLayer::new("REMOTE_USER", USER);
    let headers = seen(&layer, &[("REMOTE_USER", b"ann")], &[]).await;
    assert_eq!(headers[USER], "ann");
    assert_eq!(headers.len(), 1);
}

#[tokio::test]
async fn what_the_client_sent_is_replaced() {
    let layer = ParamToHeaderLayer::new("REMOTE_USER", USER);
    let forged = [(USER, "root"), (USER, "root")];
    let headers = seen(&layer, &[("REMOTE_USER", b"ann")], &forged).await;
    assert_eq!(headers.get_all(USER).iter().collect::<Vec<_>>(), ["ann"]);
}

#[tokio::test]
async fn what_the_client_sent_is_removed_without_a_param() {
    let layer = ParamToHeaderLayer::new("REMOTE_USER", USER);
    for params in [&[("OTHER", &b"param"[..])][..], &[]] {
        let headers = seen(&layer, params, &[(USER, "root"), (DN, "kept")]).await;
        assert!(!headers.contains_key(USER));
        assert_eq!(headers[DN], "kept");
    }
}

/// nginx without `auth_basic` sends an empty REMOTE_USER: nobody has logged in.
#[tokio::test]
async fn an_empty_param_is_no_header() {
    let forged = [(USER, "root")];
    let layers = [
        ParamToHeaderLayer::new("REMOTE_USER", USER),
        ParamToHeaderLayer::all("x-").expect("it begins a name"),
    ];
    for layer in layers {
        let headers = seen(&layer, &[("REMOTE_USER", b"")], &forged).await;
        assert!(!headers.contains_key(USER), "{layer:?}");
        // T-1: the last one decides.
        let overridden = [("REMOTE_USER", &b"ann"[..]), ("REMOTE_USER", b"")];
        let headers = seen(&layer, &overridden, &forged).await;
        assert!(!headers.contains_key(USER), "{layer:?}");
        let set = [("REMOTE_USER", &b""[..]), ("REMOTE_USER", b"ann")];
        let headers = seen(&layer, &set, &forged).await;
        assert_eq!(headers.get_all(USER).iter().collect::<Vec<_>>(), ["ann"]);
    }
}

#[tokio::test]
async fn several_params_become_several_headers() {
    let layer = ParamToHeaderLayer::new("REMOTE_USER", USER).and("SSL_CLIENT_S_DN", DN);
    let params = [("SSL_CLIENT_S_DN", &b"CN=ann"[..]), ("REMOTE_USER", b"ann")];
    let headers = seen(&layer, &params, &[(DN, "CN=root")]).await;
    assert_eq!(
        (headers[USER].as_bytes(), headers[DN].as_bytes()),
        (&b"ann"[..], &b"CN=ann"[..])
    );
    let headers = seen(&layer, &params[1..], &[(DN, "CN=root")]).await;
    assert!(!headers.contains_key(DN));
}

/// T-1
#[tokio::test]
async fn of_two_params_the_last_counts() {
    let layers = [
        ParamToHeaderLayer::new("REMOTE_USER", HeaderName::from_static("x-fcgi-remote-user")),
        ParamToHeaderLayer::all("x-fcgi-").expect("a prefix"),
    ];
    for layer in layers {
        let params = [("REMOTE_USER", &b"ann"[..]), ("REMOTE_USER", b"bob")];
        let headers = seen(&layer, &params, &[]).await;
        let users = headers.get_all("x-fcgi-remote-user");
        assert_eq!(users.iter().collect::<Vec<_>>(), ["bob"]);
    }
}

#[tokio::test]
async fn a_value_that_cannot_be_a_header_is_left_out() {
    let layers = [
        ParamToHeaderLayer::new("REMOTE_USER", HeaderName::from_static("x-fcgi-remote-user")),
        ParamToHeaderLayer::all("x-fcgi-").expect("a prefix"),
    ];
    let forged = HeaderName::from_static("x-fcgi-remote-user");
    for layer in layers {
        for value in [&b"ann\r\nx-admin: yes"[..], b"ann\0", b"ann\n", b"\x7f"] {
            let headers = seen(
                &layer,
                &[("REMOTE_USER", value)],
                &[(forged.clone(), "root")],
            )
            .await;
            assert!(headers.is_empty(), "{headers:?}");
        }
    }
}

#[tokio::test]
async fn a_value_need_not_be_utf_8() {
    let layer = ParamToHeaderLayer::new("REMOTE_USER", USER);
    let headers = seen(&layer, &[("REMOTE_USER", b"\xe9ric")], &[]).await;
    assert_eq!(headers[USER].as_bytes(), b"\xe9ric");
}

#[tokio::test]
async fn all_params_become_headers_but_those_that_are_some_already() {
    let layer = ParamToHeaderLayer::all("X-Fcgi-").expect("a prefix, in any case");
    let params = [
        ("REMOTE_USER", &b"ann"[..]),
        ("SSL_CLIENT_S_DN", b"CN=ann"),
        ("HTTP_COOKIE", b"a=b"),
        ("MY PARAM", b"a name with a space cannot be a header"),
        ("", b"neither can this"),
    ];
    let forged = [
        (HeaderName::from_static("x-fcgi-remote-user"), "root"),
        (HeaderName::from_static("x-fcgi-admin"), "yes"),
        (HeaderName::from_static("x-other"), "kept"),
    ];
    let headers = seen(&layer, &params, &forged).await;
    let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    // An empty name leaves the prefix, which is a name like any other.
    let names: Vec<_> = names
        .into_iter()
        .filter(|name| *name != "x-fcgi-")
        .collect();
    assert_eq!(
        names,
        ["x-fcgi-remote-user", "x-fcgi-ssl-client-s-dn", "x-other"]
    );
    assert_eq!(headers["x-fcgi-remote-user"], "ann");
}

#[test]
fn a_prefix_has_to_begin_a_name() {
    for prefix in ["", "x fcgi", "x:", "\r\n"] {
        assert!(ParamToHeaderLayer::all(prefix).is_err(), "{prefix:?}");
    }
}

/// Over the wire: what the client forges arrives in `HTTP_` params.
#[tokio::test(start_paused = true)]
async fn a_forged_header_does_not_reach_the_application() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let user = request.headers().get("x-fcgi-remote-user");
        Ok::<_, Infallible>(Response::new(format!("{user:?}")))
    });
    let service = ParamToHeaderLayer::all("x-fcgi-")
        .expect("a prefix")
        .layer(service);
    let mut web_server = WebServer::connect(service);
    let forged = ("HTTP_X_FCGI_REMOTE_USER", "root");
    for (params, expected) in [
        (&[forged][..], "None"),
        (&[forged, ("REMOTE_USER", "ann")], "Some(\"ann\")"),
        (&[("REMOTE_USER", "ann"), forged], "Some(\"ann\")"),
    ] {
        web_server
            .send([head(1, "GET", "/", params), stdin(1, b"")].concat())
            .await;
        assert_eq!(web_server.reply(1).await.body(), expected.as_bytes());
    }
}
