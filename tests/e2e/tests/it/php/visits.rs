//! What visitors do on a PHP site.

use std::io;

use fastcgi_e2e::{Request, Response};

use super::requests::{form, session, upload};
use super::sites::Browser;

/// What a visitor does, on either site.
#[derive(Clone, Copy)]
pub(super) struct Visit {
    pub(super) name: &'static str,
    pub(super) answers: fn(Browser) -> io::Result<Vec<Response>>,
    /// Who makes the answers.
    pub(super) by: By,
}

/// Who makes an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// PHP: everything is the same.
    Php,
    /// The web server, of a file. The example sends no `etag`, and `accept-ranges` and `last-modified` otherwise with 206 and 304.
    File,
    /// The web server itself: its text is its own.
    Server,
}

/// Of single requests.
macro_rules! visit {
    ($name:literal, $by:ident, $($request:expr),+ $(,)?) => {
        Visit {
            name: $name,
            answers: |site| [$($request),+].into_iter().map(|request| site.send(request)).collect(),
            by: By::$by,
        }
    };
}

pub(super) const VISITS: &[Visit] = &[
    visit!("page", Php, Request::get("/page.php")),
    visit!(
        "query",
        Php,
        Request::get("/page.php?name=Zo%C3%AB&b=%2F+c"),
        Request::get("/page.php?")
    ),
    visit!("head", Php, Request::new("HEAD", "/page.php")),
    visit!("form", Php, form("/page.php?name=query", "name=Zo%C3%AB")),
    visit!("form_in_chunks", Php, chunked_form()),
    visit!(
        "method",
        Php,
        Request::new("DELETE", "/page.php"),
        Request::new("OPTIONS", "/page.php")
    ),
    visit!(
        "path_info",
        Php,
        Request::get("/article.php/2024/may?x=1"),
        Request::get("/article.php/")
    ),
    visit!(
        "path_info_is_decoded",
        Php,
        Request::get("/article.php/a%2Fb%20c/Zo%C3%AB"),
        Request::get("/article.php/a%252Fb")
    ),
    visit!(
        "path_info_loses_double_slashes",
        Php,
        Request::get("/article.php//a///b//")
    ),
    visit!(
        "path_info_that_ends_in_php",
        Php,
        Request::get("/article.php/x.php"),
        Request::get("/article.php/x.php/y")
    ),
    visit!(
        "script_with_the_name_of_a_kind_that_is_hidden",
        Php,
        Request::get("/test/list.inc.php"),
        Request::get("/test/list.inc.php/x")
    ),
    visit!(
        "index_php",
        Php,
        Request::get("/"),
        Request::get("/index.php"),
        Request::get("/?a=b")
    ),
    visit!(
        "not_found_by_php",
        Php,
        Request::get("/article.php/gone"),
        Request::get("/article.php")
    ),
    visit!(
        "redirects",
        Php,
        Request::get("/moved.php?from=here"),
        Request::get("/moved.php?status=301"),
        Request::get("/moved.php?status=307")
    ),
    visit!(
        "cookies",
        Php,
        Request::get("/cookies.php"),
        Request::get("/cookies.php").header("Cookie", "visits=7; a=\"b c\"; x=%C3%AB")
    ),
    Visit {
        name: "login",
        answers: log_in,
        by: By::Php,
    },
    Visit {
        name: "session_of_nobody",
        answers: nobody,
        by: By::Php,
    },
    Visit {
        name: "upload_of_10_mib",
        answers: |site| Ok(vec![site.send(upload("a.bin", 10 << 20, false))?]),
        by: By::Php,
    },
    Visit {
        name: "upload_of_10_mib_in_chunks",
        answers: |site| Ok(vec![site.send(upload("b.bin", 10 << 20, true))?]),
        by: By::Php,
    },
    visit!("too_large_for_php", Php, upload("c.bin", 17 << 20, false)),
    visit!(
        "spelled_otherwise",
        Php,
        Request::get("/%70age.php"),
        Request::get("//page.php")
    ),
    visit!(
        "file",
        File,
        Request::get("/css/site.css"),
        Request::get("/css/dot.svg"),
        Request::get("/docs/notes.txt?x=1"),
        Request::get("/docs/index.html")
    ),
    visit!("index_html", File, Request::get("/docs/")),
    visit!(
        "head_of_a_file",
        File,
        Request::new("HEAD", "/docs/notes.txt")
    ),
    visit!(
        "range",
        File,
        Request::get("/docs/notes.txt").header("Range", "bytes=2-5"),
        Request::get("/docs/notes.txt").header("Range", "bytes=-3")
    ),
    visit!(
        "range_outside",
        Server,
        Request::get("/docs/notes.txt").header("Range", "bytes=900-")
    ),
    Visit {
        name: "unchanged_file",
        answers: unchanged,
        by: By::File,
    },
    visit!(
        "file_spelled_otherwise",
        File,
        Request::get("/docs%2Fnotes.txt"),
        Request::get("/docs//notes.txt"),
        Request::get("/%64ocs/notes%2Etxt")
    ),
    visit!(
        "folder_without_its_slash",
        Server,
        Request::get("/docs"),
        Request::get("/docs?a=b&c=%2F"),
        Request::get("//docs"),
        Request::get("/%64ocs")
    ),
    visit!("folder_without_an_index", Server, Request::get("/css/")),
    visit!(
        "not_found",
        Server,
        Request::get("/nothing"),
        Request::get("/nothing/"),
        Request::get("/nothing.php"),
        Request::get("/nothing.php/x"),
        Request::get("/docs/notes.txt/")
    ),
    visit!(
        "method_for_a_file",
        Server,
        form("/docs/notes.txt", "a=b"),
        Request::new("DELETE", "/docs/notes.txt")
    ),
    visit!(
        "above_the_root",
        Server,
        Request::get("/%2e%2e/x"),
        Request::get("/docs/%2e%2e/%2e%2e/x")
    ),
    visit!(
        "too_large",
        Server,
        Request::post("/page.php", vec![b'x'; (20 << 20) + 1])
    ),
];

