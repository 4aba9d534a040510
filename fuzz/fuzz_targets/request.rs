//! Invariant tested: every request that params map to has a URI that is safe to route, for the path that was authorised.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| fastcgi_fuzz::request::check(data));
