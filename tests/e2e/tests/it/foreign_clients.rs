//! FastCGI clients that were not written here, with axum and actix-web.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fastcgi_client::{Client, Params, Request};
use fastcgi_e2e::{Process, install, program};
use futures_executor::block_on;
use futures_util::io::AllowStdIo;
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    const TESTS: [(&str, Test); 2] = [
        ("perl_fcgi_client", perl),
        ("crate_fastcgi_client", fastcgi_client),
    ];
    ["tour", "actix-tour"].into_iter().flat_map(|program| {
        TESTS.into_iter().map(move |(name, test)| {
            Trial::test(format!("foreign_clients::{program}::{name}"), move || {
                let application = Application::start(program)?;
                test(&application.socket)
            })
        })
    })
}

type Test = fn(&Path) -> Result<(), Failed>;

struct Application {
    _process: Process,
    _dir: tempfile::TempDir,
    socket: PathBuf,
}

impl Application {
    fn start(name: &str) -> Result<Self, Failed> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let binary = install(name, dir.path())?;
        let socket = dir.path().join("app.sock");
        let mut command = program(&binary);
        let mut process = Process::start(command.env("FCGI_LISTEN", &socket))?;
        process.wait_until(Duration::from_secs(10), &socket, || {
            UnixStream::connect(&socket).is_ok()
        })?;
        Ok(Self {
            _process: process,
            _dir: dir,
            socket,
        })
    }
}

/// Three requests, each on a connection of its own: a page, an upload, and an answer that does not wait for the body.
const SCRIPT: &str = r#"
use strict;
use warnings;
use FCGI::Client;
use IO::Socket::UNIX;

sub ask {
    my ($method, $path, $body) = @_;
    my $sock = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die $!;
    my $client = FCGI::Client::Connection->new(sock => $sock, timeout => 10);
    my ($stdout, $stderr) = $client->request(
        {
            REQUEST_METHOD => $method,
            SCRIPT_NAME    => '',
            PATH_INFO      => $path,
            REQUEST_URI    => $path,
            CONTENT_LENGTH => length $body,
        },
        $body,
    );
    $stdout =~ s/\r\n.*\r\n\r\n/ /s;
    print $stdout, "\n", $stderr // '';
}

ask('GET', '/json', '');
ask('POST', '/upload', 'x' x 30_000);
ask('POST', '/refuse', 'x' x 30_000);
ask('GET', '/log/a-message', '');
"#;

/// Debian's libfcgi-client-perl. A body has to fit one record there.
fn perl(socket: &Path) -> Result<(), Failed> {
    let output = Command::new("perl")
        .args(["-e", SCRIPT])
        .arg(socket)
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout)?;
    let answers: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        answers,
        [
            "Status: 200 OK {\"answer\":42}",
            "Status: 200 OK {\"bytes\":30000,\"sum\":3600000}",
            "Status: 413 Payload Too Large no, thank you",
            "Status: 200 OK see the log of the web server",
            "a-message",
        ]
    );
    Ok(())
}

/// Several requests on one connection.
fn fastcgi_client(socket: &Path) -> Result<(), Failed> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut client = Client::new_keep_alive(AllowStdIo::new(stream));
    let body = vec![b'x'; 100_000];
    for (method, path, body, expected) in [
        ("GET", "/json", &body[..0], "{\"answer\":42}"),
        (
            "POST",
            "/upload",
            &body,
            "{\"bytes\":100000,\"sum\":12000000}",
        ),
        ("POST", "/refuse", &body, "no, thank you\n"),
        ("GET", "/json", &body[..0], "{\"answer\":42}"),
    ] {
        let params = Params::default()
            .request_method(method)
            .script_name("")
            .request_uri(path)
            .custom("PATH_INFO", path)
            .content_length(body.len());
        let request = Request::new(params, body);
        let output = block_on(client.execute(request)).map_err(|error| error.to_string())?;
        let text = String::from_utf8(output.stdout.unwrap_or_default())?;
        assert!(text.starts_with("Status: "), "{path}: {text}");
        let (_, answer) = text.split_once("\r\n\r\n").ok_or_else(|| text.clone())?;
        assert_eq!(answer, expected, "{path}");
    }
    Ok(())
}
