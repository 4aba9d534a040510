//! Names that are never shown: settings, sources, copies of sources. Add what your site has.

/// The last part of such a name.
const HIDDEN_ENDINGS: [&str; 19] = [
    "bak", "conf", "db", "dist", "env", "inc", "ini", "key", "log", "old", "orig", "pem", "save",
    "sql", "sqlite", "sqlite3", "swp", "yaml", "yml",
];

/// How the endings of PHP begin: `.php`, `.php5`, `.pht`, `.phtml`, `.phar`.
const SOURCES: [&str; 3] = ["phar", "php", "pht"];

/// Whole names.
const HIDDEN_NAMES: [&str; 4] = [
    "composer.json",
    "composer.lock",
    "package.json",
    "web.config",
];

/// Whether a name in a path is one that is never shown, whatever the file is.
///
/// `a.php` is not: it is run, or is 404. Hidden are all others with a part that begins as PHP's endings do, in any case: `a.PHP`,
/// `a.php.`, `a.php~`, `a.php.bak`, `a.php.php`, `a.php5`, `a.phtml`, `a.phar`.
pub(crate) fn is_hidden(name: &[u8]) -> bool {
    // `.well-known` is for programs that ask, such as certificate authorities.
    if name.starts_with(b".") {
        return name != b".well-known";
    }
    let is_script = name.ends_with(b".php");
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    let (first, last) = name.rsplit_once('.').unwrap_or((&name, ""));
    let parts = if is_script { first } else { &name };
    HIDDEN_NAMES.contains(&&*name)
        || name.ends_with('~')
        || HIDDEN_ENDINGS.contains(&last)
        || parts
            .split('.')
            .skip(1)
            .any(|it| SOURCES.iter().any(|source| it.starts_with(source)))
}
