//! The contract, with tokio-fastcgi, on descriptor 0, as its example serves: one request after the other on a connection.

use std::{io::Read as _, os::fd::AsFd as _, sync::Arc, time::Duration};

use conformance_peers::{PARAMS, answer, encoded, fields, head, location, piece};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    time::sleep,
};
use tokio_fastcgi::{Request, RequestResult, Requests};

async fn serve<W: AsyncWrite + Unpin>(request: Arc<Request<W>>) -> RequestResult {
    let path = request.get_str_param("path_info").unwrap_or_default().to_owned();
    let method = request.get_str_param("request_method").unwrap_or_default().to_owned();
    let mut out = request.get_stdout();
    let body = || {
        let mut body = Vec::new();
        request.get_stdin().read_to_end(&mut body).ok();
        body
    };
    let number = |prefix: &str| path.strip_prefix(prefix)?.parse::<usize>().ok();
    if let Some(left) = number("/bytes/") {
        return bytes(&mut out, left).await;
    }
    let response = match path.as_str() {
        "/hello" => answer(&method, 200, "", b"Hello, world!"),
        "/echo" => answer(&method, 200, "", &body()),
        "/length" => answer(&method, 200, "", body().len().to_string().as_bytes()),
        "/params" => {
            let params = request.params_iter().into_iter().flatten();
            // Names come in lower case.
            let params = params.filter(|(name, _)| name.starts_with("t_"));
            let line = |(name, value): (&str, &[u8])| {
                let name = name.to_ascii_uppercase();
                format!("{}={}\n", encoded(name.as_bytes()), encoded(value))
            };
            let text: String = params.map(line).collect();
            answer(&method, 200, "", text.as_bytes())
        }
        "/fields" => answer(&method, 200, &fields(), b"fields\n"),
        "/slow" | "/duplex" => {
            let first = head(200, "") + "first\n";
            if out.write(first.as_bytes()).await.is_err() || out.flush().await.is_err() {
                return RequestResult::Complete(1);
            }
            if path == "/slow" {
                sleep(Duration::from_millis(600)).await;
                b"last\n".to_vec()
            } else {
                format!("{}\n", body().len()).into_bytes()
            }
        }
        "/stderr" => {
            _ = request.get_stderr().write(b"a message\n").await;
            _ = out.write(&answer(&method, 200, "", b"stderr\n")).await;
            return RequestResult::Complete(3);
        }
        "/wait" => {
            sleep(Duration::from_secs(3)).await;
            answer(&method, 200, "", b"late")
        }
        path => match path.strip_prefix("/status/").map(str::parse) {
            Some(Ok(status)) => {
                let text = format!("status {status}\n");
                answer(&method, status, location(status), text.as_bytes())
            }
            _ if path == "/headers" || path == "/target" || path.starts_with("/fail/") => {
                answer(&method, 501, "", PARAMS)
            }
            _ => answer(&method, 404, "", b"not found\n"),
        },
    };
    match out.write(&response).await {
        Ok(_) => RequestResult::Complete(0),
        Err(_) => RequestResult::Complete(1),
    }
}

async fn bytes<W: AsyncWrite + Unpin>(out: &mut tokio_fastcgi::OutStream<W>, mut left: usize) -> RequestResult {
    let head = head(200, &format!("Content-Length: {left}\r\n"));
    if out.write(head.as_bytes()).await.is_err() {
        return RequestResult::Complete(1);
    }
    while left > 0 {
        let piece = piece(left);
        left -= piece.len();
        if out.write(&piece).await.is_err() {
            return RequestResult::Complete(1);
        }
    }
    RequestResult::Complete(0)
}

fn connection<R, W>(halves: (R, W))
where
    R: AsyncRead + Unpin + Send + Sync + 'static,
    W: AsyncWrite + Unpin + Send + Sync + 'static,
{
    tokio::spawn(async move {
        let mut requests = Requests::from_split_socket(halves, 10, 10);
        while let Ok(Some(request)) = requests.next().await {
            if request.process(serve).await.is_err() {
                break;
            }
        }
    });
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned()?;
    let unix = std::os::unix::net::UnixListener::from(descriptor.try_clone()?);
    if unix.local_addr().is_ok() {
        unix.set_nonblocking(true)?;
        let listener = UnixListener::from_std(unix)?;
        loop {
            connection(listener.accept().await?.0.into_split());
        }
    }
    let tcp = std::net::TcpListener::from(descriptor);
    tcp.set_nonblocking(true)?;
    let listener = TcpListener::from_std(tcp)?;
    loop {
        let stream = listener.accept().await?.0;
        stream.set_nodelay(true)?;
        connection(stream.into_split());
    }
}
