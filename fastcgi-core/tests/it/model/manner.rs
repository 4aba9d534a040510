//! How a web server behaves on one connection.

use fastcgi_core::ConnectionError;

use super::{
    random::Random,
    wire::{self, ABORT_REQUEST, BEGIN_REQUEST, GET_VALUES, PARAMS, STDIN, STDOUT},
};

/// Manners, good and bad.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// Requests at a time.
    pub(super) at_a_time: usize,
    /// Whether it writes all that it has before it reads, as mod_fcgid and Caddy do (B-8).
    pub(super) writes_first: bool,
    pub(super) writes: usize,
    pub(super) reads: Reads,
    /// Bytes that the sockets hold, on the way to us and back.
    pub(super) sockets: [usize; 2],
    /// The longest of the pauses between its records, in milliseconds.
    pub(super) pause: u64,
    /// One pause that is longer: before which record, and how long.
    pub(super) stall: Option<(usize, u64)>,
    /// Whether it goes on writing what it has begun when we have closed our side.
    pub(super) finishes: bool,
    /// How long it keeps a connection without a request.
    pub(super) lingers: u64,
    pub(super) closes_half: bool,
    /// It leaves before its so-manieth act; with a reset, if true.
    pub(super) leaves: Option<(usize, bool)>,
    /// Something that no web server sends, before which record.
    pub(super) offence: Option<(usize, Offence)>,
    /// Asks for values and sends unknown types now and then.
    pub(super) asks: bool,
}

/// How a web server reads: how much at a time, and with what pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    Never,
    UpTo(usize, u64),
}

/// What breaks the protocol or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offence {
    OtherVersion,
    ShortBegin,
    DuplicateRequest,
    NoRequestId,
    OutputRecord,
    EarlyStdin,
    BadParams,
    BadQuery,
    ManyQueries,
    ManyUnknownTypes,
    ManyRefused,
    ManyAborted,
    ManyEmpty,
    ManyIgnored,
}

impl Manner {
    /// For about `size` bytes.
    pub(super) fn random(size: usize, random: &mut Random) -> Self {
        let slices = [1 + size / 50, 7 + size / 20, 4096, 64 * 1024];
        let mut manner = Self {
            at_a_time: random.pick(&[1, 1, 2, 5]),
            writes_first: random.once_in(3),
            writes: random.pick(&slices),
            reads: Reads::UpTo(random.pick(&slices), random.pick(&[0, 0, 1, 60])),
            sockets: [(); 2].map(|()| random.pick(&[1 + size / 20, 500 + size / 4, 256 * 1024])),
            pause: random.pick(&[0, 0, 5, 100]),
            stall: None,
            finishes: random.once_in(2),
            lingers: random.pick(&[0, 100, 2_500, 400_000]),
            closes_half: false,
            leaves: None,
            offence: None,
            asks: random.once_in(4),
        };
        if manner.at_a_time > 1 && random.once_in(2) {
            manner.writes_first = false;
        }
        if random.once_in(3) {
            manner.spoil(random);
        }
        manner
    }

    /// Manners with which a web server may not get what it wants.
    fn spoil(&mut self, random: &mut Random) {
        match random.below(6) {
            0 => {
                let limits = [900, 2_900, 5_100, 9_900, 10_100, 31_000, 45_000, 400_000];
                self.stall = Some((random.below(12), random.pick(&limits)));
            }
            1 => self.closes_half = true,
            2 => self.leaves = Some((random.below(60), random.once_in(2))),
            3 => self.reads = Reads::Never,
            4 => self.offence = Some((random.below(12), Offence::random(random))),
            _ => {
                self.offence = Some((random.below(3), Offence::random(random)));
                self.reads = Reads::Never;
                self.sockets[1] = 1;
            }
        }
    }

    /// Whether everything that it asks for has to be answered, if it may close its side.
    pub(super) fn is_fair(&self) -> bool {
        // requests that are sent before the responses to others are read need not be served.
        let is_greedy = self.writes_first && self.at_a_time > 1;
        !is_greedy
            && self.stall.is_none()
            && self.leaves.is_none()
            && self.offence.is_none()
            && self.reads != Reads::Never
    }
}

