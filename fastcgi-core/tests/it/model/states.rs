//! The three machines as they are drawn in `input`, `output` and `closing`, and how often a run has been where.
//!
//! The states are read from `Debug`, which prints them by name. Several steps can happen in one call, so what is seen is
//! taken for the shortest way along the drawn arrows; where there is none, the drawing or the code is wrong.

use std::fmt::{self, Write as _};

use fastcgi_core::{Connection, Life};

/// A machine: its states, and its arrows.
pub(super) struct Machine {
    pub(super) name: &'static str,
    pub(super) states: &'static [&'static str],
    pub(super) arrows: &'static [(&'static str, &'static str)],
}

/// What the web server sends: a stream behind the params.
pub(super) const INPUT: Machine = Machine {
    name: "input",
    states: &["Params", "Open", "Suspended", "Full", "Ended", "Failed"],
    arrows: &[
        ("Params", "Open"),
        // With an announced length of 0.
        ("Params", "Full"),
        ("Open", "Suspended"),
        ("Open", "Full"),
        ("Open", "Ended"),
        ("Open", "Failed"),
        ("Suspended", "Open"),
        ("Suspended", "Full"),
        ("Suspended", "Failed"),
        ("Full", "Ended"),
    ],
};

/// What is sent of a request. The last five are ways to end: whole, as a 500, broken with the connection, with an
/// `app_status` of 1 beside other requests, and given up by the web server or refused.
pub(super) const OUTPUT: Machine = Machine {
    name: "output",
    states: &[
        "Untouched",
        "HeadHeld",
        "Streaming",
        "TooLong",
        "Ended",
        "Replaced",
        "Broken",
        "Shared",
        "GivenUp",
    ],
    arrows: &[
        ("Untouched", "HeadHeld"),
        ("Untouched", "Streaming"),
        ("Untouched", "Replaced"),
        ("Untouched", "GivenUp"),
        ("HeadHeld", "Streaming"),
        ("HeadHeld", "TooLong"),
        ("HeadHeld", "Replaced"),
        ("HeadHeld", "GivenUp"),
        // An Authorizer's answer, which has to be whole.
        ("TooLong", "Replaced"),
        ("TooLong", "GivenUp"),
        ("Streaming", "Ended"),
        ("Streaming", "Broken"),
        ("Streaming", "Shared"),
        ("Streaming", "GivenUp"),
    ],
};

/// The life of a connection.
pub(super) const LIFE: Machine = Machine {
    name: "life",
    states: &[
        "Open",
        "FirstIsLast",
        "NextIsLast",
        "LastRequests",
        "Draining",
        "Closed",
        "Reset",
    ],
    arrows: &[
        ("Open", "FirstIsLast"),
        ("Open", "LastRequests"),
        ("Open", "NextIsLast"),
        ("FirstIsLast", "LastRequests"),
        ("NextIsLast", "LastRequests"),
        ("LastRequests", "Draining"),
        ("LastRequests", "Closed"),
        ("LastRequests", "Reset"),
        ("Draining", "Closed"),
    ],
};

/// How often each state was entered, and each arrow taken.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    entered: [u64; 9],
    taken: [[u64; 9]; 9],
}

impl Machine {
    fn index(&self, name: &str) -> Option<usize> {
        self.states.iter().position(|state| *state == name)
    }

    fn is_drawn(&self, from: usize, to: usize) -> bool {
        let arrow = (self.states[from], self.states[to]);
        self.arrows.contains(&arrow)
    }

    /// The states on the shortest way from `from`, which is not among them, to `to`.
    fn way(&self, from: usize, to: usize) -> Option<Vec<usize>> {
        let mut ways = vec![vec![from]];
        for _ in self.states {
            let mut longer = Vec::new();
            for way in ways {
                let last = *way.last()?;
                if last == to {
                    return Some(way[1..].to_vec());
                }
                let next = (0..self.states.len()).filter(|next| self.is_drawn(last, *next));
                longer.extend(next.map(|next| [&way[..], &[next]].concat()));
            }
            ways = longer;
        }
        None
    }
}

impl Counts {
    pub(super) fn new() -> Self {
        Self {
            entered: [0; 9],
            taken: [[0; 9]; 9],
        }
    }

    /// Notes that a machine has begun, in its first state.
    fn begin(&mut self) {
        self.entered[0] += 1;
    }

    fn go(&mut self, machine: &Machine, from: usize, to: usize) -> Result<(), String> {
        if from == to {
            return Ok(());
        }
        let Some(way) = machine.way(from, to) else {
            let (from, to) = (machine.states[from], machine.states[to]);
            return Err(format!("{}: no way from {from} to {to}", machine.name));
        };
        let mut last = from;
        for next in way {
            self.taken[last][next] += 1;
            self.entered[next] += 1;
            last = next;
        }
        Ok(())
    }

    pub(super) fn add(&mut self, other: &Self) {
        let pairs = self.entered.iter_mut().zip(&other.entered);
        let arrows = self.taken.iter_mut().flatten();
        for (sum, count) in pairs.chain(arrows.zip(other.taken.iter().flatten())) {
            *sum += count;
        }
    }

