//! What a client does before each application.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fastcgi_tower::Role;
use fastcgi_tower::client::{Client, ExtraParams, Output, Piece, Script, Traced};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use libtest_mimic::Failed;
use tower_service::Service;

use super::peer::{Kind, Peer};
use super::{Check, runtime};

pub(super) const CHECKS: &[(&str, Check)] = &[
    ("page_is_answered", page),
    (
        "statuses_and_fields_are_those_of_the_script",
        statuses_and_fields,
    ),
    ("params_arrive_as_they_are", params),
    ("bodies_of_any_size_come_back", bodies),
    ("http_requests_stream", http_requests),
    ("messages_and_the_status_of_the_application", messages),
    ("pieces_come_before_the_end", pieces),
    ("slow_answer_is_cut_at_the_limit", slow),
    ("long_answer_is_cut_at_the_limit", long),
    ("other_roles_are_served_or_refused", roles),
    ("kept_connections_are_used_again", kept),
    (
        "kept_connections_of_a_process_that_has_ended_are_replaced",
        restarted,
    ),
];

/// What a path is answered with.
async fn exchange(client: &Client, script: Script, body: Bytes) -> Result<Output, Failed> {
    Ok(client.exchange(script, body).await?)
}

async fn get(client: &Client, script: Script) -> Result<Response<Bytes>, Failed> {
    let output = exchange(client, script, Bytes::new()).await?;
    Ok(output.into_response()?)
}

/// Bytes that show where they were cut.
pub(super) fn pattern(length: usize) -> Bytes {
    (0_u8..251).cycle().take(length).collect()
}

fn page(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let response = get(&peer.client(), peer.script("/hello")?).await?;
        assert_eq!(response.status(), 200);
        assert_eq!(response.into_body(), "Hello, world!");
        Ok(())
    })
}

fn statuses_and_fields(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let client = peer.client();
        for status in [200, 204, 302, 404, 503] {
            let path = format!("/status/{status}");
            let response = get(&client, peer.script(&path)?).await?;
            assert_eq!(response.status().as_u16(), status);
            let location = response.headers().get("location");
            assert_eq!(location.is_some(), status == 302, "{status}");
        }
        let response = get(&client, peer.script("/fields")?).await?;
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.headers()["x-long"].len(), 4000);
        assert_eq!(response.into_body(), "fields\n");
        Ok(())
    })
}

fn params(peer: &Peer) -> Result<(), Failed> {
    let long = "x".repeat(300);
    let pairs = [
        ("T_EMPTY", ""),
        ("T_LONG", &*long),
        ("T_MORE", "a=b&c d\u{e9}\n"),
    ];
    runtime()?.block_on(async {
        let script = peer.script("/params")?;
        let script = pairs
            .iter()
            .fold(script, |script, (name, value)| script.param(name, value));
        let response = get(&peer.client(), script).await?;
        let text = String::from_utf8(response.into_body().to_vec())?;
        let mut lines: Vec<_> = text.lines().collect();
        lines.sort_unstable();
        let expected = [
            "T_EMPTY=".to_owned(),
            format!("T_LONG={long}"),
            "T_MORE=a%3Db%26c%20d%C3%A9%0A".to_owned(),
        ];
        assert_eq!(lines, expected);
        Ok(())
    })
}

fn bodies(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let client = peer.client();
        for length in [0, 1, 65_535, 65_536, 1_000_000] {
            let body = pattern(length);
            let script = peer.script("/echo")?.method(Method::POST);
            let output = exchange(&client, script, body.clone()).await?;
            let echo = output.into_response()?.into_body();
            assert!(echo == body, "{} of {length} bytes", echo.len());
        }
        Ok(())
    })
}

fn http_requests(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let mut client = peer.client();
        let body = pattern(300_000);
        let mut request = Request::post("/echo?a=b").body(Full::new(body.clone()))?;
        let script = ExtraParams::from(peer.script("/echo")?.location());
        request.extensions_mut().insert(script);
        let response = client.call(request).await?;
        assert_eq!(response.status(), 200);
        let echo = response.into_body().collect().await?.to_bytes();
        assert!(echo == body, "{} bytes", echo.len());

        let mut request = Request::get("/bytes/3000000").body(Full::new(Bytes::new()))?;
        let script = ExtraParams::from(peer.script("/bytes/3000000")?.location());
        request.extensions_mut().insert(script);
        let mut body = client.call(request).await?.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame?.into_data().map_or(0, |data| data.len());
            // A slow reader: the application has to wait.
            tokio::task::yield_now().await;
        }
        assert_eq!(length, 3_000_000);
        assert_eq!(body.app_status(), Some(0));
        Ok(())
    })
}

