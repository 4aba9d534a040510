//! Name-value pairs (specification, 3.4 and 5.2).

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Must, Robust, Should},
        Outcome, noted, passed,
    },
    pairs::Lengths,
    record::{PARAMS, STDIN},
    request::{Request, bytes},
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "params/127",
        "a value of 127 bytes, the longest whose length has one byte, arrives",
        &["3.4", "5.2"],
        |bench| arrives(bench, &[("T_A", &[b'a'; 127])]),
        "Requests with a header of that length get another one.",
    )
    .app(),
    Case::new(
        Must,
        "params/128",
        "values of 128 and of 300 bytes, whose lengths have four bytes, arrive",
        &["3.4"],
        |bench| arrives(bench, &[("T_A", &[b'a'; 128]), ("T_B", &[b'b'; 300])]),
        "Requests with cookies fail.",
    )
    .app(),
    Case::new(
        Must,
        "params/long-name",
        "a name of 200 bytes arrives",
        &["3.4"],
        long_name,
        "Requests with long header names fail.",
    )
    .app(),
    Case::new(
        Must,
        "params/four-byte-lengths",
        "short lengths may have four bytes, too",
        &["3.4"],
        four_byte_lengths,
        "Web servers that write all lengths so (some libraries) cannot be used.",
    )
    .app(),
    Case::new(
        Must,
        "params/empty-value",
        "an empty value is a value",
        &["3.4"],
        |bench| arrives(bench, &[("T_A", b""), ("T_B", b"b")]),
        "QUERY_STRING, which is often empty, shifts what follows it.",
    )
    .app(),
    Case::new(
        Should,
        "params/empty-name",
        "a pair with an empty name does not disturb the request",
        &["3.4"],
        empty_name,
        "A mistake in the configuration of the web server breaks each request.",
    ),
    Case::new(
        Must,
        "params/split",
        "a pair may be split between records at any byte",
        &["3.3", "5.2", "B"],
        split,
        "h2o, which splits at 65,535 bytes, and Apache lose requests with many headers.",
    )
    .app(),
    Case::new(
        Must,
        "params/largest-record",
        "a record of PARAMS with 65,535 bytes arrives whole",
        &["3.3"],
        largest_record,
        "nginx, which sends one record, loses requests with many headers.",
    )
    .app(),
    Case::new(
        Should,
        "params/70000",
        "a value of 70,000 bytes, in two records, arrives",
        &["3.4", "5.2"],
        |bench| arrives(bench, &[("T_A", &[b'a'; 70_000])]),
        "Apache and h2o send such values: the request fails.",
    )
    .app(),
    Case::new(
        Must,
        "params/binary",
        "values are bytes, UTF-8 or not",
        &["3.4", "H-10"],
        binary,
        "One client with an old browser, or a scanner, breaks the request or the process.",
    )
    .app(),
    Case::new(
        Should,
        "params/300",
        "300 pairs arrive",
        &["5.2"],
        many,
        "Requests with many headers or configured params lose some.",
    )
    .app(),
    Case::new(
        Must,
        "params/none",
        "a request without any pair is ended, or its connection is",
        &["5.2", "R-10a"],
        none,
        "A web server that sends none (a health check) waits.",
    ),
    Case::new(
        Info,
        "params/duplicates",
        "which of two pairs of one name counts",
        &["5.2"],
        duplicates,
        "nginx sends a param twice where a configuration overrides an included one.",
    )
    .app(),
    Case::new(
        Info,
        "params/order",
        "whether the order of pairs is kept",
        &["5.2"],
        order,
        "Nothing: there is no order.",
    )
    .app(),
    Case::new(
        Info,
        "params/case",
        "whether the case of names is kept",
        &["5.2"],
        case,
        "Params with lower-case names, which operators configure, are not found.",
    )
    .app(),
    Case::new(
        Robust,
        "params/false-length",
        "a pair that announces 2 GiB and does not have them harms its own connection at most",
        &["3.4"],
        false_length,
        "One broken peer takes the memory, or ends the service for all (CVE-2025-23016).",
    ),
    Case::new(
        Robust,
        "params/cut-pair",
        "params that end in the middle of a pair harm their own connection at most",
        &["3.4"],
        cut_pair,
        "One broken peer ends the service for all.",
    ),
    Case::new(
        Robust,
        "params/endless",
        "64 MiB of params harm their own connection at most",
        &["5.2", "B-15"],
        endless,
        "One broken peer takes the memory of all.",
    )
    .limit(10),
];

