//! What a handler can learn about the request.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, OriginalUri, Path, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Json;
use axum::routing::{any, get};
use axum_fastcgi::Params;
use fastcgi_tower::ParamToHeaderLayer;
use serde_json::{Value, json};

pub(crate) fn router() -> Router {
    let exposed = ParamToHeaderLayer::all("x-fcgi-").expect("a header name");
    Router::new()
        .route("/request/{*path}", any(request))
        .route("/whoami", get(whoami))
        .route("/external/{*path}", get(external))
        .route("/param/{name}", get(param))
        .route("/params", get(params))
        .route("/params-as-headers", get(headers).layer(exposed))
}

async fn request(Path(path): Path<String>, request: Request) -> Json<Value> {
    Json(json!({
        "method": request.method().as_str(),
        "uri": request.uri().to_string(),
        "path": path,
        "headers": pairs(request.headers()),
    }))
}

async fn whoami(ConnectInfo(client): ConnectInfo<SocketAddr>) -> String {
    client.to_string()
}

/// The URI as the client sees it, with the mount.
async fn external(OriginalUri(uri): OriginalUri) -> String {
    uri.to_string()
}

async fn headers(headers: HeaderMap) -> Json<Value> {
    Json(pairs(&headers))
}

async fn param(Path(name): Path<String>, params: Params) -> Result<Vec<u8>, StatusCode> {
    params
        .get(&name)
        .map(<[u8]>::to_vec)
        .ok_or(StatusCode::NOT_FOUND)
}

async fn params(params: Params) -> Json<Value> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Json(
        params
            .iter()
            .map(|(name, value)| json!([text(name), text(value)]))
            .collect(),
    )
}

/// Every field in order, repeated ones included; bytes that are not UTF-8 are replaced.
fn pairs(headers: &HeaderMap) -> Value {
    headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect()
}
