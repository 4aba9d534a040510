//! What nobody gets from the site: a script run that is not one, or a source shown that is not to be seen. PHP-FPM itself is set
//! to run anything here, so that nothing but the example protects it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use fastcgi_e2e::Request;
use libtest_mimic::Failed;

use super::Test;
use super::peer::ask;
use super::requests::{form, session, upload_of};
use super::sites::{GUIDE, Setting, Sites};

/// PHP that says so when it is run, and that shows something when it is not.
const CODE: &str = "<?php echo 'IT WAS', ' RUN'; /* SOURCE */";
const RUN: &str = "IT WAS RUN";
const SOURCE: &str = "SOURCE";

/// PHP-FPM as it is dangerous: it runs files of any name. `cgi.fix_pathinfo` is 1 in any case, PHP's default: where there is no file, a part
/// of the path is taken for the script.
pub(super) const UNGUARDED: Setting = Setting {
    pool: |guide| guide.replace("limit_extensions = .php", "limit_extensions ="),
    files: trap_files,
    ..GUIDE
};

/// The same, with the folder for uploads where it is in the example: below the root.
pub(super) const UNGUARDED_UPLOADS: Setting = Setting {
    files: |root| {
        write(&root.join("uploads/index.php"), CODE)?;
        symlink("uploads/evil.php", root.join("link-to-upload.php"))
    },
    ..UNGUARDED
};

pub(super) const UPLOADS: [Test; 1] = [("upload_below_the_root_is_not_run", upload_is_not_run)];

/// Names of files that are in the site, and are never shown.
const HIDDEN: [&str; 30] = [
    ".env",
    ".git/config",
    ".htaccess",
    ".user.ini",
    ".x.php",
    "docs/.secret.txt",
    "INDEX.PHP",
    "Index.Php",
    "index.php.",
    "index.php ",
    "index.php~",
    "index.php.bak",
    "index.php.save",
    "index.php-old",
    "index.php_",
    "index.php.txt",
    "index.php5",
    "index.phps",
    "index.phtml",
    "a.pht",
    "a.phar",
    "a.PHAR",
    "a.inc",
    "notes.txt~",
    "dump.sql",
    "DUMP.SQL",
    "debug.log",
    "settings.ini",
    "composer.json",
    "b.inc/notes.txt",
];

fn trap_files(root: &Path) -> io::Result<()> {
    let around = root.parent().unwrap_or(root);
    for name in HIDDEN {
        write(&root.join(name), CODE)?;
    }
    write(&root.join(".well-known/acme-challenge/token"), "a token\n")?;
    write(&root.join("images/photo.jpg"), CODE)?;
    write(&root.join("with space/ünï?.txt"), "a file\n")?;
    // A script and a page outside of the root, and links to them.
    write(&around.join("outside/script.php"), CODE)?;
    write(&around.join("outside/page.txt"), CODE)?;
    symlink(around.join("outside/script.php"), root.join("link-out.php"))?;
    symlink(around.join("outside/page.txt"), root.join("link-out.txt"))?;
    symlink(around.join("outside"), root.join("folder-out"))?;
    // Links inside: to a script by its own kind of name, and by others.
    symlink("page.php", root.join("link.php"))?;
    symlink("docs/notes.txt", root.join("link.txt"))?;
    symlink("page.php", root.join("link-to-script.txt"))?;
    symlink(".env", root.join("link-to-hidden.txt"))?;
    symlink("images/photo.jpg", root.join("link-to-image.php"))?;
    symlink("uploads/evil.php", root.join("link-to-upload.php"))?;
    // Uploads are often on another disk.
    let uploads = around.join("stored");
    fs::rename(root.join("uploads"), &uploads)?;
    symlink(&uploads, root.join("uploads"))?;
    write(&uploads.join("index.php"), CODE)
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)
}

/// Demands that no spelling of a path is run or shown.
fn refused(sites: &Sites, path: &str) -> Result<(), Failed> {
    for path in spellings(path) {
        for request in [Request::get(&path), form(&path, "a=b")] {
            let response = sites.rust().send(request)?;
            let text = response.text();
            assert!(
                matches!(response.status, 400 | 404),
                "{path}: {} {text}",
                response.status
            );
            assert!(
                !text.contains(RUN) && !text.contains(SOURCE),
                "{path}: {text}"
            );
        }
    }
    Ok(())
}

