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
    [Trial::test(
        "deploy::static_binary::runs_in_an_empty_root",
        runs_in_an_empty_root,
    )]
    .into_iter()
}

/// With the command of the guide, but for the profile.
fn build() -> Result<PathBuf, Failed> {
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
            "shared-hosting",
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
    Ok(directory.join(target).join("debug/shared-hosting"))
}

fn runs_in_an_empty_root() -> Result<(), Failed> {
    let binary = build()?;
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
    assert_eq!(
        FastCgi::tcp(port)?.get("/")?,
        "<h1>Hello from a shared host</h1>\n"
    );
    assert!(process.terminate()?.success());
    Ok(())
}
