//! The doctor, read by Chromium: all green with the configurations of the guides; one fault turns one check red, and the
//! setting that the page proposes turns it green.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use fastcgi_e2e::doctor::{Case, Examined, Host, TOKEN, configure};
use fastcgi_e2e::{Browser, Browsers, Request, Setup};
use fastcgi_test_kit::scaled;
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let documented = [
        ("nginx", Host::Nginx),
        ("apache_mod_fcgid_in_a_directory", Host::Apache),
        ("apache_with_plain_cgi", Host::Cgi),
        ("caddy", Host::Caddy),
        ("lighttpd", Host::Lighttpd),
    ];
    let browsers = Arc::<Browsers>::default();
    let shared = Arc::clone(&browsers);
    let green = documented.into_iter().map(move |(name, host)| {
        let browsers = Arc::clone(&shared);
        Trial::test(format!("doctor::all_is_green_behind_{name}"), move || {
            browsers.lend(|browser| all_is_green(browser, host))
        })
    });
    // 100 MiB take their time: in tests/long.
    let of_page = Arc::clone(&browsers);
    let door = Trial::test("doctor::the_door_opens_with_the_token_alone", move || {
        of_page.lend(door)
    });
    let faults = FAULTS
        .iter()
        .filter(|fault| fault.check != "upload100" || scaled(1) > 1);
    let faults = faults.map(|fault| (format!("doctor::fault::{}", fault.check), fault));
    let others = OTHER_FAULTS.iter().map(|fault| {
        let host = fault.broken.host;
        (
            format!("doctor::other_fault::{}_{host:?}", fault.check).to_lowercase(),
            fault,
        )
    });
    let red = faults.chain(others).map(move |(name, fault)| {
        let browsers = Arc::clone(&browsers);
        Trial::test(name, move || {
            browsers.lend(|browser| is_red_and_mended(browser, fault))
        })
    });
    green.chain(red).chain([
        door,
        Trial::test("doctor::each_check_has_a_fault", each_check_has_a_fault),
        Trial::test(
            "doctor::the_page_says_nothing_without_a_token",
            says_nothing,
        ),
        Trial::test("doctor::credentials_are_never_shown", never_shown),
        Trial::test("doctor::it_stops_after_a_day", stops_after_a_day),
        Trial::test(
            "doctor::larger_uploads_are_refused",
            larger_uploads_are_refused,
        ),
    ])
}

/// A fault in a configuration, and what the page says of it.
struct Fault {
    check: &'static str,
    /// A part of the setting that the page has to propose.
    proposed: &'static str,
    /// With the fault.
    broken: Case,
    /// With the proposed setting.
    mended: Case,
}

