//! leptos: what `leptos_axum` makes is an axum router.

use axum::Router;
use leptos::{config::LeptosOptions, prelude::*};
use leptos_axum::{LeptosRoutes, generate_route_list};
use leptos_router::{components::*, path};

#[component]
fn App() -> impl IntoView {
    view! {
        <Router><Routes fallback=|| "nothing here">
            <Route path=path!("/") view=|| view! { <p>"Hello, "{2 + 2}"!"</p> } />
        </Routes></Router>
    }
}

#[tokio::main]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    let options = LeptosOptions::builder().output_name("app").build();
    let app = Router::new()
        .leptos_routes(&options, generate_route_list(App), App)
        .with_state(options);
    axum_fastcgi::run(app).await
}
