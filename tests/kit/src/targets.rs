//! Requests of which it is known what an application has to see: every layout of fastcgi-core's table, and what web servers sent
//! for internal redirects.

use flate2::read::GzDecoder;
use serde::{Deserialize, de::DeserializeOwned};

/// Where fastcgi-core keeps them.
macro_rules! fixture {
    ($name:literal) => {
        &include_bytes!(concat!("../../../fastcgi-core/tests/it/fixtures/", $name))[..]
    };
}

/// One request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// What it is, for messages.
    pub name: String,
    /// How the application is set up.
    pub setup: Setup,
    /// The records that a web server sends, on a connection for this request alone.
    pub records: Vec<u8>,
    /// What [`seen`] makes of what the application has to see, or the status with which the request has to be refused.
    pub expected: Result<String, u16>,
}

/// The settings of the application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Setup {
    /// The configured script name.
    pub script_name: Option<String>,
    /// `auto`, `path-info` or `request-uri`.
    pub path_source: String,
    /// `OnMismatch::NotFound`.
    pub not_found: bool,
}

/// What an application sees of a request: the URI, and the script name.
#[must_use]
pub fn seen(uri: &str, script_name: &[u8]) -> String {
    format!("{uri} below \"{}\"", script_name.escape_ascii())
}

#[derive(Deserialize)]
struct Case {
    id: serde_json::Value,
    #[serde(default)]
    note: String,
    #[serde(default = "get")]
    method: String,
    params: Vec<(String, String)>,
    #[serde(default)]
    script_name_override: Option<String>,
    #[serde(default = "auto")]
    path_source: String,
    /// Started as a CGI program.
    #[serde(default)]
    cgi: bool,
    #[serde(default)]
    on_mismatch: Option<String>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expected {
    Refused { status: u16 },
    Accepted { uri: String, script_name: String },
}

fn get() -> String {
    "GET".to_owned()
}

fn auto() -> String {
    "auto".to_owned()
}

/// All of them, but for those of plain CGI, which come in an environment.
///
/// # Panics
///
/// When the files are not what they were.
#[must_use]
pub fn targets() -> Vec<Target> {
    #[derive(Deserialize)]
    struct Table {
        cases: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Recordings {
        recordings: Vec<Case>,
    }
    let table: Table = parsed(fixture!("request_target.json"));
    let packed = GzDecoder::new(fixture!("internal_redirects.json.gz"));
    let recordings: Recordings = parsed(packed);
    let cases = table.cases.into_iter().chain(recordings.recordings);
    cases.filter(|it| !it.cgi).map(Case::into_target).collect()
}

fn parsed<T: DeserializeOwned>(file: impl std::io::Read) -> T {
    match serde_json::from_reader(file) {
        Ok(parsed) => parsed,
        Err(error) => panic!("a fixture of fastcgi-core: {error}"),
    }
}

impl Case {
    fn into_target(self) -> Target {
        let mut pairs = pair(b"REQUEST_METHOD", self.method.as_bytes());
        // There is no body.
        let params = self.params.iter().filter(|it| it.0 != "CONTENT_LENGTH");
        pairs.extend(params.flat_map(|(name, value)| pair(&latin1(name), &latin1(value))));
        Target {
            name: format!("{} {}", self.id, self.note),
            setup: Setup {
                script_name: self.script_name_override,
                path_source: self.path_source,
                not_found: self.on_mismatch.as_deref() == Some("not-found"),
            },
            records: records(&pairs),
            expected: match self.expect {
                Expected::Refused { status } => Err(status),
                Expected::Accepted { uri, script_name } => Ok(seen(&uri, &latin1(&script_name))),
            },
        }
    }
}

/// The bytes of a string of the fixtures, in which one character is one byte.
fn latin1(text: &str) -> Vec<u8> {
    let byte = |it: char| u8::try_from(it).unwrap_or_else(|_| panic!("{it:?} is no byte"));
    text.chars().map(byte).collect()
}

/// A name-value pair with both lengths in four bytes (specification, 3.4).
fn pair(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| match u32::try_from(part.len()) {
        Ok(length) => (length | 1 << 31).to_be_bytes(),
        Err(error) => panic!("a name or a value: {error}"),
    };
    [&length(name), &length(value), name, value].concat()
}

/// A request without a body.
fn records(pairs: &[u8]) -> Vec<u8> {
    const BEGIN_REQUEST: u8 = 1;
    const PARAMS: u8 = 4;
    const STDIN: u8 = 5;
    let record = |record_type, content: &[u8]| {
        let [high, low] = u16::try_from(content.len()).unwrap_or(0).to_be_bytes();
        [&[1, record_type, 0, 1, high, low, 0, 0], content].concat()
    };
    let params = pairs.chunks(0x8000).map(|it| record(PARAMS, it));
    [
        record(BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]),
        params.flatten().collect(),
        record(PARAMS, b""),
        record(STDIN, b""),
    ]
    .concat()
}
