//! Prometheus: a layer that counts, and a page with what it has counted.

use axum::{Router, routing::get};
use axum_prometheus::PrometheusMetricLayer;

#[tokio::main]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    let (layer, counted) = PrometheusMetricLayer::pair();
    let app = Router::new()
        .route("/", get("hello"))
        .route("/metrics", get(async move || counted.render()))
        .layer(layer);
    axum_fastcgi::run(app).await
}
