//! Request bodies and large response bodies.

use libtest_mimic::Failed;
use serde_json::json;

use crate::support::{expect_status, pattern, sum};
use crate::{Behaviour, Request, Site};

const MIB: usize = 1024 * 1024;

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "form_is_parsed",
        check: form_is_parsed,
    },
    Behaviour {
        name: "json_is_parsed",
        check: json_is_parsed,
    },
    Behaviour {
        name: "json_without_its_content_type_is_415",
        check: json_without_its_content_type_is_415,
    },
    Behaviour {
        name: "empty_body_arrives",
        check: empty_body_arrives,
    },
    Behaviour {
        name: "upload_of_10_mib_arrives",
        check: upload_of_10_mib_arrives,
    },
    Behaviour {
        name: "chunked_upload_arrives",
        check: chunked_upload_arrives,
    },
    Behaviour {
        name: "echo_of_1_mib_comes_back",
        check: echo_of_1_mib_comes_back,
    },
    Behaviour {
        name: "early_answer_arrives_although_the_body_is_unread",
        check: early_answer_arrives,
    },
    Behaviour {
        name: "expect_100_continue_is_answered",
        check: expect_100_continue_is_answered,
    },
    Behaviour {
        name: "download_of_10_mib_arrives",
        check: download_of_10_mib_arrives,
    },
];

fn form_is_parsed(site: &Site) -> Result<(), Failed> {
    let request = Request::post(site.at("/form"), "text=a+b%26c&page=7")
        .header("Content-Type", "application/x-www-form-urlencoded");
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(response.json()?, json!({ "text": "a b&c", "page": 7 }));
    Ok(())
}

fn json_is_parsed(site: &Site) -> Result<(), Failed> {
    let value = json!({ "name": "Zoë", "list": [1, 2.5, null] });
    let request = Request::post(site.at("/echo-json"), value.to_string())
        .header("Content-Type", "application/json");
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(
        response.header("content-type").as_deref(),
        Some("application/json")
    );
    assert_eq!(response.json()?, value);
    Ok(())
}

fn json_without_its_content_type_is_415(site: &Site) -> Result<(), Failed> {
    let response = site.send(&Request::post(site.at("/echo-json"), "{}"))?;
    expect_status(&response, 415)
}

fn empty_body_arrives(site: &Site) -> Result<(), Failed> {
    let response = site.send(&Request::post(site.at("/upload"), ""))?;
    assert_eq!(response.json()?, json!({ "bytes": 0, "sum": 0 }));
    Ok(())
}

fn upload_of_10_mib_arrives(site: &Site) -> Result<(), Failed> {
    let body = pattern(10 * MIB);
    let expected = json!({ "bytes": body.len(), "sum": sum(&body) });
    let response = site.send(&Request::post(site.at("/upload"), body))?;
    expect_status(&response, 200)?;
    assert_eq!(response.json()?, expected);
    Ok(())
}

fn chunked_upload_arrives(site: &Site) -> Result<(), Failed> {
    let body = pattern(200_000);
    let response = site.send(&Request::post_chunked(site.at("/upload"), &body, 7000))?;
    expect_status(&response, 200)?;
    assert_eq!(
        response.json()?,
        json!({ "bytes": body.len(), "sum": sum(&body) })
    );
    Ok(())
}

fn echo_of_1_mib_comes_back(site: &Site) -> Result<(), Failed> {
    // A second thread would be needed to read while writing; the web server buffers enough, or the client's kernel does.
    let body = pattern(MIB);
    let response = site.send(&Request::post(site.at("/echo"), body.clone()))?;
    expect_status(&response, 200)?;
    assert!(
        response.body == body,
        "{} bytes came back, or others",
        response.body.len()
    );
    Ok(())
}

fn early_answer_arrives(site: &Site) -> Result<(), Failed> {
    let response = site.send(&Request::post(site.at("/refuse"), pattern(MIB)))?;
    expect_status(&response, 413)?;
    assert_eq!(response.text(), "no, thank you\n");
    Ok(())
}

fn expect_100_continue_is_answered(site: &Site) -> Result<(), Failed> {
    let request = Request::post(site.at("/upload"), "after all").header("Expect", "100-continue");
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(response.json()?["bytes"], 9);
    Ok(())
}

fn download_of_10_mib_arrives(site: &Site) -> Result<(), Failed> {
    let response = site.get(&format!("/download/{}", 10 * MIB))?;
    expect_status(&response, 200)?;
    assert!(
        response.body == pattern(10 * MIB),
        "{} bytes arrived, or others",
        response.body.len()
    );
    Ok(())
}
