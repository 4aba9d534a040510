//! `docs/facades.md` has an answer for each public function of `axum::serve` and of `HttpServer`, and the answers are true.

use std::{collections::BTreeSet, fs, path::Path};

use fastcgi_public_api::{
    committed,
    facades::{Row, problems, tables},
    items::items,
    upstream::{folder, functions, functions_in},
};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/facades.md");
    fs::read_to_string(path).expect("the page")
}

fn table(head: &str) -> Vec<Row> {
    let page = page();
    let mut tables = tables(&page).expect("an answer in each row");
    assert_eq!(tables.len(), 4, "{:?}", tables.keys());
    tables.remove(head).expect("a table of this head")
}

fn listing(name: &str) -> String {
    fs::read_to_string(committed(name)).expect("a listing")
}

/// The functions of a facade, and those of the crates below on types that it exports.
fn functions_of(facade: &str) -> BTreeSet<String> {
    let own = listing(facade);
    let exported: BTreeSet<_> = items(&own)
        .filter_map(|item| item.defined().map(str::to_owned))
        .collect();
    let functions_in = |listing: &str| {
        let functions = items(listing).filter_map(|item| item.function().map(str::to_owned));
        functions.collect::<Vec<_>>()
    };
    let mut functions: BTreeSet<_> = functions_in(&own).into_iter().collect();
    for below in ["fastcgi-core", "fastcgi-tower"] {
        functions.extend(functions_in(&listing(below)).into_iter().filter(|name| {
            let of = name.split_once("::").map(|(of, _)| of);
            of.is_some_and(|of| exported.contains(of))
        }));
    }
    functions
}

/// The functions of one type.
fn of_type(functions: &BTreeSet<String>, of: &str) -> BTreeSet<String> {
    let is_of = |name: &&String| name.split("::").next() == Some(of);
    functions.iter().filter(is_of).cloned().collect()
}

fn functions_of_axum_serve() -> BTreeSet<String> {
    let folder = folder("axum").expect("axum");
    functions_in(&folder.join("src/serve")).expect("its sources")
}

fn functions_of_http_server() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, types) in [
        ("actix-web", &["HttpServer"][..]),
        ("actix-server", &["Server", "ServerHandle"]),
    ] {
        let folder = folder(name).expect("a crate of actix");
        let all = functions_in(&folder.join("src")).expect("its sources");
        for of in types {
            let functions = of_type(&all, of);
            assert!(!functions.is_empty(), "{name} has no {of}");
            found.extend(functions);
        }
    }
    found
}

fn ours_for_axum(theirs: &BTreeSet<String>) -> BTreeSet<String> {
    let mut ours = functions_of("axum-fastcgi");
    // What is axum's own, and exported as it is.
    for item in items(&listing("axum-fastcgi")) {
        if let Some(name) = item.defined().filter(|name| name.ends_with("Ext")) {
            ours.extend(of_type(theirs, name));
        }
    }
    ours
}

fn actix_name(function: &str) -> String {
    function.replace("HttpServer::", "FastCgiServer::")
}

