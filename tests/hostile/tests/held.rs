//! What single peers make a connection hold, as an allocator counts it: each limit, and that it is kept.
//!
//! A test binary of its own, because the allocator is that of all that runs in it.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_hostile::wire::{
    DATA, GET_VALUES, PARAMS, RESPONDER, STDIN, begin, get, head, open, pair, record,
};
use fastcgi_tower::{Budget, ConnectionBuilder, HttpService, Incoming, Limits, RequestHandle};
use http::{Request, Response};
use http_body_util::{BodyExt, Either, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    runtime::Builder,
    time::{sleep, timeout},
};
use tower::service_fn;

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

static TURN: Mutex<()> = Mutex::new(());

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What is on its way in each direction, in the pipe itself.
const PIPE: usize = 16 * KIB;
/// The pipe, a task, a request's own structures, and what a runtime needs.
const OVERHEAD: usize = 2 * PIPE + 32 * KIB;
/// A buffer that is read into.
const READ: usize = 128 * KIB;

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handler {
    /// Has its body and does not read it.
    Hold,
    /// Sends its body back.
    Echo,
    /// Keeps the first piece of its body, and answers.
    KeepFirst,
    /// Keeps every piece of its body.
    KeepAll,
    /// Keeps the pieces of its body that are short.
    KeepSmall,
    /// Writes as many messages of a byte as it likes, and waits.
    Log,
}

/// How many bytes are held once a peer has sent `bytes`, as far as they were taken, and never reads.
fn held(builder: ConnectionBuilder, handler: Handler, bytes: impl FnOnce() -> Vec<u8>) -> usize {
    // What other tests allocate would count.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let bytes = bytes();
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let _profiler = dhat::Profiler::builder().testing().build();
        let (mut near, far) = duplex(PIPE);
        let kept = Kept::default();
        let shared = Arc::clone(&kept);
        let service = service_fn(move |request| answer(handler, request, Arc::clone(&shared)));
        let connection = builder.serve_connection(far, HttpService::new(service));
        let task = tokio::spawn(connection);
        // Less than a second: then the connection reads on, up to `max_spill`, to see whether the peer has left (B-11).
        let _ = timeout(Duration::from_millis(500), near.write_all(&bytes)).await;
        sleep(Duration::from_millis(100)).await;
        let held = dhat::HeapStats::get().curr_bytes;
        task.abort();
        drop(kept);
        held
    })
}

/// What an application keeps of the bodies that it is sent.
type Kept = Arc<Mutex<Vec<Bytes>>>;

async fn answer(
    handler: Handler,
    request: Request<Incoming>,
    kept: Kept,
) -> Result<Response<Either<Incoming, Full<Bytes>>>, Infallible> {
    match handler {
        Handler::Hold => {}
        Handler::Echo => return Ok(Response::new(Either::Left(request.into_body()))),
        Handler::KeepFirst | Handler::KeepAll | Handler::KeepSmall => {
            let mut body = request.into_body();
            let mut is_first = true;
            while let Some(Ok(frame)) = body.frame().await {
                let data = frame.into_data().expect("data");
                let is_kept = match handler {
                    Handler::KeepFirst => is_first,
                    Handler::KeepSmall => data.len() < 8,
                    _ => true,
                };
                if is_kept {
                    kept.lock().expect("no panic").push(data);
                }
                is_first = false;
            }
            return Ok(Response::new(Either::Right(Full::default())));
        }
        Handler::Log => {
            let handle = request.extensions().get::<RequestHandle>();
            for _ in 0..MIB {
                handle.expect("a handle").stderr(Bytes::from_static(b"x"));
            }
        }
    }
    let _unread = request;
    std::future::pending().await
}

/// A connection of a server that has `memory` to lend.
fn lent(memory: usize) -> ConnectionBuilder {
    ConnectionBuilder::new().budget(Budget::new(1, memory))
}

/// A connection that has nobody to borrow from.
fn alone(limits: Limits) -> ConnectionBuilder {
    ConnectionBuilder::new().limits(limits)
}

fn at_most(held: usize, most: usize) {
    assert!(held <= most, "{held} bytes, and at most {most}");
}

fn post(path: &str) -> Vec<u8> {
    head(RESPONDER, "POST", path, Some(1 << 30))
}

fn body(bytes: usize) -> Vec<u8> {
    record(STDIN, 1, &[b'x'; 32 * KIB]).repeat(bytes / (32 * KIB))
}

