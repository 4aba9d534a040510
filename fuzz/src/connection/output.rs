//! What was sent, read back.

use std::collections::BTreeMap;

use bytes::BytesMut;
use fastcgi_core::record::{Decoder, EndRequest, RecordType, RequestId};

/// A request that was ended.
pub(super) struct Ended {
    pub(super) id: RequestId,
    pub(super) stdout: Vec<u8>,
    pub(super) end: EndRequest,
}

/// The requests that were ended, in order. Behind a response that broke off, a broken record is all that follows.
pub(super) fn read(output: &[u8], is_broken: bool) -> Vec<Ended> {
    let mut rest = BytesMut::from(output);
    if is_broken {
        let whole = output.len().checked_sub(8).expect("a broken record");
        let [version, record_type, .., length, 0, 0] = rest.split_off(whole)[..] else {
            panic!("a record of STDOUT that is not of version 1");
        };
        assert_eq!((version, record_type, length), (0, 6, 8));
    }
    let mut decoder = Decoder::new();
    let mut streams: BTreeMap<RequestId, Stdout> = BTreeMap::new();
    let mut ended = Vec::new();
    while let Some(record) = decoder.decode(&mut rest).expect("version 1") {
        match (record.record_type, record.request_id) {
            (RecordType::STDOUT, Some(id)) => {
                streams.entry(id).or_default().push(&record.content);
            }
            (RecordType::STDERR, Some(_)) => {}
            (RecordType::END_REQUEST, Some(id)) => {
                let stdout = streams.remove(&id).unwrap_or_default();
                let content = record.content[..].try_into().expect("eight bytes");
                let end = EndRequest::parse(content);
                assert!(stdout.is_ended, "a whole response");
                let stdout = stdout.content;
                ended.push(Ended { id, stdout, end });
            }
            (RecordType::GET_VALUES_RESULT | RecordType::UNKNOWN_TYPE, None) => {}
            (other, id) => panic!("{other:?} for {id:?}"),
        }
    }
    assert!(rest.is_empty(), "whole records");
    ended
}

#[derive(Default)]
struct Stdout {
    content: Vec<u8>,
    is_ended: bool,
}

impl Stdout {
    fn push(&mut self, content: &[u8]) {
        assert!(!self.is_ended, "nothing follows the end of STDOUT");
        self.is_ended = content.is_empty();
        self.content.extend_from_slice(content);
    }
}
