//! The records of a connection, as they are shown.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fastcgi_tower::{
    Params,
    client::{Client, Direction, Traced},
};
use http::Request;
use http_body_util::Full;
use tokio::join;

use crate::client::{App, COMPLETE, STDIN_END, exchange, get, stdout};

/// What a client shows, a line each.
#[derive(Clone, Default)]
struct Shown(Arc<Mutex<Vec<String>>>);

impl Shown {
    fn watch(&self, client: &Client) -> Client {
        let lines = Arc::clone(&self.0);
        client.clone().on_record(move |direction, traced| {
            let mark = match direction {
                Direction::Sent => '>',
                Direction::Received => '<',
            };
            let text = match traced {
                Traced::Record { header, content } => {
                    let id = header.request_id.map_or(0, |id| id.get());
                    let padding = header.padding_length;
                    let content = content.get(..20).unwrap_or(content).escape_ascii();
                    format!("{:?} {id} {content} {padding}", header.record_type)
                }
                Traced::Other(bytes) => format!("other {}", bytes.escape_ascii()),
                Traced::End => "end".to_owned(),
                _ => "what?".to_owned(),
            };
            lines
                .lock()
                .expect("no panic")
                .push(format!("{mark} {text}"));
        })
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

#[tokio::test]
async fn records_of_both_directions_are_shown_whole() {
    let app = App::listen();
    let shown = Shown::default();
    let client = shown.watch(&app.client());
    // With three bytes of padding.
    let padded = b"\x01\x06\x00\x01\x00\x02\x03\x00dy???";
    let answer = [&stdout(b"\nbo")[..], padded, COMPLETE].concat();
    let serve = async {
        let mut link = app.accept().await;
        let request = [
            crate::client::BEGIN,
            &crate::client::params(b"\x01\x01A1"),
            STDIN_END,
        ];
        link.expect(request.concat()).await;
        // However it is cut.
        for byte in answer.chunks(1) {
            link.send(byte).await;
            tokio::task::yield_now().await;
        }
    };
    let params: Params = [("A", "1")].into_iter().collect();
    let (output, ()) = join!(client.exchange(params, ""), serve);
    assert_eq!(output.unwrap().stdout, "\nbody");
    assert_eq!(
        shown.take(),
        [
            r"> BEGIN_REQUEST 1 \x00\x01\x01\x00\x00\x00\x00\x00 0",
            r"> PARAMS 1 \x01\x01A1 0",
            "> PARAMS 1  0",
            "> STDIN 1  0",
            r"< STDOUT 1 \nbo 0",
            "< STDOUT 1 dy 3",
            "< STDOUT 1  0",
            r"< END_REQUEST 1 \x00\x00\x00\x00\x00\x00\x00\x00 0",
        ]
    );
}

/// A large body is not copied, and is written in slices.
#[tokio::test]
async fn a_large_body_is_shown_in_its_records() {
    let app = App::listen();
    let shown = Shown::default();
    let client = shown.watch(&app.client());
    let body = Full::new(Bytes::from(vec![b'x'; 100_000]));
    let request = Request::post("/").body(body).expect("a valid request");
    let serve = async {
        let mut link = app.accept().await;
        let mut request = Vec::new();
        while !request.ends_with(STDIN_END) {
            tokio::io::AsyncReadExt::read_buf(&mut link.0, &mut request)
                .await
                .expect("a connection");
        }
        link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    };
    let (response, ()) = join!(exchange(client, request), serve);
    response.unwrap();
    let types: Vec<_> = shown.take();
    let bodies = types.iter().filter(|it| it.starts_with("> STDIN 1 xxx"));
    assert_eq!(bodies.count(), 2, "65528 and 34472 bytes");
    assert!(types.iter().all(|it| !it.contains("other")), "{types:?}");
}

#[tokio::test]
async fn what_is_no_record_is_shown_as_it_is() {
    for (answer, expected) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\n"[..],
            &[r"< other HTTP/1.1 400 Bad Request\r\n"][..],
        ),
        (
            b"\x01\x06\x00\x01\x00\x02\x00\x00a",
            &[r"< other \x01\x06\x00\x01\x00\x02\x00\x00a", "< end"],
        ),
        (b"", &["< end"]),
    ] {
        let app = App::listen();
        let shown = Shown::default();
        let client = shown.watch(&app.client());
        let serve = async {
            let mut link = app.accept().await;
            link.expect_get().await;
            link.send(answer).await;
        };
        let (response, ()) = join!(exchange(client, get()), serve);
        response.unwrap_err();
        let received = shown.take().into_iter().filter(|it| it.starts_with('<'));
        assert_eq!(received.collect::<Vec<_>>(), expected);
    }
}
