//! The wire format of records (3.3, 5, 8).

use bytes::BytesMut;
use fastcgi_core::record::{
    BeginRequest, Decoder, EndRequest, Flags, Header, ProtocolStatus, Record, RecordType,
    RequestId, Role,
};

use crate::support::{every_split, id, record};

/// The records of `input`, the pieces of one stream record joined, or the error's message behind them.
fn decode(input: &[u8]) -> Vec<String> {
    every_split(input, |pieces| {
        let mut decoder = Decoder::new();
        let mut input = BytesMut::new();
        let mut lines: Vec<String> = Vec::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            loop {
                match decoder.decode(&mut input) {
                    Ok(Some(record)) => push(&mut lines, &record),
                    Ok(None) => break,
                    Err(error) => {
                        lines.push(error.to_string());
                        return lines;
                    }
                }
            }
        }
        lines
    })
}

fn push(lines: &mut Vec<String>, record: &Record) {
    let id = record.request_id.map_or(0, RequestId::get);
    let front = format!("{:?} {id}: ", record.record_type);
    let content = record.content.escape_ascii().to_string();
    let stream = record.record_type.is_stream() && !content.is_empty();
    match lines
        .last_mut()
        .filter(|last| stream && **last != front && last.starts_with(&front))
    {
        Some(last) => last.push_str(&content),
        None => lines.push(front + &content),
    }
}

#[test]
fn the_specifications_first_example_is_read() {
    // Appendix B, 1: a request of a static page, with its STDIN empty.
    let input = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
        \x01\x04\x00\x01\x00\x2a\x00\x00\x0b\x02SERVER_PORT80\x0b\x0eSERVER_ADDR199.170.183.42\
        \x01\x04\x00\x01\x00\x00\x00\x00\
        \x01\x05\x00\x01\x00\x00\x00\x00";
    assert_eq!(
        decode(input),
        [
            r"BEGIN_REQUEST 1: \x00\x01\x00\x00\x00\x00\x00\x00",
            r"PARAMS 1: \x0b\x02SERVER_PORT80\x0b\x0eSERVER_ADDR199.170.183.42",
            "PARAMS 1: ",
            "STDIN 1: ",
        ]
    );
}

#[test]
fn padding_is_skipped() {
    // 3.3: paddingLength counts bytes that are ignored; here 0, 3 and 255 of them, which look like records.
    let mut input = b"\x01\x05\x00\x01\x00\x02\x00\x00ab".to_vec();
    input.extend(b"\x01\x05\x00\x02\x00\x01\x03\x00c\x01\x05\x00");
    input.extend(b"\x01\x05\x00\x01\x00\x01\xff\x00d");
    input.extend([1; 255]);
    input.extend(b"\x01\x02\x00\x01\x00\x00\x00\x00");
    assert_eq!(
        decode(&input),
        [
            "STDIN 1: ab",
            "STDIN 2: c",
            "STDIN 1: d",
            "ABORT_REQUEST 1: "
        ]
    );
}

#[test]
fn padding_above_127_is_not_negative() {
    // Peers that read the byte as signed lose the stream here.
    let mut input = b"\x01\x05\x00\x01\x00\x00\x80\x00".to_vec();
    input.extend([0; 128]);
    input.extend(b"\x01\x02\x00\x01\x00\x00\x00\x00");
    assert_eq!(decode(&input), ["STDIN 1: ", "ABORT_REQUEST 1: "]);
}

#[test]
fn an_empty_stream_record_does_not_wait_for_its_padding() {
    let mut input = BytesMut::from(&b"\x01\x05\x00\x01\x00\x00\x08\x00"[..]);
    let record = Decoder::new().decode(&mut input);
    assert!(matches!(record, Ok(Some(record)) if record.content.is_empty()));
}

#[test]
fn a_whole_record_does_not_wait_for_its_padding() {
    let mut input = BytesMut::from(&b"\x01\x09\x00\x00\x00\x02\x08\x00\x00\x00"[..]);
    let record = Decoder::new().decode(&mut input);
    assert!(matches!(record, Ok(Some(record)) if record.content.len() == 2));
    assert!(input.is_empty());
}

