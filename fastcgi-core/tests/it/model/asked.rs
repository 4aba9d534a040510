//! One request, as the web server means it: what is sent of it, and what an application has to see of that.

use fastcgi_core::StreamEnd;

use super::{
    random::Random,
    settings::{MAX_PARAMS_SIZE, Settings},
    wire::{self, AUTHORIZER, DATA, FILTER, KEEP_CONN, PARAMS, RESPONDER, STDIN},
};

/// A request to send.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) number: usize,
    pub(super) role: u8,
    pub(super) keep_conn: bool,
    pub(super) software: &'static str,
    pub(super) is_head: bool,
    pub(super) stdin: Stream,
    /// Only for a Filter.
    pub(super) data: Stream,
    pub(super) params: Vec<(&'static str, String)>,
    /// After how many records it is given up.
    pub(super) abort_after: Option<usize>,
}

/// A stream to send.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// The length that the params announce.
    pub(super) announced: Option<usize>,
    pub(super) sent: usize,
    /// Bytes in a record.
    piece: usize,
    /// Where an empty record interrupts it.
    early_end: Option<usize>,
    /// Empty records at its end.
    ends: usize,
    /// Whether an end before the announced length is forgiven (B-1).
    pub(super) resumes: bool,
}

/// A record of a request, without its id.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) kind: u8,
    pub(super) content: Vec<u8>,
    pub(super) padding: u8,
}

impl Asked {
    pub(super) fn random(number: usize, is_last: bool, size: usize, random: &mut Random) -> Self {
        let role = match random.below(8) {
            0 => AUTHORIZER,
            1 => FILTER,
            2 if random.once_in(4) => 9,
            _ => RESPONDER,
        };
        let software = random.pick(&["", "nginx/1.22.1", "Apache/2.4.57 (Unix)", "h2o/2.2.5"]);
        let mut stdin = Stream::random(size, random);
        if role == AUTHORIZER {
            (stdin.announced, stdin.sent, stdin.early_end) = (None, 0, None);
            stdin.ends = random.below(2);
        }
        let mut data = match role {
            FILTER => Stream::random(size, random),
            _ => Stream::default(),
        };
        stdin.resumes = software.starts_with("Apache") && stdin.announced > Some(0);
        if stdin.resumes && random.once_in(2) {
            stdin.early_end = Some(random.below(stdin.sent + 1));
        }
        data.resumes = stdin.resumes;
        let mut asked = Self {
            number,
            role,
            keep_conn: !is_last || random.once_in(2),
            software,
            is_head: random.once_in(6),
            stdin,
            data,
            params: Vec::new(),
            abort_after: random.once_in(8).then(|| random.between(1, 8)),
        };
        asked.set_params(random);
        asked
    }

    /// The smallest request that there is.
    pub(super) fn tiny(number: usize) -> Self {
        let mut asked = Self {
            number,
            role: RESPONDER,
            keep_conn: true,
            software: "",
            is_head: false,
            stdin: Stream {
                ends: 1,
                announced: Some(0),
                ..Stream::default()
            },
            data: Stream::default(),
            params: Vec::new(),
            abort_after: None,
        };
        asked.set_params(&mut Random::new(number as u64));
        asked
    }

    /// A request with a body of `size` bytes, more than was announced now and then.
    pub(super) fn upload(number: usize, is_last: bool, size: usize, random: &mut Random) -> Self {
        let mut asked = Self::tiny(number);
        let announced = match random.below(4) {
            0 => None,
            1 => Some(size / 4),
            _ => Some(size),
        };
        asked.keep_conn = !is_last || random.once_in(2);
        asked.stdin = Stream {
            announced,
            sent: size,
            piece: 20_000,
            ends: 1,
            ..Stream::default()
        };
        asked.set_params(random);
        asked
    }

    fn set_params(&mut self, random: &mut Random) {
        let method = if self.is_head { "HEAD" } else { "POST" };
        let mut params = vec![("REQUEST_METHOD", method.to_owned())];
        params.push(("REQUEST_NUMBER", self.number.to_string()));
        let length = self.stdin.announced.map(|length| length.to_string());
        if random.once_in(2) {
            params.push(("CONTENT_LENGTH", length.unwrap_or_default()))
        } else {
            params.extend(length.map(|length| ("CONTENT_LENGTH", length)))
        }
        params.extend(
            self.data
                .announced
                .map(|length| ("FCGI_DATA_LENGTH", length.to_string())),
        );
        if !self.software.is_empty() {
            params.push(("SERVER_SOFTWARE", self.software.to_owned()));
        }
        let filler = random.pick(&[0, 0, 10, 200, 300]);
        if filler > 0 || random.once_in(12) {
            // With a filler of 500 they are too many.
            params.push(("FILLER", "x".repeat(if filler == 0 { 500 } else { filler })));
        }
        self.params = params;
    }

    /// The records behind `FCGI_BEGIN_REQUEST`.
    pub(super) fn pieces(&self, random: &mut Random) -> Vec<Piece> {
        let mut block = Vec::new();
        for (name, value) in &self.params {
            wire::put_pair(name, value, &mut block);
        }
        let mut pieces: Vec<_> = block
            .chunks(random.pick(&[7, 100, 1000, 1000]))
            .map(|chunk| Piece::new(PARAMS, chunk, random))
            .collect();
        pieces.push(Piece::new(PARAMS, &[], random));
        let stdin = self.stdin.pieces(STDIN, self.stdin_stream(), random);
        let data = self.data.pieces(DATA, self.data_stream(), random);
        match random.below(4) {
            0 => pieces.extend(merge(data, stdin, random)),
            _ => pieces.extend(stdin.into_iter().chain(data)),
        }
        pieces
    }

