//! What an application says of itself: `FCGI_GET_VALUES` and its result (specification, 4.1).

use crate::params::Params;

/// The largest number of connections that the application accepts.
pub const MAX_CONNS: &str = "FCGI_MAX_CONNS";
/// The largest number of requests that the application accepts at a time: for HAProxy, on one connection.
pub const MAX_REQS: &str = "FCGI_MAX_REQS";
/// `1` when requests may be multiplexed over a connection, else `0`.
pub const MPXS_CONNS: &str = "FCGI_MPXS_CONNS";

/// The pairs of the result: of the variables asked for those that are `known`, each once.
///
/// 4.1: "If the application doesn't understand a variable name that was included in the query, it omits that name from
/// the response." Naming each once bounds the answer, whatever the question's length.
pub(crate) fn answer(query: &Params, known: [(&str, Option<usize>); 3]) -> Params {
    known
        .into_iter()
        .filter(|(name, _)| query.get(name).is_some())
        .filter_map(|(name, value)| Some((name, value?.to_string())))
        .collect()
}
