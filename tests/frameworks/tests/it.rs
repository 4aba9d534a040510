//! Each application is started on a socket of its own, and asked over FastCGI.

use std::{
    error::Error,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fastcgi_tower::{
    Address,
    client::{Client, ServerInfo},
};
use http_body_util::BodyExt;
use tower::ServiceExt;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A running example, which ends with this value.
struct Application {
    process: Child,
    dir: tempfile::TempDir,
}

impl Application {
    fn start(name: &str, arguments: &[&str]) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let process = Command::new(example(name)?)
            .args(arguments)
            .env("FCGI_LISTEN", dir.path().join("app.sock"))
            .env(
                "LOCO_CONFIG_FOLDER",
                concat!(env!("CARGO_MANIFEST_DIR"), "/config"),
            )
            .stdin(Stdio::null())
            .spawn()?;
        let mut application = Self { process, dir };
        application.waits_for_its_socket()?;
        Ok(application)
    }

    fn waits_for_its_socket(&mut self) -> Result<()> {
        let socket = self.dir.path().join("app.sock");
        let start = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("the application ended with {status}").into());
            }
            if start.elapsed() > Duration::from_secs(20) {
                return Err("the application does not listen".into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }

    /// The status and the body.
    async fn get(&self, target: &str) -> Result<(u16, String)> {
        let socket = self.dir.path().join("app.sock").display().to_string();
        let client = Client::new(socket.parse::<Address>()?);
        let server = ServerInfo::default().remote_addr("203.0.113.7:50000".parse()?);
        let request = http::Request::get(target)
            .extension(server)
            .body(String::new())?;
        let response = client.oneshot(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// `target/debug/examples/NAME`, from `target/debug/deps/it-0123456789abcdef`.
fn example(name: &str) -> Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let profile = tests.ancestors().nth(2).ok_or("no target directory")?;
    Ok(profile.join("examples").join(name))
}

/// The framework gets the address of the client.
const AT_ITS_ADDRESS: &str = "Hello, Zoë at socket://203.0.113.7:50000!";

async fn greets(name: &str, arguments: &[&str], greeting: &str) -> Result<()> {
    let application = Application::start(name, arguments)?;
    let answer = application.get("/hello/Zo%C3%AB?a=b").await?;
    assert_eq!((answer.0, answer.1.as_str()), (200, greeting));
    assert_eq!(application.get("/elsewhere").await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn loco_answers() -> Result<()> {
    greets("loco", &["start"], "Hello, Zoë!").await
}

#[tokio::test]
async fn poem_answers() -> Result<()> {
    greets("poem", &[], AT_ITS_ADDRESS).await
}

#[tokio::test]
async fn salvo_answers() -> Result<()> {
    greets("salvo", &[], AT_ITS_ADDRESS).await
}

#[tokio::test]
async fn warp_answers() -> Result<()> {
    // It does not decode paths.
    greets("warp", &[], "Hello, Zo%C3%AB at 203.0.113.7:50000!").await
}

#[tokio::test]
async fn leptos_answers() -> Result<()> {
    let application = Application::start("leptos", &[])?;
    let (status, page) = application.get("/").await?;
    assert_eq!(status, 200);
    assert!(page.contains("<p>Hello, <!>4<!>!</p>"), "{page}");
    assert_eq!(application.get("/elsewhere").await?.0, 404);
    Ok(())
}

#[tokio::test]
async fn prometheus_is_told() -> Result<()> {
    let application = Application::start("prometheus", &[])?;
    assert_eq!(application.get("/").await?, (200, "hello".to_owned()));
    let (_, counted) = application.get("/metrics").await?;
    let line = "axum_http_requests_total{method=\"GET\",status=\"200\",endpoint=\"/\"} 1";
    assert!(counted.contains(line), "{counted}");
    Ok(())
}
