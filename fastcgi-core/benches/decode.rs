//! What a request costs until the application hears of it: bytes to events, params to a request.

use std::hint::black_box;

use bytes::BytesMut;
use criterion::{BatchSize, Criterion};
use fastcgi_core::{Config, Connection, Event, Params, cgi::Mapping};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    requests(&mut criterion);
    mapping(&mut criterion);
    criterion.final_summary();
}

/// The first request on a connection, from its first byte to its last event.
fn requests(criterion: &mut Criterion) {
    let [few, many] = [nginx_params(7), nginx_params(100)];
    let cases = [
        ("get_26_params", request(&few, &[])),
        ("get_100_headers", request(&many, &[])),
        ("post_10b", request(&few, &[b'x'; 10])),
        ("stdin_1mib", request(&few, &[b'x'; 1024 * 1024])),
    ];
    let mut group = criterion.benchmark_group("decode");
    for (name, input) in cases {
        group.bench_function(name, |bencher| {
            let fresh = || {
                (
                    Connection::new(Config::default()),
                    BytesMut::from(&input[..]),
                )
            };
            bencher.iter_batched(fresh, read_all, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn read_all((mut connection, mut input): (Connection, BytesMut)) -> (Connection, usize) {
    let mut read = 0;
    while let Some(event) = black_box(connection.next_event(&mut input)) {
        match event {
            Event::Stdin { data, .. } => read += data.len(),
            _ => read += 1,
        }
    }
    assert_eq!(connection.error(), None);
    (connection, read)
}

/// Params to the head of a request.
fn mapping(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("map");
    for (name, headers) in [("map_26_params", 7), ("map_100_headers", 100)] {
        let params: Params = nginx_params(headers).into_iter().collect();
        let mapping = Mapping::default();
        assert!(mapping.request(&params).is_ok());
        group.bench_function(name, |bencher| {
            bencher.iter(|| mapping.request(black_box(&params)));
        });
    }
    group.finish();
}

/// What nginx sends with its own `fastcgi_params`: 19 variables and a header field for each field of the client's.
fn nginx_params(headers: usize) -> Vec<(String, String)> {
    let variables = [
        ("QUERY_STRING", "page=2"),
        ("REQUEST_METHOD", "GET"),
        ("CONTENT_TYPE", ""),
        ("CONTENT_LENGTH", ""),
        ("SCRIPT_NAME", "/articles/2024/an-article"),
        ("REQUEST_URI", "/articles/2024/an-article?page=2"),
        ("DOCUMENT_URI", "/articles/2024/an-article"),
        ("DOCUMENT_ROOT", "/usr/share/nginx/html"),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("REQUEST_SCHEME", "https"),
        ("HTTPS", "on"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_SOFTWARE", "nginx/1.28.0"),
        ("REMOTE_ADDR", "203.0.113.7"),
        ("REMOTE_PORT", "51842"),
        ("SERVER_ADDR", "192.0.2.1"),
        ("SERVER_PORT", "443"),
        ("SERVER_NAME", "www.example.org"),
        ("REDIRECT_STATUS", "200"),
    ];
    let usual = [
        ("HTTP_HOST", "www.example.org"),
        (
            "HTTP_USER_AGENT",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        (
            "HTTP_ACCEPT",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ),
        ("HTTP_ACCEPT_LANGUAGE", "en-GB,en;q=0.5"),
        ("HTTP_ACCEPT_ENCODING", "gzip, deflate, br, zstd"),
        ("HTTP_COOKIE", "session=0123456789abcdef0123456789abcdef"),
        ("HTTP_CONNECTION", "keep-alive"),
    ];
    let extra =
        (usual.len()..headers).map(|n| (format!("HTTP_X_HEADER_{n}"), format!("value-{n}")));
    variables
        .into_iter()
        .chain(usual)
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(extra)
        .collect()
}

/// BEGIN_REQUEST, PARAMS, its end, STDIN, its end.
fn request(params: &[(String, String)], stdin: &[u8]) -> Vec<u8> {
    let params: Params = params.iter().map(|(name, value)| (name, value)).collect();
    let mut wire = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00".to_vec();
    put_stream(&mut wire, 4, params.as_bytes());
    put_stream(&mut wire, 5, stdin);
    wire
}

fn put_stream(wire: &mut Vec<u8>, record_type: u8, content: &[u8]) {
    // nginx fills records of 32 KiB.
    for piece in content.chunks(32 * 1024).chain([&[][..]]) {
        let [.., length1, length0] = piece.len().to_be_bytes();
        wire.extend([1, record_type, 0, 1, length1, length0, 0, 0]);
        wire.extend_from_slice(piece);
    }
}