type Configure = fn(&Setup<'_>) -> io::Result<Command>;

const fn behind(host: Host, configure: Configure) -> Case {
    Case {
        host,
        configure,
        mount: None,
        environment: &[],
        is_started_again: true,
    }
}

/// The configuration of the guide with the fault in it, and with the proposed setting in its place; where nothing is proposed
/// but to remove the fault, it is the configuration of the guide.
macro_rules! fault {
    ($check:literal, $host:ident, $proposed:literal, $($from:literal => $to:literal),+) => {
        Fault {
            check: $check,
            proposed: $proposed,
            broken: behind(Host::$host, |setup| configure(Host::$host, setup, &[$(($from, $to)),+])),
            mended: behind(Host::$host, |setup| configure(Host::$host, setup, &[])),
        }
    };
    ($check:literal, $host:ident, $proposed:literal, $($from:literal => $to:literal),+; mended $($old:literal => $new:literal),+) => {
        Fault {
            mended: behind(Host::$host, |setup| configure(Host::$host, setup, &[$(($old, $new)),+])),
            ..fault!($check, $host, $proposed, $($from => $to),+)
        }
    };
}

const FAULTS: &[Fault] = &[
    Fault {
        broken: Case {
            mount: Some("/app"),
            ..behind(Host::Nginx, |setup| {
                configure(Host::Nginx, setup, &[("location /", "location /app/")])
            })
        },
        mended: Case {
            mount: Some("/app"),
            environment: &[("FCGI_SCRIPT_NAME", "/app")],
            ..behind(Host::Nginx, |setup| {
                configure(Host::Nginx, setup, &[("location /", "location /app/")])
            })
        },
        ..fault!("mount", Nginx, ".script_name(\"/app\")", "location /" => "location /app/")
    },
    fault!("site", Nginx, "fastcgi_param HTTP_HOST $http_host;",
        "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_param HTTP_HOST backend.internal;";
        mended "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_param HTTP_HOST backend.internal; fastcgi_param HTTP_HOST $http_host;"),
    fault!("token", Nginx, "*.token",
        "location / {" => "location ~ [.]token$ { root /srv/app; }\n    location / {"),
    fault!("slash", Apache, "AllowEncodedSlashes On", "AllowEncodedSlashes On" => ""),
    fault!("doubled", Nginx, "//",
        "location / {" => "if ($request_uri ~ \"^[^?]*//\") { return 404; }\n    location / {"),
    fault!("utf8", Nginx, "%7F",
        "location / {" => "if ($request_uri ~* \"^[^?]*%[89a-f][0-9a-f]\") { return 403; }\n    location / {"),
    fault!("query", Apache, "RewriteRule ^.* index.fcgi/$0 [B=%?#,QSA,END]",
        "[B=%?#,QSA,END]" => "[B=%?#,QSD,END]"),
    fault!("methods", Nginx, "limit_except",
        "fastcgi_pass app;" => "fastcgi_pass app; limit_except GET POST { deny all; }"),
    fault!("head", Nginx, "HEAD",
        "location / {" => "if ($request_method = HEAD) { return 405; }\n    location / {"),
    fault!("authorization", Apache, "CGIPassAuth On", "CGIPassAuth On\n" => "\n"),
    fault!("cookies", Caddy, "header_down -Set-Cookie",
        "flush_interval -1" => "flush_interval -1\n\t\theader_down -Set-Cookie"),
    fault!("header", Lighttpd, "server.max-request-field-size = 65536",
        "max-request-field-size = 65536" => "max-request-field-size = 4096"),
    fault!("upload1", Apache, "FcgidMaxRequestLen 104857600",
        "FcgidMaxRequestLen 104857600" => "FcgidMaxRequestLen 131072"),
    fault!("upload10", Nginx, "client_max_body_size 100m;",
        "client_max_body_size 100m;" => "client_max_body_size 1m;"),
    fault!("upload100", Nginx, "client_max_body_size 100m;",
        "client_max_body_size 100m;" => "client_max_body_size 50m;"),
    fault!("early", Nginx, "fastcgi_intercept_errors off;",
        "location / {" => "error_page 413 @large; location @large { return 413 \"too large\"; }\n    location / {\n fastcgi_intercept_errors on;";
        mended "location / {" => "error_page 413 @large; location @large { return 413 \"too large\"; }\n    location / {\n fastcgi_intercept_errors off;"),
    fault!("answer", Nginx, "fastcgi_buffer_size 16k;",
        "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_buffer_size 2k;";
        mended "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_buffer_size 16k;\nfastcgi_buffers 8 16k;"),
    fault!("streaming", Lighttpd, "server.stream-response-body = 2",
        "server.stream-response-body = 2" => ""),
    fault!("events", Nginx, "fastcgi_read_timeout 1h;",
        "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_read_timeout 2s;";
        mended "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_read_timeout 1h;"),
    fault!("missing", Caddy, "handle_response",
        "flush_interval -1" => "flush_interval -1\n\t\t@missing status 404\n\t\thandle_response @missing {\n\t\t\trespond \"not here\" 404\n\t\t}"),
    fault!("broken", Nginx, "fastcgi_intercept_errors off;",
        "location / {" => "error_page 500 @sorry; location @sorry { return 500 \"sorry\"; }\n    location / {\n fastcgi_intercept_errors on;";
        mended "location / {" => "error_page 500 @sorry; location @sorry { return 500 \"sorry\"; }\n    location / {\n fastcgi_intercept_errors off;"),
    fault!("redirect", Caddy, "header_down Location",
        "flush_interval -1" => "flush_interval -1\n\t\theader_down Location ^/ /old/"),
    fault!("internal", Nginx, "include fastcgi_params;",
        "include /etc/nginx/fastcgi_params;" => "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri; fastcgi_param QUERY_STRING $query_string; fastcgi_param CONTENT_LENGTH $content_length; fastcgi_param SERVER_SOFTWARE nginx/$nginx_version;"),
    fault!("keep", Nginx, "fastcgi_keep_conn on;", "fastcgi_keep_conn on;" => ""),
    fault!("parallel", Apache, "FcgidMaxProcessesPerClass 8",
        "FcgidOutputBufferSize 0" => "FcgidOutputBufferSize 0\nFcgidMaxProcessesPerClass 1";
        mended "FcgidOutputBufferSize 0" => "FcgidOutputBufferSize 0\nFcgidMaxProcessesPerClass 8"),
    Fault {
        broken: Case {
            is_started_again: false,
            ..behind(Host::Nginx, |setup| configure(Host::Nginx, setup, &[]))
        },
        ..fault!("restart", Nginx, "Restart=always", "location /" => "location /")
    },
];

/// Where a check can be red for another reason, and the page proposes another setting.
const OTHER_FAULTS: &[Fault] = &[
    fault!("site", Nginx, "remove the parameter HTTPS",
        "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_param HTTPS on;"),
    fault!("internal", Nginx, "fastcgi_ignore_headers X-Accel-Redirect;",
        "fastcgi_pass app;" => "fastcgi_pass app; fastcgi_ignore_headers X-Accel-Redirect;"),
    fault!("methods", Apache, "PUT, PATCH, DELETE, OPTIONS",
        "RewriteEngine On\n" => "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} ^(PUT|DELETE|PATCH)$\nRewriteRule ^ - [F]\n"),
    fault!("events", Caddy, "read_timeout 1h",
        "transport fastcgi" => "transport fastcgi {\n\t\t\tread_timeout 2s\n\t\t}";
        mended "transport fastcgi" => "transport fastcgi {\n\t\t\tread_timeout 1h\n\t\t}"),
    fault!("streaming", Caddy, "flush_interval -1", "flush_interval -1" => ""),
    fault!("upload1", Lighttpd, "server.max-request-size = 102400",
        "server.stream-response-body = 2" => "server.stream-response-body = 2\nserver.max-request-size = 100";
        mended "server.stream-response-body = 2" => "server.stream-response-body = 2\nserver.max-request-size = 102400"),
    fault!("streaming", Apache, "FcgidOutputBufferSize 0", "FcgidOutputBufferSize 0" => ""),
];

fn all_is_green(browser: &mut Browser, host: Host) -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(host))?;
    let rows = examined.examine(browser, "all=small")?;
    let others: Vec<_> = rows.iter().filter(|row| row.state != "ok").collect();
    let names: Vec<_> = others.iter().map(|row| &*row.check).collect();
    assert_eq!(
        names,
        ["upload100"],
        "{others:#?}\n{}",
        examined.site().log()?
    );
    examined.stop();
    Ok(())
}

