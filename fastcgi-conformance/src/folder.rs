//! Temporary folders, for the sockets of spawned applications. An exit that drops nothing removes them, too.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

/// The folders that are there, for [`Folder::remove_all`].
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

fn folders() -> MutexGuard<'static, Vec<PathBuf>> {
    FOLDERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder, which is removed with this value.
#[derive(Debug)]
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        // Locked before the folder is there: an exit between the two would leave it behind.
        let mut folders = folders();
        let folder = TempDir::new()?;
        folders.push(folder.path().to_owned());
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Removes all folders, before an exit. No other is made behind this, as long as what it gives is held.
    pub(crate) fn remove_all() -> impl Sized {
        let folders = folders();
        for folder in folders.iter() {
            _ = fs::remove_dir_all(folder);
        }
        folders
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let mut folders = folders();
        _ = fs::remove_dir_all(self.0.path());
        folders.retain(|it| it != self.0.path());
    }
}
