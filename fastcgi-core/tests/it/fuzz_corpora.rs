//! The corpora of the fuzz targets, and a few thousand mutations of them, through the targets' own checks.

use std::{fs, path::Path};

use fastcgi_test_kit::{scaled, seed};

#[expect(unreachable_pub, reason = "a library to the fuzz targets")]
#[path = "../../../fuzz/src/lib.rs"]
mod invariants;

#[test]
fn the_corpus_of_records_holds() {
    run("records", invariants::records::check);
}

#[test]
fn the_corpus_of_params_holds() {
    run("params", invariants::params::check);
}

#[test]
fn the_corpus_of_connection_holds() {
    run("connection", invariants::connection::check);
}

#[test]
fn the_corpus_of_request_holds() {
    run("request", invariants::request::check);
}

const MUTATIONS: u32 = 3000;

fn run(target: &str, check: fn(&[u8])) {
    let corpus = corpus(target);
    for input in &corpus {
        check(input);
    }
    let mut random = Random(seed(0x9e37_79b9_7f4a_7c15));
    for _ in 0..scaled(MUTATIONS) {
        let mut input = random.choice(&corpus).clone();
        for _ in 0..=random.below(4) {
            mutate(&mut input, &corpus, &mut random);
        }
        let shown = Shown(&input);
        check(&input);
        drop(shown);
    }
}

/// Prints an input that fails its check.
struct Shown<'a>(&'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("input: {}", self.0.escape_ascii());
        }
    }
}

/// The inputs, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../fuzz/corpus")
        .join(target);
    let mut paths: Vec<_> = fs::read_dir(&directory)
        .expect("a corpus for each target")
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", directory.display());
    paths
        .iter()
        .map(|path| fs::read(path).expect("a readable file"))
        .collect()
}

/// One change of the kinds that find most: a byte, a bit, a piece less, a piece twice, a piece of another input.
fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let length = random.below(24).min(input.len() - at);
    match random.below(6) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = *random.choice(&[0, 1, 2, 0x7f, 0x80, 0xff, b'/', b'.', b'%']);
            }
        }
        1 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => drop(input.drain(at..at + length)),
        3 => input.truncate(at),
        4 => {
            let piece = input.get(at..at + length).unwrap_or_default().to_vec();
            input.splice(at..at, piece);
        }
        _ => {
            let other = random.choice(corpus);
            let start = random.below(other.len() + 1);
            let end = start + random.below(40).min(other.len() - start);
            let piece = other.get(start..end).unwrap_or_default().to_vec();
            input.splice(at..at, piece);
        }
    }
}

/// xorshift64: the same numbers at every run, unless `TEST_SEED` says otherwise.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        usize::try_from(self.0 % limit).unwrap_or(0)
    }

    fn choice<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len());
        from.get(index).expect("something to choose from")
    }
}
