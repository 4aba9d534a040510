//! A hundred uploads at once through Caddy, which writes all of a body before it reads (B-8), to a handler that sends them
//! back: each could hold a part, and all wait for the rest.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fastcgi_hostile::{SUM, Victim, Witness};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
    task::JoinSet,
    time::{sleep, timeout},
};

const UPLOADS: usize = 100;
const LENGTH: usize = 10 * 1024 * 1024;
/// How long a client may wait beside them, on a machine that does much else.
const IN_TIME: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(300);

/// A web server that ends with this value.
struct Caddy(Child);

impl Drop for Caddy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn caddy(victim: &Victim, port: u16) -> Caddy {
    let dir = victim.dir();
    let config = format!(
        "{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {dir}/caddy\n}}\n\
         http://127.0.0.1:{port} {{\n\treverse_proxy unix/{socket} {{\n\t\ttransport fastcgi {{\n\t\t\tdial_timeout 60s\n\t\t}}\n\t}}\n}}\n",
        dir = dir.display(),
        socket = victim.socket().display(),
    );
    let file = dir.join("Caddyfile");
    fs::write(&file, config).expect("a configuration");
    let child = Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file)
        .env("HOME", dir)
        .env("XDG_CONFIG_HOME", dir)
        .env("XDG_DATA_HOME", dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Caddy(child.expect("caddy; tests/install-web-servers installs it"))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}

/// Not the same bytes at the same place in two uploads.
fn pattern(number: usize) -> Vec<u8> {
    let byte = |at: usize| u8::try_from((at + number) % 251).unwrap_or(0);
    let period: Vec<u8> = (0..251).map(byte).collect();
    let mut pattern = period.repeat(LENGTH / 251 + 1);
    pattern.truncate(LENGTH);
    pattern
}

async fn connect(port: u16) -> TcpStream {
    let start = Instant::now();
    loop {
        if let Ok(io) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
            return io;
        }
        assert!(start.elapsed() < PATIENCE, "Caddy does not listen");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn upload(port: u16, number: usize) {
    let (mut reader, mut writer) = connect(port).await.into_split();
    let data = pattern(number);
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {LENGTH}\r\n\r\n"
    );
    let sent = data.clone();
    let writing = tokio::spawn(async move {
        writer.write_all(head.as_bytes()).await?;
        writer.write_all(&sent).await.map(|()| writer)
    });
    let mut answer = Vec::with_capacity(LENGTH + 1024);
    let read = timeout(PATIENCE, reader.read_to_end(&mut answer)).await;
    if let Err(error) = read.expect("an answer") {
        let received = String::from_utf8_lossy(answer.get(..300).unwrap_or(&answer));
        panic!(
            "upload {number}: {error} after {} bytes: {received}",
            answer.len()
        );
    }
    writing.await.expect("no panic").expect("all was taken");
    let body = unchunked(&answer, number);
    assert!(body == data, "upload {number}: {} bytes", body.len());
}

/// The body of an answer, which has no length that Caddy knows.
fn unchunked(answer: &[u8], number: usize) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, mut rest) = answer.split_at(end.expect("a head") + 4);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "upload {number}: {head}");
    if !head.contains("transfer-encoding: chunked") {
        return rest.to_vec();
    }
    let mut body = Vec::with_capacity(LENGTH);
    loop {
        let end = rest
            .windows(2)
            .position(|two| two == b"\r\n")
            .expect("a size");
        let (size, after) = rest.split_at(end);
        let size = std::str::from_utf8(size).expect("a size");
        let size = usize::from_str_radix(size, 16).expect("a size");
        if size == 0 {
            return body;
        }
        let chunk = after.get(2..2 + size).expect("a whole chunk");
        body.extend_from_slice(chunk);
        rest = after.get(2 + size + 2..).expect("another chunk");
    }
}

#[test]
fn a_hundred_uploads_through_caddy_to_an_echo_all_complete() {
    let mut victim = Victim::start();
    let port = free_port();
    let _caddy = caddy(&victim, port);
    let runtime = Runtime::new().expect("a runtime");
    let start = Instant::now();
    runtime.block_on(async {
        let witness = Witness::begin(victim.socket()).await;
        victim.limit();
        let mut uploads = JoinSet::new();
        for number in 0..UPLOADS {
            uploads.spawn(upload(port, number));
        }
        while let Some(ended) = uploads.join_next().await {
            ended.expect("an upload that completes");
        }
        let (answers, longest) = witness.end().await;
        println!("{answers} answers beside it, the slowest after {longest:?}");
        assert!(longest < IN_TIME, "an answer took {longest:?}");
    });
    let peak = victim.peak();
    println!("{:?}, {} MiB at most", start.elapsed(), peak >> 20);
    assert!(peak < SUM, "{} MiB", peak >> 20);
}
