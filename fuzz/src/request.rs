//! Params to the head of a request.

use fastcgi_core::{
    Params,
    cgi::{Mapping, OnMismatch, PathSource, ScriptName},
};
use http::{Uri, header, request::Parts};
use percent_encoding::percent_decode;

/// The first line is a digit for the options and the configured script name, `-` for none; the others are
/// `NAME=value`.
pub fn check(data: &[u8]) {
    let mut lines = data.split(|&byte| byte == b'\n');
    let Some(Some((&options, script_name))) = lines.next().map(<[u8]>::split_first) else {
        return;
    };
    let Some(setup) = Setup::new(options, script_name) else {
        return;
    };
    let params: Params = lines
        .filter_map(|line| {
            let equals = line.iter().position(|&byte| byte == b'=')?;
            Some((line.get(..equals)?, line.get(equals + 1..)?))
        })
        .collect();
    let Ok(request) = setup.mapping().request(&params) else {
        return;
    };
    check_uri(&request.uri);
    check_head(&request, &params);
    if request.uri != "*" {
        check_script_name(&request, &setup);
        check_path(&request, &params, &setup);
    }
}

struct Setup {
    script_name: Option<ScriptName>,
    path_source: PathSource,
    on_mismatch: OnMismatch,
    is_cgi: bool,
}

impl Setup {
    fn new(options: u8, script_name: &[u8]) -> Option<Self> {
        let script_name = match std::str::from_utf8(script_name).ok()?.trim_start() {
            "-" => None,
            name => Some(name.parse().ok()?),
        };
        let path_source = match options % 4 {
            0 | 3 => PathSource::Auto,
            1 => PathSource::PathInfo,
            _ => PathSource::RequestUri,
        };
        let on_mismatch = match options / 4 % 2 {
            0 => OnMismatch::Keep,
            _ => OnMismatch::NotFound,
        };
        Some(Self {
            script_name,
            path_source,
            on_mismatch,
            is_cgi: options / 8 % 2 == 1,
        })
    }

    fn mapping(&self) -> Mapping {
        let mapping = match self.script_name.clone() {
            Some(script_name) => Mapping::default().script_name(script_name),
            None => Mapping::default(),
        };
        mapping
            .path_source(self.path_source)
            .on_mismatch(self.on_mismatch)
            .cgi(self.is_cgi)
    }
}

/// Origin form, and nothing in it that a router could read in another way than the web server did.
fn check_uri(uri: &Uri) {
    let written = uri.to_string();
    assert_eq!(written.parse::<Uri>().ok().as_ref(), Some(uri));
    assert!(uri.scheme().is_none() && uri.authority().is_none());
    if written == "*" {
        return;
    }
    assert!(
        written.starts_with('/') && !written.starts_with("//"),
        "{written}"
    );
    let is_dotted = decode(uri.path())
        .split(|&byte| byte == b'/')
        .any(|segment| segment == b"." || segment == b"..");
    assert!(!is_dotted, "{written}");
    assert!(
        written.bytes().all(|byte| byte.is_ascii_graphic()),
        "{written}"
    );
}

fn check_head(request: &Parts, params: &Params) {
    assert_eq!(request.extensions.get::<Params>(), Some(params));
    for name in [header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE] {
        assert!(request.headers.get_all(&name).iter().count() <= 1, "{name}");
    }
    assert!(!request.headers.contains_key("proxy"));
    assert!(!request.headers.contains_key(header::TRANSFER_ENCODING));
}

fn check_script_name(request: &Parts, setup: &Setup) {
    let script_name: &ScriptName = request.extensions.get().expect("every request has one");
    if let Some(configured) = &setup.script_name {
        assert_eq!(script_name, configured);
    }
    let external = script_name.external_uri(&request.uri).to_string();
    assert!(
        external.starts_with('/') && !external.starts_with("//"),
        "{external}"
    );
    assert!(external.ends_with(&request.uri.to_string()), "{external}");
    let name = script_name.as_bytes();
    assert!(name.is_empty() || (name.starts_with(b"/") && !name.ends_with(b"/")));
}

/// Where `PATH_INFO` decides, it is the decoded path.
fn check_path(request: &Parts, params: &Params, setup: &Setup) {
    let value = |name| params.get(name).unwrap_or_default();
    let mut joined = [value("SCRIPT_NAME"), value("PATH_INFO")].concat();
    if !joined.starts_with(b"/") {
        joined.insert(0, b'/');
    }
    // N9: parts that the client has split are put together again. T-2: parts without a slash between them always are.
    let (path_info, whole) = match value("PATH_INFO") {
        [] => return,
        path_info @ [b'/', ..] => (path_info.to_vec(), joined),
        _ => (joined.clone(), joined),
    };
    // These put more into PATH_INFO than the path below the mount (T-2, T-3), or repeat another path in it (T-8, P).
    let is_special = [&b"Microsoft-IIS"[..], b"Caddy", b"h2o"]
        .iter()
        .any(|server| value("SERVER_SOFTWARE").starts_with(server))
        || value("SCRIPT_FILENAME").starts_with(b"proxy:");
    let decides = match setup.path_source {
        PathSource::PathInfo => true,
        PathSource::Auto => setup.script_name.is_none(),
        _ => false,
    };
    if is_special || !decides {
        return;
    }
    let path = request.uri.path();
    // T-12: of several slashes in front, all but the first are spelled so.
    let spelled = path.trim_start_matches('/').trim_start_matches("%2F");
    let spelled = [path.to_owned(), format!("/{spelled}")];
    let is_same = [&path_info, &whole].into_iter().any(|meant| {
        let wanted = squash(meant);
        squash(&decode(path)) == wanted
            || squash(&decode_but_slashes(path.as_bytes())) == wanted
            || spelled
                .iter()
                .any(|path| squash(path.as_bytes()) == squash(&repair(meant)))
    });
    let wanted = squash(&path_info);
    let says = path_info.escape_ascii();
    assert!(is_same, "{path} for {says}");
    let by_info = setup.path_source == PathSource::PathInfo;
    assert!(
        !by_info || squash(&decode(path)) == wanted,
        "{path} for {says}"
    );
}

fn decode(path: &str) -> Vec<u8> {
    percent_decode(path.as_bytes()).collect()
}

/// As Apache's `AllowEncodedSlashes NoDecode`.
fn decode_but_slashes(path: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        let escape = rest.get(..3).filter(|_| first == b'%');
        let byte = escape.map(|escape| percent_decode(escape).collect::<Vec<_>>());
        match byte.as_deref() {
            Some([byte]) if !matches!(byte, b'/' | b'\\') => {
                decoded.push(*byte);
                rest = rest.get(3..).unwrap_or_default();
            }
            _ => {
                decoded.push(first);
                rest = after;
            }
        }
    }
    decoded
}

/// What `http::Uri` refuses, escaped.
fn repair(path: &[u8]) -> Vec<u8> {
    let mut repaired = Vec::new();
    for &byte in path {
        if byte.is_ascii_graphic() && !b"#<>`\\".contains(&byte) {
            repaired.push(byte);
        } else {
            repaired.extend(format!("%{byte:02X}").bytes());
        }
    }
    repaired
}

fn squash(path: &[u8]) -> Vec<u8> {
    let mut squashed = path.to_vec();
    squashed.dedup_by(|byte, before| *byte == b'/' && *before == b'/');
    squashed
}
