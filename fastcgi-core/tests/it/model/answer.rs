//! How the application answers one request: when it begins, how it reads the body, and what it sends.

use super::{asked::Asked, random::Random, wire::AUTHORIZER};

/// What an application does about a request.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) start: Start,
    pub(super) reading: Reading,
    pub(super) steps: Vec<Step>,
}

/// When the answer begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    AtOnce,
    /// With so much of the body.
    AfterBytes(usize),
    /// With the end of the body.
    AfterEnd,
    /// After so many milliseconds.
    Later(u64),
}

/// When the body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    AtOnce,
    /// So many milliseconds after something has come.
    Late(u64),
    /// It is dropped with the answer.
    Never,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Head(Announced),
    Stdout(usize),
    Flush,
    Stderr(usize),
    Wait(u64),
    End,
    Fail,
}

/// The length that a head announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announced {
    Nothing,
    Exactly(usize),
    Unknown,
}

impl Answer {
    /// `size` is the most that is sent in one step.
    pub(super) fn random(asked: &Asked, size: usize, random: &mut Random) -> Self {
        let reading = match random.below(4) {
            0 => Reading::Never,
            1 => Reading::Late(random.pick(&[1, 40, 200, 5_000])),
            _ => Reading::AtOnce,
        };
        let (seen, _) = asked.stdin.seen();
        let start = match random.below(5) {
            0 => Start::AtOnce,
            1 => Start::Later(random.pick(&[1, 30, 100, 12_000])),
            // What is not read does not go on for ever.
            2 | 3 if reading != Reading::Never => Start::AfterEnd,
            _ if reading != Reading::Never => Start::AfterBytes(random.below(seen + 1)),
            _ => Start::AtOnce,
        };
        let steps = if asked.role == AUTHORIZER && random.once_in(6) {
            too_long()
        } else {
            steps(size, random)
        };
        Self {
            start,
            reading,
            steps,
        }
    }

    /// An answer of up to three times `size` bytes to a body that is read late or never.
    pub(super) fn large(size: usize, random: &mut Random) -> Self {
        let reading = random.pick(&[Reading::Never, Reading::Late(100), Reading::Late(400_000)]);
        let start = random.pick(&[Start::AtOnce, Start::AfterBytes(1), Start::Later(200)]);
        let pieces = random.between(1, 3);
        let head = random.pick(&[Announced::Unknown, Announced::Exactly(pieces * size)]);
        let pieces = (0..pieces).map(|_| Step::Stdout(size));
        let end = if random.once_in(8) {
            Step::Fail
        } else {
            Step::End
        };
        let steps = [Step::Head(head)].into_iter().chain(pieces).chain([end]);
        Self {
            start,
            reading,
            steps: steps.collect(),
        }
    }

    /// About how much is sent.
    pub(super) fn size(&self) -> usize {
        let sizes = self.steps.iter().map(|step| match step {
            Step::Stdout(size) | Step::Stderr(size) => *size,
            _ => 100,
        });
        sizes.sum()
    }

    /// The smallest answer that has a body.
    pub(super) fn tiny(size: usize) -> Self {
        Self {
            start: Start::AtOnce,
            reading: Reading::AtOnce,
            steps: vec![
                Step::Head(Announced::Unknown),
                Step::Stdout(size),
                Step::End,
            ],
        }
    }
}

/// What an Authorizer must not answer (B-13).
fn too_long() -> Vec<Step> {
    let piece = Step::Stdout(40_000);
    vec![
        Step::Head(Announced::Unknown),
        piece,
        piece,
        Step::Wait(60),
        Step::Wait(60),
        Step::End,
    ]
}

fn steps(size: usize, random: &mut Random) -> Vec<Step> {
    let pieces: Vec<_> = (0..random.below(4))
        .map(|_| random.between(0, size))
        .collect();
    let length: usize = pieces.iter().sum();
    let announced = match random.below(8) {
        0 => Announced::Nothing,
        1 | 2 => Announced::Unknown,
        // Too much, and too little, is sent.
        3 => Announced::Exactly(random.below(length + 1)),
        4 => Announced::Exactly(length + random.between(1, 100)),
        _ => Announced::Exactly(length),
    };
    let mut steps = vec![Step::Head(announced)];
    steps.extend(pieces.into_iter().map(Step::Stdout));
    if random.once_in(6) {
        steps.truncate(random.below(steps.len() + 1));
        steps.push(Step::Fail);
    } else {
        steps.push(Step::End);
    }
    if matches!(steps[0], Step::Head(_)) && random.once_in(12) {
        // A header block of the application's own, or nothing at all.
        steps.remove(0);
    }
    for _ in 0..random.below(4) {
        let step = match random.below(4) {
            0 => Step::Flush,
            1 => Step::Stderr(random.pick(&[1, 20, 3_000, 40_000])),
            _ => Step::Wait(random.pick(&[1, 10, 60, 300])),
        };
        steps.insert(random.below(steps.len()), step);
    }
    steps
}
