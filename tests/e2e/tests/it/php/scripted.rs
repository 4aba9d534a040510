//! What listens in the place of PHP-FPM and is broken, and what comes of it.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::Duration;

use fastcgi_e2e::moving::php_files;
use libtest_mimic::Failed;
use tempfile::TempDir;

use super::expect::{ENVIRONMENT, ends_with, is_cut, is_logged};
use super::peer::{Behaviour, END, OVERLOADED, Peer, stderr, stdout};
use super::sites::Example;

/// What is not PHP-FPM, or is broken. Each script of it exists in the site.
const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        script: "closes.php",
        answer: |_| Ok(()),
    },
    Behaviour {
        script: "no-head.php",
        answer: |io| send(io, &[END]),
    },
    Behaviour {
        script: "half-a-head.php",
        answer: |io| send(io, &[&stdout(b"Content-Type: text/html\r\n"), END]),
    },
    Behaviour {
        script: "no-header.php",
        answer: |io| send(io, &[&stdout(b"Fatal error: no header here\n\nhello"), END]),
    },
    Behaviour {
        script: "two-lengths.php",
        answer: |io| {
            send(
                io,
                &[
                    &stdout(b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nhe"),
                    END,
                ],
            )
        },
    },
    Behaviour {
        script: "long-head.php",
        answer: |io| {
            let line = [b"X-Long: ".as_slice(), &[b'x'; 30_000], b"\r\n"].concat();
            send(
                io,
                &[
                    &stdout(&line),
                    &stdout(&line),
                    &stdout(&line),
                    &stdout(b"\r\nhello"),
                    END,
                ],
            )
        },
    },
    Behaviour {
        script: "no-fastcgi.php",
        answer: |io| send(io, &[b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"]),
    },
    Behaviour {
        script: "other-request.php",
        answer: |io| {
            let mut other = stdout(b"Content-Type: text/plain\r\n\r\nof another request");
            if let Some(id) = other.get_mut(3) {
                *id = 2;
            }
            send(io, &[&other, END])
        },
    },
    Behaviour {
        script: "overloaded.php",
        answer: |io| send(io, &[OVERLOADED]),
    },
    Behaviour {
        script: "complains.php",
        answer: |io| send(io, &[&messages(), END]),
    },
    Behaviour {
        script: "complains-and-closes.php",
        answer: |io| send(io, &[&messages()]),
    },
    Behaviour {
        script: "complains-and-answers.php",
        answer: |io| {
            send(
                io,
                &[
                    &messages(),
                    &stdout(b"Content-Type: text/plain\r\n\r\nfine"),
                    END,
                ],
            )
        },
    },
    Behaviour {
        script: "short.php",
        answer: |io| send(io, &[&stdout(b"Content-Length: 100\r\n\r\nshort"), END]),
    },
    Behaviour {
        script: "cut.php",
        answer: |io| {
            send(
                io,
                &[&stdout(b"Content-Type: text/plain\r\n\r\nthe beginn")],
            )
        },
    },
    Behaviour {
        script: "silent.php",
        answer: |io| until_it_leaves(io, b""),
    },
    Behaviour {
        script: "mumbles.php",
        answer: |io| until_it_leaves(io, &stderr(b"still here")),
    },
    Behaviour {
        script: "works.php",
        answer: |io| send(io, &[&stdout(b"Content-Type: text/plain\r\n\r\nfine"), END]),
    },
];

fn send(io: &mut UnixStream, records: &[&[u8]]) -> io::Result<()> {
    io.write_all(&records.concat())
}

/// 100 KB.
fn messages() -> Vec<u8> {
    stderr(&[b'm'; 1000]).repeat(100)
}

/// Goes on as long as somebody listens.
fn until_it_leaves(io: &mut UnixStream, record: &[u8]) -> io::Result<()> {
    io.set_read_timeout(Some(Duration::from_millis(100)))?;
    loop {
        io.write_all(record)?;
        match io.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => return Ok(()),
        }
    }
}

/// The example in front of such a peer.
pub(super) struct Scripted {
    example: Example,
    _peer: Peer,
    _dir: TempDir,
}

impl Scripted {
    fn start() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let root = php_files(dir.path())?;
        for behaviour in BEHAVIOURS {
            fs::write(root.join(behaviour.script), "")?;
        }
        let socket = dir.path().join("peer.sock");
        let peer = Peer::start(&socket, BEHAVIOURS)?;
        let example = Example::http(dir.path(), &root, &socket, ENVIRONMENT)?;
        Ok(Self {
            example,
            _peer: peer,
            _dir: dir,
        })
    }
}

