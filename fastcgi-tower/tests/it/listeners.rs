//! Where connections come from. These tests use real sockets, on paths and ports of their own.

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
        net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
    },
    path::{Path, PathBuf},
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use fastcgi_tower::{
    Address, Listener,
    listener::{AnyAddr, AnyListener, Socket, SocketPermissions, UnixSocket},
};
use rustix::{
    fs::{FlockOperation, flock},
    thread::{CapabilitySet, capabilities, set_capabilities},
};
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

fn directory() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    (directory, path)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o777
}

#[tokio::test]
async fn a_unix_socket_is_for_its_owner_and_its_group() {
    let (_directory, path) = directory();
    let socket = UnixSocket::bind(&path).expect("a socket");
    assert_eq!((mode(&path), socket.path()), (0o660, path.as_path()));
}

#[tokio::test]
async fn a_unix_socket_has_the_mode_that_it_is_given() {
    for wanted in [0o600, 0o666, 0o777] {
        let (_directory, path) = directory();
        let _socket = UnixSocket::bind_with(&path, wanted).expect("a socket");
        assert_eq!(mode(&path), wanted);
    }
}

/// Only root can give it to somebody else.
#[tokio::test]
async fn a_unix_socket_has_the_owner_and_the_group_that_it_is_given() {
    let (directory, path) = directory();
    let ours = fs::metadata(directory.path()).expect("a directory");
    let (owner, group) = match ours.uid() {
        0 => (1234, 5678),
        uid => (uid, ours.gid()),
    };
    let permissions = SocketPermissions::from(0o640).owner(owner).group(group);
    let _socket = UnixSocket::bind_with(&path, permissions).expect("a socket");
    let metadata = fs::symlink_metadata(&path).expect("a file");
    assert_eq!((metadata.uid(), metadata.gid()), (owner, group));
    assert_eq!(mode(&path), 0o640);
}

#[tokio::test]
async fn a_unix_socket_gives_connections() {
    let (_directory, path) = directory();
    let mut socket = UnixSocket::bind(&path).expect("a socket");
    let mut near = UnixStream::connect(&path).await.expect("a connection");
    let (mut far, _) = socket.accept().await;
    near.write_all(b"hello").await.expect("a connection");
    drop(near);
    let mut text = String::new();
    far.read_to_string(&mut text).await.expect("a connection");
    assert_eq!(text, "hello");
    let addr = socket.local_addr().expect("an address");
    assert_eq!(addr.as_pathname(), Some(path.as_path()));
}

#[tokio::test]
async fn a_socket_on_which_nobody_listens_is_replaced() {
    let (_directory, path) = directory();
    leave_socket(&path);
    assert!(path.exists(), "std leaves it");
    let _socket = UnixSocket::bind(&path).expect("a socket");
    assert!(StdUnixStream::connect(&path).is_ok());
}

/// Leaves a path on which nobody listens. A process that another test starts has the socket, too, before it becomes another
/// program.
fn leave_socket(path: &Path) {
    drop(StdUnixListener::bind(path).expect("nobody has it"));
    while can_connect(path) {
        thread::yield_now();
    }
}

/// Both find that nobody listens there. Without a lock, both replace the path, and one of them is not there.
#[test]
fn of_two_processes_that_replace_a_socket_at_once_one_has_it() {
    let (_directory, path) = directory();
    for _ in 0..2_000 {
        leave_socket(&path);
        let start = Barrier::new(2);
        let bind = || {
            start.wait();
            Socket::bind(&path.as_path().into(), Socket::BACKLOG)
        };
        let results = thread::scope(|scope| {
            let other = scope.spawn(bind);
            [bind(), other.join().expect("no panic")]
        });
        let (bound, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((bound.len(), refused.len()), (1, 1));
        for error in refused.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        }
        assert!(StdUnixStream::connect(&path).is_ok());
    }
}

/// Without waiting: where nothing accepts, the backlog is full in the end.
fn can_connect(path: &Path) -> bool {
    let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    let address = SockAddr::unix(path).expect("a path");
    let connected = socket.connect(&address);
    connected.map_or_else(|error| error.kind() == io::ErrorKind::WouldBlock, |()| true)
}

