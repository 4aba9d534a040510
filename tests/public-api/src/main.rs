//! Writes the listings.

use std::{fs, process::ExitCode};

use fastcgi_public_api::{CRATES, committed, document, listing};

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> Result<(), String> {
    let documented = document()?;
    for name in CRATES {
        let path = committed(name);
        let text = listing(&documented, name)?;
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
