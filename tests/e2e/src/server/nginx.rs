//! nginx: TCP and Unix sockets, with and without connections that are kept, buffered or not, below a prefix.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Behaviour, Difference, Layout, Setup, Versions};
use crate::suite::{thousand_clients_that_leave, uri_becomes};
use crate::support::{expect_status, get_is, pattern};
use crate::{Request, Site};

pub(crate) const PLAIN: Layout = Layout {
    web_server: "nginx",
    name: "nginx-tcp",
    mount: "",
    socket: Socket::Tcp,
    script_name: None,
    configure: |setup| configure(setup, TCP),
    environment: &[],
    differences: &[ALWAYS, STOPS_SENDING],
    extra: &[],
    versions: Versions::ALL_THE_SAME,
};

pub(crate) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "nginx-tcp-keep-conn",
        configure: |setup| configure(setup, TCP_KEEP_CONN),
        ..PLAIN
    },
    Layout {
        name: "nginx-unix",
        socket: Socket::Unix,
        configure: |setup| configure(setup, UNIX),
        differences: &[STOPS_SENDING],
        extra: TRUST,
        ..PLAIN
    },
    Layout {
        name: "nginx-unix-keep-conn-unbuffered",
        socket: Socket::Unix,
        configure: |setup| configure(setup, include_str!("../../../../tests/tour/nginx.conf")),
        extra: LEAVING,
        ..PLAIN
    },
    Layout {
        name: "nginx-tcp-unbuffered",
        configure: |setup| configure(setup, TCP_UNBUFFERED),
        extra: LEAVING,
        ..PLAIN
    },
    Layout {
        name: "nginx-split-path-info",
        mount: "/app",
        socket: Socket::Unix,
        configure: |setup| {
            configure(
                setup,
                include_str!("../../../../tests/tour/nginx-prefix.conf"),
            )
        },
        ..PLAIN
    },
    Layout {
        name: "nginx-prefix",
        mount: "/app",
        script_name: Some("/app"),
        configure: |setup| configure(setup, TCP_PREFIX),
        ..PLAIN
    },
    Layout {
        name: "nginx-rewritten-prefix",
        mount: "/app",
        configure: |setup| configure(setup, TCP_REWRITTEN_PREFIX),
        differences: &[ALWAYS, STOPS_SENDING, REWRITTEN],
        ..PLAIN
    },
    Layout {
        name: "nginx-rewritten-prefix-configured",
        mount: "/app",
        script_name: Some("/app"),
        configure: |setup| configure(setup, TCP_REWRITTEN_PREFIX),
        ..PLAIN
    },
];

/// Here every client that leaves is felt by the application.
const LEAVING: &[Behaviour] = &[Behaviour {
    name: "thousand_clients_that_leave_midway_leave_nothing_behind",
    check: thousand_clients_that_leave,
}];

/// What a client can do to headers that the web server sets, and what becomes of a name that is a pattern.
const TRUST: &[Behaviour] = &[
    Behaviour {
        name: "client_cannot_delete_a_header_of_the_web_server",
        check: client_cannot_delete_a_header,
    },
    Behaviour {
        name: "pattern_of_a_server_name_is_no_host",
        check: pattern_is_no_host,
    },
    Behaviour {
        name: "host_of_the_documentation_has_its_port",
        check: host_with_port,
    },
];

/// The class of CVE-2022-31813.
fn client_cannot_delete_a_header(site: &Site) -> Result<(), Failed> {
    let request = Request::get("/request/role").header("Connection", "close, x-auth-role");
    let dump = site.send(&request)?.json()?;
    assert!(
        dump["headers"]
            .to_string()
            .contains("[\"x-auth-role\",\"user\"]"),
        "{dump}"
    );
    Ok(())
}

/// HTTP/1.0 needs no `Host`, and `server_name` is a regular expression.
fn pattern_is_no_host(site: &Site) -> Result<(), Failed> {
    let mut io = TcpStream::connect(site.addr())?;
    io.write_all(b"GET /request/no-host HTTP/1.0\r\n\r\n")?;
    let mut response = String::new();
    io.read_to_string(&mut response)?;
    assert!(response.contains("/request/no-host"), "{response}");
    assert!(!response.contains("[\"host\""), "{response}");
    Ok(())
}

fn host_with_port(site: &Site) -> Result<(), Failed> {
    let dump = site.get("/request/host")?.json()?;
    let expected = format!("[\"host\",\"{}\"]", site.addr());
    assert!(dump["headers"].to_string().contains(&expected), "{dump}");
    // RFC 9112, 3.2.2: that of the target, and not the one that the client claims.
    let request = Request::get("http://good.example/request/host");
    let dump = site.send(&request)?.json()?;
    let expected = format!("[\"host\",\"good.example:{}\"]", site.addr().port());
    assert!(dump["headers"].to_string().contains(&expected), "{dump}");
    Ok(())
}

