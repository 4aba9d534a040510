//! A well-behaved client, which is to notice nothing.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::wire;

const PAUSE: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(20);

/// Asks for a page again and again, on a connection of its own, each time with a body of its own beside it.
#[derive(Debug)]
pub struct Witness {
    stop: Arc<AtomicBool>,
    task: JoinHandle<(u32, Duration)>,
}

impl Witness {
    /// Begins, once it has got its first answer.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn begin(socket: PathBuf) -> Self {
        let mut io = UnixStream::connect(socket).await.expect("an application");
        ask(&mut io).await;
        let stop = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            let mut answers = 0;
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let start = Instant::now();
                ask(&mut io).await;
                longest = longest.max(start.elapsed());
                answers += 1;
                sleep(PAUSE).await;
            }
            (answers, longest)
        });
        Self { stop, task }
    }

    /// How many answers it got, and how long the slowest of them took.
    ///
    /// # Panics
    ///
    /// When one was missing or wrong.
    pub async fn end(self) -> (u32, Duration) {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("an answer to each request")
    }
}

/// A page, and an upload within what a connection owns.
async fn ask(io: &mut UnixStream) {
    let body = [b'x'; 20_000];
    let length = u64::try_from(body.len()).ok();
    let upload = [
        wire::head(wire::RESPONDER, "POST", "/upload", length),
        wire::record(wire::STDIN, 1, &body),
        wire::record(wire::STDIN, 1, b""),
    ];
    for (request, answer) in [
        (wire::get("/json"), &b"{\"answer\":42}"[..]),
        (upload.concat(), &b"{\"bytes\":20000,"[..]),
    ] {
        let asked = timeout(PATIENCE, io.write_all(&request)).await;
        asked
            .expect("a request that is taken")
            .expect("a connection");
        let mut received = Vec::new();
        while !received.windows(8).any(|it| it == END) {
            let read = timeout(PATIENCE, io.read_buf(&mut received)).await;
            let count = read.expect("an answer in time").expect("a connection");
            assert_ne!(count, 0, "closed after {}", received.escape_ascii());
        }
        assert!(
            received.windows(answer.len()).any(|it| it == answer),
            "{}",
            received.escape_ascii()
        );
    }
}

/// The header of `FCGI_END_REQUEST` for request 1.
const END: &[u8] = &[1, 3, 0, 1, 0, 8, 0, 0];
