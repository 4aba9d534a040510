//! The chart: for each scenario a bar for each application, FastCGI divided by HTTP.

use std::fmt;

use plotters::prelude::*;

use super::figures::{Figures, Ratio};
use crate::Result;

const WIDTH: i32 = 900;
const LEFT: i32 = 190;
const RIGHT: i32 = 60;
const TOP: i32 = 64;
const BAR: i32 = 15;
const GAP: i32 = 12;

/// A longer bar is cut off. Its figure is written at the right, as of all bars.
const MOST: f64 = 2.0;

const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const LINE: RGBColor = RGBColor(0xd0, 0xd7, 0xde);

/// The colours differ in lightness too, for those who cannot tell some of them apart.
const BARS: [(&str, RGBColor); 3] = [
    ("tower", RGBColor(0x3b, 0x8f, 0x6b)),
    ("axum", RGBColor(0x5b, 0x7f, 0xc7)),
    ("actix", RGBColor(0xd9, 0x9a, 0x3a)),
];

/// Ink and paper change places where the reader's system is dark. Whatever is around the chart, it has its own paper.
const DARK: &str = "\n<style>@media (prefers-color-scheme: dark) { \
    [fill=\"#FFFFFF\"] { fill: #0d1117 } \
    [fill=\"#1F2328\"] { fill: #e6edf3 } \
    [stroke=\"#1F2328\"] { stroke: #e6edf3 } \
    [stroke=\"#D0D7DE\"] { stroke: #3d444d } }</style>";

/// The chart as SVG.
///
/// # Errors
///
/// When it cannot be drawn.
pub fn chart(figures: &Figures) -> Result<String> {
    let scenarios = figures.scenarios();
    let rows = i32::try_from(scenarios.len())?;
    let height = TOP + rows * (BAR * 3 + GAP) + 14;
    let mut svg = String::new();
    {
        let size = (WIDTH as u32, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(failed)?;
        let text = |text: &str, at| area.draw(&Text::new(text.to_owned(), at, font()));
        for ((name, colour), x) in BARS.into_iter().zip((LEFT..).step_by(100)) {
            let corners = [(x, 12), (x + 14, 26)];
            area.draw(&Rectangle::new(corners, colour.filled()))
                .map_err(failed)?;
            text(name, (x + 20, 12)).map_err(failed)?;
        }
        text("CPU time, FastCGI ÷ HTTP: less is better", (LEFT + 320, 12)).map_err(failed)?;
        let line = |value: f64, style: ShapeStyle| {
            let ends = vec![(x_of(value), TOP - 8), (x_of(value), height - 10)];
            area.draw(&PathElement::new(ends, style))
        };
        for quarters in 0..=8 {
            let value = f64::from(quarters) / 4.0;
            line(value, LINE.stroke_width(1)).map_err(failed)?;
            text(&format!("{value}"), (x_of(value) - 8, TOP - 26)).map_err(failed)?;
        }
        for (scenario, row) in scenarios.into_iter().zip(0..) {
            let top = TOP + row * (BAR * 3 + GAP);
            text(scenario, (12, top + BAR)).map_err(failed)?;
            for ((framework, colour), bar) in BARS.into_iter().zip(0..) {
                let ratio = figures.row(framework, scenario).and_then(|row| row.ratio);
                let Some(ratio) = ratio else { continue };
                let top = top + bar * BAR;
                for shape in [whole(ratio, top, colour), spread(ratio, top)] {
                    area.draw(&shape).map_err(failed)?;
                }
                let figure = format!("{:.2}", ratio.median);
                text(&figure, (WIDTH - RIGHT + 16, top)).map_err(failed)?;
            }
        }
        line(1.0, INK.stroke_width(1)).map_err(failed)?;
        area.present().map_err(failed)?;
    }
    Ok(svg.replacen('>', &format!(">{DARK}"), 1))
}

type Shape = Rectangle<(i32, i32)>;

fn whole(ratio: Ratio, top: i32, colour: RGBColor) -> Shape {
    Rectangle::new(
        [(x_of(0.0), top), (x_of(ratio.median), top + BAR - 2)],
        colour.filled(),
    )
}

/// From the least to the most.
fn spread(ratio: Ratio, top: i32) -> Shape {
    let middle = top + (BAR - 2) / 2;
    Rectangle::new(
        [
            (x_of(ratio.least), middle - 1),
            (x_of(ratio.most), middle + 1),
        ],
        INK.filled(),
    )
}

fn x_of(value: f64) -> i32 {
    let width = f64::from(WIDTH - LEFT - RIGHT);
    LEFT + (value.min(MOST) / MOST * width).round() as i32
}

fn font() -> TextStyle<'static> {
    ("sans-serif", 15).into_font().color(&INK)
}

fn failed(error: impl fmt::Display) -> String {
    error.to_string()
}