/// The same for all tests.
#[derive(Default)]
pub(super) struct SharedScripted(OnceLock<Result<Scripted, String>>);

impl SharedScripted {
    fn get(&self) -> Result<&Scripted, Failed> {
        let start = || Scripted::start().map_err(|error| error.to_string());
        Ok(self.0.get_or_init(start).as_ref()?)
    }

    /// Asks for the script, and for one that works after it.
    pub(super) fn check(&self, failure: &Failure) -> Result<(), Failed> {
        let scripted = self.get()?;
        let site = scripted.example.browser();
        let script = format!("/{}", failure.script);
        match failure.status {
            None => is_cut(site, &script)?,
            Some(status) => {
                let response = ends_with(site, &script, status)?;
                let text = response.text();
                assert_eq!(status == 200, text == "fine", "{text}");
                assert!(
                    !text.contains("hello") && !text.contains("another"),
                    "{text}"
                );
            }
        }
        is_logged(|| scripted.example.log(), &script, failure.words)?;
        let next = ends_with(site, "/works.php", 200)?;
        assert_eq!(next.text(), "fine");
        Ok(())
    }
}

/// What comes of a behaviour.
pub(super) struct Failure {
    pub(super) name: &'static str,
    script: &'static str,
    /// None: the answer has begun and is cut.
    status: Option<u16>,
    /// What the log has besides the script.
    words: &'static str,
}

const fn failure(
    name: &'static str,
    script: &'static str,
    status: u16,
    words: &'static str,
) -> Failure {
    Failure {
        name,
        script,
        status: if status == 0 { None } else { Some(status) },
        words,
    }
}

pub(super) const SCRIPTED: [Failure; 16] = [
    failure(
        "close_without_an_answer_is_502",
        "closes.php",
        502,
        "broke off",
    ),
    failure(
        "end_without_an_answer_is_502",
        "no-head.php",
        502,
        "no header block",
    ),
    failure(
        "end_in_the_head_is_502",
        "half-a-head.php",
        502,
        "no header block",
    ),
    failure("no_header_is_502", "no-header.php", 502, "not a field"),
    failure(
        "two_lengths_are_502",
        "two-lengths.php",
        502,
        "content-length is not one number",
    ),
    failure(
        "head_of_90_kb_is_502",
        "long-head.php",
        502,
        "larger than 65536 bytes",
    ),
    failure(
        "http_server_is_502",
        "no-fastcgi.php",
        502,
        "speaks HTTP, not FastCGI",
    ),
    failure(
        "answer_to_another_request_is_502",
        "other-request.php",
        502,
        "PHP does not answer",
    ),
    failure(
        "overload_is_502",
        "overloaded.php",
        502,
        "refused the request",
    ),
    failure(
        "100_kb_of_messages_without_an_answer_are_502",
        "complains.php",
        502,
        "no header block",
    ),
    failure(
        "100_kb_of_messages_and_a_close_are_502",
        "complains-and-closes.php",
        502,
        "broke off",
    ),
    failure(
        "100_kb_of_messages_before_an_answer_are_logged",
        "complains-and-answers.php",
        200,
        "mmmmm",
    ),
    failure(
        "answer_that_is_too_short_is_cut",
        "short.php",
        0,
        "broke off",
    ),
    failure("answer_that_breaks_off_is_cut", "cut.php", 0, "broke off"),
    failure("silence_is_504", "silent.php", 504, "8s"),
    failure(
        "messages_that_never_end_are_504",
        "mumbles.php",
        504,
        "limit=8s",
    ),
];

/// Nobody listens: at once, and not after the limit.
pub(super) fn php_fpm_that_is_not_there() -> Result<(), Failed> {
    let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    let root = php_files(dir.path())?;
    let example = Example::http(dir.path(), &root, &dir.path().join("nobody.sock"), &[])?;
    ends_with(example.browser(), "/page.php", 502)?;
    is_logged(|| example.log(), "/page.php", "cannot be reached")?;
    assert_eq!(
        example.browser().get("/docs/notes.txt")?.text(),
        "Plain text.\n"
    );
    Ok(())
}

/// A wrong path in the settings is no site without pages.
pub(super) fn site_that_is_not_there() -> Result<(), Failed> {
    let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    let root = dir.path().join("nowhere");
    let example = Example::http(dir.path(), &root, &dir.path().join("nobody.sock"), &[])?;
    ends_with(example.browser(), "/page.php", 500)?;
    let log = example.log()?;
    assert!(
        log.contains("ERROR") && log.contains("the site cannot be read"),
        "{log}"
    );
    assert!(log.contains("/nowhere"), "{log}");
    Ok(())
}
