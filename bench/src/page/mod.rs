//! The page of measured times, `docs/performance.md`, its chart, and the table in README.md: all of one run.

mod chart;
mod costs;
mod figures;
mod files;
mod fronts;
mod haproxy;
mod machine;
mod markdown;
mod nginx;
mod peers;
mod program;
mod readme;
mod reasons;
mod rows;
mod scale;
mod several;
mod site;
mod sizes;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

pub use self::{chart::chart, figures::Figures, markdown::markdown, readme::put_table};
use self::{figures::Machine, files::Files};
use crate::{Result, table::Table};

const USAGE: &str = "usage: fastcgi-bench page [ROUNDS | again | smoke FOLDER]";
const DEFAULT_ROUNDS: usize = 5;

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
    let files = Files::allow()?;
    let start = Instant::now();
    // Before the machine is busy with this.
    let mut figures = Figures {
        rounds,
        machine: Machine::here()?,
        ..Figures::default()
    };
    let mut missing = Vec::new();
    figures.rows = rows::measure(rounds, divide)?;
    figures.nginx = nginx::version();
    if figures.nginx.is_empty() {
        missing.push("nginx: `tests/install-web-servers` installs it".to_owned());
    } else {
        figures.behind_nginx = nginx::measure(rounds, divide)?;
        figures.several = several::behind_nginx(rounds, divide)?;
    }
    figures.haproxy = haproxy::version();
    if figures.haproxy.is_empty() {
        missing.push("HAProxy: `tests/install-web-servers` installs it".to_owned());
    } else {
        let rows = several::behind_haproxy(rounds, divide)?;
        figures.several.extend(rows);
    }
    figures.connections = scale::connections(rounds, divide, files, &mut missing)?;
    figures.requests = scale::requests(rounds, divide)?;
    figures.idle = scale::idle(rounds, divide, files, &mut missing)?;
    figures.workers = scale::workers(rounds, divide)?;
    figures.peers = peers::measure(rounds, divide, &mut missing)?;
    figures.missing = missing;
    figures.minutes = start.elapsed().as_secs().div_ceil(60);
    Ok(figures)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn progress(line: impl std::fmt::Display) {
    eprintln!("{line}");
}
