//! A program that needs nothing of the machine that it runs on, not even a C library.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastcgi_e2e::{FastCgi, Process, copy};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let in_an_empty_root = [
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
    ];
    let in_an_empty_root = in_an_empty_root.into_iter().map(|(name, program, said)| {
        Trial::test(format!("deploy::static_binary::{name}"), move || {
            runs_in_an_empty_root(program, said)
        })
    });
    let as_its_image_says = Trial::test(
        "deploy::static_binary::runs_as_its_image_says",
        runs_as_its_image_says,
    );
    in_an_empty_root.chain([as_its_image_says])
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
    // Both tests want it, at the same time.
    static BUILDING: Mutex<()> = Mutex::new(());
    let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
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

/// What follows a word of the Dockerfile.
fn instruction(word: &str) -> Result<&'static str, Failed> {
    let image = include_str!("../../../../docs/deploy/Dockerfile");
    let mut lines = image.lines().filter_map(|line| line.strip_prefix(word));
    let line = lines.next().ok_or_else(|| format!("no {word}"))?;
    Ok(line.trim())
}

/// With nothing but the file and `/proc`, as process 1, and as the user of the Dockerfile.
fn runs_as_its_image_says() -> Result<(), Failed> {
    assert_eq!(instruction("FROM")?, "scratch");
    let (_, program) = instruction("COPY")?.split_once(' ').ok_or("a place")?;
    assert_eq!(instruction("ENTRYPOINT")?, format!("[\"{program}\"]"));
    let (user, group) = instruction("USER")?.split_once(':').ok_or("a group")?;
    let (name, value) = instruction("ENV")?.split_once('=').ok_or("a value")?;

    let root = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    fs::set_permissions(root.path(), Permissions::from_mode(0o755))?;
    let inside = |path: &str| root.path().join(path.trim_start_matches('/'));
    copy(&build("shared-hosting")?, &inside(program))?;
    fs::create_dir(inside("/proc"))?;
    // The volume of compose.yaml.
    let compose = include_str!("../../../../docs/deploy/compose.yaml");
    let volume = format!("uid={user},gid={group},mode=0770");
    assert!(compose.contains(&volume), "compose.yaml has not {volume}");
    let socket = inside(value);
    let directory = socket.parent().ok_or("a directory")?;
    fs::create_dir_all(directory)?;
    fs::set_permissions(directory, Permissions::from_mode(0o770))?;

    let log = root.path().join("container.log");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount"]);
    command.arg(format!("--mount-proc={}", inside("/proc").display()));
    if rustix::process::geteuid().is_root() {
        chown(directory, Some(user.parse()?), Some(group.parse()?))?;
        command.args(["/usr/sbin/chroot", "--userspec", &format!("{user}:{group}")]);
    } else {
        command.args(["--map-root-user", "/usr/sbin/chroot"]);
    }
    command.arg(root.path()).arg(program).env_clear();
    command.env(name, value).stdin(Stdio::null());
    command.stderr(fs::File::create(&log)?);
    let mut container = Process::start(&mut command)?;
    container.wait_until(Duration::from_secs(20), &log, || {
        UnixStream::connect(&socket).is_ok()
    })?;
    let mode = fs::metadata(&socket)?.permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    assert_eq!(
        FastCgi::unix(&socket)?.get("/")?,
        "<h1>Hello from a shared host</h1>\n"
    );
    let text = fs::read_to_string(&log)?;
    assert!(
        text.contains("started version=\"0.0.0\" process=1"),
        "{text}"
    );
    kill_process(child(container.id())?, Signal::TERM)?;
    assert!(container.end_within(Duration::from_secs(20))?.success());
    assert!(!socket.exists());
    Ok(())
}

/// The process that `unshare` has made.
fn child(parent: u32) -> Result<Pid, Failed> {
    let line = format!("PPid:\t{parent}");
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let status = fs::read_to_string(path.join("status")).unwrap_or_default();
        if status.lines().any(|it| it == line) {
            let id = path.file_name().and_then(|id| id.to_str()?.parse().ok());
            return id.and_then(Pid::from_raw).ok_or_else(|| "no id".into());
        }
    }
    Err("there is no child".into())
}
