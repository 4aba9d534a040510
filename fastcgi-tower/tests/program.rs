//! A program for the tests: what it does is in `TOWER_TEST_PROGRAM`.

use std::{env, error::Error, io, io::Write as _, thread, time::Duration};

use fastcgi_tower::{
    async_cgi_fn,
    blocking::{self, Request, Response},
    cgi_fn,
};
use tokio::io::AsyncWriteExt;

fn main() -> Result<(), Box<dyn Error>> {
    match env::var("TOWER_TEST_PROGRAM").as_deref() {
        Ok("cgi") => Ok(cgi_fn(hello).run()?),
        Ok("cgi-bound") => Ok(cgi_fn(hello).bind("fcgi.sock").run()?),
        Ok("async-cgi") => Ok(async_cgi_fn(|mut io| async move {
            io.write_all(b"Content-Type: text/plain\n\nhello async\n")
                .await
        })
        .run()?),
        #[cfg(feature = "http-server")]
        Ok("cgi-http") => Ok(cgi_fn(hello).http("127.0.0.1:0").run()?),
        #[cfg(feature = "http-server")]
        Ok("blocking-http") => serve(|run| run.http("127.0.0.1:0")),
        #[cfg(feature = "http-server")]
        Ok("exchanges-http") => exchanges(),
        Ok("stuck") => serve(|run| run),
        Ok("echo") => echo(),
        _ => Err("only a test starts this".into()),
    }
}

fn hello(io: &mut fastcgi_tower::CgiIo) -> io::Result<()> {
    let mut body = Vec::new();
    io::Read::read_to_end(io, &mut body)?;
    let path = io.var("PATH_INFO").unwrap_or_default().to_owned();
    if path == "/local" {
        return writeln!(io, "Location: /there\n");
    }
    if path == "/invalid" {
        return writeln!(io, "there is no head");
    }
    if path == "/breaks" {
        writeln!(io, "Content-Length: 100\n\nsome")?;
        io.flush()?;
        return Err(io::Error::other("it breaks off"));
    }
    let method = io.var("REQUEST_METHOD").unwrap_or_default().to_owned();
    writeln!(io, "Content-Type: text/plain\n")?;
    writeln!(io, "hello {method} {path} {} bytes", body.len())
}

type BlockingRun = fastcgi_tower::Run<
    std::future::Ready<io::Result<fastcgi_tower::HttpService<Stuck>>>,
    fastcgi_tower::process::Exchanges<fastcgi_tower::HttpService<Stuck>>,
>;
type Stuck = blocking::BlockingService<fn(&mut Request) -> io::Result<Response>>;

/// Serves a handler that never returns, but for one path.
fn serve(configure: impl FnOnce(BlockingRun) -> BlockingRun) -> Result<(), Box<dyn Error>> {
    fn stuck(request: &mut Request) -> io::Result<Response> {
        if request.uri().path() == "/hello" {
            return Ok(format!("hello {}\n", request.method()).into());
        }
        loop {
            thread::sleep(Duration::from_secs(60));
        }
    }
    let handler: fn(&mut Request) -> io::Result<Response> = stuck;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let run = fastcgi_tower::run(blocking::service_fn(handler))
        .configure(|server| server.grace_period(Duration::from_millis(100)));
    runtime.block_on(configure(run).into_future())?;
    Ok(())
}

#[cfg(feature = "http-server")]
fn exchanges() -> Result<(), Box<dyn Error>> {
    use fastcgi_tower::{Exchange, Reply, run_exchanges};

    let service = tower::service_fn(|exchange: Exchange| async move {
        Ok::<_, io::Error>(Reply::streaming(|mut stdout| async move {
            let mut stdin = exchange.stdin;
            stdout
                .write_all(b"Status: 201 Created\r\nX: y\r\n\r\n")
                .await?;
            tokio::io::copy(&mut stdin, &mut stdout).await?;
            Ok::<_, io::Error>(())
        }))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_exchanges(service).http("127.0.0.1:0").into_future())?;
    Ok(())
}

/// Sends bodies back while they come.
fn echo() -> Result<(), Box<dyn Error>> {
    let workers = env::var("WORKERS")?.parse()?;
    let service = blocking::service_fn(|request: &mut Request| {
        let mut body = request.start(http::Response::new(()))?;
        io::copy(request, &mut body)?;
        body.finish()
    });
    let service = service
        .max_workers(workers)
        .when_full(blocking::WhenFull::Wait);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(fastcgi_tower::run(service).into_future())?;
    Ok(())
}
