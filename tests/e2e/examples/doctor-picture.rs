//! Writes the pictures of the doctor's page that the README shows: `docs/doctor.png` and `docs/doctor-dark.png`.
//!
//! ```sh
//! cargo run -p fastcgi-e2e --example doctor-picture
//! ```
//!
//! With a folder as its argument, it writes there, and also the whole page in pieces, wide and as on a phone.

use std::env;
use std::error::Error;
use std::path::Path;

use fastcgi_e2e::doctor::{Case, Examined, Host, configure};
use fastcgi_e2e::{Browser, build_examples};

/// The height of a piece of the whole page.
const PIECE: u32 = 1400;

fn main() -> Result<(), Box<dyn Error>> {
    build_examples()?;
    // A shared host as many are: it keeps credentials back, and refuses %2F.
    let examined = Examined::start(&Case {
        configure: |setup| {
            let changes = &[("CGIPassAuth On\n", "\n"), ("AllowEncodedSlashes On", "")];
            configure(Host::Apache, setup, changes)
        },
        ..Case::documented(Host::Apache)
    })?;
    let mut browser = Browser::start()?;
    for row in examined.examine(&mut browser, "")? {
        eprintln!("{:<10} {:<14} {}", row.state, row.check, row.said);
    }

    let folder = env::args().nth(1);
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");
    let folder = Path::new(folder.as_deref().unwrap_or(docs));
    let schemes = [("light", "doctor.png"), ("dark", "doctor-dark.png")];
    for (scheme, name) in schemes {
        browser.look(800, 1200, scheme)?;
        browser.evaluate("scrollTo(0, 0)")?;
        browser.picture(&folder.join(name))?;
        if env::args().nth(1).is_some() {
            browser
                .evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")?;
            for (width, kind) in [(800, "wide"), (390, "phone")] {
                browser.look(width, PIECE, scheme)?;
                let height = browser.evaluate("document.documentElement.scrollHeight")?;
                let pieces = height.as_u64().unwrap_or_default().div_ceil(PIECE.into());
                for piece in 0..pieces {
                    browser.evaluate(&format!("scrollTo(0, {piece} * {PIECE})"))?;
                    browser.picture(&folder.join(format!("{kind}-{scheme}-{piece}.png")))?;
                }
            }
            browser
                .evaluate("document.querySelectorAll('details').forEach(it => it.open = false)")?;
        }
    }
    examined.stop();
    Ok(())
}
