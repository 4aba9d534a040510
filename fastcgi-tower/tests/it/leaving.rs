//! A thousand web servers that leave in the middle of something, over a real Unix socket: nothing is left of them.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_tower::{BoxError, Incoming, listener::UnixSocket, serve};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    runtime::Handle,
    task::{JoinSet, yield_now},
    time::timeout,
};
use tower::service_fn;

use crate::support::{
    AnyBody, KEEP_CONN, RESPONDER, abort, full, get, get_close, head_as, hello_bytes, post,
    stdin_all,
};

const CLIENTS: usize = 1000;
const AT_ONCE: usize = 20;
const UPLOAD: usize = 200_000;
const DOWNLOAD: usize = 600_000;

/// Numbers that look random and are the same in every run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) as usize % limit
    }
}

/// Counts the handlers that run and the response bodies that are not dropped.
#[derive(Clone, Default)]
struct Living(Arc<AtomicUsize>);

struct Guard(Living);

impl Living {
    fn guard(&self) -> Guard {
        self.0.fetch_add(1, Ordering::Relaxed);
        Guard(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Download {
    left: usize,
    _guard: Guard,
}

impl Body for Download {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.left.min(10_000);
        self.left -= piece;
        Poll::Ready((piece > 0).then(|| Ok(Frame::data(vec![b'x'; piece].into()))))
    }
}

async fn answer(request: Request<Incoming>, living: Living) -> Result<Response<AnyBody>, BoxError> {
    let guard = living.guard();
    let path = request.uri().path().to_owned();
    let body = match path.as_str() {
        "/download" => {
            let left = DOWNLOAD;
            let download = Download {
                left,
                _guard: guard,
            };
            download.map_err(Into::into).boxed_unsync()
        }
        "/upload" => {
            request.into_body().collect().await?;
            full("hello").map_err(Into::into).boxed_unsync()
        }
        "/wait" => std::future::pending().await,
        _ => full("hello").map_err(Into::into).boxed_unsync(),
    };
    Ok(Response::new(body))
}

/// Sends a part of what it has to send, reads a part of what it is to read, and is gone.
async fn leave(path: PathBuf, client: usize) {
    let mut numbers = Numbers(client as u64);
    let upload = [
        post(1, "/upload", UPLOAD),
        stdin_all(1, &vec![b'x'; UPLOAD]),
    ]
    .concat();
    let begun_upload = upload.len() / 2;
    // What is sent, how much of it, and how much is read then.
    let (wire, sent, read) = match client % 6 {
        // In the middle of anything.
        0 => (upload.clone(), numbers.below(upload.len()), 0),
        // In the params.
        1 => (upload.clone(), numbers.below(200), 0),
        2 => (get(1, "/download"), usize::MAX, numbers.below(DOWNLOAD)),
        3 => (
            get_close(1, "/download"),
            usize::MAX,
            numbers.below(DOWNLOAD),
        ),
        // While the handler works, and just after it was aborted.
        4 => {
            let wire = [get(1, "/wait"), abort(1)].concat();
            let whole = wire.len();
            (wire, whole - 8 * numbers.below(2), 0)
        }
        // All of it at once.
        _ => {
            let wait = head_as(2, RESPONDER, KEEP_CONN, "POST", "/wait", &[]);
            let others = [get(3, "/download"), wait, get(4, "/wait")].concat();
            let least = others.len();
            let sent = least + numbers.below(begun_upload);
            ([others, upload].concat(), sent, numbers.below(100_000))
        }
    };
    let mut io = UnixStream::connect(path).await.expect("a connection");
    let (mut reader, mut writer) = io.split();
    let wire = &wire[..sent.min(wire.len())];
    let mut received = vec![0; read];
    let (written, read) = tokio::join!(writer.write_all(wire), reader.read_exact(&mut received));
    written.expect("the application reads");
    read.expect("the application writes");
}

/// The sockets on `path`: who listens, and who was accepted.
fn sockets_on(path: &Path) -> usize {
    let path = path.to_str().expect("a path in UTF-8");
    let sockets = fs::read_to_string("/proc/net/unix").expect("the sockets of the system");
    sockets.lines().filter(|line| line.ends_with(path)).count()
}

#[tokio::test]
async fn thousand_connections_cut_anywhere_leave_nothing_behind() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let listener = UnixSocket::bind(&path).expect("a socket");
    let living = Living::default();
    let service = service_fn({
        let living = living.clone();
        move |request| answer(request, living.clone())
    });
    let server = tokio::spawn(serve(listener, service).into_future());
    let metrics = Handle::current().metrics();
    let at_first = (metrics.num_alive_tasks(), sockets_on(&path), living.count());
    assert_eq!(at_first, (1, 1, 0));

    let mut most = 0;
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        if clients.len() == AT_ONCE {
            clients
                .join_next()
                .await
                .expect("a client")
                .expect("no panic");
        }
        clients.spawn(leave(path.clone(), client));
        most = most.max(living.count());
    }
    while let Some(left) = clients.join_next().await {
        left.expect("no panic");
    }
    assert!(most > 0, "nothing was ever going on");

    // Everything of everyone is dropped, and nothing has to pass for it but what is under way.
    let over = timeout(Duration::from_secs(20), async {
        while (metrics.num_alive_tasks(), sockets_on(&path), living.count()) != at_first {
            yield_now().await;
        }
    });
    assert!(
        over.await.is_ok(),
        "{} tasks, {} sockets, {} handlers",
        metrics.num_alive_tasks(),
        sockets_on(&path),
        living.count()
    );

    let mut io = UnixStream::connect(&path).await.expect("a connection");
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("a response");
    assert_eq!(response, hello_bytes());
    server.abort();
}
