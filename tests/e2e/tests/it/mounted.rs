//! Below a mount: an application whose own routes contain it (`FCGI_PATH_SOURCE=request-uri`, and no script name), and one that
//! knows nothing of it (`FCGI_MOUNT_REDIRECTS=on`).

use fastcgi_e2e::{Layout, Site, layouts};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    // Below `/app`, each in its own way; some of them remove it.
    const NAMES: [&str; 6] = [
        "nginx-split-path-info",
        "nginx-rewritten-prefix",
        "apache-proxy-prefix",
        "caddy-tcp-prefix",
        "lighttpd-tcp-prefix",
        "h2o-tcp-prefix",
    ];
    let below = || layouts().filter(|layout| NAMES.contains(&layout.name));
    let inside = below().flat_map(|layout| {
        ["axum-starts", "actix-starts"].map(|program| {
            let name = format!("{program}::{}::routes_contain_the_mount", layout.name);
            Trial::test(name, move || routes_contain_the_mount(layout, program))
        })
    });
    let outside = below().flat_map(|layout| {
        ["tour", "actix-tour"].map(|program| {
            let name = format!("{program}::{}::redirects_stay_below_the_mount", layout.name);
            Trial::test(name, move || redirects_stay_below(layout, program))
        })
    });
    inside.chain(outside)
}

/// Caddy and nginx with a rewrite do not say where the application is mounted: then it has to be configured.
fn redirects_stay_below(layout: &Layout, program: &str) -> Result<(), Failed> {
    let layout = Layout {
        script_name: Some(layout.mount),
        ..layout.clone()
    };
    let site = Site::start_with(&layout, program, &[("FCGI_MOUNT_REDIRECTS", "on")])?;
    let response = site.get("/redirect")?;
    let location = response.header("location").unwrap_or_default();
    // Apache and others may make it absolute.
    let location = match location.strip_prefix("http://") {
        Some(rest) => rest.split_once('/').map_or("", |(_, path)| path),
        None => location.strip_prefix('/').unwrap_or_default(),
    };
    assert_eq!(format!("/{location}"), site.at("/somewhere/else?a=1"));
    Ok(())
}

fn routes_contain_the_mount(layout: &Layout, program: &str) -> Result<(), Failed> {
    let layout = Layout {
        script_name: None,
        ..layout.clone()
    };
    let site = Site::start_with(&layout, program, &[("FCGI_PATH_SOURCE", "request-uri")])?;
    for path in ["/inside/a", "/inside/a%2Fb/c%20d?e=%26"] {
        let response = site.get(path)?;
        assert_eq!(
            (response.status, response.text()),
            (200, format!("{}\n", site.at(path)))
        );
    }
    // Not without the mount, which no route is.
    assert_eq!(site.get("/print/a")?.status, 404);
    Ok(())
}
