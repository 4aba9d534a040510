//! loco: `serve` is one of the hooks of an application.

use loco_rs::{
    Result,
    app::{AppContext, Hooks},
    bgworker::Queue,
    boot::{BootResult, ServeParams, StartMode, create_app},
    config::Config,
    controller::{AppRoutes, Routes},
    environment::Environment,
    prelude::{Path, async_trait, get},
    task::Tasks,
};

#[derive(Debug)]
struct App;

async fn hello(Path(name): Path<String>) -> String {
    format!("Hello, {name}!")
}

#[async_trait]
impl Hooks for App {
    async fn serve(app: axum::Router, ctx: &AppContext, _: &ServeParams) -> Result<()> {
        let ctx = ctx.clone();
        axum_fastcgi::run(app)
            .on_shutdown(async move { Self::on_shutdown(&ctx).await })
            .await
            .map_err(loco_rs::Error::wrap)
    }

    fn app_name() -> &'static str {
        env!("CARGO_CRATE_NAME")
    }

    async fn boot(
        mode: StartMode,
        environment: &Environment,
        config: Config,
    ) -> Result<BootResult> {
        create_app::<Self>(mode, environment, config).await
    }

    fn routes(_: &AppContext) -> AppRoutes {
        AppRoutes::empty().add_route(Routes::new().add("/hello/{name}", get(hello)))
    }

    async fn connect_workers(_: &AppContext, _: &Queue) -> Result<()> {
        Ok(())
    }

    fn register_tasks(_: &mut Tasks) {}
}

#[tokio::main]
async fn main() -> Result<()> {
    loco_rs::cli::main::<App>().await
}
