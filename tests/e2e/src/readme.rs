//! The configurations of README.md and docs/migrating.md, as they are written there.

use crate::application::Socket;
use crate::layout::Layout;
use crate::server::nginx;

const README: &str = include_str!("../../../README.md");
const MIGRATING: &str = include_str!("../../../docs/migrating.md");

/// nginx with the first block of the README.
pub const NGINX: Layout = Layout {
    name: "readme-nginx",
    socket: Socket::Tcp,
    configure: |setup| nginx::configure(setup, &localized(at_the_root())),
    ..nginx::PLAIN
};

/// The same with the block for an application below a prefix.
pub const NGINX_BELOW: Layout = Layout {
    name: "readme-nginx-below",
    mount: "/app",
    configure: |setup| {
        let location = block(README, "nginx", "location = /app");
        let server = at_the_root().split_once("    location");
        let (upstream, _) = server.expect("a location");
        nginx::configure(setup, &localized(&format!("{upstream}{location}}}\n")))
    },
    ..NGINX
};

/// The first block again, with the fields of a proxy in the place of those of a client.
pub const NGINX_FORWARDED: Layout = Layout {
    name: "readme-nginx-forwarded",
    configure: |setup| {
        let include = "        include fastcgi_params;\n";
        let fields = block(MIGRATING, "nginx", "fastcgi_param HTTP_X_FORWARDED_FOR");
        let site = at_the_root().replace(include, &format!("{include}{fields}"));
        nginx::configure(setup, &localized(&site))
    },
    ..NGINX
};

/// The first block with the mistake of B-21: `proxy_pass` in place of `fastcgi_pass`.
pub const NGINX_MISTAKEN: Layout = Layout {
    name: "readme-nginx-mistaken",
    configure: |setup| {
        let site = at_the_root().replace("fastcgi_pass app;", "proxy_pass http://app;");
        nginx::configure(setup, &localized(&site))
    },
    ..NGINX
};

fn at_the_root() -> &'static str {
    block(README, "nginx", "upstream")
}

/// The block in this language that begins so.
pub(crate) fn block(page: &'static str, language: &str, start: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let mut blocks = page.split(&fence).skip(1);
    let block = blocks.find(|text| text.starts_with(start));
    let block = block.expect("the page has this block");
    let (block, _) = block.split_once("```").expect("a block has an end");
    block
}

fn localized(text: &str) -> String {
    text.replace("listen 80;", "listen 127.0.0.1:8080;")
        .replace(
            "include fastcgi_params;",
            "include /etc/nginx/fastcgi_params;",
        )
}
