//! The page of measured times, `docs/performance.md`, its chart, and the table in README.md: all of one run.

mod chart;
mod costs;
mod figures;
mod machine;
mod markdown;
mod nginx;
mod peers;
mod program;
mod readme;
mod reasons;
mod rows;
mod scale;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::figures::Machine;
pub use self::{chart::chart, figures::Figures, markdown::markdown, readme::put_table};
use crate::{Result, table::Table};

const USAGE: &str = "usage: fastcgi-bench page [ROUNDS | again | smoke FOLDER]";
const DEFAULT_ROUNDS: usize = 5;

/// What is open with 1,000 connections, and some.
const FILES: u64 = 1200;

/// Measures, and writes the page: `[ROUNDS]`. `again` makes it of the last figures, and `smoke FOLDER` measures far too
/// few requests, and writes into a folder.
///
/// # Errors
///
/// When something cannot be measured, or a row is over 1.05 and nobody has written why.
pub fn page(args: &[&str]) -> Result<()> {
    let kept = root().join("target/performance.toml");
    match *args {
        ["again"] => {
            let text = fs::read_to_string(&kept);
            let text = text.map_err(|error| format!("{}: {error}", kept.display()))?;
            publish(&Figures::parse(&text)?)
        }
        ["smoke", folder] => {
            let figures = measure(1, 1000)?;
            // Such figures say nothing, so rows need no reasons.
            let (text, _) = markdown(&figures, &Table::committed()?);
            fs::write(Path::new(folder).join("performance.md"), text)?;
            fs::write(Path::new(folder).join("performance.svg"), chart(&figures)?)?;
            Ok(())
        }
        [] | [_] if cfg!(debug_assertions) => {
            Err("only `--release` shows what a request costs".into())
        }
        [] | [_] => {
            let rounds = args.first().map_or(Ok(DEFAULT_ROUNDS), |it| it.parse());
            let figures = measure(rounds.map_err(|_| USAGE)?.max(1), 1)?;
            fs::create_dir_all(root().join("target"))?;
            fs::write(&kept, figures.to_text()?)?;
            publish(&figures)
        }
        _ => Err(USAGE.into()),
    }
}

fn publish(figures: &Figures) -> Result<()> {
    let (text, unexplained) = markdown(figures, &Table::committed()?);
    if !unexplained.is_empty() {
        let rows = unexplained.join("\n");
        let file = "bench/src/page/reasons.rs";
        return Err(
            format!("over 1.05, and {file} does not say why:\n{rows}\nthen: page again").into(),
        );
    }
    let docs = root().join("docs");
    fs::write(docs.join("performance.md"), text)?;
    fs::write(docs.join("performance.svg"), chart(figures)?)?;
    let readme = root().join("README.md");
    let with_table = put_table(&fs::read_to_string(&readme)?, figures)?;
    fs::write(readme, with_table)?;
    progress("docs/performance.md, docs/performance.svg and README.md are written");
    Ok(())
}

/// In `rounds`; with `divide`, so many times fewer requests.
fn measure(rounds: usize, divide: usize) -> Result<Figures> {
    allow_files()?;
    let start = Instant::now();
    // Before the machine is busy with this.
    let machine = Machine::here()?;
    let mut missing = Vec::new();
    let rows = rows::measure(rounds, divide)?;
    let nginx = nginx::version();
    let behind_nginx = match &*nginx {
        "" => {
            missing.push("nginx: `tests/install-web-servers` installs it".to_owned());
            Vec::new()
        }
        _ => nginx::measure(rounds, divide)?,
    };
    Ok(Figures {
        rounds,
        machine,
        rows,
        nginx,
        behind_nginx,
        connections: scale::connections(rounds, divide)?,
        requests: scale::requests(rounds, divide)?,
        peers: peers::measure(rounds, divide, &mut missing)?,
        missing,
        minutes: start.elapsed().as_secs().div_ceil(60),
    })
}

/// The servers inherit it.
fn allow_files() -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < FILES) {
        let current = Some(FILES);
        setrlimit(Resource::Nofile, Rlimit { current, ..limit })
            .map_err(|error| format!("{FILES} files cannot be open: {error}"))?;
    }
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn progress(line: impl std::fmt::Display) {
    eprintln!("{line}");
}
