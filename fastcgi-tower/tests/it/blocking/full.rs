//! More requests than workers.

use std::{
    io::{self, Read},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc as std_mpsc,
    },
};

use fastcgi_tower::blocking::WhenFull;
use tokio::sync::mpsc;

use super::*;
use crate::support::{get, pattern, post, stdin_all};

/// A handler that says when it is called, and waits to be let go.
#[expect(clippy::type_complexity, reason = "it is taken apart at once")]
fn held() -> (
    BlockingService<impl Fn(&mut Request) -> io::Result<String>>,
    mpsc::UnboundedReceiver<String>,
    std_mpsc::Sender<()>,
) {
    let (call, calls) = mpsc::unbounded_channel();
    let (go, gone) = std_mpsc::channel();
    let gone = Mutex::new(gone);
    let service = blocking::service_fn(move |request: &mut Request| {
        let path = request.uri().path().to_owned();
        call.send(path.clone()).map_err(io::Error::other)?;
        // A test that has failed lets it go.
        let _ = gone.lock().expect("no panic").recv();
        Ok::<_, io::Error>(path)
    });
    (service, calls, go)
}

#[tokio::test]
async fn what_is_too_much_is_refused_with_503() {
    let (service, mut calls, go) = held();
    let service = service.max_workers(1).max_queue(1);
    within(async {
        let mut works = connect(service.clone());
        works.send(get(1, "/works")).await;
        assert_eq!(calls.recv().await.as_deref(), Some("/works"));
        let mut waits = connect(service.clone());
        waits.send(get(1, "/waits")).await;
        tokio::task::yield_now().await;
        let mut refused = connect(service);
        refused.send(get(1, "/refused")).await;
        let reply = refused.reply(1).await;
        assert_eq!(reply.status(), "503");
        assert!(
            reply.head().contains("\r\nretry-after: 1"),
            "{}",
            reply.head()
        );
        for _ in 0..2 {
            go.send(()).expect("a handler");
        }
        assert_eq!(works.reply(1).await.body(), b"/works");
        assert_eq!(waits.reply(1).await.body(), b"/waits");
        // There is room again.
        go.send(()).expect("a handler");
        refused.send(get(1, "/again")).await;
        assert_eq!(refused.reply(1).await.body(), b"/again");
    })
    .await;
}

#[tokio::test]
async fn what_is_too_much_may_wait() {
    let (service, mut calls, go) = held();
    let service = service
        .max_workers(1)
        .max_queue(0)
        .when_full(WhenFull::Wait);
    within(async {
        let mut web_servers: Vec<_> = (0..20).map(|_| connect(service.clone())).collect();
        for web_server in &mut web_servers {
            web_server.send(get(1, "/")).await;
        }
        for _ in 0..20 {
            calls.recv().await.expect("a call");
            assert!(calls.try_recv().is_err(), "one at a time");
            go.send(()).expect("a handler");
        }
        for web_server in &mut web_servers {
            assert_eq!(web_server.reply(1).await.status(), "200");
        }
    })
    .await;
}

#[tokio::test]
async fn a_request_whose_client_has_left_is_not_begun() {
    let (service, mut calls, go) = held();
    let service = service.max_workers(1);
    within(async {
        let mut works = connect(service.clone());
        works.send(get(1, "/works")).await;
        calls.recv().await.expect("a call");
        let mut leaves = connect(service.clone());
        leaves.send(get(1, "/leaves")).await;
        tokio::task::yield_now().await;
        leaves.disconnect().await.expect("it leaves");
        let mut stays = connect(service);
        stays.send(get(1, "/stays")).await;
        go.send(()).expect("a handler");
        go.send(()).expect("a handler");
        assert_eq!(works.reply(1).await.status(), "200");
        assert_eq!(stays.reply(1).await.body(), b"/stays");
        assert_eq!(calls.recv().await.as_deref(), Some("/stays"));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_the_queue_makes_room() {
    let (service, mut calls, go) = held();
    let service = service.max_workers(1).max_queue(1);
    within(async {
        let mut works = connect(service.clone());
        works.send(get(1, "/works")).await;
        calls.recv().await.expect("a call");
        for _ in 0..3 {
            let mut leaves = connect(service.clone());
            leaves.send(get(1, "/leaves")).await;
            tokio::task::yield_now().await;
            leaves.disconnect().await.expect("it leaves");
        }
        let mut stays = connect(service);
        stays.send(get(1, "/stays")).await;
        tokio::task::yield_now().await;
        for _ in 0..2 {
            go.send(()).expect("a handler");
        }
        assert_eq!(works.reply(1).await.body(), b"/works");
        assert_eq!(stays.reply(1).await.body(), b"/stays");
    })
    .await;
}

#[tokio::test]
async fn no_more_than_max_workers_work_at_a_time() {
    for workers in [1, 3] {
        let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (now, max) = (Arc::clone(&working), Arc::clone(&most));
        let service = blocking::service_fn(move |request: &mut Request| {
            let count = now.fetch_add(1, Ordering::SeqCst) + 1;
            max.fetch_max(count, Ordering::SeqCst);
            let mut body = Vec::new();
            request.read_to_end(&mut body)?;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, io::Error>(body.len().to_string())
        });
        let service = service
            .max_workers(workers)
            .max_queue(1)
            .when_full(WhenFull::Wait);
        let body = pattern(200_000);
        within(async {
            let clients: Vec<_> = (0..30)
                .map(|_| {
                    let mut web_server = connect(service.clone());
                    let request = [post(1, "/", body.len()), stdin_all(1, &body)].concat();
                    tokio::spawn(async move {
                        web_server.send(request).await;
                        web_server.reply(1).await
                    })
                })
                .collect();
            for client in clients {
                assert_eq!(client.await.expect("a reply").body(), b"200000");
            }
        })
        .await;
        let most = most.load(Ordering::SeqCst);
        assert!((1..=workers).contains(&most), "{most} of {workers}");
    }
}
