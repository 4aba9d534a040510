//! What the program has on descriptor 0, or elsewhere.

use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::Failed;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Descriptor 0, and where it says so others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stdin {
    Null,
    Closed,
    File,
    Pipe,
    Terminal,
    ListeningTcp,
    ListeningUnix,
    ConnectedTcp,
    ConnectedUnix,
    /// On 0, 1 and 2, as inetd and systemd have it.
    ConnectedThrice,
    Datagram,
    /// The listening socket is descriptor 3.
    ListeningOn3,
    /// Sockets are descriptors 3 and 4.
    ListeningOn3And4,
    /// The connection is descriptor 3.
    ConnectedOn3,
    /// Descriptor 3 is a file.
    FileOn3,
}

/// What the test keeps of what it hands over.
#[derive(Default)]
pub(super) struct Ends {
    pub(super) tcp: Vec<SocketAddr>,
    pub(super) unix: Vec<String>,
    pub(super) connection: Option<End>,
    /// Dropped when the program is not to see the end yet.
    held: Vec<OwnedFd>,
}

pub(super) enum End {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stdin {
    /// What the shell does with what is its own descriptor 0.
    pub(super) fn redirections(self) -> &'static str {
        match self {
            Self::Closed => "0<&-",
            Self::ListeningOn3 | Self::ConnectedOn3 | Self::FileOn3 => "3<&0 0</dev/null",
            // Two names of one socket are two sockets for the program.
            Self::ListeningOn3And4 => "3<&0 4<&0 0</dev/null",
            Self::ConnectedThrice => "1>&0 2>&0",
            _ => "",
        }
    }

    pub(super) fn give(
        self,
        command: &mut Command,
        dir: &Path,
        ends: &mut Ends,
    ) -> Result<(), Failed> {
        let stdin = match self {
            Self::Null | Self::Closed => Stdio::null(),
            Self::File | Self::FileOn3 => {
                let path = dir.join("stdin");
                fs::write(&path, "something")?;
                File::open(path)?.into()
            }
            Self::Pipe => {
                let (ours, theirs) = io::pipe()?;
                ends.held.push(theirs.into());
                ours.into()
            }
            Self::Terminal => {
                let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
                grantpt(&terminal)?;
                unlockpt(&terminal)?;
                let name = ptsname(&terminal, Vec::new())?;
                ends.held.push(terminal);
                File::options()
                    .read(true)
                    .write(true)
                    .open(name.to_str()?)?
                    .into()
            }
            Self::ListeningTcp => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                ends.tcp.push(listener.local_addr()?);
                OwnedFd::from(listener).into()
            }
            Self::ListeningUnix | Self::ListeningOn3 | Self::ListeningOn3And4 => {
                let path = dir.join("handed.sock");
                ends.unix.push(path.display().to_string());
                OwnedFd::from(UnixListener::bind(path)?).into()
            }
            Self::ConnectedTcp => {
                let listener = TcpListener::bind("127.0.0.1:0")?;
                let near = TcpStream::connect(listener.local_addr()?)?;
                ends.connection = Some(End::Tcp(near));
                OwnedFd::from(listener.accept()?.0).into()
            }
            Self::ConnectedUnix | Self::ConnectedThrice | Self::ConnectedOn3 => {
                let (near, far) = UnixStream::pair()?;
                ends.connection = Some(End::Unix(near));
                OwnedFd::from(far).into()
            }
            Self::Datagram => OwnedFd::from(UdpSocket::bind("127.0.0.1:0")?).into(),
        };
        command.stdin(stdin);
        Ok(())
    }
}
