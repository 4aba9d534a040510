//! Where the header fields of a request go.
//!
//! HTTP libraries have maps of their own, some of another version of the `http` crate. Filling them directly saves the
//! conversion from another map.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The header fields of a request, in the map of some HTTP library.
///
/// What belongs in it is decided by [`Mapping::head`](super::Mapping::head); this is only the map.
pub trait HeaderFields {
    /// The name of a field, made of a token in lower case (RFC 9110, 5.1). A name that cannot be made of it is left out.
    ///
    /// Names are kept for later requests of the same thread, and cloned for each.
    type Name: Clone + for<'a> TryFrom<&'a [u8]> + 'static;

    /// Adds a field, behind those of the same name.
    ///
    /// `value` is what the web server sent, UTF-8 or not, without the blanks around it.
    ///
    /// # Errors
    ///
    /// When the map cannot hold the field.
    fn append(&mut self, name: Self::Name, value: Bytes) -> Result<(), FieldError>;

    /// Makes room for about so many fields, at most 256. By default, it does nothing.
    fn reserve(&mut self, fields: usize) {
        let _ = fields;
    }
}

/// Why a map cannot hold a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldError {
    /// The value is invalid: it has control characters.
    Invalid,
    /// There are too many already.
    Full,
}

impl HeaderFields for HeaderMap {
    type Name = HeaderName;

    fn append(&mut self, name: HeaderName, value: Bytes) -> Result<(), FieldError> {
        let value = HeaderValue::from_maybe_shared(value).map_err(|_| FieldError::Invalid)?;
        match self.try_append(name, value) {
            Ok(_) => Ok(()),
            Err(_) => Err(FieldError::Full),
        }
    }

    fn reserve(&mut self, fields: usize) {
        // Its own limit is far above.
        let _ = self.try_reserve(fields);
    }
}
