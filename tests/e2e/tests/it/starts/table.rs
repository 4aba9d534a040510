//! The table of starts.

use super::stdin::Stdin;

use self::Chosen::{Bound, Cgi, Connected, Handed, Http, Refused};

/// One way to be started.
pub(super) struct Start {
    /// The second half of the test's name.
    pub(super) name: &'static str,
    /// `{dir}` is a directory of its own, `{port}` a free port, and `{pid}` the process's id.
    pub(super) environment: &'static [(&'static str, &'static str)],
    pub(super) stdin: Stdin,
    pub(super) chosen: Chosen,
    /// What else it logs.
    pub(super) warns: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Chosen {
    /// FastCGI on the socket that was handed over.
    Handed(&'static str),
    /// FastCGI on the connection that was handed over, and the process ends with it.
    Connected,
    /// FastCGI on all of these.
    Bound(&'static [&'static str]),
    /// One CGI request; the response begins so.
    Cgi(&'static str),
    /// HTTP for development.
    Http,
    /// One line with this in it, and exit status 1.
    Refused(&'static str),
}

const ON_0: &str = "FastCGI on the socket that is descriptor 0";
const PASSED: &str = "FastCGI on the sockets in LISTEN_FDS";

macro_rules! start {
    ($name:literal, $stdin:ident, [$($variable:literal = $value:literal),*], $chosen:expr) => {
        start!($name, $stdin, [$($variable = $value),*], $chosen, false)
    };
    ($name:literal, $stdin:ident, [$($variable:literal = $value:literal),*], $chosen:expr, $warns:literal) => {
        Start {
            name: $name,
            environment: &[$(($variable, $value)),*],
            stdin: Stdin::$stdin,
            chosen: $chosen,
            warns: $warns,
        }
    };
}

pub(super) const STARTS: &[Start] = &[
    // By hand.
    start!("by_hand_with_nothing", Null, ["PORT" = "0"], Http),
    start!(
        "by_hand_with_descriptor_0_closed",
        Closed,
        ["PORT" = "0"],
        Http
    ),
    start!("by_hand_on_a_terminal", Terminal, ["PORT" = "0"], Http),
    start!("by_hand_with_a_file", File, ["PORT" = "0"], Http),
    start!("by_hand_in_a_pipeline", Pipe, ["PORT" = "0"], Http),
    start!(
        "with_a_port_that_is_none",
        Null,
        ["PORT" = "http"],
        Refused("PORT=http: ")
    ),
    // By whoever makes the socket.
    start!("listening_tcp_socket", ListeningTcp, [], Handed(ON_0)),
    start!("listening_unix_socket", ListeningUnix, [], Handed(ON_0)),
    start!(
        "listening_socket_wins_over_everything",
        ListeningUnix,
        [
            "BIND" = "{dir}/other.sock",
            "FCGI_LISTEN" = "{dir}/another.sock",
            "PORT" = "0",
            "REQUEST_METHOD" = "GET",
            "GATEWAY_INTERFACE" = "CGI/1.1"
        ],
        Handed(ON_0),
        true
    ),
    start!(
        "listen_fds",
        ListeningOn3,
        ["LISTEN_FDS" = "1", "LISTEN_PID" = "{pid}"],
        Handed(PASSED)
    ),
    start!(
        "two_listen_fds",
        ListeningOn3And4,
        ["LISTEN_FDS" = "2", "LISTEN_PID" = "{pid}"],
        Handed(PASSED)
    ),
    start!(
        "listen_fds_win_over_addresses",
        ListeningOn3,
        [
            "LISTEN_FDS" = "1",
            "LISTEN_PID" = "{pid}",
            "BIND" = "{dir}/other.sock",
            "FCGI_LISTEN" = "{dir}/another.sock"
        ],
        Handed(PASSED),
        true
    ),
    start!(
        "listen_fds_of_another_process",
        Null,
        [
            "LISTEN_FDS" = "1",
            "LISTEN_PID" = "1",
            "FCGI_LISTEN" = "{dir}/app.sock"
        ],
        Bound(&["{dir}/app.sock"])
    ),
    start!(
        "listen_fds_that_are_no_sockets",
        FileOn3,
        ["LISTEN_FDS" = "1", "LISTEN_PID" = "{pid}"],
        Refused("LISTEN_FDS=1: ")
    ),
    // For one connection.
    start!("connected_tcp_socket", ConnectedTcp, [], Connected),
    start!("connected_unix_socket", ConnectedUnix, [], Connected),
    start!(
        "connected_socket_on_0_1_and_2",
        ConnectedThrice,
        [],
        Connected
    ),
    start!(
        "connected_socket_wins_over_addresses",
        ConnectedTcp,
        ["FCGI_LISTEN" = "{dir}/app.sock", "PORT" = "0"],
        Connected
    ),
    start!(
        "connection_in_listen_fds",
        ConnectedOn3,
        ["LISTEN_FDS" = "1", "LISTEN_PID" = "{pid}"],
        Connected
    ),
    start!(
        "datagram_socket",
        Datagram,
        ["PORT" = "0"],
        Refused("descriptor 0 is a socket that neither")
    ),
    // As a CGI program.
    start!(
        "cgi",
        Pipe,
        [
            "GATEWAY_INTERFACE" = "CGI/1.1",
            "REQUEST_METHOD" = "GET",
            "SCRIPT_NAME" = "/index.cgi",
            "PATH_INFO" = "/",
            "QUERY_STRING" = "",
            "REQUEST_URI" = "/"
        ],
        Cgi("Status: 200 ")
    ),
    start!(
        "cgi_with_a_request_method_alone",
        Pipe,
        ["REQUEST_METHOD" = "GET"],
        Cgi("Status: 200 ")
    ),
    start!(
        "cgi_with_a_gateway_interface_alone",
        Null,
        ["GATEWAY_INTERFACE" = "CGI/1.1"],
        Cgi("Status: 400 ")
    ),
    start!(
        "cgi_with_a_file",
        File,
        ["REQUEST_METHOD" = "GET"],
        Cgi("Status: 200 ")
    ),
    start!(
        "cgi_on_the_connection_of_the_client",
        ConnectedTcp,
        ["REQUEST_METHOD" = "GET"],
        Cgi("Status: 200 ")
    ),
    start!(
        "cgi_wins_over_addresses",
        Pipe,
        [
            "REQUEST_METHOD" = "GET",
            "BIND" = "{dir}/other.sock",
            "FCGI_LISTEN" = "{dir}/another.sock",
            "PORT" = "0"
        ],
        Cgi("Status: 200 "),
        true
    ),
    start!(
        "cgi_variables_without_a_method",
        Null,
        ["SCRIPT_NAME" = "/index.cgi", "PORT" = "0"],
        Refused("SCRIPT_NAME is set")
    ),
    // Where it wants to listen.
    start!(
        "fcgi_listen",
        Null,
        ["FCGI_LISTEN" = "{dir}/app.sock"],
        Bound(&["{dir}/app.sock"])
    ),
    start!(
        "fcgi_listen_on_a_terminal",
        Terminal,
        ["FCGI_LISTEN" = "{dir}/app.sock"],
        Bound(&["{dir}/app.sock"])
    ),
    start!(
        "fcgi_listen_with_several_spellings",
        Null,
        ["FCGI_LISTEN" = "unix:{dir}/1.sock, {dir}/2.sock, tcp:127.0.0.1:{port}"],
        Bound(&["{dir}/1.sock", "{dir}/2.sock", "127.0.0.1:{port}"])
    ),
    start!(
        "fcgi_listen_without_a_host",
        Null,
        ["FCGI_LISTEN" = ":9000"],
        Refused("127.0.0.1:9000 is for this machine")
    ),
    start!(
        "fcgi_listen_that_is_a_word",
        Null,
        ["FCGI_LISTEN" = "app"],
        Refused("did you mean ./app?")
    ),
    start!(
        "fcgi_listen_that_is_empty",
        Null,
        ["FCGI_LISTEN" = ""],
        Refused("FCGI_LISTEN=: ")
    ),
    start!(
        "bind_in_the_program",
        Null,
        ["BIND" = "{dir}/app.sock"],
        Bound(&["{dir}/app.sock"])
    ),
    start!(
        "bind_of_two_addresses",
        Closed,
        ["BIND" = "{dir}/1.sock,127.0.0.1:{port}"],
        Bound(&["{dir}/1.sock", "127.0.0.1:{port}"])
    ),
    start!(
        "bind_in_the_program_wins_over_variables",
        Null,
        [
            "BIND" = "{dir}/app.sock",
            "FCGI_LISTEN" = "{dir}/other.sock",
            "PORT" = "0"
        ],
        Bound(&["{dir}/app.sock"])
    ),
    start!(
        "bind_that_is_no_address",
        Null,
        ["BIND" = ":9000"],
        Refused("127.0.0.1:9000 is for this machine")
    ),
];
