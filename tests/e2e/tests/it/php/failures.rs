//! Scripts that fail, in PHP-FPM.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use super::Test;
use super::expect::{ENVIRONMENT, SOON, ends_with, is_cut, is_logged};
use super::requests::form;
use super::sites::{Browser, GUIDE, HOST, Setting, Sites};

pub(super) const FAILING: Setting = Setting {
    environment: ENVIRONMENT,
    ..GUIDE
};

pub(super) const FAILURES: [Test; 10] = [
    ("slow_script_is_504", |sites| {
        ends_with(sites.rust(), "/test/slow.php", 504)?;
        is_logged(|| sites.log(), "/test/slow.php", "8s")
    }),
    ("answer_that_stops_in_the_middle_is_cut", |sites| {
        is_cut(sites.rust(), "/test/pause.php")?;
        is_logged(|| sites.log(), "/test/pause.php", "paused for 8s")
    }),
    ("process_that_dies_is_502", |sites| {
        ends_with(sites.rust(), "/test/dies.php", 502)?;
        is_logged(
            || sites.log(),
            "/test/dies.php",
            "the application's answer broke off",
        )?;
        // Another process answers the next one.
        assert_eq!(sites.rust().get("/page.php")?.status, 200);
        Ok(())
    }),
    ("process_that_dies_in_the_middle_cuts_the_answer", |sites| {
        is_cut(sites.rust(), "/test/dies-late.php")?;
        is_logged(
            || sites.log(),
            "/test/dies-late.php",
            "PHP's answer breaks off",
        )
    }),
    ("error_of_php_is_logged_with_its_script", |sites| {
        ends_with(sites.rust(), "/test/throws.php", 500)?;
        is_logged(|| sites.log(), "/test/throws.php", "what happened")
    }),
    ("100_kb_of_messages_are_no_failure", |sites| {
        let response = ends_with(sites.rust(), "/test/noisy.php", 200)?;
        assert_eq!(response.text(), "quiet\n");
        is_logged(|| sites.log(), "/test/noisy.php", "nnnnnnnn")?;
        let logged = sites.log()?.matches('n').count();
        assert!((15_000..20_000).contains(&logged), "{logged}");
        Ok(())
    }),
    ("finished_request_is_answered_at_once", finished),
    (
        "more_requests_than_processes_are_answered_in_the_end",
        crowded,
    ),
    ("clients_that_send_slowly_keep_no_process", slow_clients),
    ("nobody_gets_the_answer_of_another", nobody_elses),
];

/// `fastcgi_finish_request`
fn finished(sites: &Sites) -> Result<(), Failed> {
    let file = sites.dir().join("sessions/finished");
    let response = sites.rust().get("/test/finish.php")?;
    assert_eq!(response.text(), "answered\n");
    assert!(
        !file.exists(),
        "the answer waited for the end of the script"
    );
    let start = Instant::now();
    // Others are answered meanwhile.
    assert_eq!(sites.rust().get("/page.php")?.status, 200);
    while fs::read(&file).ok().is_none_or(|it| it != b"done") {
        assert!(
            start.elapsed() < SOON,
            "the script was ended with its answer"
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// PHP-FPM has 8 processes.
fn crowded(sites: &Sites) -> Result<(), Failed> {
    let site = sites.rust();
    let answers: Vec<_> = thread::scope(|scope| {
        let ask =
            |_| scope.spawn(move || site.send(form("/test/token.php", "token=crowd&pause=200000")));
        let threads: Vec<_> = (0..40).map(ask).collect();
        threads
            .into_iter()
            .filter_map(|it| it.join().ok())
            .collect()
    });
    assert_eq!(answers.len(), 40);
    for answer in answers {
        let answer = answer?;
        assert_eq!(
            (answer.status, answer.header("x-token").as_deref()),
            (200, Some("crowd"))
        );
    }
    Ok(())
}

/// More of them than there are processes, each with a form that never ends.
fn slow_clients(sites: &Sites) -> Result<(), Failed> {
    let request = form("/page.php", "name=slow").header("Host", HOST);
    let slow: Vec<_> = (0..20)
        .map(|_| {
            let mut connection = sites.rust().connect()?;
            connection.start_part(&request, 3)?;
            Ok(connection)
        })
        .collect::<io::Result<_>>()?;
    assert_eq!(sites.rust().get("/page.php?name=quick")?.status, 200);
    // They are answered when they have sent the rest.
    for mut connection in slow {
        connection.send_raw(b"e=slow")?;
        let response = connection.head(&request)?;
        assert_eq!(response.status, 200);
    }
    Ok(())
}

/// Half of the clients leave: before the answer, in the middle of it, or in the middle of their own request.
fn nobody_elses(sites: &Sites) -> Result<(), Failed> {
    let site = sites.rust();
    let result: Result<Vec<()>, String> = thread::scope(|scope| {
        let client = |client: usize| {
            let ask = move || (0..40).try_for_each(|round| one_of_many(site, client, round));
            scope.spawn(move || ask().map_err(|error| error.to_string()))
        };
        let threads: Vec<_> = (0..8).map(client).collect();
        let joined = threads.into_iter().map(|it| it.join());
        joined
            .map(|it| it.unwrap_or_else(|_| Err("a client panicked".to_owned())))
            .collect()
    });
    Ok(result.map(drop)?)
}

fn one_of_many(site: Browser, client: usize, round: usize) -> io::Result<()> {
    let token = format!("token-{client}-{round}");
    let pause = (client * 7 + round * 3) % 20 * 1000;
    let request = form("/test/token.php", &format!("token={token}&pause={pause}"));
    let request = request.header("Host", HOST);
    let mut connection = site.connect()?;
    match round % 6 {
        1 => return connection.start(&request),
        3 => return connection.start_part(&request, 3),
        5 => {
            connection.start(&request)?;
            let head = connection.head(&request)?;
            assert_eq!(head.header("x-token"), Some(token));
            return connection.piece().map(drop);
        }
        _ => {}
    }
    let response = connection.send(&request)?;
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.header("x-token").as_ref(), Some(&token));
    assert_eq!(response.text(), format!("{token}\n").repeat(2000));
    Ok(())
}
