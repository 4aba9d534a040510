//! What a guide shows of a file is what is in the file, which is compiled or run.

use std::{fs, path::Path};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A block of a page, under the comment `<!-- the same: PATH -->`.
struct Shown {
    page: String,
    file: String,
    block: String,
}

fn shown() -> Vec<Shown> {
    let mut shown = Vec::new();
    for entry in fs::read_dir(root().join("docs")).expect("docs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = read(&path);
        for part in text.split("<!-- the same: ").skip(1) {
            let (file, rest) = part.split_once(" -->\n```").expect("a block follows");
            let (_, rest) = rest.split_once('\n').expect("a language");
            let (block, _) = rest.split_once("```").expect("a block has an end");
            shown.push(Shown {
                page: path.display().to_string(),
                file: file.to_owned(),
                block: block.to_owned(),
            });
        }
    }
    shown
}

/// Without the spaces around each line, and without empty ones: a page shows parts of a file further to the left.
fn lines(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn blocks_are_those_of_their_files() {
    let shown = shown();
    assert!(shown.len() > 10, "{} blocks were looked at", shown.len());
    for Shown { page, file, block } in shown {
        assert!(
            lines(&read(&file)).contains(&lines(&block)),
            "{page}: {file} has not:\n{block}"
        );
    }
}
