//! What a handler can learn about the request.

use actix_web::dev::PeerAddr;
use actix_web::error::ErrorNotFound;
use actix_web::http::header::HeaderMap;
use actix_web::web::{self, Json, Path, ReqData, ServiceConfig};
use actix_web::{Error, HttpRequest};
use fastcgi_actix::{ParamToHeader, Params, ScriptName};
use serde_json::{Value, json};

pub(crate) fn routes(config: &mut ServiceConfig) {
    let exposed = ParamToHeader::all("x-fcgi-").expect("it begins a name");
    let headers = web::resource("/params-as-headers").route(web::get().to(headers));
    config
        .route("/request/{path:.*}", web::to(request))
        .route("/whoami", web::get().to(whoami))
        .route("/external/{path:.*}", web::get().to(external))
        .route("/param/{name}", web::get().to(param))
        .route("/params", web::get().to(params))
        .service(headers.wrap(exposed));
}

async fn request(path: Path<String>, request: HttpRequest) -> Json<Value> {
    Json(json!({
        "method": request.method().as_str(),
        "uri": request.uri().to_string(),
        "path": path.into_inner(),
        "headers": pairs(request.headers()),
    }))
}

async fn whoami(PeerAddr(client): PeerAddr) -> String {
    client.to_string()
}

/// The URI as the client sees it, with the mount.
async fn external(mount: ReqData<ScriptName>, request: HttpRequest) -> String {
    format!("{}{}", *mount, request.uri())
}

async fn headers(request: HttpRequest) -> Json<Value> {
    Json(pairs(request.headers()))
}

async fn param(name: Path<String>, params: Params) -> Result<Vec<u8>, Error> {
    let value = params.get(name.as_str());
    Ok(value.ok_or_else(|| ErrorNotFound(""))?.to_vec())
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

/// Every field, repeated ones in order; bytes that are not UTF-8 are replaced.
fn pairs(headers: &HeaderMap) -> Value {
    headers
        .iter()
        .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
        .collect()
}
