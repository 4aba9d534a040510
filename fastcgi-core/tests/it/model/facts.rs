//! What the runs have seen besides the states: each has to be seen once.

use std::fmt::{self, Write as _};

use fastcgi_core::{Awaited, ConnectionError, Event, Refusal, StreamEnd};

/// What happened how often.
#[derive(Clone, Debug)]
pub(super) struct Facts([u64; Fact::ALL.len()]);

macro_rules! facts {
    ($($name:ident),* $(,)?) => {
        /// Something that a run can come to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Fact {
            $($name),*
        }

        impl Fact {
            const ALL: &[Self] = &[$(Self::$name),*];
        }
    };
}

facts! {
    FairRun,
    // What an application is told.
    RequestHandedOut,
    IncompleteStdin,
    IncompleteData,
    Surplus,
    Aborted,
    HeldBack,
    Quiet,
    RefusedParamsTooLarge,
    RefusedParamsTooSlow,
    RefusedTooManyRequests,
    RefusedMultiplexed,
    RefusedRole,
    // Why a connection fails.
    UnsupportedVersion,
    InvalidLength,
    DuplicateRequest,
    MissingRequestId,
    UnexpectedRecord,
    InvalidParams,
    TooManyEmptyRecords,
    TooMuchIgnored,
    ParamsTimedOut,
    WriteTimedOut,
    Truncated,
    // How it is held back.
    WindowFull,
    WindowExceeded,
    ResponsesNotRead,
    OwesTooMuch,
    // How it ends.
    EndedByClosing,
    Idle,
    Lost,
}

impl Facts {
    pub(super) fn new() -> Self {
        Self([0; Fact::ALL.len()])
    }

    pub(super) fn note(&mut self, fact: Fact) {
        self.0[fact as usize] += 1;
    }

    pub(super) fn note_event(&mut self, event: &Event) {
        let incomplete = StreamEnd::Incomplete;
        self.note(match event {
            Event::Request(_) => Fact::RequestHandedOut,
            Event::StdinEnd { end, .. } if *end == incomplete => Fact::IncompleteStdin,
            Event::DataEnd { end, .. } if *end == incomplete => Fact::IncompleteData,
            Event::Surplus { .. } => Fact::Surplus,
            Event::Aborted { .. } => Fact::Aborted,
            Event::HeldBack => Fact::HeldBack,
            Event::Quiet => Fact::Quiet,
            Event::Refused { refusal, .. } => match refusal {
                Refusal::ParamsTooLarge => Fact::RefusedParamsTooLarge,
                Refusal::ParamsTooSlow => Fact::RefusedParamsTooSlow,
                Refusal::TooManyRequests => Fact::RefusedTooManyRequests,
                Refusal::Multiplexed => Fact::RefusedMultiplexed,
                _ => Fact::RefusedRole,
            },
            _ => return,
        });
    }

    pub(super) fn note_error(&mut self, error: &ConnectionError) {
        use ConnectionError as E;
        self.note(match error {
            E::UnsupportedVersion(_) => Fact::UnsupportedVersion,
            E::InvalidLength(..) => Fact::InvalidLength,
            E::DuplicateRequest(_) => Fact::DuplicateRequest,
            E::MissingRequestId(_) => Fact::MissingRequestId,
            E::UnexpectedRecord(_) => Fact::UnexpectedRecord,
            E::InvalidParams(_) => Fact::InvalidParams,
            E::TooManyEmptyRecords => Fact::TooManyEmptyRecords,
            E::TooMuchIgnored => Fact::TooMuchIgnored,
            E::TimedOut(Awaited::Params) => Fact::ParamsTimedOut,
            E::TimedOut(_) => Fact::WriteTimedOut,
            _ => Fact::Truncated,
        });
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.0
            .iter_mut()
            .zip(other.0)
            .for_each(|(sum, count)| *sum += count);
    }

    pub(super) fn missing(&self) -> impl Iterator<Item = String> {
        let facts = Fact::ALL.iter().zip(self.0);
        facts
            .filter(|(_, count)| *count == 0)
            .map(|(fact, _)| format!("{fact:?}"))
    }

    pub(super) fn write(&self, out: &mut String) -> fmt::Result {
        for (fact, count) in Fact::ALL.iter().zip(self.0) {
            writeln!(out, "{:22}{count:>10}", format!("{fact:?}"))?;
        }
        Ok(())
    }
}
