//! CGI programs as functions: what reads params and standard input, and writes a CGI response, is a server.

mod async_io;
mod head;
mod io;
mod run;
mod service;

pub use self::{
    async_io::AsyncCgiIo,
    head::{CgiBody, InvalidOutput},
    io::{CgiIo, CgiStderr, CgiStdin, CgiStdout},
    run::CgiProgram,
    service::{AsyncCgiFn, AsyncCgiFuture, CgiFn, CgiFuture, async_cgi_fn, cgi_fn},
};
