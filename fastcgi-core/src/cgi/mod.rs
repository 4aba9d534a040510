//! The Common Gateway Interface: meta-variables to `http` requests, `http` responses to CGI header blocks (RFC 3875).

mod body_length;
mod error;
mod explain;
mod fields;
mod headers;
pub(crate) mod hop_by_hop;
mod host;
mod left_out;
mod mapping;
mod mounted;
mod names;
mod path;
mod percent;
mod reason_phrase;
mod response;
mod script_name;
mod variables;

pub use self::body_length::{BodyLength, ShortBody};
pub use self::error::InvalidRequest;
pub use self::explain::{Explanation, Reading, Resolved, explain};
pub use self::fields::{FieldError, HeaderFields};
pub use self::left_out::{LeftOut, LeftOutReason};
pub use self::mapping::{InvalidPathSource, Mapping, OnMismatch, PathSource, RequestHead};
pub use self::path::{PathRule, has_dot_segments};
pub(crate) use self::percent::encode as encode_path;
pub use self::reason_phrase::ReasonPhrase;
pub use self::response::{InvalidResponse, ResponseMapping, status_text, write_refusal};
pub use self::script_name::{InvalidScriptName, ScriptName};
