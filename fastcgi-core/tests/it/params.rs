//! Name-value pairs (3.4) and the streams that carry them.

use bytes::Bytes;
use fastcgi_core::{Config, ConnectionError, Event, Life, Limits, NewRequest, Params};

use crate::support::{
    BEGIN, COMPLETE, PARAMS_END, STDIN_END, begin, complete, record, watch, wire,
};

fn parse(block: &[u8]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let params = Params::parse(Bytes::copy_from_slice(block)).ok()?;
    Some(
        params
            .iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect(),
    )
}

fn pair(name: &[u8], value: &[u8]) -> (Vec<u8>, Vec<u8>) {
    (name.to_vec(), value.to_vec())
}

#[test]
fn pairs_stand_behind_one_another() {
    assert_eq!(
        parse(b"\x01\x02Abc\x02\x00De\x00\x01f"),
        Some(vec![pair(b"A", b"bc"), pair(b"De", b""), pair(b"", b"f")])
    );
    assert_eq!(parse(b""), Some(vec![]));
    assert_eq!(parse(b"\0\0"), Some(vec![pair(b"", b"")]));
}

#[test]
fn lengths_over_127_have_four_bytes() {
    // 3.4: the high-order bit of the first byte says which form it is. The largest short length, the smallest long one.
    let [name, value] = [vec![b'n'; 127], vec![b'v'; 128]];
    let block = wire(&[b"\x7f\x80\x00\x00\x80", &name, &value]);
    assert_eq!(parse(&block), Some(vec![(name, value)]));

    let [name, value] = [vec![b'n'; 0x0203], vec![b'v'; 0x01_0203]];
    let block = wire(&[b"\x80\x00\x02\x03\x80\x01\x02\x03", &name, &value]);
    assert_eq!(parse(&block), Some(vec![(name, value)]));
}

#[test]
fn four_bytes_for_a_small_length_are_read() {
    // h2o writes every length so.
    assert_eq!(
        parse(b"\x80\x00\x00\x01\x80\x00\x00\x02Abc\x01\x80\x00\x00\x00D"),
        Some(vec![pair(b"A", b"bc"), pair(b"D", b"")])
    );
}

#[test]
fn the_last_of_a_repeated_name_wins() {
    let block = Bytes::from_static(b"\x01\x01A1\x01\x01B2\x01\x01A3\x01\x00a");
    let params = Params::parse(block).unwrap();
    assert_eq!(params.get("A"), Some(&b"3"[..]));
    assert_eq!(params.get_all("A").collect::<Vec<_>>(), [b"1", b"3"]);
    assert_eq!(params.get("a"), Some(&b""[..]), "names are case-sensitive");
    assert_eq!(params.get("C"), None);
}

#[test]
fn a_repeated_name_can_be_emptied() {
    let params = Params::parse(Bytes::from_static(b"\x01\x01A1\x01\x00A")).unwrap();
    assert_eq!(params.get("A"), Some(&b""[..]));
}

#[test]
fn what_is_given_later_takes_the_place_of_what_has_its_name() {
    let own: Params = [("A", "1"), ("B", "2"), ("A", "3")].into_iter().collect();
    let more: Params = [("A", "4"), ("C", ""), ("C", "5")].into_iter().collect();
    let block = b"\x01\x01B2\x01\x01A4\x01\x00C\x01\x01C5";
    assert_eq!(own.with(&more).as_bytes(), &block[..]);
    assert_eq!(own.with(&Params::default()), own);
    assert_eq!(Params::default().with(&own), own);
}

#[test]
fn names_and_values_are_bytes() {
    // A peer drops every pair from the first that is not UTF-8 on, another fails the request.
    assert_eq!(
        parse(b"\x01\x02\xff\x00\xfe\x01\x01A1"),
        Some(vec![pair(b"\xff", b"\x00\xfe"), pair(b"A", b"1")])
    );
}

#[test]
fn a_block_that_ends_inside_a_pair_is_invalid() {
    let block = b"\x01\x01A1\x80\x00\x00\x02\x80\x00\x00\x03BBccc";
    for length in 0..block.len() {
        let whole = [0, 4].contains(&length);
        let front = block.get(..length).unwrap();
        assert_eq!(parse(front).is_some(), whole, "{length} bytes");
    }
    assert!(parse(block).is_some());
}

