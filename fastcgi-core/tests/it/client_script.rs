//! Scripts as php-fpm expects them to be named.

use std::error::Error;

use fastcgi_core::{
    Params,
    client::{InvalidScript, Script, ServerInfo},
};
use http::Method;

type Result = std::result::Result<(), InvalidScript>;

/// All pairs, in their order.
fn pairs(params: &Params) -> Vec<String> {
    let pair =
        |(name, value): (&[u8], &[u8])| format!("{}={}", name.escape_ascii(), value.escape_ascii());
    params.iter().map(pair).collect()
}

fn value(params: &Params, name: &str) -> String {
    let value = params.get(name).map(|value| value.escape_ascii());
    value.map_or_else(|| "absent".to_owned(), |value| value.to_string())
}

#[test]
fn a_script_has_these_params() -> Result {
    let script = Script::new("/srv/www/", "/shop/index.php")?
        .path_info("/a b/\u{e9}")
        .query("page=2&x=%20");
    let server = concat!("SERVER_SOFTWARE=fastcgi-core/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        pairs(&script.into()),
        [
            "REQUEST_METHOD=GET",
            "REQUEST_URI=/shop/index.php/a%20b/%C3%A9?page=2&x=%20",
            "QUERY_STRING=page=2&x=%20",
            "SERVER_PROTOCOL=HTTP/1.1",
            "REQUEST_SCHEME=http",
            "SERVER_NAME=localhost",
            "GATEWAY_INTERFACE=CGI/1.1",
            server,
            "SERVER_PORT=80",
            "SCRIPT_FILENAME=/srv/www/shop/index.php",
            "SCRIPT_NAME=/shop/index.php",
            "PATH_INFO=/a b/\\xc3\\xa9",
            "DOCUMENT_ROOT=/srv/www",
            "DOCUMENT_URI=/shop/index.php/a b/\\xc3\\xa9",
            "REDIRECT_STATUS=200",
        ]
    );
    Ok(())
}

