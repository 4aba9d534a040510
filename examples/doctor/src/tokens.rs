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
/// Tokens that count, at most.
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
        // A folder that cannot be read may be one that can be written: each request would add a file.
        let Ok(mut tokens) = self.read() else {
            return Door::Keyless;
        };
        if tokens.is_empty() {
            // What is not written is not read either.
            _ = self.write();
            tokens = self.read().unwrap_or_default();
        }
        let had_some = !tokens.is_empty();
        tokens.retain(|token| token.age < LIFETIME);
        match (tokens.is_empty(), had_some) {
            (false, _) => Door::Locked(tokens),
            (true, true) => Door::Expired,
            (true, false) => Door::Keyless,
        }
    }

    fn read(&self) -> io::Result<Vec<Token>> {
        let entries = fs::read_dir(&self.folder)?;
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let tokens = paths
            .filter(|path| is_token_file(path))
            .filter_map(|path| Token::read(path).ok().flatten());
        Ok(tokens.take(MOST).collect())
    }

    fn write(&self) -> io::Result<()> {
        let path = self.folder.join(format!("doctor-{}.token", random()?));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let written = random().and_then(|secret| writeln!(file, "{secret}"));
        if written.is_err() {
            // On a disk that is full, each request would leave an empty file.
            _ = fs::remove_file(&path);
        }
        written
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
        // Opening a named pipe would wait for somebody who writes to it.
        let metadata = fs::metadata(&path)?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let mut file = File::open(&path)?;
        let mut text = Vec::new();
        (&mut file).take(LONGEST).read_to_end(&mut text)?;
        let secret = text.trim_ascii().to_vec();
        if secret.len() < SHORTEST {
            return Ok(None);
        }
        // A file of tomorrow is as old as one of yesterday: clocks differ by hours, and no token is for years.
        let age = SystemTime::now().duration_since(metadata.modified()?);
        Ok(Some(Self {
            path,
            age: age.unwrap_or_else(|ahead| ahead.duration()),
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
