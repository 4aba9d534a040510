//! What a client can do to the path: nothing, whatever it asks for, behind models of web servers.

use std::collections::BTreeMap;

use fastcgi_core::cgi::OnMismatch;

use crate::fixtures::percent_decoded;
use crate::request_target::{Random, mapping, squashed};
use crate::web_servers::{WEB_SERVERS, encoded, target};

/// How many targets are tried, behind a web server of several each.
const TARGETS: usize = 20_000;

#[test]
fn a_client_chooses_neither_the_path_nor_its_spelling() {
    let mut random = Random::new(9);
    let mappings =
        [None, Some(""), Some("/app")].map(|script_name| (script_name, mapping(script_name)));
    let mut accepted = BTreeMap::<_, usize>::new();
    for _ in 0..TARGETS {
        let target = target(&mut random);
        let Some(sent) = random.pick(&WEB_SERVERS)(&mut random, &target) else {
            continue;
        };
        let params = sent.params();
        for (script_name, mapping) in &mappings {
            let on_mismatch = random.pick(&[OnMismatch::Keep, OnMismatch::NotFound]);
            let Ok(head) = mapping.clone().on_mismatch(on_mismatch).request(&params) else {
                continue;
            };
            *accepted.entry((sent.web_server, *script_name)).or_default() += 1;
            let path = head.uri.path();
            let words = sent.words(*script_name);
            let says = || {
                let pairs = sent
                    .pairs
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.escape_ascii()));
                format!(
                    "{path} in {script_name:?} of {:?}",
                    pairs.collect::<Vec<_>>()
                )
            };
            let decoded = squashed(&percent_decoded(path));
            assert!(words.contains(&decoded), "another path: {}", says());

            let raw = path.split('/').map(percent_decoded);
            let segments = raw.filter(|it| it.iter().any(|&byte| byte != b'/')).count();
            let meant = decoded.split(|&byte| byte == b'/');
            let most = meant.filter(|it| !it.is_empty()).count();
            assert!(segments <= most, "more segments: {}", says());
            if sent.is_redirected && !sent.is_asked_for() {
                let spelled = words.iter().any(|word| encoded(word) == path);
                assert!(spelled, "another spelling: {}", says());
            }
        }
    }
    let expected = WEB_SERVERS.len() * mappings.len();
    assert_eq!(accepted.len(), expected, "{accepted:?}");
    let least = accepted.values().min().unwrap();
    assert!(*least > TARGETS / 100, "{accepted:?}");
}
