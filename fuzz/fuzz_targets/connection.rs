//! Invariants tested: input gives the same events and output however it is cut; whatever its owner does and when, a
//! connection keeps its promises, comes to its end, and holds no more memory than it may.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fastcgi_fuzz::connection::check(data));
