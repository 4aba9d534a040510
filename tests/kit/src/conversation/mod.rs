//! The conversations in fastcgi-core/tests/conversations: text to bytes, times and expectations. The README.md beside them
//! says how they are written.

mod record;
mod words;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use self::{record::records, words::Words};

/// One conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is read by tests alone")]
pub struct Conversation {
    /// What it shows, and the rules behind it.
    pub name: String,
    /// How the server is configured.
    pub settings: Vec<Setting>,
    /// What happens.
    pub steps: Vec<Step>,
    /// The runners that cannot hold it, and why.
    pub exceptions: Vec<(Runner, String)>,
}

/// Something that happens, or has to have happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a runner has to know all of them")]
pub enum Step {
    /// The web server sends this.
    Send(Vec<u8>),
    /// The web server closes its side.
    SendEof,
    /// A graceful shutdown begins.
    Shutdown,
    /// The web server reads nothing from now on.
    Deaf,
    /// Time passes.
    Wait(Duration),
    /// The web server gets exactly this next.
    Receive(Vec<u8>),
    /// How the connection is to be then.
    Expect(End),
}

/// What a web server sees of a connection when it has read everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a runner has to know all of them")]
pub enum End {
    /// It is open.
    Open,
    /// Our side is closed.
    Eof,
    /// Both sides are closed.
    Gone,
    /// Both sides are closed, and the connection was reset.
    Reset,
}

/// A setting of the server: the names are those of `Limits`, `Timeouts` and `Config`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a runner has to know all of them")]
#[expect(missing_docs, reason = "they are documented where they are set")]
pub enum Setting {
    MaxParamsSize(usize),
    MaxReqs(usize),
    Params(Duration),
    Idle(Duration),
    Read(Duration),
    Write(Duration),
    Authorizer(bool),
    Filter(bool),
}

/// What holds conversations, besides core, which holds them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there are two")]
pub enum Runner {
    /// The example `blocking.rs`.
    Blocking,
    /// The driver of fastcgi-tower.
    Driver,
}

impl Conversation {
    /// The conversations of all files, in the order of the files' names.
    ///
    /// # Panics
    ///
    /// When a file is not valid, has no conversation, or is of another kind: its name is in the message.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let folder = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../fastcgi-core/tests/conversations"
        );
        Self::all_in(Path::new(folder))
    }

    /// The same, of another folder.
    ///
    /// # Panics
    ///
    /// As [`all`](Self::all) does.
    #[must_use]
    pub fn all_in(folder: &Path) -> Vec<Self> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
        let mut paths: Vec<PathBuf> = entries
            .map(|entry| entry.expect("an entry of a folder").path())
            .filter(|path| !path.ends_with("README.md"))
            .collect();
        paths.sort();
        let mut all = Vec::new();
        for path in paths {
            let is_text = path.extension().is_some_and(|extension| extension == "txt");
            assert!(is_text, "{path:?}: nothing runs a file of this kind");
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            let conversations = Self::parse(&text);
            let conversations = conversations.unwrap_or_else(|error| panic!("{path:?}: {error}"));
            assert!(!conversations.is_empty(), "{path:?}: no conversation");
            all.extend(conversations);
        }
        all
    }

    /// All conversations of a text.
    ///
    /// # Errors
    ///
    /// The number of the line that is not valid, and why.
    pub fn parse(text: &str) -> Result<Vec<Self>, String> {
        let mut conversations: Vec<Self> = Vec::new();
        for (number, line) in words::logical_lines(text) {
            let at = |error: String| format!("line {number}: {error}: {line}");
            if let Some(name) = line.strip_prefix("=== ") {
                let name = name.to_owned();
                conversations.push(Self {
                    name,
                    ..Self::default()
                });
                continue;
            }
            let last = conversations.last_mut();
            let conversation = last.ok_or_else(|| at("in front of the first name".to_owned()))?;
            conversation.add(&line).map_err(at)?;
        }
        Ok(conversations)
    }

    /// Why a runner cannot hold it, if it cannot.
    #[must_use]
    pub fn exception(&self, runner: Runner) -> Option<&str> {
        let mut exceptions = self.exceptions.iter();
        let exception = exceptions.find(|(excepted, _)| *excepted == runner);
        exception.map(|(_, reason)| &reason[..])
    }

    /// How many bytes the web server sends.
    #[must_use]
    pub fn input_len(&self) -> usize {
        let lengths = self.steps.iter().map(|step| match step {
            Step::Send(bytes) => bytes.len(),
            _ => 0,
        });
        lengths.sum()
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let mut words = Words::of(line)?;
        let step = match &words.word()?[..] {
            "set" => {
                self.settings.push(setting(&mut words)?);
                return words.end();
            }
            "except" => {
                self.exceptions.push((runner(&mut words)?, words.word()?));
                return words.end();
            }
            "wait" => Step::Wait(words.time()?),
            ">" => match &words.word()?[..] {
                "eof" => Step::SendEof,
                "shutdown" => Step::Shutdown,
                "deaf" => Step::Deaf,
                kind => Step::Send(records(kind, &mut words)?),
            },
            "<" => match &words.word()?[..] {
                "open" => Step::Expect(End::Open),
                "eof" => Step::Expect(End::Eof),
                "gone" => Step::Expect(End::Gone),
                "reset" => Step::Expect(End::Reset),
                kind => Step::Receive(records(kind, &mut words)?),
            },
            _ => return Err("no such step".to_owned()),
        };
        // Records in a row are one piece.
        match (self.steps.last_mut(), step) {
            (Some(Step::Send(all)), Step::Send(more)) => all.extend(more),
            (Some(Step::Receive(all)), Step::Receive(more)) => all.extend(more),
            (_, step) => self.steps.push(step),
        }
        words.end()
    }
}

fn setting(words: &mut Words) -> Result<Setting, String> {
    Ok(match &words.word()?[..] {
        "max_params_size" => Setting::MaxParamsSize(words.number()?),
        "max_reqs" => Setting::MaxReqs(words.number()?),
        "params" => Setting::Params(words.time()?),
        "idle" => Setting::Idle(words.time()?),
        "read" => Setting::Read(words.time()?),
        "write" => Setting::Write(words.time()?),
        "authorizer" => Setting::Authorizer(words.switch()?),
        "filter" => Setting::Filter(words.switch()?),
        name => return Err(format!("no setting has the name {name}")),
    })
}

fn runner(words: &mut Words) -> Result<Runner, String> {
    match &words.word()?[..] {
        "blocking" => Ok(Runner::Blocking),
        "driver" => Ok(Runner::Driver),
        name => Err(format!("{name} makes no exceptions")),
    }
}
