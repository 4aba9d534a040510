//! `fastcgi-front get`: one request to a FastCGI application, without a web server. It is curl for FastCGI.

mod args;
mod location;
mod outcome;
mod probe;
mod records;

use std::{
    future::poll_fn,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Bytes,
    http::{HeaderMap, Method, Request, Response},
};
use fastcgi_tower::Params;
use fastcgi_tower::client::{Client, ClientBody, ClientError, ExtraParams, OnStderr, ServerInfo};
use http_body_util::{BodyExt, Full};
use tower_service::Service;

use self::{
    args::{Args, Invocation},
    location::Location,
    outcome::Outcome,
};
use crate::{
    error::Error,
    stdio::{complain, show},
};

type Body = Full<Bytes>;

/// The program, from its arguments behind `get` to its exit status.
pub(crate) async fn main(parser: lexopt::Parser) -> ExitCode {
    let args = match args::parse(parser) {
        Ok(Invocation::Get(args)) => args,
        Ok(Invocation::Print(text)) => return show(text),
        Err(error) => {
            complain(format_args!("{error}; get --help explains"));
            return Outcome::Usage.into();
        }
    };
    let location = match Location::new(&args) {
        Ok(location) => location,
        Err(error) => {
            complain(format_args!("{error}; get --help explains"));
            return Outcome::Usage.into();
        }
    };
    match get(&args, location).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(failure.line);
            failure.outcome.into()
        }
    }
}

/// Why a request has not succeeded.
#[derive(Debug)]
struct Failure {
    outcome: Outcome,
    line: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            outcome: Outcome::Local,
            line: error.to_string(),
        }
    }
}

async fn get(args: &Args, location: Location) -> Result<(), Failure> {
    let said = Said::default();
    let request = request(args, location, &said)?;
    let mut client = client(args);
    let failed = |error: &ClientError| Failure {
        outcome: Outcome::of(error),
        line: outcome::line(&args.address, error),
    };
    let response = match send(&mut client, request).await {
        Ok(response) => response,
        Err(error) if outcome::is_silent(&error) && probe::speaks_http(&args.address).await => {
            return Err(Failure {
                outcome: Outcome::NotFastCgi,
                line: outcome::http(&args.address),
            });
        }
        Err(error) => return Err(failed(&error)),
    };
    if args.shows_head {
        write(&head(&response))?;
    }
    let status = response.status();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failed(&error))?;
        if let Ok(data) = frame.into_data() {
            write(&data)?;
        }
    }
    if status.as_u16() >= 400 {
        let hint = if said.is_about_no_script() && args.script.is_none() && args.root.is_none() {
            ": php-fpm has no such page; --root or --script says where a script is"
        } else {
            ""
        };
        return Err(Failure {
            outcome: Outcome::Status,
            line: format!("the response is {status}{hint}"),
        });
    }
    match body.app_status() {
        None | Some(0) => Ok(()),
        Some(status) => Err(Failure {
            outcome: Outcome::AppStatus,
            line: format!("the application ended the request with a status of {status}"),
        }),
    }
}

fn client(args: &Args) -> Client {
    let software = concat!("fastcgi-front/", env!("CARGO_PKG_VERSION"));
    let server = ServerInfo::default()
        .software(software)
        .name("localhost")
        .script_name(args.mount.clone().unwrap_or_default());
    let client = Client::new(args.address.clone())
        .server_info(server)
        .keep_conn(false)
        .role(args.role)
        .first_byte_timeout(None)
        .read_timeout(None)
        .timeout(Some(args.limit));
    if args.shows_records {
        client.on_record(records::show)
    } else {
        client
    }
}

fn request(args: &Args, location: Location, said: &Said) -> Result<Request<Body>, Error> {
    let body = match &args.body {
        Some(file) => Some(read(file)?),
        None => None,
    };
    let usual = if body.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    let mut request = Request::new(Full::new(body.unwrap_or_default()));
    *request.method_mut() = args.method.clone().unwrap_or(usual);
    *request.uri_mut() = location.target;
    *request.headers_mut() = args.fields.clone();
    let own: Params = args
        .params
        .iter()
        .map(|(name, value)| (name, value))
        .collect();
    let params = location.params.with(&own);
    request.extensions_mut().insert(ExtraParams::from(params));
    let (said, shows) = (said.clone(), args.shows_stderr);
    let on_stderr = OnStderr::new(move |message| said.put(message, shows));
    request.extensions_mut().insert(on_stderr);
    Ok(request)
}

/// All of the body: its length has to be known before it is sent.
fn read(file: &Path) -> Result<Bytes, Error> {
    let read = if file == Path::new("-") {
        let mut body = Vec::new();
        io::stdin().read_to_end(&mut body).map(|_| body)
    } else {
        std::fs::read(file)
    };
    read.map(Bytes::from)
        .map_err(|cause| Error::new(format!("cannot read {}", file.display()), cause))
}

async fn send(
    client: &mut Client,
    request: Request<Body>,
) -> Result<Response<ClientBody<Body>>, ClientError> {
    poll_fn(|cx| Service::<Request<Body>>::poll_ready(client, cx)).await?;
    client.call(request).await
}

/// As a CGI header block.
fn head<B>(response: &Response<B>) -> Vec<u8> {
    let mut head = format!("Status: {}\r\n", response.status()).into_bytes();
    put_fields(&mut head, response.headers());
    head.extend_from_slice(b"\r\n");
    head
}

fn put_fields(head: &mut Vec<u8>, fields: &HeaderMap) {
    for (name, value) in fields {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
}

fn write(bytes: &[u8]) -> Result<(), Error> {
    let mut stdout = io::stdout();
    let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
    written.map_err(|cause| Error::new("cannot write the response".to_owned(), cause))
}

/// The beginning of what the application says on `FCGI_STDERR`.
#[derive(Clone, Debug, Default)]
struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Enough for the message that is looked for.
    const LIMIT: usize = 4 * 1024;

    fn put(&self, message: &[u8], shows: bool) {
        if shows {
            // There is no other place where its failure could be said.
            _ = io::stderr().write_all(message);
            if !message.ends_with(b"\n") {
                _ = io::stderr().write_all(b"\n");
            }
        }
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = Self::LIMIT.saturating_sub(said.len());
        said.extend_from_slice(message.get(..room).unwrap_or(message));
    }

    /// What php-fpm says of a file that is not there.
    fn is_about_no_script(&self) -> bool {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = b"Primary script unknown";
        said.windows(text.len()).any(|window| window == text)
    }
}
