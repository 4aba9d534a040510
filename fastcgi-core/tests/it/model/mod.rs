//! Random web servers and random applications, with a connection between them and a clock that the test moves.
//!
//! A seed decides a run: what is asked ([`plan`], [`asked`]), how a web server behaves ([`manner`], [`peer`]) and an
//! application ([`answer`], [`owner`]), what the sockets hold ([`link`]), and in which order everything happens ([`world`]).
//! The web server knows nothing of the crate: it writes and reads the wire format with code of its own ([`wire`]).
//!
//! What has to be true:
//!
//! - a run ends: nobody waits for ever, and no deadline comes without consequences ([`world`]);
//! - a web server that keeps the rules gets a whole answer to everything, or sees that it does not, and nothing is lost by a
//!   reset ([`checks`]);
//! - what arrives at it is byte for byte what was sent for that request, in order, with one end and nothing behind it
//!   ([`peer`]);
//! - an application sees byte for byte what was sent of a body, and one end, which is `Complete` only if it is
//!   ([`owner`]);
//! - what is held and owed stays within its limits, and the socket is read as long as there is room ([`checks`]);
//! - what is awaited is awaited, neither shorter nor longer than the rules say, and nobody is blamed for what was only not
//!   read ([`clock`]);
//! - requests and connections go the ways that are drawn in `input`, `output` and `closing`, and all of them are gone
//!   ([`states`]).
//!
//! `TEST_FACTOR` makes that many times the 20,000 runs, and each `TEST_SEED` is other runs (default 0). `MODEL_RUN` is the seed
//! of a single run, and shows it step by step. Millions are for a release build, and a part of `tests/long`:
//!
//! ```sh
//! TEST_FACTOR=100 cargo test --release -p fastcgi-core --test it model -- --nocapture
//! ```

mod answer;
mod asked;
mod call;
mod checks;
mod clock;
mod driver;
mod facts;
mod job;
mod link;
mod manner;
mod owner;
mod peer;
mod plan;
mod random;
mod settings;
mod states;
mod wire;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};

use self::{
    facts::Facts,
    plan::Plan,
    random::Random,
    states::{Counts, INPUT, LIFE, Machine, OUTPUT},
    world::World,
};

const SEEDS: u64 = 20_000;
/// What `TEST_SEED` is multiplied with: odd, and far more than the runs.
const SEEDS_APART: u64 = 0x9e37_79b9_7f4a_7c15;

#[test]
fn every_interleaving_keeps_the_rules() {
    if let Some(seed) = number("MODEL_RUN") {
        let text = trace(seed).unwrap_or_else(|| "keeps the rules".to_owned());
        panic!("{text}\nseed {seed} was to be shown");
    }
    let seeds = SEEDS.saturating_mul(number("TEST_FACTOR").unwrap_or(1));
    // Times make seeds that are near to each other, and millions of runs from each are to be others.
    let first = number("TEST_SEED").unwrap_or(0).wrapping_mul(SEEDS_APART);
    let mut seen = Seen::new();
    let mut failures = Vec::new();
    for seed in (0..seeds).map(|number| first.wrapping_add(number)) {
        let world = run(seed, false);
        match world.failure {
            None => seen.add(&world.seen),
            Some(what) => failures.push((world.steps, seed, what)),
        }
    }
    println!("{}", seen.table());
    failures.sort_unstable();
    if let Some((_, seed, _)) = failures.first() {
        let failed = failures.len();
        let others = failures
            .iter()
            .take(20)
            .map(|(_, seed, what)| format!("{seed}: {what}\n"));
        let others: String = others.collect();
        let shortest = trace(*seed).expect("a seed that fails again");
        panic!(
            "{shortest}\n{failed} of {seeds} seeds failed, MODEL_RUN={seed} in the fewest steps:\n{others}"
        );
    }
    let missing = seen.missing();
    assert!(missing.is_empty(), "never seen: {missing:#?}");
}

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number")),
    )
}

/// A run that is over.
struct Run {
    steps: usize,
    seen: Seen,
    /// What was wrong.
    failure: Option<String>,
    /// What has happened, if it was asked for.
    trace: String,
}

fn run(seed: u64, is_traced: bool) -> Run {
    let mut random = Random::new(seed);
    let plan = Plan::random(&mut random);
    let mut trace = if is_traced {
        plan.describe()
    } else {
        String::new()
    };
    let mut world = World::new(plan, random, is_traced);
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    let failure = match result {
        Ok(result) => result.err(),
        Err(_) => Some("a panic".to_owned()),
    };
    trace.push_str(&world.describe_trace());
    let seen = Seen {
        machines: [
            world.observer.input,
            world.observer.output,
            world.observer.life,
        ],
        facts: world.facts,
    };
    Run {
        steps: world.steps,
        seen,
        failure,
        trace,
    }
}

/// The plan of a run, what happened, and what was wrong; `None` if nothing was.
fn trace(seed: u64) -> Option<String> {
    let Run { failure, trace, .. } = run(seed, true);
    Some(format!("{trace}{}", failure?))
}

/// How often the runs have been where.
struct Seen {
    machines: [Counts; 3],
    facts: Facts,
}

impl Seen {
    const MACHINES: [&Machine; 3] = [&INPUT, &OUTPUT, &LIFE];

    fn new() -> Self {
        Self {
            machines: Self::MACHINES.map(|_| Counts::new()),
            facts: Facts::new(),
        }
    }

    fn add(&mut self, other: &Self) {
        self.machines
            .iter_mut()
            .zip(&other.machines)
            .for_each(|(sum, it)| sum.add(it));
        self.facts.add(&other.facts);
    }

    fn missing(&self) -> Vec<String> {
        let machines = self.machines.iter().zip(Self::MACHINES);
        let states = machines.flat_map(|(counts, machine)| counts.missing(machine));
        states.chain(self.facts.missing()).collect()
    }

    fn table(&self) -> String {
        let mut table = String::new();
        for (counts, machine) in self.machines.iter().zip(Self::MACHINES) {
            counts
                .write(machine, &mut table)
                .expect("a string takes everything");
        }
        self.facts
            .write(&mut table)
            .expect("a string takes everything");
        table
    }
}
