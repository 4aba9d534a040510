//! The application without a framework: one function, as a tower service and as a hyper service.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{limits, zeros::Zeros};
use crate::{Result, socket::Listening};

type Answer = Result<Response<Either<Full<Bytes>, Zeros>>, Infallible>;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn fastcgi(listener: Listening) -> Result<()> {
    let service = tower::service_fn(answer);
    match listener {
        Listening::Unix(listener) => {
            let listener = tokio::net::UnixListener::from_std(listener)?;
            fastcgi_tower::serve(listener, service)
                .limits(limits())
                .await?;
        }
        Listening::Tcp(listener) => {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            fastcgi_tower::serve(listener, service)
                .limits(limits())
                .await?;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn http(listener: Listening) -> Result<()> {
    match listener {
        Listening::Unix(listener) => {
            let listener = tokio::net::UnixListener::from_std(listener)?;
            loop {
                drive(listener.accept().await?.0);
            }
        }
        Listening::Tcp(listener) => {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            loop {
                let io = listener.accept().await?.0;
                io.set_nodelay(true)?;
                drive(io);
            }
        }
    }
}

fn drive(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
    let service = hyper::service::service_fn(answer);
    let connection = http1::Builder::new().serve_connection(TokioIo::new(io), service);
    // A client that goes away is no failure of the server.
    tokio::spawn(async { drop(connection.await) });
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn cgi() -> Result<()> {
    fastcgi_tower::run(tower::service_fn(answer)).await?;
    Ok(())
}

async fn answer<B>(request: Request<B>) -> Answer
where
    B: Body<Data = Bytes> + Unpin,
{
    let path = request.uri().path();
    let small = |text| Response::new(Either::Left(Full::new(text)));
    Ok(match path {
        "/hello" => small(Bytes::from_static(b"Hello, world!")),
        "/upload" => {
            let mut body = request.into_body();
            let mut length = 0;
            while let Some(Ok(frame)) = body.frame().await {
                length += frame.data_ref().map_or(0, Bytes::len);
            }
            small(length.to_string().into())
        }
        _ => {
            let length = path.strip_prefix("/download/").map(str::parse);
            match length {
                Some(Ok(length)) => Response::new(Either::Right(Zeros::new(length))),
                _ => {
                    let mut response = small(Bytes::new());
                    *response.status_mut() = StatusCode::NOT_FOUND;
                    response
                }
            }
        }
    })
}