#[test]
fn each_function_of_axum_serve_has_a_true_answer() {
    let theirs = functions_of_axum_serve();
    assert!(
        theirs.contains("Serve::with_graceful_shutdown"),
        "{theirs:?}"
    );
    let problems = problems(
        &table("axum"),
        &theirs,
        &ours_for_axum(&theirs),
        str::to_owned,
    );
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn each_function_of_http_server_has_a_true_answer() {
    let theirs = functions_of_http_server();
    assert!(theirs.len() > 45, "{theirs:?}");
    let ours = functions_of("fastcgi-actix");
    let problems = problems(&table("actix-web"), &theirs, &ours, actix_name);
    assert!(problems.is_empty(), "{problems:#?}");
}

/// A setting of one facade is in the other, or it is said why not.
#[test]
fn each_setting_of_one_facade_has_a_true_answer_in_the_other() {
    let (axum, actix) = (functions_of("axum-fastcgi"), functions_of("fastcgi-actix"));
    let serve = of_type(&axum, "Serve");
    assert!(serve.len() > 15, "{serve:?}");
    let rows = table("`Serve`");
    let to_actix = |name: &str| name.replace("Serve::", "FastCgiServer::");
    let mut wrong = problems(&rows, &serve, &actix, to_actix);

    let answered: BTreeSet<_> = serve.iter().map(|name| to_actix(name)).collect();
    let http_server = functions_of_http_server();
    let http_server: BTreeSet<_> = http_server.iter().map(|it| actix_name(it)).collect();
    let rest = of_type(&actix, "FastCgiServer");
    let rest = rest.difference(&answered).cloned().collect::<BTreeSet<_>>();
    let rest = rest.difference(&http_server).cloned().collect();
    let to_axum = |name: &str| name.replace("FastCgiServer::", "Serve::");
    wrong.extend(problems(&table("`FastCgiServer`"), &rest, &axum, to_axum));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What a new version of actix-web or axum may bring.
const NEW_IN_ACTIX: &str = "
    impl<F, I, S, B> HttpServer<F, I, S, B>
    where
        F: Fn() -> I + Send + Clone + 'static,
    {
        #[cfg(feature = \"http3\")]
        pub fn bind_quic<A: net::ToSocketAddrs>(mut self, addrs: A) -> io::Result<Self> {
            Ok(self)
        }

        fn private(&self) {}
        pub(crate) fn of_the_crate(&self) {}
    }

    impl fmt::Debug for HttpServer<(), (), (), ()> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { Ok(()) }
    }
";
const NEW_IN_AXUM: &str = "
    pub fn serve_quic<L>(listener: L) {}
    pub trait ListenerExt: Listener + Sized {
        fn limit_connections(self, limit: usize) -> LimitConnections<Self>;
    }
    mod private {
        pub fn nobody_sees_it() {}
    }
";

#[test]
fn a_new_function_of_actix_web_is_missed() {
    let mut theirs = functions_of_http_server();
    theirs.extend(functions(NEW_IN_ACTIX).expect("Rust"));
    let ours = functions_of("fastcgi-actix");
    let problems = problems(&table("actix-web"), &theirs, &ours, actix_name);
    assert_eq!(problems, ["`HttpServer::bind_quic` has no row"]);
}

#[test]
fn a_new_function_of_axum_is_missed() {
    let mut theirs = functions_of_axum_serve();
    let ours = ours_for_axum(&theirs);
    theirs.extend(functions(NEW_IN_AXUM).expect("Rust"));
    let problems = problems(&table("axum"), &theirs, &ours, str::to_owned);
    assert_eq!(
        problems,
        [
            "`ListenerExt::limit_connections` has no row",
            "`serve_quic` has no row",
        ]
    );
}

#[test]
fn a_false_answer_is_seen() {
    let page = "
| them | answer |
|---|---|
| `A::gone` | same |
| `A::same`, `A::not_here` | same; as it was |
| `A::other` | other name: `B::elsewhere` |
| `A::not` | no, because of a reason, instead `B::nowhere` or `fastcgi_pass` |
| `A::same` | no, because of a reason, instead nothing |
";
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|&it| it.to_owned())
            .collect::<BTreeSet<_>>()
    };
    let theirs = set(&[
        "A::same",
        "A::not_here",
        "A::other",
        "A::not",
        "A::forgotten",
    ]);
    let ours = set(&["A::same", "A::gone"]);
    let tables = tables(page).expect("answers");
    assert_eq!(
        problems(&tables["them"], &theirs, &ours, str::to_owned),
        [
            "`A::gone` has a row, and does not exist",
            "`A::not_here`: there is no `A::not_here`",
            "`A::other`: there is no `B::elsewhere`",
            "an answer names `B::elsewhere`, which does not exist",
            "an answer names `B::nowhere`, which does not exist",
            "`A::same` has two rows",
            "`A::forgotten` has no row",
        ]
    );
}

#[test]
fn a_row_without_an_answer_is_an_error() {
    for answer in [
        "",
        "no",
        "no, because of a reason",
        "yes",
        "same thing",
        "other name: that",
    ] {
        let page = format!("| them | answer |\n|---|---|\n| `A::b` | {answer} |\n");
        let error = tables(&page).expect_err(answer);
        assert!(error.contains("`A::b`"), "{error}");
    }
}