/// The pairs whose names begin with `T_`, as the application sees them.
fn seen(text: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Bytes that the contract percent-encodes.
fn decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        match u8::from_str_radix(digits, 16) {
            Ok(byte) => bytes.push(byte),
            Err(_) => bytes.extend_from_slice(format!("%{digits}").as_bytes()),
        }
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

fn with(bench: &Bench<'_>, pairs: &[(&str, &[u8])]) -> Request {
    let request = bench.get("/params");
    let pairs = pairs.iter();
    pairs.fold(request, |request, (name, value)| request.param(name, value))
}

fn arrives(bench: &Bench<'_>, pairs: &[(&str, &[u8])]) -> Outcome {
    let text = bench.ask(&with(bench, pairs))?.text()?;
    has(&text, pairs)
}

/// All of the pairs are in what the application has seen.
fn has(text: &str, pairs: &[(&str, &[u8])]) -> Outcome {
    let seen = seen(text);
    for (name, value) in pairs {
        let found = seen.iter().find(|(it, _)| it == name.as_bytes());
        let Some((_, found)) = found else {
            return Err(Failure::red(format!("did not see {name:.40}")));
        };
        if found != value {
            let text = format!(
                "saw {} bytes of {name:.40}, not these {}",
                found.len(),
                value.len()
            );
            return Err(Failure::red(text));
        }
    }
    passed()
}

fn long_name(bench: &Bench<'_>) -> Outcome {
    let name = format!("T_{}", "N".repeat(198));
    arrives(bench, &[(&name, b"x")])
}

fn four_byte_lengths(bench: &Bench<'_>) -> Outcome {
    let request = with(bench, &[("T_A", b"a"), ("T_B", b"")]);
    let pairs = request.pairs_with(Lengths::FourBytes);
    let mut records = vec![request.begin()];
    records.extend(request.stream(PARAMS, &pairs));
    records.extend(request.stream(STDIN, b""));
    let mut conn = bench.connect()?;
    conn.send(bytes(&records))?;
    has(&conn.answer(1)?.text()?, &[("T_A", b"a"), ("T_B", b"")])
}

fn empty_name(bench: &Bench<'_>) -> Outcome {
    bench.ask(&bench.plain().param("", "x"))?.answered()?;
    passed()
}

fn split(bench: &Bench<'_>) -> Outcome {
    let pairs: &[(&str, &[u8])] = &[("T_A", &[b'a'; 200]), ("T_B", b"b")];
    let request = with(bench, pairs).in_records_of(1);
    has(&bench.ask(&request)?.text()?, pairs)
}

fn largest_record(bench: &Bench<'_>) -> Outcome {
    let without = with(bench, &[]).pairs().len();
    // Two lengths: one byte for the name, four for the value.
    let value = vec![b'v'; 0xffff - without - "T_A".len() - 5];
    arrives(bench, &[("T_A", &value)])
}

fn binary(bench: &Bench<'_>) -> Outcome {
    let value: Vec<u8> = (0x80..=0xff).collect();
    arrives(bench, &[("T_A", &value), ("T_B", b"b")])
}

fn many(bench: &Bench<'_>) -> Outcome {
    let names: Vec<_> = (0..300).map(|number| format!("T_{number}")).collect();
    let names = names.iter().map(|name| (name.as_str(), name.as_bytes()));
    arrives(bench, &names.collect::<Vec<_>>())
}

fn none(bench: &Bench<'_>) -> Outcome {
    let mut request = bench.plain();
    request.params.clear();
    bench.ask(&request)?;
    passed()
}

fn duplicates(bench: &Bench<'_>) -> Outcome {
    let text = bench.ask(&with(bench, &[("T_A", b"first"), ("T_A", b"last")]))?;
    let seen = seen(&text.text()?);
    let values = seen.iter().filter(|(name, _)| name == b"T_A");
    let values: Vec<_> = values.map(|(_, value)| value.as_slice()).collect();
    noted(match values[..] {
        [b"first"] => "the first",
        [b"last"] => "the last",
        [b"first", b"last"] => "both are kept",
        _ => "neither",
    })
}

fn order(bench: &Bench<'_>) -> Outcome {
    let pairs: [(&str, &[u8]); 3] = [("T_C", b""), ("T_A", b""), ("T_B", b"")];
    let seen = seen(&bench.ask(&with(bench, &pairs))?.text()?);
    let names = seen.iter().map(|(name, _)| name.as_slice());
    let is_kept = names.eq(pairs.iter().map(|(name, _)| name.as_bytes()));
    noted(if is_kept { "it is" } else { "it is not" })
}

fn case(bench: &Bench<'_>) -> Outcome {
    let text = bench.ask(&with(bench, &[("T_Mixed", b"x")]))?.text()?;
    let is_kept = seen(&text).iter().any(|(name, _)| name == b"T_Mixed");
    noted(if is_kept { "it is" } else { "it is not" })
}

fn false_length(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(bytes(&[
        request.begin(),
        request.record(PARAMS, *b"\xff\xff\xff\xff\xff\xff\xff\xffab"),
        request.record(PARAMS, ""),
        request.record(STDIN, ""),
    ]))?;
    conn.next_within(QUIET);
    drop(conn);
    bench.ask(&request)?.answered()?;
    passed()
}

fn cut_pair(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(bytes(&[
        request.begin(),
        request.record(PARAMS, *b"\x05\x05ab"),
        request.record(PARAMS, ""),
        request.record(STDIN, ""),
    ]))?;
    conn.next_within(QUIET);
    drop(conn);
    bench.ask(&request)?.answered()?;
    passed()
}

fn endless(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(request.begin().bytes())?;
    let value = [b'v'; 0xfff0];
    let pair = crate::pairs::pair(b"T_A", &value, Lengths::Shortest);
    let record = request.record(PARAMS, pair).bytes();
    let mut sent = 0;
    while sent < 64 << 20 {
        match conn.send_some_within(&record, bench.left() / 4) {
            Ok(count) if count == record.len() => sent += count,
            Ok(count) => {
                sent += count;
                break;
            }
            Err(_) => break,
        }
    }
    let reaction = conn.next_within(QUIET);
    drop(conn);
    bench.ask(&bench.plain())?.answered()?;
    noted(format!("{reaction}, after {} KiB", sent >> 10))
}
