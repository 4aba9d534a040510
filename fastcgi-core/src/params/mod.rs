//! The name-value pairs of `FCGI_PARAMS`.
//!
//! What a web server knows about a request arrives as one block of pairs, each a name and a value with their
//! lengths in front (specification, 3.4). [`Params`] is such a block, checked once: reading it afterwards neither
//! copies nor fails.

mod certificate;
pub(crate) mod content_length;
pub(crate) mod meta;
#[cfg(feature = "serde")]
mod serialize;
pub(crate) mod server;
mod typed;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use self::content_length::ContentLength;
use self::server::Server;
pub use self::{
    certificate::ClientCertificate,
    content_length::InvalidContentLength,
    typed::{
        AuthType, DocumentRoot, FromParams, MissingParam, RemoteUser, ScriptFilename, ServerName,
        ServerPort,
    },
};

/// The name-value pairs of a request, in the order received and with duplicates kept.
///
/// Cloning is cheap: clones share one buffer. Names and values are bytes, because nothing in the protocol promises
/// UTF-8. `Debug` prints the names and leaves out the values, which may be credentials.
///
/// ```
/// use fastcgi_core::Params;
///
/// // What nginx sends for `include fastcgi_params; fastcgi_param SCRIPT_NAME "";`
/// let params: Params = [("SCRIPT_NAME", "/hello"), ("REMOTE_USER", "ann"), ("SCRIPT_NAME", "")]
///     .into_iter()
///     .collect();
/// assert_eq!(params.get("SCRIPT_NAME"), Some(&b""[..]));
/// assert_eq!(params.iter().count(), 3);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Params {
    // Invariant: a sequence of whole, well-formed name-value pairs.
    block: Bytes,
    // What every request is asked for before anything else, read while the pairs are checked.
    content_length: ContentLength,
    server: Server,
    remote_addr: Place,
    remote_port: Place,
}

/// Where a value is in the block; the last one of its name. An absent one is as an empty one, and so is one behind the first
/// 4 GiB.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Place {
    start: u32,
    length: u32,
}

impl Place {
    /// That of a value which ends at `end`.
    fn of(value: &[u8], end: usize) -> Self {
        let start = u32::try_from(end - value.len());
        let length = u32::try_from(value.len());
        match (start, length) {
            (Ok(start), Ok(length)) => Self { start, length },
            _ => Self::default(),
        }
    }
}

impl Params {
    /// Checks a block of name-value pairs: the contents of all `FCGI_PARAMS` records of a request.
    ///
    /// Nothing is copied: the result shares `block`. Lengths in the four-byte form are accepted for small numbers too,
    /// as h2o sends them.
    ///
    /// # Errors
    ///
    /// When a length announces more than the block holds, or the block ends inside a length.
    pub fn parse(block: Bytes) -> Result<Self, InvalidParams> {
        match Self::parse_limited(block, usize::MAX, usize::MAX) {
            Ok(params) => Ok(params),
            Err(_) => Err(InvalidParams(())),
        }
    }

    /// As [`parse`](Self::parse), with limits on the number of pairs and on the length of their names.
    pub(crate) fn parse_limited(
        block: Bytes,
        max_pairs: usize,
        max_name: usize,
    ) -> Result<Self, ParamsError> {
        let mut rest = &block[..];
        let mut pairs = 0;
        let mut longest_name = 0;
        let mut params = Self::default();
        while !rest.is_empty() {
            let (name, value);
            (name, value, rest) =
                split_pair(rest).ok_or(ParamsError::Invalid(InvalidParams(())))?;
            pairs += 1;
            longest_name = name.len().max(longest_name);
            params.note(name, value, block.len() - rest.len());
        }
        params.block = block;
        if pairs > max_pairs || longest_name > max_name {
            return Err(ParamsError::TooLarge(params));
        }
        Ok(params)
    }

    /// Reads what has fields of its own. `end` is where the pair ends in the block.
    fn note(&mut self, name: &[u8], value: &[u8], end: usize) {
        match name {
            b"CONTENT_LENGTH" => self.content_length.add_param(value),
            b"REMOTE_ADDR" => self.remote_addr = Place::of(value, end),
            b"REMOTE_PORT" => self.remote_port = Place::of(value, end),
            b"SERVER_SOFTWARE" => self.server = Server::named(value),
            _ => {}
        }
    }

    /// The whole pairs at the start of a block whose end is missing.
    pub(crate) fn parse_start(mut block: Bytes) -> Self {
        let mut rest = &block[..];
        while let Some((_, _, after)) = split_pair(rest) {
            rest = after;
        }
        block.truncate(block.len() - rest.len());
        Self::parse(block).expect("only whole pairs are left")
    }

    /// The value of `name`; of the last one, when it was sent several times.
    ///
    /// The last wins because nginx sends a default first and the operator's override after it. Use
    /// [`get_all`](Self::get_all) or [`iter`](Self::iter) to see every one. The comparison is case-sensitive.
    pub fn get(&self, name: impl AsRef<[u8]>) -> Option<&[u8]> {
        self.get_all(name).last()
    }

