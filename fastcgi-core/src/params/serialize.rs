//! Params as a map, for JSON and the like.

use std::{borrow::Cow, collections::HashMap};

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::Params;

/// A map of names and values, as they are, in the order received. Of several values the last counts (T-1), in the place of
/// the first. Bytes that are not UTF-8 are made visible, as `\xff`.
///
/// Values may be credentials: `HTTP_AUTHORIZATION`, `HTTP_COOKIE`.
impl Serialize for Params {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut last: HashMap<&[u8], &[u8]> = self.iter().collect();
        let mut map = serializer.serialize_map(Some(last.len()))?;
        for (name, _) in self {
            if let Some(value) = last.remove(name) {
                map.serialize_entry(&visible(name), &visible(value))?;
            }
        }
        map.end()
    }
}

fn visible(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().escape_ascii().map(char::from));
    }
    Cow::Owned(text)
}
