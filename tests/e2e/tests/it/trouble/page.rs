//! The application answers, and something is missing or wrong.

use fastcgi_e2e::trouble::{
    BEHIND_NGINX, LIGHTTPD, NGINX, STARTED, lighttpd, nginx, nginx_below, pieces,
};
use fastcgi_e2e::{Layout, Request, Site};
use libtest_mimic::Failed;

use super::row::Row;
use super::{Provoke, streams};

pub(super) const ROWS: &[(&str, Provoke)] = &[
    (
        "nginx_does_not_say_the_prefix",
        nginx_does_not_say_the_prefix,
    ),
    ("redirect_leaves_the_prefix", redirect_leaves_the_prefix),
    ("upload_is_too_large_for_nginx", too_large_for_nginx),
    ("upload_is_too_large_for_axum", too_large_for_axum),
    ("nginx_collects", nginx_collects),
    ("lighttpd_collects", lighttpd_collects),
    ("client_is_a_proxy", client_is_a_proxy),
    ("host_has_no_port", host_has_no_port),
    (
        "error_page_ends_in_the_script",
        error_page_ends_in_the_script,
    ),
];

fn behind_nginx(site: &str, program: &str, environment: &[(&str, &str)]) -> Result<Site, Failed> {
    let site = Site::start_configured(&BEHIND_NGINX, program, environment, &|setup| {
        nginx(setup, site)
    })?;
    Ok(site)
}

/// Without the lines that say where the application is.
fn nginx_does_not_say_the_prefix(row: &Row) -> Result<(), Failed> {
    let right = nginx_below();
    let wrong = right.replace("fastcgi_split_path_info ^(/app)(/.*)?$;", "");
    let wrong = wrong.replace("fastcgi_param PATH_INFO $fastcgi_path_info;", "");
    let site = behind_nginx(&wrong, "tour", &[])?;
    row.shows(&site, &site.get("/app/json")?)?;
    assert_eq!(
        behind_nginx(&right, "tour", &[])?.get("/app/json")?.status,
        200
    );
    row.says("fastcgi_param SCRIPT_NAME /app;")?;
    let short = wrong.replace(
        "fastcgi_pass",
        "fastcgi_param SCRIPT_NAME /app; fastcgi_pass",
    );
    assert_eq!(
        behind_nginx(&short, "tour", &[])?.get("/app/json")?.status,
        200
    );
    row.says("FCGI_SCRIPT_NAME=/app")?;
    let configured = behind_nginx(&wrong, "tour", &[("FCGI_SCRIPT_NAME", "/app")])?;
    assert_eq!(configured.get("/app/json")?.status, 200);
    Ok(())
}

fn redirect_leaves_the_prefix(row: &Row) -> Result<(), Failed> {
    row.says("FCGI_MOUNT_REDIRECTS=on")?;
    let location = |environment| {
        let site = behind_nginx(&nginx_below(), "tour", environment)?;
        let answer = site.get("/app/redirect")?;
        row.is_logged(&site)?;
        Ok::<_, Failed>(answer.header("location").unwrap_or_default())
    };
    assert_eq!(location(&[])?, "/somewhere/else?a=1");
    let mounted = location(&[("FCGI_MOUNT_REDIRECTS", "on")])?;
    assert_eq!(mounted, "/app/somewhere/else?a=1");
    Ok(())
}

fn too_large_for_nginx(row: &Row) -> Result<(), Failed> {
    let wrong = row.without(NGINX, "client_max_body_size 100m;")?;
    let upload = Request::post("/upload", vec![1; 2_000_000]);
    let site = behind_nginx(&wrong, "tour", &[])?;
    row.shows(&site, &site.send(&upload)?)?;
    let answer = behind_nginx(NGINX, "tour", &[])?.send(&upload)?;
    assert_eq!(answer.json()?["bytes"], 2_000_000);
    Ok(())
}

/// The tour takes away the limit of `/upload`, as the row says.
fn too_large_for_axum(row: &Row) -> Result<(), Failed> {
    row.says("DefaultBodyLimit")?;
    let site = behind_nginx(NGINX, "tour", &[])?;
    let json = format!("\"{}\"", "x".repeat(3_000_000));
    let request = Request::post("/echo-json", json.clone());
    let refused = site.send(&request.header("Content-Type", "application/json"))?;
    row.shows(&site, &refused)?;
    let upload = site.send(&Request::post("/upload", json))?;
    assert_eq!(upload.json()?["bytes"], 3_000_002);
    Ok(())
}

