//! The program. Its README describes it.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;
use fastcgi_conformance::{
    Address, Finding, Options, Program, SpawnOn, Target, Verdict, adopt_orphans, all,
    end_with_signals, find, report, run,
};

/// Asks a FastCGI application, over its socket, whether it keeps to the specification.
///
/// Exit status: 0 if all is well, 1 if a case failed or was not run, 2 if nothing could be asked or a report not be written.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Args {
    /// Where the application listens: unix:PATH or HOST:PORT
    #[arg(required_unless_present_any = ["spawn", "list", "explain"])]
    address: Option<Address>,
    /// The application answers the contract of the README: ask everything
    #[arg(long)]
    app: bool,
    /// Also flood the application: it has to survive
    #[arg(long)]
    robust: bool,
    /// Start PROGRAM with a listening socket on descriptor 0, as a web server does
    #[arg(long, value_name = "PROGRAM", conflicts_with = "address")]
    spawn: Option<PathBuf>,
    /// The kind of that socket
    #[arg(long, value_name = "KIND", value_parser = ["unix", "tcp"], default_value = "unix", requires = "spawn")]
    on: String,
    /// Start PROGRAM, which listens at the address by itself, and start it again when it has ended
    #[arg(
        long,
        value_name = "PROGRAM",
        conflicts_with = "spawn",
        requires = "address"
    )]
    start: Option<PathBuf>,
    /// Only cases whose id begins with this; may be given several times
    #[arg(long, value_name = "ID")]
    only: Vec<String>,
    /// A param that each request has besides its own, or in its place; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = param)]
    param: Vec<(String, String)>,
    /// The path that is asked for where the contract does not count
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Print failures and the summary only
    #[arg(long, short)]
    quiet: bool,
    /// Write the report as JSON into this file; - is standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as Markdown into this file; - is standard output
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Print the cases, and ask nothing
    #[arg(long)]
    list: bool,
    /// Print what a case is about, and ask nothing
    #[arg(long, value_name = "ID")]
    explain: Option<String>,
    /// The arguments of PROGRAM
    #[arg(last = true)]
    args: Vec<String>,
}

fn param(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("not NAME=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}

fn main() -> ExitCode {
    let args = Args::parse();
    match ask(&args) {
        Ok(code) => code,
        // The reader of a list has enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            _ = writeln!(io::stderr(), "fastcgi-conformance: {error}");
            ExitCode::from(2)
        }
    }
}

fn ask(args: &Args) -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let options = options(args);
    if args.list {
        for case in all().filter(|case| options.selects(case)) {
            writeln!(out, "{}", report::listed(case))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(id) = &args.explain {
        let case = find(id)
            .ok_or_else(|| io::Error::other(format!("there is no case {id}; --list shows them")))?;
        writeln!(out, "{}", report::explained(case))?;
        return Ok(ExitCode::SUCCESS);
    }
    if !all().any(|case| options.selects(case)) {
        return Err(io::Error::other(
            "no case has such an id; --list shows them",
        ));
    }
    end_with_signals()?;
    adopt_orphans();
    let target = target(args)?;
    // Before the run: its report is not lost to a name that is wrong.
    let json = args.json.as_deref().map(Output::new).transpose()?;
    let markdown = args.markdown.as_deref().map(Output::new).transpose()?;
    // Where a report is written to standard output, the table is not in its way.
    let mut reports = json.iter().chain(&markdown);
    let is_taken = reports.any(|it| it.file.as_os_str() == "-");
    let mut table: Box<dyn Write> = if is_taken {
        Box::new(io::stderr())
    } else {
        Box::new(&mut out)
    };
    let report = run(&target, &options, |finding| {
        if is_shown(args, finding) {
            // A closed terminal is no reason not to write the report.
            _ = writeln!(table, "{}", report::line(finding));
        }
    })?;
    _ = writeln!(table, "{}", report::summary(&report));
    drop(table);
    if let Some(json) = json {
        json.write(|writer| report::json(&report, writer))?;
    }
    if let Some(markdown) = markdown {
        let text = report::markdown(&report);
        markdown.write(|writer| writer.write_all(text.as_bytes()))?;
    }
    Ok(if report.is_success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn options(args: &Args) -> Options {
    let mut options = Options::default();
    options.app = args.app;
    options.robust = args.robust;
    options.only.clone_from(&args.only);
    options.params.clone_from(&args.param);
    options.path.clone_from(&args.path);
    options
}

fn target(args: &Args) -> io::Result<Target> {
    let program = |file: &PathBuf| Program::new(file, args.args.iter().cloned());
    let on = match args.on.as_str() {
        "tcp" => SpawnOn::Tcp,
        _ => SpawnOn::Unix,
    };
    match (&args.spawn, &args.start, &args.address) {
        (Some(file), _, _) => Target::spawned(program(file), on),
        (None, Some(file), Some(address)) => Ok(Target::started(program(file), address.clone())),
        (None, _, Some(address)) => Ok(Target::at(address.clone())),
        (None, _, None) => Err(io::Error::other("no address and no program")),
    }
}

/// Not run and skipped cases are in the summary; `--quiet` leaves failures only.
fn is_shown(args: &Args, finding: &Finding) -> bool {
    match finding.verdict {
        Verdict::Failed => true,
        Verdict::Skipped | Verdict::NotRun => false,
        _ => !args.quiet,
    }
}

/// Where a report is written.
struct Output<'a> {
    file: &'a Path,
    writer: Box<dyn Write>,
}

impl<'a> Output<'a> {
    fn new(file: &'a Path) -> io::Result<Self> {
        let writer: Box<dyn Write> = if file.as_os_str() == "-" {
            Box::new(io::stdout())
        } else {
            Box::new(BufWriter::new(File::create(file).map_err(about(file))?))
        };
        Ok(Self { file, writer })
    }

    fn write(mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match write(&mut self.writer).and_then(|()| self.writer.flush()) {
            // Its reader has enough. The status of the run is that of its cases.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(about(self.file)),
        }
    }
}

/// An error that names the file.
fn about(file: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}
