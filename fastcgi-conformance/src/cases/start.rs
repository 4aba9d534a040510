//! How an application is started and ended (specification, 2, 3.2 and 7). It has to be spawned.

use std::time::Duration;

use crate::{
    bench::Bench,
    case::{
        Case, Failure,
        Grade::{Info, Must, Should},
        Needs, Outcome, check, noted, passed,
    },
    conn::Next,
    target::SpawnOn,
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "start/descriptor-0",
        "the application serves a listening socket on descriptor 0, Unix or TCP",
        &["2", "2.2", "3.2", "8"],
        descriptor_0,
        "Web servers and process managers cannot start it.",
    )
    .needs(Needs::Spawned)
    .limit(15),
    Case::new(
        Must,
        "start/closed-descriptors",
        "the application starts with descriptors 1 and 2 closed",
        &["2.2"],
        closed_descriptors,
        "A web server that keeps to the specification cannot start it.",
    )
    .needs(Needs::Spawned)
    .limit(15),
    Case::new(
        Must,
        "start/no-environment",
        "the application starts with nothing but PATH in its environment, as under mod_fcgid",
        &["2.3", "2.4"],
        no_environment,
        "On shared hosts it does not start.",
    )
    .needs(Needs::Spawned)
    .limit(15),
    Case::new(
        Must,
        "start/other-web-server",
        "with FCGI_WEB_SERVER_ADDRS, a connection from another address is closed",
        &["2.3", "3.2"],
        other_web_server,
        "Whoever reaches the port can speak as the web server.",
    )
    .needs(Needs::Spawned)
    .limit(15),
    Case::new(
        Must,
        "start/listed-web-server",
        "with FCGI_WEB_SERVER_ADDRS, a connection from one of the addresses is served",
        &["2.3", "3.2"],
        listed_web_server,
        "Nothing works where the variable is set.",
    )
    .needs(Needs::Spawned)
    .limit(15),
    Case::new(
        Should,
        "start/sigterm",
        "SIGTERM ends the application within 5 s",
        &["7"],
        sigterm,
        "Each restart takes until the process manager kills it.",
    )
    .needs(Needs::Spawned)
    .limit(20),
    Case::new(
        Info,
        "start/exit-status",
        "how the application ends after SIGTERM",
        &["7"],
        exit_status,
        "Process managers may take the end for a crash.",
    )
    .needs(Needs::Spawned)
    .limit(20),
];

/// Another process of the application answers.
fn answers(
    bench: &Bench<'_>,
    on: SpawnOn,
    environment: &[(&str, &str)],
    wrapper: &[&str],
) -> Outcome {
    let another = bench.spawn_another(on, environment, wrapper)?;
    let mut conn = bench.connect_to(&another.address)?;
    let answer = bench.ask_on(&mut conn, &bench.plain());
    let said = || another.process.said().join(" / ");
    let of = |it: Failure| match said() {
        said if said.is_empty() => it,
        said => it.of(format!("it printed {said}")),
    };
    answer.and_then(|it| it.answered().cloned()).map_err(of)?;
    passed()
}

fn descriptor_0(bench: &Bench<'_>) -> Outcome {
    answers(bench, SpawnOn::Unix, &[], &[]).map_err(|it| it.of("a Unix socket"))?;
    answers(bench, SpawnOn::Tcp, &[], &[]).map_err(|it| it.of("TCP"))?;
    passed()
}

fn closed_descriptors(bench: &Bench<'_>) -> Outcome {
    let close = ["/bin/sh", "-c", "exec \"$0\" \"$@\" >&- 2>&-"];
    answers(bench, SpawnOn::Unix, &[], &close)
}

fn no_environment(bench: &Bench<'_>) -> Outcome {
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    let path = format!("PATH={path}");
    answers(bench, SpawnOn::Unix, &[], &["/usr/bin/env", "-i", &path])
}

const ADDRS: &str = "FCGI_WEB_SERVER_ADDRS";

fn other_web_server(bench: &Bench<'_>) -> Outcome {
    let environment = [(ADDRS, "192.0.2.1,192.0.2.2")];
    let another = bench.spawn_another(SpawnOn::Tcp, &environment, &[])?;
    let mut conn = bench.connect_to(&another.address)?;
    // It may be closed before all is written.
    _ = conn.send(bench.plain().bytes());
    match conn.next() {
        Next::End(_) => passed(),
        Next::Record(record) => Err(Failure::red(format!("sent {record:.60}"))),
        Next::Nothing => Err(Failure::red("did not close the connection in time")),
    }
}

fn listed_web_server(bench: &Bench<'_>) -> Outcome {
    let environment = [(ADDRS, "192.0.2.1,127.0.0.1")];
    answers(bench, SpawnOn::Tcp, &environment, &[])
}

/// How the application ends once it has answered.
fn terminated(bench: &Bench<'_>) -> Result<Option<std::process::ExitStatus>, Failure> {
    let mut another = bench.spawn_another(SpawnOn::Unix, &[], &[])?;
    let mut conn = bench.connect_to(&another.address)?;
    bench.ask_on(&mut conn, &bench.plain())?;
    drop(conn);
    Ok(another.process.terminate(Duration::from_secs(5)))
}

fn sigterm(bench: &Bench<'_>) -> Outcome {
    check(terminated(bench)?.is_some(), "has not ended after 5 s")?;
    passed()
}

fn exit_status(bench: &Bench<'_>) -> Outcome {
    noted(match terminated(bench)? {
        Some(status) => status.to_string(),
        None => "it does not".to_owned(),
    })
}