impl Offence {
    const ALL: [Self; 14] = [
        Self::OtherVersion,
        Self::ShortBegin,
        Self::DuplicateRequest,
        Self::NoRequestId,
        Self::OutputRecord,
        Self::EarlyStdin,
        Self::BadParams,
        Self::BadQuery,
        Self::ManyQueries,
        Self::ManyUnknownTypes,
        Self::ManyRefused,
        Self::ManyAborted,
        Self::ManyEmpty,
        Self::ManyIgnored,
    ];

    fn random(random: &mut Random) -> Self {
        random.pick(&Self::ALL)
    }

    /// The bytes. The requests in them have the id 1000.
    pub(super) fn bytes(self) -> Vec<u8> {
        let begin = wire::record(BEGIN_REQUEST, 1000, &[0, 1, 1, 0, 0, 0, 0, 0]);
        let begin_other = wire::record(BEGIN_REQUEST, 1000, &[0, 9, 1, 0, 0, 0, 0, 0]);
        let with = |kind, id, content: &[u8]| wire::record(kind, id, content);
        match self {
            Self::OtherVersion => vec![2, 1, 0, 1, 0, 0, 0, 0],
            Self::ShortBegin => with(BEGIN_REQUEST, 1000, &[0; 7]),
            Self::DuplicateRequest => [begin.clone(), begin].concat(),
            Self::NoRequestId => with(STDIN, 0, b"x"),
            Self::OutputRecord => [begin, with(STDOUT, 1000, b"x")].concat(),
            Self::EarlyStdin => [begin, with(STDIN, 1000, b"x")].concat(),
            Self::BadParams => [
                begin,
                with(PARAMS, 1000, &[9, 9, 1]),
                with(PARAMS, 1000, b""),
            ]
            .concat(),
            Self::BadQuery => with(GET_VALUES, 0, &[200]),
            Self::ManyQueries => with(GET_VALUES, 0, b"\x0d\x00FCGI_MAX_REQS").repeat(800),
            Self::ManyUnknownTypes => with(77, 0, b"what").repeat(1300),
            Self::ManyRefused => [begin_other, with(PARAMS, 1000, b"")].concat().repeat(130),
            Self::ManyAborted => [begin, with(ABORT_REQUEST, 1000, b"")].concat().repeat(800),
            Self::ManyEmpty => with(STDIN, 1000, b"").repeat(1010),
            Self::ManyIgnored => with(STDIN, 1000, &[7; 1000]).repeat(30),
        }
    }

    /// Whether this may be the end of the connection that it has to be.
    pub(super) fn explains(self, error: &ConnectionError) -> bool {
        use ConnectionError as E;
        match self {
            Self::OtherVersion => matches!(error, E::UnsupportedVersion(_)),
            Self::ShortBegin => matches!(error, E::InvalidLength(..)),
            Self::DuplicateRequest => matches!(error, E::DuplicateRequest(_)),
            Self::NoRequestId => matches!(error, E::MissingRequestId(_)),
            Self::OutputRecord | Self::EarlyStdin => matches!(error, E::UnexpectedRecord(_)),
            Self::BadParams | Self::BadQuery => matches!(error, E::InvalidParams(_)),
            // A web server that does not read the answers meets the write timeout; one that reads gets all of them.
            Self::ManyQueries | Self::ManyUnknownTypes | Self::ManyRefused | Self::ManyAborted => {
                false
            }
            Self::ManyEmpty => matches!(error, E::TooManyEmptyRecords),
            Self::ManyIgnored => matches!(error, E::TooMuchIgnored),
        }
    }

    /// Whether it only makes the application answer.
    pub(super) fn asks_much(self) -> bool {
        use Offence::{ManyAborted, ManyQueries, ManyRefused, ManyUnknownTypes};
        matches!(
            self,
            ManyQueries | ManyUnknownTypes | ManyRefused | ManyAborted
        )
    }
}
