//! What systems do differently: Linux on one side, macOS and the BSDs on the other.
//!
//! Two more differences are in the modules that they are about: how a Unix socket gets its mode (`listener/socket_file.rs`), and
//! `/proc` (`ending`), without which the memory of a process is unknown and the program's file is looked at by its path.

use std::os::fd::AsFd;

use rustix::{
    io::Result,
    net::{AddressFamily, getsockname, sockopt},
};

/// The kind of a socket's addresses.
///
/// Asked of its address, because macOS and NetBSD have no `SO_DOMAIN`.
pub(crate) fn address_family(fd: impl AsFd) -> Result<AddressFamily> {
    Ok(getsockname(fd)?.address_family())
}

/// Whether a socket accepts connections.
#[cfg(not(target_vendor = "apple"))]
pub(crate) fn is_listening(fd: impl AsFd) -> Result<bool> {
    sockopt::socket_acceptconn(fd)
}

/// Whether a socket accepts connections: a stream without a peer is taken for one that does.
///
/// macOS does not answer `SO_ACCEPTCONN`. An application is handed nothing but a listening socket or a connection, and
/// libfcgi asks in the same way everywhere.
#[cfg(target_vendor = "apple")]
pub(crate) fn is_listening(fd: impl AsFd) -> Result<bool> {
    use rustix::{
        io::Errno,
        net::{SocketType, getpeername},
    };

    let is_stream = sockopt::socket_type(&fd)? == SocketType::STREAM;
    Ok(is_stream && matches!(getpeername(&fd), Err(Errno::NOTCONN)))
}

/// The length of `sun_path`, without the NUL behind it, in bytes.
pub(crate) const MAX_SOCKET_PATH: usize = if cfg!(any(target_os = "linux", target_os = "android")) {
    107
} else {
    103
};
