//! Method, headers, and what only the web server knows.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::expect_status;
use crate::{Behaviour, Request, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "methods_arrive",
        check: methods_arrive,
    },
    Behaviour {
        name: "unusual_method_arrives",
        check: unusual_method_arrives,
    },
    Behaviour {
        name: "headers_arrive",
        check: headers_arrive,
    },
    Behaviour {
        name: "repeated_header_keeps_its_values_in_order",
        check: repeated_header_keeps_its_values_in_order,
    },
    Behaviour {
        name: "host_arrives_with_its_port",
        check: host_arrives_with_its_port,
    },
    Behaviour {
        name: "cookies_arrive",
        check: cookies_arrive,
    },
    Behaviour {
        name: "authorization_arrives",
        check: authorization_arrives,
    },
    Behaviour {
        name: "header_of_20_kb_arrives",
        check: header_of_20_kb_arrives,
    },
    Behaviour {
        name: "connect_info_is_the_client",
        check: connect_info_is_the_client,
    },
    Behaviour {
        name: "custom_param_arrives",
        check: custom_param_arrives,
    },
    Behaviour {
        name: "param_is_exposed_as_a_header",
        check: param_is_exposed_as_a_header,
    },
    Behaviour {
        name: "exposed_param_cannot_be_forged",
        check: exposed_param_cannot_be_forged,
    },
    Behaviour {
        name: "nobody_is_logged_in_by_an_empty_user",
        check: nobody_is_logged_in_by_an_empty_user,
    },
    Behaviour {
        name: "proxy_header_is_removed",
        check: proxy_header_is_removed,
    },
];

fn methods_arrive(site: &Site) -> Result<(), Failed> {
    for method in ["GET", "DELETE", "PATCH", "PUT", "OPTIONS"] {
        method_arrives(site, method)?;
    }
    Ok(())
}

fn unusual_method_arrives(site: &Site) -> Result<(), Failed> {
    method_arrives(site, "M-SEARCH")
}

fn method_arrives(site: &Site, method: &str) -> Result<(), Failed> {
    let mut request = Request::new(method, site.at("/request/method"));
    if matches!(method, "PATCH" | "PUT") {
        request = request.header("Content-Length", "0");
    }
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(response.json()?["method"], method);
    Ok(())
}

fn headers_arrive(site: &Site) -> Result<(), Failed> {
    let request = Request::get(site.at("/request/headers"))
        .header("User-Agent", "the suite/1.0 (a test)")
        .header("Accept", "text/html;q=0.9, */*;q=0.1")
        .header("X-Utf-8", "h\u{e9}llo")
        .header("X-Long-Name-With-Many-Dashes", "v");
    let dump = site.send(&request)?.json()?;
    assert_eq!(values(&dump, "user-agent"), ["the suite/1.0 (a test)"]);
    assert_eq!(values(&dump, "accept"), ["text/html;q=0.9, */*;q=0.1"]);
    assert_eq!(values(&dump, "x-utf-8"), ["h\u{e9}llo"]);
    assert_eq!(values(&dump, "x-long-name-with-many-dashes"), ["v"]);
    Ok(())
}

fn repeated_header_keeps_its_values_in_order(site: &Site) -> Result<(), Failed> {
    let request = Request::get(site.at("/request/headers"))
        .header("X-Dup", "1")
        .header("X-Dup", "2");
    let dump = site.send(&request)?.json()?;
    // RFC 9110, 5.3: two lines and one list mean the same.
    assert_eq!(values(&dump, "x-dup").join(", "), "1, 2");
    Ok(())
}

fn host_arrives_with_its_port(site: &Site) -> Result<(), Failed> {
    let dump = site.get("/request/host")?.json()?;
    assert_eq!(values(&dump, "host"), [site.addr().to_string()]);
    Ok(())
}

fn cookies_arrive(site: &Site) -> Result<(), Failed> {
    let request =
        Request::get(site.at("/request/cookies")).header("Cookie", "session=abc; theme=\"dark\"");
    let dump = site.send(&request)?.json()?;
    assert_eq!(values(&dump, "cookie"), ["session=abc; theme=\"dark\""]);
    Ok(())
}

