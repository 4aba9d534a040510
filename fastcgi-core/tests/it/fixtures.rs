//! The recorded connections of `fixtures/captures.tar.gz`, and the requests that they carry.
//!
//! `fixtures/make_captures.py` made the file, and says what is in it.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped has failed the test"
)]

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;

/// What one connection received, in one configuration of a web server.
pub(crate) struct Capture {
    /// Such as `nginx-unix/get_root`.
    pub(crate) name: String,
    /// Every byte; `None` where a recording has lost them.
    pub(crate) wire: Option<Vec<u8>>,
    /// In the order of their BEGIN_REQUEST records.
    pub(crate) requests: Vec<RecordedRequest>,
}

/// Names and values.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

#[derive(Deserialize)]
pub(crate) struct RecordedRequest {
    pub(crate) id: u16,
    pub(crate) role: u16,
    #[serde(deserialize_with = "latin1_pairs")]
    pub(crate) params: Pairs,
    /// How many bytes of body arrived.
    pub(crate) stdin_length: usize,
    pub(crate) stdin_sha256: String,
    /// Whether the empty STDIN record arrived.
    pub(crate) stdin_ended: bool,
    /// Whether the web server sent the whole request.
    pub(crate) is_complete: bool,
    pub(crate) head: Head,
    /// Empty for requests that are for no responder, or not complete.
    #[serde(default)]
    pub(crate) targets: Vec<Target>,
}

/// What H-1 to H-12, T-16, T-17 and T-18 make of the params.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Head {
    Refused {
        status: u16,
    },
    Accepted {
        method: String,
        version: String,
        #[serde(deserialize_with = "latin1_pairs")]
        headers: Pairs,
    },
}

/// What T-1 to T-13 make of the params.
#[derive(Deserialize)]
pub(crate) struct Target {
    /// The configured script name, if there is one.
    pub(crate) script_name: Option<String>,
    pub(crate) expect: Expected,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Expected {
    Refused {
        status: u16,
    },
    Accepted {
        uri: String,
        script_name: String,
        path_info: String,
        /// The line of T-8, where the fixture names it.
        rule: Option<String>,
    },
}

/// All recorded connections.
pub(crate) fn captures() -> Vec<Capture> {
    let packed = &include_bytes!("fixtures/captures.tar.gz")[..];
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }

    let mut captures = Vec::new();
    for (file, content) in &files {
        if let Some(name) = file.strip_suffix(".json") {
            #[derive(Deserialize)]
            struct Connection {
                requests: Vec<RecordedRequest>,
            }
            let connection: Connection = serde_json::from_slice(content).unwrap();
            captures.push(Capture {
                name: name.to_owned(),
                wire: files.get(&format!("{name}.bin")).cloned(),
                requests: connection.requests,
            });
        }
    }
    captures
}

/// The bytes of a string of the fixtures, in which one character is one byte.
pub(crate) fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

/// Such a string of bytes.
pub(crate) fn from_latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Pairs of such strings.
pub(crate) fn latin1_pairs<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Pairs, D::Error> {
    let pairs = Vec::<(String, String)>::deserialize(deserializer)?;
    Ok(pairs
        .iter()
        .map(|(name, value)| (latin1(name), latin1(value)))
        .collect())
}

/// The bytes that a percent-encoded text stands for.
pub(crate) fn percent_decoded(text: &str) -> Vec<u8> {
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut bytes = text.as_bytes();
    let mut decoded = Vec::new();
    while let [byte, rest @ ..] = bytes {
        match (digit(rest.first()), digit(rest.get(1))) {
            (Some(high), Some(low)) if *byte == b'%' => {
                decoded.push(u8::try_from(high * 16 + low).unwrap());
                bytes = &rest[2..];
            }
            _ => {
                decoded.push(*byte);
                bytes = rest;
            }
        }
    }
    decoded
}
