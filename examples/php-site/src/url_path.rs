//! The path of a request, read as nginx reads it: decoded once, then freed of dot segments and double slashes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What of a path need not be escaped in a `location`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A path below the root. Everything is decided by it, and nothing by the spelling that the client chose.
#[derive(Debug)]
pub(crate) struct UrlPath {
    /// None is empty, `.` or `..`, and none has a slash or a zero byte.
    segments: Vec<Vec<u8>>,
    /// Whether a slash follows the last segment.
    is_folder: bool,
}

impl UrlPath {
    /// `None` if it leads above the root or has a zero byte: 400.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let decoded: Vec<u8> = percent_decode_str(path.strip_prefix('/')?).collect();
        if decoded.contains(&0) {
            return None;
        }
        let mut segments = Vec::new();
        let mut is_folder = true;
        for segment in decoded.split(|&byte| byte == b'/') {
            is_folder = matches!(segment, b"" | b"." | b"..");
            match segment {
                b"" | b"." => {}
                b".." => drop(segments.pop()?),
                name => segments.push(name.to_vec()),
            }
        }
        Some(Self {
            segments,
            is_folder,
        })
    }

    pub(crate) fn segments(&self) -> &[Vec<u8>] {
        &self.segments
    }

    pub(crate) fn is_folder(&self) -> bool {
        self.is_folder
    }

    /// The script of `/blog/index.php/2024/may` is `/blog/index.php`, and `/2024/may` is its path info: the first name that
    /// ends in `.php` counts, so `/x.jpg/y.php` is a file `y.php`, and never a file `x.jpg` with a path info.
    pub(crate) fn split_script(&self) -> Option<(&[Vec<u8>], Vec<u8>)> {
        let last = self
            .segments
            .iter()
            .position(|name| name.ends_with(b".php"))?;
        let (script, rest) = self.segments.split_at_checked(last + 1)?;
        let mut path_info = joined(rest);
        if self.is_folder {
            path_info.push(b'/');
        }
        Some((script, path_info))
    }

    /// The same path with a slash behind it, escaped: where a folder is. It begins with one slash, so it is never the name of
    /// another host.
    pub(crate) fn as_folder(&self) -> String {
        let names = self.segments.iter();
        let escaped = names.map(|name| format!("/{}", percent_encode(name, ESCAPED)));
        escaped.collect::<String>() + "/"
    }
}

/// `/a/b`
pub(crate) fn joined(segments: &[Vec<u8>]) -> Vec<u8> {
    let with_slash = segments.iter().flat_map(|name| [b"/", name.as_slice()]);
    with_slash.collect::<Vec<_>>().concat()
}

/// `a/b`, for the file system.
pub(crate) fn relative(segments: &[Vec<u8>]) -> PathBuf {
    segments
        .iter()
        .map(|name| OsStr::from_bytes(name))
        .collect()
}
