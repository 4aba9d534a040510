//! What an application says of itself: `FCGI_GET_VALUES` and its result (specification, 4.1).

use crate::params::Params;

/// The largest number of connections that the application accepts.
pub const MAX_CONNS: &str = "FCGI_MAX_CONNS";
/// The largest number of requests that the application accepts at a time.
pub const MAX_REQS: &str = "FCGI_MAX_REQS";
/// `1` when requests may be multiplexed over a connection, else `0`.
pub const MPXS_CONNS: &str = "FCGI_MPXS_CONNS";

/// The pairs of the result: of the variables asked for those that are `known`, each once.
///
/// 4.1: "If the application doesn't understand a variable name that was included in the query, it omits that name from
/// the response." That each is named once bounds the
/// answer, however long the question is.
pub(crate) fn answer(query: &Params, known: [(&str, usize); 3]) -> Params {
    known
        .into_iter()
        .filter(|(name, _)| query.get(name).is_some())
        .map(|(name, value)| (name, value.to_string()))
        .collect()
}
