//! Request bodies (specification, 5.3 and 6.2).

use std::{thread::sleep, time::Duration};

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Must, Should},
        Outcome, check, noted, passed,
    },
    conn::{Ending, Next},
    record::{DATA, END_REQUEST, STDIN},
    request::bytes,
};

/// More than any buffer of a socket holds.
const LARGE: usize = 8 << 20;

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "stdin/body",
        "a body arrives",
        &["5.3", "6.2", "B", "RFC 3875 4.2"],
        |bench| echoed(bench, b"a body", 0xffff),
        "Forms do not work.",
    )
    .app(),
    Case::new(
        Must,
        "stdin/one-byte-records",
        "a body may come in records of one byte",
        &["3.3", "5.3"],
        |bench| echoed(bench, b"a body in small pieces", 1),
        "Uploads that come slowly are broken.",
    )
    .app(),
    Case::new(
        Must,
        "stdin/largest-record",
        "a record of STDIN with 65,535 bytes arrives whole",
        &["3.3", "5.3"],
        |bench| echoed(bench, &[b'b'; 0xffff], 0xffff),
        "Uploads are broken.",
    )
    .app(),
    Case::new(
        Must,
        "stdin/binary",
        "a body is bytes, with all 256 of their values",
        &["5.3"],
        |bench| echoed(bench, &(0..=0xff).collect::<Vec<u8>>(), 0xffff),
        "Uploads of files are broken.",
    )
    .app(),
    Case::new(
        Must,
        "stdin/1-mib",
        "all of a body of 1 MiB arrives",
        &["5.3"],
        one_mib,
        "Uploads are cut off.",
    )
    .app(),
    Case::new(
        Must,
        "stdin/later",
        "a body may come some time after the params",
        &["5.3", "6.2", "B-6"],
        later,
        "Uploads of slow clients are broken.",
    )
    .app(),
    Case::new(
        Should,
        "stdin/no-content-length",
        "without CONTENT_LENGTH the body is what comes until the end of STDIN",
        &["5.3", "B-1", "B-5"],
        no_content_length,
        "Behind nginx without request buffering, bodies of unknown length are lost.",
    )
    .app(),
    Case::new(
        Should,
        "stdin/surplus",
        "what is more than CONTENT_LENGTH is no part of the body",
        &["6.2", "B-3", "RFC 3875 4.2"],
        surplus,
        "A web server with a mistake smuggles one request into another.",
    )
    .app(),
    Case::new(
        Should,
        "stdin/unread",
        "a response to a body that nobody read arrives whole, before the connection is closed",
        &["6.2", "3.5", "B-9", "B-14"],
        unread,
        "Where the application says 413, nginx and Caddy answer 502, at random.",
    )
    .app()
    .limit(10),
    Case::new(
        Must,
        "stdin/unread-kept",
        "behind a body that nobody read, a kept connection takes the next request",
        &["3.3", "5.1", "B-9"],
        unread_kept,
        "The rest of the body is taken for the next request, of another client.",
    )
    .app()
    .limit(10),
    Case::new(
        Should,
        "stdin/early-answer",
        "a response does not wait for a body that the application does not read",
        &["6.2", "B-9"],
        early_answer,
        "Refused uploads are refused only when all of them has come.",
    )
    .app(),
    Case::new(
        Should,
        "stdin/left",
        "a web server that leaves in the middle of a body harms nobody",
        &["3.5", "5.4", "B-4", "B-11"],
        left,
        "A client that breaks off an upload occupies the application.",
    )
    .app(),
    Case::new(
        Info,
        "stdin/short",
        "what the application sees of a body that is shorter than CONTENT_LENGTH",
        &["6.2", "B-2", "B-4"],
        short,
        "An upload that broke off may be taken for a whole one.",
    )
    .app(),
    Case::new(
        Info,
        "stdin/mod-fcgid",
        "whether data behind an empty record of STDIN counts, which mod_fcgid sends by mistake",
        &["B-1"],
        mod_fcgid,
        "Uploads over HTTP/2 without a length are lost behind mod_fcgid.",
    )
    .app(),
    // The text lets a web server abort a request by closing the connection (5.4), so its end may be taken for that.
    Case::new(
        Info,
        "stdin/half-close",
        "whether a web server that ends its side behind the request still gets the response",
        &["3.5", "5.4", "B-11"],
        half_close,
        "Tools that end their side get nothing.",
    ),
    Case::new(
        Info,
        "stdin/data-for-responder",
        "what becomes of DATA that is sent to a Responder",
        &["5.3", "B-13"],
        data_for_responder,
        "Nothing: no web server sends it.",
    ),
];

