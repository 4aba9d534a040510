//! Records (specification, 3.3 and 8), written and read by hand: nothing here comes from another FastCGI library, whose
//! mistakes it would share.

use std::fmt;

/// The length of the fixed part of a record.
pub(crate) const HEADER_LEN: usize = 8;

pub(crate) const BEGIN_REQUEST: u8 = 1;
pub(crate) const ABORT_REQUEST: u8 = 2;
pub(crate) const END_REQUEST: u8 = 3;
pub(crate) const PARAMS: u8 = 4;
pub(crate) const STDIN: u8 = 5;
pub(crate) const STDOUT: u8 = 6;
pub(crate) const STDERR: u8 = 7;
pub(crate) const DATA: u8 = 8;
pub(crate) const GET_VALUES: u8 = 9;
pub(crate) const GET_VALUES_RESULT: u8 = 10;
pub(crate) const UNKNOWN_TYPE: u8 = 11;

pub(crate) const REQUEST_COMPLETE: u8 = 0;
pub(crate) const CANT_MPX_CONN: u8 = 1;
pub(crate) const UNKNOWN_ROLE: u8 = 3;

/// A record, as it is on the wire. Nothing of it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) id: u16,
    pub(crate) content: Vec<u8>,
    pub(crate) padding: Vec<u8>,
    pub(crate) reserved: u8,
}

impl Record {
    /// A record of version 1 without padding.
    ///
    /// # Panics
    ///
    /// When the content is longer than 65,535 bytes: a case is wrong.
    pub(crate) fn new(kind: u8, id: u16, content: impl Into<Vec<u8>>) -> Self {
        let content = content.into();
        assert!(content.len() <= 0xffff, "a record of {}", content.len());
        Self {
            version: 1,
            kind,
            id,
            content,
            padding: Vec::new(),
            reserved: 0,
        }
    }

    /// With `length` bytes of padding that are not zero.
    pub(crate) fn padded(mut self, length: u8) -> Self {
        self.padding = vec![0xa5; usize::from(length)];
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = u16::try_from(self.content.len()).unwrap_or(u16::MAX);
        let [id_high, id_low] = self.id.to_be_bytes();
        let [high, low] = length.to_be_bytes();
        let padding = u8::try_from(self.padding.len()).unwrap_or(u8::MAX);
        let header = [
            self.version,
            self.kind,
            id_high,
            id_low,
            high,
            low,
            padding,
            self.reserved,
        ];
        [&header[..], &self.content, &self.padding].concat()
    }

    /// The first record of `buffer`, and how many bytes it has, or nothing where it is not whole.
    pub(crate) fn first(buffer: &[u8]) -> Option<(Self, usize)> {
        let (header, rest) = buffer.split_first_chunk::<HEADER_LEN>()?;
        let [
            version,
            kind,
            id_high,
            id_low,
            high,
            low,
            padding_length,
            reserved,
        ] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (content, rest) = rest.split_at_checked(length)?;
        let padding = rest.get(..usize::from(padding_length))?;
        let record = Self {
            version,
            kind,
            id: u16::from_be_bytes([id_high, id_low]),
            content: content.to_vec(),
            padding: padding.to_vec(),
            reserved,
        };
        Some((record, HEADER_LEN + length + usize::from(padding_length)))
    }
}

/// The specification's word for a type.
pub(crate) fn type_name(kind: u8) -> String {
    let name = match kind {
        BEGIN_REQUEST => "BEGIN_REQUEST",
        ABORT_REQUEST => "ABORT_REQUEST",
        END_REQUEST => "END_REQUEST",
        PARAMS => "PARAMS",
        STDIN => "STDIN",
        STDOUT => "STDOUT",
        STDERR => "STDERR",
        DATA => "DATA",
        GET_VALUES => "GET_VALUES",
        GET_VALUES_RESULT => "GET_VALUES_RESULT",
        UNKNOWN_TYPE => "UNKNOWN_TYPE",
        _ => return format!("type {kind}"),
    };
    name.to_owned()
}

/// The specification's word for a protocol status.
pub(crate) fn protocol_status_name(status: u8) -> String {
    let name = match status {
        REQUEST_COMPLETE => "REQUEST_COMPLETE",
        CANT_MPX_CONN => "CANT_MPX_CONN",
        2 => "OVERLOADED",
        UNKNOWN_ROLE => "UNKNOWN_ROLE",
        _ => return format!("protocol status {status}"),
    };
    name.to_owned()
}

/// What is in the record, in one line.
impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} id={}", type_name(self.kind), self.id)?;
        if self.version != 1 {
            write!(f, " version={}", self.version)?;
        }
        match (self.kind, &self.content[..]) {
            (BEGIN_REQUEST, [high, low, flags, ..]) => {
                let role = u16::from_be_bytes([*high, *low]);
                write!(f, " role={role} flags={flags}")?;
            }
            (END_REQUEST, [a, b, c, d, status, ..]) => {
                let app = u32::from_be_bytes([*a, *b, *c, *d]);
                let status = protocol_status_name(*status);
                write!(f, " app_status={app} {status}")?;
            }
            (UNKNOWN_TYPE, [kind, ..]) => write!(f, " type={kind}")?,
            (_, content) => {
                write!(f, " length={}", content.len())?;
                let shown = content.get(..160).unwrap_or(content);
                if !shown.is_empty() {
                    write!(f, " \"{}\"", shown.escape_ascii())?;
                }
                if shown.len() < content.len() {
                    write!(f, "…")?;
                }
            }
        }
        match self.padding.len() {
            0 => Ok(()),
            length => write!(f, " padding={length}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_what_the_specification_draws() {
        let record = Record::new(STDIN, 0x0102, "ab").padded(3);
        let bytes = [
            1, 5, 1, 2, 0, 2, 3, 0, b'a', b'b', 0xa5, 0xa5, 0xa5, // its bytes
        ];
        assert_eq!(record.bytes(), bytes);
        assert_eq!(Record::first(&bytes), Some((record, 13)));
    }

    #[test]
    fn a_part_of_a_record_is_none() {
        let bytes = Record::new(STDIN, 1, "ab").padded(1).bytes();
        for end in 0..bytes.len() {
            assert_eq!(Record::first(&bytes[..end]), None, "{end} bytes");
        }
    }
}
