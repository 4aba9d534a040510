//! The layers of each crate are those that ARCHITECTURE.md draws.

use std::{collections::BTreeMap, fs, path::Path};

use fastcgi_test_kit::{imports, root_modules};

const CRATES: [&str; 5] = [
    "fastcgi-core",
    "fastcgi-tower",
    "axum-fastcgi",
    "fastcgi-actix",
    "fastcgi-front",
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// The modules of each crate with the number of their line in the drawing: a lower line has a higher number.
fn drawn() -> BTreeMap<String, BTreeMap<String, usize>> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let (_, section) = text.split_once("\n## Layers\n").expect("a section");
    let (_, drawing) = section.split_once("```text\n").expect("a drawing");
    let (drawing, _) = drawing.split_once("```").expect("its end");
    let mut crates = BTreeMap::<_, BTreeMap<_, _>>::new();
    let mut name = String::new();
    for (number, line) in drawing.lines().enumerate() {
        let mut words = line.split_whitespace();
        if !line.starts_with(' ') {
            name = words.next().unwrap_or_default().to_owned();
        }
        let modules = crates.entry(name.clone()).or_default();
        modules.extend(words.map(|word| (word.to_owned(), number)));
    }
    crates.remove("");
    crates
}

#[test]
fn each_module_is_drawn_once() {
    let drawn = drawn();
    assert!(drawn.keys().map(String::as_str).eq(sorted(CRATES)));
    for name in CRATES {
        let modules = root_modules(&root().join(name).join("src"));
        assert!(drawn[name].keys().eq(&modules), "{name}: {modules:?}");
    }
}

#[test]
fn imports_name_modules_and_point_down() {
    let drawn = drawn();
    let (mut wrong, mut arrows) = (Vec::new(), 0);
    for name in CRATES {
        let lines = &drawn[name];
        for import in imports(&root().join(name).join("src")) {
            // The root declares the modules, and exports what is in them.
            let Some(from) = import.from else { continue };
            let to = import.to;
            let place = format!("{name}/src/{}", import.file.display());
            match (lines.get(&from), lines.get(&to)) {
                (_, None) => wrong.push(format!("{place} imports {to} through the root")),
                _ if from == to => {}
                (Some(above), Some(below)) if above < below => arrows += 1,
                _ => wrong.push(format!("{place}: {from} is not above {to}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(arrows > 50, "{arrows} imports were looked at");
}

fn sorted(mut names: [&str; 5]) -> [&str; 5] {
    names.sort_unstable();
    names
}
