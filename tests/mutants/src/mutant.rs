//! One bug, as `list.txt` has it.

use std::{fs, path::Path};

/// A change of one file, and the test that has to fail with it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Mutant {
    /// What it is called by.
    pub name: String,
    /// The package of the test.
    pub package: String,
    /// The test, in the binary `it` of that package.
    pub test: String,
    /// The file, from the root of the repository on.
    pub file: String,
    before: String,
    after: String,
}

impl Mutant {
    /// The mutants of `list.txt`. Its head describes its form.
    ///
    /// # Errors
    ///
    /// When a line of it is invalid, or something is missing.
    pub fn all() -> Result<Vec<Self>, String> {
        Self::parse_list(include_str!("../list.txt"))
    }

    fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let blocks = text.split("\n== ").skip(1);
        blocks.map(Self::parse).collect()
    }

    fn parse(block: &str) -> Result<Self, String> {
        let mut lines = block.lines();
        let name = lines.next().unwrap_or_default().to_owned();
        let mut mutant = Self {
            name,
            package: String::new(),
            test: String::new(),
            file: String::new(),
            before: String::new(),
            after: String::new(),
        };
        for line in lines {
            let invalid = || format!("{}: invalid line: {line}", mutant.name);
            match line.split_at_checked(1) {
                None | Some(("#", _)) => {}
                Some(("-", code)) => mutant.before += &format!("{code}\n"),
                Some(("+", code)) => mutant.after += &format!("{code}\n"),
                Some(_) => match line.split_once(": ").ok_or_else(invalid)? {
                    ("file", file) => file.clone_into(&mut mutant.file),
                    ("test", test) => {
                        let (package, test) = test.split_once(' ').ok_or_else(invalid)?;
                        package.clone_into(&mut mutant.package);
                        test.clone_into(&mut mutant.test);
                    }
                    _ => return Err(invalid()),
                },
            }
        }
        if mutant.file.is_empty() || mutant.test.is_empty() || mutant.before.is_empty() {
            return Err(format!(
                "{}: needs a file, a test and a change",
                mutant.name
            ));
        }
        Ok(mutant)
    }

    /// The text of the file with this bug. The lines that change are in it once.
    ///
    /// # Errors
    ///
    /// When they are not, or the file cannot be read.
    pub fn text(&self, root: &Path) -> Result<String, String> {
        let path = root.join(&self.file);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", self.file))?;
        match text.matches(&self.before).count() {
            1 => Ok(text.replacen(&self.before, &self.after, 1)),
            0 => Err(format!("{} has no such lines", self.file)),
            count => Err(format!("{} has these lines {count} times", self.file)),
        }
    }
}
