//! Invariant tested: a block gives the pairs that section 3.4 draws or an error, however records and reads cut it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fastcgi_fuzz::params::check(data));
