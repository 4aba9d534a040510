//! The signals that ask a process to stop.

use std::{future::Future, io, pin::Pin, task::Poll};

use tokio::signal::unix::{SignalKind, signal};

/// Is ready when the process is asked to stop.
pub type Signal = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits for `SIGTERM`, `SIGINT` or `SIGUSR1`, with which process managers ask FastCGI applications to stop.
///
/// From the call on, these signals do not end the process any more, also after the future is ready: mod_fcgid repeats
/// its `SIGTERM` after a second, and a graceful shutdown must survive that.
///
/// # Errors
///
/// When the signals cannot be taken over.
///
/// # Panics
///
/// Outside a tokio runtime with I/O enabled.
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::user_defined1(),
    ];
    let mut signals = Vec::new();
    for kind in kinds {
        signals.push(signal(kind)?);
    }
    Ok(std::future::poll_fn(move |cx| {
        let came = signals
            .iter_mut()
            .any(|signal| signal.poll_recv(cx).is_ready());
        if came { Poll::Ready(()) } else { Poll::Pending }
    }))
}
