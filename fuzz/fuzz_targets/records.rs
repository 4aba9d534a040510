//! Invariant tested: a byte stream gives the records that section 3.3 draws, however it is cut.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fastcgi_fuzz::records::check(data));
