//! A copy of the repository, in which the mutants live.

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use fastcgi_mutants::Mutant;

/// The folder of the copy, and where what is built of it goes.
pub(crate) struct Copy {
    tree: PathBuf,
    target: PathBuf,
}

/// What became of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    /// It was ended after [`LIMIT`].
    Hung,
    NotBuilt,
    Missing,
}

/// How long a build and its test may take, in seconds.
const LIMIT: &str = "300";

impl Copy {
    /// Brings the copy up to date. A file whose text is the same is left alone, so that it is not compiled again.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let folder = root.join("target/mutants");
        let copy = Self {
            tree: folder.join("tree"),
            target: folder.join("target"),
        };
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(root)
            .stderr(Stdio::inherit())
            .output()?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let files: HashSet<_> = listed.split_terminator('\0').map(PathBuf::from).collect();
        // Cargo finds tests by their files.
        copy.remove_others(&copy.tree, &files)?;
        for file in files {
            match fs::read(root.join(&file)) {
                Ok(text) => copy.write(&file, &text)?,
                // Removed, and still in the index.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(copy)
    }

    fn remove_others(&self, folder: &Path, files: &HashSet<PathBuf>) -> io::Result<()> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let below = path.strip_prefix(&self.tree).unwrap_or(&path);
            if path.is_dir() {
                self.remove_others(&path, files)?;
            } else if !files.contains(below) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn write(&self, file: &Path, text: &[u8]) -> io::Result<()> {
        let path = self.tree.join(file);
        if fs::read(&path).is_ok_and(|before| before == text) {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    }

    /// Runs these tests of a package on the copy as it is.
    pub(crate) fn passes(&self, package: &str, tests: &[&str]) -> io::Result<Outcome> {
        let mut command = Command::new("timeout");
        command
            .args([
                "--kill-after=5",
                LIMIT,
                "cargo",
                "test",
                "--quiet",
                "--locked",
            ])
            .args(["-p", package, "--all-features", "--test", "it", "--"])
            .args(["--exact", "--test-threads=2"])
            .args(tests)
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .env("CARGO_INCREMENTAL", "1")
            .stdin(Stdio::null());
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let ran = |count: usize, word: &str| said.contains(&format!("{count} {word};"));
        Ok(match output.status.code() {
            Some(0) if ran(tests.len(), "passed") => Outcome::Passed,
            Some(0) => Outcome::Missing,
            Some(124 | 137) => Outcome::Hung,
            _ if said.contains("test result: FAILED") => Outcome::Failed,
            _ => {
                eprintln!("{}", String::from_utf8_lossy(&output.stderr));
                Outcome::NotBuilt
            }
        })
    }

    /// Runs the test of a mutant with its bug, and takes the bug out again.
    pub(crate) fn outcome(&self, mutant: &Mutant) -> Result<Outcome, String> {
        let file = Path::new(&mutant.file);
        let failed = |error: io::Error| format!("{}: {error}", mutant.file);
        let sound = fs::read(self.tree.join(file)).map_err(failed)?;
        let text = mutant.text(&self.tree)?;
        self.write(file, text.as_bytes()).map_err(failed)?;
        let outcome = self.passes(&mutant.package, &[&*mutant.test]);
        self.write(file, &sound).map_err(failed)?;
        outcome.map_err(|error| format!("cargo: {error}"))
    }
}
