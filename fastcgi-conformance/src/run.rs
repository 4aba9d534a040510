//! The run: one case at a time, so that a crash has one cause and two runs agree.

use std::{
    cell::{Cell, OnceCell, RefCell},
    io,
    thread::sleep,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

use crate::{
    bench::Bench,
    case::{Case, Failure, Finding, Grade, Needs, Outcome, Verdict},
    cases::CASES,
    log::Log,
    process::Process,
    target::Target,
};

/// How long a started application may take until it answers.
const START: Duration = Duration::from_secs(20);
/// How long an application may take to recover from a case: longer than `/wait` of the contract does.
const RECOVERY: Duration = Duration::from_secs(6);

/// What is asked, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The application answers the contract of the README.
    pub app: bool,
    /// Also the cases that flood the application.
    pub robust: bool,
    /// Only cases whose id begins with one of these. Empty is all.
    pub only: Vec<String>,
    /// Params that each request has besides its own, or in their place.
    pub params: Vec<(String, String)>,
    /// The path that an application without the contract is asked for. The default is `/`, with the contract `/hello`.
    pub path: Option<String>,
    /// How many connections are opened and left idle. The default is 1000.
    pub idle_connections: usize,
    /// The time after which no further case begins. The default is 250 s, so that a run is over within five minutes.
    pub budget: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            app: false,
            robust: false,
            only: Vec::new(),
            params: Vec::new(),
            path: None,
            idle_connections: 1000,
            budget: Duration::from_secs(250),
        }
    }
}

impl Options {
    /// Whether a case is among those of [`only`](Self::only).
    #[must_use]
    pub fn selects(&self, case: &Case) -> bool {
        let mut only = self.only.iter();
        self.only.is_empty() || only.any(|prefix| case.id.starts_with(prefix.as_str()))
    }
}

/// What came of a run.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of the suite.
    pub suite: &'static str,
    /// The address of the application.
    pub address: String,
    /// When the run began, in seconds since 1970.
    pub unix_time: u64,
    /// How long it took.
    pub milliseconds: u64,
    /// What came of each case.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many cases have a verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let findings = self.findings.iter();
        findings.filter(|it| it.verdict == verdict).count()
    }

    /// Whether no case failed, and all were run.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.count(Verdict::Failed) == 0 && self.count(Verdict::NotRun) == 0
    }
}

/// Asks the application, and hands each finding to `progress` as soon as it is known.
///
/// # Errors
///
/// When the application is to be started and cannot be.
pub fn run(
    target: &Target,
    options: &Options,
    mut progress: impl FnMut(&Finding),
) -> io::Result<Report> {
    let start = Instant::now();
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let process = RefCell::new(target.start()?);
    let multiplexes = OnceCell::new();
    let default_path = if options.app { "/hello" } else { "/" };
    let mut run = Run {
        target,
        options,
        process: &process,
        gone: None,
        start,
        bench: Bench {
            target,
            process: &process,
            params: &options.params,
            path: options.path.as_deref().unwrap_or(default_path),
            idle_connections: options.idle_connections,
            deadline: Cell::new(start),
            log: RefCell::default(),
            multiplexes: &multiplexes,
        },
    };
    if process.borrow().is_some() {
        run.wait_for_start();
    }
    let mut findings = Vec::new();
    for case in CASES.iter().copied().flatten() {
        if options.selects(case) {
            let finding = run.case(case);
            progress(&finding);
            findings.push(finding);
        }
    }
    Ok(Report {
        suite: env!("CARGO_PKG_VERSION"),
        address: target.address().to_string(),
        unix_time: since_1970.map_or(0, |it| it.as_secs()),
        milliseconds: milliseconds(start),
        findings,
    })
}

struct Run<'a> {
    target: &'a Target,
    options: &'a Options,
    process: &'a RefCell<Option<Process>>,
    bench: Bench<'a>,
    /// Why no further case is run.
    gone: Option<String>,
    start: Instant,
}

