//! Paths, however they are spelled.

/// A path, percent-decoded once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path(Vec<Piece>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// `%2F`: for some a slash, for others a part of a name.
    EncodedSlash,
}

impl Path {
    pub(super) fn new(spelled: &str) -> Self {
        let mut rest = spelled.as_bytes();
        let mut pieces = Vec::new();
        while let Some((first, after)) = rest.split_first() {
            let encoded = rest.get(..3).filter(|_| *first == b'%');
            let decoded = encoded.and_then(|it| percent_encoding::percent_decode(it).next());
            // A `%` that encodes nothing is one.
            let decoded = decoded.filter(|it| *it != b'%' || rest.starts_with(b"%25"));
            rest = match decoded {
                Some(_) => rest.get(3..).unwrap_or_default(),
                None => after,
            };
            pieces.push(match decoded {
                Some(b'/') => Piece::EncodedSlash,
                Some(byte) => Piece::Byte(byte),
                None => Piece::Byte(*first),
            });
        }
        Self(pieces)
    }

    /// Whether there are dot segments, encoded slashes taken for slashes.
    pub(super) fn is_dotted(&self) -> bool {
        let mut segments = self.0.split(Piece::is_slash);
        segments.any(|it| is_dot(it) || is_two_dots(it))
    }

    /// Without dot segments (RFC 3986, 5.2.4). Where there are some, encoded slashes become slashes.
    pub(super) fn resolved(self) -> Self {
        if !self.is_dotted() {
            return self;
        }
        let mut segments: Vec<&[Piece]> = Vec::new();
        let mut ends_in_a_directory = false;
        for segment in self.0.split(Piece::is_slash) {
            ends_in_a_directory = is_dot(segment) || is_two_dots(segment);
            if is_two_dots(segment) {
                segments.truncate(segments.len().saturating_sub(1).max(1));
            } else if !is_dot(segment) {
                segments.push(segment);
            }
        }
        if ends_in_a_directory {
            segments.push(&[]);
        }
        Self(segments.join(&Piece::Byte(b'/')))
    }

    /// With slashes for encoded ones.
    pub(super) fn with_slashes(mut self) -> Self {
        for piece in &mut self.0 {
            if *piece == Piece::EncodedSlash {
                *piece = Piece::Byte(b'/');
            }
        }
        self
    }

    /// With one slash for several.
    pub(super) fn squashed(self) -> Self {
        let mut pieces: Vec<Piece> = Vec::new();
        for piece in self.0 {
            match pieces.last_mut() {
                Some(last) if last.is_slash() && piece.is_slash() => {
                    if piece == Piece::Byte(b'/') {
                        *last = piece;
                    }
                }
                _ => pieces.push(piece),
            }
        }
        Self(pieces)
    }

    /// Whether it names what `http` names.
    ///
    /// An encoded slash may be a slash over HTTP, where the web server has decoded it. It may not be the other way round:
    /// what is one segment for the rules of the web server would be several for the application.
    pub(super) fn is(&self, http: &Self) -> bool {
        let is_same = |(it, over_http): (&Piece, &Piece)| {
            it == over_http || (*it == Piece::EncodedSlash && over_http.is_slash())
        };
        self.0.len() == http.0.len() && self.0.iter().zip(&http.0).all(is_same)
    }

    /// What is below `mount`; all of it where it is somewhere else.
    pub(super) fn below(&self, mount: &str) -> Self {
        let length = Self::new(mount).0.len();
        match self.0.split_at_checked(length) {
            Some((_, [])) if self.is_at(mount) => Self::new("/"),
            Some((_, rest)) if self.is_at(mount) => Self(rest.to_vec()),
            _ => self.clone(),
        }
    }

    /// Whether it is at or below `place`, encoded slashes taken for slashes.
    pub(super) fn is_at(&self, place: &str) -> bool {
        let place = Self::new(place.trim_end_matches('/'));
        let (first, rest) = match self.0.split_at_checked(place.0.len()) {
            Some((first, rest)) => (Self(first.to_vec()), rest),
            None => return false,
        };
        first.is(&place) && rest.first().is_none_or(Piece::is_slash)
    }
}

impl Piece {
    fn is_slash(&self) -> bool {
        matches!(self, Self::EncodedSlash | Self::Byte(b'/'))
    }
}

fn is_dot(segment: &[Piece]) -> bool {
    segment == [Piece::Byte(b'.')]
}

fn is_two_dots(segment: &[Piece]) -> bool {
    segment == [Piece::Byte(b'.'); 2]
}
