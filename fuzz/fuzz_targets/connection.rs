//! Invariant tested: input gives the same events and output however it is cut, and holds no more memory than it may.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fastcgi_fuzz::connection::check(data));
