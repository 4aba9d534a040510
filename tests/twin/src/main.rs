//! One application, served over FastCGI and over HTTP by one process.
//!
//! Each page reports which resource was reached, so that a test sees what a web server and the library made of a
//! request. With `TWIN_ADDRESSES` the process listens on three ports of the loopback interface and writes them to that
//! file: FastCGI, FastCGI with the script name of `FCGI_SCRIPT_NAME`, HTTP. Without it, the web server has started the
//! process, and it serves FastCGI alone.

mod pages;
mod report;

use std::{env, error::Error, fs, future::IntoFuture, io, path::Path};

use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let app = pages::router();
    let Some(file) = env::var_os("TWIN_ADDRESSES") else {
        axum_fastcgi::run(app).await?;
        return Ok(());
    };

    let fastcgi = TcpListener::bind("127.0.0.1:0").await?;
    let mounted = TcpListener::bind("127.0.0.1:0").await?;
    let http = TcpListener::bind("127.0.0.1:0").await?;
    announce(Path::new(&file), [&fastcgi, &mounted, &http])?;

    let script_name = env::var("FCGI_SCRIPT_NAME").unwrap_or_default();
    let mounted = axum_fastcgi::serve(mounted, app.clone()).script_name(script_name);
    tokio::try_join!(
        axum_fastcgi::serve(fastcgi, app.clone()).into_future(),
        mounted.into_future(),
        axum::serve(http, app).into_future(),
    )?;
    Ok(())
}

/// Writes the ports, one a line. The file appears when it is complete.
fn announce(file: &Path, listeners: [&TcpListener; 3]) -> io::Result<()> {
    let mut text = String::new();
    for listener in listeners {
        text.push_str(&format!("{}\n", listener.local_addr()?.port()));
    }
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, file)
}
