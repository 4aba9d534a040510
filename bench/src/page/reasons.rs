//! Why a row costs more than over HTTP. One line each, of what is known: counted, or read in the sources.

/// What is true of some scenarios of some frameworks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reason {
    /// As the table of what is worse names it.
    pub(super) name: &'static str,
    scenarios: &'static [&'static str],
    /// Of all, if it is empty.
    frameworks: &'static [&'static str],
    pub(super) why: &'static str,
}

/// The first that fits is the reason.
const REASONS: [Reason; 8] = [
    Reason {
        name: "variables, and `http` 0.2",
        scenarios: &[
            "hello",
            "browser",
            "unlearnable",
            "64 in flight",
            "own connection",
        ],
        frameworks: &["actix"],
        why: "Each field of the request comes with 17 to 20 variables, of which host, path and addresses are made. And \
              values are checked byte by byte, as actix-web has `http` 0.2; actix's own HTTP server uses a constructor \
              without a check, which is `unsafe`.",
    },
    Reason {
        name: "variables",
        scenarios: &["hello", "browser", "unlearnable", "own connection"],
        frameworks: &[],
        why: "A web server sends 17 to 20 variables beside the fields of the request: they are read and checked, and \
              host, path and addresses are made of them. With more fields it is the other way round, because names of \
              fields are known from the request before.",
    },
    Reason {
        name: "in flight",
        scenarios: &["64 in flight"],
        frameworks: &[],
        why: "The variables again, and 64 requests that are polled on one connection. HTTP has 64 connections for them, \
              with two system calls a request where FastCGI has 0.1.",
    },
    Reason {
        name: "records down",
        scenarios: &[
            "download 1 MiB",
            "download 1 MiB TCP",
            "download 100 MiB",
            "download 100 MiB TCP",
        ],
        frameworks: &[],
        why: "The body is cut into records of at most 65,535 bytes, each with a header before it; HTTP sends it as it is. At \
              most 256 KiB are written at a time.",
    },
    Reason {
        name: "records up",
        scenarios: &["upload 1 MiB", "upload 100 MiB"],
        frameworks: &[],
        why: "The body comes in records of 32 KiB, as nginx sends it, and each is cut out of what was read. At most 128 KiB \
              are read at a time, where hyper reads up to 408 KiB: more system calls.",
    },
    Reason {
        name: "records up, TCP",
        scenarios: &["upload 1 MiB TCP", "upload 100 MiB TCP"],
        frameworks: &[],
        why: "As over Unix sockets. TCP hands out more at a time, so that larger reads are worth more.",
    },
    Reason {
        name: "CGI",
        scenarios: &["plain CGI"],
        frameworks: &[],
        why: "A CGI program makes a FastCGI conversation of its environment, inside the process, so that all rules hold \
              there too. What it is compared with is a server that starts, answers once and ends.",
    },
    Reason {
        name: "longer names",
        scenarios: &["100 fields"],
        frameworks: &[],
        why: "Fewer instructions than over HTTP, so this is the kernel's: it copies more bytes, as names of params are longer \
              by `HTTP_`, and 17 variables come with them.",
    },
];

/// Why a row is worse, if that is known.
pub(super) fn reason(framework: &str, scenario: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| {
        let is_framework = reason.frameworks.is_empty() || reason.frameworks.contains(&framework);
        is_framework && reason.scenarios.contains(&scenario)
    })
}