#[test]
fn what_is_given_counts_more_than_what_is_made() -> Result {
    let server = ServerInfo::default()
        .name("www.example.org")
        .https(true)
        .remote_addr(([192, 0, 2, 7], 4711).into());
    let script = Script::new("/srv/www", "/index.php")?
        .method(Method::POST)
        .request_uri("/news/7?x")
        .query("x")
        .content_type("application/json")
        .content_length(5)
        .server_info(server)
        .param("HTTP_ACCEPT", "*/*")
        .param("REDIRECT_STATUS", "404");
    let params = Params::from(script);
    for (name, expected) in [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/news/7?x"),
        ("QUERY_STRING", "x"),
        ("CONTENT_TYPE", "application/json"),
        ("CONTENT_LENGTH", "5"),
        ("SERVER_NAME", "www.example.org"),
        ("SERVER_PORT", "443"),
        ("HTTPS", "on"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("HTTP_ACCEPT", "*/*"),
        ("REDIRECT_STATUS", "404"),
    ] {
        assert_eq!(value(&params, name), expected, "{name}");
        assert_eq!(params.get_all(name).count(), 1, "{name}");
    }
    Ok(())
}

/// Some applications take the first of several values, and others the last one.
#[test]
fn no_param_is_there_twice() -> Result {
    let server = ServerInfo::default().document_root("/srv/other");
    let script = Script::new("/srv/www", "/index.php")?
        .server_info(server)
        .param("APP_ENV", "live")
        .param("APP_ENV", "test");
    let params = Params::from(script);
    assert_eq!(value(&params, "DOCUMENT_ROOT"), "/srv/www");
    assert_eq!(value(&params, "APP_ENV"), "test");
    for (name, _) in &params {
        let count = params.get_all(name).count();
        assert_eq!(count, 1, "{}", name.escape_ascii());
    }
    Ok(())
}

#[test]
fn the_location_is_what_an_http_request_does_not_have() -> Result {
    let script = Script::new("/srv/www", "/index.php")?.param("APP_ENV", "test");
    assert_eq!(
        pairs(&script.location()),
        [
            "SCRIPT_FILENAME=/srv/www/index.php",
            "SCRIPT_NAME=/index.php",
            "PATH_INFO=",
            "DOCUMENT_ROOT=/srv/www",
            "DOCUMENT_URI=/index.php",
            "REDIRECT_STATUS=200",
            "APP_ENV=test",
        ]
    );
    Ok(())
}

#[test]
fn a_file_has_its_folder_for_a_document_root() -> Result {
    let params = Params::from(Script::file("/srv/www/shop/a.php")?);
    assert_eq!(value(&params, "SCRIPT_FILENAME"), "/srv/www/shop/a.php");
    assert_eq!(value(&params, "SCRIPT_NAME"), "/a.php");
    assert_eq!(value(&params, "DOCUMENT_ROOT"), "/srv/www/shop");
    assert_eq!(value(&params, "REQUEST_URI"), "/a.php");

    let params = Params::from(Script::file("/a.php")?);
    assert_eq!(value(&params, "SCRIPT_FILENAME"), "/a.php");
    assert_eq!(value(&params, "DOCUMENT_ROOT"), "/");
    Script::file("/").expect_err("a folder");
    Ok(())
}

/// php-fpm has another working directory, and `a.php` alone would become `/a.php`.
#[test]
fn a_file_without_its_whole_path_is_refused() {
    for file in ["a.php", "./a.php", "www/a.php", ""] {
        Script::file(file).expect_err(file);
    }
}

#[test]
fn a_page_of_php_fpm_has_no_document_root() -> Result {
    let params = Params::from(Script::page("/status")?.query("json&full"));
    assert_eq!(value(&params, "SCRIPT_FILENAME"), "/status");
    assert_eq!(value(&params, "SCRIPT_NAME"), "/status");
    assert_eq!(value(&params, "QUERY_STRING"), "json&full");
    assert_eq!(value(&params, "DOCUMENT_ROOT"), "absent");
    Ok(())
}

#[test]
fn a_path_is_split_behind_its_first_script() -> Result {
    for (path, name, path_info) in [
        ("/a.php", "/a.php", ""),
        ("/a.php/", "/a.php", "/"),
        ("/d/a.php/b//c", "/d/a.php", "/b//c"),
        ("/d.php/a.php", "/d.php", "/a.php"),
        ("/a.phpx/b", "/a.phpx/b", ""),
        ("/a.jpg/x.php", "/a.jpg/x.php", ""),
        ("/a.php/../../b", "/a.php", "/../../b"),
    ] {
        let params = Script::split("/srv", path, ".php")?.location();
        let found = ["SCRIPT_NAME", "PATH_INFO"].map(|name| value(&params, name));
        assert_eq!(found, [name, path_info], "{path}");
    }
    Ok(())
}

/// The file would not be below the root.
#[test]
fn a_name_that_leads_out_of_the_root_is_refused() {
    for (name, expected) in [
        ("", "does not begin with a slash"),
        ("a.php", "does not begin with a slash"),
        ("/", "is that of a folder"),
        ("/a.php/", "is that of a folder"),
        ("/../a.php", "has a segment . or .. in it"),
        ("/b/./a.php", "has a segment . or .. in it"),
        ("/a.php/..", "has a segment . or .. in it"),
        ("/a\0.php", "has a zero byte in it"),
    ] {
        let error = Script::new("/srv/www", name).expect_err(name);
        let text = format!("the name of the script {expected}");
        assert_eq!(error.to_string(), text, "{name}");
        assert!(error.source().is_none());
    }
    for path in ["/x/../a.php", "/../a.php/b", "//../a.php"] {
        Script::split("/srv/www", path, ".php").expect_err(path);
    }
    assert!(Script::new("/srv/www", "/a..b/...php").is_ok());
}

#[test]
fn a_script_is_shown_without_its_query() -> Result {
    let script = Script::page("/ping")?.query("token=secret");
    assert_eq!(format!("{script:?}"), "Script { name: \"/ping\", .. }");
    Ok(())
}
