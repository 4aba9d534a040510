//! The lines of a file, and their words.

use std::{collections::VecDeque, str::FromStr, time::Duration};

/// The lines with their numbers, without comments, and with what goes on below them.
pub(super) fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let goes_on = line.starts_with(' ');
        let line = line.trim();
        match lines.last_mut() {
            _ if line.is_empty() || line.starts_with('#') => {}
            Some((_, last)) if goes_on => {
                last.push(' ');
                last.push_str(line);
            }
            _ => lines.push((index + 1, line.to_owned())),
        }
    }
    lines
}

/// The words of a line, of which quoted texts are one each, without their quotes.
pub(super) struct Words(VecDeque<String>);

impl Words {
    pub(super) fn of(line: &str) -> Result<Self, String> {
        let mut words = VecDeque::new();
        let mut chars = line.chars().peekable();
        while let Some(char) = chars.next() {
            match char {
                ' ' => {}
                '"' => words.push_back(quoted(&mut chars)?),
                _ => {
                    let mut word = String::from(char);
                    while let Some(char) = chars.next_if(|char| *char != ' ') {
                        word.push(char);
                    }
                    words.push_back(word);
                }
            }
        }
        Ok(Self(words))
    }

    pub(super) fn word(&mut self) -> Result<String, String> {
        self.0
            .pop_front()
            .ok_or_else(|| "a word is missing".to_owned())
    }

    pub(super) fn number<T: FromStr>(&mut self) -> Result<T, String> {
        let word = self.word()?;
        word.parse()
            .map_err(|_| format!("{word} is not a number in its range"))
    }

    /// `30s` or `250ms`.
    pub(super) fn time(&mut self) -> Result<Duration, String> {
        let word = self.word()?;
        time(&word).ok_or_else(|| format!("{word} is not a time"))
    }

    /// `on` or `off`.
    pub(super) fn switch(&mut self) -> Result<bool, String> {
        match &self.word()?[..] {
            "on" => Ok(true),
            "off" => Ok(false),
            word => Err(format!("{word} is not on or off")),
        }
    }

    /// The words that are left.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = String> {
        self.0.drain(..)
    }

    /// Whether this word is next, and if so, goes on behind it.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let is_next = self.0.front().is_some_and(|next| next == word);
        if is_next {
            self.0.pop_front();
        }
        is_next
    }

    /// A text, perhaps several times.
    pub(super) fn content(&mut self) -> Result<Vec<u8>, String> {
        let text = bytes(&self.word()?)?;
        if self.skip("*") {
            Ok(text.repeat(self.number()?))
        } else {
            Ok(text)
        }
    }

    /// Name-value pairs, up to the padding (3.4). `default` is the value of a name that has none.
    pub(super) fn pairs(&mut self, default: Option<&str>) -> Result<Vec<u8>, String> {
        let mut block = Vec::new();
        while self.0.front().is_some_and(|next| next != "padding") {
            let pair = self.word()?;
            let (name, value) = match (pair.split_once('='), default) {
                (Some(pair), _) => pair,
                (None, Some(value)) => (&pair[..], value),
                (None, None) => return Err("a pair without =".to_owned()),
            };
            let (name, value) = (bytes(name)?, bytes(value)?);
            for length in [name.len(), value.len()] {
                let length = u8::try_from(length).map_err(|_| "too long a name or value")?;
                if length < 128 {
                    block.push(length)
                } else {
                    block.extend([0x80, 0, 0, length])
                }
            }
            block.extend(name);
            block.extend(value);
        }
        Ok(block)
    }

    pub(super) fn end(&self) -> Result<(), String> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err("too many words".to_owned())
        }
    }
}

/// What is up to the closing quote. Characters are bytes: `\xff` is one.
fn quoted(chars: &mut impl Iterator<Item = char>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match chars.next().ok_or("no closing quote")? {
            '"' => return Ok(text),
            '\\' => text.push(match chars.next().ok_or("nothing behind a backslash")? {
                'r' => '\r',
                'n' => '\n',
                'x' => {
                    let digits: String = chars.take(2).collect();
                    let byte = u8::from_str_radix(&digits, 16).map_err(|_| "not hex")?;
                    char::from(byte)
                }
                other => other,
            }),
            char => text.push(char),
        }
    }
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
    bytes.map_err(|_| "a character that is not a byte".to_owned())
}

/// `30s` and `250ms`.
fn time(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return Some(Duration::from_millis(millis.parse().ok()?));
    }
    Some(Duration::from_secs(text.strip_suffix('s')?.parse().ok()?))
}