#[test]
fn content_and_padding_together_may_exceed_65535() {
    let mut input = BytesMut::from(&b"\x01\x05\x00\x01\xff\xff\xff\x00"[..]);
    input.extend_from_slice(&[b'a'; 65_535]);
    input.extend_from_slice(&[0; 255]);
    let mut decoder = Decoder::new();
    let record = decoder.decode(&mut input).expect("version 1");
    assert_eq!(record.map(|record| record.content.len()), Some(65_535));
    assert!(input.is_empty());
    input.extend_from_slice(b"\x01\x02\x00\x01\x00\x00\x00\x00");
    let record = decoder.decode(&mut input).expect("version 1");
    assert_eq!(
        record.map(|record| record.record_type),
        Some(RecordType::ABORT_REQUEST)
    );
}

#[test]
fn the_reserved_byte_means_nothing() {
    assert_eq!(decode(b"\x01\x05\x00\x01\x00\x01\x00\xffa"), ["STDIN 1: a"]);
}

#[test]
fn lengths_and_ids_are_big_endian() {
    let mut input = b"\x01\x05\x12\x34\x01\x02\x00\x00".to_vec();
    input.extend([b'a'; 0x0102]);
    assert_eq!(
        decode(&input),
        [format!("STDIN {}: {}", 0x1234, "a".repeat(0x0102))]
    );
}

#[test]
fn every_type_is_read() {
    let names = [
        "RecordType(0)",
        "BEGIN_REQUEST",
        "ABORT_REQUEST",
        "END_REQUEST",
        "PARAMS",
        "STDIN",
        "STDOUT",
        "STDERR",
        "DATA",
        "GET_VALUES",
        "GET_VALUES_RESULT",
        "UNKNOWN_TYPE",
        "RecordType(12)",
    ];
    for (number, name) in (0..).zip(names) {
        assert_eq!(
            decode(&record(number, 7, b"x")),
            [format!("{name} 7: x")],
            "{number}"
        );
        assert_eq!(RecordType::from(number).as_u8(), number);
    }
    assert_eq!(decode(&record(255, 0, b"")), ["RecordType(255) 0: "]);
}

#[test]
fn another_version_is_an_error() {
    for version in [0, 2, b'G', 0x16, 0xff] {
        let mut input = record(5, 1, b"before");
        input.extend([version, 5, 0, 1, 0, 0, 0, 0]);
        assert_eq!(
            decode(&input),
            [
                "STDIN 1: before".to_owned(),
                format!("record of version {version}, wanted 1")
            ]
        );
    }
}

#[test]
fn nothing_comes_of_a_part_of_a_header() {
    for length in 0..8 {
        let mut input = BytesMut::from(b"\x01\x05\x00\x01\x00\x00\x00\x00".get(..length).unwrap());
        assert_eq!(Decoder::new().decode(&mut input), Ok(None));
        assert_eq!(input.len(), length);
    }
}

#[test]
fn a_stream_record_is_handed_out_as_it_arrives() {
    let mut decoder = Decoder::new();
    // STDIN of 65 535 bytes, of which three have arrived.
    let mut input = BytesMut::from(&b"\x01\x05\x00\x01\xff\xff\x00\x00abc"[..]);
    let record = decoder
        .decode(&mut input)
        .expect("version 1")
        .expect("a part");
    assert_eq!(
        (record.request_id, &record.content[..]),
        (Some(RequestId::ONE), &b"abc"[..])
    );
    assert_eq!(decoder.decode(&mut input), Ok(None), "never an empty part");
    input.extend_from_slice(b"d");
    let record = decoder
        .decode(&mut input)
        .expect("version 1")
        .expect("a part");
    assert_eq!(&record.content[..], b"d");
}

#[test]
fn other_records_are_handed_out_whole() {
    let input = record(9, 0, b"abc");
    for length in 0..input.len() {
        let mut input = BytesMut::from(input.get(..length).unwrap());
        assert_eq!(
            Decoder::new().decode(&mut input),
            Ok(None),
            "{length} bytes"
        );
    }
    assert_eq!(decode(&input), ["GET_VALUES 0: abc"]);
}

