//! Management records (specification, 4).

use std::process::exit;

use crate::{
    connection::{Close, Connection},
    fault, multiplexes, wire,
};

impl Connection {
    pub(crate) fn get_values(&mut self, content: &[u8]) -> Result<(), Close> {
        self.queries += 1;
        if self.queries > 200 && fault("200-queries-end-the-process") {
            exit(1);
        }
        let is_busy = !self.begun.is_empty() || !self.active.is_empty();
        if is_busy && fault("queries-come-between-requests") {
            return Ok(());
        }
        let asked = wire::pairs(content).map_err(|_| Close)?;
        if asked.is_empty() && fault("no-names-no-answer") {
            return Ok(());
        }
        let mpxs = match multiplexes() {
            _ if fault("mpxs-is-yes") => "yes",
            false if fault("announces-multiplexing") => "1",
            true if fault("announces-no-multiplexing") => "0",
            true => "1",
            false => "0",
        };
        let known = [
            ("FCGI_MAX_CONNS", "1000"),
            ("FCGI_MAX_REQS", "1000"),
            ("FCGI_MPXS_CONNS", mpxs),
        ];
        let is_asked = |name: &str| asked.iter().any(|(it, _)| it == name.as_bytes());
        let mut values = Vec::new();
        for (name, value) in known {
            let is_left_out = name == "FCGI_MAX_CONNS" && fault("max-conns-is-left-out");
            if !is_left_out && (is_asked(name) || fault("all-values-always")) {
                values.push((name, value.to_owned()));
            }
        }
        if is_asked("FCGI_NOBODY_KNOWS") && fault("unknown-names-are-answered") {
            values.push(("FCGI_NOBODY_KNOWS", String::new()));
        }
        if asked.len() > 50 && fault("many-names-end-the-process") {
            exit(1);
        }
        let id = u16::from(fault("a-result-has-the-id-1"));
        self.output
            .send(&wire::record(10, id, &wire::encode(&values)));
        if fault("queries-close-the-connection") {
            Err(Close)
        } else {
            Ok(())
        }
    }

    pub(crate) fn unknown_type(&self, kind: u8) -> Result<(), Close> {
        let kind = if fault("unknown-type-is-0") { 0 } else { kind };
        let content = [kind, 0, 0, 0, 0, 0, 0, 0];
        let length = if fault("unknown-type-has-one-byte") {
            1
        } else {
            8
        };
        self.output.send(&wire::record(11, 0, &content[..length]));
        if fault("unknown-types-close-the-connection") {
            Err(Close)
        } else {
            Ok(())
        }
    }
}
