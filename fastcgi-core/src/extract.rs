//! [`Params`], and what can be read of them, as axum extractors.

use std::convert::Infallible;

use axum_core::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::params::{
    AuthType, ClientCertificate, DocumentRoot, FromParams, MissingParam, Params, RemoteUser,
    ScriptFilename, ServerName, ServerPort,
};

/// What the web server knows about the request. Empty for a request that came over plain HTTP.
impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// What the web server knows about the request. `None` for a request that came over plain HTTP.
impl<S: Sync> OptionalFromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}

/// [`MissingParam::status`], and what is missing as a text.
impl IntoResponse for MissingParam {
    fn into_response(self) -> Response {
        (self.status(), format!("{self}\n")).into_response()
    }
}

fn find<T: FromParams>(parts: &Parts) -> Result<T, MissingParam> {
    match parts.extensions.get::<Params>() {
        Some(params) => T::from_params(params),
        None => T::from_params(&Params::default()),
    }
}

macro_rules! extractors {
    ($($type:ident)*) => {$(
        impl<S: Sync> FromRequestParts<S> for $type {
            type Rejection = MissingParam;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, MissingParam> {
                find(parts)
            }
        }

        /// `None` where it is absent; what is invalid is refused.
        impl<S: Sync> OptionalFromRequestParts<S> for $type {
            type Rejection = MissingParam;

            async fn from_request_parts(
                parts: &mut Parts,
                _: &S,
            ) -> Result<Option<Self>, MissingParam> {
                match find(parts) {
                    Ok(found) => Ok(Some(found)),
                    Err(missing) if missing.is_absent() => Ok(None),
                    Err(missing) => Err(missing),
                }
            }
        }
    )*};
}

extractors! { AuthType ClientCertificate DocumentRoot RemoteUser ScriptFilename ServerName ServerPort }
