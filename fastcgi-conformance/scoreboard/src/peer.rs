//! The peers: how each is started, and which version it has.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use fastcgi_conformance::{Address, Program, SpawnOn, Target};

/// Something that serves FastCGI and answers the contract.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// What it is written in, or with.
    pub(crate) what: &'static str,
    pub(crate) version: String,
    pub(crate) params: Vec<(String, String)>,
    program: PathBuf,
    args: Vec<String>,
    /// Where it listens, if it does so itself.
    address: Option<Address>,
}

impl Peer {
    pub(crate) fn target(&self) -> io::Result<Target> {
        let program = Program::new(&self.program, self.args.iter().cloned());
        match &self.address {
            Some(address) => Ok(Target::started(program, address.clone())),
            None => Target::spawned(program, SpawnOn::Unix),
        }
    }

    /// Whether it belongs to this workspace.
    pub(crate) fn is_own(&self) -> bool {
        self.name.starts_with("axum") || self.name.starts_with("fastcgi-")
    }
}

/// What a command prints, in one line.
fn said(program: impl AsRef<Path>, args: &[&str]) -> String {
    let output = Command::new(program.as_ref()).args(args).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// All peers that are there, and why the others are not.
pub(crate) fn all(root: &Path, folder: &Path) -> io::Result<(Vec<Peer>, Vec<String>)> {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let built = target.join("conformance-peers");
    let sources = fs::canonicalize(root.join("fastcgi-conformance/peers"))?;
    let source = |file: &str| sources.join(file).display().to_string();
    let python = built.join("python/bin/python");
    let pip = |name: &str| {
        let script = format!("from importlib.metadata import version; print(version('{name}'))");
        format!(
            "{}, {}",
            said(&python, &["-c", &script]),
            said(&python, &["--version"])
        )
    };
    let own = env!("CARGO_PKG_VERSION").to_owned();
    let peer = |name, what, version, program, args| Peer {
        name,
        what,
        version,
        params: Vec::new(),
        program,
        args,
        address: None,
    };
    let app = |name: &str| target.join("debug").join(name);
    let libfcgi = said("dpkg-query", &["-W", "-f", "${Version}", "libfcgi-dev"]);
    let perl = said(
        "perl",
        &["-MFCGI", "-e", "print $FCGI::VERSION, ', Perl ', $^V"],
    );
    let go = said("go", &["version"]).replace("go version ", "");
    let rust = |name: &str| built.join("rust/release").join(name);
    let mut peers = vec![
        peer(
            "axum-fastcgi",
            "this project, axum",
            own.clone(),
            app("conformance-axum"),
            vec![],
        ),
        peer(
            "fastcgi-actix",
            "this project, actix-web",
            own.clone(),
            app("conformance-actix"),
            vec![],
        ),
        peer(
            "fastcgi-tower",
            "this project, tower",
            own.clone(),
            app("conformance-tower"),
            vec![],
        ),
        peer(
            "fastcgi-tower blocking",
            "this project, threads",
            own.clone(),
            app("conformance-blocking"),
            vec![],
        ),
        peer(
            "fastcgi-tower cgi_fn",
            "this project, CGI functions",
            own,
            app("conformance-cgi-fn"),
            vec![],
        ),
        peer(
            "fcgisgi",
            "Python, ASGI",
            pip("fcgisgi"),
            python.clone(),
            vec![source("fcgisgi/app.py")],
        ),
        peer(
            "simple-fastcgi",
            "Python",
            pip("simple_fastcgi"),
            python.clone(),
            vec![source("simple-fastcgi/app.py")],
        ),
        peer(
            "libfcgi",
            "C, FCGX with 8 threads",
            libfcgi,
            built.join("libfcgi"),
            vec![],
        ),
        peer("Go", "net/http/fcgi", go, built.join("go"), vec![]),
        peer(
            "Perl FCGI",
            "one process",
            perl,
            "/usr/bin/perl".into(),
            vec![source("perl/app.pl")],
        ),
        peer(
            "tokio-fastcgi",
            "Rust",
            "1.3.0".to_owned(),
            rust("tokio-fastcgi"),
            vec![],
        ),
        peer(
            "fastcgi",
            "Rust, threads",
            "1.0.0".to_owned(),
            rust("fastcgi"),
            vec![],
        ),
    ];
    let mut missing = Vec::new();
    match php(&sources, folder)? {
        Some(php) => peers.push(php),
        None => missing.push("`php-fpm`: there is no program of that name".to_owned()),
    }
    peers.retain(|peer| {
        let is_there = peer.program.exists();
        if !is_there {
            missing.push(format!("`{}`: peers/install could not build it", peer.name));
        }
        is_there
    });
    missing.push(NO_FASTCGI_SERVER.to_owned());
    for peer in &missing {
        eprintln!("missing: {peer}");
    }
    Ok((peers, missing))
}

const NO_FASTCGI_SERVER: &str = "`fastcgi-server` (Rust): its one release on crates.io, 0.0.0, is an empty library. The code is \
                                 in a Git repository, and peers are taken from registries, where a version stays what it is";

/// php-fpm listens by itself.
fn php(sources: &Path, folder: &Path) -> io::Result<Option<Peer>> {
    let programs = fs::read_dir("/usr/sbin")?.flatten().map(|it| it.path());
    let mut programs = programs.filter(|it| {
        let name = it.file_name().map(|it| it.to_string_lossy().into_owned());
        name.is_some_and(|it| it.starts_with("php-fpm"))
    });
    let Some(program) = programs.next() else {
        return Ok(None);
    };
    let text = fs::read_to_string(sources.join("php/php-fpm.conf"))?;
    let text = text.replace("@DIR@", &folder.display().to_string());
    let text = text.replace("@USER@", &said("id", &["-un"]));
    let file = folder.join("php-fpm.conf");
    fs::write(&file, text)?;
    let version = said(&program, &["-v"]);
    let version = version.split(" (").next().unwrap_or_default().to_owned();
    let script = sources.join("php/app.php").display().to_string();
    let args = ["-F", "-R", "-y"].map(str::to_owned).into_iter();
    Ok(Some(Peer {
        name: "php-fpm",
        what: "PHP, 8 processes",
        version,
        params: vec![("SCRIPT_FILENAME".to_owned(), script)],
        program,
        args: args.chain([file.display().to_string()]).collect(),
        address: Some(Address::Unix(folder.join("php-fpm.sock"))),
    }))
}
