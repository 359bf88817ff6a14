//! The program without its server.
#![cfg(not(feature = "serve"))]

mod common;

use predicates::prelude::*;

#[test]
fn there_is_no_server_and_the_program_says_so() {
    common::slide()
        .args(["serve", "m.slide"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("without the feature `serve`"));
}