/// The pieces of the tour have the header that nginx looks for: here it does not look, but in the last case.
fn nginx_collects(row: &Row) -> Result<(), Failed> {
    let keeps = "fastcgi_keep_conn on;";
    let ignoring = NGINX.replace(
        keeps,
        &format!("fastcgi_ignore_headers X-Accel-Buffering; {keeps}"),
    );
    let wrong = row.without(&ignoring, keeps)?;
    let site = behind_nginx(&wrong, "tour", &[])?;
    assert_eq!(pieces(&site, "/pieces")?, 1);
    row.is_logged(&site)?;
    streams(&behind_nginx(&ignoring, "tour", &[])?)?;
    let unbuffered = "fastcgi_buffering off;";
    row.says(unbuffered)?;
    let unbuffered = wrong.replace("fastcgi_pass", &format!("{unbuffered} fastcgi_pass"));
    streams(&behind_nginx(&unbuffered, "tour", &[])?)?;
    row.says("X-Accel-Buffering: no")?;
    let looking = NGINX.replace(keeps, "");
    streams(&behind_nginx(&looking, "tour", &[])?)?;
    Ok(())
}

fn lighttpd_collects(row: &Row) -> Result<(), Failed> {
    let behind =
        |site: &str| Site::start_configured(&STARTED, "tour", &[], &|setup| lighttpd(setup, site));
    let wrong = row.without(LIGHTTPD, "server.stream-response-body = 2")?;
    let site = behind(&wrong)?;
    assert_eq!(pieces(&site, "/pieces")?, 1);
    row.is_logged(&site)?;
    streams(&behind(LIGHTTPD)?)
}

/// A proxy further out asks for the client, and says so in a header.
fn client_is_a_proxy(row: &Row) -> Result<(), Failed> {
    let request = Request::get("/whoami").header("X-Forwarded-For", "203.0.113.7");
    let site = behind_nginx(NGINX, "tour", &[])?;
    let seen = site.send(&request)?.text();
    assert!(seen.starts_with("127.0.0.1:"), "{seen}");
    row.is_logged(&site)?;
    let remedy = "set_real_ip_from 192.0.2.1; real_ip_header X-Forwarded-For;";
    row.says(remedy)?;
    // The proxy has this address here.
    let here = remedy.replace("192.0.2.1", "127.0.0.1");
    let right = NGINX.replace("fastcgi_pass app;", &format!("{here} fastcgi_pass app;"));
    let seen = behind_nginx(&right, "tour", &[])?.send(&request)?.text();
    assert!(seen.starts_with("203.0.113.7:"), "{seen}");
    Ok(())
}

fn host_has_no_port(row: &Row) -> Result<(), Failed> {
    let site = behind_nginx(NGINX, "tour", &[])?;
    let host = |site: &Site| Ok::<_, Failed>(site.get("/request/host")?.text());
    assert!(host(&site)?.contains("[\"host\",\"127.0.0.1\"]"));
    row.is_logged(&site)?;
    let remedy = "fastcgi_param HTTP_HOST $host:$server_port;";
    row.says(remedy)?;
    let right = NGINX.replace("fastcgi_pass app;", &format!("{remedy} fastcgi_pass app;"));
    let site = behind_nginx(&right, "tour", &[])?;
    let expected = format!("[\"host\",\"{}\"]", site.addr());
    assert!(host(&site)?.contains(&expected));
    Ok(())
}

/// The page that was denied, and then the page for that.
fn error_page_ends_in_the_script(row: &Row) -> Result<(), Failed> {
    const DENIED: &str = "error_page 403 /errors/403;\n    location /admin/ { deny all; }\n    ";
    let script = "location / { try_files $uri /index.fcgi; }\n    location = /index.fcgi {";
    let named = "location / { try_files $uri @app; }\n    location @app {";
    for part in ["try_files $uri @app;", "location @app { … }"] {
        row.says(part)?;
    }
    let layout = Layout {
        name: "error-page",
        ..BEHIND_NGINX
    };
    let behind = |location: &str| {
        let site = NGINX.replace("location / {", &format!("{DENIED}{location}"));
        Site::start_configured(&layout, "twin", &[], &|setup| nginx(setup, &site))
    };
    let denied = behind(script)?.get("/admin/secret")?;
    assert!(
        denied.text().contains("protected page"),
        "{}",
        denied.text()
    );
    let denied = behind(named)?.get("/admin/secret")?;
    assert!(denied.text().contains("error page"), "{}", denied.text());
    Ok(())
}
