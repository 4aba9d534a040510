//! What differs between two answers, and what of it a row of the list can excuse.
//!
//! Which resource was reached is compared first. There is no [`What`] for it, none for the status on a protected path, and none
//! for how a page is spelled that the web server asks for on its own: no row can be about these.

use std::fmt;

use super::answer::{Answer, Reached};
use super::asked::Asked;
use super::rows::{Row, What};

/// Something that differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Differs {
    /// The application was asked for something else over FastCGI, or was asked although it was not over HTTP.
    Resource,
    /// The path is protected, and the status is not the same.
    ProtectedStatus,
    /// The web server asks for a page on its own, and over FastCGI that is spelled in another way.
    InternalSpelling,
    /// A row may be about it.
    Excusable(Detail),
}

/// What a row may be about, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Detail {
    /// A header field.
    Header(String),
    /// The status, on a path that is not protected.
    Status,
    /// The same resource, spelled in another way.
    Spelling,
    /// The method that the application saw.
    Method,
    /// The query that the application saw.
    Query,
    /// The request body that the application saw.
    RequestBody,
    /// What the web server or the library wrote.
    Text,
    /// Over FastCGI the application was not asked, and this is the status.
    Refused(u16),
}

/// Compares the answers to one request.
pub(super) fn differences(
    asked: &Asked,
    fastcgi: &Answer,
    http: &Answer,
    merges_slashes: bool,
) -> Vec<Differs> {
    let refused = fastcgi.reached.is_empty() && !http.reached.is_empty();
    let mut differs = Vec::new();
    if asked.protected && fastcgi.status != http.status {
        differs.push(Differs::ProtectedStatus);
    }
    if refused {
        differs.push(Differs::Excusable(Detail::Refused(fastcgi.status)));
    } else if !are_same_resources(fastcgi, http, merges_slashes) {
        differs.push(Differs::Resource);
    } else if !are_spelled_as_internal(asked, fastcgi, http) {
        differs.push(Differs::InternalSpelling);
    } else {
        differs.extend(
            details(asked, fastcgi, http)
                .into_iter()
                .map(Differs::Excusable),
        );
    }
    differs
}

fn are_same_resources(fastcgi: &Answer, http: &Answer, merges_slashes: bool) -> bool {
    let resource = |it: &Reached| it.resource(merges_slashes);
    let mut pairs = fastcgi.reached.iter().zip(&http.reached);
    fastcgi.reached.len() == http.reached.len()
        && pairs.all(|(it, over_http)| resource(it).is(&resource(over_http)))
}

/// Pages that nobody but the web server asked for are spelled by it, byte for byte.
fn are_spelled_as_internal(asked: &Asked, fastcgi: &Answer, http: &Answer) -> bool {
    let mut pairs = fastcgi.reached.iter().zip(&http.reached);
    pairs.all(|(it, over_http)| {
        let is_internal = over_http.is_internal() && !asked.names(over_http.resource(true));
        !is_internal || it.path == over_http.path
    })
}

fn details(asked: &Asked, fastcgi: &Answer, http: &Answer) -> Vec<Detail> {
    let differs = |part: fn(&Reached) -> String| {
        let parts = |answer: &Answer| answer.reached.iter().map(part).collect::<Vec<_>>();
        parts(fastcgi) != parts(http)
    };
    let mut details = Vec::new();
    let mut add = |differs: bool, detail| {
        if differs {
            details.push(detail);
        }
    };
    add(
        fastcgi.status != http.status && !asked.protected,
        Detail::Status,
    );
    add(differs(|it| it.path.clone()), Detail::Spelling);
    add(differs(|it| it.method.clone()), Detail::Method);
    add(differs(|it| it.query.to_string()), Detail::Query);
    add(differs(|it| it.body.to_string()), Detail::RequestBody);
    add(fastcgi.text != http.text, Detail::Text);
    let names = fastcgi.headers.keys().chain(http.headers.keys());
    let mut names: Vec<&String> = names.collect();
    names.sort();
    names.dedup();
    for name in names {
        let header = Detail::Header(name.clone());
        add(fastcgi.headers.get(name) != http.headers.get(name), header);
    }
    details
}

impl Differs {
    /// Whether `row` excuses it.
    pub(super) fn is_excused(&self, row: &Row, configuration: &str, asked: &Asked) -> bool {
        let Self::Excusable(detail) = self else {
            return false;
        };
        row.is_about(configuration) && row.requests.has(asked) && row.what == *detail
    }
}

impl PartialEq<Detail> for What {
    fn eq(&self, detail: &Detail) -> bool {
        match (self, detail) {
            (Self::Header(name), Detail::Header(it)) => name == it,
            (Self::Refused(status), Detail::Refused(it)) => status == it,
            (Self::Status, Detail::Status)
            | (Self::Spelling, Detail::Spelling)
            | (Self::Method, Detail::Method)
            | (Self::Query, Detail::Query)
            | (Self::RequestBody, Detail::RequestBody)
            | (Self::Text, Detail::Text) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Resource => f.write_str("another resource"),
            Self::ProtectedStatus => f.write_str("another status on a protected path"),
            Self::InternalSpelling => f.write_str("another spelling of an internal page"),
            Self::Excusable(Detail::Header(name)) => write!(f, "the header {name}"),
            Self::Excusable(Detail::Status) => f.write_str("the status"),
            Self::Excusable(Detail::Spelling) => f.write_str("the spelling of the path"),
            Self::Excusable(Detail::Method) => f.write_str("the method"),
            Self::Excusable(Detail::Query) => f.write_str("the query"),
            Self::Excusable(Detail::RequestBody) => f.write_str("the body of the request"),
            Self::Excusable(Detail::Text) => f.write_str("the text"),
            Self::Excusable(Detail::Refused(status)) => {
                write!(f, "refused over FastCGI with {status}")
            }
        }
    }
}
