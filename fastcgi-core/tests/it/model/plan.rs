//! What one run is about: everything that is decided before it begins.

use super::{
    answer::Answer,
    asked::Asked,
    manner::{Manner, Reads},
    random::Random,
    settings::Settings,
};

/// A run, before it begins.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) settings: Settings,
    pub(super) asked: Vec<(Asked, Answer)>,
    pub(super) manner: Manner,
    /// The most that is read from the socket at once.
    pub(super) read_size: usize,
    /// The most that is sent of a response at once.
    pub(super) step_size: usize,
    /// After how many steps the connection is shut down.
    pub(super) shuts_down: Option<usize>,
}

impl Plan {
    pub(super) fn random(random: &mut Random) -> Self {
        match random.below(100) {
            0 => Self::crowd(random),
            1..4 => Self::upload(random),
            4..9 => Self::ordinary(100_000, 150_000, random),
            _ => Self::ordinary(random.pick(&[20, 200, 3_000]), 3_000, random),
        }
    }

    /// The plan in a few lines.
    pub(super) fn describe(&self) -> String {
        let requests = self
            .asked
            .iter()
            .map(|(asked, answer)| format!("{asked:?}\n{answer:?}\n"));
        let Self {
            settings,
            manner,
            read_size,
            shuts_down,
            ..
        } = self;
        format!(
            "{settings:?}\n{}{manner:?}\nread_size: {read_size}, shuts_down: {shuts_down:?}",
            requests
                .collect::<String>()
                .replace(&"x".repeat(300), "...")
                .replace(&"x".repeat(200), ".."),
        )
    }

    /// A few requests, with bodies of up to `size` bytes.
    fn ordinary(size: usize, step_size: usize, random: &mut Random) -> Self {
        let settings = Settings::random(size, random);
        let requests = random.between(1, 4);
        let asked = (0..requests).map(|number| {
            let asked = Asked::random(number, number + 1 == requests, size, random);
            let answer = Answer::random(&asked, step_size, random);
            (asked, answer)
        });
        let asked: Vec<_> = asked.collect();
        let total = |(asked, answer): &(Asked, Answer)| asked.size() + answer.size();
        let total: usize = asked.iter().map(total).sum();
        Self {
            settings,
            asked,
            manner: Manner::random(total, random),
            read_size: random.pick(&[1 + total / 100, 7 + total / 20, 4096, 64 * 1024]),
            step_size,
            shuts_down: random.once_in(5).then(|| random.below(80)),
        }
    }

    /// A large body from a web server that writes all of it before it reads (B-8), and a large answer from an application
    /// that does not read it.
    fn upload(random: &mut Random) -> Self {
        let mut settings = Settings::random(SIZE, random);
        settings.max_spill = 16 << 20;
        const SIZE: usize = 300_000;
        let requests = random.between(1, 2);
        let asked = (0..requests).map(|number| {
            let asked = Asked::upload(
                number,
                number + 1 == requests,
                random.between(SIZE / 2, SIZE),
                random,
            );
            (asked, Answer::large(150_000, random))
        });
        let asked = asked.collect();
        let mut manner = Manner::random(4 * SIZE, random);
        (manner.at_a_time, manner.writes_first) = (1, true);
        manner.sockets = [(); 2].map(|()| random.pick(&[4096, 64 * 1024]));
        manner.reads = Reads::UpTo(64 * 1024, 0);
        Self {
            settings,
            asked,
            manner,
            read_size: random.pick(&[4096, 64 * 1024]),
            step_size: 150_000,
            shuts_down: None,
        }
    }

    /// Many requests at a time, whose answers are not read before all is written.
    fn crowd(random: &mut Random) -> Self {
        let mut settings = Settings::random(0, random);
        settings.max_reqs = settings.max_reqs.max(2);
        let requests = random.between(20, 80);
        let step_size = 20_000;
        let asked = (0..requests).map(|number| (Asked::tiny(number), Answer::tiny(step_size)));
        let mut manner = Manner::random(requests * step_size, random);
        manner.at_a_time = requests;
        manner.asks = false;
        manner.pause = 0;
        if random.once_in(2) {
            manner.reads = Reads::UpTo(64 * 1024, 60);
        }
        Self {
            settings,
            asked: asked.collect(),
            manner,
            read_size: 64 * 1024,
            step_size,
            shuts_down: None,
        }
    }
}
