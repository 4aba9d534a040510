//! The application, once for each framework: a small page, downloads, uploads.

mod actix;
mod axum;
mod threads;
mod tower;
mod zeros;

use fastcgi_tower::Limits;

use crate::{
    Result,
    server::{Framework, Protocol, Server},
    socket::Listening,
};

const IN_C: &str = "libfcgi has a program in C, over FastCGI";

/// Over HTTP there is no such limit. The default of 1,024 would close those that are idle.
const MAX_CONNECTIONS: usize = 20_000;

/// Several requests at a time on a connection, for [`Mode::InFlight`](crate::scenario::Mode::InFlight).
fn limits() -> Limits {
    Limits::default().max_reqs(64)
}

/// Serves until the process is ended.
pub(crate) fn run(server: Server, listener: Listening) -> Result<()> {
    if server.workers.is_some() && server.framework != Framework::Axum {
        return Err("only axum's servers have worker threads".into());
    }
    match (server.framework, server.protocol) {
        (Framework::Tower, Protocol::FastCgi) => tower::fastcgi(listener),
        (Framework::Tower, Protocol::Http) => tower::http(listener),
        (Framework::Axum, Protocol::FastCgi) => axum::fastcgi(listener, server.workers),
        (Framework::Axum, Protocol::Http) => axum::http(listener, server.workers),
        (Framework::Actix, Protocol::FastCgi) => actix::fastcgi(listener),
        (Framework::Actix, Protocol::Http) => actix::http(listener),
        (Framework::Blocking | Framework::CgiFn, _) => {
            Err("functions that block have a program of their own, over FastCGI".into())
        }
        (Framework::Libfcgi, _) => Err(IN_C.into()),
    }
}

/// The same of functions that block.
pub(crate) fn run_functions(framework: Framework, listener: Listening) -> Result<()> {
    match framework {
        Framework::Blocking => threads::blocking(listener),
        Framework::CgiFn => threads::function(listener),
        Framework::Tower | Framework::Axum | Framework::Actix => {
            Err("this framework is served by fastcgi-bench".into())
        }
        Framework::Libfcgi => Err(IN_C.into()),
    }
}

/// Answers the one request that this process was started for.
pub(crate) fn run_cgi(framework: Framework) -> Result<()> {
    match framework {
        Framework::Tower => tower::cgi(),
        Framework::Axum => axum::cgi(),
        Framework::Actix => actix::cgi(),
        Framework::Blocking | Framework::CgiFn => {
            Err("functions that block are counted over FastCGI".into())
        }
        Framework::Libfcgi => Err(IN_C.into()),
    }
}
