//! What is asked for behind each configuration.

use super::asked::Asked;
use super::configuration::WebServer;

/// The paths of a configuration, as the client sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// Where the application is: `""` is the root.
    pub(crate) mount: &'static str,
    /// What the web server protects: `/admin/` is all below that directory, `/json` that page.
    pub(crate) protected: &'static [&'static str],
    /// Pages that the web server asks for on its own.
    pub(crate) pages: &'static [&'static str],
    /// Other targets that the configuration is about.
    pub(crate) own: &'static [&'static str],
    /// Targets that are left out, with the reason.
    pub(crate) without: &'static [(&'static str, &'static str)],
    /// User and password in Base64, with which each request is sent once more.
    pub(crate) credentials: Option<&'static str>,
}

pub(crate) const AT_THE_ROOT: Scope = Scope {
    mount: "",
    protected: &[],
    pages: &[],
    own: &[],
    without: &[],
    credentials: None,
};

/// Below the mount.
const COMMON: &[&str] = &[
    "/",
    "/plain",
    "/plain/",
    "/read/a",
    "/missing/a",
    "/moved",
    "/status/403",
    "/status/404",
    "/a%2Fb",
    "/a%20b",
    "/h%C3%A9llo",
    "/h%c3%a9llo",
    "/%FF",
    "/100%25",
    "/%2525",
    "/a%3Fb",
    "/a%23b",
    "/a%5Cb",
    "/a%0Ab",
    "/a%252Fb",
    "/plain/%2e",
    "/%61bc",
    "/%7Etilde",
    "/a%2e%2eb",
    "/a+b",
    "/x;y=1",
    "/a:b@c,d!e",
    "/back\\slash",
    "//double",
    "//login",
    "/a//b",
    "/read//a",
    "/a/../plain",
    "/a/%2e%2e/plain",
    "/a/..%2fplain",
    "/./plain",
    "/x.fcgi",
    "/x.fcgi/a",
    "/index.php/a",
];

/// Below a protected directory.
const PROTECTED: &[&str] = &[
    "",
    "/",
    "/secret",
    "//secret",
    "/a%2Fb",
    "/h%C3%A9llo",
    "/100%25",
    "/login",
    "/errors/403",
    "/missing/a",
    "/read/a",
    "/x.fcgi",
    "/x.fcgi/a",
    "/./secret",
    "/a/%2e%2e/secret",
    "/../plain",
    "/%2e%2e/plain",
    "/%2e%2e%2fplain",
];

const QUERY: &str = "?q=a%20b&next=/admin/secret";

impl Scope {
    /// Every path, by several methods, with and without a query.
    ///
    /// Besides what the scope leaves out, the targets of `without` are left out.
    pub(super) fn requests(&self, web_server: &WebServer, without: &[(&str, &str)]) -> Vec<Asked> {
        let ask = |method, target: &str| self.ask(web_server, method, target);
        let mut asked = Vec::new();
        let is_left_out = |target: &String| without.iter().any(|(it, _)| it == target);
        for target in self.targets() {
            if is_left_out(&target) {
                continue;
            }
            let with_query = if target.contains('?') {
                target.clone()
            } else {
                format!("{target}{QUERY}")
            };
            asked.push(ask("GET", &target));
            asked.push(ask("HEAD", &target));
            asked.push(ask("GET", &with_query));
            asked.push(ask("POST", &with_query));
        }
        if let Some(credentials) = self.credentials {
            let again = asked.iter().map(|it| it.with_credentials(credentials));
            let again: Vec<Asked> = again.collect();
            asked.extend(again);
        }
        asked
    }

    /// One request for each protected place, which must not reach it.
    pub(super) fn probes(&self, web_server: &WebServer) -> impl Iterator<Item = Asked> {
        self.protected.iter().map(|place| {
            if place.ends_with('/') {
                self.ask(web_server, "GET", &format!("{place}secret"))
            } else {
                self.ask(web_server, "GET", place)
            }
        })
    }