impl Run<'_> {
    fn case(&mut self, case: &'static Case) -> Finding {
        let start = Instant::now();
        let (verdict, detail) = match self.reason_to_skip(case) {
            Some(skipped) => skipped,
            None => self.ask(case),
        };
        let log = match verdict {
            Verdict::Failed => self.bench.log.borrow().lines(),
            _ => Vec::new(),
        };
        Finding {
            case,
            verdict,
            detail,
            log,
            milliseconds: milliseconds(start),
        }
    }

    fn reason_to_skip(&self, case: &Case) -> Option<(Verdict, String)> {
        let needs = match case.needs {
            Needs::Contract | Needs::Memory if !self.options.app => Some("--app"),
            Needs::Spawned if !self.target.is_spawned() => Some("--spawn"),
            Needs::Memory if self.process.borrow().is_none() => Some("--spawn or --start"),
            _ if case.grade == Grade::Robust && !self.options.robust => Some("--robust"),
            _ => None,
        };
        if let Some(option) = needs {
            return Some((Verdict::Skipped, format!("needs {option}")));
        }
        if let Some(why) = &self.gone {
            return Some((Verdict::NotRun, why.clone()));
        }
        if self.start.elapsed() >= self.options.budget {
            let seconds = self.options.budget.as_secs();
            return Some((
                Verdict::NotRun,
                format!("the {seconds} s of the run are over"),
            ));
        }
        None
    }

    fn ask(&mut self, case: &Case) -> (Verdict, String) {
        self.bench.log.replace(Log::default());
        self.bench.deadline.set(Instant::now() + case.limit);
        let outcome = (case.run)(&self.bench);
        let is_red = matches!(outcome, Err(Failure::Red(_))) && case.grade != Grade::Info;
        let afterwards = self.recover(is_red, &outcome);
        let (verdict, detail) = match outcome {
            Ok(note) if case.grade == Grade::Info => (Verdict::Noted, note.0),
            Ok(note) => (Verdict::Passed, note.0),
            Err(Failure::NotOffered(text)) => (Verdict::NotOffered, text),
            Err(Failure::Red(text)) if case.grade == Grade::Info => (Verdict::Noted, text),
            Err(Failure::Red(text)) => (Verdict::Failed, text),
        };
        match (verdict, afterwards) {
            (_, None) => (verdict, detail),
            (Verdict::Failed, Some(text)) => (Verdict::Failed, format!("{detail}; {text}")),
            (Verdict::Noted, Some(text)) => (Verdict::Noted, format!("{detail}; {text}")),
            (_, Some(text)) => (Verdict::Failed, text),
        }
    }

    /// After each case a plain GET has to be answered. A started application is started again if it does not, and behind
    /// a case that failed, so that the next one is not harmed. What happened is returned.
    fn recover(&mut self, is_red: bool, outcome: &Outcome) -> Option<String> {
        let is_new = is_red && self.process.borrow().is_some();
        let failure = if is_new {
            None
        } else {
            self.bench.is_alive(RECOVERY).err()
        };
        let mut process = self.process.borrow_mut();
        let Some(started) = process.as_mut() else {
            let failure = failure?;
            let text = text(failure);
            self.gone = Some(format!("the application answers nobody: it {text}"));
            // The case has said so.
            let is_new = !matches!(outcome, Err(Failure::Red(red)) if *red == text);
            return is_new.then(|| format!("afterwards it answers nobody: it {text}"));
        };
        let text = match (started.ended(), failure) {
            (None, None) if !is_red => return None,
            (None, None) => None,
            (Some(status), _) => {
                let said = started.said();
                let said = said.last().map(|line| format!(", saying: {line}"));
                let said = said.unwrap_or_default();
                let hint = if status.success() {
                    "; an application that was started stays in the foreground"
                } else {
                    ""
                };
                Some(format!("the process ended ({status}){said}{hint}"))
            }
            (None, Some(failure)) => {
                let text = text(failure);
                Some(format!("afterwards it answers nobody: it {text}"))
            }
        };
        // The old one has to be gone before the new one takes its address.
        *process = None;
        match self.target.start() {
            Ok(started) => *process = started,
            Err(error) => self.gone = Some(format!("it cannot be started again: {error}")),
        }
        drop(process);
        self.wait_for_start();
        text
    }

    fn wait_for_start(&mut self) {
        let start = Instant::now();
        let mut last = String::new();
        while start.elapsed() < START {
            match self.bench.is_alive(START.saturating_sub(start.elapsed())) {
                Ok(()) => return,
                Err(failure) => last = text(failure),
            }
            let mut process = self.process.borrow_mut();
            if let Some(status) = process.as_mut().and_then(Process::ended) {
                let said = process.as_ref().map(Process::said).unwrap_or_default();
                last = format!("ended ({status})");
                if !said.is_empty() {
                    last += &format!(", saying: {}", said.join(" / "));
                }
                break;
            }
            drop(process);
            sleep(Duration::from_millis(20));
        }
        let hint = if self.target.is_spawned() {
            "; it has to accept on its descriptor 0, which is a listening socket"
        } else {
            ""
        };
        self.gone = Some(format!("the application does not start: it {last}{hint}"));
    }
}

fn text(failure: Failure) -> String {
    match failure {
        Failure::Red(text) | Failure::NotOffered(text) => text,
    }
}

fn milliseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
