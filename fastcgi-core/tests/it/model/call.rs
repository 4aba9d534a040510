//! One request at the web server: what is left to send of it, and what has come back.

use std::collections::VecDeque;

use fastcgi_core::Refusal;

use super::{
    asked::{Asked, Piece},
    owner::{Account, Outcome, check},
    random::Random,
    wire::{self, END_REQUEST, STDERR, STDOUT},
};

/// A request on its way.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) asked: Asked,
    pub(super) pieces: VecDeque<Piece>,
    pub(super) aborts: bool,
    pub(super) id: u16,
    pub(super) is_open: bool,
    /// Where in what is written it begins, its params end, and the last of STDIN is.
    pub(super) begins: Option<u64>,
    pub(super) params_end: Option<u64>,
    pub(super) last_stdin: u64,
    pub(super) aborted_at: Option<u64>,
    pub(super) stdout: usize,
    pub(super) stderr: usize,
    pub(super) has_stdout_end: bool,
    pub(super) has_stderr_end: bool,
    /// `app_status` and `protocol_status`.
    pub(super) end: Option<(u32, u8)>,
    pub(super) is_broken: bool,
}

impl Call {
    pub(super) fn new(asked: Asked, random: &mut Random) -> Self {
        let mut pieces: VecDeque<_> = asked.pieces(random).into();
        pieces.truncate(asked.abort_after.unwrap_or(usize::MAX));
        Self {
            aborts: asked.abort_after.is_some(),
            asked,
            pieces,
            id: 0,
            is_open: false,
            begins: None,
            params_end: None,
            last_stdin: 0,
            aborted_at: None,
            stdout: 0,
            stderr: 0,
            has_stdout_end: false,
            has_stderr_end: false,
            end: None,
            is_broken: false,
        }
    }

    pub(super) fn has_more(&self) -> bool {
        self.aborts || !self.pieces.is_empty()
    }

    /// A record of this request, compared with what the application has sent.
    pub(super) fn take(
        &mut self,
        record: wire::Record<'_>,
        account: &Account,
    ) -> Result<(), String> {
        let content = record.content;
        if record.version != 1 {
            check(
                record.kind == STDOUT && record.version == 0,
                "another broken record",
            )?;
            check(
                account.outcome == Some(Outcome::Broken),
                "broken for no reason",
            )?;
            self.is_broken = true;
            return Ok(());
        }
        check(content.len() <= 65_528, "a record that is too long")?;
        match record.kind {
            STDOUT => {
                check(!self.has_stdout_end, "STDOUT behind its end")?;
                self.has_stdout_end = content.is_empty();
                check_next(&account.stdout, &mut self.stdout, content)
            }
            STDERR => {
                check(!self.has_stderr_end, "STDERR behind its end")?;
                //
                check(
                    self.stdout > 0 || account.stdout.is_empty(),
                    "STDERR before the head",
                )?;
                self.has_stderr_end = content.is_empty();
                check_next(&account.stderr, &mut self.stderr, content)
            }
            END_REQUEST => {
                let &[a, b, c, d, protocol_status, 0, 0, 0] = content else {
                    return Err("a malformed END_REQUEST".to_owned());
                };
                self.end = Some((u32::from_be_bytes([a, b, c, d]), protocol_status));
                self.check_end(account)
            }
            _ => Err("a record that no application sends".to_owned()),
        }
    }

    /// Whether everything that the application sent has come, and the end is the right one.
    fn check_end(&self, account: &Account) -> Result<(), String> {
        let outcome = match account.outcome {
            Some(outcome) => outcome,
            // The application has not heard of it.
            None if self.aborted_at.is_some() && !account.is_handed_out => Outcome::Aborted,
            None => return Err("END_REQUEST of a request in progress".to_owned()),
        };
        let wanted = match outcome {
            Outcome::Ended { app_status, .. } => (app_status, 0),
            Outcome::Aborted => (1, 0),
            Outcome::Refused(Refusal::Multiplexed) => (0, 1),
            Outcome::Refused(Refusal::Role(_)) => (0, 3),
            Outcome::Refused(_) => (0, 0),
            Outcome::Broken => return Err("a broken response ends well".to_owned()),
        };
        check(self.end == Some(wanted), "another status in END_REQUEST")?;
        let by_closing = matches!(
            outcome,
            Outcome::Ended {
                by_closing: true,
                ..
            }
        );
        check(!by_closing, "END_REQUEST where it does harm")?;
        check(self.has_stdout_end, "the end of STDOUT")?;
        check(
            self.has_stderr_end == (self.stderr > 0),
            "the end of STDERR",
        )?;
        check(
            self.is_complete(account),
            "END_REQUEST of an incomplete response",
        )
    }

    /// Whether all that the application sent has come.
    pub(super) fn is_complete(&self, account: &Account) -> bool {
        self.stdout == account.stdout.len() && self.stderr == account.stderr.len()
    }
}

/// Whether `content` is what comes next of `stream`.
fn check_next(stream: &[u8], position: &mut usize, content: &[u8]) -> Result<(), String> {
    let wanted = stream.get(*position..*position + content.len());
    check(
        wanted == Some(content),
        "another response, or another place in it",
    )?;
    *position += content.len();
    Ok(())
}
