//! A report as text: a table for a terminal, Markdown, JSON.

mod markdown;
mod table;

use std::io;

use crate::run::Report;

pub use self::{
    markdown::markdown,
    table::{explained, line, listed, summary},
};

/// The report as JSON.
///
/// # Errors
///
/// When `writer` fails.
pub fn json(report: &Report, mut writer: impl io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut writer, report)?;
    writer.write_all(b"\n")
}
