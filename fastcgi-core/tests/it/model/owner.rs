//! The application: takes events, answers, and keeps account of what has to arrive at the web server.

use fastcgi_core::{Connection, Event, NewRequest, Refusal, RequestKey, StreamEnd};

use super::{
    answer::{Answer, Start, Step},
    asked::Asked,
    job::Job,
    settings::Settings,
    states::{Fate, States},
    wire::{self, AUTHORIZER, FILTER},
};

/// The requests that the application knows.
#[derive(Debug)]
pub(super) struct Owner {
    jobs: Vec<Option<Job>>,
    /// For each request of the run, by its number.
    pub(super) accounts: Vec<Account>,
}

/// What has become of a request, and what its web server has to see.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    pub(super) is_handed_out: bool,
    pub(super) outcome: Option<Outcome>,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// How the body ended.
    pub(super) stdin_end: Option<StreamEnd>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// With a whole response. `by_closing` is the rule about h2o (B-9).
    Ended {
        app_status: u32,
        by_closing: bool,
    },
    /// Its response was broken off, and with it the connection.
    Broken,
    Aborted,
    Refused(Refusal),
}

impl Owner {
    pub(super) fn new(requests: usize) -> Self {
        Self {
            jobs: Vec::new(),
            accounts: vec![Account::default(); requests],
        }
    }

    /// Bytes of bodies that wait to be read.
    pub(super) fn held(&self) -> usize {
        self.jobs.iter().flatten().map(|job| job.held).sum()
    }

    pub(super) fn held_of(&self, number: usize) -> usize {
        let jobs = self.jobs.iter().flatten();
        jobs.filter(|job| job.number == number)
            .map(|job| job.held)
            .sum()
    }

    /// Says how much of each body waits to be read.
    pub(super) fn tell_held(&self, connection: &mut Connection) {
        for job in self.jobs.iter().flatten() {
            connection.set_held(job.key, job.held);
        }
    }

    pub(super) fn requests(&self) -> usize {
        self.jobs.iter().flatten().count()
    }

    /// Takes an event. `number` is the request's that has an id on the wire at the moment.
    pub(super) fn take(
        &mut self,
        event: Event,
        now: u64,
        asked: &[(Asked, Answer)],
        settings: &Settings,
        number: impl Fn(u16) -> Option<usize>,
    ) -> Result<(), String> {
        match event {
            Event::Request(request) => self.begin(request, now, asked, settings, number),
            Event::Stdin { key, data } => self.with(key, |job, _| {
                let asked = &asked[job.number].0;
                job.take_stdin(&data, asked, now)
            }),
            Event::StdinEnd { key, end } => self.with(key, |job, account| {
                check(job.stdin_end.is_none(), "the end of STDIN came twice")?;
                let (seen, _) = asked[job.number].0.stdin.seen();
                let is_whole = job.received == seen || asked[job.number].0.role == AUTHORIZER;
                check(
                    end != StreamEnd::Complete || is_whole,
                    "a complete body is short",
                )?;
                job.stdin_end = Some(end);
                account.stdin_end = Some(end);
                Ok(())
            }),
            Event::Data { key, data } => self.with(key, |job, _| {
                let asked = &asked[job.number].0;
                check(asked.role == FILTER, "DATA for another role")?;
                check(job.data_end.is_none(), "DATA behind its end")?;
                let wanted = wire::pattern(asked.data_stream(), job.data_received, data.len());
                check(data == wanted, "DATA of another request or place")?;
                job.data_received += data.len();
                check(job.data_received <= asked.data.seen().0, "too much DATA")
            }),
            Event::DataEnd { key, end } => self.with(key, |job, _| {
                let (seen, _) = asked[job.number].0.data.seen();
                check(job.data_end.is_none(), "the end of DATA came twice")?;
                let is_whole = job.data_received == seen;
                check(
                    end != StreamEnd::Complete || is_whole,
                    "a complete file is short",
                )?;
                job.data_end = Some(end);
                Ok(())
            }),
            Event::Aborted { key } => {
                self.with(key, |job, account| {
                    check(account.outcome.is_none(), "aborted after its end")?;
                    account.outcome = Some(Outcome::Aborted);
                    if !job.is_streaming {
                        // What has not left by now stays where it is.
                        account.stdout.clear();
                        account.stderr.clear();
                    }
                    Ok(())
                })?;
                self.forget(key);
                Ok(())
            }
            Event::Refused { id, refusal } => {
                // A flood has ids of its own.
                let Some(number) = number(id.get()) else {
                    return check(id.get() >= 1000, "a refusal of nothing");
                };
                let account = &mut self.accounts[number];
                check(!account.is_handed_out, "refused, and handed out")?;
                check(account.outcome.is_none(), "refused after its end")?;
                account.outcome = Some(Outcome::Refused(refusal));
                let is_head = asked[number].0.is_head;
                account.stdout = match refusal {
                    Refusal::ParamsTooLarge => {
                        refusal_text("431 Request Header Fields Too Large", is_head)
                    }
                    Refusal::ParamsTooSlow => refusal_text("408 Request Timeout", false),
                    Refusal::TooManyRequests | Refusal::Multiplexed => {
                        refusal_text("503 Service Unavailable", false)
                    }
                    Refusal::Role(_) => refusal_text("403 Forbidden", is_head),
                    _ => Vec::new(),
                };
                Ok(())
            }
            Event::Surplus { key } => self.with(key, |job, _| {
                check(!job.had_surplus, "surplus was reported twice")?;
                job.had_surplus = true;
                let asked = &asked[job.number].0;
                let has_surplus = asked.stdin.has_surplus() || asked.data.has_surplus();
                // What comes after a stream was given up is surplus, too.
                let was_late = job.stdin_end == Some(StreamEnd::Incomplete)
                    || job.data_end == Some(StreamEnd::Incomplete);
                check(has_surplus || was_late, "no surplus was sent")
            }),
            Event::HeldBack => Ok(()),
            Event::Quiet => check(self.requests() == 0, "quiet with a request"),
            other => Err(format!("an event that nobody knows: {other:?}")),
        }
    }

