//! Each example behind the configuration that lies beside it.

use fastcgi_e2e::{Site, examples};
use libtest_mimic::Trial;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    examples().into_iter().map(|example| {
        Trial::test(
            format!(
                "example::{}_behind_{}",
                example.program, example.layout.name
            ),
            move || (example.check)(&Site::start(&example.layout, example.program)?),
        )
    })
}
