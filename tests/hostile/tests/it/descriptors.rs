//! How many connections there are where the process may have few descriptors.

use std::time::Duration;

use fastcgi_hostile::{
    Victim,
    wire::{GET_VALUES, get, record},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    runtime::Runtime,
    time::timeout,
};

const PATIENCE: Duration = Duration::from_secs(20);

/// What is sent back, up to `end`.
async fn ask(io: &mut UnixStream, question: &[u8], end: &[u8]) -> Vec<u8> {
    io.write_all(question).await.expect("a connection");
    let mut received = Vec::new();
    while !received.windows(end.len()).any(|it| it == end) {
        let read = timeout(PATIENCE, io.read_buf(&mut received)).await;
        assert_ne!(read.expect("an answer").expect("a connection"), 0);
    }
    received
}

#[test]
fn the_limit_of_descriptors_less_64_is_advertised_and_kept() {
    let victim = Victim::with_descriptors(300);
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut connections = Vec::new();
        for _ in 0..236 {
            let mut io = UnixStream::connect(victim.socket()).await.expect("a place");
            ask(&mut io, &get("/json"), b"{\"answer\":42}").await;
            connections.push(io);
        }
        let question = record(GET_VALUES, 0, b"\x0e\x00FCGI_MAX_CONNS");
        let first = connections.first_mut().expect("a connection");
        ask(first, &question, b"\x0e\x03FCGI_MAX_CONNS236").await;
        // One more waits to be accepted, and is served when another has left.
        let mut late = UnixStream::connect(victim.socket()).await.expect("a queue");
        late.write_all(&get("/json")).await.expect("a queue");
        let early = timeout(Duration::from_millis(300), late.readable()).await;
        assert!(early.is_err(), "it is served");
        connections.pop();
        ask(&mut late, b"", b"{\"answer\":42}").await;
    });
}