    fn begin(
        &mut self,
        request: NewRequest,
        now: u64,
        asked: &[(Asked, Answer)],
        settings: &Settings,
        number: impl Fn(u16) -> Option<usize>,
    ) -> Result<(), String> {
        let number = number(request.id.get()).ok_or("a request that nobody sent")?;
        let (asked, answer) = &asked[number];
        check(asked.is_served(settings), "a request that is not served")?;
        let pairs = request.params.iter();
        let sent = asked
            .params
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()));
        check(pairs.eq(sent), "params of another request")?;
        check(
            request.keep_conn == asked.keep_conn,
            "another FCGI_KEEP_CONN",
        )?;
        check(
            request.role.as_u16() == u16::from(asked.role),
            "another role",
        )?;
        let length = request.length.map(|length| length as usize);
        let is_right = match asked.role {
            AUTHORIZER => length == Some(0),
            _ => match asked.stdin.announced {
                Some(announced) => length == Some(announced),
                None => length.is_none_or(|length| length == 0 && asked.stdin.seen().0 == 0),
            },
        };
        check(is_right, "another length")?;
        let data = request.data_length.map(|length| length as usize);
        let is_right = match asked.role {
            FILTER => asked.data.announced.is_none() || data == asked.data.announced,
            _ => data == Some(0),
        };
        check(is_right, "another length of the file")?;
        let account = &mut self.accounts[number];
        check(!account.is_handed_out, "handed out twice")?;
        check(account.outcome.is_none(), "handed out after its end")?;
        account.is_handed_out = true;
        let index = request.key.index();
        check(
            index < settings.max_reqs,
            "a key that is not less than max_reqs",
        )?;
        if self.jobs.len() <= index {
            self.jobs.resize_with(index + 1, || None);
        }
        check(self.jobs[index].is_none(), "a key that is in use")?;
        self.jobs[index] = Some(Job::new(number, request.key, answer.clone(), now));
        Ok(())
    }

    /// Changes a request that is in progress: there are no events of others.
    fn with(
        &mut self,
        key: RequestKey,
        take: impl FnOnce(&mut Job, &mut Account) -> Result<(), String>,
    ) -> Result<(), String> {
        match self.jobs.get_mut(key.index()).and_then(Option::as_mut) {
            Some(job) => {
                let account = &mut self.accounts[job.number];
                take(job, account).map_err(|error| format!("{error} (request {})", job.number))
            }
            None => Err("an event of no request".to_owned()),
        }
    }

    fn forget(&mut self, key: RequestKey) {
        if let Some(job) = self.jobs.get_mut(key.index()) {
            *job = None;
        }
    }

    /// Whether something is to be read by now.
    pub(super) fn can_read(&self, now: u64) -> bool {
        let mut jobs = self.jobs.iter().flatten();
        jobs.any(|job| job.reads_at.is_some_and(|at| at <= now))
    }

    /// Reads it.
    pub(super) fn read(&mut self, now: u64) {
        for job in self.jobs.iter_mut().flatten() {
            if job.reads_at.is_some_and(|at| at <= now) {
                job.reads_at = None;
                job.held = 0;
            }
        }
    }

    /// The number of a request that is in progress, and how much of its body has come.
    pub(super) fn job(&self, key: RequestKey) -> Option<(usize, usize)> {
        let job = self.jobs.get(key.index())?.as_ref()?;
        Some((job.number, job.received))
    }

    /// When something is to be done without anything happening.
    pub(super) fn wakes_at(&self, now: u64) -> Option<u64> {
        let times = self.jobs.iter().flatten().flat_map(|job| {
            let start = match job.answer.start {
                Start::Later(delay) => job.begun_at + delay,
                _ => 0,
            };
            [job.reads_at, Some(job.at.max(start))]
        });
        times.flatten().filter(|at| *at > now).min()
    }

    /// The places of the requests that can go on.
    pub(super) fn ready(&self, now: u64) -> impl Iterator<Item = usize> {
        let ready = move |job: &Job| {
            job.at <= now
                && match job.answer.start {
                    Start::AtOnce => true,
                    Start::AfterBytes(bytes) => job.received >= bytes || job.stdin_end.is_some(),
                    Start::AfterEnd => job.stdin_end.is_some(),
                    Start::Later(delay) => job.begun_at + delay <= now,
                }
        };
        let jobs = self.jobs.iter().enumerate();
        jobs.filter_map(move |(index, job)| Some((index, job.as_ref()?)))
            .filter(move |(_, job)| ready(job))
            .map(|(index, _)| index)
    }

    /// Takes the next step of a request, and gives what became of it, if it ended.
    pub(super) fn step(
        &mut self,
        index: usize,
        now: u64,
        connection: &mut Connection,
        asked: &[(Asked, Answer)],
        states: impl Fn(usize) -> Option<States>,
    ) -> Result<(String, Option<Fate>), String> {
        let job = self.jobs[index].as_mut().ok_or("no such job")?;
        let account = &mut self.accounts[job.number];
        let asked = &asked[job.number].0;
        let step = job.answer.steps[job.step];
        let text = format!("  {step:?} for request {}", job.number);
        if let Step::Wait(delay) = step {
            (job.at, job.step) = (now + delay, job.step + 1);
            return Ok((text, None));
        }
        let fate = match states(job.number) {
            Some(states) => {
                job.step += 1;
                job.take_step(step, connection, asked, account, states)?
            }
            // It is over, and the event that says so is on its way.
            None => return Ok((text, None)),
        };
        if fate.is_some() {
            self.jobs[index] = None;
        }
        Ok((text, fate))
    }
}

/// R-10a: a whole response with the status as its text.
pub(super) fn refusal_text(status: &str, is_head: bool) -> Vec<u8> {
    let text = if is_head {
        String::new()
    } else {
        format!("{status}\n")
    };
    format!(
        "Status: {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\r\n{text}",
        status.len() + 1
    )
    .into_bytes()
}

/// An error where something is not as it has to be.
pub(super) fn check(is_right: bool, otherwise: &str) -> Result<(), String> {
    if is_right {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
