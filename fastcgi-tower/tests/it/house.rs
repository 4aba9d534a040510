//! What the source itself has to look like.

use std::{fs, path::Path};

/// The driver decides nothing about a request: what a role, a status, a header or a record means is core's.
#[test]
fn the_driver_names_nothing_of_the_protocol() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conn");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the folder of the driver") {
        let path = entry.expect("a file").path();
        let text = fs::read_to_string(&path).expect("a text").to_lowercase();
        files += 1;
        for (number, line) in text.lines().enumerate() {
            let words = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
            for word in words {
                let is_of_the_protocol = [
                    "role",
                    "status",
                    "statuscode",
                    "header",
                    "headers",
                    "record",
                    "recordtype",
                    "content_length",
                    "content-length",
                    "responder",
                    "authorizer",
                ]
                .contains(&word);
                assert!(
                    !is_of_the_protocol,
                    "{}:{}: {word}",
                    path.display(),
                    number + 1
                );
            }
        }
    }
    assert!(files >= 3, "{files} files were looked at");
}