    pub(super) fn begin(&self) -> [u8; 8] {
        let flags = if self.keep_conn { KEEP_CONN } else { 0 };
        [0, self.role, flags, 0, 0, 0, 0, 0]
    }

    /// About how much is sent.
    pub(super) fn size(&self) -> usize {
        200 + self.params_size() + self.stdin.sent + self.data.sent
    }

    pub(super) fn params_size(&self) -> usize {
        let mut block = Vec::new();
        for (name, value) in &self.params {
            wire::put_pair(name, value, &mut block);
        }
        block.len()
    }

    pub(super) fn is_served(&self, settings: &Settings) -> bool {
        let is_known = match self.role {
            RESPONDER => true,
            AUTHORIZER => settings.authorizer,
            FILTER => settings.filter,
            _ => false,
        };
        is_known && self.params_size() <= MAX_PARAMS_SIZE
    }

    /// Whether `FCGI_END_REQUEST` may do harm (B-9).
    pub(super) fn may_end_by_closing(&self) -> bool {
        let is_unknown = self.software.is_empty() && self.params_size() > MAX_PARAMS_SIZE;
        self.keep_conn && (self.software.starts_with("h2o/") || is_unknown)
    }

    /// Whether something follows the end of a stream. Nobody has to wait for that.
    pub(super) fn oversends(&self) -> bool {
        self.stdin.oversends() || self.data.oversends()
    }

    /// The numbers of its streams, for [`wire::pattern`].
    pub(super) fn stdin_stream(&self) -> usize {
        self.number * 3
    }

    pub(super) fn data_stream(&self) -> usize {
        self.number * 3 + 1
    }

    pub(super) fn stdout_stream(&self) -> usize {
        self.number * 3 + 2
    }
}

/// Two lists as one, each in its order.
fn merge(one: Vec<Piece>, other: Vec<Piece>, random: &mut Random) -> Vec<Piece> {
    let (mut one, mut other) = (one.into_iter().peekable(), other.into_iter().peekable());
    let mut merged = Vec::new();
    while one.peek().is_some() || other.peek().is_some() {
        let next = if random.once_in(2) {
            one.next()
        } else {
            other.next()
        };
        merged.extend(next);
    }
    merged
}

impl Piece {
    fn new(kind: u8, content: &[u8], random: &mut Random) -> Self {
        let padding = if random.once_in(4) {
            random.below(9) as u8
        } else {
            0
        };
        Self {
            kind,
            content: content.to_vec(),
            padding,
        }
    }
}

impl Stream {
    fn random(size: usize, random: &mut Random) -> Self {
        let sent = if random.once_in(3) {
            0
        } else {
            random.below(size)
        };
        let announced = match random.below(8) {
            0 | 1 => None,
            2 => Some(random.below(sent + 1)),
            3 => Some(sent + random.between(1, 50)),
            _ => Some(sent),
        };
        let early_end = random.once_in(16).then(|| random.below(sent + 1));
        let is_whole = announced.is_some_and(|announced| announced <= sent);
        Self {
            announced,
            sent,
            piece: random.between(1 + sent / 8, 1 + sent / 2),
            early_end,
            // Apache's mod_authnz_fcgi leaves the end out.
            ends: if is_whole && random.once_in(8) {
                0
            } else {
                1 + usize::from(random.once_in(20))
            },
            resumes: false,
        }
    }

    fn pieces(&self, kind: u8, stream: usize, random: &mut Random) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut offset = 0;
        let mut early_end = self.early_end;
        while offset < self.sent {
            let limit = early_end.unwrap_or(self.sent);
            if limit == offset {
                pieces.push(Piece::new(kind, &[], random));
                early_end = None;
                continue;
            }
            let length = self.piece.min(limit - offset);
            let content = wire::pattern(stream, offset, length);
            pieces.push(Piece::new(kind, content, random));
            offset += length;
        }
        pieces.extend((0..self.ends).map(|_| Piece::new(kind, &[], random)));
        pieces
    }

    /// How much of it an application has to see, and how it ends, if all of it is sent in time (B-1 to B-5).
    pub(super) fn seen(&self) -> (usize, StreamEnd) {
        let end = self
            .early_end
            .map_or(self.sent, |early| early.min(self.sent));
        match self.announced {
            None => (end, StreamEnd::Complete),
            Some(announced) => {
                let last = if self.resumes { self.sent } else { end };
                if last >= announced {
                    (announced, StreamEnd::Complete)
                } else {
                    (last, StreamEnd::Incomplete)
                }
            }
        }
    }

    fn oversends(&self) -> bool {
        let is_end = |end: usize| end < self.sent && !(self.resumes && Some(end) < self.announced);
        self.ends > 1 || self.early_end.is_some_and(is_end)
    }

    /// Whether more is sent than was announced, so that a web server breaks RFC 3875, 4.2.
    pub(super) fn has_surplus(&self) -> bool {
        let (seen, _) = self.seen();
        self.sent > seen
    }
}
