//! Bugs that were once here, or could be: see `list.txt`.

mod mutant;

pub use self::mutant::Mutant;
