//! A request, and what is known of it.

use super::configuration::{RESOLVING, WebServer};
use super::path::Path;
use crate::Request;

/// The body of each POST.
const BODY: &str = "a=1&b=2";

/// A request, and what is known of it.
///
/// In its target, `@HOST@` stands for the host of the side that is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// For messages.
    pub(super) name: String,
    pub(super) method: &'static str,
    pub(super) target: String,
    credentials: Option<&'static str>,
    /// The web server protects what the path names, however it is spelled.
    pub(super) protected: bool,
    /// There are dot segments in the path.
    pub(super) dotted: bool,
    /// What the path names, for the web server and below its mount.
    named: [Path; 2],
}

impl Asked {
    /// A request behind a web server that protects these places: `/admin/` is all below that directory, `/json` that page.
    #[must_use]
    pub fn new(method: &'static str, target: &str, protected: &[&str]) -> Self {
        Self::behind(&RESOLVING, method, target, protected, "")
    }

    /// A request to `web_server`, behind which the application is at `mount`.
    pub(super) fn behind(
        web_server: &WebServer,
        method: &'static str,
        target: &str,
        protected: &[&str],
        mount: &str,
    ) -> Self {
        let path = target.split('?').next().unwrap_or(target);
        let host_and_path = path.strip_prefix("http://@HOST@");
        let path = match host_and_path {
            Some(path) if web_server.routes_by_absolute_form => path.to_owned(),
            Some(_) => format!("/{path}"),
            None => path.to_owned(),
        };
        let whole = Path::new(&path);
        let dotted = whole.is_dotted();
        let resolved = whole.clone().resolved().with_slashes().squashed();
        let seen = if web_server.resolves_dot_segments {
            resolved.clone()
        } else {
            whole.squashed()
        };
        let below = resolved.below(mount);
        Self {
            name: format!("{method} {target}"),
            method,
            target: target.to_owned(),
            credentials: None,
            protected: protected.iter().any(|place| seen.is_at(place)),
            dotted,
            named: [resolved, below],
        }
    }

    /// The same by a user, who may see what is protected.
    pub(super) fn with_credentials(&self, credentials: &'static str) -> Self {
        let mut asked = self.clone();
        asked.credentials = Some(credentials);
        asked.protected = false;
        asked.name.push_str(", with credentials");
        asked
    }

    /// What is sent to the side on `port`.
    pub(super) fn request(&self, port: u16) -> Request {
        let target = self.target.replace("@HOST@", &format!("127.0.0.1:{port}"));
        let request = match self.method {
            "POST" => Request::post(target, BODY)
                .header("Content-Type", "application/x-www-form-urlencoded"),
            method => Request::new(method, target),
        };
        match self.credentials {
            Some(it) => request.header("Authorization", format!("Basic {it}")),
            None => request,
        }
    }

    /// Whether `path` is what the client asked for, and not a page that the web server has put in its place.
    pub(super) fn names(&self, path: Path) -> bool {
        self.named.contains(&path.with_slashes().squashed())
    }
}
