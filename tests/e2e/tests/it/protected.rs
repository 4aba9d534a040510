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
