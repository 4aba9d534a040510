//! The command line.

use std::{
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use fastcgi_tower::{ScriptName, client::Address};
use lexopt::{
    Arg::{Long, Short, Value},
    Error, Parser, ValueExt,
};

/// What the user wants.
#[derive(Debug)]
pub(crate) enum Invocation {
    Serve(Args),
    Print(String),
}

/// How to serve.
#[derive(Debug)]
pub(crate) struct Args {
    /// Where to listen for HTTP.
    pub(crate) listen: String,
    /// Where the application is mounted, in front of its own paths; empty for the root.
    pub(crate) mount: String,
    pub(crate) params: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) application: Target,
}

/// The application.
#[derive(Debug)]
pub(crate) enum Target {
    Running(Address),
    /// A program and its arguments.
    Command(OsString, Vec<OsString>),
}

const HELP: &str = "\
A development web server in front of one FastCGI application.

Usage: fastcgi-front [OPTIONS] COMMAND [ARGS...]
       fastcgi-front [OPTIONS] --connect ADDRESS
       fastcgi-front get [OPTIONS] ADDRESS [PATH]    one request, without a web server: see fastcgi-front get --help

COMMAND is started with a listening socket as its descriptor 0, as mod_fcgid and spawn-fcgi do, and is ended when
fastcgi-front is. What it writes to its standard output and error appears here.

Options:
  -l, --listen HOST:PORT    where to listen for HTTP; port 0 takes a free one [default: 127.0.0.1:8080]
  -c, --connect ADDRESS     the socket of an application that runs already: a path (with a /) or HOST:PORT
  -m, --mount PATH          serve the application below a path such as /app [default: the root]
  -p, --param NAME=VALUE    send this param with every request; may be repeated
  -h, --help                print this
  -V, --version             print the version

Examples:
  fastcgi-front cargo run -q -p hello
  fastcgi-front --connect 127.0.0.1:9000 --param SCRIPT_FILENAME=/srv/www/index.php
  fastcgi-front get unix:/run/php/php-fpm.sock /ping
";

/// Reads the arguments. Options end where the command begins.
pub(crate) fn parse(mut parser: Parser) -> Result<Invocation, Error> {
    let mut listen = "127.0.0.1:8080".to_owned();
    let mut mount = String::new();
    let mut params = Vec::new();
    let mut application = None;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('l') | Long("listen") => listen = parser.value()?.string()?,
            Short('m') | Long("mount") => mount = parser.value()?.parse_with(parse_mount)?,
            Short('p') | Long("param") => params.push(parse_param(&parser.value()?)?),
            Short('c') | Long("connect") => {
                let address = parser.value()?.parse_with(str::parse::<Address>)?;
                application = Some(Target::Running(address));
            }
            Short('h') | Long("help") => return Ok(Invocation::Print(HELP.to_owned())),
            Short('V') | Long("version") => {
                let version = concat!("fastcgi-front ", env!("CARGO_PKG_VERSION"), "\n");
                return Ok(Invocation::Print(version.to_owned()));
            }
            Value(_) if application.is_some() => {
                return Err("a COMMAND and --connect exclude each other".into());
            }
            Value(program) => {
                application = Some(Target::Command(program, parser.raw_args()?.collect()));
            }
            _ => return Err(arg.unexpected()),
        }
    }
    let application = application.ok_or("neither a COMMAND nor --connect is given")?;
    Ok(Invocation::Serve(Args {
        listen,
        mount,
        params,
        application,
    }))
}

/// Only what stands for itself in an URL, so that comparing needs no decoding.
pub(crate) fn parse_mount(path: &str) -> Result<String, String> {
    let mount: ScriptName = path.parse().map_err(|error| format!("{error}"))?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    if !mount.as_bytes().iter().copied().all(is_plain) {
        return Err("only letters, digits and -._~ are taken".to_owned());
    }
    Ok(mount.as_str().into_owned())
}

pub(crate) fn parse_param(param: &OsStr) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let mut parts = param.as_bytes().splitn(2, |&byte| byte == b'=');
    match (parts.next(), parts.next()) {
        (Some(name), Some(value)) if !name.is_empty() => Ok((name.to_vec(), value.to_vec())),
        _ => Err(format!("{param:?} is not NAME=VALUE").into()),
    }
}