/// Where the example alone answers as nginx does: a web server that speaks FastCGI has read these paths in its own way before.
pub(super) const PATHS: &[Visit] = &[
    visit!(
        "dot_segments",
        Php,
        Request::get("/docs/../page.php"),
        Request::get("/docs%2F..%2Fpage.php"),
        Request::get("/./article.php/a/../b"),
        Request::get("/docs/%2e%2e/page.php")
    ),
    visit!(
        "dot_segments_of_a_file",
        File,
        Request::get("/css/../docs/./notes.txt"),
        Request::get("/css%2f..%2fdocs%2fnotes.txt")
    ),
    visit!(
        "zero_byte",
        Server,
        Request::get("/page.php%00"),
        Request::get("/docs/notes.txt%00.php")
    ),
];

/// With a front controller for all that is not there.
pub(super) const CONTROLLED: &[Visit] = &[
    visit!(
        "page_that_is_not_there",
        Php,
        Request::get("/news/2024?x=1"),
        Request::get("/news/"),
        Request::get("/a%2Fb%20c"),
        form("/news", "a=b")
    ),
    visit!("file", File, Request::get("/docs/notes.txt")),
    visit!(
        "folder",
        Server,
        Request::get("/docs"),
        Request::get("/css/")
    ),
    visit!(
        "script_that_is_not_there",
        Server,
        Request::get("/nothing.php"),
        Request::get("/nothing.php/x"),
        Request::get("/.env"),
        Request::get("/a.inc")
    ),
    visit!(
        "script",
        Php,
        Request::get("/article.php/2024"),
        Request::get("/")
    ),
];

fn chunked_form() -> Request {
    let request = Request::post_chunked("/page.php", b"name=Zo%C3%AB", 5);
    request.header("Content-Type", "application/x-www-form-urlencoded")
}

/// From the page that needs a login to the form, back, and out.
fn log_in(site: Browser) -> io::Result<Vec<Response>> {
    let account = |cookie: &str| Request::get("/account.php").header("Cookie", cookie);
    let refused = site.get("/account.php")?;
    let before = session(&refused);
    let page = site.send(Request::get("/login.php").header("Cookie", &before))?;
    let logged_in = site.send(form("/login.php", "user=Zo%C3%AB").header("Cookie", &before))?;
    let cookie = session(&logged_in);
    let shown = site.send(account(&cookie))?;
    let old = site.send(account(&before))?;
    let logged_out = site.send(form("/logout.php", "").header("Cookie", &cookie))?;
    let after = site.send(account(&cookie))?;
    Ok(vec![
        refused, page, logged_in, shown, old, logged_out, after,
    ])
}

fn nobody(site: Browser) -> io::Result<Vec<Response>> {
    let forged = Request::get("/session.php").header("Cookie", "PHPSESSID=forged");
    Ok(vec![site.get("/session.php")?, site.send(forged)?])
}

/// With the time that the first answer says.
fn unchanged(site: Browser) -> io::Result<Vec<Response>> {
    let first = site.get("/docs/notes.txt")?;
    let time = first.header("last-modified").unwrap_or_default();
    let again = Request::get("/docs/notes.txt").header("If-Modified-Since", time);
    let older = Request::get("/docs/notes.txt")
        .header("If-Modified-Since", "Thu, 01 Jan 1970 00:00:01 GMT");
    Ok(vec![first, site.send(again)?, site.send(older)?])
}
