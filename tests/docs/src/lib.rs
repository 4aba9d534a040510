//! The programs of README.md and of the pages in `docs`, compiled as documentation.
//!
//! They are not in the crates that they are about, because the packages of those do not have the pages.

/// README.md.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// docs/migrating.md.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/migrating.md")]
struct Migrating;

/// docs/facades.md.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/facades.md")]
struct Facades;

/// docs/coming-from.md.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/coming-from.md")]
struct ComingFrom;

/// docs/calling.md.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/calling.md")]
struct Calling;
