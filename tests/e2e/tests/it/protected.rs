//! The guides for protected pages, and what a client can do to headers: behind real web servers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use fastcgi_e2e::{Layout, Process, Request, Response, Site, guide, program};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [
        (
            "nginx_error_pages_are_the_applications",
            nginx_error_pages as fn() -> _,
        ),
        (
            "nginx_auth_request_is_answered_by_the_application",
            nginx_auth_request,
        ),
        ("nginx_auth_request_is_spelled_by_nginx", nginx_question),
        (
            "nginx_x_accel_redirect_sends_a_file",
            nginx_x_accel_redirect,
        ),
        ("nginx_cache_keeps_the_body_beside_head", nginx_cache),
        (
            "apache_error_pages_are_the_applications",
            apache_error_pages,
        ),
        ("apache_rewrites_arrive_rewritten", apache_rewrites),
        ("nginx_asks_for_the_password", nginx_password),
        ("apache_asks_for_the_password", apache_password),
        ("lighttpd_asks_for_the_password", lighttpd_password),
        ("caddy_asks_for_the_password", caddy_password),
        ("h2o_asks_for_the_password", h2o_password),
        ("haproxy_asks_for_the_password", haproxy_password),
        (
            "lighttpd_error_pages_are_the_applications",
            lighttpd_error_pages,
        ),
        ("caddy_error_pages_are_the_applications", caddy_error_pages),
        ("h2o_error_pages_are_the_applications", h2o_error_pages),
        ("haproxy_denies_in_any_spelling", haproxy_denies),
        (
            "caddy_forward_auth_asks_the_application",
            caddy_forward_auth,
        ),
        ("apache_x_sendfile_sends_a_file", apache_x_sendfile),
        ("lighttpd_x_sendfile_sends_a_file", lighttpd_x_sendfile),
        (
            "caddy_x_accel_redirect_sends_a_file",
            caddy_x_accel_redirect,
        ),
        ("h2o_x_reproxy_url_leads_to_a_page", h2o_x_reproxy_url),
    ]
    .into_iter()
    .map(|(name, test)| Trial::test(format!("guide::protected::{name}"), test))
}

/// The web server of a guide, and the application that names the page that was reached.
struct Guide {
    site: Site,
    _application: Process,
}

impl Guide {
    fn start(layout: &Layout) -> Result<Self, Failed> {
        let site = Site::start(layout, "twin")?;
        let socket = site.dir().join("app.sock");
        let mut command = program(&site.dir().join("twin"));
        let mut application = Process::start(command.env("FCGI_LISTEN", &socket))?;
        application.wait_until(
            Duration::from_secs(10),
            &site.dir().join("server.log"),
            || UnixStream::connect(&socket).is_ok(),
        )?;
        // The web server runs as another user.
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666))?;
        Ok(Self {
            site,
            _application: application,
        })
    }

    fn get(&self, path: &str) -> Result<Response, Failed> {
        Ok(self.site.send(&Request::get(path))?)
    }

    /// Demands a page of the application, by its name and the path that it saw.
    fn reaches(&self, path: &str, status: u16, page: &str) -> Result<Response, Failed> {
        let response = self.get(path)?;
        let text = response.text();
        assert_eq!(response.status, status, "{path}: {text}");
        assert!(text.contains(page), "{path} is not {page}: {text}");
        Ok(response)
    }
}

fn nginx_error_pages() -> Result<(), Failed> {
    let guide = Guide::start(&guide::NGINX_PROTECTED)?;
    for path in [
        "/admin/secret",
        "/admin/a%2Fb?x=1",
        "/admin/errors/403",
        "/admin/errors%2F403",
        "/admin/errors//403",
        "/admin/%65rrors/403",
        "/admin/./secret",
    ] {
        let response = guide.reaches(path, 403, "error page")?;
        assert!(!response.text().contains("protected page"), "{path}");
    }
    Ok(())
}