fn authorization_arrives(site: &Site) -> Result<(), Failed> {
    for value in ["Bearer a.b-c", "Basic dXNlcjpwYXNz"] {
        let request =
            Request::get(site.at("/request/authorization")).header("Authorization", value);
        let dump = site.send(&request)?.json()?;
        assert_eq!(values(&dump, "authorization"), [value]);
    }
    Ok(())
}

fn header_of_20_kb_arrives(site: &Site) -> Result<(), Failed> {
    // In lines of 4000: each web server limits a single line.
    let mut request = Request::get(site.at("/request/headers"));
    for n in 0..5 {
        request = request.header(format!("X-Long-{n}"), "v".repeat(4000));
    }
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    let dump = response.json()?;
    let arrived: usize = (0..5)
        .flat_map(|n| values(&dump, &format!("x-long-{n}")))
        .map(|value| value.len())
        .sum();
    assert_eq!(arrived, 20_000);
    Ok(())
}

fn connect_info_is_the_client(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let response = connection.send(&Request::get(site.at("/whoami")))?;
    assert_eq!(response.text(), connection.local_addr()?.to_string());
    Ok(())
}

/// For web servers that do not say it.
pub(crate) fn client_has_no_port(site: &Site) -> Result<(), Failed> {
    assert_eq!(site.get("/whoami")?.text(), "127.0.0.1:0");
    Ok(())
}

fn custom_param_arrives(site: &Site) -> Result<(), Failed> {
    let response = site.get("/param/APP_SETTING")?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "from the web server");
    Ok(())
}

fn param_is_exposed_as_a_header(site: &Site) -> Result<(), Failed> {
    let dump = site.get("/params-as-headers")?.json()?;
    assert_eq!(pairs(&dump, "x-fcgi-app-setting"), ["from the web server"]);
    Ok(())
}

fn exposed_param_cannot_be_forged(site: &Site) -> Result<(), Failed> {
    let request = Request::get(site.at("/params-as-headers"))
        .header("X-Fcgi-Remote-User", "root")
        .header("x-fcgi-app-setting", "root")
        .header("X-FCGI-anything", "root");
    let dump = site.send(&request)?.json()?;
    for name in [
        "x-fcgi-remote-user",
        "x-fcgi-app-setting",
        "x-fcgi-anything",
    ] {
        assert!(
            !pairs(&dump, name).contains(&"root".to_owned()),
            "{name} is forged"
        );
    }
    Ok(())
}

fn nobody_is_logged_in_by_an_empty_user(site: &Site) -> Result<(), Failed> {
    let dump = site.get("/params-as-headers")?.json()?;
    assert!(pairs(&dump, "x-fcgi-remote-user").is_empty(), "{dump}");
    Ok(())
}

/// RFC 9112, 3.2.2. The `Host` of the request is another one. HAProxy and lighttpd refuse such a request, Caddy has another
/// site for it.
pub(crate) fn host_of_an_absolute_target_counts(site: &Site) -> Result<(), Failed> {
    let target = format!("http://good.example{}", site.at("/request/host"));
    let dump = site.send(&Request::get(target))?.json()?;
    assert_eq!(values(&dump, "host"), ["good.example"]);
    Ok(())
}

/// For web servers that change a header, or keep it: what arrives of `name`.
pub(crate) fn arrives_as(
    site: &Site,
    request: &Request,
    name: &str,
    expected: Option<&str>,
) -> Result<(), Failed> {
    let response = site.send(request)?;
    expect_status(&response, 200)?;
    let expected: Vec<String> = expected.map(str::to_owned).into_iter().collect();
    assert_eq!(values(&response.json()?, name), expected);
    Ok(())
}

fn proxy_header_is_removed(site: &Site) -> Result<(), Failed> {
    let request = Request::get(site.at("/request/headers")).header("Proxy", "http://evil.example/");
    let dump = site.send(&request)?.json()?;
    assert!(values(&dump, "proxy").is_empty(), "httpoxy");
    Ok(())
}

/// The values of one header in what `/request` answers.
fn values(dump: &Value, name: &str) -> Vec<String> {
    pairs(&dump["headers"], name)
}

fn pairs(pairs: &Value, name: &str) -> Vec<String> {
    let pairs = pairs.as_array().into_iter().flatten();
    let matching = pairs.filter(|pair| pair[0] == name);
    matching
        .filter_map(|pair| pair[1].as_str())
        .map(str::to_owned)
        .collect()
}
