//! A PHP site as the fallback of an axum router: static files, and scripts that PHP-FPM runs. `docs/moving-off-php.md` is the guide.
//!
//! What is asked for is decided once, on the decoded path (`url_path.rs`) and on the file that it leads to (`files.rs`). Nothing
//! but an existing file `*.php` below the root is run, and nothing that `hidden.rs` names is sent.

mod app;
mod files;
mod hidden;
mod php;
mod request_body;
mod url_path;

use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use fastcgi_tower::InvalidAddress;
use fastcgi_tower::client::{Address, Client};
use tokio::task::spawn_blocking;
use tower::{Service, ServiceExt};
use tower_http::services::ServeFile;

pub use crate::app::app;
pub use fastcgi_tower::client::ServerInfo;

use crate::files::{Folders, Found};
use crate::url_path::UrlPath;

/// A site with its files in `root`, and PHP-FPM at `php_fpm`: `unix:/run/php/php-fpm.sock`, or `127.0.0.1:9000` if PHP-FPM sees the
/// same files.
///
/// It is for `Router::fallback_service`: the paths that PHP sees are those of the whole router.
///
/// # Errors
///
/// When the address is invalid. Nothing is connected or read yet.
pub fn php_site(root: impl Into<PathBuf>, php_fpm: &str) -> Result<PhpSite, InvalidAddress> {
    let site = PhpSite {
        folders: Folders {
            root: root.into(),
            uploads: Vec::new(),
            front_controller: None,
        },
        // A connection that is kept keeps a process of PHP-FPM from everybody else, also while nothing is asked on it.
        client: Client::new(php_fpm.parse::<Address>()?).keep_conn(false),
        server: ServerInfo::default(),
        time_limit: Duration::ZERO,
        max_body: 20 * 1024 * 1024,
    };
    Ok(site.time_limit(Duration::from_secs(60)))
}

/// A service that answers with files and with what PHP says. Clones share its limits.
#[derive(Clone, Debug)]
pub struct PhpSite {
    folders: Folders,
    client: Client,
    server: ServerInfo,
    time_limit: Duration,
    max_body: u64,
}

impl PhpSite {
    /// In this folder nothing is run. Its files are sent, also if it is outside the root and a link below the root leads to it.
    #[must_use]
    pub fn uploads(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folders.uploads.push(folder.into());
        self
    }

    /// The script in the root that is asked for all that is not there, such as `index.php`. Default: that is 404.
    #[must_use]
    pub fn front_controller(mut self, name: impl Into<String>) -> Self {
        self.folders.front_controller = Some(name.into());
        self
    }

    /// What PHP learns of the server, where no web server in front says it: its name, and whether clients use HTTPS. Without a
    /// name, `SERVER_NAME` is what the client wrote in `Host`.
    #[must_use]
    pub fn server_info(mut self, server: ServerInfo) -> Self {
        self.server = server;
        self
    }

    /// How long PHP may take to begin an answer, and to go on with it. Default: 60 s, as in nginx.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self.client = self.client.first_byte_timeout(Some(limit));
        self.client = self.client.read_timeout(Some(limit));
        self
    }

    /// The longest request body, in bytes. Default: 20 MiB. `post_max_size` is PHP's own.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// The most requests that PHP-FPM has at a time; more wait here, and the time limit counts meanwhile. Default: 64. Those
    /// beyond `pm.max_children` wait in the queue of PHP-FPM.
    #[must_use]
    pub fn max_requests(mut self, max: usize) -> Self {
        self.client = self.client.max_connections(max);
        self
    }

    async fn answer(self, request: Request) -> Response {
        let Some(path) = UrlPath::parse(request.uri().path()) else {
            return refuse(StatusCode::BAD_REQUEST);
        };
        let folders = self.folders.clone();
        let found = spawn_blocking(move || folders.find(&path)).await;
        match found.unwrap_or(Found::NoSite) {
            Found::Script(script) => php::run(self, script, request).await,
            Found::File(path) => match ServeFile::new(path).oneshot(request).await {
                Ok(response) => response.map(Body::new),
                Err(never) => match never {},
            },
            Found::Folder(mut location) => {
                if let Some(query) = request.uri().query() {
                    location = format!("{location}?{query}");
                }
                (StatusCode::MOVED_PERMANENTLY, [(LOCATION, location)]).into_response()
            }
            Found::NoIndex => refuse(StatusCode::FORBIDDEN),
            Found::Nothing => refuse(StatusCode::NOT_FOUND),
            Found::NoSite => refuse(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

impl Service<Request> for PhpSite {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let site = self.clone();
        Box::pin(async move { Ok(site.answer(request).await) })
    }
}

/// A page with nothing but the status.
fn refuse(status: StatusCode) -> Response {
    (status, format!("{status}\n")).into_response()
}
