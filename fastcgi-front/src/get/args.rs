//! The command line of `get`.

use std::{
    ffi::OsStr,
    path::{self, Component, PathBuf},
    time::Duration,
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use fastcgi_tower::{Role, client::Address};
use lexopt::{
    Arg::{Long, Short, Value},
    Error, Parser, ValueExt,
};

use crate::args::{parse_mount, parse_param};

/// What the user wants.
#[derive(Debug)]
pub(super) enum Invocation {
    Get(Box<Args>),
    Print(&'static str),
}

/// One request.
#[derive(Debug)]
pub(super) struct Args {
    pub(super) address: Address,
    /// Origin form; absent where the script says it.
    pub(super) target: Option<Uri>,
    /// `POST` where there is a body, else `GET`, by default.
    pub(super) method: Option<Method>,
    pub(super) fields: HeaderMap,
    pub(super) params: Vec<(Vec<u8>, Vec<u8>)>,
    /// A file; `-` is standard input.
    pub(super) body: Option<PathBuf>,
    pub(super) script: Option<PathBuf>,
    pub(super) root: Option<PathBuf>,
    pub(super) mount: Option<String>,
    pub(super) role: Role,
    pub(super) limit: Duration,
    pub(super) shows_head: bool,
    pub(super) shows_stderr: bool,
    pub(super) shows_records: bool,
}

const HELP: &str = "\
Sends one request to a FastCGI application, such as php-fpm, and prints the body of the response.

Usage: fastcgi-front get [OPTIONS] ADDRESS [PATH]

ADDRESS is a path (unix:/run/php/php-fpm.sock) or HOST:PORT. PATH is as in a URL, with its query; the default is /, or
the script. Without --script, --root or --mount it is the script's name, too, as web servers send it: php-fpm then has
the pages of its ping.path and pm.status_path, and other applications go by the path.

Options:
  -X, --method METHOD       the method [default: GET, or POST with --body]
  -H, --header 'NAME: VALUE'
                            send this header field; may be repeated
  -p, --param NAME=VALUE    send this param, behind all others; may be repeated
  -b, --body FILE           send this file as the body; - is standard input
  -s, --script FILE         run this script: SCRIPT_FILENAME, as php-fpm sees it
  -r, --root DIR            run the script that PATH names below this folder, up to .php; the rest is PATH_INFO
  -m, --mount PREFIX        PREFIX is SCRIPT_NAME, and the rest of PATH is PATH_INFO; / is the root
      --role ROLE           responder, authorizer or filter [default: responder]
  -t, --timeout SECONDS     the longest time from the start to the end of the response [default: 60]
  -i, --include             print the head of the response, too
  -e, --stderr              print what the application says on FCGI_STDERR, on standard error
      --trace               print the records of both directions, on standard error; they may have secrets in them
  -h, --help                print this

A failure is one line on standard error. What does not answer is asked once more, over HTTP. Exit status:
  0  the response has a status below 400
  1  a file cannot be read, or the response cannot be written
  2  an argument is invalid
  3  nobody listens on ADDRESS, or it cannot be connected to
  4  the response did not come in time
  5  what listens does not speak FastCGI, or speaks HTTP
  6  the application refused the request: it is overloaded, or does not serve the role
  7  the response broke off, or is no CGI response
  8  the response has a status of 400 or more
  9  the application ended the request with a status of its own that is not 0

Examples:
  fastcgi-front get unix:/run/php/php-fpm.sock /ping
  fastcgi-front get unix:/run/php/php-fpm.sock '/status?json'
  fastcgi-front get --script /srv/www/index.php unix:/run/php/php-fpm.sock /news/7
  fastcgi-front get --root /srv/www -i -e 127.0.0.1:9000 '/shop/cart.php?id=7'
  fastcgi-front get --root /srv/www -b order.json -H 'Content-Type: application/json' 127.0.0.1:9000 /order.php
  fastcgi-front get --mount / --trace /run/app/app.sock /
";

/// The longest time for the whole, unless another one is given.
const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn parse(mut parser: Parser) -> Result<Invocation, Error> {
    let (mut address, mut target) = (None, None);
    let (mut method, mut fields, mut params) = (None, HeaderMap::new(), Vec::new());
    let (mut body, mut script, mut root, mut mount) = (None, None, None, None);
    let (mut role, mut limit) = (Role::RESPONDER, LIMIT);
    let (mut shows_head, mut shows_stderr, mut shows_records) = (false, false, false);
    while let Some(arg) = parser.next()? {
        match arg {
            Short('X') | Long("method") => method = Some(parser.value()?.parse::<Method>()?),
            Short('H') | Long("header") => {
                let (name, value) = parser.value()?.parse_with(parse_field)?;
                fields.append(name, value);
            }
            Short('p') | Long("param") => params.push(parse_param(&parser.value()?)?),
            Short('b') | Long("body") => body = Some(parser.value()?.into()),
            Short('s') | Long("script") => script = Some(absolute(&parser.value()?)?),
            Short('r') | Long("root") => root = Some(absolute(&parser.value()?)?),
            Short('m') | Long("mount") => {
                mount = Some(parser.value()?.parse_with(parse_mount)?);
            }
            Long("role") => role = parser.value()?.parse_with(parse_role)?,
            Short('t') | Long("timeout") => limit = parser.value()?.parse_with(parse_limit)?,
            Short('i') | Long("include") => shows_head = true,
            Short('e') | Long("stderr") => shows_stderr = true,
            Long("trace") => shows_records = true,
            Short('h') | Long("help") => return Ok(Invocation::Print(HELP)),
            Value(value) if address.is_none() => {
                address = Some(value.parse_with(str::parse::<Address>)?);
            }
            Value(value) if target.is_none() => target = Some(value.parse_with(parse_target)?),
            _ => return Err(arg.unexpected()),
        }
    }
    if mount.is_some() && (script.is_some() || root.is_some()) {
        return Err("--mount excludes --script and --root".into());
    }
    Ok(Invocation::Get(Box::new(Args {
        address: address.ok_or("no ADDRESS is given")?,
        target,
        method,
        fields,
        params,
        body,
        script,
        root,
        mount,
        role,
        limit,
        shows_head,
        shows_stderr,
        shows_records,
    })))
}

/// The application has another working directory, and php-fpm does not find a path with `..` in it.
fn absolute(path: &OsStr) -> Result<PathBuf, Error> {
    let absolute = path::absolute(path).map_err(|error| format!("{path:?}: {error}"))?;
    let is_plain = !absolute.components().any(|it| it == Component::ParentDir);
    if is_plain {
        return Ok(absolute);
    }
    // It may be there for the application alone.
    Ok(absolute.canonicalize().unwrap_or(absolute))
}

fn parse_field(field: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = field.split_once(':').ok_or("NAME: VALUE is wanted")?;
    let name = name.parse::<HeaderName>();
    let value = value.trim().parse::<HeaderValue>();
    match (name, value) {
        (Ok(name), Ok(value)) => Ok((name, value)),
        (Err(error), _) => Err(error.to_string()),
        (_, Err(error)) => Err(error.to_string()),
    }
}

fn parse_target(target: &str) -> Result<Uri, String> {
    if !target.starts_with('/') {
        return Err("a PATH begins with a slash".to_owned());
    }
    let is_encoded = target.bytes().all(|byte| byte.is_ascii_graphic());
    match target.parse() {
        Ok(target) if is_encoded => Ok(target),
        _ => Err("a PATH is encoded as in a URL".to_owned()),
    }
}

fn parse_role(role: &str) -> Result<Role, &'static str> {
    Ok(match role {
        "responder" => Role::RESPONDER,
        "authorizer" => Role::AUTHORIZER,
        "filter" => Role::FILTER,
        _ => return Err("responder, authorizer or filter is wanted"),
    })
}

fn parse_limit(seconds: &str) -> Result<Duration, &'static str> {
    let seconds = seconds.parse().ok().filter(|&seconds: &f64| seconds > 0.0);
    let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    limit.ok_or("a number of seconds is wanted")
}