fn echoed(bench: &Bench<'_>, body: &[u8], record_size: usize) -> Outcome {
    let request = bench.post("/echo", body);
    let mut conn = bench.connect()?;
    let mut sent = request.head();
    sent.extend(bytes(
        &request.in_records_of(record_size).stream(STDIN, body),
    ));
    conn.send(sent)?;
    conn.answer(1)?.has_body(body)?;
    passed()
}

fn one_mib(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.post("/length", vec![b'x'; 1 << 20]))?;
    let text = answer.text()?;
    check(
        text.trim() == "1048576",
        format!("saw {} bytes", text.trim()),
    )?;
    passed()
}

fn later(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/echo", "one two three");
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    for piece in ["one ", "two ", "three", ""] {
        sleep(Duration::from_millis(30));
        conn.send(request.record(STDIN, piece).bytes())?;
    }
    conn.answer(1)?.has_body(b"one two three")?;
    passed()
}

fn no_content_length(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/echo", "of unknown length");
    let request = request.without("CONTENT_LENGTH");
    bench.ask(&request)?.has_body(b"of unknown length")?;
    passed()
}

fn surplus(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/echo", "1234567890").set("CONTENT_LENGTH", "5");
    bench.ask(&request)?.has_body(b"12345")?;
    passed()
}

fn unread(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/status/413", vec![b'x'; LARGE]);
    let mut conn = bench.connect()?;
    let sent = conn.send(request.bytes());
    let answer = conn.answer(1);
    sent.map_err(|it| it.of("of the body"))?;
    answer?.has_status(413)?.ended()?;
    passed()
}

fn unread_kept(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    let request = bench.post("/status/413", vec![b'x'; 4 << 20]).kept();
    conn.send(request.bytes())
        .map_err(|it| it.of("of the body"))?;
    conn.answer(1)?.offered()?;
    let next = bench.ask_on(&mut conn, &bench.get("/hello").kept().with_id(2));
    let of = |it: Failure| it.of("the next request");
    next.and_then(|it| it.has_status(200).cloned())
        .map_err(of)?;
    passed()
}

fn early_answer(bench: &Bench<'_>) -> Outcome {
    let request = bench
        .post("/status/413", "the begin")
        .set("CONTENT_LENGTH", "1000000");
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    // It may have answered and closed already.
    _ = conn.send(request.record(STDIN, "the begin").bytes());
    conn.answer(1)?.has_status(413)?;
    passed()
}

fn half_close(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().bytes())?;
    conn.half_close()?;
    let answer = conn.answer(1)?;
    noted(match answer.answered() {
        Ok(_) => "it does",
        Err(_) => "it does not",
    })
}

fn left(bench: &Bench<'_>) -> Outcome {
    for _ in 0..3 {
        let request = bench
            .post("/length", "the begin")
            .set("CONTENT_LENGTH", "1000000");
        let mut conn = bench.connect()?;
        conn.send(request.head())?;
        conn.send(request.record(STDIN, "the begin").bytes())?;
    }
    sleep(QUIET);
    bench.ask(&bench.get("/hello"))?.has_status(200)?;
    passed()
}

fn short(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/length", "12345").set("CONTENT_LENGTH", "10");
    let answer = bench.ask(&request)?;
    if answer.ended().is_err() {
        return noted("the response is broken off");
    }
    let body = answer.body();
    noted(match answer.head().status() {
        Some(200) if body.trim_ascii() == b"5" => "a whole body of 5 bytes".to_owned(),
        Some(status) => format!("an error: the status is {status}"),
        None => "no response".to_owned(),
    })
}

fn mod_fcgid(bench: &Bench<'_>) -> Outcome {
    let request = bench
        .post("/echo", "1234567890")
        .set("SERVER_SOFTWARE", "Apache/2.4 (Debian)");
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    for piece in ["", "1234567890", ""] {
        conn.send(request.record(STDIN, piece).bytes())?;
    }
    let body = conn.answer(1)?.body();
    noted(match &body[..] {
        b"1234567890" => "it counts",
        _ => "it does not count",
    })
}

fn data_for_responder(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    conn.send(bytes(&request.stream(DATA, b"data")))?;
    conn.send(request.record(STDIN, "").bytes())?;
    loop {
        match conn.next() {
            Next::Record(record) if record.kind == END_REQUEST => return noted("is ignored"),
            Next::Record(_) => {}
            Next::End(Ending::Closed) => return noted("the connection is closed"),
            Next::End(ending) => return noted(ending.to_string()),
            Next::Nothing => return noted("says nothing"),
        }
    }
}
