//! HTTP where FastCGI is expected: a browser, or a web server with `proxy_pass` in its configuration (B-21).

/// Whether a connection that begins so is one of HTTP/1: a method and a space (RFC 9112, 3). FastCGI begins with a 1.
///
/// Of a method with eight letters or more, the first eight are enough.
pub(super) fn is_request(start: &[u8]) -> bool {
    // HAProxy's `send-proxy`.
    if start.starts_with(b"PROXY ") {
        return false;
    }
    let is_of_method = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'-';
    let method = start
        .iter()
        .take(8)
        .take_while(|byte| is_of_method(byte))
        .count();
    method == 8 || (method > 0 && start.get(method) == Some(&b' '))
}

/// What a browser shows. Nothing of the request is looked at.
pub(super) const ANSWER: &[u8] = concat!(
    "HTTP/1.1 400 Bad Request\r\n",
    "content-type: text/plain; charset=utf-8\r\n",
    "content-length: 313\r\n",
    "connection: close\r\n",
    "\r\n",
    "This is a FastCGI application, and HTTP was spoken to it.\n",
    "\n",
    "nginx:   write fastcgi_pass (and include fastcgi_params;), not proxy_pass.\n",
    "Apache:  write fcgi://, not http://. Caddy: transport fastcgi. HAProxy: proto fcgi.\n",
    "Browser: open the address of the web server, or put fastcgi-front in front of the application.\n",
)
.as_bytes();
