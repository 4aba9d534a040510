//! Descriptors 0, 1 and 2.
//!
//! A process manager puts a socket on descriptor 0 (specification, 2.2), some put it on 1 and 2 as well; a CGI gateway reads
//! the response from descriptor 1 (RFC 3875, 4.2).

use std::{
    fs::File,
    io::{self, IsTerminal},
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::{
    fs::fstat,
    net::{SocketType, getpeername, sockopt},
    stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout},
};

use crate::system::is_listening;

/// What kind of descriptor this process was started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handed {
    /// A socket that accepts connections.
    Listening,
    /// A connection, as from inetd with `nowait`.
    Connected,
    /// A socket of another kind.
    OtherSocket,
    /// A terminal, a file, a pipe, or nothing.
    NoSocket,
}

impl Handed {
    pub(crate) fn on_stdin() -> Self {
        Self::on(stdin())
    }

    pub(crate) fn on(fd: BorrowedFd<'_>) -> Self {
        let Ok(socket_type) = sockopt::socket_type(fd) else {
            return Self::NoSocket;
        };
        let is_listening = is_listening(fd).unwrap_or(false);
        let is_connected = getpeername(fd).is_ok();
        match (is_listening, is_connected) {
            (true, _) => Self::Listening,
            (false, true) if socket_type == SocketType::STREAM => Self::Connected,
            _ => Self::OtherSocket,
        }
    }
}

/// Takes the socket from descriptor 0, and from 1 and 2 where it is there, too.
///
/// So the children of the application do not inherit it, and nothing that is printed is written to it.
pub(crate) fn take_stdin() -> io::Result<OwnedFd> {
    // A duplicate has close-on-exec set.
    let socket = stdin().try_clone_to_owned()?;
    if is_same(stderr(), &socket) {
        dup2_stderr(null()?)?;
    }
    if is_same(stdout(), &socket) {
        dup2_stdout(stderr())?;
    }
    dup2_stdin(null()?)?;
    Ok(socket)
}

fn is_same(fd: BorrowedFd<'_>, other: &OwnedFd) -> bool {
    let (Ok(fd), Ok(other)) = (fstat(fd), fstat(other)) else {
        return false;
    };
    (fd.st_dev, fd.st_ino) == (other.st_dev, other.st_ino)
}

/// Takes the descriptor that carries the response of a CGI program, and points descriptor 1 at standard error: nothing that
/// the application prints can become a part of the response.
///
/// mini_httpd and thttpd read the response from standard error, too. So what is printed is lost there.
pub(crate) fn take_stdout() -> io::Result<OwnedFd> {
    // A duplicate has close-on-exec set, so that children do not hold the response open.
    let response = stdout().try_clone_to_owned()?;
    // On a terminal both are looked at.
    if is_same(stderr(), &response) && !response.is_terminal() {
        dup2_stderr(null()?)?;
    }
    dup2_stdout(stderr())?;
    Ok(response)
}

/// Something to read nothing from and to write to.
fn null() -> io::Result<OwnedFd> {
    match File::options().read(true).write(true).open("/dev/null") {
        Ok(file) => Ok(file.into()),
        // A root directory with nothing but the program in it. The other end is closed at once.
        Err(_) => UnixStream::pair().map(|(near, _)| near.into()),
    }
}
