//! A web server that speaks FastCGI itself, in bytes spelled out here: for what no real one does on demand.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// No answer in this time is a failure.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A connection to an application, kept after each request.
#[derive(Debug)]
pub struct FastCgi<Io> {
    io: Io,
}

impl FastCgi<UnixStream> {
    /// Connects to the socket on `path`.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn unix(path: &Path) -> io::Result<Self> {
        let io = UnixStream::connect(path)?;
        io.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { io })
    }
}

impl FastCgi<TcpStream> {
    /// Connects to a port of this machine.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn tcp(port: u16) -> io::Result<Self> {
        let io = TcpStream::connect(("127.0.0.1", port))?;
        io.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self { io })
    }
}

impl<Io: Read + Write> FastCgi<Io> {
    /// Takes a connection that is there already.
    pub fn on(io: Io) -> Self {
        Self { io }
    }

    /// GETs `path`, and gives the body of the response.
    ///
    /// # Errors
    ///
    /// When there is no whole response.
    pub fn get(&mut self, path: &str) -> io::Result<String> {
        self.start(path)?;
        self.finish()
    }

    /// Sends all of a GET, as nginx does.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub fn start(&mut self, path: &str) -> io::Result<()> {
        let mut params = Vec::new();
        for (name, value) in [
            ("REQUEST_METHOD", "GET"),
            ("SCRIPT_NAME", ""),
            ("PATH_INFO", path),
            ("REQUEST_URI", path),
            ("HTTP_HOST", "tour.example"),
        ] {
            params.extend([length(name), length(value)]);
            params.extend_from_slice(name.as_bytes());
            params.extend_from_slice(value.as_bytes());
        }
        let begin = [0, 1, 1, 0, 0, 0, 0, 0];
        let request = [
            record(1, &begin),
            record(4, &params),
            record(4, b""),
            record(5, b""),
        ];
        self.io.write_all(&request.concat())
    }

    /// Reads the response, up to END_REQUEST, and gives its body.
    ///
    /// # Errors
    ///
    /// When the connection ends first.
    pub fn finish(&mut self) -> io::Result<String> {
        let mut stdout = Vec::new();
        loop {
            let mut header = [0; 8];
            self.io.read_exact(&mut header)?;
            let [_, record_type, _, _, high, low, padding, _] = header;
            let content = usize::from(u16::from_be_bytes([high, low]));
            let mut record = vec![0; content + usize::from(padding)];
            self.io.read_exact(&mut record)?;
            record.truncate(content);
            match record_type {
                6 => stdout.extend(record),
                3 => break,
                _ => {}
            }
        }
        let text = String::from_utf8_lossy(&stdout);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        body.ok_or_else(|| io::Error::other(format!("no response: {text:?}")))
    }

    /// Waits until the application closes the connection, and says nothing.
    ///
    /// # Errors
    ///
    /// When it does not, or does say something.
    pub fn closed(&mut self) -> io::Result<()> {
        match self.io.read(&mut [0]) {
            Ok(0) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            Ok(_) => Err(io::Error::other("the application answers")),
            Err(error) => Err(error),
        }
    }
}

fn record(record_type: u8, content: &[u8]) -> Vec<u8> {
    [
        &[1, record_type, 0, 1, 0, length_of(content), 0, 0],
        content,
    ]
    .concat()
}

fn length(text: &str) -> u8 {
    length_of(text.as_bytes())
}

/// Nothing here is longer than 127 bytes, or 255 where it is a record.
fn length_of(bytes: &[u8]) -> u8 {
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}
