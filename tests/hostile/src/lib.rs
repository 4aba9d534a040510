//! Peers that try to cost an application its memory.
//!
//! - [`Victim`]: a release build of an example, with a limit of its memory that the system keeps.
//! - [`Attack`]: what a peer sends on each of many connections.
//! - [`Witness`]: a well-behaved client beside it.
//! - [`wire`]: records, spelled by hand.

mod attack;
mod victim;
pub mod wire;
mod witness;

pub use crate::{
    attack::{Attack, Attacking},
    victim::{SUM, Victim},
    witness::Witness,
};