fn is_red_and_mended(browser: &mut Browser, fault: &Fault) -> Result<(), Failed> {
    // What runs by itself, and what the fault is about.
    let wanted = match fault.check {
        "upload100" => "all=large",
        "restart" => "all=small",
        _ => "",
    };
    let examined = Examined::start(&fault.broken)?;
    let rows = examined.examine(browser, wanted)?;
    let red: Vec<_> = rows.iter().filter(|row| row.state == "bad").collect();
    let names: Vec<_> = red.iter().map(|row| &*row.check).collect();
    assert_eq!(names, [fault.check], "{red:#?}\n{}", examined.site().log()?);
    let setting = &red.first().ok_or("no row")?.setting;
    assert!(setting.contains(fault.proposed), "{setting}");
    examined.stop();

    let examined = Examined::start(&fault.mended)?;
    let rows = examined.examine(browser, &format!("only={}", fault.check))?;
    let row = rows.iter().find(|row| row.check == fault.check);
    let row = row.ok_or("no row")?;
    assert_eq!(row.state, "ok", "{row:#?}\n{}", examined.site().log()?);
    examined.stop();
    Ok(())
}

/// As a user does it, on a phone.
fn door(browser: &mut Browser) -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(Host::Lighttpd))?;
    let site = examined.site();
    browser.look(390, 800, "light")?;
    browser.open(&format!("http://{}/", site.addr()))?;
    let shown = "['door', 'refused', 'examination'].filter(id => !element(id).hidden).join()";
    assert_eq!(browser.evaluate(shown)?, "door");
    // The answer to a wrong token is awaited: the page says then that it is wrong.
    let enter = |token: &str| {
        format!(
            "element('token').value = '{token}'; element('door').requestSubmit(); \
             new Promise(resolve => new MutationObserver(() => resolve(element('refused').textContent)) \
                 .observe(document.body, {{ subtree: true, childList: true, characterData: true }}))"
        )
    };
    let said = browser.evaluate(&enter("another-token-of-32-characters.."))?;
    assert_eq!(
        said,
        "That is not the token. Without it, this page says nothing."
    );
    assert_eq!(browser.evaluate(shown)?, "door,refused");

    browser.evaluate(&enter(TOKEN))?;
    assert_eq!(browser.evaluate("finished")?, true);
    assert_eq!(browser.evaluate(shown)?, "examination");
    let report = browser.evaluate("element('report').textContent")?;
    let report = report.as_str().unwrap_or_default();
    assert!(
        report.contains("web server: lighttpd/") && report.contains("ok         Streaming"),
        "{report}"
    );
    for secret in [TOKEN, "127.0.0.1", "fastcgi-e2e"] {
        assert!(!report.contains(secret), "{secret}: {report}");
    }
    // Nothing is wider than the phone.
    browser.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")?;
    assert_eq!(
        browser.evaluate("document.documentElement.scrollWidth")?,
        390
    );
    // Loaded again, it needs no token.
    browser.open(&format!("http://{}/", site.addr()))?;
    assert_eq!(browser.evaluate("finished")?, true);
    browser.evaluate("sessionStorage.clear()")?;
    browser.look(800, 600, "light")?;
    examined.stop();
    Ok(())
}

