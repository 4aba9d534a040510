//! What the web server sends of one request: its params, and the streams that follow.
//!
//! ```text
//!                   ┌──────────────── a length of 0 ────────────────┐
//!                   │                                               ▼
//!     Params ───────┴──▶ Open ───────────── all bytes ───────────▶ Full ── end record ──▶ Ended
//!      end of PARAMS     │ ▲ │ │                                    ▲                       ▲
//!                        │ │ │ └── end record, of a body of unknown length or too early ────┘
//!        an early end,   │ │ └── a time-out ──▶ Failed              │
//!        of mod_fcgid    ▼ │ data                  ▲                │
//!                      Suspended ─── 10 s ─────────┘                │
//!                        └───────────── all bytes ──────────────────┘
//! ```
//!
//! One [`Stream`] goes through the part behind `Params`. A Filter has two of them. An Authorizer has a body of length 0. A
//! request that is aborted is forgotten, in any state.

use std::{fmt, time::Instant};

use bytes::{Bytes, BytesMut};

use super::{
    ConnectionError, Limits, Refusal,
    deadlines::Wait,
    event::StreamEnd,
    limits::{MAX_PARAM_NAME, MAX_PARAMS},
};
use crate::params::{Params, ParamsError};

/// A stream from the web server, with the rules about its length (B-1 to B-5).
pub(super) struct Stream {
    /// The announced length. It is a limit: what comes after it is no part of the body (B-3).
    announced: Option<u64>,
    /// Whether more may follow an end that comes before the announced length (B-1).
    resumes: bool,
    received: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// More is to come. `touched` is whether a record has arrived.
    Open { touched: bool },
    /// An end came before the announced bytes, and nothing since. mod_fcgid can send one early by mistake (B-1).
    Suspended(Wait),
    /// All bytes are here, and the end record is not.
    Full,
    /// The end record has arrived.
    Ended,
    /// The stream was given up. Whatever follows is no part of it.
    Failed,
}

/// What a record of a stream meant.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// What of it belongs to the stream.
    pub(super) data: Bytes,
    /// How many bytes more there were than was announced.
    pub(super) surplus: usize,
    /// The end of the stream, if this record is its end.
    pub(super) end: Option<StreamEnd>,
}

impl Stream {
    pub(super) fn new(announced: Option<u64>, resumes: bool) -> Self {
        Self {
            announced,
            resumes,
            received: 0,
            state: match announced {
                Some(0) => State::Full,
                _ => State::Open { touched: false },
            },
        }
    }

    /// The content of a record, which is not empty.
    pub(super) fn push(&mut self, mut data: Bytes) -> Taken {
        if self.is_complete() {
            return Taken {
                surplus: data.len(),
                ..Taken::default()
            };
        }
        let room = self
            .announced
            .map_or(u64::MAX, |announced| announced - self.received);
        let fits = usize::try_from(room).unwrap_or(usize::MAX).min(data.len());
        let surplus = data.len() - fits;
        data.truncate(fits);
        self.received += data.len() as u64;
        let is_full = self.announced == Some(self.received);
        self.state = if is_full {
            State::Full
        } else {
            State::Open { touched: true }
        };
        Taken {
            data,
            surplus,
            end: is_full.then_some(StreamEnd::Complete),
        }
    }

    /// An empty record: the end, unless more was announced and may follow.
    pub(super) fn push_end(&mut self) -> Option<StreamEnd> {
        let is_short = self
            .announced
            .is_some_and(|announced| self.received < announced);
        match self.state {
            State::Ended | State::Failed | State::Suspended(_) => None,
            State::Full => {
                self.state = State::Ended;
                None
            }
            State::Open { .. } if is_short && self.resumes => {
                self.state = State::Suspended(Wait::default());
                None
            }
            State::Open { .. } => {
                self.state = State::Ended;
                Some(if is_short {
                    StreamEnd::Incomplete
                } else {
                    StreamEnd::Complete
                })
            }
        }
    }