/// On a file system that gives the number of a removed file to the next one. A socket that is closed before its path is
/// removed can be replaced meanwhile, and then the path of the new one is removed.
#[test]
fn a_path_has_one_owner_and_never_loses_its_socket() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 2_000;
    let directory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let path = directory.path().join("app.sock");
    let [owners, twice, lost, bound] = [const { AtomicUsize::new(0) }; 4];
    let start = Instant::now();
    let bind_and_drop = || {
        for _ in 0..ROUNDS {
            // On a busy machine it is the lock that takes the time.
            if start.elapsed() > Duration::from_secs(20) {
                break;
            }
            let Ok(socket) = Socket::bind(&path.as_path().into(), Socket::BACKLOG) else {
                thread::yield_now();
                continue;
            };
            bound.fetch_add(1, SeqCst);
            twice.fetch_add(owners.fetch_add(1, SeqCst), SeqCst);
            for _ in 0..20 {
                thread::yield_now();
                if !can_connect(&path) {
                    lost.fetch_add(1, SeqCst);
                    break;
                }
            }
            owners.fetch_sub(1, SeqCst);
            drop(socket);
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(bind_and_drop);
        }
    });
    let [twice, lost] = [twice, lost].map(AtomicUsize::into_inner);
    assert_eq!((twice, lost), (0, 0), "owners at once, sockets lost");
    assert!(bound.into_inner() > ROUNDS / 10);
}

/// What a thread of its own makes, if it does so before long.
pub(crate) fn in_time<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    let result = result.recv_timeout(Duration::from_secs(20));
    result.expect("a result in time")
}

/// The thread may not give files away.
#[test]
fn a_socket_whose_group_is_refused_leaves_nothing_behind() {
    let (_directory, path) = directory();
    let at = path.clone();
    let error = in_time(move || {
        let mut rights = capabilities(None).expect("the rights of a thread");
        rights.effective.remove(CapabilitySet::CHOWN);
        set_capabilities(None, rights).expect("fewer rights");
        let permissions = SocketPermissions::default().group(5678);
        let bound = UnixSocket::bind_with(&at, permissions);
        bound.map(drop).expect_err("not our group")
    });
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    let message = error.to_string();
    assert!(
        message.contains(" may not give its socket to group 5678: "),
        "{message}"
    );
    assert!(!message.contains("directory"), "{message}");
    assert!(!path.exists());
    let socket = Socket::bind(&path.as_path().into(), Socket::BACKLOG);
    socket.expect("nobody holds the lock");
}

#[test]
fn a_lock_that_somebody_keeps_is_waited_for_for_five_seconds() {
    let (directory, path) = directory();
    let lock = File::create(directory.path().join("app.sock.lock")).expect("a file");
    flock(&lock, FlockOperation::LockExclusive).expect("a lock");
    let start = Instant::now();
    let at = path.as_path().into();
    let error =
        in_time(move || Socket::bind(&at, Socket::BACKLOG).expect_err("somebody has the lock"));
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(error.to_string().contains("app.sock.lock"), "{error}");
    assert!((5..15).contains(&start.elapsed().as_secs()));
    assert!(!path.exists());
}

#[test]
fn the_lock_of_a_socket_stays_and_is_for_its_owner() {
    let (directory, path) = directory();
    let bind = || Socket::bind(&path.as_path().into(), Socket::BACKLOG);
    drop(bind().expect("a socket"));
    assert!(!path.exists());
    let lock = directory.path().join("app.sock.lock");
    assert_eq!(mode(&lock), 0o600);
    // As one that was made under another umask.
    fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).expect("a mode");
    drop(bind().expect("a socket"));
    assert_eq!(mode(&lock), 0o600);

    // A link in its place is not followed.
    let target = directory.path().join("target");
    fs::remove_file(&lock).expect("a file");
    symlink(&target, &lock).expect("a link");
    let error = bind().expect_err("no lock");
    assert!(error.to_string().contains("app.sock.lock"), "{error}");
    assert!(!target.exists() && !path.exists());
}

#[tokio::test]
async fn a_socket_on_which_somebody_listens_is_left_alone() {
    let (_directory, path) = directory();
    let _other = StdUnixListener::bind(&path).expect("a socket");
    let before = fs::metadata(&path).expect("a socket").ino();
    let error = UnixSocket::bind(&path).expect_err("somebody listens");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(fs::metadata(&path).expect("a socket").ino(), before);
}

