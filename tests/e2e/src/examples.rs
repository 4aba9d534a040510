//! The other examples, and core's, each behind the configuration that lies beside it.

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::Layout;
use crate::server::{apache_fcgid, caddy, nginx};
use crate::support::{expect_status, pattern};
use crate::{Request, Site};

/// An example, its web server, and what is to be seen then.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the list is written as literals")]
pub struct Example {
    /// The name of the package.
    pub program: &'static str,
    /// The web server.
    pub layout: Layout,
    /// Sees that it works.
    pub check: fn(&Site) -> Result<(), Failed>,
}

/// Every example but the tours, with every configuration beside it. Those with actix-web have the same.
#[must_use]
pub fn examples() -> Vec<Example> {
    let shared_hosting = Layout {
        name: "apache",
        socket: Socket::Spawned,
        configure: |setup| {
            apache_fcgid::htaccess(setup, "public", apache_fcgid::APPENDED, apache_fcgid::HOST)
        },
        ..nginx::PLAIN
    };
    let configured = |name, configure| Layout {
        name,
        configure,
        ..nginx::PLAIN
    };
    let hello_nginx = configured("nginx", |setup| {
        nginx::configure(setup, include_str!("../../../examples/hello/nginx.conf"))
    });
    let hello_caddy = configured("caddy", |setup| {
        caddy::configure(setup, include_str!("../../../examples/hello/Caddyfile"))
    });
    let upload_nginx = configured("nginx", |setup| {
        nginx::configure(setup, include_str!("../../../examples/upload/nginx.conf"))
    });
    let streaming_nginx = configured("nginx", |setup| {
        nginx::configure(
            setup,
            include_str!("../../../examples/streaming/nginx.conf"),
        )
    });
    let streaming_caddy = configured("caddy", |setup| {
        caddy::configure(setup, include_str!("../../../examples/streaming/Caddyfile"))
    });
    let blocking_nginx = configured("nginx", |setup| {
        nginx::configure(
            setup,
            include_str!("../../../fastcgi-core/examples/blocking.nginx.conf"),
        )
    });
    let actix = |program: &'static str, layout: &Layout, check| Example {
        program,
        layout: layout.clone(),
        check,
    };
    vec![
        actix("actix-hello", &hello_nginx, hello_from_actix),
        actix("actix-hello", &hello_caddy, hello_from_actix),
        actix("actix-upload", &upload_nginx, upload),
        actix("actix-streaming", &streaming_nginx, streaming),
        actix("actix-streaming", &streaming_caddy, streaming),
        actix("actix-shared-hosting", &shared_hosting, hosted),
        Example {
            program: "blocking",
            layout: blocking_nginx,
            check: blocking,
        },
        Example {
            program: "hello",
            layout: hello_nginx,
            check: hello,
        },
        Example {
            program: "hello",
            layout: hello_caddy,
            check: hello,
        },
        Example {
            program: "upload",
            layout: upload_nginx,
            check: upload,
        },
        Example {
            program: "streaming",
            layout: streaming_nginx,
            check: streaming,
        },
        Example {
            program: "streaming",
            layout: streaming_caddy,
            check: streaming,
        },
        Example {
            program: "shared-hosting",
            layout: shared_hosting,
            check: hosted,
        },
    ]
}

/// Core alone, without tokio.
fn blocking(site: &Site) -> Result<(), Failed> {
    assert_eq!(site.get("/")?.text(), "hello\n");
    expect_status(&site.get("/nothing-here")?, 404)?;
    let body = pattern(1024 * 1024);
    for _ in 0..3 {
        let response = site.send(&Request::post("/echo", body.clone()))?;
        expect_status(&response, 200)?;
        assert!(response.body == body, "another body came back");
    }
    Ok(())
}

fn hello(site: &Site) -> Result<(), Failed> {
    says_hello(site, "axum")
}

fn hello_from_actix(site: &Site) -> Result<(), Failed> {
    says_hello(site, "actix-web")
}

fn says_hello(site: &Site, framework: &str) -> Result<(), Failed> {
    assert_eq!(
        site.get("/")?.text(),
        format!("<h1>Hello from {framework} over FastCGI</h1>\n")
    );
    let form = Request::post("/form", "name=Zo%C3%AB")
        .header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(site.send(&form)?.text(), "Hello Zoë\n");
    let json =
        Request::post("/json", "{\"name\":\"Zoë\"}").header("Content-Type", "application/json");
    assert_eq!(site.send(&json)?.text(), "{\"name\":\"Zoë\"}");
    let whoami = site.get("/whoami")?.text();
    assert!(whoami.starts_with("127.0.0.1 through "), "{whoami}");
    Ok(())
}

fn upload(site: &Site) -> Result<(), Failed> {
    let response = site.send(&Request::post("/upload", vec![b'x'; 5_000_000]))?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "5000000 bytes\n");
    assert_eq!(site.get("/download/5000000")?.body.len(), 5_000_000);
    assert_eq!(site.get("/download/0")?.body.len(), 0);
    Ok(())
}

fn streaming(site: &Site) -> Result<(), Failed> {
    assert!(site.get("/")?.text().contains("EventSource"));
    let mut connection = site.connect()?;
    let request = Request::get("/events");
    connection.start(&request)?;
    let response = connection.head(&request)?;
    assert_eq!(
        response.header("content-type").as_deref(),
        Some("text/event-stream")
    );
    // The stream has no end: what arrives arrives piece by piece.
    let mut text = String::new();
    while !text.contains("data: 1\n\n") {
        let Some(piece) = connection.piece()? else {
            return Err(format!("the stream ended after {text:?}").into());
        };
        text.push_str(&String::from_utf8_lossy(&piece));
    }
    Ok(())
}

fn hosted(site: &Site) -> Result<(), Failed> {
    assert_eq!(site.get("/")?.text(), "<h1>Hello from a shared host</h1>\n");
    expect_status(&site.get("/nothing-here")?, 404)
}
