//! Bugs that were really here, or could be: see `list.txt`.

mod mutant;

pub use self::mutant::Mutant;
