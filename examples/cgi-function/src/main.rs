//! A CGI program as a function. One binary is a FastCGI application, a CGI program, and an HTTP server when it is started by
//! hand.
//!
//! ```sh
//! cargo run -p cgi-function                                   # http://127.0.0.1:3000/
//! cargo run -p fastcgi-front -- cargo run -p cgi-function     # over FastCGI
//! ```

use std::io::{self, Read, Write};

use fastcgi_tower::{CgiIo, RunError, cgi_fn, local_redirect};

fn main() -> Result<(), RunError> {
    cgi_fn(answer).run()
}

fn answer(io: &mut CgiIo) -> io::Result<()> {
    let path = io.var("PATH_INFO").filter(|path| !path.is_empty());
    match path.or_else(|| io.var("SCRIPT_NAME")).unwrap_or("/") {
        "/" => {
            writeln!(io, "Content-Type: text/html\n")?;
            writeln!(io, "<h1>Hello from a function</h1>")
        }
        // Bodies of any size, both ways, in constant memory.
        "/echo" => {
            writeln!(io, "Content-Type: application/octet-stream\n")?;
            io::copy(&mut io.stdin, &mut io.stdout).map(drop)
        }
        "/form" => {
            let mut form = String::new();
            io.read_to_string(&mut form)?;
            writeln!(io.stderr, "somebody has sent a form")?;
            write!(io, "Content-Type: text/plain\r\n\r\n{form}\n")
        }
        "/moved" => writeln!(io, "Status: 301 Moved Permanently\nLocation: /\n"),
        "/elsewhere" => writeln!(io, "Location: https://example.org/\n"),
        // Apache sends that file of its own; nginx sends the client there.
        "/local" => io.send(local_redirect("/there.txt")),
        "/invalid" => writeln!(io, "this is no header block"),
        "/panic" => panic!("it is told to panic"),
        _ => {
            writeln!(io, "Status: 404 Not Found\nContent-Type: text/plain\n")?;
            writeln!(io, "no such page")
        }
    }
}
