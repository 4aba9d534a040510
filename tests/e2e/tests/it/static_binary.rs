//! A program that needs nothing of the machine that it runs on, not even a C library.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use fastcgi_e2e::{FastCgi, Process, copy};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [
        (
            "runs_in_an_empty_root",
            "shared-hosting",
            "<h1>Hello from a shared host</h1>\n",
        ),
        (
            "so_does_the_doctor",
            "doctor",
            "<title>FastCGI doctor</title>",
        ),
    ]
    .into_iter()
    .map(|(name, program, said)| {
        Trial::test(format!("deploy::static_binary::{name}"), move || {
            runs_in_an_empty_root(program, said)
        })
    })
}

/// With the command of the guide, but for the profile.
fn build(program: &str) -> Result<PathBuf, Failed> {
    let guide = include_str!("../../../../docs/deploy.md");
    let flags = "-C target-feature=+crt-static";
    let target = "x86_64-unknown-linux-gnu";
    assert!(guide.contains(&format!("RUSTFLAGS='{flags}'")) && guide.contains(target));
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let tests = std::env::current_exe()?;
    let directory = tests.ancestors().nth(3).ok_or("no target directory")?;
    let directory = directory.join("static");
    let built = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--package",
            program,
            "--target",
            &target,
        ])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"),
        ])
        .arg("--target-dir")
        .arg(&directory)
        .env("RUSTFLAGS", flags)
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .status()?;
    assert!(built.success(), "cargo cannot build it");
    Ok(directory.join(target).join("debug").join(program))
}

fn runs_in_an_empty_root(program: &str, said_by_it: &str) -> Result<(), Failed> {
    let binary = build(program)?;
    let ldd = Command::new("ldd")
        .arg(&binary)
        .env("LC_ALL", "C")
        .output()?;
    let said = [ldd.stdout, ldd.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.contains("statically linked") || said.contains("not a dynamic executable"),
        "{said}"
    );

    // Nothing else, but for the device that takes the place of the socket.
    let root = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    fs::set_permissions(root.path(), Permissions::from_mode(0o755))?;
    copy(&binary, &root.path().join("app"))?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let mut command = if rustix::process::geteuid().is_root() {
        Command::new("/usr/sbin/chroot")
    } else {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "/usr/sbin/chroot"]);
        command
    };
    command
        .arg(root.path())
        .arg("/app")
        .env_clear()
        .stdin(OwnedFd::from(listener));
    let mut process = Process::start(&mut command)?;
    let page = FastCgi::tcp(port)?.get("/")?;
    assert!(page.contains(said_by_it), "{page}");
    assert!(process.terminate()?.success());
    Ok(())
}
