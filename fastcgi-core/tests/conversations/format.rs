//! Reads the conversations: text to bytes, times and expectations. README.md says how they are written.

use std::{collections::VecDeque, str::FromStr, time::Duration};

/// One conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    /// What it shows, and the rules behind it.
    pub(crate) name: String,
    /// Names and values of the server's configuration.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) steps: Vec<Step>,
}

/// Something that happens, or has to have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The web server sends this.
    Send(Vec<u8>),
    /// The web server closes its side.
    SendEof,
    /// A graceful shutdown begins.
    Shutdown,
    /// The web server reads nothing from now on.
    Deaf,
    /// Time passes.
    Wait(Duration),
    /// The web server gets exactly this next.
    Receive(Vec<u8>),
    /// How the connection is to be then.
    Expect(End),
}

/// What a web server sees of a connection when it has read everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Eof,
    Gone,
    Reset,
}

/// All conversations of a file.
pub(crate) fn parse(text: &str) -> Result<Vec<Conversation>, String> {
    let mut conversations: Vec<Conversation> = Vec::new();
    for (number, line) in logical_lines(text) {
        let at = |error: String| format!("line {number}: {error}: {line}");
        if let Some(name) = line.strip_prefix("=== ") {
            let name = name.to_owned();
            conversations.push(Conversation {
                name,
                ..Conversation::default()
            });
            continue;
        }
        let last = conversations.last_mut();
        let conversation = last.ok_or_else(|| at("in front of the first name".to_owned()))?;
        conversation.add(&line).map_err(at)?;
    }
    Ok(conversations)
}

/// The lines with their numbers, without comments, and with what goes on below them.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
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

impl Conversation {
    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words::of(line)?;
        let step = match &words.word()?[..] {
            "set" => {
                self.settings.push((words.word()?, words.word()?));
                return words.end();
            }
            "wait" => Step::Wait(time(&words.word()?).ok_or("not a time")?),
            ">" => match &words.word()?[..] {
                "eof" => Step::SendEof,
                "shutdown" => Step::Shutdown,
                "deaf" => Step::Deaf,
                kind => Step::Send(records(kind, &mut words)?),
            },
            "<" => match &words.word()?[..] {
                "open" => Step::Expect(End::Open),
                "eof" => Step::Expect(End::Eof),
                "gone" => Step::Expect(End::Gone),
                "reset" => Step::Expect(End::Reset),
                kind => Step::Receive(records(kind, &mut words)?),
            },
            _ => return Err("no such step".to_owned()),
        };
        // Records in a row are one piece.
        match (self.steps.last_mut(), step) {
            (Some(Step::Send(all)), Step::Send(more)) => all.extend(more),
            (Some(Step::Receive(all)), Step::Receive(more)) => all.extend(more),
            (_, step) => self.steps.push(step),
        }
        words.end()
    }
}

/// `30s` and `250ms`.
pub(crate) fn time(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return Some(Duration::from_millis(millis.parse().ok()?));
    }
    Some(Duration::from_secs(text.strip_suffix('s')?.parse().ok()?))
}

/// The words of a line, of which quoted texts are one each, without their quotes.
struct Words(VecDeque<String>);