#[test]
fn a_connection_owns_64_kib() {
    let wire = || [post("/"), body(4 * MIB)].concat();
    // There is nothing to lend.
    let held = held(lent(0), Handler::Hold, wire);
    at_most(held, 64 * KIB + OVERHEAD);
}

#[test]
fn an_echo_that_nobody_reads_owns_64_kib() {
    let wire = || [post("/"), body(4 * MIB)].concat();
    let held = held(lent(0), Handler::Echo, wire);
    at_most(held, 64 * KIB + OVERHEAD);
}

#[test]
fn a_connection_gets_a_quarter() {
    let wire = || [post("/"), body(32 * MIB)].concat();
    let held = held(lent(16 * MIB), Handler::Echo, wire);
    assert!(held > 2 * MIB, "{held} bytes: it borrows");
    at_most(held, 4 * MIB + 64 * KIB + OVERHEAD);
}

#[test]
fn body_window_is_kept() {
    let wire = || [post("/"), body(4 * MIB)].concat();
    let limits = Limits::default().body_window(64 * KIB);
    let held = held(alone(limits), Handler::Hold, wire);
    // What is held, and one read; the buffer that comes next may be there.
    at_most(held, 64 * KIB + 2 * READ + OVERHEAD);
}

#[test]
fn max_spill_is_kept() {
    let wire = || [post("/"), body(8 * MIB)].concat();
    let limits = Limits::default().max_spill(2 * MIB);
    let held = held(alone(limits), Handler::Echo, wire);
    assert!(held > MIB, "{held} bytes: it spills");
    // And what waits to be written.
    at_most(held, 2 * MIB + MIB / 2 + 2 * READ + 256 * KIB + OVERHEAD);
}

#[test]
fn bytes_beside_data_cost_what_they_are() {
    let round = || {
        [
            record(STDIN, 1, b"x"),
            record(DATA, 1, &[0; 60 * KIB]).repeat(2),
        ]
        .concat()
    };
    let wire = || [head(RESPONDER, "POST", "/", None), round().repeat(300)].concat();
    let held = held(alone(Limits::default()), Handler::Hold, wire);
    at_most(held, 64 * KIB + 2 * READ + OVERHEAD);
}

#[test]
fn records_of_one_byte_cost_what_they_are() {
    let body = || record(STDIN, 1, b"x").repeat(MIB);
    let wire = || [head(RESPONDER, "POST", "/", None), body()].concat();
    let held = held(alone(Limits::default()), Handler::Hold, wire);
    at_most(held, 2 * 64 * KIB + 2 * READ + OVERHEAD);
}

#[test]
fn pieces_that_are_sent_back_keep_little_more_than_themselves() {
    let round = || {
        [
            record(STDIN, 1, &[b'x'; 5000]),
            record(DATA, 1, &[0; 60 * KIB]).repeat(2),
        ]
        .concat()
    };
    let wire = || [head(RESPONDER, "POST", "/", None), round().repeat(300)].concat();
    let limits = Limits::default().max_spill(0);
    let held = held(lent(64 * MIB).limits(limits), Handler::Echo, wire);
    // 256 KiB may wait, and the window may be held.
    at_most(held, 3 * (256 + 64) * KIB + 2 * READ + OVERHEAD);
}

/// What a list of so many pieces costs, each a byte: a `Bytes`, in a list that grows by doubling, and what it points to.
fn kept_bytes(count: usize) -> usize {
    count * (2 * size_of::<Bytes>() + 32)
}

#[test]
fn the_first_byte_of_each_body_keeps_no_buffer() {
    let upload = [
        head(RESPONDER, "POST", "/", None),
        record(STDIN, 1, b"x"),
        record(STDIN, 1, &[b'y'; 60 * KIB]),
        record(STDIN, 1, b""),
    ];
    let upload = upload.concat();
    let wire = || (1..=100).flat_map(|id| for_request(id, &upload)).collect();
    let limits = Limits::default().max_reqs(100);
    let held = held(lent(64 * MIB).limits(limits), Handler::KeepFirst, wire);
    assert!(
        held > 100 * size_of::<Bytes>(),
        "{held} bytes: they are kept"
    );
    at_most(held, kept_bytes(100) + 4 * READ + OVERHEAD);
}

#[test]
fn bytes_with_padding_keep_no_buffer() {
    // 8 bytes of a header, 1 of content, 255 of padding.
    let padded = || [&[1, STDIN, 0, 1, 0, 1, 255, 0, b'x'][..], &[0; 255]].concat();
    let wire = || [head(RESPONDER, "POST", "/", None), padded().repeat(20_000)].concat();
    let held = held(lent(64 * MIB), Handler::KeepAll, wire);
    assert!(held > 20_000, "{held} bytes: they are kept");
    at_most(held, kept_bytes(20_000) + 3 * READ + OVERHEAD);
}

