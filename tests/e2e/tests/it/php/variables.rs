//! What PHP learns of a request: `$_SERVER`.

use fastcgi_e2e::Request;
use libtest_mimic::Failed;

use super::sites::Sites;

/// What PHP learns of a request, that of a client that says untrue things in headers.
pub(super) fn variables(sites: &Sites) -> Result<(), Failed> {
    let request = || {
        Request::post("/test/server.php/a%20b/c?x=%2F&y", "a=b")
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Authorization", "Basic dXNlcjpzZWNyZXQ=")
            .header("Cookie", "a=b; c=d")
            .header("X-Forwarded-For", "10.0.0.1")
            .header("X-Forwarded-Proto", "https")
            .header("Accept", "text/html")
    };
    let mut today = sites.today().send(request())?.json()?;
    let mut rust = sites.rust().send(request())?.json()?;
    for (variables, port) in [
        (&mut today, sites.today().port()),
        (&mut rust, sites.rust().port()),
    ] {
        let variables = variables.as_object_mut().ok_or("PHP sends no object")?;
        // Apache's is that of the `Host` field.
        let name = variables.remove("SERVER_PORT").unwrap_or_default();
        let own = port.to_string();
        assert!(name == own.as_str() || name == "80", "{name}");
        variables.remove("SERVER_SOFTWARE");
    }
    // What nginx sends besides: the body's fields twice, and a name that nobody has checked.
    for (name, value) in [
        ("HTTP_CONTENT_LENGTH", "3"),
        ("HTTP_CONTENT_TYPE", "application/x-www-form-urlencoded"),
        ("REMOTE_USER", "user"),
    ] {
        let variables = today.as_object_mut().ok_or("PHP sends no object")?;
        assert_eq!(variables.remove(name), Some(value.into()), "{name}");
    }
    assert_eq!(today, rust);
    for (name, value) in [
        ("PHP_AUTH_USER", "user"),
        ("HTTP_AUTHORIZATION", "Basic dXNlcjpzZWNyZXQ="),
        ("SERVER_NAME", "www.example.org"),
        ("REMOTE_ADDR", "127.0.0.1"),
        ("REQUEST_URI", "/test/server.php/a%20b/c?x=%2F&y"),
        ("PATH_INFO", "/a b/c"),
        ("SCRIPT_NAME", "/test/server.php"),
        ("PHP_SELF", "/test/server.php/a b/c"),
    ] {
        assert_eq!(rust[name], value, "{name}");
    }
    Ok(())
}

/// The web server in front says that the client uses HTTPS, and PHP learns it.
pub(super) fn https(sites: &Sites) -> Result<(), Failed> {
    let variables = sites.rust().get("/test/server.php")?.json()?;
    assert_eq!(variables["HTTPS"], "on");
    assert_eq!(variables["REQUEST_SCHEME"], "https");
    assert_eq!(variables["SERVER_PORT"], "443");
    assert_eq!(variables["SERVER_NAME"], "www.example.org");
    assert_eq!(variables["REMOTE_ADDR"], "127.0.0.1");
    Ok(())
}

/// Without a name of its own, the server has none, and not the one that the client writes.
pub(super) fn nameless(sites: &Sites) -> Result<(), Failed> {
    let request = Request::get("/test/server.php").header("Host", "evil.example");
    let variables = sites.rust().connect()?.send(&request)?.json()?;
    assert_eq!(variables["HTTP_HOST"], "evil.example");
    assert_eq!(variables["SERVER_NAME"], "");
    Ok(())
}

/// A header cannot become another variable.
pub(super) fn forged_variables(sites: &Sites) -> Result<(), Failed> {
    let request = Request::get("/test/server.php")
        .header("Proxy", "http://10.0.0.1/")
        .header("Script_Filename", "/etc/passwd")
        .header("X_Real_Ip", "10.0.0.1")
        .header("Https", "on")
        .header("Connection", "close, Authorization");
    let variables = sites.rust().send(request)?.json()?;
    let variables = variables.as_object().ok_or("PHP sends no object")?;
    for absent in [
        "HTTP_PROXY",
        "HTTP_SCRIPT_FILENAME",
        "HTTP_X_REAL_IP",
        "HTTPS",
    ] {
        assert_eq!(variables.get(absent), None, "{absent}");
    }
    let script = variables
        .get("SCRIPT_FILENAME")
        .map(ToString::to_string)
        .unwrap_or_default();
    assert!(script.contains("/www/test/server.php"), "{script}");
    // Links in mails are made of it.
    let request = Request::get("/test/server.php").header("Host", "evil.example");
    let variables = sites.rust().connect()?.send(&request)?.json()?;
    assert_eq!(variables["SERVER_NAME"], "www.example.org");
    assert_eq!(variables["HTTP_HOST"], "evil.example");
    Ok(())
}

/// Behind a web server, a path with dot segments is refused before the example sees it (T-5), and a zero byte is no path.
pub(super) fn refused_paths(sites: &Sites) -> Result<(), Failed> {
    for path in [
        "/docs/../page.php",
        "/docs%2F..%2Fpage.php",
        "/docs/%2e%2e/page.php",
        "/page.php%00",
    ] {
        let response = sites.rust().get(path)?;
        assert!(
            matches!(response.status, 400 | 404),
            "{path}: {}",
            response.status
        );
        assert!(!response.text().contains("GET from"), "{path}");
    }
    Ok(())
}