fn messages(peer: &Peer) -> Result<(), Failed> {
    let (status, stderr, app_status) = match peer.kind {
        Kind::PhpFpm => (200, "PHP message: a message", 0),
        // It has no STDERR.
        Kind::Go => (501, "", 0),
        Kind::Libfcgi => (200, "a message\n", 3),
    };
    runtime()?.block_on(async {
        let output = exchange(&peer.client(), peer.script("/stderr")?, Bytes::new()).await?;
        assert_eq!(String::from_utf8_lossy(&output.stderr), stderr);
        assert_eq!(output.app_status, app_status);
        assert_eq!(output.into_response()?.status().as_u16(), status);
        Ok(())
    })
}

fn pieces(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let client = peer.client();
        let mut stream = client.exchange_stream(peer.script("/slow")?, String::new());
        let (mut stdout, mut pieces) = (Vec::new(), 0);
        while let Some(piece) = stream.next().await? {
            match piece {
                Piece::Stdout(data) => {
                    // The script sleeps between the two.
                    let is_last = stdout.ends_with(b"first\n");
                    assert!(is_last || !data.ends_with(b"last\n"), "both at once");
                    stdout.extend_from_slice(&data);
                    pieces += 1;
                }
                Piece::End { app_status } => assert_eq!(app_status, 0),
                other => return Err(format!("{other:?}").into()),
            }
        }
        assert!(
            stdout.ends_with(b"first\nlast\n"),
            "{}",
            stdout.escape_ascii()
        );
        assert!(pieces >= 2);
        Ok(())
    })
}

fn slow(peer: &Peer) -> Result<(), Failed> {
    let limit = Some(Duration::from_millis(200));
    runtime()?.block_on(async {
        let client = peer.client();
        for client in [
            client.clone().first_byte_timeout(limit),
            client.clone().timeout(limit),
        ] {
            let error = client.exchange(peer.script("/wait")?, "").await;
            let error = error.err().ok_or("an answer in time")?;
            assert!(error.is_timeout(), "{error:?}");
        }
        // The late answers are nobody's.
        for _ in 0..20 {
            let response = get(&client, peer.script("/hello")?).await?;
            assert_eq!(response.into_body(), "Hello, world!");
        }
        Ok(())
    })
}

fn long(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        let client = peer.client();
        let short = client.clone().max_output(100_000);
        let error = short.exchange(peer.script("/bytes/1000000")?, "").await;
        let error = error.err().ok_or("a short answer")?;
        assert!(error.is_output_too_long(), "{error:?}");
        let response = get(&client, peer.script("/bytes/1000000")?).await?;
        assert_eq!(response.into_body().len(), 1_000_000);
        Ok(())
    })
}

/// php-fpm and libfcgi call what they have for each role; Go serves Responders alone.
fn roles(peer: &Peer) -> Result<(), Failed> {
    runtime()?.block_on(async {
        for role in [Role::AUTHORIZER, Role::FILTER] {
            let client = peer.client().role(role);
            let output = client.exchange(peer.script("/hello")?, "").await;
            match (peer.kind, output) {
                (Kind::Go, Err(error)) => assert!(error.is_refused(), "{error:?}"),
                (Kind::PhpFpm | Kind::Libfcgi, Ok(output)) => {
                    assert_eq!(output.into_response()?.into_body(), "Hello, world!");
                }
                (_, other) => return Err(format!("{role:?}: {other:?}").into()),
            }
        }
        Ok(())
    })
}

fn restarted(shared: &Peer) -> Result<(), Failed> {
    let mut peer = Peer::start(shared.kind)?;
    let client = peer.client();
    let runtime = runtime()?;
    for _ in 0..3 {
        let hello = peer.script("/hello")?;
        runtime.block_on(async {
            // Four connections at once, which are kept.
            let asked = [(); 4].map(|()| get(&client, hello.clone()));
            for response in futures_util::future::try_join_all(asked).await? {
                assert_eq!(response.into_body(), "Hello, world!");
            }
            Ok::<_, Failed>(())
        })?;
        peer.restart()?;
    }
    Ok(())
}

fn kept(peer: &Peer) -> Result<(), Failed> {
    let ends = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&ends);
    let client = peer.client().on_record(move |_, traced| {
        if traced == Traced::End {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    runtime()?.block_on(async {
        for _ in 0..50 {
            let response = get(&client, peer.script("/hello")?).await?;
            assert_eq!(response.into_body(), "Hello, world!");
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!(ends.load(Ordering::Relaxed), 0, "connections were closed");
    Ok(())
}