#[test]
fn bytes_beside_the_bodies_of_others_keep_no_buffer() {
    const ROUNDS: usize = 500;
    let begin = || [1, 2].map(|id| for_request(id, &head(RESPONDER, "POST", "/", None)));
    let round = || [record(STDIN, 1, b"x"), record(STDIN, 2, &[b'y'; 60 * KIB])];
    let wire = || [begin().concat(), round().concat().repeat(ROUNDS)].concat();
    let limits = Limits::default().max_reqs(2);
    let held = held(lent(64 * MIB).limits(limits), Handler::KeepSmall, wire);
    assert!(
        held > ROUNDS * size_of::<Bytes>(),
        "{held} bytes: they are kept"
    );
    at_most(held, kept_bytes(ROUNDS) + 3 * READ + OVERHEAD);
}

/// The same records, of another request.
fn for_request(id: u8, records: &[u8]) -> Vec<u8> {
    let mut rest = records.to_vec();
    let mut at = 0;
    while let Some([high, low]) = rest.get(at + 4..at + 6).map(|it| [it[0], it[1]]) {
        rest[at + 3] = id;
        at += 8 + usize::from(u16::from_be_bytes([high, low]));
    }
    rest
}

#[test]
fn max_params_size_is_kept() {
    let cookie = || record(PARAMS, 1, &pair("HTTP_COOKIE", &"c".repeat(60 * KIB)));
    let wire = || [open(RESPONDER, "GET", "/"), cookie().repeat(20)].concat();
    let held = held(alone(Limits::default()), Handler::Hold, wire);
    // A block grows by doubling.
    at_most(held, 2 * 128 * KIB + 2 * READ + OVERHEAD);
}

#[test]
fn what_is_owed_is_bounded() {
    let questions = || record(GET_VALUES, 0, b"\x0d\x00FCGI_MAX_REQS").repeat(20_000);
    let held_back = held(alone(Limits::default()), Handler::Hold, questions);
    // 16 KiB of answers, in a buffer that grows by doubling, and what was read.
    at_most(held_back, 2 * 17 * KIB + 2 * READ + OVERHEAD);
    let refused = || {
        [begin(1, 9), record(PARAMS, 1, b"")]
            .concat()
            .repeat(20_000)
    };
    let held_back = held(alone(Limits::default()), Handler::Hold, refused);
    at_most(held_back, 2 * 17 * KIB + 2 * READ + OVERHEAD);
}

#[test]
fn messages_for_the_log_are_bounded() {
    let held = held(alone(Limits::default()), Handler::Log, || get("/"));
    // Each but the first counts as its bytes and 32; the list grows by doubling.
    at_most(held, 2 * RequestHandle::MAX_STDERR + OVERHEAD);
}

/// How many bytes each of 100 connections costs that have had a request: at once, and after it was quiet for a second. With
/// its pipe of 64 bytes each way, and its task.
fn cost_of_a_connection_that_waits() -> (usize, usize) {
    const COUNT: usize = 100;
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let _profiler = dhat::Profiler::builder().testing().build();
        let budget = Budget::new(COUNT, MIB);
        let mut pipes = Vec::with_capacity(COUNT);
        let request = get("/");
        for _ in 0..COUNT {
            let (mut near, far) = duplex(64);
            let service = service_fn(|_| async {
                Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
            });
            let builder = ConnectionBuilder::new().budget(budget.clone());
            tokio::spawn(builder.serve_connection(far, HttpService::new(service)));
            let (mut reader, mut writer) = tokio::io::split(&mut near);
            let mut response = [0; 82];
            let (written, read) =
                tokio::join!(writer.write_all(&request), reader.read_exact(&mut response));
            written.expect("a connection that is open");
            read.expect("a response");
            assert_eq!(response[66..74], [1, 3, 0, 1, 0, 8, 0, 0], "END_REQUEST");
            pipes.push(near);
        }
        let at_once = dhat::HeapStats::get().curr_bytes / COUNT;
        sleep(Duration::from_millis(1100)).await;
        let later = dhat::HeapStats::get().curr_bytes / COUNT;
        (at_once, later)
    })
}

#[test]
fn a_connection_that_waits_owns_no_read_buffer() {
    let (at_once, later) = cost_of_a_connection_that_waits();
    at_most(at_once, 4 * KIB);
    at_most(later, 2 * KIB);
}
