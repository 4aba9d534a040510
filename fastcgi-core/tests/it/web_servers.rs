//! Models of web servers: what each sends for a target, and which path it means by that.
//!
//! A model knows the path by the rules of its web server: it decodes, resolves dot segments, merges slashes, rewrites, and asks
//! for pages of its own.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped has failed the test"
)]

use fastcgi_core::Params;

use crate::fixtures::percent_decoded;
use crate::request_target::{Random, squashed};

/// What a web server sends for a target.
pub(crate) struct Sent {
    pub(crate) web_server: &'static str,
    pub(crate) pairs: Vec<(&'static str, Vec<u8>)>,
    /// The whole path that is meant, decoded.
    meant: Vec<u8>,
    /// The mount that the web server takes away from it, or has taken away.
    mount: &'static str,
    /// It is a page of the web server's own, whatever the client asked for.
    pub(crate) is_redirected: bool,
}

/// What targets are made of. Slashes are there more often than the others.
const PIECES: &str = "admin secret app login errors 403 x.fcgi index.fcgi index.php mnt old zzz a %61dmin %61pp log%69n %2F %2f \
    %5C \\ %25 %252F .. %2e%2e . ;x %3F %23 %C3%A9 %0A http: %FF %20 json auth / // / / /";

/// Pages that web servers ask for on their own.
const PAGES: [&str; 7] = [
    "/login",
    "/errors/403",
    "/auth",
    "/",
    "/app/errors/403",
    "/app/login",
    "/app",
];

pub(crate) fn target(random: &mut Random) -> String {
    let pieces: Vec<&str> = PIECES.split(' ').collect();
    let mut target = String::new();
    for _ in 0..=random.below(6) {
        if random.below(4) > 0 {
            target.push('/');
        }
        target.push_str(random.pick(&pieces));
    }
    // The end is often a page.
    if random.below(3) == 0 {
        target.push_str(random.pick(&PAGES));
    }
    if !target.starts_with('/') {
        target.insert(0, '/');
    }
    target
}

/// The path without dot segments; `None` above the root, where web servers refuse.
fn resolved(path: &[u8]) -> Option<Vec<u8>> {
    let mut segments: Vec<&[u8]> = Vec::new();
    let mut parts = path.split(|&byte| byte == b'/').skip(1).peekable();
    while let Some(part) = parts.next() {
        match part {
            b".." => drop(segments.pop()?),
            b"." => {}
            other => segments.push(other),
        }
        if matches!(part, b"." | b"..") && parts.peek().is_none() {
            segments.push(b"");
        }
    }
    Some([b"/", &*segments.join(&b'/')].concat())
}

pub(crate) fn encoded(path: &[u8]) -> String {
    let mut text = String::new();
    for &byte in path {
        match byte {
            b'/' | b':' | b'@' => text.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

fn is_program(path: &[u8]) -> bool {
    path.ends_with(b".fcgi") || path.ends_with(b"/index.php")
}

/// The path behind the first segment.
fn second_segment(path: &[u8]) -> usize {
    let slash = path.iter().skip(1).position(|&byte| byte == b'/');
    slash.map_or(path.len(), |at| at + 1)
}

impl Sent {
    fn new(web_server: &'static str, software: &str, target: &str, meant: Vec<u8>) -> Self {
        Self {
            web_server,
            pairs: vec![
                ("REQUEST_METHOD", b"GET".to_vec()),
                ("SERVER_SOFTWARE", software.as_bytes().to_vec()),
                ("REQUEST_URI", target.as_bytes().to_vec()),
            ],
            meant,
            mount: "",
            is_redirected: false,
        }
    }

    fn set(&mut self, name: &'static str, value: &[u8]) {
        self.pairs.push((name, value.to_vec()));
    }

    /// A page of the web server's own takes the place of the path.
    fn redirect(&mut self, random: &mut Random) {
        self.meant = random.pick(&PAGES).into();
        self.is_redirected = true;
    }

    /// A rule makes the path of something else that the client sent. A page named like a script would be the client's path
    /// (T-8a).
    fn rewrite(&mut self, random: &mut Random) -> Option<()> {
        let path = percent_decoded(&target(random));
        self.meant = resolved(&squashed(&path))?;
        self.is_redirected = true;
        (!is_program(&self.meant)).then_some(())
    }

    fn nginx(random: &mut Random, target: &str) -> Option<Self> {
        let path = resolved(&squashed(&percent_decoded(target)))?;
        let mut sent = Self::new("nginx", "nginx/1.22.1", target, path);
        match random.below(4) {
            0 | 1 => sent.redirect(random),
            2 => {
                sent.meant = sent.meant.strip_prefix(b"/app")?.to_vec();
                sent.meant.starts_with(b"/").then_some(())?;
                sent.mount = "/app";
            }
            _ => {}
        }
        let uri = sent.meant.clone();
        sent.set("DOCUMENT_URI", &uri);
        match random.below(5) {
            0 => sent.set("SCRIPT_NAME", &uri),
            4 => {
                sent.set("SCRIPT_NAME", &uri);
                sent.set("PATH_INFO", &uri);
            }
            1 => {
                sent.set("SCRIPT_NAME", b"");
                sent.set("PATH_INFO", &uri);
            }
            2 => sent.set("SCRIPT_NAME", b"/index.php"),
            // ^(/app)(/.*)?$, where `.` is no line feed and `$` is before the last one.
            _ => {
                let end = uri.strip_suffix(b"\n").unwrap_or(&uri);
                match end.strip_prefix(b"/app") {
                    Some(rest) if !rest.contains(&b'\n') && matches!(rest, [] | [b'/', ..]) => {
                        sent.set("SCRIPT_NAME", b"/app");
                        sent.set("PATH_INFO", rest);
                        sent.mount = "/app";
                    }
                    _ => {
                        sent.set("SCRIPT_NAME", &uri);
                        sent.set("PATH_INFO", b"");
                    }
                }
            }
        }
        Some(sent)
    }

    fn apache(random: &mut Random, target: &str) -> Option<Self> {
        let mut path = percent_decoded(target);
        // MergeSlashes
        if random.below(4) > 0 {
            path = squashed(&path);
        }
        let path = resolved(&path)?;
        let mut sent = Self::new("Apache", "Apache/2.4.71", target, path);
        if random.below(2) == 0 {
            let url = sent.meant.clone();
            sent.set("REDIRECT_URL", &url);
            sent.set("REDIRECT_STATUS", b"403");
            sent.redirect(random);
        }
        sent.set("DOCUMENT_ROOT", b"/srv/www");
        let path = sent.meant.clone();
        match random.below(3) {
            // ProxyPass /
            0 => {
                let url = format!("proxy:fcgi://h:9000{}", encoded(&path));
                sent.set("SCRIPT_NAME", &path);
                sent.set("SCRIPT_FILENAME", url.as_bytes());
            }
            // SetHandler
            1 => {
                if random.below(3) == 0 && !sent.is_redirected {
                    sent.rewrite(random)?;
                    // It may be an escape that Apache has left (T-6).
                    (!sent.meant.contains(&b'%')).then_some(())?;
                }
                // The two are merged in any case.
                sent.meant = squashed(&sent.meant);
                let path = sent.meant.clone();
                let (name, info) = path.split_at(second_segment(&path));
                // Apache refuses it in a file name.
                (!name.contains(&b'?')).then_some(())?;
                let file = [b"proxy:fcgi://localhost/srv/www", name].concat();
                sent.set("SCRIPT_NAME", name);
                sent.set("PATH_INFO", info);
                sent.set("SCRIPT_FILENAME", &file);
            }
            // RewriteRule ^.* index.fcgi/$0
            _ => {
                sent.set("SCRIPT_NAME", b"/index.fcgi");
                sent.set("PATH_INFO", &path);
                sent.set("SCRIPT_FILENAME", b"/srv/www/index.fcgi");
            }
        }
        Some(sent)
    }

    fn lighttpd(random: &mut Random, target: &str) -> Option<Self> {
        let path = resolved(&squashed(&percent_decoded(target)))?;
        let mut sent = Self::new("lighttpd", "lighttpd/1.4.69", target, path);
        match random.below(3) {
            0 => {
                sent.redirect(random);
                sent.set("REDIRECT_STATUS", b"403");
            }
            1 => sent.rewrite(random)?,
            _ => {}
        }
        let path = sent.meant.clone();
        let (name, info) = match random.below(2) {
            0 => path.split_at(0),
            _ => path.split_at(second_segment(&path)),
        };
        sent.set("SCRIPT_NAME", name);
        sent.set("PATH_INFO", info);
        sent.set("SCRIPT_FILENAME", &[b"/srv/www", name].concat());
        Some(sent)
    }

    /// Dot segments and slashes stay.
    fn caddy(random: &mut Random, target: &str) -> Option<Self> {
        let mut sent = Self::new("Caddy", "Caddy/2.6.2", target, percent_decoded(target));
        match random.below(3) {
            0 => sent.redirect(random),
            1 => {
                sent.meant = sent.meant.strip_prefix(b"/app")?.to_vec();
                sent.mount = "/app";
            }
            _ => {}
        }
        let path = sent.meant.clone();
        sent.set("SCRIPT_NAME", b"");
        sent.set("DOCUMENT_URI", b"");
        sent.set("PATH_INFO", &path);
        Some(sent)
    }

    fn h2o(random: &mut Random, target: &str) -> Option<Self> {
        let mut sent = match random.below(4) {
            0 => {
                let target = format!("http://h.example{target}");
                let path = percent_decoded(&format!("/{target}"));
                Self::new("h2o", "h2o/2.2.5", &target, resolved(&path)?)
            }
            _ => Self::new(
                "h2o",
                "h2o/2.2.5",
                target,
                resolved(&percent_decoded(target))?,
            ),
        };
        if random.below(2) == 0 {
            sent.redirect(random);
        }
        let path = sent.meant.clone();
        sent.set("SCRIPT_NAME", b"");
        sent.set("PATH_INFO", &path);
        Some(sent)
    }

    fn haproxy(_: &mut Random, target: &str) -> Option<Self> {
        let path = percent_decoded(target);
        let mut sent = Self::new("HAProxy", "HAProxy 2.6.12", target, path.clone());
        sent.set("SCRIPT_NAME", &path);
        Some(sent)
    }

    pub(crate) fn params(&self) -> Params {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_bytes(), &**value))
            .collect()
    }

    /// What the application may be asked for where it is told that it is at `script_name`: decoded, slashes merged.
    pub(crate) fn words(&self, script_name: Option<&str>) -> Vec<Vec<u8>> {
        let below = |mount: &str| {
            let rest = self.meant.strip_prefix(mount.as_bytes())?;
            matches!(rest, [] | [b'/', ..]).then(|| rest.to_vec())
        };
        let mounts = [script_name.unwrap_or_default(), self.mount];
        let mut words: Vec<_> = mounts.into_iter().filter_map(below).collect();
        words.push(self.meant.clone());
        words.extend(self.behind_program());
        // It cannot always be known that the client has not asked for the program itself.
        if self.is_dotted() {
            words.push([b"/index.fcgi", &*self.meant].concat());
        }
        for word in &mut words {
            *word = squashed(word);
            if word.is_empty() {
                word.push(b'/');
            }
        }
        words
    }

    fn is_dotted(&self) -> bool {
        let target = percent_decoded(self.target());
        let mut segments = target.split(|&byte| byte == b'/');
        segments.any(|it| matches!(it, b"." | b".."))
    }

    fn target(&self) -> &str {
        let target = self.pairs.iter().find(|(name, _)| *name == "REQUEST_URI");
        std::str::from_utf8(&target.unwrap().1).unwrap()
    }

    /// What the client asked for, decoded, slashes merged, without dot segments.
    fn asked(&self) -> Vec<u8> {
        let asked = squashed(&percent_decoded(self.target()));
        resolved(&asked).unwrap_or(asked)
    }

    /// What the client asked for, where the web server means that behind a program: a rule put it there.
    fn behind_program(&self) -> Option<Vec<u8>> {
        let asked = self.asked();
        let program = squashed(&self.meant)
            .strip_suffix(&*asked)
            .map(<[u8]>::to_vec);
        program.is_some_and(|it| is_program(&it)).then_some(asked)
    }

    /// Whether the client asked for this very page: then it may spell it.
    pub(crate) fn is_asked_for(&self) -> bool {
        let meant = squashed(&self.meant);
        let mut mounts = ["", "/app", "/index.fcgi"].iter().map(|it| it.as_bytes());
        let asked = self.asked();
        mounts.any(|mount| [mount, &meant].concat() == asked) || self.behind_program().is_some()
    }
}

/// Each of them; nothing is sent where it would refuse the target.
pub(crate) const WEB_SERVERS: [fn(&mut Random, &str) -> Option<Sent>; 6] = [
    Sent::nginx,
    Sent::apache,
    Sent::lighttpd,
    Sent::caddy,
    Sent::h2o,
    Sent::haproxy,
];