/// The same path in other words.
fn spellings(path: &str) -> Vec<String> {
    let all = path.bytes().map(|byte| match byte {
        b'/' => "/".to_owned(),
        byte => format!("%{byte:02X}"),
    });
    let escaped: String = all.collect();
    let plain = path.replace(' ', "%20");
    vec![
        plain.replace('/', "//"),
        format!("/.{plain}"),
        format!("/docs/..{plain}"),
        format!("/docs%2F%2e%2e{plain}"),
        format!("{plain}?a=b"),
        escaped.replace('/', "%2F").replacen("%2F", "/", 1),
        escaped,
        plain,
    ]
}

fn is_run(sites: &Sites, path: &str) -> Result<(), Failed> {
    let response = sites.rust().get(path)?;
    assert_eq!(response.status, 200, "{path}: {}", response.text());
    assert!(
        response.text().contains("GET from"),
        "{path}: {}",
        response.text()
    );
    Ok(())
}

pub(super) const TRAPS: [Test; 14] = [
    ("php_fpm_itself_would_run_an_image", php_fpm_would),
    ("image_with_a_path_info_is_not_run", |sites| {
        for path in [
            "/images/photo.jpg/y.php",
            "/images/photo.jpg/y.php/z",
            "/images/photo.jpg/.php",
            "/images/photo.jpg/",
        ] {
            refused(sites, path)?;
        }
        // It is a file like others.
        let response = sites.rust().get("/images/photo.jpg")?;
        assert_eq!((response.status, response.text().as_str()), (200, CODE));
        Ok(())
    }),
    ("upload_is_not_run", upload_is_not_run),
    ("nothing_outside_the_root_is_run_or_shown", |sites| {
        for path in [
            "/link-out.php",
            "/link-out.txt",
            "/folder-out/script.php",
            "/folder-out/page.txt",
            "/../outside/script.php",
            "/../outside/page.txt",
        ] {
            refused(sites, path)?;
        }
        Ok(())
    }),
    ("link_below_the_root_is_followed", |sites| {
        is_run(sites, "/link.php")?;
        assert_eq!(sites.rust().get("/link.txt")?.text(), "Plain text.\n");
        Ok(())
    }),
    (
        "name_of_the_file_counts_and_not_that_of_the_link",
        |sites| {
            for path in [
                "/link-to-script.txt",
                "/link-to-hidden.txt",
                "/link-to-image.php",
            ] {
                refused(sites, path)?;
            }
            Ok(())
        },
    ),
    ("sources_and_settings_are_not_shown", |sites| {
        for name in HIDDEN {
            assert!(sites.root().join(name).exists(), "{name}");
            refused(sites, &format!("/{name}"))?;
        }
        Ok(())
    }),
    ("nginx_of_the_guide_hides_the_same", |sites| {
        for name in HIDDEN {
            let path = format!("/{}", name.replace(' ', "%20"));
            let response = sites.today().get(&path)?;
            // A name that ends in a space or a hyphen is not one that people give.
            assert_eq!(response.status, 404, "{path}: {}", response.text());
        }
        Ok(())
    }),
    ("well_known_is_shown", |sites| {
        let response = sites.rust().get("/.well-known/acme-challenge/token")?;
        assert_eq!(
            (response.status, response.text().as_str()),
            (200, "a token\n")
        );
        Ok(())
    }),
    ("script_has_one_name", |sites| {
        is_run(sites, "/page.php")?;
        for path in [
            "/page.php.",
            "/page.php ",
            "/page.php\0.txt",
            "/page.php\0",
            "/page.PHP",
            "/PAGE.php",
            "/page.php;x",
            "/page.php\\",
            "/docs\\..\\page.php",
            "/page.php%00",
        ] {
            let path = path
                .replace('\0', "%00")
                .replace('\\', "%5C")
                .replace(' ', "%20");
            let response = sites.rust().get(&path)?;
            assert!(
                matches!(response.status, 400 | 404),
                "{path}: {} {}",
                response.status,
                response.text()
            );
            assert_eq!(response.status, sites.today().get(&path)?.status, "{path}");
        }
        Ok(())
    }),
    ("unusual_names_of_files_are_found", |sites| {
        for path in [
            "/with%20space/%C3%BCn%C3%AF%3F.txt",
            "/with%20space%2f%c3%bcn%c3%af%3f.txt",
        ] {
            let (today, rust) = (sites.today().get(path)?, sites.rust().get(path)?);
            assert_eq!(
                (rust.status, rust.text().as_str()),
                (200, "a file\n"),
                "{path}"
            );
            assert_eq!(today.body, rust.body);
        }
        let location = sites.rust().get("/with%20space")?.header("location");
        assert_eq!(location.as_deref(), Some("/with%20space/"));
        Ok(())
    }),
    ("redirect_stays_on_this_host", |sites| {
        for path in [
            "//docs",
            "///docs",
            "/%2Fdocs",
            "/%2F%2Fdocs",
            "/.//docs",
            "//evil.example/..//docs",
        ] {
            let response = sites.rust().get(path)?;
            assert_eq!(response.status, 301, "{path}");
            assert_eq!(
                response.header("location").as_deref(),
                Some("/docs/"),
                "{path}"
            );
        }
        for path in [
            "/docs%0d%0aSet-Cookie:a=b",
            "/docs%0a",
            "//evil.example",
            "/%5Cevil.example",
        ] {
            assert_eq!(sites.rust().get(path)?.status, 404, "{path}");
        }
        Ok(())
    }),
    ("moved_page_is_left_behind_if_its_file_stays", moved_page),
    ("moved_page_asks_php_who_is_logged_in", who_is_logged_in),
];

