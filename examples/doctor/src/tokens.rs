//! Who may ask: the tokens in files beside the program.
//!
//! A start on a shared host prints where nobody reads, and plain CGI starts anew for each request. So the token is in a file:
//! `doctor-NAME.token`, which the program writes with mode 600 unless there is one. A web server that serves the folder by
//! mistake cannot be asked for it, as the name itself is random and in no page.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use subtle::ConstantTimeEq;

/// The header field that has the token.
pub(crate) const HEADER: &str = "x-doctor-token";

/// How old a token may be.
pub(crate) const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Characters of a name and of a token, at least: shorter ones can be guessed, and do not count.
const SHORTEST: usize = 16;
/// Bytes of a token, at most.
const LONGEST: u64 = 256;
/// Token files that are read, at most.
const MOST: usize = 16;

/// Where the tokens are.
pub(crate) struct Tokens {
    folder: PathBuf,
}

/// The state of the doctor's door.
pub(crate) enum Door {
    /// One of these opens it.
    Locked(Vec<Token>),
    /// Each token is older than a day: the doctor has stopped.
    Expired,
    /// There is no token, and none can be written.
    Keyless,
}

/// A token, and the file that it is in.
pub(crate) struct Token {
    pub(crate) path: PathBuf,
    pub(crate) age: Duration,
    /// Whether nobody but the owner of the file can read it.
    pub(crate) is_private: bool,
    secret: Vec<u8>,
}

impl Tokens {
    pub(crate) fn beside(program: &Path) -> Self {
        let folder = program.parent().unwrap_or_else(|| Path::new("."));
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Reads the tokens, and writes one if there is none.
    ///
    /// Two processes that start together write two tokens: each of them opens the door.
    pub(crate) fn door(&self) -> Door {
        let mut tokens = self.read();
        if tokens.is_empty() {
            // What is not written is not read either.
            _ = self.write();
            tokens = self.read();
        }
        let had_some = !tokens.is_empty();
        tokens.retain(|token| token.age < LIFETIME);
        match (tokens.is_empty(), had_some) {
            (false, _) => Door::Locked(tokens),
            (true, true) => Door::Expired,
            (true, false) => Door::Keyless,
        }
    }

    fn read(&self) -> Vec<Token> {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return Vec::new();
        };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths
            .filter(|path| is_token_file(path))
            .take(MOST)
            .filter_map(|path| Token::read(path).ok().flatten())
            .collect()
    }

    fn write(&self) -> io::Result<()> {
        let path = self.folder.join(format!("doctor-{}.token", random()?));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        writeln!(file, "{}", random()?)
    }
}

impl Door {
    /// Whether `given` is a token. How long this takes says nothing about the token.
    pub(crate) fn opens_with(&self, given: &[u8]) -> bool {
        let Self::Locked(tokens) = self else {
            return false;
        };
        let equal = tokens.iter().map(|token| token.secret.ct_eq(given));
        equal
            .fold(subtle::Choice::from(0), |any, this| any | this)
            .into()
    }

    /// The token that is valid for longest.
    pub(crate) fn newest(&self) -> Option<&Token> {
        match self {
            Self::Locked(tokens) => tokens.iter().min_by_key(|token| token.age),
            Self::Expired | Self::Keyless => None,
        }
    }
}

impl Token {
    fn read(path: PathBuf) -> io::Result<Option<Self>> {
        let mut file = File::open(&path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let mut text = Vec::new();
        (&mut file).take(LONGEST).read_to_end(&mut text)?;
        let secret = text.trim_ascii().to_vec();
        if secret.len() < SHORTEST {
            return Ok(None);
        }
        // A clock that is behind the file's makes it new.
        let age = SystemTime::now().duration_since(metadata.modified()?);
        Ok(Some(Self {
            path,
            age: age.unwrap_or_default(),
            is_private: metadata.permissions().mode() & 0o077 == 0,
            secret,
        }))
    }
}

/// `doctor-NAME.token`, with a name that cannot be guessed.
fn is_token_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let secret = name.and_then(|name| name.strip_prefix("doctor-")?.strip_suffix(".token"));
    secret.is_some_and(|secret| secret.len() >= SHORTEST)
}

/// 128 random bits, in hexadecimal digits.
fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
