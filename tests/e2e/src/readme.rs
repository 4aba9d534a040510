//! The configurations of README.md, as they are written there.

use crate::application::Socket;
use crate::layout::Layout;
use crate::server::nginx;

const README: &str = include_str!("../../../README.md");

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
        let location = block("nginx", "location = /app");
        let server = at_the_root().split_once("    location");
        let (upstream, _) = server.expect("a location");
        nginx::configure(setup, &localized(&format!("{upstream}{location}}}\n")))
    },
    ..NGINX
};

fn at_the_root() -> &'static str {
    block("nginx", "upstream")
}

/// The block of the README in this language that begins so.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn block(language: &str, start: &str) -> &'static str {
    let fence = format!("```{language}\n");
    let mut blocks = README.split(&fence).skip(1);
    let block = blocks.find(|text| text.starts_with(start));
    let block = block.expect("the README has this block");
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