fn nginx_auth_request() -> Result<(), Failed> {
    let guide = Guide::start(&guide::NGINX_PROTECTED)?;
    for path in [
        "/members/secret",
        "/members/login",
        "/members/a%2Fb?x=1",
        "/members/%61uth",
        "/members/secret/%61uth",
        "/members/./secret",
    ] {
        let response = guide.reaches(path, 200, "please log in")?;
        assert!(!response.text().contains("protected page"), "{path}");
    }
    let upload = Request::post("/members/secret", vec![1; 300_000]);
    let response = guide.site.send(&upload)?;
    assert!(
        response.text().contains("please log in"),
        "{}",
        response.text()
    );
    // Nobody else gets to the page that answers the question, however it is spelled.
    for path in ["/auth", "/%61uth"] {
        assert_eq!(guide.get(path)?.status, 404, "{path}");
    }
    Ok(())
}

fn nginx_question() -> Result<(), Failed> {
    let guide = Guide::start(&guide::NGINX_PROTECTED_SHOWING)?;
    let response = guide.reaches("/members/%61uth?x=1", 200, "please log in")?;
    let asked = response.header("x-asked").unwrap_or_default();
    assert!(asked.contains("REQUEST_URI=/auth "), "{asked}");
    Ok(())
}

fn nginx_x_accel_redirect() -> Result<(), Failed> {
    let guide = Guide::start(&guide::NGINX_PROTECTED)?;
    // To another page of the application, and to a file.
    guide.reaches("/xa/page", 200, "please log in")?;
    fs::create_dir(guide.site.dir().join("files"))?;
    fs::write(guide.site.dir().join("files/report"), "the report")?;
    let response = guide.get("/send/report")?;
    assert_eq!(
        (response.status, response.text().as_str()),
        (200, "the report")
    );
    assert_eq!(guide.get("/files/report")?.status, 404);
    Ok(())
}

fn nginx_cache() -> Result<(), Failed> {
    let guide = Guide::start(&guide::NGINX_PROTECTED)?;
    let head = guide.site.send(&Request::new("HEAD", "/news/today"))?;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for _ in 0..2 {
        guide.reaches("/news/today", 200, "/news/today")?;
    }
    Ok(())
}

fn apache_error_pages() -> Result<(), Failed> {
    let guide = Guide::start(&guide::APACHE_PROTECTED)?;
    for path in [
        "/admin/secret",
        "/admin/a%2Fb?x=1",
        "/admin/errors/403",
        "/admin/errors%2F403",
        "/admin/./secret",
    ] {
        let response = guide.get(path)?;
        assert!(
            response.text().contains("error page"),
            "{path}: {}",
            response.text()
        );
        assert!(!response.text().contains("protected page"), "{path}");
        // The page has status 200 itself, and Apache keeps that.
        assert_eq!(response.status, 200, "{path}");
    }
    Ok(())
}

fn apache_rewrites() -> Result<(), Failed> {
    let guide = Guide::start(&guide::APACHE_PROTECTED)?;
    let response = guide.reaches("/old/a/7?q=1", 200, "/new/a/7")?;
    assert!(!response.text().contains("/old/"), "{}", response.text());
    Ok(())
}

/// `zoe:hello`
const MEMBER: &str = "Basic em9lOmhlbGxv";
/// `zoe:goodbye`
const STRANGER: &str = "Basic em9lOmdvb2RieWU=";

/// Without the password nobody gets to the page, however it is spelled; with it the application gets the name.
fn asks_for_the_password(layout: &Layout, user: &str) -> Result<(), Failed> {
    let guide = Guide::start(layout)?;
    let ask = |path: &str, credentials: Option<&str>| -> Result<Response, Failed> {
        let request = Request::get(path);
        Ok(guide.site.send(&match credentials {
            Some(credentials) => request.header("Authorization", credentials),
            None => request,
        })?)
    };
    for path in ["/staff/a", "/%73taff/a", "/staff/a%2Fb", "/x/../staff/a"] {
        for credentials in [None, Some(STRANGER)] {
            let refused = ask(path, credentials)?;
            // A path with dot segments may be refused before that.
            assert!(
                [400, 401].contains(&refused.status),
                "{path}: {}",
                refused.text()
            );
        }
    }
    let page = ask("/staff/a", Some(MEMBER))?;
    assert_eq!(page.status, 200, "{}", page.text());
    let params = page.header("x-params").unwrap_or_default();
    assert!(params.contains(user), "{params}");
    Ok(())
}