    fn ask(&self, web_server: &WebServer, method: &'static str, target: &str) -> Asked {
        Asked::behind(web_server, method, target, self.protected, self.mount)
    }

    fn targets(&self) -> Vec<String> {
        let mount = self.mount;
        let mut targets: Vec<String> = COMMON.iter().map(|it| format!("{mount}{it}")).collect();
        targets.extend(self.protected.iter().flat_map(|it| self.targets_at(it)));
        for page in self.pages {
            targets.extend([(*page).to_owned(), format!("{page}/")]);
            targets.extend(respelled(page));
            targets.extend(
                self.protected
                    .iter()
                    .flat_map(|it| self.targets_behind(page, it)),
            );
        }
        // In absolute form.
        targets.push(format!("http://@HOST@{mount}/plain"));
        let directories = self.protected.iter().filter(|it| it.ends_with('/'));
        targets.extend(directories.map(|it| format!("http://@HOST@{it}secret")));
        targets.extend(self.own.iter().map(|it| (*it).to_owned()));
        targets.retain(|it| !self.without.iter().any(|(target, _)| it == target));
        targets.sort();
        targets.dedup();
        targets
    }

    /// A protected place, and what is below it.
    fn targets_at(&self, place: &str) -> Vec<String> {
        let Some(directory) = place.strip_suffix('/') else {
            return vec![place.to_owned(), format!("/{place}")];
        };
        let below = PROTECTED.iter().map(|it| format!("{directory}{it}"));
        let mut targets: Vec<String> = below.filter(|it| !it.is_empty()).collect();
        if !directory.is_empty() {
            let encoded = encoded_letter(directory);
            targets.push(format!("{encoded}/secret"));
            // Not the same path, but for a web server that reads it twice.
            targets.push(format!("{}/secret", encoded.replace('%', "%25")));
            targets.push(format!("{directory}/secret%3Fx"));
            targets.push(format!("{directory}%23/secret"));
            targets.push(format!("{directory}%3F/secret"));
            targets.push(format!("{directory}%2Fsecret"));
            targets.push(format!("{directory}%252Fsecret"));
        }
        targets.push(format!("/{directory}/secret"));
        let inner = directory.strip_prefix(self.mount).unwrap_or(directory);
        targets.push(format!("{}/plain/..{inner}/secret", self.mount));
        targets
    }

    /// Paths that begin or end like a page of the web server, however that is spelled, and have a protected place in them.
    fn targets_behind(&self, page: &str, place: &str) -> Vec<String> {
        let inner = place.strip_prefix(self.mount).unwrap_or(place);
        let inner = inner.trim_start_matches('/');
        let mut targets = vec![format!("{page}{place}"), format!("{page}/{inner}secret")];
        let below = page.strip_prefix(self.mount).unwrap_or(page);
        let ends = [page, below]
            .into_iter()
            .flat_map(|end| respelled(end).into_iter().chain([end.to_owned()]));
        targets.extend(ends.map(|end| format!("{}{end}", place.trim_end_matches('/'))));
        targets
    }
}

/// `/errors/403` with an encoded letter, an encoded slash, and two slashes.
fn respelled(page: &str) -> Vec<String> {
    let first = page.get(1..2).and_then(|it| it.bytes().next());
    let letter = first.map(|it| format!("/%{it:02X}{}", page.get(2..).unwrap_or_default()));
    let parts = page.rsplit_once('/').filter(|(front, _)| !front.is_empty());
    let slashes = parts
        .into_iter()
        .flat_map(|(front, last)| [format!("{front}%2F{last}"), format!("{front}//{last}")]);
    letter.into_iter().chain(slashes).collect()
}

/// `/admin` with the first letter of its last segment encoded, which is the same path.
fn encoded_letter(directory: &str) -> String {
    let (front, last) = directory.rsplit_once('/').unwrap_or(("", directory));
    let mut rest = last.chars();
    let first = rest.next().map_or(0, u32::from);
    format!("{front}/%{first:02X}{}", rest.as_str())
}
