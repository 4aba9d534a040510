//! The tables of applications behind web servers.

use std::fmt::Write as _;

use super::{
    costs::{micros, ratio_cells},
    figures::{Figures, Sums},
};

const HEAD: &str = "| | FastCGI | HTTP | ratio | least – most |\n|---|---|---|---|---|\n";

/// One process behind nginx, and three behind nginx and HAProxy; what was not measured has no table.
pub(super) fn tables(figures: &Figures) -> String {
    behind_nginx(figures) + &several(figures)
}

fn behind_nginx(figures: &Figures) -> String {
    if figures.behind_nginx.is_empty() {
        return String::new();
    }
    let version = &figures.nginx;
    let mut text = format!(
        "
## Behind nginx

nginx {version} with one worker, 32 clients, and connections to the application that are kept: `fastcgi_pass` beside `proxy_pass` with Host,
X-Forwarded-For and X-Forwarded-Proto. Microseconds a request, application + nginx; the ratio is of the sums. The first figure is
more or less than over HTTP for the reasons above, the second by what `fastcgi_pass` costs beside `proxy_pass`.

{HEAD}",
    );
    for row in &figures.behind_nginx {
        text += &line(&format!("{}, {}", row.framework, row.scenario), &row.sums);
    }
    text
}

fn several(figures: &Figures) -> String {
    if figures.several.is_empty() {
        return String::new();
    }
    let versions = [("nginx", &figures.nginx), ("HAProxy", &figures.haproxy)];
    let versions = versions.map(|(name, version)| match &**version {
        "" => format!("no {name}"),
        version => format!("{name} {version}"),
    });
    let mut text = format!(
        "
## Three processes behind nginx and HAProxy

axum, *hello*, 32 clients; {}, with one worker or thread. Three processes of the application take turns
(round robin), each with a Unix socket. Microseconds a request, the three processes + the web server; the ratio is of the sums. It
shows what a site with several processes costs as a whole.

Over HTTP both keep connections to the application. Over FastCGI nginx does, too, and HAProxy as the row says: with `no option
keep-conn`, as in [docs/deploy](deploy/haproxy.cfg), each request has a connection of its own, and a client that leaves does no harm
to the next one. The other two rows of HAProxy need [`Limits::max_reqs`](web-servers.md), here 64.

{HEAD}",
        versions.join(" and ")
    );
    for row in &figures.several {
        text += &line(&row.web_server, &row.sums);
    }
    text
}

fn line(name: &str, sums: &Sums) -> String {
    let mut text = String::new();
    _ = writeln!(
        text,
        "| {name} | {} + {} | {} + {} | {} |",
        micros(sums.fastcgi_application_us),
        micros(sums.fastcgi_web_server_us),
        micros(sums.http_application_us),
        micros(sums.http_web_server_us),
        ratio_cells(sums.ratio),
    );
    text
}
