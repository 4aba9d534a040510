//! A development web server in front of one FastCGI application, to try it with curl or a browser; and `get`, which is curl
//! for FastCGI.
//!
//! It listens for HTTP on a local address and hands every request to the application, which it starts with a listening
//! socket as descriptor 0, as mod_fcgid and spawn-fcgi do, or which runs already. It is no web server for production.

mod application;
mod args;
mod error;
mod forward;
mod get;
mod signals;
mod stdio;

use std::{io, process::ExitCode, time::Duration};

use tokio::{net::TcpListener, select, sync::oneshot, time::timeout};

use crate::{
    application::Application,
    args::{Args, Invocation},
    error::{Context, Error},
    forward::Front,
    signals::Signals,
    stdio::{complain, print, show},
};

/// How long responses may take to leave after the application has ended.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .without_time()
        .with_target(false)
        .with_writer(io::stderr)
        // It complains to the same place, by a panic where nobody reads.
        .log_internal_errors(false)
        .init();
    // The first argument alone: a program of that name is started as ./get.
    if std::env::args_os().nth(1).is_some_and(|arg| arg == "get") {
        return get::main(lexopt::Parser::from_args(std::env::args_os().skip(2))).await;
    }
    let args = match args::parse(lexopt::Parser::from_env()) {
        Ok(Invocation::Serve(args)) => args,
        Ok(Invocation::Print(text)) => return show(&text),
        Err(error) => {
            complain(format_args!("{error}; --help explains"));
            return ExitCode::from(2);
        }
    };
    run(args).await.unwrap_or_else(|error| {
        complain(error);
        ExitCode::FAILURE
    })
}

async fn run(args: Args) -> Result<ExitCode, Error> {
    let mut signals = Signals::new().context("cannot wait for signals")?;
    let listener = TcpListener::bind(&args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    let addr = listener
        .local_addr()
        .context("the listener has no address")?;
    let mut application = Application::start(&args.application)?;
    let client = args
        .params
        .iter()
        .fold(application.client(), |client, (name, value)| {
            client.param(name, value)
        });

    select! {
        () = signals.received() => return stop(application).await,
        ready = application.ready(&client) => if let Some(code) = ready? {
            return Ok(code);
        }
    }
    print(&format!("http://{addr}{}/ -> {application}\n", args.mount)).context("cannot print")?;

    let front = Front::new(client, args.mount);
    let (shutdown, shut_down) = oneshot::channel();
    let server = tokio::spawn(forward::serve(listener, front, shut_down));
    let code = select! {
        () = signals.received() => {
            // No further connection is accepted. A send fails only when the server has ended by itself.
            _ = shutdown.send(());
            stop(application).await?
        }
        ended = application.ended() => return ended,
    };
    // What has not left by then does not leave.
    _ = timeout(DRAIN_LIMIT, server).await;
    Ok(code)
}

async fn stop(application: Application) -> Result<ExitCode, Error> {
    application.stop().await?;
    Ok(ExitCode::SUCCESS)
}
