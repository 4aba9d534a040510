//! A connection to a web server: requests go out, and a response comes in as slowly as it comes.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{Request, Response};

/// No answer in this time is a failure.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How a response body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Length(u64),
    Chunked,
    Close,
    Ended,
}

/// A connection to a web server.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    peer: SocketAddr,
    framing: Framing,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody answers.
    pub fn open(peer: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(peer)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self {
            stream: BufReader::new(stream),
            peer,
            framing: Framing::Ended,
        })
    }

    /// Waits no longer than `limit` for each part of an answer.
    ///
    /// # Errors
    ///
    /// When the system does not take it.
    pub fn set_patience(&self, limit: Duration) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(limit))
    }

    /// The address that the web server sees.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.get_ref().local_addr()
    }

    /// Sends `request` and reads the whole response.
    ///
    /// # Errors
    ///
    /// When the connection breaks, or the response is cut short.
    pub fn send(&mut self, request: &Request) -> io::Result<Response> {
        self.start(request)?;
        let mut response = self.head(request)?;
        while let Some(piece) = self.piece()? {
            response.body.extend_from_slice(&piece);
        }
        Ok(response)
    }

    /// Sends `request`, whole. An answer that comes before all of it is sent is not an error.
    ///
    /// # Errors
    ///
    /// When the connection cannot be written to from the first byte on.
    pub fn start(&mut self, request: &Request) -> io::Result<()> {
        let mut message = request.head(self.peer).into_bytes();
        let head = message.len();
        message.extend_from_slice(&request.body);
        let stream = self.stream.get_mut();
        // A small request in one piece: a web server that sees only its head may answer and close.
        let (first, rest) = message.split_at(message.len().min(head + 16 * 1024));
        stream.write_all(first)?;
        match stream.write_all(rest) {
            Err(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
                ) =>
            {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    /// Sends the head of `request` and the first `length` bytes of its body.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub fn start_part(&mut self, request: &Request, length: usize) -> io::Result<()> {
        let (part, _) = request.body.split_at(length.min(request.body.len()));
        let stream = self.stream.get_mut();
        stream.write_all(request.head(self.peer).as_bytes())?;
        stream.write_all(part)
    }

    /// Sends more of a body.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Reads the head of the response to `request`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn head(&mut self, request: &Request) -> io::Result<Response> {
        loop {
            let response = self.any_head()?;
            // 100 Continue and 103 Early Hints are not the answer.
            if response.status >= 200 {
                self.framing = framing(&request.method, &response);
                return Ok(response);
            }
        }
    }

    /// The next piece of the body as it arrives; none at its end.
    ///
    /// # Errors
    ///
    /// When the body is cut short.
    pub fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        match self.framing {
            Framing::Ended | Framing::Length(0) => Ok(None),
            Framing::Length(left) => {
                let piece = self.some(left)?;
                if piece.is_empty() {
                    return Err(Error::new(
                        ErrorKind::UnexpectedEof,
                        format!("{left} bytes are missing"),
                    ));
                }
                self.framing = Framing::Length(left - piece.len() as u64);
                Ok(Some(piece))
            }
            Framing::Close => Ok(Some(self.some(u64::MAX)?).filter(|piece| !piece.is_empty())),
            Framing::Chunked => self.chunk(),
        }
    }

    /// What comes after the last answer, up to the end of the connection.
    ///
    /// # Errors
    ///
    /// When the connection does not end.
    pub fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let line = self.line()?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16)
            .map_err(|_| Error::other(format!("no chunk size: {line:?}")))?;
        let mut chunk = Vec::new();
        self.stream.by_ref().take(size).read_to_end(&mut chunk)?;
        if chunk.len() as u64 != size {
            return Err(Error::new(ErrorKind::UnexpectedEof, "a chunk is cut short"));
        }
        // Ends the chunk; after the last one, the trailer section, which is empty.
        self.line()?;
        if size == 0 {
            self.framing = Framing::Ended;
        }
        Ok((size > 0).then_some(chunk))
    }

    /// What one read gives, at most `limit` bytes; empty at the end of the connection.
    fn some(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let available = self.stream.fill_buf()?;
        let size = available
            .len()
            .min(usize::try_from(limit).unwrap_or(usize::MAX));
        let piece = available.iter().copied().take(size).collect();
        self.stream.consume(size);
        Ok(piece)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(Error::new(
                ErrorKind::UnexpectedEof,
                format!("the connection ended after {line:?}"),
            )),
        }
    }

    fn any_head(&mut self) -> io::Result<Response> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut head)? == 0 {
                let got = String::from_utf8_lossy(&head).into_owned();
                return Err(Error::new(
                    ErrorKind::UnexpectedEof,
                    format!("no response, only {got:?}"),
                ));
            }
        }
        let mut fields = [httparse::EMPTY_HEADER; 100];
        let mut parsed = httparse::Response::new(&mut fields);
        parsed.parse(&head).map_err(Error::other)?;
        let headers = parsed
            .headers
            .iter()
            .map(|it| (it.name.to_owned(), it.value.to_vec()))
            .collect();
        Ok(Response {
            status: parsed.code.unwrap_or_default(),
            reason: parsed.reason.unwrap_or_default().to_owned(),
            body: Vec::new(),
            headers,
        })
    }
}

/// RFC 9112, 6.3.
fn framing(method: &str, response: &Response) -> Framing {
    if method == "HEAD" || matches!(response.status, 204 | 304) {
        return Framing::Ended;
    }
    if response
        .header("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    {
        return Framing::Chunked;
    }
    let length = response
        .header("content-length")
        .and_then(|length| length.parse().ok());
    length.map_or(Framing::Close, Framing::Length)
}
