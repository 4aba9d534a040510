//! What can be written, as users write it. Nothing here is run.

use actix_web::body::BoxBody;
use actix_web::middleware::{self, Compress, Next};
use actix_web::{App, Error, HttpMessage, HttpRequest, HttpResponse, HttpServer, dev, web};
use fastcgi_actix::{FastCgiServer, Limits, Params, Server, Socket};
use std::os::unix::net::UnixListener;

async fn index(params: Params, request: HttpRequest) -> String {
    let same = request
        .extensions()
        .get::<fastcgi_tower::Params>()
        .is_some();
    let user = format!("{:?}", params.remote_user());
    format!("{same} {user} {:?}", params.into_inner())
}

fn configure(config: &mut web::ServiceConfig) {
    config.route("/", web::get().to(index));
}

async fn pass(
    request: dev::ServiceRequest,
    next: Next<impl actix_web::body::MessageBody>,
) -> Result<dev::ServiceResponse<impl actix_web::body::MessageBody>, Error> {
    next.call(request).await
}

#[expect(dead_code, reason = "it is only compiled")]
async fn applications() -> std::io::Result<()> {
    // Whatever `HttpServer` takes.
    FastCgiServer::new(App::new)
        .bind(("127.0.0.1", 9000))?
        .run()
        .await?;
    FastCgiServer::new(|| App::new().configure(configure))
        .bind("[::1]:9000")?
        .run()
        .await?;
    FastCgiServer::new(|| {
        App::new()
            .wrap(Compress::default())
            .wrap(middleware::from_fn(pass))
            .wrap(middleware::Logger::default())
            .default_service(web::to(HttpResponse::NotFound))
    })
    .bind_uds("/run/app/app.sock")?
    .run()
    .await?;
    let moved = String::from("moved into the factory");
    let factory = move || {
        App::new()
            .app_data(web::Data::new(moved.clone()))
            .configure(configure)
    };
    HttpServer::new(factory.clone())
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    FastCgiServer::new(factory).listen_stdin()?.run().await
}

#[expect(dead_code, reason = "it is only compiled")]
async fn settings(listener: UnixListener) -> Result<Server, Box<dyn std::error::Error>> {
    let server = FastCgiServer::new(|| App::new().configure(configure))
        .workers(2)
        .script_name("/app")
        .max_connections(100)
        .shutdown_timeout(3)
        .disable_signals()
        .shutdown_signal(std::future::pending())
        .system_exit()
        .worker_max_blocking_threads(4)
        .max_requests(10_000)
        .max_rss(1 << 30)
        .on_ready(|| {})
        .allow_remote(true)
        .exit_when_replaced(true)
        .limits(Limits::default().body_window(1024))
        .listen(std::net::TcpListener::bind("127.0.0.1:0")?)?
        .listen_uds(listener)?
        .backlog(64)
        .listen_socket(Socket::bind(&"/run/app.sock".parse()?, Socket::BACKLOG)?);
    assert_eq!(server.addrs().len(), 1);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(async move { handle.stop(true).await });
    Ok(server)
}

/// On a runtime with several threads the server is a task like any other.
#[test]
fn server_and_its_handle_are_send() {
    fn is_send<T: Send + 'static>(_: T) {}
    let server = FastCgiServer::new(App::new).run();
    is_send(server.handle());
    is_send(server.handle().stop(true));
    is_send(server);
}

#[expect(dead_code, reason = "it is only compiled")]
fn boxed(request: HttpRequest) -> HttpResponse<BoxBody> {
    HttpResponse::Ok().body(
        request
            .peer_addr()
            .map_or_else(String::new, |it| it.to_string()),
    )
}
