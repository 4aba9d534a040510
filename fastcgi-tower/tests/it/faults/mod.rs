//! Sockets that give and take little at a time, that are never ready at once, and that are reset: the conversations
//! (fastcgi-core/tests/conversations) over them.

mod socket;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use fastcgi_test_kit::{Conversation, Step};
use tokio::{io::duplex, task::unconstrained};

use self::socket::Faulty;
pub(crate) use self::socket::Gates;
use crate::{
    conversations::{begin, held, hold_all},
    support::PIPE,
};

#[tokio::test(start_paused = true)]
async fn short_reads_and_writes_lose_nothing() {
    for (max_read, max_write) in [(1, 1), (1, PIPE), (PIPE, 1), (7, 9), (8, 8), (9, 7)] {
        let failures = hold_all(|io, _| Faulty {
            max_read,
            max_write,
            ..Faulty::new(io)
        });
        let failures = failures.await;
        assert!(
            failures.is_empty(),
            "{max_read} and {max_write} bytes at a time: {}",
            failures.join("\n\n")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_is_never_ready_at_once_loses_nothing() {
    for (max_read, max_write) in [(PIPE, PIPE), (1, PIPE), (PIPE, 1), (1, 1), (11, 5)] {
        let failures = hold_all(|io, gates| Faulty {
            max_read,
            max_write,
            gates: Some(gates.clone()),
            ..Faulty::new(io)
        });
        let failures = failures.await;
        assert!(
            failures.is_empty(),
            "{max_read} and {max_write} bytes at a time: {}",
            failures.join("\n\n")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_at_any_byte_ends_the_connection_and_drops_the_handlers() {
    let mut failures = Vec::new();
    let mut resets = 0;
    for conversation in held() {
        let mut position = 0;
        loop {
            match reset_at(position, &conversation).await {
                Ok(true) => resets += 1,
                // It is over before.
                Ok(false) => break,
                Err(failure) => {
                    let name = &conversation.name;
                    failures.push(format!("{name}, reset at byte {position}: {failure}"));
                    break;
                }
            }
            // A long conversation is the same again and again in its middle.
            position += if position < 1000 { 1 } else { 997 };
        }
        assert!(position > 0, "{}: was never reset", conversation.name);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(resets > 10_000, "{resets} resets");
}

/// Holds a conversation until the socket is reset, when this many bytes have passed in both directions. Gives whether it was.
async fn reset_at(position: usize, conversation: &Conversation) -> Result<bool, String> {
    let (web_server, io) = duplex(PIPE);
    let is_reset = Arc::<AtomicBool>::default();
    let io = Faulty {
        until_reset: Some(position),
        is_reset: Arc::clone(&is_reset),
        ..Faulty::new(io)
    };
    let mut run = begin(conversation, web_server, io, Gates::default());
    let mut steps = conversation.steps.iter();
    while !is_reset.load(Ordering::Relaxed) {
        let Some(step) = steps.next() else {
            return Ok(false);
        };
        unconstrained(run.take(step)).await?;
    }
    match run.result() {
        // That the web server has left is no failure (B-11), and leaves one from before alone.
        Some(Err(error)) if error.is_io() => return Err(format!("{error:?}")),
        Some(_) => {}
        None => return Err("the connection goes on".to_owned()),
    }
    if run.live_at_end() > 0 {
        return Err(format!("{} handlers live on", run.live_at_end()));
    }
    let mut wanted = Vec::new();
    for step in steps {
        if let Step::Receive(bytes) = step {
            wanted.extend_from_slice(bytes);
        }
    }
    if wanted.starts_with(run.unchecked()) {
        Ok(true)
    } else {
        Err(format!("received \"{}\"", run.unchecked().escape_ascii()))
    }
}
