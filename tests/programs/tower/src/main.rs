//! A program for the tests of fastcgi-tower: what it does is in `TOWER_TEST_PROGRAM`.

use std::{
    convert::Infallible,
    env,
    error::Error,
    fs::File,
    future::IntoFuture as _,
    io,
    io::Write as _,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use fastcgi_tower::{
    AsyncCgiIo, HttpService, Incoming, Listener, async_cgi_fn,
    blocking::{self, Request, Response},
    cgi_fn,
    listener::AnyListener,
    serve_request,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    runtime::{Builder, Runtime},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    span::{Attributes, Id, Record},
};

fn main() -> Result<(), Box<dyn Error>> {
    match env::var("TOWER_TEST_PROGRAM").as_deref() {
        Ok("cgi") => Ok(cgi_fn(hello).run()?),
        Ok("cgi-bound") => Ok(cgi_fn(hello).bind("fcgi.sock").run()?),
        Ok("async-cgi") => Ok(async_cgi_fn(hello_async).run()?),
        Ok("cgi-settings") => Ok(cgi_fn(hello)
            .configure(|server| server.max_requests(1))
            .with_graceful_shutdown(end_of_stdin())
            .run()?),
        Ok("async-cgi-settings") => Ok(async_cgi_fn(hello_async)
            .configure(|server| server.max_requests(1))
            .run()?),
        Ok("cgi-http") => Ok(cgi_fn(hello).http("127.0.0.1:0").run()?),
        Ok("blocking-http") => serve(|run| run.http("127.0.0.1:0")),
        Ok("exchanges-http") => exchanges(),
        Ok("stuck") => serve(|run| run),
        Ok("echo") => echo(),
        Ok("show") => show(),
        Ok("one-request") => one_request(),
        Ok("few-descriptors") => few_descriptors(),
        _ => Err("only a test starts this".into()),
    }
}

fn hello(io: &mut fastcgi_tower::CgiIo) -> io::Result<()> {
    let mut body = Vec::new();
    io::Read::read_to_end(io, &mut body)?;
    let path = io.var("PATH_INFO").unwrap_or_default().to_owned();
    if path == "/log" {
        writeln!(io.stderr, "asked for the log")?;
    }
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

async fn hello_async(mut io: AsyncCgiIo) -> io::Result<()> {
    io.write_all(b"Content-Type: text/plain\n\nhello async\n")
        .await?;
    // As to a stream that ends.
    io.shutdown().await
}

async fn end_of_stdin() {
    let _ = tokio::io::stdin().read(&mut [0]).await;
}

type BlockingRun = fastcgi_tower::Run<
    std::future::Ready<io::Result<HttpService<Stuck>>>,
    fastcgi_tower::process::Exchanges<HttpService<Stuck>>,
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
    let runtime = runtime()?;
    let run = fastcgi_tower::run(blocking::service_fn(handler))
        .configure(|server| server.grace_period(Duration::from_millis(100)));
    runtime.block_on(configure(run).into_future())?;
    Ok(())
}

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
    runtime()?.block_on(run_exchanges(service).http("127.0.0.1:0").into_future())?;
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
    runtime()?.block_on(fastcgi_tower::run(service).into_future())?;
    Ok(())
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Redirects, and says what it was asked for.
async fn redirect(request: http::Request<Incoming>) -> Result<http::Response<String>, Infallible> {
    let mut response = http::Response::new(format!("{}\n", request.uri()));
    *response.status_mut() = http::StatusCode::FOUND;
    let there = http::HeaderValue::from_static("/there");
    response.headers_mut().insert("location", there);
    Ok(response)
}

fn show() -> Result<(), Box<dyn Error>> {
    let run = fastcgi_tower::run(tower::service_fn(redirect));
    Ok(runtime()?.block_on(run.into_future())?)
}

fn one_request() -> Result<(), Box<dyn Error>> {
    let service = HttpService::new(tower::service_fn(redirect));
    Ok(runtime()?.block_on(async {
        let mut listener = AnyListener::from_env()?;
        serve_request(&mut listener, service).await
    })?)
}

/// Serves one request on a listener of a kind, and has no descriptor left when it begins to.
fn few_descriptors() -> Result<(), Box<dyn Error>> {
    let limit = Rlimit {
        current: Some(256),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    setrlimit(Resource::Nofile, limit)?;
    let path = env::var("FCGI_LISTEN")?;
    let kind = env::var("KIND")?;
    runtime()?.block_on(async {
        match kind.as_str() {
            "tcp" => {
                let listener = TcpListener::bind("127.0.0.1:0").await?;
                writeln!(io::stdout(), "{}", listener.local_addr()?)?;
                serve_without_descriptors(listener).await
            }
            "unix" => serve_without_descriptors(UnixListener::bind(path)?).await,
            _ => serve_without_descriptors(AnyListener::bind(&path)?).await,
        }
    })
}

async fn serve_without_descriptors(listener: impl Listener) -> Result<(), Box<dyn Error>> {
    let files = Arc::<Mutex<Vec<File>>>::default();
    tracing::subscriber::set_global_default(GiveBack(Arc::clone(&files)))?;
    let server = fastcgi_tower::serve(listener, tower::service_fn(redirect)).max_requests(1);
    let use_up = move || {
        let mut files = files.lock().expect("no panic elsewhere");
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
    };
    Ok(server.on_ready(use_up).await?)
}

/// Closes the files when an error is logged, and says so.
struct GiveBack(Arc<Mutex<Vec<File>>>);

impl Subscriber for GiveBack {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn event(&self, _: &Event<'_>) {
        self.0.lock().expect("no panic elsewhere").clear();
        writeln!(io::stdout(), "an error was logged").expect("a test reads it");
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