fn nginx_password() -> Result<(), Failed> {
    asks_for_the_password(&guide::NGINX_PROTECTED, "REMOTE_USER=zoe")
}

fn apache_password() -> Result<(), Failed> {
    asks_for_the_password(&guide::APACHE_PROTECTED, "REMOTE_USER=zoe")
}

fn lighttpd_password() -> Result<(), Failed> {
    asks_for_the_password(&guide::LIGHTTPD_PROTECTED, "REMOTE_USER=zoe")
}

fn caddy_password() -> Result<(), Failed> {
    asks_for_the_password(&guide::CADDY_PROTECTED, "REMOTE_USER=zoe")
}

fn h2o_password() -> Result<(), Failed> {
    asks_for_the_password(&guide::H2O_PROTECTED, "")
}

fn haproxy_password() -> Result<(), Failed> {
    asks_for_the_password(&guide::HAPROXY_PROTECTED, "REMOTE_USER=zoe")
}

/// The page for the error is reached, and never the one that was denied.
fn shows_error_pages(layout: &Layout, status: u16) -> Result<(), Failed> {
    let guide = Guide::start(layout)?;
    for path in ["/admin/secret", "/admin/a%2Fb?x=1", "/admin/errors/403"] {
        let response = guide.reaches(path, status, "error page")?;
        assert!(!response.text().contains("protected page"), "{path}");
    }
    Ok(())
}

fn lighttpd_error_pages() -> Result<(), Failed> {
    shows_error_pages(&guide::LIGHTTPD_PROTECTED, 403)
}

fn caddy_error_pages() -> Result<(), Failed> {
    shows_error_pages(&guide::CADDY_PROTECTED, 403)
}

fn h2o_error_pages() -> Result<(), Failed> {
    shows_error_pages(&guide::H2O_PROTECTED, 403)
}

fn haproxy_denies() -> Result<(), Failed> {
    let guide = Guide::start(&guide::HAPROXY_PROTECTED)?;
    for path in ["/admin/secret", "/%61dmin/secret", "/admin%2Fsecret"] {
        let response = guide.get(path)?;
        assert_eq!(response.status, 403, "{path}: {}", response.text());
        assert!(!response.text().contains("protected page"), "{path}");
    }
    Ok(())
}

fn caddy_forward_auth() -> Result<(), Failed> {
    let guide = Guide::start(&guide::CADDY_PROTECTED)?;
    for path in ["/members/secret", "/members/%61uth", "/%6dembers/secret"] {
        // What the application says to the question goes to the client.
        let response = guide.reaches(path, 401, "authorization")?;
        assert!(!response.text().contains("protected page"), "{path}");
    }
    Ok(())
}

/// The application names it, and no client gets it by its own word.
fn sends_a_file(layout: &Layout, path: &str) -> Result<(), Failed> {
    let guide = Guide::start(layout)?;
    fs::create_dir(guide.site.dir().join("files"))?;
    fs::write(guide.site.dir().join("files/report"), "the report")?;
    let response = guide.get(path)?;
    assert_eq!(
        (response.status, response.text().as_str()),
        (200, "the report")
    );
    let response = guide.get("/files/report")?;
    assert!(response.text().contains("echo"), "{}", response.text());
    Ok(())
}

fn apache_x_sendfile() -> Result<(), Failed> {
    sends_a_file(&guide::APACHE_PROTECTED, "/sendfile/report")
}

fn lighttpd_x_sendfile() -> Result<(), Failed> {
    sends_a_file(&guide::LIGHTTPD_PROTECTED, "/sendfile/report")
}

fn caddy_x_accel_redirect() -> Result<(), Failed> {
    sends_a_file(&guide::CADDY_PROTECTED, "/send/report")
}

fn h2o_x_reproxy_url() -> Result<(), Failed> {
    let guide = Guide::start(&guide::H2O_PROTECTED)?;
    guide.reaches("/reproxy/a", 200, "please log in")?;
    Ok(())
}
