//! Chromium without a window, driven by its own protocol (CDP) on descriptors 3 and 4: JSON texts with a NUL behind each.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Error, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::Process;

/// A running Chromium with one page; it ends when it is dropped.
#[derive(Debug)]
pub struct Browser {
    process: Process,
    messages: BufReader<UnixStream>,
    /// The session of the page.
    session: String,
    count: u64,
    profile: TempDir,
}

/// Browsers that tests share, one test at a time each; they end when this is dropped.
#[derive(Debug, Default)]
pub struct Browsers {
    idle: Mutex<Vec<Browser>>,
}

impl Browsers {
    /// Gives `work` a browser that is idle, or a new one. After a failure it is not used again.
    ///
    /// # Errors
    ///
    /// Those of `work`, and when Chromium does not start.
    pub fn lend<T>(
        &self,
        work: impl FnOnce(&mut Browser) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let lent = idle().pop();
        let mut browser = match lent {
            Some(browser) => browser,
            None => Browser::start()?,
        };
        let done = work(&mut browser)?;
        idle().push(browser);
        Ok(done)
    }
}

impl Browser {
    /// Starts Chromium with a profile of its own and an empty page.
    ///
    /// # Errors
    ///
    /// When it does not start; `tests/install-web-servers` installs it.
    pub fn start() -> io::Result<Self> {
        let profile = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(PATIENCE))?;
        let mut command = Command::new("/bin/sh");
        command
            // What it prints goes elsewhere.
            .args(["-c", r#"exec "$@" 3<&0 4>&1 </dev/null >&2"#, "sh"])
            .arg("chromium")
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .env("HOME", profile.path())
            .stdin(OwnedFd::from(theirs.try_clone()?))
            .stdout(OwnedFd::from(theirs))
            .stderr(File::create(profile.path().join("chromium.log"))?);
        // It refuses to be root with its sandbox on. The pages are our own.
        if rustix::process::geteuid().is_root() {
            command.arg("--no-sandbox");
        }
        let process = Process::start(&mut command)?;
        // Its ends of the sockets are its own alone: so an end of file says that it has ended.
        drop(command);
        let mut browser = Self {
            process,
            messages: BufReader::new(ours),
            session: String::new(),
            count: 0,
            profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }))?;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach)?;
        session["sessionId"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut browser.session);
        Ok(browser)
    }

    /// Opens `url` in the page, and waits until it has been read.
    ///
    /// # Errors
    ///
    /// When there is no such page.
    pub fn open(&mut self, url: &str) -> io::Result<()> {
        // Another fragment of the same page would not load it anew.
        for url in ["about:blank", url] {
            let opened = self.call("Page.navigate", json!({ "url": url }))?;
            if let Some(error) = opened["errorText"].as_str() {
                return Err(Error::other(format!("{url}: {error}")));
            }
            self.evaluate(LOADED)?;
        }
        Ok(())
    }

    /// The value of a JavaScript expression in the page; of a promise, what it is fulfilled with.
    ///
    /// # Errors
    ///
    /// When it throws.
    pub fn evaluate(&mut self, expression: &str) -> io::Result<Value> {
        let asked = json!({
            "expression": expression,
            "awaitPromise": true,
            "returnByValue": true,
        });
        let mut answer = self.call("Runtime.evaluate", asked)?;
        match answer.get("exceptionDetails") {
            None => Ok(answer["result"]["value"].take()),
            Some(thrown) => Err(Error::other(format!("{expression}: {thrown}"))),
        }
    }

    /// Makes the page so wide, in CSS pixels, and light or dark.
    ///
    /// # Errors
    ///
    /// When Chromium does not.
    pub fn look(&mut self, width: u32, height: u32, scheme: &str) -> io::Result<()> {
        let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", screen)?;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media).map(drop)
    }

    /// Writes a picture of the page to a file, PNG.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn picture(&mut self, file: &Path) -> io::Result<()> {
        let asked = json!({ "format": "png", "captureBeyondViewport": false });
        let answer = self.call("Page.captureScreenshot", asked)?;
        let encoded = answer["data"].as_str().unwrap_or_default();
        fs::write(file, decoded(encoded))
    }

    /// Sends a command, and waits for its answer. Events in between are of no interest.
    fn call(&mut self, method: &str, params: Value) -> io::Result<Value> {
        self.count += 1;
        let id = self.count;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_empty() {
            message["sessionId"] = Value::from(&*self.session);
        }
        let mut text = serde_json::to_vec(&message)?;
        text.push(0);
        self.messages.get_mut().write_all(&text)?;
        loop {
            let mut answer = self.message()?;
            if answer["id"] != id {
                continue;
            }
            return match answer.get("error") {
                None => Ok(answer["result"].take()),
                Some(error) => Err(Error::other(format!("{method}: {error}"))),
            };
        }
    }

    /// The next message of Chromium: an answer or an event.
    fn message(&mut self) -> io::Result<Value> {
        let mut text = Vec::new();
        self.messages.read_until(0, &mut text)?;
        match text.pop() {
            Some(_) => Ok(serde_json::from_slice(&text)?),
            None => Err(Error::other(
                "Chromium has ended; tests/install-web-servers installs it",
            )),
        }
    }
}

/// Is fulfilled when the page has been read.
const LOADED: &str = "document.readyState === 'complete' || new Promise(resolve => addEventListener('load', () => resolve(true)))";

/// How long Chromium may be silent.
const PATIENCE: Duration = Duration::from_secs(120);

impl Drop for Browser {
    /// The processes of Chromium go on writing for a moment after they were asked to end.
    fn drop(&mut self) {
        self.session.clear();
        _ = self.call("Browser.close", json!({}));
        _ = self.process.end_within(Duration::from_secs(10));
        let start = Instant::now();
        while fs::remove_dir_all(self.profile.path()).is_err_and(is_unfinished)
            && start.elapsed() < Duration::from_secs(5)
        {
            thread::yield_now();
        }
    }
}

fn is_unfinished(error: Error) -> bool {
    error.kind() != io::ErrorKind::NotFound
}

const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
];

/// Base64 (RFC 4648, 4); whatever is no digit is skipped.
fn decoded(text: &str) -> Vec<u8> {
    let digits = text.bytes().filter_map(|byte| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    });
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in digits {
        bits = bits << 6 | u32::from(digit);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    bytes
}
