//! HTTP on the port of an application (B-21). The answer is spelled by hand.

use std::time::Duration;

use fastcgi_core::{Config, ConnectionError, Life};

use crate::owner::Owner;

const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
content-type: text/plain; charset=utf-8\r\n\
content-length: 313\r\n\
connection: close\r\n\
\r\n\
This is a FastCGI application, and HTTP was spoken to it.\n\
\n\
nginx:   write fastcgi_pass (and include fastcgi_params;), not proxy_pass.\n\
Apache:  write fcgi://, not http://. Caddy: transport fastcgi. HAProxy: proto fcgi.\n\
Browser: open the address of the web server, or put fastcgi-front in front of the application.\n";

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:9000\r\n\r\n";

#[test]
fn http_gets_an_answer_that_a_browser_shows() {
    for request in [
        GET,
        b"POST /a HTTP/1.1\r\n",
        b"OPTIONS * HTTP/1.1\r\n",
        b"PROPFIND / HTTP/1.1\r\n",
        b"VERSION-CONTROL / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"A B HTTP/1.1",
    ] {
        let mut owner = Owner::new(Config::default());
        assert!(owner.feed(request).is_empty());
        assert_eq!(owner.connection.error(), Some(&ConnectionError::Http));
        assert_eq!(owner.connection.life(), Life::LastRequests);
        assert_eq!(owner.write(), ANSWER);
        assert_eq!(owner.connection.life(), Life::Draining);
    }
}

#[test]
fn it_is_known_wherever_it_is_cut() {
    for request in [GET, b"PROPFIND / HTTP/1.1\r\n\r\n"] {
        for at in 1..request.len() {
            let (start, rest) = request.split_at(at);
            let mut owner = Owner::new(Config::default());
            owner.feed(start);
            owner.feed(rest);
            assert_eq!(
                owner.connection.error(),
                Some(&ConnectionError::Http),
                "{at}"
            );
            assert_eq!(owner.write(), ANSWER, "{at}");
        }
    }
}

/// A reset, because something is unread, can overtake the answer.
#[test]
fn what_follows_is_read_for_2_s() {
    let mut owner = Owner::new(Config::default());
    owner.feed(GET);
    owner.write();
    owner.connection.write_side_closed(0);
    assert!(owner.connection.wants_input());
    assert!(owner.feed(&[b'x'; 1000]).is_empty());
    assert_eq!(owner.deadline(), Some(Duration::from_secs(2)));
    owner.pass(Duration::from_secs(2));
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), Some(&ConnectionError::Http));
}

#[test]
fn the_end_of_the_client_ends_it() {
    let mut owner = Owner::new(Config::default());
    owner.feed(GET);
    owner.write();
    owner.connection.write_side_closed(0);
    owner.connection.end_of_file();
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn what_is_no_http_gets_no_answer() {
    for other in [
        &b"get / HTTP/1.1\r\n"[..],
        b" GET / HTTP/1.1\r\n",
        b"GET/ HTTP/1.1\r\n",
        b"GET\t/ HTTP/1.1\r\n",
        b"SSH-2.0-x",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 9000\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"\x00\x01\x00\x01\x00\x08\x00\x00",
    ] {
        let mut owner = Owner::new(Config::default());
        owner.feed(other);
        let error = owner.connection.error();
        assert!(
            matches!(error, Some(ConnectionError::UnsupportedVersion(_))),
            "{other:?}"
        );
        assert_eq!(owner.connection.life(), Life::Closed);
        assert_eq!(owner.write(), b"");
    }
}

/// Behind a record, it is a broken web server.
#[test]
fn later_it_gets_no_answer() {
    let mut owner = Owner::new(Config::default());
    // FCGI_GET_VALUES, which is answered.
    owner.feed(b"\x01\x09\x00\x00\x00\x00\x00\x00");
    owner.feed(GET);
    let error = owner.connection.error();
    assert!(matches!(
        error,
        Some(ConnectionError::UnsupportedVersion(_))
    ));
    assert!(!owner.write().windows(4).any(|it| it == b"HTTP"));
}
