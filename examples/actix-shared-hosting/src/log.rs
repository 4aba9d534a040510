//! A log that you can read without a shell: a file for each day in `logs` beside the program, the last seven of them.

use std::{fs, io};

use tracing::Level;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::writer::{BoxMakeWriter, MakeWriterExt};

/// Warnings and errors also go to standard error, which is the web server's log. Where there can be no file, everything does.
pub(crate) fn start() {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = program.with_file_name("logs");
    let daily = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("app")
        .filename_suffix("log")
        .max_log_files(7);
    let is_there = fs::create_dir_all(&folder).is_ok();
    let writer = match is_there.then(|| daily.build(folder)) {
        // Each line is written before the program goes on, so that the last one is there when the host kills it.
        Some(Ok(file)) => BoxMakeWriter::new(file.and(io::stderr.with_max_level(Level::WARN))),
        _ => BoxMakeWriter::new(io::stderr),
    };
    tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(writer)
        .init();
    std::panic::set_hook(Box::new(|panic| tracing::error!("{panic}")));
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        process = std::process::id(),
        "started"
    );
}
