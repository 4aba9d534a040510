//! Mixed load for a long time: memory, descriptors and tasks of the application are flat after a while.

use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::guide::{HAPROXY_ALONE, NGINX};
use fastcgi_e2e::{Request, Site, Supervisor};
use fastcgi_test_kit::scaled;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

/// How long it takes, at the size of CI.
const SECONDS: u32 = 6;
/// As many parts, each with a process of its own.
const PARTS: u32 = 3;
/// Samples of each part; the first are for warming up.
const SAMPLES: u32 = 20;
const WARM_UP: u32 = 5;

/// What an allocator may keep for itself, and what is in the air.
const ROOM: Figures = Figures {
    kib: 8 * 1024,
    descriptors: 32,
    tasks: 32,
};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [
        ("nginx", NGINX, "app.sock"),
        ("haproxy", HAPROXY_ALONE, "1.sock"),
    ]
    .into_iter()
    .map(|(name, layout, socket)| {
        let trial = format!("soak::mixed_load_is_flat_behind_{name}");
        Trial::test(trial, move || {
            let site = Site::start(&layout, "tour")?;
            // The web server's log says why.
            is_flat(name, &site, socket).map_err(|failed| {
                let reason = failed.message().unwrap_or("it panicked").to_owned();
                format!("{reason}\n{}", site.log().unwrap_or_default()).into()
            })
        })
    })
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Figures {
    kib: u64,
    descriptors: u64,
    tasks: u64,
}

impl Figures {
    const MOST: Self = Self {
        kib: u64::MAX,
        descriptors: u64::MAX,
        tasks: u64::MAX,
    };

    /// Those of the process that answers. One that is ending may be gone before it was looked at.
    fn of(site: &Site) -> Result<Self, Failed> {
        let start = Instant::now();
        loop {
            match Self::try_of(site) {
                Err(_) if start.elapsed() < Duration::from_secs(10) => {
                    thread::sleep(Duration::from_millis(50));
                }
                figures => return figures,
            }
        }
    }

    fn try_of(site: &Site) -> Result<Self, Failed> {
        let pid = site.get("/pid")?.text();
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|line| line.split_whitespace().next()?.parse().ok());
        Ok(Self {
            kib: kib.ok_or("no VmRSS")?,
            descriptors: fs::read_dir(format!("/proc/{pid}/fd"))?.count() as u64,
            tasks: site.get("/tasks")?.text().parse()?,
        })
    }

    fn each(self, other: Self, choose: fn(u64, u64) -> u64) -> Self {
        Self {
            kib: choose(self.kib, other.kib),
            descriptors: choose(self.descriptors, other.descriptors),
            tasks: choose(self.tasks, other.tasks),
        }
    }

    /// Whether it is no more than `before`, but for what is always there.
    fn is_flat(self, before: Self) -> bool {
        self.kib <= before.kib + ROOM.kib
            && self.descriptors <= before.descriptors + ROOM.descriptors
            && self.tasks <= before.tasks + ROOM.tasks
    }
}

/// What the clients have to say.
#[derive(Debug, Default)]
struct Clients {
    stop: AtomicBool,
    rounds: AtomicU64,
    /// Those that got no good answer. A restart may break some of HAProxy's.
    failures: AtomicU64,
}

fn is_flat(name: &str, site: &Site, socket: &str) -> Result<(), Failed> {
    let path = site.dir().join(socket);
    let supervisor = Supervisor::start(site.dir().join("tour"), &path)?;
    while site.get("/pid").is_ok_and(|it| it.status != 200) {
        thread::yield_now();
    }
    let start = Instant::now();
    let clients = Clients::default();
    let result = thread::scope(|scope| {
        for (round, behind) in ROUNDS {
            let clients = &clients;
            if behind.contains(&name) {
                scope.spawn(move || clients.go_on(site, round));
            }
        }
        let result = watch(name, site);
        clients.stop.store(true, Ordering::Relaxed);
        result
    });
    result?;
    // Nothing is left of clients that have left.
    let over = Instant::now();
    loop {
        let (running, figures) = (site.get("/running")?.text(), Figures::of(site)?);
        if running == "0" && figures.tasks < 24 && figures.descriptors < 48 {
            break;
        }
        assert!(
            over.elapsed() < Duration::from_secs(20),
            "{running} handlers, {figures:?}"
        );
        thread::sleep(Duration::from_millis(50));
    }
    let ends = supervisor.stop();
    let rounds = clients.rounds.into_inner();
    let failures = clients.failures.into_inner();
    eprintln!(
        "{name}: {rounds} rounds in {:.0} s, {failures} failures, {} restarts",
        start.elapsed().as_secs_f64(),
        ends.len() - 1
    );
    assert!(rounds > 0, "nothing was going on");
    let most = u64::from(PARTS - 1) * ROUNDS.len() as u64;
    if failures > most {
        return Err(format!("{failures} failures").into());
    }
    assert!(ends.iter().all(|end| end == "exit status: 0"), "{ends:?}");
    Ok(())
}

