//! What came back for a request. Nothing of it is judged here, so that each case judges its own fact only.

use crate::{
    case::Failure,
    conn::Ending,
    head::Head,
    record::{END_REQUEST, Record, STDERR, STDOUT},
};

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) id: u16,
    /// All records that came, also those of other requests.
    pub(crate) records: Vec<Record>,
    /// Set where the connection ended before END_REQUEST.
    pub(crate) ending: Option<Ending>,
}

/// END_REQUEST (specification, 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) app_status: u32,
    pub(crate) protocol_status: u8,
}

impl Answer {
    pub(crate) fn new(id: u16) -> Self {
        Self {
            id,
            records: Vec::new(),
            ending: None,
        }
    }

    /// The records of one type of this request.
    pub(crate) fn of_type(&self, kind: u8) -> impl Iterator<Item = &Record> {
        let id = self.id;
        let records = self.records.iter();
        records.filter(move |record| record.kind == kind && record.id == id)
    }

    fn stream(&self, kind: u8) -> Vec<u8> {
        let contents = self.of_type(kind).map(|record| record.content.as_slice());
        contents.collect::<Vec<_>>().concat()
    }

    pub(crate) fn stdout(&self) -> Vec<u8> {
        self.stream(STDOUT)
    }

    pub(crate) fn stderr(&self) -> Vec<u8> {
        self.stream(STDERR)
    }

    /// END_REQUEST, if it came and is as long as it has to be for its two numbers.
    pub(crate) fn end(&self) -> Option<End> {
        let record = self.of_type(END_REQUEST).next()?;
        let (app_status, rest) = record.content.split_first_chunk::<4>()?;
        Some(End {
            app_status: u32::from_be_bytes(*app_status),
            protocol_status: *rest.first()?,
        })
    }

    /// The same, or a failure.
    pub(crate) fn ended(&self) -> Result<End, Failure> {
        self.end().ok_or_else(|| match self.ending {
            Some(ending) => Failure::red(format!("{ending} without END_REQUEST")),
            None => Failure::red("END_REQUEST is too short for its numbers"),
        })
    }

    pub(crate) fn head(&self) -> Head {
        Head::split(&self.stdout()).0
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        Head::split(&self.stdout()).1.to_vec()
    }

    /// There is a response: a header block with its blank line.
    pub(crate) fn answered(&self) -> Result<&Self, Failure> {
        if self.head().is_whole {
            return Ok(self);
        }
        let stdout = self.stdout();
        if !stdout.is_empty() {
            let shown = stdout.get(..80).unwrap_or(&stdout).escape_ascii();
            return Err(Failure::red(format!(
                "sent no whole header block: \"{shown}\""
            )));
        }
        Err(Failure::red(match (self.end(), self.ending) {
            (Some(end), _) => {
                let status = crate::record::protocol_status_name(end.protocol_status);
                format!("sent END_REQUEST with {status}, and no response")
            }
            (None, Some(ending)) => format!("{ending} without a response"),
            (None, None) => "sent no response".to_owned(),
        }))
    }

    /// There is a response with this status. An application that does not offer what was asked for says 501.
    pub(crate) fn has_status(&self, wanted: u16) -> Result<&Self, Failure> {
        let status = self.answered()?.offered()?.head().status();
        if status == Some(wanted) {
            return Ok(self);
        }
        let found = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        Err(Failure::red(format!("the status is {found}, not {wanted}")))
    }

    /// The application offers what was asked for: its status is not 501.
    pub(crate) fn offered(&self) -> Result<&Self, Failure> {
        if self.head().status() == Some(501) {
            let body = self.body();
            let reason = String::from_utf8_lossy(&body);
            let reason = reason.lines().next().unwrap_or_default().trim();
            return Err(Failure::not_offered(match reason {
                "" => "it answers 501",
                reason => reason,
            }));
        }
        Ok(self)
    }

    /// There is a response with status 200 and this body.
    pub(crate) fn has_body(&self, wanted: &[u8]) -> Result<&Self, Failure> {
        self.has_status(200)?;
        let body = self.body();
        if body == wanted {
            return Ok(self);
        }
        let at = body.iter().zip(wanted).position(|(a, b)| a != b);
        let at = at.unwrap_or_else(|| body.len().min(wanted.len()));
        let shown = |bytes: &[u8]| {
            let from = at.saturating_sub(20);
            let until = bytes.len().min(at + 20);
            let shown = bytes.get(from..until).unwrap_or_default();
            shown.escape_ascii().to_string()
        };
        let (found, wanted_length) = (body.len(), wanted.len());
        Err(Failure::red(format!(
            "the body has {found} bytes, not {wanted_length}, and differs at byte {at}: \"{}\", not \"{}\"",
            shown(&body),
            shown(wanted),
        )))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> Result<String, Failure> {
        self.has_status(200)?;
        Ok(String::from_utf8_lossy(&self.body()).into_owned())
    }
}
