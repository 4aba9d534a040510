//! Why a request has its path: the line of T-8 that was taken, and what other settings make of the same params.
//!
//! Each reading is made by the resolution itself, once with each setting. So there is no second copy of the rule, and a
//! request that is not explained costs nothing more.

use std::fmt;

use http::Method;

use super::error::InvalidRequest;
use super::mapping::{Mapping, PathSource, method};
use super::path::{self, PathRule};
use super::script_name::ScriptName;
use super::variables::Variables;
use crate::params::Params;

/// Explains the path of the request that `params` describe, at default settings: see [`Mapping::explain`].
pub fn explain(params: &Params) -> Explanation {
    Mapping::default().explain(params)
}

impl Mapping {
    /// Why the request that `params` describe has its path with these settings, and which path it has with others.
    ///
    /// For logs, tests and diagnosis. It resolves the request once for each reading, at most eight times, and looks at no
    /// header field.
    ///
    /// ```
    /// use fastcgi_core::{Params, cgi::{PathRule, explain}};
    ///
    /// // What nginx sends from `location /app/`.
    /// let params: Params = [
    ///     ("REQUEST_METHOD", "GET"),
    ///     ("REQUEST_URI", "/app/menu"),
    ///     ("SCRIPT_NAME", "/app/menu"),
    ///     ("SERVER_SOFTWARE", "nginx/1.22.1"),
    /// ]
    /// .into_iter()
    /// .collect();
    ///
    /// let explanation = explain(&params);
    /// let taken = explanation.taken().outcome().clone()?;
    /// assert_eq!((&*taken.path, taken.rule), ("/app/menu", PathRule::N5));
    /// assert!(explanation.to_string().starts_with("N5 (SCRIPT_NAME, which is all of REQUEST_URI)"));
    /// # Ok::<(), fastcgi_core::cgi::InvalidRequest>(())
    /// ```
    pub fn explain(&self, params: &Params) -> Explanation {
        let mut variables = Variables::default();
        for (name, value) in params {
            if !name.starts_with(b"HTTP_") {
                variables.set(name, value);
            }
        }
        let method = method(&variables);
        let read = |mapping: Self| Reading::new(mapping, params, &method, &variables);

        let taken = read(self.clone());
        let mut alternatives: Vec<Reading> = Vec::new();
        let mut add = |script_name: Option<ScriptName>, path_source| {
            let reading = read(Self {
                script_name,
                path_source,
                ..self.clone()
            });
            let is_known = |it: &Reading| it.has_settings_of(&reading);
            let found = reading.outcome.as_ref().ok();
            let found = found.map(|it| it.script_name.clone());
            if !is_known(&taken) && !alternatives.iter().any(is_known) {
                alternatives.push(reading);
            }
            found
        };
        let found = [
            add(None, PathSource::Auto),
            add(None, PathSource::PathInfo),
            Some(ScriptName::default()),
        ];
        for script_name in found.into_iter().flatten() {
            add(Some(script_name), PathSource::Auto);
        }
        add(None, PathSource::RequestUri);
        add(self.script_name.clone(), PathSource::RequestUri);
        Explanation {
            taken,
            alternatives,
        }
    }
}

/// Which path a request is for, why, and which path it is for with other settings.
///
/// `Display` names lines of T-8 and settings, and shows neither paths nor params: it may be logged.
#[derive(Clone, Debug)]
pub struct Explanation {
    taken: Reading,
    alternatives: Vec<Reading>,
}

impl Explanation {
    /// The reading with the settings that were asked about.
    pub fn taken(&self) -> &Reading {
        &self.taken
    }

    /// The readings with other settings, each setting once: without a script name, with those that the params suggest, and
    /// with each [`PathSource`]. At most seven.
    pub fn alternatives(&self) -> &[Reading] {
        &self.alternatives
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.taken.outcome_to(f)?;
        for reading in &self.alternatives {
            f.write_str(match (&reading.script_name, reading.path_source) {
                (None, PathSource::Auto) => "; without a script name: ",
                (None, PathSource::PathInfo) => "; with path-info: ",
                (None, PathSource::RequestUri) => "; with request-uri: ",
                (Some(name), PathSource::Auto) if name.is_empty() => "; with script name \"\": ",
                (Some(_), PathSource::Auto) => "; with another script name: ",
                (Some(_), PathSource::PathInfo) => "; with path-info and a script name: ",
                (Some(_), PathSource::RequestUri) => "; with request-uri and a script name: ",
            })?;
            reading.outcome_to(f)?;
        }
        Ok(())
    }
}

/// What one setting makes of the path of a request.
#[derive(Clone, Debug)]
pub struct Reading {
    script_name: Option<ScriptName>,
    path_source: PathSource,
    outcome: Result<Resolved, InvalidRequest>,
}

impl Reading {
    fn new(
        mapping: Mapping,
        params: &Params,
        method: &Result<Method, InvalidRequest>,
        variables: &Variables<'_>,
    ) -> Self {
        let resolved = method
            .as_ref()
            .map_err(|error| *error)
            .and_then(|method| path::resolve(&mapping, params, method, variables));
        Self {
            script_name: mapping.script_name,
            path_source: mapping.path_source,
            outcome: resolved.map(|target| Resolved {
                path: target.uri.path().to_owned(),
                script_name: target.script_name,
                rule: target.rule,
            }),
        }
    }

    /// The [script name](Mapping::script_name) that is configured in this reading.
    pub fn script_name(&self) -> Option<&ScriptName> {
        self.script_name.as_ref()
    }

    /// The [path source](Mapping::path_source) of this reading.
    pub fn path_source(&self) -> PathSource {
        self.path_source
    }

    /// What the application gets; an error where the request is refused.
    pub fn outcome(&self) -> &Result<Resolved, InvalidRequest> {
        &self.outcome
    }

    fn has_settings_of(&self, other: &Self) -> bool {
        (&self.script_name, self.path_source) == (&other.script_name, other.path_source)
    }

    fn outcome_to(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Ok(Resolved { rule, .. }) => write!(f, "{rule} ({})", rule.description()),
            Err(error) => write!(f, "{} ({error})", error.status().as_u16()),
        }
    }
}

/// The path that an application gets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resolved {
    /// The path of the URI, relative to the script name, percent-encoded.
    pub path: String,
    /// Where the application is mounted.
    pub script_name: ScriptName,
    /// The line of T-8 that was taken.
    pub rule: PathRule,
}
