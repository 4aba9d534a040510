//! Which file a path means, and whether it is run, sent or neither.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::hidden::is_hidden;
use crate::url_path::{UrlPath, joined, relative};

/// What is done with a request.
#[derive(Debug)]
pub(crate) enum Found {
    Script(Script),
    /// A file to send as it is.
    File(PathBuf),
    /// A folder without the slash at its end: where it is.
    Folder(String),
    /// A folder without an index file.
    NoIndex,
    Nothing,
    /// The root is not there.
    NoSite,
}

/// A script that may be run.
#[derive(Debug)]
pub(crate) struct Script {
    /// `SCRIPT_FILENAME`, without symbolic links: what was checked is what is run.
    pub(crate) file: PathBuf,
    /// `DOCUMENT_ROOT`, without symbolic links.
    pub(crate) root: PathBuf,
    /// `SCRIPT_NAME`
    pub(crate) name: Vec<u8>,
    /// `PATH_INFO`
    pub(crate) path_info: Vec<u8>,
}

/// The folders of a site.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    pub(crate) root: PathBuf,
    /// In these nothing is run. They may be outside the root if a symbolic link below it leads to them.
    pub(crate) uploads: Vec<PathBuf>,
    /// The script that answers for all that is not there.
    pub(crate) front_controller: Option<String>,
}

impl Folders {
    /// Looks at the file system, so it blocks.
    pub(crate) fn find(&self, path: &UrlPath) -> Found {
        // Each time: a new version of a site is often put in place by changing a symbolic link.
        let root = match self.root.canonicalize() {
            Ok(root) => root,
            Err(error) => {
                tracing::error!(root = %self.root.display(), %error, "the site cannot be read");
                return Found::NoSite;
            }
        };
        if path.segments().iter().any(|name| is_hidden(name)) {
            return Found::Nothing;
        }
        if let Some((script, path_info)) = path.split_script() {
            return self.script(&root, script, path_info);
        }
        let file = root.join(relative(path.segments()));
        match fs::metadata(&file) {
            Ok(it) if it.is_dir() && !path.is_folder() => Found::Folder(path.as_folder()),
            Ok(it) if it.is_dir() => self.index(&root, path.segments()),
            Ok(it) if it.is_file() && !path.is_folder() => self.file(&root, &file),
            _ => match &self.front_controller {
                Some(name) => self.script(&root, &[name.clone().into_bytes()], Vec::new()),
                None => Found::Nothing,
            },
        }
    }

    fn index(&self, root: &Path, folder: &[Vec<u8>]) -> Found {
        let inside = |name: &str| [folder, &[name.as_bytes().to_vec()]].concat();
        let script = inside("index.php");
        if root.join(relative(&script)).exists() {
            return self.script(root, &script, Vec::new());
        }
        let page = root.join(relative(&inside("index.html")));
        if page.exists() {
            return self.file(root, &page);
        }
        Found::NoIndex
    }

    /// Only a file that ends in `.php`, is below the root and is no upload is run, whatever links lead to it.
    fn script(&self, root: &Path, segments: &[Vec<u8>], path_info: Vec<u8>) -> Found {
        let Ok(file) = root.join(relative(segments)).canonicalize() else {
            return Found::Nothing;
        };
        let is_script = file.is_file() && file.as_os_str().as_bytes().ends_with(b".php");
        if !is_script
            || is_hidden_below(root, &file)
            || self.uploads().any(|it| file.starts_with(it))
        {
            return Found::Nothing;
        }
        Found::Script(Script {
            file,
            root: root.to_owned(),
            name: joined(segments),
            path_info,
        })
    }

    /// A link may have a harmless name and lead to a script or to settings: the name of the file itself counts.
    fn file(&self, root: &Path, file: &Path) -> Found {
        let Ok(file) = file.canonicalize() else {
            return Found::Nothing;
        };
        let is_script = file.as_os_str().as_bytes().ends_with(b".php");
        let is_below = |folder: &Path| !is_hidden_below(folder, &file);
        let is_shown = is_below(root) || self.uploads().any(|folder| is_below(&folder));
        if is_script || !is_shown || !file.is_file() {
            return Found::Nothing;
        }
        Found::File(file)
    }

    fn uploads(&self) -> impl Iterator<Item = PathBuf> {
        let folders = self.uploads.iter();
        folders.filter_map(|folder| folder.canonicalize().ok())
    }
}

/// Whether a file is outside a folder, or is below it with a name that is never shown.
fn is_hidden_below(folder: &Path, file: &Path) -> bool {
    let Ok(inside) = file.strip_prefix(folder) else {
        return true;
    };
    let hidden = |part: Component<'_>| is_hidden(part.as_os_str().as_bytes());
    inside.components().any(hidden)
}
