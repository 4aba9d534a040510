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
const REASONS: [Reason; 7] = [
    Reason {
        name: "variables, and `http` 0.2",
        scenarios: &[
            "hello",
            "browser",
            "unlearnable",
            "own connection",
            "64 in flight",
        ],
        frameworks: &["actix"],
        why: "The variables, as below. And values are checked byte by byte, because actix-web has `http` 0.2; actix's own \
              HTTP server makes them by a constructor without a check, which is `unsafe`.",
    },
    Reason {
        name: "variables",
        scenarios: &["hello", "browser", "unlearnable", "own connection"],
        frameworks: &[],
        why: "Beside the fields of the request, a web server sends 17 to 20 variables. They are read and checked, and host, \
              path and addresses are made of them. With many fields it is the other way round, because names of fields are \
              known from earlier requests.",
    },
    Reason {
        name: "in flight",
        scenarios: &["64 in flight"],
        frameworks: &[],
        why: "The variables, and 64 requests that are polled on one connection. What it saves is not in this column: 0.1 system \
              calls a request, where HTTP has two.",
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
        why: "The body is cut into records of at most 65,528 bytes, each with a header: a piece of 64 KiB makes two. HTTP sends it as it is. At most 256 KiB \
              wait to be written.",
    },
    Reason {
        name: "records up",
        scenarios: &[
            "upload 1 MiB",
            "upload 1 MiB TCP",
            "upload 100 MiB",
            "upload 100 MiB TCP",
        ],
        frameworks: &[],
        why: "The body comes in records of 32 KiB, as nginx sends it, and each is cut out of what was read: 1,300 instructions for \
              a piece. At most 128 KiB are read at a time, where hyper reads up to 408 KiB: more system calls. With 256 KiB \
              uploads of 1 MiB became cheaper (1.10 to 1.00 over Unix sockets) and those of 100 MiB dearer (1.05 to 1.07, over \
              TCP 0.99 to 1.07), so this limit of memory stays.",
    },
    Reason {
        name: "CGI",
        scenarios: &["plain CGI"],
        frameworks: &[],
        why: "A CGI program makes a FastCGI conversation of its environment, inside the process, so that all rules hold there \
              too.",
    },
    Reason {
        name: "longer names",
        scenarios: &["100 fields"],
        frameworks: &[],
        why: "In user space it costs less than over HTTP. The kernel copies more bytes: names of params are longer by `HTTP_`, \
              and 17 variables come with them.",
    },
];

/// Why a row is worse, if that is known.
pub(super) fn reason(framework: &str, scenario: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|reason| {
        let is_framework = reason.frameworks.is_empty() || reason.frameworks.contains(&framework);
        is_framework && reason.scenarios.contains(&scenario)
    })
}