/// N5r: without `script_name`, what was removed is not known for a mount, and the path is spelled as nginx decoded it.
const REWRITTEN: &[Difference] = &[
    Difference {
        behaviour: "encoded_slash_is_kept",
        instead: "decoded, unless `script_name` is configured",
        check: |site| uri_becomes(site, "/request/a%2Fb/c", "/request/a/b/c"),
    },
    Difference {
        behaviour: "double_slash_is_kept",
        instead: "one slash, unless `script_name` is configured",
        check: |site| uri_becomes(site, "/request/a//b///c", "/request/a/b/c"),
    },
];

const STOPS_SENDING: &[Difference] = &[Difference {
    behaviour: "echo_of_1_mib_comes_back",
    instead: "nginx stops sending the request body when the answer begins: what fits into the socket's buffers comes back",
    check: the_first_part_comes_back,
}];

/// With Debian's `fastcgi_params` as they are.
const ALWAYS: &[Difference] = &[Difference {
    behaviour: "host_arrives_with_its_port",
    instead: "Debian's fastcgi_params send `$host`, which has no port",
    check: host_without_port,
}];

fn the_first_part_comes_back(site: &Site) -> Result<(), Failed> {
    let body = pattern(1024 * 1024);
    let request = Request::post(site.at("/echo"), body.clone());
    let mut connection = site.connect()?;
    connection.start(&request)?;
    let mut response = connection.head(&request)?;
    expect_status(&response, 200)?;
    while response.body.len() < 64 * 1024 {
        let Some(piece) = connection.piece()? else {
            break;
        };
        response.body.extend_from_slice(&piece);
    }
    assert!(body.starts_with(&response.body));
    assert!(response.body.len() >= 64 * 1024);
    Ok(())
}

fn host_without_port(site: &Site) -> Result<(), Failed> {
    let dump = site.send(&Request::get(site.at("/request/host")))?.json()?;
    assert!(
        dump["headers"]
            .to_string()
            .contains("[\"host\",\"127.0.0.1\"]"),
        "{dump}"
    );
    get_is(site, "/", 200)
}

/// The frame around the files for conf.d.
const MAIN: &str = r#"
worker_processes 1;
user root;
pid /run/tour/nginx.pid;
error_log /run/tour/server.log warn;
daemon off;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path /run/tour/nginx-body;
    fastcgi_temp_path     /run/tour/nginx-fastcgi;
    proxy_temp_path       /run/tour/nginx-proxy;
    uwsgi_temp_path       /run/tour/nginx-uwsgi;
    scgi_temp_path        /run/tour/nginx-scgi;
    large_client_header_buffers 16 16k;
    include /run/tour/site.conf;
}
"#;

const TCP: &str = r#"
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location / {
        include /etc/nginx/fastcgi_params;
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_pass 127.0.0.1:9000;
    }
}
"#;

const TCP_KEEP_CONN: &str = r#"
upstream tour { server 127.0.0.1:9000; keepalive 4; }
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location / {
        include /etc/nginx/fastcgi_params;
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_pass tour;
        fastcgi_keep_conn on;
    }
}
"#;

const TCP_UNBUFFERED: &str = r#"
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location / {
        include /etc/nginx/fastcgi_params;
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_pass 127.0.0.1:9000;
        fastcgi_request_buffering off;
        fastcgi_buffering off;
    }
}
"#;

/// A setting of the operator comes after the include: of two equal parameters, the last one counts.
const UNIX: &str = r#"
server {
    listen 127.0.0.1:8080;
    server_name ~^(.+)$;
    client_max_body_size 100m;
    location / {
        include /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_NAME "";
        fastcgi_param PATH_INFO $fastcgi_script_name;
        fastcgi_param HTTP_HOST $host:$server_port;
        fastcgi_param HTTP_X_AUTH_ROLE user;
        fastcgi_param APP_SETTING "a default";
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_pass unix:/run/tour/tour.sock;
    }
}
"#;

const TCP_PREFIX: &str = r#"
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location /app/ {
        include /etc/nginx/fastcgi_params;
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_pass 127.0.0.1:9000;
    }
}
"#;

const TCP_REWRITTEN_PREFIX: &str = r#"
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location /app/ {
        rewrite ^/app(/.*)$ $1 break;
        include /etc/nginx/fastcgi_params;
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_pass 127.0.0.1:9000;
    }
}
"#;

pub(crate) fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    setup.write("site.conf", site)?;
    let main = setup.write("nginx.conf", MAIN)?;
    let mut command = Command::new("nginx");
    command
        .arg("-e")
        .arg(setup.dir.join("server.log"))
        .arg("-p")
        .arg(setup.dir)
        .arg("-c")
        .arg(main);
    Ok(command)
}
