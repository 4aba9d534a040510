//! Sends every request to both sides, and judges what differs.

use std::io;
use std::sync::Arc;

use libtest_mimic::Failed;

use super::answer::Answer;
use super::asked::Asked;
use super::configuration::{Configuration, Variant};
use super::findings::Findings;
use super::rows::ROWS;
use super::twins::{Shared, loopback};
use crate::{Connection, Response};

/// A variant of a configuration, to be compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    configuration: &'static Configuration,
    /// Its place among the variants.
    index: usize,
    variant: &'static Variant,
    shared: Arc<Shared>,
}

impl Comparison {
    /// Every variant of `configuration`, in one web server that is started when it is needed.
    pub fn all(configuration: &'static Configuration) -> impl Iterator<Item = Self> {
        let shared = Arc::new(Shared::new());
        let variants = configuration.variants.iter().enumerate();
        variants.map(move |(index, variant)| Self {
            configuration,
            index,
            variant,
            shared: Arc::clone(&shared),
        })
    }

    /// The name of the configuration, and of the variant if it has one.
    #[must_use]
    pub fn name(&self) -> String {
        self.variant.name(self.configuration)
    }

    /// Compares the answers to every request.
    ///
    /// # Errors
    ///
    /// When something differs that is in no row, or a row shows nothing.
    pub fn run(&self) -> Result<(), Failed> {
        let twins = self.shared.twins(self.configuration)?;
        let pair = twins.pairs.get(self.index).ok_or("the sides are missing")?;
        let mut fastcgi = Client::new(pair.fastcgi);
        let mut http = Client::new(pair.http);

        let scope = &self.configuration.scope;
        let web_server = self.configuration.web_server;
        for probe in scope.probes(web_server) {
            let answer = http.ask(&probe)?;
            if answer.status < 400 && answer.reaches_a_protected_page() {
                return Err(format!("{} is not protected: {answer}", probe.name).into());
            }
        }
        let name = self.name();
        let mut findings = Findings::new(&name, ROWS);
        for asked in scope.requests(web_server, self.variant.without) {
            let (over_fastcgi, over_http) = (fastcgi.ask(&asked)?, http.ask(&asked)?);
            findings.add(&asked, &over_fastcgi, &over_http, web_server.merges_slashes);
        }
        findings.judge()
    }
}

/// One client of one side.
pub(super) struct Client {
    port: u16,
    connection: Option<Connection>,
}

impl Client {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            connection: None,
        }
    }

    pub(super) fn ask(&mut self, asked: &Asked) -> io::Result<Answer> {
        let response = self.send(asked);
        let response = response
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", asked.name)))?;
        Ok(Answer::new(&response, self.port))
    }

    fn send(&mut self, asked: &Asked) -> io::Result<Response> {
        let request = asked.request(self.port);
        if let Some(mut kept) = self.connection.take() {
            // The web server may have closed it.
            if let Ok(response) = kept.send(&request) {
                self.keep(kept, &response);
                return Ok(response);
            }
        }
        let mut connection = Connection::open(loopback(self.port))?;
        let response = connection.send(&request)?;
        self.keep(connection, &response);
        Ok(response)
    }

    fn keep(&mut self, connection: Connection, response: &Response) {
        let closes = response.header("connection");
        if !closes.is_some_and(|it| it.eq_ignore_ascii_case("close")) {
            self.connection = Some(connection);
        }
    }
}
