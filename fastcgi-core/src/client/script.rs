//! Scripts, as php-fpm and other process managers have them named.

use std::{fmt, path::Path};

use bytes::BytesMut;
use http::Method;

use super::{
    ServerInfo,
    params::{parse, put_server, put_str},
};
use crate::cgi::encode_path;
use crate::params::{Params, put_pair};

/// A request for a script: the params by which php-fpm finds it, and those that every request has.
///
/// It becomes [`Params`] as they are, or, by [`location`](Self::location), those of an HTTP request.
///
/// | param | value |
/// |---|---|
/// | `SCRIPT_FILENAME` | the document root and the name: the file that is run |
/// | `SCRIPT_NAME` | the name |
/// | `PATH_INFO` | [`path_info`](Self::path_info) |
/// | `DOCUMENT_ROOT` | the document root; not sent where it is empty |
/// | `DOCUMENT_URI` | the name and the path info |
/// | `REDIRECT_STATUS` | `200`, without which php-cgi refuses every request |
/// | `REQUEST_METHOD` | [`method`](Self::method), `GET` by default |
/// | `REQUEST_URI` | [`request_uri`](Self::request_uri), by default name, path info and query, encoded |
/// | `QUERY_STRING` | [`query`](Self::query), empty by default |
/// | `CONTENT_TYPE`, `CONTENT_LENGTH` | as given, else not sent |
/// | `SERVER_PROTOCOL` | `HTTP/1.1` |
/// | `GATEWAY_INTERFACE` | `CGI/1.1` |
/// | `SERVER_NAME`, `SERVER_PORT`, `SERVER_SOFTWARE`, `REQUEST_SCHEME`, ... | those of the [`ServerInfo`] |
///
/// `REMOTE_ADDR` is not sent unless the [`ServerInfo`] has it: scripts trust 127.0.0.1.
///
/// ```
/// use fastcgi_core::{Params, client::Script};
///
/// let script = Script::new("/srv/www", "/shop/index.php")?.path_info("/a b").query("page=2");
/// let params = Params::from(script);
/// assert_eq!(params.get("SCRIPT_FILENAME"), Some(&b"/srv/www/shop/index.php"[..]));
/// assert_eq!(params.get("REQUEST_URI"), Some(&b"/shop/index.php/a%20b?page=2"[..]));
/// # Ok::<(), fastcgi_core::client::InvalidScript>(())
/// ```
#[derive(Clone)]
pub struct Script {
    // Without a slash at the end, unless it is the root of the file system.
    document_root: Vec<u8>,
    // Begins with a slash, ends with none, and has neither dot segments nor a zero byte.
    name: Vec<u8>,
    path_info: Vec<u8>,
    method: Method,
    query: String,
    request_uri: Option<String>,
    content_type: Option<String>,
    content_length: Option<u64>,
    server: ServerInfo,
    more: Params,
}

impl Script {
    /// The script `name`, such as `/index.php`, below `document_root`, as its own machine sees both.
    ///
    /// The root is taken as it is; php-fpm finds no file where it has a segment `..`. Whether the file is there is not asked.
    /// php-fpm with `cgi.fix_pathinfo=1`, which is the default, runs `/a.jpg` where it is asked for `/a.jpg/x.php` and there is
    /// no such file; `security.limit_extensions` keeps it from that.
    ///
    /// # Errors
    ///
    /// When `name` does not begin with a slash, ends with one, has a segment `.` or `..`, or a zero byte: the file would
    /// not be below the root.
    pub fn new(
        document_root: impl AsRef<Path>,
        name: impl AsRef<[u8]>,
    ) -> Result<Self, InvalidScript> {
        let name = name.as_ref();
        let fault = if !name.starts_with(b"/") {
            Some(Fault::NoSlash)
        } else if name.ends_with(b"/") {
            Some(Fault::Folder)
        } else if name.contains(&0) {
            Some(Fault::ZeroByte)
        } else if name
            .split(|&byte| byte == b'/')
            .any(|segment| matches!(segment, b"." | b".."))
        {
            Some(Fault::DotSegment)
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(InvalidScript(fault));
        }
        let mut root = document_root.as_ref().as_os_str().as_encoded_bytes();
        while let Some(shorter) = root.strip_suffix(b"/").filter(|it| !it.is_empty()) {
            root = shorter;
        }
        Ok(Self {
            document_root: root.to_vec(),
            name: name.to_vec(),
            path_info: Vec::new(),
            method: Method::GET,
            query: String::new(),
            request_uri: None,
            content_type: None,
            content_length: None,
            server: ServerInfo::default().name("localhost"),
            more: Params::default(),
        })
    }

    /// The script in `file`, such as `/srv/www/index.php`: its folder is the document root.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), when it has no name, and when the path is relative: php-fpm has another working directory.
    pub fn file(file: impl AsRef<Path>) -> Result<Self, InvalidScript> {
        let file = file.as_ref();
        let (Some(folder), Some(name)) = (file.parent(), file.file_name()) else {
            return Err(InvalidScript(Fault::Folder));
        };
        if !file.has_root() {
            return Err(InvalidScript(Fault::Relative));
        }
        Self::new(folder, [b"/", name.as_encoded_bytes()].concat())
    }

