//! What the web server knows about a request, as an extractor.

use std::{convert::Infallible, future::Ready, future::ready, ops::Deref};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};

/// What the web server knows about a request: [`fastcgi_tower::Params`], as an argument of a handler.
///
/// It is empty for a request that came over plain HTTP.
///
/// ```
/// use actix_web::{Responder, get};
/// use fastcgi_actix::Params;
///
/// #[get("/whoami")]
/// async fn whoami(params: Params) -> impl Responder {
///     match params.remote_user() {
///         Some(user) => format!("you are {}", user.escape_ascii()),
///         None => "nobody knows you".to_owned(),
///     }
/// }
/// ```
///
/// It is a type of its own because [`FromRequest`] and `fastcgi_tower::Params` are both foreign to this crate. Middleware
/// finds the params themselves, under `fastcgi_tower`'s type, in the extensions of the request:
///
/// ```
/// use actix_web::{HttpMessage, HttpRequest};
///
/// fn is_internal(request: &HttpRequest) -> bool {
///     let extensions = request.extensions();
///     let params = extensions.get::<fastcgi_tower::Params>();
///     params.is_some_and(|params| params.get("INTERNAL").is_some())
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Params(fastcgi_tower::Params);

impl Params {
    /// The params themselves.
    pub fn into_inner(self) -> fastcgi_tower::Params {
        self.0
    }
}

impl Deref for Params {
    type Target = fastcgi_tower::Params;

    fn deref(&self) -> &fastcgi_tower::Params {
        &self.0
    }
}

impl FromRequest for Params {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let params = request.extensions().get::<fastcgi_tower::Params>().cloned();
        ready(Ok(Self(params.unwrap_or_default())))
    }
}