/// Nothing else says which of several it was.
#[tokio::test]
async fn an_error_names_the_address_and_says_what_to_do() {
    let (_dir, path) = directory();
    let nowhere = path.join("no/app.sock");
    let error = UnixSocket::bind(&nowhere).expect_err("there is no directory");
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("{}: ", nowhere.display())),
        "{message}"
    );
    assert!(message.contains("there is no directory"), "{message}");
    let error = UnixSocket::bind("no-such-directory/a/app.sock").expect_err("there is none");
    let message = error.to_string();
    assert!(
        message.contains(": there is no directory no-such-directory: "),
        "{message}"
    );

    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = taken.local_addr().expect("an address");
    let error = Socket::bind_tcp(addr, 1).expect_err("it is taken");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(
        error.to_string(),
        format!(
            "{addr}: Address already in use: another process has this port: stop it, or choose another port"
        )
    );
    let error = AnyListener::bind(&format!("localhost:{}", addr.port()));
    let message = error.expect_err("it is taken").to_string();
    assert!(message.contains(&addr.port().to_string()), "{message}");
}

#[tokio::test]
async fn a_socket_is_shown_as_its_address() {
    let (_dir, path) = directory();
    let unix = Socket::bind(&path.as_path().into(), 1).expect("a free path");
    assert_eq!(unix.to_string(), path.display().to_string());
    let duplicate = unix.try_clone().expect("a descriptor");
    assert_eq!(duplicate.to_string(), path.display().to_string());
    let tcp = Socket::bind_tcp(([127, 0, 0, 1], 0).into(), 1).expect("a free port");
    assert_eq!(
        Some(tcp.to_string()),
        tcp.tcp_addr().map(|addr| addr.to_string())
    );
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let (directory, path) = directory();
    fs::write(&path, "precious").expect("a file");
    let error = UnixSocket::bind(&path).expect_err("a file is there");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).expect("the file"), b"precious");

    // Nor is a link followed to what it points to.
    let link = directory.path().join("link.sock");
    symlink(&path, &link).expect("a link");
    assert!(UnixSocket::bind(&link).is_err());
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert!(UnixSocket::bind(directory.path()).is_err());
}

