//! Conversations: which files are read, and what a line means.

use std::{fs, time::Duration};

use fastcgi_test_kit::{Conversation, End, Runner, Setting, Step};
use tempfile::TempDir;

#[test]
fn conversations_have_names_of_their_own_and_an_end() {
    let all = Conversation::all();
    let mut names: Vec<_> = all.iter().map(|conversation| &conversation.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
    for conversation in &all {
        let last = conversation.steps.last();
        assert!(
            matches!(last, Some(Step::Expect(_))),
            "{}",
            conversation.name
        );
    }
}

#[test]
fn a_record_is_the_bytes_of_the_specification() {
    let text = "=== records\n\
        > begin 1 responder keep\n\
        > params 258 A=b \"C=d e\" padding 1\n\
        > params 1 end\n\
        > 2 times abort 3\n\
        < stdout 1 \"\\xff\\r\" * 2\n\
        < end 1 258 cant-mpx\n\
        < broken 1\n";
    let conversations = Conversation::parse(text).expect("a conversation");
    let sent = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\
        \x01\x04\x01\x02\x00\x0a\x01\x00\x01\x01Ab\x01\x03Cd e\x00\
        \x01\x04\x00\x01\x00\x00\x00\x00\
        \x01\x02\x00\x03\x00\x00\x00\x00\x01\x02\x00\x03\x00\x00\x00\x00";
    let received = b"\x01\x06\x00\x01\x00\x04\x00\x00\xff\r\xff\r\
        \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x01\x02\x01\x00\x00\x00\
        \x00\x06\x00\x01\x00\x08\x00\x00";
    let steps = [Step::Send(sent.to_vec()), Step::Receive(received.to_vec())];
    assert_eq!(conversations[0].steps, steps);
    assert_eq!(conversations[0].input_len(), sent.len());
}

#[test]
fn a_line_is_a_step_a_setting_or_an_exception() {
    let text = "=== all kinds\n\
        # Not a line.\n\
        set max_reqs 1\n\
        set read 500ms\n\
        set filter on\n\
        except driver \"it is the rule\"\n\
        > shutdown\n\
        > deaf\n\
        > eof\n\
        wait\n  2s\n\
        < open\n";
    let conversations = Conversation::parse(text).expect("a conversation");
    let expected = Conversation {
        name: "all kinds".to_owned(),
        settings: vec![
            Setting::MaxReqs(1),
            Setting::Read(Duration::from_millis(500)),
            Setting::Filter(true),
        ],
        steps: vec![
            Step::Shutdown,
            Step::Deaf,
            Step::SendEof,
            Step::Wait(Duration::from_secs(2)),
            Step::Expect(End::Open),
        ],
        exceptions: vec![(Runner::Driver, "it is the rule".to_owned())],
    };
    assert_eq!(conversations, [expected]);
    assert_eq!(
        conversations[0].exception(Runner::Driver),
        Some("it is the rule")
    );
    assert_eq!(conversations[0].exception(Runner::Blocking), None);
}

#[test]
fn an_invalid_line_is_reported_with_its_number() {
    for line in [
        "> begin 1 nobody",
        "> stdin 1 \"open",
        "< nothing",
        "set max_reqs many",
        "set max_reqs",
        "set authorizer yes",
        "set unknown 1",
        "wait 10",
        "except core \"it holds them all\"",
        "except driver",
        "what",
        "> eof now",
    ] {
        let error = Conversation::parse(&format!("=== one\n{line}\n")).expect_err(line);
        assert!(error.starts_with("line 2: "), "{error}");
        assert!(error.ends_with(line), "{error}");
    }
    let error = Conversation::parse("> eof").expect_err("no name");
    assert!(error.starts_with("line 1: in front of"), "{error}");
}

#[test]
fn every_file_of_the_folder_is_read() {
    let folder = folder();
    fs::write(folder.path().join("b.txt"), "=== second\n< open\n").expect("a file");
    fs::write(folder.path().join("a.txt"), "=== first\n< open\n").expect("a file");
    fs::write(folder.path().join("README.md"), "not one").expect("a file");
    let names: Vec<_> = Conversation::all_in(folder.path())
        .into_iter()
        .map(|conversation| conversation.name)
        .collect();
    assert_eq!(names, ["first", "second"]);
}

#[test]
#[should_panic(expected = "more.text\": nothing runs a file of this kind")]
fn a_file_that_nothing_runs_is_named() {
    let folder = folder();
    fs::write(folder.path().join("more.text"), "=== one\n< open\n").expect("a file");
    let _ = Conversation::all_in(folder.path());
}

#[test]
#[should_panic(expected = "empty.txt\": no conversation")]
fn a_file_without_a_conversation_is_named() {
    let folder = folder();
    fs::write(folder.path().join("empty.txt"), "# Nothing yet.\n").expect("a file");
    let _ = Conversation::all_in(folder.path());
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}