/// No check without a fault, so that none is green whatever happens; and the guide has a row for each.
fn each_check_has_a_fault() -> Result<(), Failed> {
    let checks = include_str!("../../../../examples/doctor/src/page/checks.js");
    let guide = include_str!("../../../../docs/doctor.md");
    let mut ids = Vec::new();
    for check in checks.split("id: '").skip(1) {
        let (id, rest) = check.split_once('\'').ok_or("an id has an end")?;
        let title = rest.split('\'').nth(1).ok_or("a check has a title")?;
        let mut rows = guide
            .lines()
            .filter(|line| line.starts_with(&format!("| {title} |")));
        let row = rows
            .next()
            .ok_or_else(|| format!("docs/doctor.md has no row for {title:?}"))?;
        assert!(
            row.ends_with(&format!("| `doctor::fault::{id}` |")),
            "{row}"
        );
        ids.push(id);
    }
    let rows = guide.matches("`doctor::fault::").count();
    assert_eq!((rows, ids.len()), (FAULTS.len(), FAULTS.len()));
    let mut faults: Vec<_> = FAULTS.iter().map(|fault| fault.check).collect();
    ids.sort_unstable();
    faults.sort_unstable();
    assert_eq!(ids, faults);
    Ok(())
}

/// Neither to somebody without a token nor to somebody with another one.
fn says_nothing() -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(Host::Nginx))?;
    let site = examined.site();
    eventually(|| Ok(site.get("/")?.status == 200))?;
    let page = site.get("/any/path")?;
    assert_eq!(
        page.header("x-robots-tag").as_deref(),
        Some("noindex, nofollow")
    );
    for word in ["nginx/", "doctor-fedcba", "SERVER_SOFTWARE nginx"] {
        assert!(!page.text().contains(word), "{word}");
    }
    let mut answers = Vec::new();
    for token in [
        None,
        Some("wrong"),
        Some("0123456789abcdef0123456789abcdee"),
        Some(""),
    ] {
        for probe in ["facts", "echo", "restart", "nothing"] {
            let mut request = Request::get("/").header("X-Doctor", probe);
            if let Some(token) = token {
                request = request.header("X-Doctor-Token", token);
            }
            let answer = site.send(&request)?;
            answers.push((
                answer.status,
                answer.text(),
                answer.header("x-doctor-answer"),
            ));
        }
    }
    assert_eq!(answers.len(), 16);
    assert!(
        answers.iter().all(|it| *it == (403, String::new(), None)),
        "{answers:?}"
    );
    examined.stop();
    Ok(())
}

