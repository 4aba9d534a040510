//! The records of a conversation, as bytes (3.3, 4 and 5 of the specification).

use super::words::Words;

/// A record, or the same several times.
pub(super) fn records(kind: &str, words: &mut Words) -> Result<Vec<u8>, String> {
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
            let bytes = words.rest().map(|word| u8::from_str_radix(&word, 16));
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