/// The traps are real: this PHP-FPM falls into them.
fn php_fpm_would(sites: &Sites) -> Result<(), Failed> {
    let root = sites.root().display();
    for file in ["images/photo.jpg/y.php", "images/photo.jpg", "link-out.php"] {
        let answer = ask(&sites.dir().join("php-fpm.sock"), &format!("{root}/{file}"))?;
        assert!(answer.contains(RUN), "{file}: {answer}");
    }
    Ok(())
}

fn upload_is_not_run(sites: &Sites) -> Result<(), Failed> {
    for name in ["evil.php", "evil.phtml", "evil.php.jpg", "evil.jpg"] {
        let response = sites.rust().send(upload_of(name, CODE.as_bytes(), false))?;
        assert_eq!(response.status, 200, "{}", response.text());
        assert!(sites.root().join("uploads").join(name).exists(), "{name}");
    }
    let paths = [
        "/uploads/evil.php",
        "/uploads/evil.php/x",
        "/uploads/evil.phtml",
        "/uploads/evil.php.jpg",
        "/uploads/evil.jpg/y.php",
        "/uploads/index.php",
        "/uploads/",
        "/link-to-upload.php",
    ];
    for path in paths {
        refused(sites, path)?;
    }
    // Nor by nginx.
    assert_eq!(sites.today().get("/uploads/evil.php")?.status, 404);
    assert_eq!(sites.rust().get("/uploads/evil.jpg")?.text(), CODE);
    Ok(())
}

/// The router compares paths as they are spelled.
fn moved_page(sites: &Sites) -> Result<(), Failed> {
    let file = sites.root().join("hello.php");
    let page = fs::read_to_string(&file)?;
    // The copy of another test would be of no use here: this file is deleted.
    let (today, rust) = (
        sites.today().get("/hello.php")?,
        sites.rust().get("/hello.php")?,
    );
    assert_eq!(today.body, rust.body);
    assert_eq!(rust.header("x-powered-by"), None);
    assert_eq!(sites.rust().send(form("/hello.php", "a=b"))?.status, 405);
    fs::write(&file, CODE)?;
    let others = [
        "//hello.php",
        "/%68ello.php",
        "/docs/../hello.php",
        "/hello.php/",
        "/hello.php/x",
    ];
    for path in others {
        assert!(sites.rust().get(path)?.text().contains(RUN), "{path}");
    }
    fs::remove_file(&file)?;
    for path in others {
        assert_eq!(sites.rust().get(path)?.status, 404, "{path}");
    }
    assert_eq!(sites.rust().get("/hello.php")?.text(), page);
    Ok(())
}

fn who_is_logged_in(sites: &Sites) -> Result<(), Failed> {
    let site = sites.rust();
    let me = |cookie: &str| site.send(Request::get("/api/me").header("Cookie", cookie));
    assert_eq!(site.get("/api/me")?.status, 401);
    assert_eq!(me("PHPSESSID=forged")?.status, 401);
    let logged_in = site.send(form("/login.php", "user=Zo%C3%AB"))?;
    let cookie = session(&logged_in);
    let answer = me(&cookie)?;
    assert_eq!((answer.status, answer.text().as_str()), (200, "Zoë"));
    assert_eq!(me(&format!("a=b; {cookie}; c=d"))?.text(), "Zoë");
    site.send(form("/logout.php", "").header("Cookie", &cookie))?;
    assert_eq!(me(&cookie)?.status, 401);
    Ok(())
}
