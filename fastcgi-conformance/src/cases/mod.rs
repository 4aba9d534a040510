//! All cases, a file for each area.

use crate::case::Case;

mod abort;
mod begin;
mod end;
mod failure;
mod headers;
mod keep;
mod meaning;
mod mpx;
mod params;
mod records;
mod response;
mod robust;
mod start;
mod stdin;
mod stream;
mod values;

/// In the order in which they are run.
pub(crate) const CASES: &[&[Case]] = &[
    records::CASES,
    begin::CASES,
    params::CASES,
    stdin::CASES,
    end::CASES,
    keep::CASES,
    abort::CASES,
    values::CASES,
    mpx::CASES,
    response::CASES,
    failure::CASES,
    meaning::CASES,
    headers::CASES,
    stream::CASES,
    start::CASES,
    robust::CASES,
];

/// All cases.
pub fn all() -> impl Iterator<Item = &'static Case> {
    CASES.iter().copied().flatten()
}

/// The case with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Case> {
    all().find(|case| case.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_have_an_area() {
        let mut ids = BTreeSet::new();
        for case in all() {
            assert!(ids.insert(case.id), "{} is there twice", case.id);
            assert_eq!(case.id.matches('/').count(), 1, "{}", case.id);
            assert!(!case.sections.is_empty(), "{} names no section", case.id);
            assert!(case.why.ends_with('.'), "{}: {}", case.id, case.why);
        }
    }
}