/// Takes samples, and restarts the application after each part.
fn watch(name: &str, site: &Site) -> Result<(), Failed> {
    let pause = Duration::from_secs(scaled(SECONDS).into()) / (PARTS * SAMPLES);
    for part in 0..PARTS {
        // The most after the warm-up, and the least at the end: what leaks is in each sample, while on a busy machine more
        // clients are leaving at a time.
        let (mut before, mut after) = (Figures::default(), Figures::MOST);
        for sample in 0..SAMPLES {
            thread::sleep(pause);
            let figures = Figures::of(site)?;
            if (WARM_UP..2 * WARM_UP).contains(&sample) {
                before = before.each(figures, u64::max);
            } else if sample >= SAMPLES - WARM_UP {
                after = after.each(figures, u64::min);
            }
        }
        eprintln!("{name}, part {part}: {before:?}, then {after:?}");
        // No panic: the clients have to be told to stop.
        if !after.is_flat(before) {
            return Err(format!("{before:?}, then {after:?}").into());
        }
        if part + 1 < PARTS {
            let old = site.get("/pid")?.text();
            let pid = Pid::from_raw(old.parse()?).ok_or("no process")?;
            kill_process(pid, Signal::TERM)?;
            let start = Instant::now();
            while site.get("/pid")?.text() == old {
                if start.elapsed() > Duration::from_secs(20) {
                    return Err(format!("process {old} does not end").into());
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
    }
    Ok(())
}

type Round = fn(&Site) -> io::Result<bool>;

/// What each client does again and again; `false` is a wrong answer.
const ROUNDS: [(Round, &[&str]); 9] = [
    (pages, BOTH),
    (pages, BOTH),
    (uploads, BOTH),
    (slow_upload, BOTH),
    (slow_download, BOTH),
    (panics, BOTH),
    (leaves_an_upload, BOTH),
    // HAProxy does not look whether its client is still there before it has an answer.
    (leaves_an_upload_unread, &["nginx"]),
    (leaves_a_download, BOTH),
];

const BOTH: &[&str] = &["nginx", "haproxy"];

impl Clients {
    fn go_on(&self, site: &Site, round: Round) {
        while !self.stop.load(Ordering::Relaxed) {
            match round(site) {
                Ok(true) => {}
                Ok(false) | Err(_) => _ = self.failures.fetch_add(1, Ordering::Relaxed),
            }
            self.rounds.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn pages(site: &Site) -> io::Result<bool> {
    let mut connection = site.connect()?;
    for path in ["/", "/json", "/whoami", "/download/20000"] {
        if connection.send(&Request::get(path))?.status != 200 {
            return Ok(false);
        }
    }
    Ok(true)
}

fn uploads(site: &Site) -> io::Result<bool> {
    let response = site.send(&Request::post("/upload", vec![b'x'; 300_000]))?;
    Ok(response.status == 200 && response.text().contains("300000"))
}

fn slow_upload(site: &Site) -> io::Result<bool> {
    let upload = Request::post("/upload", vec![b'x'; 20_000]);
    let mut connection = site.connect()?;
    connection.start_part(&upload, 0)?;
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(10));
        connection.send_raw(&[b'x'; 1000])?;
    }
    let response = connection.head(&upload)?;
    Ok(response.status == 200)
}

fn slow_download(site: &Site) -> io::Result<bool> {
    let download = Request::get("/download/300000");
    let mut connection = site.connect()?;
    connection.start(&download)?;
    let status = connection.head(&download)?.status;
    let mut length = 0;
    while let Some(piece) = connection.piece()? {
        length += piece.len();
        thread::sleep(Duration::from_millis(2));
    }
    Ok(status == 200 && length == 300_000)
}

fn panics(site: &Site) -> io::Result<bool> {
    let status = site.get("/panic")?.status;
    // The web server may close in the middle of the second.
    let _ = site.get("/fails");
    thread::sleep(Duration::from_millis(5));
    Ok(status == 500)
}

fn leaves_an_upload(site: &Site) -> io::Result<bool> {
    let upload = Request::post("/swallow/soak", vec![b'x'; 200_000]);
    site.connect()?.start_part(&upload, 100_000)?;
    thread::sleep(Duration::from_millis(5));
    Ok(true)
}

fn leaves_an_upload_unread(site: &Site) -> io::Result<bool> {
    let upload = Request::post("/ignore/soak", vec![b'x'; 200_000]);
    site.connect()?.start(&upload)?;
    thread::sleep(Duration::from_millis(20));
    Ok(true)
}

fn leaves_a_download(site: &Site) -> io::Result<bool> {
    let download = Request::get("/drip/soak");
    let mut connection = site.connect()?;
    connection.start(&download)?;
    let status = connection.head(&download)?.status;
    connection.piece()?;
    Ok(status == 200)
}
