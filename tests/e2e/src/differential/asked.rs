//! A request, and what is known of it.

use super::path::Path;
use crate::Request;

/// The body of each POST.
const BODY: &str = "a=1&b=2";

/// A request, and what is known of it.
#[derive(Clone, Debug)]
pub struct Asked {
    pub(super) request: Request,
    /// For messages.
    pub(super) name: String,
    pub(super) method: &'static str,
    pub(super) target: String,
    /// However the path is spelled, the web server may protect what it names.
    pub(super) protected: bool,
    /// There are dot segments in the path.
    pub(super) dotted: bool,
}

impl Asked {
    /// A request behind a web server that protects these places: `/admin/` is all below that directory, `/json` that page.
    #[must_use]
    pub fn new(method: &'static str, target: &str, protected: &[&str]) -> Self {
        let request = match method {
            "POST" => Request::post(target, BODY)
                .header("Content-Type", "application/x-www-form-urlencoded"),
            _ => Request::new(method, target),
        };
        let path = Path::new(target.split('?').next().unwrap_or(target));
        let dotted = path.is_dotted();
        let path = path.resolved().squashed();
        Self {
            request,
            name: format!("{method} {target}"),
            method,
            target: target.to_owned(),
            protected: protected.iter().any(|place| path.is_at(place)),
            dotted,
        }
    }

    /// The same by a user.
    pub(super) fn with_credentials(&self, credentials: &str) -> Self {
        let mut asked = self.clone();
        let value = format!("Basic {credentials}");
        asked.request = asked.request.header("Authorization", value);
        asked.name.push_str(", with credentials");
        asked
    }
}
