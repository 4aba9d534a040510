//! What the web server knows of a request, in one place.

use actix_web::HttpMessage;
use fastcgi_tower::{FastCgi, Params, RequestHandle, ScriptName};

/// Asks a request for what FastCGI has besides HTTP: the counterpart of `fastcgi_tower::RequestExt`.
///
/// ```
/// use actix_web::HttpRequest;
/// use fastcgi_actix::RequestExt;
///
/// async fn mount(request: HttpRequest) -> String {
///     match request.fastcgi() {
///         Some(fastcgi) => fastcgi.script_name().to_string(),
///         None => "this did not come over FastCGI".to_owned(),
///     }
/// }
/// ```
pub trait RequestExt {
    /// What the web server knows of this request; `None` for one that did not come over FastCGI.
    fn fastcgi(&self) -> Option<FastCgi>;
}

impl<T: HttpMessage> RequestExt for T {
    fn fastcgi(&self) -> Option<FastCgi> {
        let extensions = self.extensions();
        Some(FastCgi::new(
            extensions.get::<Params>()?.clone(),
            extensions.get::<ScriptName>()?.clone(),
            extensions.get::<RequestHandle>()?.clone(),
        ))
    }
}