fn never_shown() -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(Host::Nginx))?;
    let site = examined.site();
    eventually(|| Ok(site.get("/")?.status == 200))?;
    for probe in ["facts", "echo"] {
        let request = Request::get("/?q=1")
            .header("X-Doctor", probe)
            .header("X-Doctor-Token", TOKEN)
            .header("Authorization", "Bearer my-credentials")
            .header("Cookie", "session=my-session; other=my-other")
            .header("X-Api-Key", "my-key")
            .header("X-Real-Ip", "my-address");
        let answer = site.send(&request)?;
        assert_eq!(answer.status, 200);
        let text = answer.text();
        for secret in ["my-", TOKEN, "srv", "/tmp"] {
            assert!(!text.contains(secret), "{probe}: {secret}: {text}");
        }
        assert!(
            text.contains("GET") || text.contains("REQUEST_METHOD"),
            "{text}"
        );
    }
    examined.stop();
    Ok(())
}

/// After a day the doctor answers nothing but 410; without its token file it writes another one, which only its user can read.
fn stops_after_a_day() -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(Host::Nginx))?;
    let site = examined.site();
    eventually(|| Ok(site.get("/")?.status == 200))?;
    let token = fs::read_dir(site.dir())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "token"))
        .ok_or("no token")?;
    let day = Duration::from_secs(24 * 60 * 60);
    let file = File::options().write(true).open(&token)?;
    file.set_modified(SystemTime::now() - day)?;
    let request = Request::get("/")
        .header("X-Doctor", "facts")
        .header("X-Doctor-Token", TOKEN);
    assert_eq!(site.send(&request)?.status, 410);
    assert_eq!(site.get("/")?.status, 410);

    fs::remove_file(&token)?;
    assert_eq!(site.get("/")?.status, 200);
    assert_eq!(site.send(&request)?.status, 403);
    let written = fs::read_dir(site.dir())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "token"))
        .ok_or("no other token")?;
    assert_eq!(fs::metadata(&written)?.permissions().mode() & 0o777, 0o600);
    let other = fs::read_to_string(&written)?;
    let request = Request::get("/")
        .header("X-Doctor", "facts")
        .header("X-Doctor-Token", other.trim());
    assert_eq!(site.send(&request)?.status, 200);
    let name = written.file_name().unwrap_or_default().to_string_lossy();
    assert!(name.len() == "doctor-.token".len() + 32 && other.trim().len() == 32);
    assert!(!name.contains(other.trim()));
    examined.stop();
    Ok(())
}

fn larger_uploads_are_refused() -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(Host::Caddy))?;
    let site = examined.site();
    eventually(|| Ok(site.get("/")?.status == 200))?;
    let request = Request::post("/", vec![0; (100 << 20) + 1])
        .header("X-Doctor", "body")
        .header("X-Doctor-Token", TOKEN);
    assert_eq!(site.send(&request)?.status, 413);
    examined.stop();
    Ok(())
}

/// The program starts beside the test.
fn eventually(mut is_so: impl FnMut() -> io::Result<bool>) -> Result<(), Failed> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(30) {
        if is_so()? {
            return Ok(());
        }
        thread::yield_now();
    }
    Err("the doctor does not answer".into())
}
