//! The conversations (fastcgi-core/tests/conversations), held by the driver over a pipe.
//!
//! The connection is polled by hand, and only when it was woken, so nothing depends on the order of tasks. Time is paused: it
//! passes where a conversation says so, and goes from one deadline to the next.

mod application;
mod run;

use fastcgi_test_kit::{Conversation, Runner};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, duplex},
    task::unconstrained,
};

pub(crate) use self::run::begin;
use crate::{faults::Gates, support::PIPE};

#[tokio::test(start_paused = true)]
async fn the_driver_holds_every_conversation() {
    let failures = hold_all(|io, _| io).await;
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Holds all conversations over what `wrap` makes of a pipe, and gives what was wrong. Its gates are opened one at a time, when
/// there is nothing else to do.
pub(crate) async fn hold_all<Io>(wrap: impl Fn(DuplexStream, &Gates) -> Io) -> Vec<String>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    let mut failures = Vec::new();
    for conversation in held() {
        let (web_server, io) = duplex(PIPE);
        let gates = Gates::default();
        let io = wrap(io, &gates);
        let mut run = begin(&conversation, web_server, io, gates);
        // Nothing else runs, so nothing has to get its turn.
        let result = unconstrained(async {
            for step in &conversation.steps {
                run.take(step).await?;
            }
            Ok(())
        });
        let failure = result.await.err();
        failures.extend(failure.map(|failure: String| format!("{}: {failure}", conversation.name)));
    }
    failures
}

/// The conversations that the driver holds: all but those that say why not.
pub(crate) fn held() -> impl Iterator<Item = Conversation> {
    let all = Conversation::all().into_iter();
    all.filter(|conversation| conversation.exception(Runner::Driver).is_none())
}