impl Words {
    fn of(line: &str) -> Result<Self, String> {
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

    fn word(&mut self) -> Result<String, String> {
        self.0
            .pop_front()
            .ok_or_else(|| "a word is missing".to_owned())
    }

    fn number<T: FromStr>(&mut self) -> Result<T, String> {
        let word = self.word()?;
        word.parse()
            .map_err(|_| format!("{word} is not a number in its range"))
    }

    /// Whether this word is next, and if so, goes on behind it.
    fn skip(&mut self, word: &str) -> bool {
        let is_next = self.0.front().is_some_and(|next| next == word);
        if is_next {
            self.0.pop_front();
        }
        is_next
    }

    /// A text, perhaps several times.
    fn content(&mut self) -> Result<Vec<u8>, String> {
        let text = bytes(&self.word()?)?;
        if self.skip("*") {
            Ok(text.repeat(self.number()?))
        } else {
            Ok(text)
        }
    }

    /// Name-value pairs, up to the padding (3.4). `default` is the value of a name that has none.
    fn pairs(&mut self, default: Option<&str>) -> Result<Vec<u8>, String> {
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

    fn end(&self) -> Result<(), String> {
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

/// A record, or the same several times.
fn records(kind: &str, words: &mut Words) -> Result<Vec<u8>, String> {
    let Ok(times) = kind.parse() else {
        return record(kind, words);
    };
    if !words.skip("times") {
        return Err("a number of what".to_owned());
    }
    let kind = words.word()?;
    Ok(record(&kind, words)?.repeat(times))
}

fn record(kind: &str, words: &mut Words) -> Result<Vec<u8>, String> {
    match kind {
        "begin" => {
            let id = words.number()?;
            let role = match &words.word()?[..] {
                "responder" => 1,
                "authorizer" => 2,
                "filter" => 3,
                other => other.parse().map_err(|_| "no such role")?,
            };
            let flags = u8::from(words.skip("keep"));
            frame(1, id, &[0, role, flags, 0, 0, 0, 0, 0], words)
        }
        "abort" => frame(2, words.number()?, &[], words),
        "end" => {
            let id = words.number()?;
            let [a, b, c, d] = words.number::<u32>()?.to_be_bytes();
            let protocol_status = match &words.word()?[..] {
                "complete" => 0,
                "cant-mpx" => 1,
                "overloaded" => 2,
                "unknown-role" => 3,
                _ => return Err("no such protocol status".to_owned()),
            };
            frame(3, id, &[a, b, c, d, protocol_status, 0, 0, 0], words)
        }
        "params" => stream(4, words, |words| words.pairs(None)),
        "stdin" => stream(5, words, Words::content),
        "stdout" => stream(6, words, Words::content),
        "stderr" => stream(7, words, Words::content),
        "data" => stream(8, words, Words::content),
        "get-values" => {
            let names = words.pairs(Some(""))?;
            frame(9, 0, &names, words)
        }
        "values" => {
            let values = words.pairs(None)?;
            frame(10, 0, &values, words)
        }
        "unknown-type" => {
            let unknown = words.number()?;
            frame(11, 0, &[unknown, 0, 0, 0, 0, 0, 0, 0], words)
        }
        "record" => {
            let (kind, id) = (words.number()?, words.number()?);
            let content = words.content()?;
            frame(kind, id, &content, words)
        }
        "broken" => {
            let [high, low] = words.number::<u16>()?.to_be_bytes();
            Ok(vec![0, 6, high, low, 0, 8, 0, 0])
        }
        "bytes" => {
            let words = words.0.drain(..);
            let bytes = words.map(|word| u8::from_str_radix(&word, 16));
            bytes
                .collect::<Result<_, _>>()
                .map_err(|_| "not hex".to_owned())
        }
        _ => Err("no such record".to_owned()),
    }
}

/// A record of a stream, or its end.
fn stream(
    kind: u8,
    words: &mut Words,
    content: impl FnOnce(&mut Words) -> Result<Vec<u8>, String>,
) -> Result<Vec<u8>, String> {
    let id = words.number()?;
    let content = if words.skip("end") {
        Vec::new()
    } else {
        content(words)?
    };
    frame(kind, id, &content, words)
}

/// A header and a content, and a padding if there is one (3.3).
fn frame(kind: u8, id: u16, content: &[u8], words: &mut Words) -> Result<Vec<u8>, String> {
    let padding = if words.skip("padding") {
        words.number::<u8>()?
    } else {
        0
    };
    let length = u16::try_from(content.len()).map_err(|_| "too long for a record")?;
    let mut record = vec![1, kind];
    record.extend(id.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend([padding, 0]);
    record.extend_from_slice(content);
    record.resize(record.len() + usize::from(padding), 0);
    Ok(record)
}
