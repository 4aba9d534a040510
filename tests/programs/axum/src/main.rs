//! A program for the tests of axum-fastcgi: its startup waits for a byte, which is its state, and its end sends one.

use std::{env, io, os::unix::net::UnixStream as StdUnixStream, time::Duration};

use axum::{Router, extract::State, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let control = env::var_os("AXUM_FASTCGI_TEST_CONTROL").ok_or("only a test starts this")?;
    let control = StdUnixStream::connect(control)?;
    control.set_nonblocking(true)?;
    let mut starting = UnixStream::from_std(control.try_clone()?)?;
    let mut ending = UnixStream::from_std(control)?;
    let startup = async move {
        let word = starting.read_u8().await?;
        let app = Router::new().route("/", get(async |State(word): State<u8>| word.to_string()));
        Ok::<_, io::Error>(app.with_state(word))
    };
    axum_fastcgi::run_when_ready(startup)
        .configure(|server| {
            let server = server.max_requests(1);
            match env::var("AXUM_FASTCGI_TEST_MOUNT") {
                Ok(mount) => server.script_name(mount.as_str()),
                Err(_) => server,
            }
        })
        .on_shutdown(async move {
            // The test may have left.
            let _ = ending.write_u8(7).await;
            if env::var_os("AXUM_FASTCGI_TEST_HANGS").is_some() {
                std::future::pending::<()>().await;
            }
        })
        .shutdown_timeout(Duration::from_millis(300))
        .await?;
    Ok(())
}
