//! What the page is made of: measured figures, kept in a file so that the page can be made again without measuring.

use serde::{Deserialize, Serialize};

use crate::{Result, measure::median};

/// All that was measured, and where.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Figures {
    pub(crate) rounds: usize,
    pub(crate) minutes: u64,
    pub(crate) machine: Machine,
    /// Each application and scenario, over FastCGI and over HTTP.
    pub(crate) rows: Vec<Timed>,
    /// Its version.
    pub(crate) nginx: String,
    pub(crate) behind_nginx: Vec<Behind>,
    /// By the number of connections.
    pub(crate) connections: Vec<Scaled>,
    /// By the number of requests that a server has had.
    pub(crate) requests: Vec<Scaled>,
    /// By the number of connections that are idle beside.
    pub(crate) idle: Vec<Scaled>,
    /// By the number of worker threads.
    pub(crate) workers: Vec<Scaled>,
    /// Its version.
    pub(crate) haproxy: String,
    /// Three processes behind nginx and HAProxy.
    pub(crate) several: Vec<Several>,
    pub(crate) peers: Vec<Peer>,
    /// What could not be measured: what it is, and why.
    pub(crate) missing: Vec<String>,
}

/// Where, when and with what.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) kernel: String,
    pub(crate) rustc: String,
    pub(crate) libraries: String,
    /// How many processes wanted a core in the minute before.
    pub(crate) load: f64,
}

/// FastCGI divided by HTTP: of all rounds the one in the middle, the least and the most.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// One scenario of one application: CPU time of a request, in microseconds.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Timed {
    pub(crate) framework: String,
    pub(crate) scenario: String,
    pub(crate) fastcgi_us: f64,
    /// The kernel's share of it.
    pub(crate) fastcgi_kernel: Option<f64>,
    pub(crate) http_us: Option<f64>,
    pub(crate) http_kernel: Option<f64>,
    pub(crate) ratio: Option<Ratio>,
}

/// The same at another size, with the most memory that was ever resident.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Scaled {
    pub(crate) count: usize,
    pub(crate) fastcgi_us: f64,
    pub(crate) http_us: f64,
    pub(crate) ratio: Ratio,
    /// How often the server went to sleep, by request.
    pub(crate) fastcgi_sleeps: f64,
    pub(crate) http_sleeps: f64,
    pub(crate) fastcgi_kib: u64,
    pub(crate) http_kib: u64,
}

/// An application and the nginx in front of it.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Behind {
    pub(crate) framework: String,
    pub(crate) scenario: String,
    #[serde(flatten)]
    pub(crate) sums: Sums,
}

/// Several processes of an application and the web server in front of them.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Several {
    /// And how it uses connections, if that can be chosen.
    pub(crate) web_server: String,
    #[serde(flatten)]
    pub(crate) sums: Sums,
}

/// What applications cost, and what the web server costs.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Sums {
    pub(crate) fastcgi_application_us: f64,
    /// nginx was the only one, in older files.
    #[serde(alias = "fastcgi-nginx-us")]
    pub(crate) fastcgi_web_server_us: f64,
    pub(crate) http_application_us: f64,
    #[serde(alias = "http-nginx-us")]
    pub(crate) http_web_server_us: f64,
    /// Of both together.
    pub(crate) ratio: Ratio,
}

/// Another FastCGI library, or this one.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) what: String,
    pub(crate) version: String,
    pub(crate) us: f64,
    /// To axum-fastcgi.
    pub(crate) ratio: Ratio,
}

impl Figures {
    /// The figures that are written in `text`.
    ///
    /// # Errors
    ///
    /// When it has no such figures.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(toml::from_str(text)?)
    }

    /// The names of those that were timed, in the order of the run.
    pub(crate) fn scenarios(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for row in &self.rows {
            if !names.contains(&&*row.scenario) {
                names.push(&row.scenario);
            }
        }
        names
    }

    pub(crate) fn row(&self, framework: &str, scenario: &str) -> Option<&Timed> {
        let is_meant = |row: &&Timed| row.framework == framework && row.scenario == scenario;
        self.rows.iter().find(is_meant)
    }

    pub(crate) fn to_text(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }
}

impl Machine {
    /// Whether other programs ran beside, so that times say little.
    pub(crate) fn is_busy(&self) -> bool {
        self.load >= 0.5
    }
}

impl Ratio {
    /// `None` of no rounds.
    pub(crate) fn of(ratios: &[f64]) -> Option<Self> {
        let least = ratios.iter().copied().min_by(f64::total_cmp)?;
        let most = ratios.iter().copied().max_by(f64::total_cmp)?;
        Some(Self {
            median: median(ratios.iter().copied()),
            least,
            most,
        })
    }
}