    /// A page that php-fpm has itself, by the path that its configuration gives: `ping.path` or `pm.status_path`.
    ///
    /// There is no document root, and `SCRIPT_FILENAME` is the path, too.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn page(path: impl AsRef<[u8]>) -> Result<Self, InvalidScript> {
        Self::new("", path)
    }

    /// The script and the path info that `path`, which is decoded, has below `document_root`.
    ///
    /// The script ends with the first segment that ends in `extension`, such as `.php`; without such a segment it is all
    /// of `path`.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new), of the script's name.
    pub fn split(
        document_root: impl AsRef<Path>,
        path: impl AsRef<[u8]>,
        extension: &str,
    ) -> Result<Self, InvalidScript> {
        let path = path.as_ref();
        let mut end = 0;
        for segment in path.split_inclusive(|&byte| byte == b'/') {
            end += segment.len();
            let segment = segment.strip_suffix(b"/").unwrap_or(segment);
            if segment.ends_with(extension.as_bytes()) && !segment.is_empty() {
                break;
            }
        }
        let (name, path_info) = path.split_at_checked(end).unwrap_or((path, b""));
        // The slash belongs to what follows.
        let (name, path_info) = match name.strip_suffix(b"/") {
            Some(name) if name.ends_with(extension.as_bytes()) => {
                (name, [b"/", path_info].concat())
            }
            _ => (name, path_info.to_vec()),
        };
        Ok(Self::new(document_root, name)?.path_info(path_info))
    }

    /// `PATH_INFO`: what follows the script in the path, decoded. Empty by default.
    #[must_use]
    pub fn path_info(mut self, path: impl AsRef<[u8]>) -> Self {
        self.path_info = path.as_ref().to_vec();
        self
    }

    /// `REQUEST_METHOD`. Default: `GET`.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// `QUERY_STRING`, encoded as in a URL, without the question mark. Empty by default.
    #[must_use]
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = query.into();
        self
    }

    /// `REQUEST_URI`: what the client asked for, with its query. A front controller, such as WordPress's `index.php`, goes
    /// by it. By default it is the path of the script itself.
    #[must_use]
    pub fn request_uri(mut self, target: impl Into<String>) -> Self {
        self.request_uri = Some(target.into());
        self
    }

    /// `CONTENT_TYPE`. Not sent by default. PHP fills `$_POST` from `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// `CONTENT_LENGTH`, in bytes. Not sent by default. PHP reads no body without it.
    #[must_use]
    pub fn content_length(mut self, bytes: u64) -> Self {
        self.content_length = Some(bytes);
        self
    }

    /// What the script gets to know of the web server and of its client. By default the name of the server is `localhost`,
    /// its port 80, and nothing is sent about the client.
    #[must_use]
    pub fn server_info(mut self, server: ServerInfo) -> Self {
        self.server = server;
        self
    }

    /// A further param, behind all others, in the place of one with the same name. Header fields are such params:
    /// `HTTP_ACCEPT`.
    #[must_use]
    pub fn param(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let pair = (name.as_ref(), value.as_ref());
        self.more = self.more.with(&[pair].into_iter().collect());
        self
    }

    /// The params that say which script is meant: those of the table down to `REDIRECT_STATUS`, and further ones.
    ///
    /// They belong behind those of an HTTP request, which has the rest. `PATH_INFO` is there also where it is empty.
    pub fn location(&self) -> Params {
        let mut block = BytesMut::new();
        self.put_location(&mut block);
        parse(block).with(&self.more)
    }

    fn put_location(&self, block: &mut BytesMut) {
        let root = match &self.document_root[..] {
            b"/" => b"",
            root => root,
        };
        put_pair(block, b"SCRIPT_FILENAME", &[root, &self.name].concat());
        put_pair(block, b"SCRIPT_NAME", &self.name);
        put_pair(block, b"PATH_INFO", &self.path_info);
        if !self.document_root.is_empty() {
            put_pair(block, b"DOCUMENT_ROOT", &self.document_root);
        }
        put_pair(block, b"DOCUMENT_URI", &self.path());
        put_str(block, "REDIRECT_STATUS", "200");
    }

    fn path(&self) -> Vec<u8> {
        [&self.name[..], &self.path_info].concat()
    }

    fn target(&self) -> String {
        if let Some(target) = &self.request_uri {
            return target.clone();
        }
        let mut target = encode_path(&self.path()).into_owned();
        if !self.query.is_empty() {
            target.push('?');
            target.push_str(&self.query);
        }
        target
    }
}

/// All of the table in [`Script`].
impl From<Script> for Params {
    fn from(script: Script) -> Self {
        let mut block = BytesMut::new();
        let server = &script.server;
        put_str(&mut block, "REQUEST_METHOD", script.method.as_str());
        put_str(&mut block, "REQUEST_URI", &script.target());
        put_str(&mut block, "QUERY_STRING", &script.query);
        if let Some(content_type) = &script.content_type {
            put_str(&mut block, "CONTENT_TYPE", content_type);
        }
        if let Some(length) = script.content_length {
            put_str(&mut block, "CONTENT_LENGTH", &length.to_string());
        }
        put_str(&mut block, "SERVER_PROTOCOL", "HTTP/1.1");
        put_str(&mut block, "REQUEST_SCHEME", server.scheme());
        put_str(
            &mut block,
            "SERVER_NAME",
            server.name.as_deref().unwrap_or("localhost"),
        );
        put_server(&mut block, server);
        // The server may have a document root of its own.
        parse(block).with(&script.location())
    }
}

/// The name alone: a query may have secrets in it.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("name", &String::from_utf8_lossy(&self.name))
            .finish_non_exhaustive()
    }
}

/// A name that is not that of a file below a document root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidScript(Fault);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoSlash,
    Folder,
    ZeroByte,
    DotSegment,
    Relative,
}

impl fmt::Display for InvalidScript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Fault::NoSlash => "the name of the script does not begin with a slash",
            Fault::Folder => "the name of the script is that of a folder",
            Fault::ZeroByte => "the name of the script has a zero byte in it",
            Fault::DotSegment => "the name of the script has a segment . or .. in it",
            Fault::Relative => "the path of the script is relative",
        })
    }
}

impl std::error::Error for InvalidScript {}
