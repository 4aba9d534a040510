//! A connection that this process was started for: inetd with `nowait`, systemd with `Accept=yes`.

use std::{
    io,
    net::TcpStream as StdTcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream as StdUnixStream},
};

use rustix::net::AddressFamily;
use tokio::net::{TcpStream, UnixStream};

use super::single::Single;
use crate::{
    listener::{AnyIo, AnyListener},
    system::address_family,
};

/// Takes the connection. The server has done its work when it is closed.
pub(super) fn from(socket: OwnedFd) -> io::Result<Single> {
    rustix::io::ioctl_fionbio(&socket, true)?;
    let family = address_family(&socket)?;
    let io: AnyIo = if family == AddressFamily::UNIX {
        UnixStream::from_std(StdUnixStream::from(socket))?.into()
    } else if family == AddressFamily::INET || family == AddressFamily::INET6 {
        TcpStream::from_std(StdTcpStream::from(socket))?.into()
    } else {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "the connection that was handed over is neither TCP nor Unix",
        ));
    };
    let (listener, closed) = AnyListener::connected(io)?;
    Ok(Single::new(listener, async {
        // It fails when the connection is dropped, and is never sent anything.
        let _ = closed.await;
        Ok(())
    }))
}
