//! What the application sees of every layout: all vectors of fastcgi-core, and all recorded internal redirects.

use axum::{Router, extract::Request};
use axum_fastcgi::{OnMismatch, PathSource, ScriptName, UnixSocket, serve};
use fastcgi_test_kit::{Setup, targets};
use tempfile::TempDir;
use tokio::{net::UnixStream, task::JoinHandle};

use crate::support::exchange;

async fn seen(request: Request) -> String {
    let script_name = request.extensions().get::<ScriptName>();
    let script_name = script_name.expect("it is among the extensions");
    fastcgi_test_kit::seen(&request.uri().to_string(), script_name.as_bytes())
}

fn start(dir: &TempDir, name: usize, setup: &Setup) -> JoinHandle<std::io::Result<()>> {
    let listener = UnixSocket::bind(dir.path().join(name.to_string())).expect("a socket");
    let mut server = serve(listener, Router::new().fallback(seen))
        .path_source(match &*setup.path_source {
            "path-info" => PathSource::PathInfo,
            "request-uri" => PathSource::RequestUri,
            _ => PathSource::Auto,
        })
        .on_mismatch(if setup.not_found {
            OnMismatch::NotFound
        } else {
            OnMismatch::Keep
        });
    if let Some(script_name) = &setup.script_name {
        server = server.script_name(script_name.as_str());
    }
    tokio::spawn(server.into_future())
}

#[tokio::test]
async fn every_layout_is_resolved() {
    let dir = TempDir::new().expect("a directory");
    let mut servers: Vec<Setup> = Vec::new();
    let mut mismatches = Vec::new();
    let mut asked = 0;
    for target in targets() {
        let known = servers.iter().position(|setup| *setup == target.setup);
        let name = known.unwrap_or_else(|| {
            drop(start(&dir, servers.len(), &target.setup));
            servers.push(target.setup.clone());
            servers.len() - 1
        });
        let path = dir.path().join(name.to_string());
        let mut io = UnixStream::connect(path).await.expect("a connection");
        let reply = exchange(&mut io, &target.records).await;
        let answer = match reply.status {
            200 => Ok(reply.body),
            status => Err(status),
        };
        if answer != target.expected {
            mismatches.push(format!(
                "{}: {answer:?}, expected {:?}",
                target.name, target.expected
            ));
        }
        asked += 1;
    }
    assert_eq!(mismatches, [""; 0]);
    assert!(asked > 1200, "{asked}");
}
