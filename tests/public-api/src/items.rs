//! What a listing says of functions and types, by their bare names: no two public types have one name.

use std::collections::BTreeSet;

/// The crates whose types are ours.
const CRATES: [&str; 4] = [
    "fastcgi_core::",
    "fastcgi_tower::",
    "axum_fastcgi::",
    "fastcgi_actix::",
];

/// A line of a listing.
#[derive(Debug)]
pub struct Item<'a> {
    line: &'a str,
    /// Such as `pub fn`.
    kind: &'a str,
    /// Such as `a::b::Type::name`.
    path: String,
}

/// The items of a listing, without those of implementations of traits.
pub fn items(listing: &str) -> impl Iterator<Item = Item<'_>> {
    let mut is_of_trait = false;
    listing.lines().filter_map(move |line| {
        if line.starts_with("impl") {
            let head = line.split(" where ").next().unwrap_or(line);
            is_of_trait = head.contains(" for ");
            return None;
        }
        let item = Item::parse(line)?;
        is_of_trait &= matches!(item.kind, "pub fn" | "pub type" | "pub const");
        let is_member =
            item.path.split("::").filter(|it| is_type(it)).count() > 0 && item.defined().is_none();
        (!is_of_trait || !is_member).then_some(item)
    })
}

impl<'a> Item<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let rest = line.trim_start_matches("#[non_exhaustive] ");
        let start = rest.find("::")?;
        let start = rest.get(..start)?.rfind(' ')?;
        let (kind, path) = rest.split_at_checked(start)?;
        Some(Self {
            line,
            kind,
            path: without_generics(path.trim_start()),
        })
    }

    /// `Type::name` of a function, or `name` of one that belongs to no type.
    pub fn function(&self) -> Option<&str> {
        if !self.kind.ends_with(" fn") {
            return None;
        }
        let mut at = 0;
        for segment in self.path.split("::") {
            if is_type(segment) {
                return self.path.get(at..);
            }
            at += segment.len() + 2;
        }
        self.path.rsplit("::").next()
    }

    /// The type, trait or alias that is defined or exported here.
    pub fn defined(&self) -> Option<&str> {
        let kinds = ["struct", "enum", "union", "trait", "type", "use"];
        let kind = self.kind.strip_prefix("pub ")?;
        let (parents, last) = self.path.rsplit_once("::")?;
        let is_free = !parents.split("::").any(is_type);
        (kinds.contains(&kind) && is_free && is_type(last)).then_some(last)
    }

    /// The module or crate that is exported here.
    pub fn exported_module(&self) -> Option<&str> {
        let (_, last) = self.path.rsplit_once("::")?;
        (self.kind == "pub use" && !is_type(last)).then_some(last)
    }

    /// Whether it is in a module of this name, below its crate.
    pub fn is_in(&self, module: &str) -> bool {
        self.path.split("::").nth(1) == Some(module)
    }

    /// The crates that it mentions.
    pub fn crates(&self) -> BTreeSet<&'a str> {
        let words = self.words().filter_map(|word| word.split_once("::"));
        let names = words.map(|(name, _)| name);
        names
            .filter(|name| name.starts_with(char::is_lowercase))
            .collect()
    }

    fn words(&self) -> impl Iterator<Item = &'a str> {
        let is_of_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        self.line.split(move |c| !is_of_path(c))
    }

    /// The types of ours that it mentions.
    pub fn types(&self) -> BTreeSet<&'a str> {
        self.words()
            .filter_map(|word| {
                // In some bounds public-api prints no colon before the trait.
                let start = CRATES.iter().find_map(|name| word.find(name))?;
                let path = word.get(start..)?.trim_end_matches(':');
                path.split("::").find(|it| is_type(it))
            })
            .collect()
    }
}

/// The path at the beginning of a text, without what is between `<` and `>`.
fn without_generics(text: &str) -> String {
    let mut path = String::new();
    let mut depth = 0_usize;
    for character in text.chars() {
        match character {
            '<' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            '(' | ' ' | '=' if depth == 0 => break,
            _ if depth == 0 => path.push(character),
            _ => {}
        }
    }
    path.trim_end_matches(':').to_owned()
}

/// Whether a name is that of a type: `Limits`, and neither `limits` nor `BACKLOG`.
fn is_type(name: &str) -> bool {
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}