#[test]
fn contents_share_the_buffer_they_arrived_in() {
    let mut input = BytesMut::from(&record(5, 1, b"abc")[..]);
    let content = input.as_ptr().wrapping_add(8);
    let record = Decoder::new()
        .decode(&mut input)
        .expect("version 1")
        .unwrap();
    assert_eq!(record.content.as_ptr(), content);
}

#[test]
fn headers_stand_as_3_3_draws_them() {
    let bytes = *b"\x01\x06\x12\x34\x56\x78\x9a\x00";
    let header = Header {
        record_type: RecordType::STDOUT,
        request_id: Some(id(0x1234)),
        content_length: 0x5678,
        padding_length: 0x9a,
    };
    assert_eq!(Header::parse(bytes), Ok(header));
    assert_eq!(header.to_bytes(), bytes);
    let header = Header::parse(*b"\x01\x0b\x00\x00\x00\x08\x00\xff").expect("version 1");
    assert_eq!(header.request_id, None);
    assert_eq!(header.to_bytes(), *b"\x01\x0b\x00\x00\x00\x08\x00\x00");
    let error = Header::parse(*b"\x02\x0b\x00\x00\x00\x08\x00\xff").unwrap_err();
    assert_eq!(error.to_string(), "record of version 2, wanted 1");
}

#[test]
fn begin_request_stands_as_5_1_draws_it() {
    let begin = BeginRequest::parse(*b"\x00\x03\x01\xff\xff\xff\xff\xff");
    assert_eq!(begin.role, Role::FILTER);
    assert!(begin.flags.contains(Flags::KEEP_CONN));
    assert_eq!(begin.to_bytes(), *b"\x00\x03\x01\x00\x00\x00\x00\x00");
    let begin = BeginRequest::parse(*b"\x12\x34\xfe\x00\x00\x00\x00\x00");
    assert_eq!(begin.role.as_u16(), 0x1234);
    assert!(!begin.flags.contains(Flags::KEEP_CONN));
    assert_eq!(begin.flags.as_u8(), 0xfe, "unknown bits are kept");
    assert_eq!((begin.flags | Flags::KEEP_CONN).as_u8(), 0xff);
}

#[test]
fn end_request_stands_as_5_5_draws_it() {
    let end = EndRequest::parse(*b"\x12\x34\x56\x78\x02\xff\xff\xff");
    assert_eq!(
        end,
        EndRequest {
            app_status: 0x1234_5678,
            protocol_status: ProtocolStatus::OVERLOADED,
        }
    );
    assert_eq!(end.to_bytes(), *b"\x12\x34\x56\x78\x02\x00\x00\x00");
    assert_eq!(EndRequest::COMPLETE.to_bytes(), [0; 8]);
}

#[test]
fn success_is_protocol_status_0() {
    // A peer sends 1 on every success, which reads as FCGI_CANT_MPX_CONN.
    assert_eq!(ProtocolStatus::REQUEST_COMPLETE.as_u8(), 0);
    assert_eq!(ProtocolStatus::CANT_MPX_CONN.as_u8(), 1);
    assert_eq!(ProtocolStatus::OVERLOADED.as_u8(), 2);
    assert_eq!(ProtocolStatus::UNKNOWN_ROLE.as_u8(), 3);
}

#[test]
fn numbers_without_a_name_are_printed_as_numbers() {
    assert_eq!(format!("{:?}", Role::from(1)), "RESPONDER");
    assert_eq!(format!("{:?}", Role::from(2)), "AUTHORIZER");
    assert_eq!(format!("{:?}", Role::from(4)), "Role(4)");
    assert_eq!(format!("{:?}", ProtocolStatus::from(3)), "UNKNOWN_ROLE");
    assert_eq!(
        format!("{:?}", ProtocolStatus::from(4)),
        "ProtocolStatus(4)"
    );
    assert_eq!(format!("{:?}", id(9)), "RequestId(9)");
}

#[test]
fn zero_is_no_request_id() {
    assert_eq!(RequestId::new(0), None);
    assert_eq!(RequestId::new(65_535).map(RequestId::get), Some(65_535));
}
