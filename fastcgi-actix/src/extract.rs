//! What the web server knows about a request, as an extractor.

use std::{convert::Infallible, fmt, future::Ready, future::ready, ops::Deref};

use actix_web::{
    FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError,
    dev::Payload,
    http::{StatusCode, header::ContentType},
};
use fastcgi_tower::FromParams;

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

/// A param that a request cannot be answered without. As a response: [`fastcgi_tower::MissingParam::status`], and what is
/// missing as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingParam(fastcgi_tower::MissingParam);

impl Deref for MissingParam {
    type Target = fastcgi_tower::MissingParam;

    fn deref(&self) -> &fastcgi_tower::MissingParam {
        &self.0
    }
}

impl fmt::Display for MissingParam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for MissingParam {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type(ContentType::plaintext())
            .body(format!("{self}\n"))
    }
}

/// Types of their own, for the reason that [`Params`] is one.
macro_rules! extractors {
    ($($(#[$doc:meta])* $type:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub struct $type(fastcgi_tower::$type);

        impl $type {
            /// The same, as fastcgi-tower has it.
            pub fn into_inner(self) -> fastcgi_tower::$type {
                self.0
            }
        }

        impl Deref for $type {
            type Target = fastcgi_tower::$type;

            fn deref(&self) -> &fastcgi_tower::$type {
                &self.0
            }
        }

        impl FromRequest for $type {
            type Error = MissingParam;
            type Future = Ready<Result<Self, MissingParam>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let found = match request.extensions().get::<fastcgi_tower::Params>() {
                    Some(params) => fastcgi_tower::$type::from_params(params),
                    None => fastcgi_tower::$type::from_params(&fastcgi_tower::Params::default()),
                };
                ready(found.map(Self).map_err(MissingParam))
            }
        }
    )*};
}

extractors! {
    /// How the web server has authenticated the user. Absent: 401.
    AuthType
    /// The certificate of the client, if the web server has verified it. Else: 403.
    ClientCertificate
    /// The directory of the site. Absent: 500.
    DocumentRoot
    /// The user that the web server has authenticated. Absent: 401.
    ///
    /// Where nginx sends `REMOTE_USER` and `auth_basic` is off, it is a name that the client has chosen (C-5).
    ///
    /// ```
    /// use actix_web::get;
    /// use fastcgi_actix::RemoteUser;
    ///
    /// #[get("/whoami")]
    /// async fn whoami(user: RemoteUser) -> String {
    ///     format!("you are {}", user.as_str())
    /// }
    /// ```
    RemoteUser
    /// The file that the request is for. Absent: 500.
    ScriptFilename
    /// The name of the server. Absent: 500.
    ServerName
    /// The port at which the client was accepted. Absent: 500.
    ServerPort
}
