//! The chart: a bar for each peer.

use std::{error::Error, path::Path};

use fastcgi_conformance::{Grade, Verdict};
use plotters::prelude::*;

use crate::{Score, notes::Notes, page::failures};

const WIDTH: u32 = 900;
const ROW: u32 = 34;
const LEFT: i32 = 180;

/// What a bar is made of, from the left. The colours differ for those who cannot tell red from green, too.
const PARTS: [(&str, RGBColor); 4] = [
    ("passed", RGBColor(0x3b, 0x8f, 0x6b)),
    ("not offered", RGBColor(0xc9, 0xd1, 0xd6)),
    ("choice", RGBColor(0xe6, 0xb4, 0x50)),
    ("failed", RGBColor(0xb0, 0x3a, 0x48)),
];

pub(crate) fn draw(
    scores: &[Score],
    notes: &Notes,
    path: &Path,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let rows = u32::try_from(scores.len())?;
    let area = SVGBackend::new(path, (WIDTH, 60 + rows * ROW)).into_drawing_area();
    let fail = |error: DrawingAreaErrorKind<_>| error.to_string();
    area.fill(&WHITE).map_err(fail)?;
    let label = ("sans-serif", 15).into_font();
    let mut x = LEFT;
    for (name, colour) in PARTS {
        area.draw(&Rectangle::new([(x, 14), (x + 14, 28)], colour.filled()))
            .map_err(fail)?;
        area.draw(&Text::new(name, (x + 20, 14), label.clone()))
            .map_err(fail)?;
        x += 120;
    }
    let most = scores
        .iter()
        .map(|score| counts(score, notes).iter().sum())
        .max();
    let most: usize = most.unwrap_or(1);
    let width = usize::try_from(WIDTH)? - usize::try_from(LEFT)? - 20;
    for (row, score) in (0_i32..).zip(scores) {
        let top = 44 + row * i32::try_from(ROW)?;
        let name = Text::new(score.peer.name, (12, top + 5), label.clone());
        area.draw(&name).map_err(fail)?;
        let mut sum = 0;
        for (count, (_, colour)) in counts(score, notes).into_iter().zip(PARTS) {
            let from = LEFT + i32::try_from(sum * width / most)?;
            sum += count;
            let until = LEFT + i32::try_from(sum * width / most)?;
            let corners = [(from, top), (until, top + 24)];
            area.draw(&Rectangle::new(corners, colour.filled()))
                .map_err(fail)?;
            // Where there is room for it.
            if until - from > 24 {
                let number = count.to_string();
                let style = ("sans-serif", 14).into_font().color(&BLACK);
                area.draw(&Text::new(number, (from + 6, top + 5), style))
                    .map_err(fail)?;
            }
        }
    }
    area.present().map_err(fail)?;
    Ok(())
}

fn counts(score: &Score, notes: &Notes) -> [usize; 4] {
    let counted = |verdicts: &[Verdict]| {
        let findings = score.report.findings.iter();
        let findings = findings.filter(|it| it.case.grade != Grade::Info);
        findings.filter(|it| verdicts.contains(&it.verdict)).count()
    };
    [
        counted(&[Verdict::Passed]),
        counted(&[Verdict::NotOffered, Verdict::Skipped]),
        failures(score, notes, true),
        failures(score, notes, false),
    ]
}
