//! The header block of a CGI response (RFC 3875, 6), read leniently: cases judge its shape from [`Head::lines`].

/// What is in front of the first blank line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Without their ends.
    pub(crate) lines: Vec<Vec<u8>>,
    /// Whether the blank line was there.
    pub(crate) is_whole: bool,
}

impl Head {
    /// Splits `stdout` into head and body.
    pub(crate) fn split(stdout: &[u8]) -> (Self, &[u8]) {
        let mut head = Self::default();
        let mut rest = stdout;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = after.get(1..).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                head.is_whole = true;
                return (head, rest);
            }
            head.lines.push(line.to_vec());
        }
        (head, b"")
    }

    /// The fields, with names in lower case.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (String, &[u8])> {
        self.lines.iter().filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(colon);
            let name = String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            Some((name, value.get(1..).unwrap_or_default().trim_ascii()))
        })
    }

    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<String> {
        let mut fields = self.fields();
        let value = fields.find_map(|(it, value)| (it == name).then_some(value))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// The status: what `Status` says, else 302 with a `Location`, else 200 (RFC 3875, 6.2 and 6.3.3).
    pub(crate) fn status(&self) -> Option<u16> {
        match self.field("status") {
            Some(value) => value.split_whitespace().next()?.parse().ok(),
            None if self.field("location").is_some() => Some(302),
            None => Some(200),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_ends_with_a_blank_line() {
        let (head, body) = Head::split(b"Status: 404 Not Found\r\nX:y\n\r\nbody\n\n");
        assert!(head.is_whole);
        assert_eq!(head.status(), Some(404));
        assert_eq!(head.field("x").as_deref(), Some("y"));
        assert_eq!(body, b"body\n\n");
        assert!(!Head::split(b"Status: 200\r\n").0.is_whole);
    }

    #[test]
    fn without_status_a_location_is_302() {
        let status = |text: &[u8]| Head::split(text).0.status();
        assert_eq!(status(b"Location: /\n\n"), Some(302));
        assert_eq!(status(b"Content-Type: text/plain\n\n"), Some(200));
        assert_eq!(status(b"Status: x\n\n"), None);
    }
}
