//! Jetty 9.4's `FastCGIProxyServlet`: a web server in Java, with a FastCGI client of its own.

use std::io::{self, ErrorKind};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::suite::{
    arrives_as, arrives_at_once, finishes_although_the_client_left, reason_phrase_is_the_usual_one,
    uri_becomes,
};
use crate::support::{expect_status, get_is};
use crate::{Request, Site};

pub(super) const LAYOUTS: &[Layout] = &[Layout {
    web_server: "Jetty",
    name: "jetty-tcp",
    mount: "",
    socket: Socket::Tcp,
    script_name: None,
    configure,
    environment: &[],
    differences: &[ALWAYS],
    extra: &[],
    versions: Versions::ALL_THE_SAME,
}];

const SERVER: &str = r#"<?xml version="1.0"?>
<!DOCTYPE Configure PUBLIC "-//Jetty//Configure//EN" "http://www.eclipse.org/jetty/configure_9_3.dtd">
<Configure id="Server" class="org.eclipse.jetty.server.Server">
  <Call name="addConnector"><Arg>
    <New class="org.eclipse.jetty.server.ServerConnector">
      <Arg><Ref refid="Server"/></Arg>
      <Set name="host">127.0.0.1</Set>
      <Set name="port">8080</Set>
      <Call name="getConnectionFactory">
        <Arg type="String">HTTP/1.1</Arg>
        <Get name="httpConfiguration"><Set name="requestHeaderSize">65536</Set></Get>
      </Call>
    </New>
  </Arg></Call>
  <Set name="handler">
    <New class="org.eclipse.jetty.servlet.ServletContextHandler">
      <Set name="contextPath">/</Set>
      <Call name="addServlet">
        <Arg type="String">org.eclipse.jetty.fcgi.server.proxy.FastCGIProxyServlet</Arg>
        <Arg>/*</Arg>
        <Call name="setInitParameter"><Arg>proxyTo</Arg><Arg>http://127.0.0.1:9000</Arg></Call>
        <Call name="setInitParameter"><Arg>prefix</Arg><Arg>/</Arg></Call>
        <Call name="setInitParameter"><Arg>scriptRoot</Arg><Arg>/srv/tour</Arg></Call>
        <Call name="setInitParameter"><Arg>fastCGI.envNames</Arg><Arg>APP_SETTING</Arg></Call>
        <!-- Nothing is a script with a path behind it. -->
        <Call name="setInitParameter"><Arg>scriptPattern</Arg><Arg>^()()$</Arg></Call>
      </Call>
    </New>
  </Set>
</Configure>
"#;

/// The parts of Jetty that it takes, and the servlet API.
const JARS: [&str; 12] = [
    "jetty9-client",
    "jetty9-fcgi-client",
    "jetty9-fcgi-server",
    "jetty9-http",
    "jetty9-io",
    "jetty9-proxy",
    "jetty9-security",
    "jetty9-server",
    "jetty9-servlet",
    "jetty9-util",
    "jetty9-xml",
    "servlet-api",
];

fn configure(setup: &Setup<'_>) -> io::Result<Command> {
    let path = setup.write("jetty.xml", SERVER)?;
    let jars = JARS.map(|jar| format!("/usr/share/java/{jar}.jar"));
    let mut command = Command::new("java");
    command
        .args([
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &jars.join(":"),
        ])
        .arg("org.eclipse.jetty.xml.XmlConfiguration")
        .arg(path)
        .env("APP_SETTING", "from the web server");
    Ok(command)
}

fn app_status_is_502(site: &Site) -> Result<(), Failed> {
    get_is(site, "/exit/0", 200)?;
    expect_status(&site.get("/exit/3")?, 502)?;
    get_is(site, "/json", 200)
}

const COLLECTS: &str = "Jetty collects the response first, up to 32 KiB";
const NOT_BEGUN: &str = "502 by Jetty, which has not begun to send the response";

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "Jetty does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "app_status_changes_nothing",
        instead: "502 by Jetty to any other than 0",
        check: app_status_is_502,
    },
    Difference {
        behaviour: "double_slash_is_kept",
        instead: "Jetty makes one slash of several",
        check: |site| uri_becomes(site, "/request/a//b///c", "/request/a/b/c"),
    },
    Difference {
        behaviour: "headers_arrive",
        instead: "yes, but for bytes that are not ASCII: Jetty takes them for Latin-1 and sends UTF-8",
        check: |site| {
            let request = Request::get(site.at("/request/headers")).header("X-Utf-8", "h\u{e9}llo");
            arrives_as(site, &request, "x-utf-8", Some("h\u{c3}\u{a9}llo"))
        },
    },
    Difference {
        behaviour: "repeated_header_keeps_its_values_in_order",
        instead: "Jetty passes on the last line alone",
        check: |site| {
            let request = Request::get(site.at("/request/headers"));
            let request = request.header("X-Dup", "1").header("X-Dup", "2");
            arrives_as(site, &request, "x-dup", Some("2"))
        },
    },
    Difference {
        behaviour: "authorization_arrives",
        instead: "Jetty sends it as `AUTH_TYPE`, whole",
        check: authorization_is_the_auth_type,
    },
    Difference {
        behaviour: "reason_phrase_of_the_application_arrives",
        instead: "Jetty puts the usual one in its place",
        check: reason_phrase_is_the_usual_one,
    },
    Difference {
        behaviour: "expect_100_continue_is_answered",
        instead: "Jetty waits for the application to say so, which FastCGI cannot, and answers 504 after 30 s",
        check: no_answer_to_expect,
    },
    Difference {
        behaviour: "response_of_known_length_that_fails_is_cut_off",
        instead: NOT_BEGUN,
        check: |site| get_is(site, "/fails/announced", 502),
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: NOT_BEGUN,
        check: |site| get_is(site, "/fails", 502),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: NOT_BEGUN,
        check: |site| get_is(site, "/fails/panic", 502),
    },
    Difference {
        behaviour: "pieces_arrive_one_by_one",
        instead: COLLECTS,
        check: |site| arrives_at_once(site, "/pieces"),
    },
    Difference {
        behaviour: "server_sent_events_arrive_one_by_one",
        instead: COLLECTS,
        check: |site| arrives_at_once(site, "/events"),
    },
];

fn authorization_is_the_auth_type(site: &Site) -> Result<(), Failed> {
    let request = Request::get(site.at("/param/AUTH_TYPE")).header("Authorization", "Bearer a.b-c");
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "Bearer a.b-c");
    Ok(())
}

fn no_answer_to_expect(site: &Site) -> Result<(), Failed> {
    let request = Request::post(site.at("/upload"), "after all").header("Expect", "100-continue");
    let mut connection = site.connect()?;
    connection.set_patience(Duration::from_secs(1))?;
    connection.start(&request)?;
    match connection.head(&request) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => get_is(site, "/json", 200),
        answer => Err(format!("{answer:?}").into()),
    }
}
