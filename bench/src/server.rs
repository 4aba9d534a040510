//! The servers that are compared: a framework, over a protocol.

use std::{fmt, str::FromStr};

use crate::{Result, actix_app, axum_app, scenario::Scenario};

/// An application over a protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    framework: Framework,
    pub(crate) protocol: Protocol,
}

impl Server {
    pub(crate) fn new(framework: Framework, protocol: Protocol) -> Self {
        Self {
            framework,
            protocol,
        }
    }

    /// Serves until the process is killed.
    pub(crate) fn run(self, path: &str) -> Result<()> {
        match self.framework {
            Framework::Axum => axum_app::run(self.protocol, path),
            Framework::Actix => actix_app::run(self.protocol, path),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.framework.as_str(), self.protocol.as_str())
    }
}

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let (framework, protocol) = name.split_once('-').ok_or("a server is axum-http")?;
        Ok(Self::new(framework.parse()?, protocol.parse()?))
    }
}

/// What the application is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

impl Framework {
    pub(crate) const ALL: [Self; 2] = [Self::Axum, Self::Actix];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Axum => "axum",
            Self::Actix => "actix",
        }
    }

    /// Whether its HTTP server does: actix's answers 431 to more than 96 headers.
    pub(crate) fn takes(self, scenario: &Scenario) -> bool {
        self == Self::Axum || scenario.header_count() <= 96
    }
}

impl FromStr for Framework {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|it| it.as_str() == name);
        found.ok_or("the framework is axum or actix")
    }
}

/// What the web server would speak to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    FastCgi,
    Http,
}

impl Protocol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Http => "http",
        }
    }
}

impl FromStr for Protocol {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "fastcgi" => Ok(Self::FastCgi),
            "http" => Ok(Self::Http),
            _ => Err("the protocol is fastcgi or http"),
        }
    }
}