#[tokio::test]
async fn a_socket_is_removed_with_its_listener() {
    let (_directory, path) = directory();
    let socket = UnixSocket::bind(&path).expect("a socket");
    assert!(
        fs::symlink_metadata(&path)
            .expect("a file")
            .file_type()
            .is_socket()
    );
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_somebody_else_put_there_is_not_removed() {
    let (_directory, path) = directory();
    let socket = UnixSocket::bind(&path).expect("a socket");
    // Moved, not removed, so that its inode is not given to the other.
    fs::rename(&path, path.with_extension("old")).expect("a rename");
    let other = StdUnixListener::bind(&path).expect("a socket");
    drop(socket);
    assert!(path.exists());
    drop(other);
}

#[tokio::test]
async fn a_path_that_cannot_be_is_an_error() {
    let (directory, _) = directory();
    assert!(UnixSocket::bind(directory.path().join("missing/app.sock")).is_err());
    assert!(UnixSocket::bind(directory.path().join("x".repeat(200))).is_err());
}

#[tokio::test]
async fn an_address_with_a_slash_is_a_path() {
    let (_directory, path) = directory();
    let address = path.to_str().expect("a path in UTF-8");
    let listener = AnyListener::bind(address).expect("a socket");
    assert_eq!(mode(&path), 0o660);
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn an_address_with_a_port_is_tcp() {
    let mut listener = AnyListener::bind("127.0.0.1:0").expect("a socket");
    let addr = tcp_addr(&listener);
    let near = TcpStream::connect(addr).await.expect("a connection");
    let (_, peer) = listener.accept().await;
    assert_eq!(
        format!("{peer:?}"),
        near.local_addr().expect("an address").to_string()
    );
}

fn tcp_addr(listener: &AnyListener) -> SocketAddr {
    match listener.local_addr().expect("an address") {
        AnyAddr::Tcp(addr) => addr,
        other => panic!("{other:?}"),
    }
}

#[test]
fn addresses_are_read_as_people_write_them() {
    let table = [
        ("/run/app.sock", "/run/app.sock"),
        ("./app.sock", "./app.sock"),
        ("app.sock", "app.sock"),
        ("fcgi.socket", "fcgi.socket"),
        ("run/app", "run/app"),
        ("unix:/run/app.sock", "/run/app.sock"),
        ("unix:///run/app.sock", "/run/app.sock"),
        ("unix:app", "unix:app"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("tcp:127.0.0.1:9000", "127.0.0.1:9000"),
        ("tcp://127.0.0.1:9000", "127.0.0.1:9000"),
        ("localhost:0", "localhost:0"),
        ("[::1]:9000", "[::1]:9000"),
        ("::1:9000", "[::1]:9000"),
    ];
    for (written, read) in table {
        let address: Address = written.parse().expect(written);
        assert_eq!(address.to_string(), read, "{written}");
    }
}

#[test]
fn an_invalid_address_is_an_error_that_names_the_right_one() {
    let table = [
        (":9000", "127.0.0.1:9000"),
        ("9000", "127.0.0.1:9000"),
        ("tcp:9000", "127.0.0.1:9000"),
        ("nonsense", "did you mean ./nonsense?"),
        ("127.0.0.1:99999", "0 to 65535"),
        ("127.0.0.1:+1", "host:port"),
        ("127.0.0.1:", "host:port"),
        ("[::1:9000", "host:port"),
        ("http://127.0.0.1:9000", "host:port"),
        ("unix:", "host:port"),
        ("", "host:port"),
    ];
    for (written, hint) in table {
        let error = written.parse::<Address>().expect_err(written).to_string();
        assert!(error.starts_with(&format!("{written:?} ")), "{error}");
        assert!(error.contains(hint), "{error}");
    }
    assert!(AnyListener::bind("nonsense").is_err());
    let list = Address::parse_list("127.0.0.1:9000, /run/app.sock").expect("two addresses");
    assert_eq!(list.len(), 2);
    assert!(Address::parse_list("127.0.0.1:9000,,").is_err());
}

/// Specification, 2.2: whatever the socket is.
#[tokio::test]
async fn a_socket_that_was_handed_over_may_be_tcp_or_unix() {
    let (_directory, path) = directory();
    let unix = StdUnixListener::bind(&path).expect("a socket");
    let mut listener =
        AnyListener::new([Socket::new(unix).expect("a socket")]).expect("a listener");
    let _near = UnixStream::connect(&path).await.expect("a connection");
    listener.accept().await;
    drop(listener);
    assert!(path.exists(), "the path is the process manager's");

    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let addr = tcp.local_addr().expect("an address");
    let socket = Socket::new(tcp).expect("a socket");
    assert_eq!(socket.tcp_addr(), Some(addr));
    let mut listener = AnyListener::new([socket]).expect("a listener");
    let _near = TcpStream::connect(addr).await.expect("a connection");
    listener.accept().await;
}

#[test]
fn what_does_not_listen_is_not_taken_for_a_socket() {
    let (directory, _) = directory();
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    assert!(Socket::new(udp).is_err());
    let (near, _far) = StdUnixStream::pair().expect("a connection");
    assert!(Socket::new(near).is_err());
    let file = File::create(directory.path().join("file")).expect("a file");
    assert!(Socket::new(file).is_err());
}

/// A socket on which there is always one more does not keep the others waiting.
#[tokio::test]
async fn several_sockets_are_accepted_from_in_turn() {
    let (_directory, path) = directory();
    let unix = Socket::bind(&path.as_path().into(), Socket::BACKLOG).expect("a socket");
    let tcp = Socket::bind(&"127.0.0.1:0".parse().expect("an address"), 64).expect("a socket");
    let addr = tcp.tcp_addr().expect("an address");
    let mut listener = AnyListener::new([unix, tcp]).expect("a listener");
    let mut near = Vec::new();
    for _ in 0..4 {
        near.push(StdUnixStream::connect(&path).expect("a connection"));
    }
    let _tcp = TcpStream::connect(addr).await.expect("a connection");
    let mut kinds = Vec::new();
    for _ in 0..5 {
        let (_, peer) = listener.accept().await;
        kinds.push(matches!(peer, AnyAddr::Tcp(_)));
    }
    let at = kinds
        .iter()
        .position(|is_tcp| *is_tcp)
        .expect("it was accepted");
    assert!(at <= 1, "after {at} others");
}

#[test]
fn a_backlog_is_what_it_was_set_to() {
    let (_directory, path) = directory();
    let _socket = Socket::bind(&path.as_path().into(), 1).expect("a socket");
    // Linux lets one more wait than it was told.
    let waiting: Vec<_> = (0..8)
        .map_while(|_| {
            let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None);
            let socket = socket.expect("a socket");
            socket.set_nonblocking(true).expect("a socket");
            let addr = SockAddr::unix(&path).expect("a path");
            socket.connect(&addr).is_ok().then_some(socket)
        })
        .collect();
    assert_eq!(waiting.len(), 2);
}

/// No Nagle: small responses are in one piece and wait for nothing.
#[tokio::test]
async fn tcp_connections_do_not_delay() {
    let mut listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let _near = TcpStream::connect(addr).await.expect("a connection");
    let (io, _) = Listener::accept(&mut listener).await;
    assert!(io.nodelay().expect("an option"));
}