#[test]
fn lengths_near_two_gib_are_invalid() {
    // A peer allocates them before it looks: twice 2 GiB.
    for block in [
        &b"\xff\xff\xff\xff\xff\xff\xff\xffA1"[..],
        b"\xff\xff\xff\xff\x01A1",
        b"\x01\xff\xff\xff\xffA1",
        b"\x80\x00\x00\x03\x00A1",
    ] {
        assert_eq!(parse(block), None);
    }
}

#[test]
fn blocks_are_written_as_3_4_draws_them() {
    let params: Params = [
        ("A", "bc".to_owned()),
        ("D", "v".repeat(128)),
        ("", String::new()),
    ]
    .into_iter()
    .collect();
    let expected = wire(&[
        b"\x01\x02Abc\x01\x80\x00\x00\x80D",
        &[b'v'; 128],
        b"\x00\x00",
    ]);
    assert_eq!(params.as_bytes(), &expected);
    let long: Params = [("n".repeat(127), "v".repeat(127))].into_iter().collect();
    assert_eq!(long.as_bytes().get(..2), Some(&b"\x7f\x7f"[..]));
}

#[test]
fn emptiness_is_of_pairs() {
    assert!(Params::default().is_empty());
    assert!(
        !Params::parse(Bytes::from_static(b"\0\0"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn debug_prints_no_values() {
    let params: Params = [
        ("HTTP_AUTHORIZATION", "Basic c2VjcmV0"),
        ("EVIL\n\"", "secret"),
    ]
    .into_iter()
    .collect();
    for printed in [
        format!("{params:?}"),
        format!("{params:#?}"),
        format!("{:?}", params.iter()),
        format!("{:?}", (&params).into_iter()),
    ] {
        assert!(printed.contains("HTTP_AUTHORIZATION"), "{printed}");
        assert!(
            !printed.contains("c2VjcmV0") && !printed.contains("secret"),
            "{printed}"
        );
    }
}

#[test]
fn parsing_shares_the_block() {
    let block = Bytes::from_static(b"\x01\x01A1");
    let params = Params::parse(block.clone()).unwrap();
    assert_eq!(params.as_bytes().as_ptr(), block.as_ptr());
}

#[test]
fn a_pair_may_cross_records_at_every_byte() {
    // fastcgi++ loses such pairs, tokio-fastcgi closes the connection; h2o and Caddy send them.
    let block = b"\x01\x02Abc\x80\x00\x00\x02\x80\x00\x00\x03DDeee";
    for cut in 1..block.len() {
        let (front, back) = block.split_at(cut);
        let params = wire(&[&record(4, 1, front), &record(4, 1, back), PARAMS_END]);
        let seen = watch(&wire(&[BEGIN, &params, STDIN_END]));
        assert_eq!(
            seen.events,
            ["request 1 RESPONDER keep A=bc DD=eee", "stdin end 1"],
            "cut at {cut}"
        );
    }
    let records: Vec<_> = block
        .iter()
        .flat_map(|&byte| record(4, 1, &[byte]))
        .collect();
    let seen = watch(&wire(&[BEGIN, &records, PARAMS_END, STDIN_END]));
    assert_eq!(
        seen.events,
        ["request 1 RESPONDER keep A=bc DD=eee", "stdin end 1"]
    );
}

#[test]
fn a_pair_longer_than_a_record_is_read() {
    // fastcgi-server refuses a pair over 8 KiB; a cookie can be that long behind nginx.
    let value = vec![b'v'; 70_000];
    let block = wire(&[b"\x01\x80\x01\x11\x70A", &value]);
    let (front, back) = block.split_at(65_535);
    let input = wire(&[
        BEGIN,
        &record(4, 1, front),
        &record(4, 1, back),
        PARAMS_END,
        STDIN_END,
    ]);
    let mut connection = fastcgi_core::Connection::new(Config::default());
    let mut input = bytes::BytesMut::from(&input[..]);
    let event = connection.next_event(&mut input);
    let Some(Event::Request(NewRequest { params, .. })) = event else {
        panic!("a request, not {event:?}");
    };
    assert_eq!(params.get("A"), Some(&value[..]));
}

#[test]
fn a_stream_that_ends_inside_a_pair_is_an_error() {
    let seen = watch(&wire(&[BEGIN, &record(4, 1, b"\x01\x02Ab"), PARAMS_END]));
    assert!(matches!(
        seen.error,
        Some(ConnectionError::InvalidParams(_))
    ));
    assert!(seen.events.is_empty());
}

#[test]
fn announced_lengths_cost_nothing() {
    let input = wire(&[
        BEGIN,
        &record(4, 1, b"\xff\xff\xff\xff\xff\xff\xff\xffA1"),
        PARAMS_END,
    ]);
    let seen = watch(&input);
    assert!(matches!(
        seen.error,
        Some(ConnectionError::InvalidParams(_))
    ));
}

fn limited(limits: Limits) -> Config {
    Config::default().limits(limits.max_reqs(2))
}

/// The end of STDIN is here because core waits for the first STDIN record when no length is announced (B-5).
#[track_caller]
fn is_accepted(config: &Config, params: &[u8], request: &str) {
    let seen = complete(config, &wire(&[BEGIN, params, PARAMS_END, STDIN_END]));
    assert_eq!(seen.events, [request, "stdin end 1"]);
    assert_eq!(seen.output, COMPLETE);
}

#[test]
fn params_up_to_the_limit_are_accepted() {
    let config = limited(Limits::default().max_params_size(8));
    let exact = record(4, 1, b"\x01\x01A1\x01\x01B2");
    is_accepted(&config, &exact, "request 1 RESPONDER keep A=1 B=2");
    let halves = wire(&[&record(4, 1, b"\x01\x01A1"), &record(4, 1, b"\x01\x01B2")]);
    is_accepted(&config, &halves, "request 1 RESPONDER keep A=1 B=2");
}

/// Refused, and the next request on the connection served. Core answers with 431 itself; the params that are known are
/// not reported any more, and decide on the answer: see `a_refusal_of_a_head_request_has_no_body`.
#[track_caller]
fn is_refused(config: &Config, block: &[u8]) {
    let input = wire(&[
        // Alone, a request that does not say whose it is may be h2o's, and ends with its connection (B-9).
        &begin(2, 1, 1),
        BEGIN,
        block,
        PARAMS_END,
        &record(5, 1, b"the body of the refused request"),
        b"\x01\x05\x00\x01\x00\x00\x00\x00",
        BEGIN,
        &record(4, 1, b"\x01\x00A"),
        PARAMS_END,
        STDIN_END,
    ]);
    let seen = complete(config, &input);
    assert_eq!(
        seen.events,
        [
            "refused 1 ParamsTooLarge",
            "request 1 RESPONDER keep A=",
            "stdin end 1"
        ]
    );
    assert_eq!(seen.error, None);
    let refusal = b"Status: 431 Request Header Fields Too Large\r\n\
        content-type: text/plain; charset=utf-8\r\ncontent-length: 36\r\n\r\n\
        431 Request Header Fields Too Large\n";
    assert_eq!(
        seen.output,
        wire(&[&record(6, 1, refusal), COMPLETE, COMPLETE])
    );
    assert_eq!(seen.life, Life::Open);
}

#[test]
fn params_over_the_limit_are_refused_and_the_connection_goes_on() {
    let config = limited(Limits::default().max_params_size(8));
    is_refused(&config, &record(4, 1, b"\x01\x02A12\x01\x01B2"));
    // Over the limit with the second record, the third, and one that would fit again.
    let pair = record(4, 1, b"\x01\x01A1");
    is_refused(&config, &wire(&[&pair, &pair, &pair]));
    is_refused(&config, &wire(&[&record(4, 1, &[0; 100]), &pair]));
    is_refused(&config, &wire(&[&pair, &record(4, 1, &[0; 100])]));
}

#[test]
fn params_over_the_limit_are_not_read() {
    // What is dropped is not checked either: here it is no sequence of pairs.
    let config = limited(Limits::default().max_params_size(3));
    is_refused(&config, &record(4, 1, b"\xff\xff\xff\xff"));
}

#[test]
fn too_many_params_are_refused() {
    let config = limited(Limits::default());
    is_refused(&config, &record(4, 1, &b"\0\0".repeat(1001)));
    let thousand = record(4, 1, &b"\0\0".repeat(1000));
    let request = format!("request 1 RESPONDER keep{}", " =".repeat(1000));
    is_accepted(&config, &thousand, &request);
}

#[test]
fn a_long_name_is_refused() {
    let config = limited(Limits::default());
    let long = [b"\x80\x00\x04\x01\x00", &[b'N'; 1025][..]].concat();
    is_refused(&config, &record(4, 1, &long));
    let short = [b"\x80\x00\x04\x00\x03", &[b'N'; 1024][..], b"ccc"].concat();
    let request = format!("request 1 RESPONDER keep {}=ccc", "N".repeat(1024));
    is_accepted(&config, &record(4, 1, &short), &request);
}
