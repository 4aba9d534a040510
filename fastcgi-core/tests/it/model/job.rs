//! One request at the application: its body, and its answer, step by step.

use bytes::{Bytes, BytesMut};
use fastcgi_core::{Connection, Ending, RequestKey, StreamEnd, cgi::BodyLength};

use super::{
    answer::{Announced, Answer, Reading, Step},
    asked::Asked,
    owner::{Account, Outcome, check, refusal_text},
    states::{Fate, States},
    wire::{self, AUTHORIZER},
};

/// What `Limits` promises of an answer that has to be whole, and of messages that wait for a head.
const MAX_WHOLE: usize = 32 * 1024;
const MAX_STDERR: usize = 64 * 1024;

/// A request in progress.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: usize,
    pub(super) key: RequestKey,
    pub(super) answer: Answer,
    pub(super) begun_at: u64,
    pub(super) received: usize,
    pub(super) held: usize,
    /// When what is held will be read.
    pub(super) reads_at: Option<u64>,
    pub(super) stdin_end: Option<StreamEnd>,
    pub(super) data_received: usize,
    pub(super) data_end: Option<StreamEnd>,
    pub(super) had_surplus: bool,
    /// The place of the next step, and when it may be taken.
    pub(super) step: usize,
    pub(super) at: u64,
    pub(super) left: Announced,
    pub(super) has_head: bool,
    /// Whether something of the response has left.
    pub(super) is_streaming: bool,
    pub(super) answered_early: bool,
    /// Whether it had to be whole, and is too long for that.
    pub(super) is_too_long: bool,
    pub(super) sent: usize,
    /// Messages that wait for the head.
    pub(super) waiting: usize,
}

impl Job {
    pub(super) fn new(number: usize, key: RequestKey, answer: Answer, now: u64) -> Self {
        Self {
            number,
            key,
            answer,
            begun_at: now,
            received: 0,
            held: 0,
            reads_at: None,
            stdin_end: None,
            data_received: 0,
            data_end: None,
            had_surplus: false,
            step: 0,
            at: now,
            left: Announced::Unknown,
            has_head: false,
            is_streaming: false,
            answered_early: false,
            is_too_long: false,
            sent: 0,
            waiting: 0,
        }
    }

    pub(super) fn take_stdin(
        &mut self,
        data: &Bytes,
        asked: &Asked,
        now: u64,
    ) -> Result<(), String> {
        check(self.stdin_end.is_none(), "STDIN behind its end")?;
        check(!data.is_empty(), "an empty piece of STDIN")?;
        let wanted = wire::pattern(asked.stdin_stream(), self.received, data.len());
        check(data == wanted, "STDIN of another request or place")?;
        self.received += data.len();
        check(self.received <= asked.stdin.seen().0, "too much STDIN")?;
        match self.answer.reading {
            Reading::AtOnce => return Ok(()),
            Reading::Late(delay) => self.reads_at = self.reads_at.or(Some(now + delay)),
            Reading::Never => {}
        }
        self.held += data.len();
        Ok(())
    }

    pub(super) fn take_step(
        &mut self,
        step: Step,
        connection: &mut Connection,
        asked: &Asked,
        account: &mut Account,
        states: States,
    ) -> Result<Option<Fate>, String> {
        let is_alone = connection.requests_in_progress() == 1;
        let mut request = connection.request(self.key).ok_or("the request is gone")?;
        let is_whole = asked.role == AUTHORIZER;
        match step {
            Step::Head(announced) => {
                let head = format!("Status: 200 OK\r\nx-request: {}\r\n\r\n", self.number);
                account.stdout.extend_from_slice(head.as_bytes());
                let length = match announced {
                    Announced::Nothing => BodyLength::None,
                    Announced::Exactly(length) => BodyLength::Exactly(length as u64),
                    Announced::Unknown => BodyLength::Unknown,
                };
                (self.has_head, self.left) = (true, announced);
                request.head(BytesMut::from(head.as_bytes()), length);
            }
            Step::Stdout(length) => {
                let wants_more = !matches!(self.left, Announced::Nothing | Announced::Exactly(0));
                check(
                    request.wants_stdout() == wants_more,
                    "wants_stdout is wrong",
                )?;
                let fits = match self.left {
                    Announced::Nothing => 0,
                    Announced::Exactly(left) => left.min(length),
                    Announced::Unknown => length,
                };
                let data = wire::pattern(asked.stdout_stream(), self.sent, length);
                let taken = request.stdout(Bytes::from_static(data));
                self.is_too_long |= is_whole && account.stdout.len() + fits > MAX_WHOLE;
                if let Announced::Exactly(left) = &mut self.left {
                    *left -= fits;
                }
                if self.is_too_long {
                    check(taken.is_err(), "an answer that is too long to be whole")?;
                    return Ok(None);
                }
                check(taken == Ok(length - fits), "another surplus")?;
                self.sent += fits;
                if fits > 0 || self.has_head {
                    self.has_head = true;
                    self.let_go(is_whole, states);
                }
                account.stdout.extend_from_slice(&data[..fits]);
            }
            Step::Flush => {
                if self.has_head {
                    self.let_go(is_whole, states);
                }
                request.flush();
            }
            Step::Stderr(length) => {
                let message = wire::pattern(self.number, account.stderr.len(), length);
                request.stderr(Bytes::from_static(message));
                let fits = self.is_streaming || self.waiting + length <= MAX_STDERR;
                if fits {
                    self.waiting += if self.is_streaming { 0 } else { length };
                    account.stderr.extend_from_slice(message);
                }
            }
            Step::Wait(_) => {}
            Step::End | Step::Fail => {
                return self.end(step, connection, asked, account, states, is_alone);
            }
        }
        Ok(None)
    }

    /// The answer begins; for h2o, it matters whether all of the request has come (B-9).
    fn let_go(&mut self, is_whole: bool, states: States) {
        if !is_whole && !self.is_streaming {
            self.is_streaming = true;
            self.answered_early = !states.has_ended();
        }
    }

    fn end(
        &self,
        step: Step,
        connection: &mut Connection,
        asked: &Asked,
        account: &mut Account,
        states: States,
        is_alone: bool,
    ) -> Result<Option<Fate>, String> {
        let request = connection.request(self.key).ok_or("the request is gone")?;
        let app_status = self.number as u32;
        let is_short = matches!(self.left, Announced::Exactly(1..));
        let fails = matches!(step, Step::Fail) || is_short || self.is_too_long;
        let ending = match step {
            Step::Fail => request.fail(app_status),
            _ => request.end(app_status),
        };
        let is_early = self.answered_early || !states.has_ended();
        let by_closing =
            is_early && asked.keep_conn && asked.software.starts_with("h2o/") && is_alone;
        let ended = Outcome::Ended {
            app_status,
            by_closing,
        };
        let (fate, outcome, wanted) = match (fails, self.is_streaming) {
            (false, _) => (Fate::Ended, ended, Ending::Complete),
            (true, false) => {
                account.stdout = refusal_text("500 Internal Server Error", asked.is_head);
                let status = http::StatusCode::INTERNAL_SERVER_ERROR;
                (Fate::Replaced, ended, Ending::Replaced(status))
            }
            (true, true) if is_alone => (Fate::Broken, Outcome::Broken, Ending::Truncated),
            (true, true) => {
                let outcome = Outcome::Ended {
                    app_status: 1,
                    by_closing: false,
                };
                (Fate::Shared, outcome, Ending::Truncated)
            }
        };
        check(ending == wanted, "another ending")?;
        account.outcome = Some(outcome);
        Ok(Some(fate))
    }
}