    /// Nothing more is taken, although more was to come (B-4). Gives whether it is over only now.
    pub(super) fn fail(&mut self) -> bool {
        let is_open = !self.is_complete();
        if is_open {
            self.state = State::Failed;
        }
        is_open
    }

    /// Whether enough is known to hand out the request. Without an announced length that takes the first record, so
    /// that a request without a body has a body of known size (B-5).
    pub(super) fn is_ready(&self) -> bool {
        self.announced.is_some() || self.state != State::Open { touched: false }
    }

    /// The length, as far as it is known.
    pub(super) fn length(&self) -> Option<u64> {
        let is_over = self.state == State::Ended;
        self.announced.or_else(|| is_over.then_some(self.received))
    }

    /// How the stream ended, if it did so before any data.
    pub(super) fn end_without_data(&self) -> Option<StreamEnd> {
        let is_short = self.announced.is_some_and(|announced| announced > 0);
        match self.state {
            _ if self.received > 0 => None,
            State::Open { .. } | State::Suspended(_) => None,
            State::Full => Some(StreamEnd::Complete),
            State::Ended if !is_short => Some(StreamEnd::Complete),
            State::Ended | State::Failed => Some(StreamEnd::Incomplete),
        }
    }

    /// Whether all bytes are here, or none will come.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.state, State::Full | State::Ended | State::Failed)
    }

    /// Whether the web server has nothing more to send on this stream.
    pub(super) fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Whether it was given up.
    pub(super) fn has_failed(&self) -> bool {
        self.state == State::Failed
    }

    /// Since when something has to follow an end that came too early. The wait for it begins with the first call.
    pub(super) fn suspended_since(&mut self, now: Instant) -> Option<Instant> {
        match &mut self.state {
            State::Suspended(wait) => Some(wait.begin(now)),
            _ => None,
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.state {
            State::Open { .. } => "Open",
            State::Suspended(_) => "Suspended",
            State::Full => "Full",
            State::Ended => "Ended",
            State::Failed => "Failed",
        })
    }
}

/// The contents of `FCGI_PARAMS` so far.
pub(super) enum Gathered {
    Nothing,
    /// As it arrived: nearly every request has its params in one record.
    One(Bytes),
    /// A pair may cross records, so they are joined before they are read.
    Joined(BytesMut),
    /// Over the limit: as much as is within. The rest is read and forgotten up to the end.
    TooLarge(Bytes),
}

impl Gathered {
    pub(super) fn push(&mut self, mut content: Bytes, limits: &Limits) {
        let room = limits.max_params_size.saturating_sub(self.len());
        let fits = content.len() <= room;
        content.truncate(room);
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::One(content),
            Self::One(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + content.len());
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&content);
                Self::Joined(joined)
            }
            Self::Joined(mut joined) => {
                joined.extend_from_slice(&content);
                Self::Joined(joined)
            }
            Self::TooLarge(block) => Self::TooLarge(block),
        };
        if !fits {
            *self = Self::TooLarge(std::mem::replace(self, Self::Nothing).into_block());
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(block) | Self::TooLarge(block) => block.len(),
            Self::Joined(joined) => joined.len(),
        }
    }

    /// What it costs to keep them.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Joined(joined) => joined.capacity(),
            _ => self.len(),
        }
    }

    fn into_block(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(block) | Self::TooLarge(block) => block,
            Self::Joined(joined) => joined.freeze(),
        }
    }

    /// The params, and whether they are only the first of too many.
    pub(super) fn finish(self) -> Result<(Params, Option<Refusal>), ConnectionError> {
        if let Self::TooLarge(start) = self {
            return Ok((Params::parse_start(start), Some(Refusal::ParamsTooLarge)));
        }
        let block = self.into_block();
        match Params::parse_limited(block, MAX_PARAMS, MAX_PARAM_NAME) {
            Ok(params) => Ok((params, None)),
            Err(ParamsError::TooLarge(params)) => Ok((params, Some(Refusal::ParamsTooLarge))),
            Err(ParamsError::Invalid(error)) => Err(error.into()),
        }
    }
}
