//! A way to stop a server from anywhere.

use std::future::Future;

use tokio_util::sync::CancellationToken;

/// Stops servers gracefully, also from a thread that knows nothing of async code. Clones are the same handle.
///
/// ```
/// use std::thread;
///
/// use fastcgi_tower::StopHandle;
///
/// # async fn hello(_: http::Request<fastcgi_tower::Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::new(String::new()))
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// let stop = StopHandle::new();
/// let server = fastcgi_tower::serve(listener, tower::service_fn(hello)).with_graceful_shutdown(stop.stopped());
/// thread::spawn(move || stop.shutdown());
/// server.await
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopHandle(CancellationToken);

impl StopHandle {
    /// A handle that has not been used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Has the servers that were given [`stopped`](Self::stopped) finish their requests and end. It returns at once.
    pub fn shutdown(&self) {
        self.0.cancel();
    }

    /// Whether [`shutdown`](Self::shutdown) was called.
    pub fn is_shut_down(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits for [`shutdown`](Self::shutdown): for `with_graceful_shutdown` of servers and of [`Run`](crate::Run).
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.0.clone().cancelled_owned()
    }
}
