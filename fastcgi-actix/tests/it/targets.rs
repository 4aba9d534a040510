//! What the application sees of every layout: all vectors of fastcgi-core, and all recorded internal redirects.

use actix_web::{App, HttpMessage, HttpRequest, web};
use fastcgi_actix::{FastCgiServer, OnMismatch, PathSource, ScriptName};
use fastcgi_test_kit::{Setup, targets};

use crate::support::{FastCgi, start};
use crate::wire;

async fn seen(request: HttpRequest) -> String {
    let extensions = request.extensions();
    let script_name = extensions.get::<ScriptName>().unwrap();
    let uri = request.uri().to_string();
    // That of a request over HTTPS has scheme and host.
    let uri = request
        .uri()
        .path_and_query()
        .map_or(&*uri, |it| it.as_str());
    fastcgi_test_kit::seen(uri, script_name.as_bytes())
}

fn serve(setup: &Setup) -> FastCgi {
    let mut server = FastCgiServer::new(|| App::new().default_service(web::to(seen)))
        .workers(1)
        .disable_signals()
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
    start(|listener| server.listen_uds(listener).unwrap().run())
}

#[test]
fn every_layout_is_resolved() {
    let mut servers: Vec<(Setup, FastCgi)> = Vec::new();
    let mut mismatches = Vec::new();
    let mut asked = 0;
    for target in targets() {
        let known = servers.iter().position(|(setup, _)| *setup == target.setup);
        let at = known.unwrap_or_else(|| {
            servers.push((target.setup.clone(), serve(&target.setup)));
            servers.len() - 1
        });
        let stream = servers[at].1.connect();
        wire::send(&stream, &target.records);
        let answer = wire::read_answer(&stream).unwrap();
        let answer = match answer.status {
            200 => Ok(answer.text().to_owned()),
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