    /// Every value of `name`, in the order received.
    pub fn get_all(&self, name: impl AsRef<[u8]>) -> impl Iterator<Item = &[u8]> {
        self.iter()
            .filter(move |(n, _)| *n == name.as_ref())
            .map(|(_, value)| value)
    }

    /// All pairs, in the order received.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: &self.block }
    }

    /// These pairs, without those whose names `more` has, and then `more` as it is.
    ///
    /// So what is given last counts for every application: of several values of one name some take the first, libfcgi
    /// among them, and others the last. Each name is compared with each of `more`.
    #[must_use]
    pub fn with(&self, more: &Self) -> Self {
        if more.is_empty() {
            return self.clone();
        }
        let own = self.iter().filter(|(name, _)| more.get(name).is_none());
        own.chain(more).collect()
    }

    /// Whether there is no pair at all.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// The pairs as on the wire.
    pub fn as_bytes(&self) -> &Bytes {
        &self.block
    }

    /// The value at `place`.
    fn at(&self, place: Place) -> &[u8] {
        let start = usize::try_from(place.start).unwrap_or(usize::MAX);
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        let value = self.block.get(start..).unwrap_or_default();
        value.get(..length).unwrap_or_default()
    }

    /// `slice`, which must have come out of this value, as [`Bytes`] that share its buffer.
    ///
    /// # Panics
    ///
    /// When `slice` is not part of this value's buffer.
    pub(crate) fn share(&self, slice: &[u8]) -> Bytes {
        self.block.slice_ref(slice)
    }
}

/// The order of the pairs is kept.
///
/// # Panics
///
/// When a name or a value is 2 GiB long, which the format has no length for.
impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut block = BytesMut::new();
        let mut params = Self::default();
        for (name, value) in pairs {
            let (name, value) = (name.as_ref(), value.as_ref());
            put_pair(&mut block, name, value);
            params.note(name, value, block.len());
        }
        params.block = block.freeze();
        params
    }
}

impl<'a> IntoIterator for &'a Params {
    type Item = (&'a [u8], &'a [u8]);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(|(name, _)| Name(name)))
            .finish()
    }
}

/// The pairs of [`Params`], in the order received.
#[derive(Clone)]
pub struct Iter<'a> {
    // Invariant: a sequence of whole, well-formed name-value pairs.
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value, rest) = split_pair(self.rest)?;
        self.rest = rest;
        Some((name, value))
    }
}

impl fmt::Debug for Iter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.clone().map(|(name, _)| Name(name)))
            .finish()
    }
}

/// A name, printed readably.
struct Name<'a>(&'a [u8]);

impl fmt::Debug for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.escape_ascii(), f)
    }
}

/// Why a block is not accepted.
#[derive(Debug)]
pub(crate) enum ParamsError {
    Invalid(InvalidParams),
    /// All pairs, so that the web server can still be identified.
    TooLarge(Params),
}

/// A block that is not a sequence of name-value pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidParams(());

impl fmt::Display for InvalidParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name-value pair is longer than the block that holds it")
    }
}

impl std::error::Error for InvalidParams {}

/// The first pair of `input` and what follows it; `None` when the pair is not whole.
pub(crate) fn split_pair(input: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name_length, value_length, input) = match input {
        // Nearly all pairs.
        [name @ ..=0x7f, value @ ..=0x7f, rest @ ..] => {
            (usize::from(*name), usize::from(*value), rest)
        }
        _ => {
            let (name_length, input) = split_length(input)?;
            let (value_length, input) = split_length(input)?;
            (name_length, value_length, input)
        }
    };
    let (name, input) = input.split_at_checked(name_length)?;
    let (value, rest) = input.split_at_checked(value_length)?;
    Some((name, value, rest))
}

/// 3.4: a length up to 127 is one byte; a larger one is four, with the highest bit of the first set.
fn split_length(input: &[u8]) -> Option<(usize, &[u8])> {
    let (&first, rest) = input.split_first()?;
    if first >> 7 == 0 {
        return Some((usize::from(first), rest));
    }
    let (bytes, rest) = input.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*bytes) & 0x7fff_ffff;
    Some((usize::try_from(length).ok()?, rest))
}

/// Appends a pair in the wire format.
pub(crate) fn put_pair(block: &mut BytesMut, name: &[u8], value: &[u8]) {
    put_length(block, name.len());
    put_length(block, value.len());
    block.put_slice(name);
    block.put_slice(value);
}

fn put_length(block: &mut BytesMut, length: usize) {
    match u8::try_from(length) {
        Ok(short @ 0..=0x7f) => block.put_u8(short),
        _ => {
            let length = u32::try_from(length)
                .ok()
                .filter(|length| length >> 31 == 0);
            let length = length.expect("names and values are shorter than 2 GiB");
            block.put_u32(length | 0x8000_0000);
        }
    }
}
