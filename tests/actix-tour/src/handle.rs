//! What FastCGI has and HTTP has not: the web server's error log, and an exit status.

use actix_web::web::{self, Path, ReqData, ServiceConfig};
use actix_web::{HttpResponse, Responder};
use fastcgi_actix::RequestHandle;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/log/{message}", web::get().to(log))
        .route("/exit/{status}", web::get().to(exit));
}

/// The message follows the head of the response.
async fn log(message: Path<String>, handle: ReqData<RequestHandle>) -> &'static str {
    handle.stderr(format!("{message}\n"));
    "see the log of the web server\n"
}

async fn exit(status: Path<u32>, handle: ReqData<RequestHandle>) -> impl Responder {
    handle.set_app_status(*status);
    HttpResponse::Ok()
}
