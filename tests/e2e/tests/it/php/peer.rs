//! Something that listens where PHP-FPM does, and answers each script with bytes that are spelled out here.

use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What it does after it has read a whole request.
pub(super) struct Behaviour {
    /// The script that is asked for.
    pub(super) script: &'static str,
    /// Sends the answer.
    pub(super) answer: fn(&mut UnixStream) -> io::Result<()>,
}

/// It ends when it is dropped.
pub(super) struct Peer {
    path: PathBuf,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    pub(super) fn start(path: &Path, behaviours: &'static [Behaviour]) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let is_over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                // Each in its own thread: one of them waits for a long time.
                thread::spawn(move || _ = stream.and_then(|io| answer(io, behaviours)));
            }
        });
        Ok(Self {
            path: path.to_owned(),
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        _ = UnixStream::connect(&self.path);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn answer(mut io: UnixStream, behaviours: &[Behaviour]) -> io::Result<()> {
    io.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut params = Vec::new();
    loop {
        let mut header = [0; 8];
        io.read_exact(&mut header)?;
        let [_, record_type, _, _, high, low, padding, _] = header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let mut content = vec![0; length + usize::from(padding)];
        io.read_exact(&mut content)?;
        match record_type {
            4 => params.extend(content),
            5 if length == 0 => break,
            _ => {}
        }
    }
    let params = String::from_utf8_lossy(&params).into_owned();
    let wanted = |it: &&Behaviour| params.contains(&format!("SCRIPT_NAME/{}", it.script));
    let behaviour = behaviours.iter().find(wanted);
    behaviour.map_or(Ok(()), |it| (it.answer)(&mut io))
}

/// `FCGI_STDOUT` of request 1.
pub(super) fn stdout(content: &[u8]) -> Vec<u8> {
    record(6, content)
}

/// `FCGI_STDERR` of request 1.
pub(super) fn stderr(content: &[u8]) -> Vec<u8> {
    record(7, content)
}

/// `FCGI_END_REQUEST` of request 1: complete, with an application status of 0.
pub(super) const END: &[u8] = b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/// `FCGI_END_REQUEST` of request 1: FCGI_OVERLOADED.
pub(super) const OVERLOADED: &[u8] =
    b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00";

fn record(record_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [&[1, record_type, 0, 1, high, low, 0, 0], content].concat()
}

/// Sends all of a request for a script to PHP-FPM itself, and gives what comes back until it closes.
pub(super) fn ask(socket: &Path, script_filename: &str) -> io::Result<String> {
    let mut params = Vec::new();
    for (name, value) in [
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_FILENAME", script_filename),
    ] {
        for length in [name.len(), value.len()] {
            // The long form, which any length may have.
            params.extend((u32::try_from(length).unwrap_or(u32::MAX) | 1 << 31).to_be_bytes());
        }
        params.extend_from_slice(name.as_bytes());
        params.extend_from_slice(value.as_bytes());
    }
    let mut io = UnixStream::connect(socket)?;
    io.set_read_timeout(Some(Duration::from_secs(20)))?;
    let begin = record(1, &[0, 1, 0, 0, 0, 0, 0, 0]);
    let request = [begin, record(4, &params), record(4, b""), record(5, b"")];
    io.write_all(&request.concat())?;
    let mut answer = Vec::new();
    io.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