    /// The states and arrows that were never seen.
    pub(super) fn missing(&self, machine: &Machine) -> Vec<String> {
        let states = machine.states.iter().zip(self.entered);
        let states = states.filter(|(_, count)| *count == 0);
        let arrows = machine.arrows.iter().filter(|(from, to)| {
            let (from, to) = (machine.index(from), machine.index(to));
            from.zip(to)
                .is_none_or(|(from, to)| self.taken[from][to] == 0)
        });
        states
            .map(|(state, _)| format!("{}: {state}", machine.name))
            .chain(arrows.map(|(from, to)| format!("{}: {from} -> {to}", machine.name)))
            .collect()
    }

    pub(super) fn write(&self, machine: &Machine, out: &mut String) -> fmt::Result {
        for (index, state) in machine.states.iter().enumerate() {
            write!(
                out,
                "{:8}{state:14}{:>10} ",
                machine.name, self.entered[index]
            )?;
            for (to, count) in self.taken[index]
                .iter()
                .enumerate()
                .filter(|(_, it)| **it > 0)
            {
                write!(out, "  -> {} {count}", machine.states[to])?;
            }
            out.push('\n');
        }
        Ok(())
    }
}

/// The states of one request, as places in the lists above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct States {
    pub(super) id: u16,
    pub(super) stdin: usize,
    pub(super) data: usize,
    is_filter: bool,
    pub(super) output: usize,
}

impl States {
    pub(super) fn has_ended(self) -> bool {
        let ended = |stream: usize| INPUT.states[stream] == "Ended";
        ended(self.stdin) && (!self.is_filter || ended(self.data))
    }
}

/// How a request ends that is in progress no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Ended,
    Replaced,
    Broken,
    Shared,
    GivenUp,
}

/// Watches a connection.
#[derive(Debug)]
pub(super) struct Observer {
    pub(super) input: Counts,
    pub(super) output: Counts,
    pub(super) life: Counts,
    requests: Vec<States>,
    pub(super) last_life: Life,
    /// Whether there were several requests at a time.
    pub(super) has_seen_several: bool,
    text: String,
    last_text: String,
}

impl Observer {
    pub(super) fn new() -> Self {
        let mut life = Counts::new();
        life.begin();
        Self {
            input: Counts::new(),
            output: Counts::new(),
            life,
            requests: Vec::new(),
            last_life: Life::Open,
            has_seen_several: false,
            text: String::new(),
            last_text: String::new(),
        }
    }

    /// The states of the request with this id, when it was last looked at.
    pub(super) fn of(&self, id: u16) -> Option<States> {
        self.requests.iter().copied().find(|states| states.id == id)
    }

    /// Notes what has changed. `fate` is what became of requests that are over.
    pub(super) fn look(&mut self, connection: &Connection, fate: Fate) -> Result<(), String> {
        if connection.requests_in_progress() == 0 && self.requests.is_empty() {
            return self.look_at_life(connection.life());
        }
        self.last_text.clear();
        std::mem::swap(&mut self.text, &mut self.last_text);
        write!(self.text, "{connection:?}").map_err(|error| error.to_string())?;
        if self.text == self.last_text {
            return self.look_at_life(connection.life());
        }
        let now = parse(&self.text).ok_or_else(|| format!("not as expected: {}", self.text))?;
        for states in &now {
            let before = self.of(states.id).unwrap_or_else(|| {
                self.output.begin();
                (0..=usize::from(states.is_filter)).for_each(|_| self.input.begin());
                States {
                    stdin: 0,
                    data: 0,
                    output: 0,
                    ..*states
                }
            });
            self.input.go(&INPUT, before.stdin, states.stdin)?;
            if states.is_filter {
                self.input.go(&INPUT, before.data, states.data)?;
            }
            self.output.go(&OUTPUT, before.output, states.output)?;
        }
        let end = 4 + fate as usize;
        for states in &self.requests {
            if now.iter().all(|it| it.id != states.id) {
                self.output.go(&OUTPUT, states.output, end)?;
            }
        }
        self.has_seen_several |= now.len() > 1;
        self.requests = now;
        self.look_at_life(connection.life())
    }

    fn look_at_life(&mut self, life: Life) -> Result<(), String> {
        if life == self.last_life {
            return Ok(());
        }
        let index = |life| LIFE.index(&format!("{life:?}"));
        let (Some(from), Some(to)) = (index(self.last_life), index(life)) else {
            return Err(format!("no such life: {life:?}"));
        };
        self.last_life = life;
        self.life.go(&LIFE, from, to)
    }
}

/// Reads the requests out of what `Debug` prints of a connection.
fn parse(text: &str) -> Option<Vec<States>> {
    let parse_one = |mut text: &str| {
        let mut word = |name: &str| {
            let (_, rest) = text.split_once(name)?;
            let end = rest
                .bytes()
                .position(|byte| !byte.is_ascii_alphanumeric())?;
            let word;
            (word, text) = rest.split_at(end);
            Some(word)
        };
        Some(States {
            id: word("RequestId(")?.parse().ok()?,
            is_filter: word("role: ")? == "FILTER",
            stdin: INPUT.index(word("stdin: ")?)?,
            data: INPUT.index(word("data: ")?)?,
            output: OUTPUT.index(word("output: ")?)?,
        })
    };
    text.split("Request {").skip(1).map(parse_one).collect()
}
