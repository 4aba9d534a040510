//! `fastcgi-front get` before a real php-fpm, with the commands of the guide.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fastcgi_e2e::install;
use libtest_mimic::{Failed, Trial};

use super::peer::{Kind, Peer};

const GUIDE: &str = include_str!("../../../../../docs/calling.md");
const README: &str = include_str!("../../../../../README.md");

/// Where php-fpm listens in Debian, and in the guide.
const SOCKET: &str = "unix:/run/php/php-fpm.sock";

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    const TESTS: [(&str, Test); 3] = [
        ("ping_and_status_are_answered", ping_and_status),
        ("commands_of_the_guide_work", guide),
        ("failures_of_php_fpm_are_one_line", failures),
    ];
    TESTS
        .into_iter()
        .map(|(name, test)| Trial::test(format!("calling::get::{name}"), test))
}

type Test = fn() -> Result<(), Failed>;

/// php-fpm, and the program in a folder with scripts.
struct Setup {
    peer: Peer,
    program: PathBuf,
}

impl Setup {
    fn start() -> Result<Self, Failed> {
        let peer = Peer::start(Kind::PhpFpm)?;
        let program = install("fastcgi-front", peer.dir())?;
        let root = peer.dir().join("www");
        fs::create_dir_all(root.join("shop"))?;
        let script = "<?php error_log('noted'); echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['REQUEST_URI'], ' ', \
                      $_SERVER['SCRIPT_NAME'], ' ', $_SERVER['PATH_INFO'], ' ', file_get_contents('php://input'), \"\\n\";";
        for name in ["index.php", "shop/cart.php"] {
            fs::write(root.join(name), script)?;
        }
        fs::write(root.join("die.php"), "<?php posix_kill(getmypid(), 9);")?;
        fs::write(root.join("none.php"), "<?php nothing();")?;
        fs::write(root.join("order.json"), "{\"id\":7}")?;
        Ok(Self { peer, program })
    }

    fn address(&self) -> String {
        format!("unix:{}", self.peer.socket.display())
    }

    fn get(&self, args: &[&str]) -> Result<Output, Failed> {
        let mut command = Command::new(&self.program);
        command.arg("get").args(args).stdin(Stdio::null());
        Ok(command.output()?)
    }
}

/// What was printed on both, and the exit status.
fn text(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

fn ping_and_status() -> Result<(), Failed> {
    let setup = Setup::start()?;
    let address = setup.address();
    let output = setup.get(&[&address, "/ping"])?;
    assert_eq!(text(&output), ("pong".to_owned(), String::new(), Some(0)));

    let output = setup.get(&["--include", &address, "/status?json"])?;
    let (stdout, stderr, code) = text(&output);
    assert_eq!((stderr.as_str(), code), ("", Some(0)));
    let (head, body) = stdout.split_once("\r\n\r\n").ok_or("a head")?;
    assert!(head.starts_with("Status: 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: application/json"), "{head}");
    let status: serde_json::Value = serde_json::from_str(body)?;
    assert_eq!(status["pool"], "conformance");
    Ok(())
}

/// What is between three ticks and `sh`, line by line.
fn commands(page: &'static str) -> impl Iterator<Item = &'static str> {
    let mut is_inside = false;
    let lines = page.lines().filter(move |line| {
        match *line {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            _ => return is_inside && !line.starts_with('#') && !line.is_empty(),
        }
        false
    });
    lines.filter(|line| line.contains(SOCKET))
}

fn guide() -> Result<(), Failed> {
    let setup = Setup::start()?;
    let root = setup.peer.dir().join("www");
    let folder = setup.program.parent().ok_or("a folder")?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [folder.to_owned()].into_iter();
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path)))?;
    let mut count = 0;
    for command in commands(GUIDE).chain(commands(README)) {
        let local = command
            .replace(SOCKET, &setup.address())
            .replace("/srv/www", &root.display().to_string());
        let output = Command::new("sh")
            .args(["-c", &local])
            .env("PATH", &path)
            .current_dir(&root)
            .stdin(Stdio::null())
            .output()?;
        assert!(output.status.success(), "{command}: {:?}", text(&output));
        count += 1;
    }
    assert!(count >= 9, "{count} commands");
    Ok(())
}

fn failures() -> Result<(), Failed> {
    let setup = Setup::start()?;
    let address = setup.address();
    let root = setup.peer.dir().join("www");
    let root = root.to_str().ok_or("a path of UTF-8")?;
    for (args, line, code) in [
        (
            &["/index.php"][..],
            "the response is 404 Not Found: php-fpm has no such page; --root or --script says where a script is",
            8,
        ),
        (&["-r", root, "/no.php"], "the response is 404 Not Found", 8),
        (
            &["-r", root, "/none.php"],
            "the response is 500 Internal Server Error",
            8,
        ),
        // Not a script: security.limit_extensions.
        (
            &["-r", root, "/order.json"],
            "the response is 403 Forbidden",
            8,
        ),
    ] {
        let output = setup.get(&[&[&*address], args].concat())?;
        let (_, stderr, found) = text(&output);
        assert_eq!(stderr, format!("fastcgi-front: {line}\n"), "{args:?}");
        assert_eq!(found, Some(code), "{args:?}");
    }
    // PHP that dies: whether the end of the connection or a reset is seen first is the system's.
    let output = setup.get(&["-r", root, &address, "/die.php"])?;
    let (stdout, stderr, code) = text(&output);
    let line = format!(
        "fastcgi-front: {}: the application's answer broke off",
        setup.peer.socket.display()
    );
    assert!(stderr.starts_with(&line), "{stderr}");
    assert_eq!((stdout.as_str(), code), ("", Some(7)));
    assert_eq!(stderr.lines().count(), 1);
    Ok(())
}
