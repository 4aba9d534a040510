//! The contract, with the crate fastcgi, on descriptor 0: a thread for each connection.

use std::{
    io::{Read as _, Write as _},
    thread::sleep,
    time::Duration,
};

use conformance_peers::{PARAMS, answer, encoded, fields, head, location, piece};
use fastcgi::Request;

fn body(request: &mut Request) -> Vec<u8> {
    let mut body = Vec::new();
    request.stdin().read_to_end(&mut body).ok();
    body
}

fn serve(mut request: Request) {
    let path = request.param("PATH_INFO").unwrap_or_default();
    let method = request.param("REQUEST_METHOD").unwrap_or_default();
    if let Some(Ok(mut left)) = path.strip_prefix("/bytes/").map(str::parse::<usize>) {
        let head = head(200, &format!("Content-Length: {left}\r\n"));
        let mut ok = request.stdout().write_all(head.as_bytes()).is_ok();
        while ok && left > 0 {
            let piece = piece(left);
            left -= piece.len();
            ok = request.stdout().write_all(&piece).is_ok();
        }
        return;
    }
    let response = match path.as_str() {
        "/hello" => answer(&method, 200, "", b"Hello, world!"),
        "/echo" => answer(&method, 200, "", &body(&mut request)),
        "/length" => {
            let length = body(&mut request).len().to_string();
            answer(&method, 200, "", length.as_bytes())
        }
        "/params" => {
            let params = request.params().filter(|(name, _)| name.starts_with("T_"));
            let line = |(name, value): (String, String)| {
                format!("{}={}\n", encoded(name.as_bytes()), encoded(value.as_bytes()))
            };
            let text: String = params.map(line).collect();
            answer(&method, 200, "", text.as_bytes())
        }
        "/fields" => answer(&method, 200, &fields(), b"fields\n"),
        "/slow" | "/duplex" => {
            let first = head(200, "") + "first\n";
            _ = request.stdout().write_all(first.as_bytes());
            _ = request.stdout().flush();
            if path == "/slow" {
                sleep(Duration::from_millis(600));
                b"last\n".to_vec()
            } else {
                format!("{}\n", body(&mut request).len()).into_bytes()
            }
        }
        "/stderr" => {
            _ = request.stderr().write_all(b"a message\n");
            _ = request.stdout().write_all(&answer(&method, 200, "", b"stderr\n"));
            return request.exit(3);
        }
        "/wait" => {
            sleep(Duration::from_secs(3));
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
    _ = request.stdout().write_all(&response);
}

fn main() {
    fastcgi::run(serve);
}
