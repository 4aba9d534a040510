//! How long a client waits for an application.

use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::error::{ClientError, Kind, Late};
use crate::timer::{Timer, now};

/// The limits; `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) connect: Option<Duration>,
    pub(super) first_byte: Option<Duration>,
    pub(super) read: Option<Duration>,
    pub(super) whole: Option<Duration>,
}

impl Times {
    /// Ten seconds are enough for a backlog to move on. A minute is what nginx waits.
    pub(super) const DEFAULT: Self = Self {
        connect: Some(Duration::from_secs(10)),
        first_byte: Some(Duration::from_secs(60)),
        read: Some(Duration::from_secs(60)),
        whole: None,
    };

    /// For an application inside this process, which has limits of its own.
    #[cfg(feature = "http-server")]
    pub(super) const NONE: Self = Self {
        connect: None,
        first_byte: None,
        read: None,
        whole: None,
    };
}

/// The clock of one request.
#[derive(Debug)]
pub(super) struct Clock {
    times: Times,
    /// When all of the response has to be there.
    end: Option<Instant>,
    /// Since when the application is waited for, and neither sends nor takes anything.
    silent_since: Option<Instant>,
    has_answered: bool,
    timer: Timer,
}

impl Clock {
    /// The request begins now.
    pub(super) fn start(times: Times) -> Self {
        Self {
            times,
            end: times.whole.and_then(|limit| now().checked_add(limit)),
            silent_since: None,
            has_answered: false,
            timer: Timer::default(),
        }
    }

    /// How long connecting may take.
    pub(super) fn connect_limit(&self) -> Option<Duration> {
        self.times.connect
    }

    /// The application has taken something.
    pub(super) fn has_moved(&mut self) {
        self.silent_since = None;
    }

    /// The application has sent something.
    ///
    /// # Errors
    ///
    /// When the time for the whole is over: an application that never pauses is never waited for.
    pub(super) fn has_heard(&mut self) -> Result<(), ClientError> {
        self.silent_since = None;
        self.has_answered = true;
        match self.end {
            Some(end) if end <= now() => Err(self.late(Late::Whole)),
            _ => Ok(()),
        }
    }

    /// Ready with an error when the whole is late. For what comes before the application is waited for.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        self.silent_since = None;
        self.poll(cx)
    }

    /// The same, or when the application, which is waited for now, has been silent for too long.
    pub(super) fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        if self.silence_limit().is_some() {
            self.silent_since.get_or_insert_with(now);
        }
        self.poll(cx)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        let since = self.silent_since;
        let silence = since.and_then(|since| since.checked_add(self.silence_limit()?));
        let (deadline, late) = match (silence, self.end) {
            (Some(silence), Some(end)) if end <= silence => (end, self.late_end()),
            (None, Some(end)) => (end, self.late_end()),
            (Some(silence), _) if self.has_answered => (silence, Late::Read),
            (Some(silence), _) => (silence, Late::FirstByte),
            (None, None) => return Poll::Pending,
        };
        ready!(self.timer.poll(cx, deadline));
        Poll::Ready(self.late(late))
    }

    fn silence_limit(&self) -> Option<Duration> {
        if self.has_answered {
            self.times.read
        } else {
            self.times.first_byte
        }
    }

    fn late_end(&self) -> Late {
        if self.has_answered {
            Late::Whole
        } else {
            Late::Answer
        }
    }

    fn late(&self, late: Late) -> ClientError {
        let limit = match late {
            Late::Connect => self.times.connect,
            Late::FirstByte => self.times.first_byte,
            Late::Read => self.times.read,
            Late::Whole | Late::Answer => self.times.whole,
        };
        ClientError::new(Kind::TimedOut(late, limit.unwrap_or_default()))
    }
}
