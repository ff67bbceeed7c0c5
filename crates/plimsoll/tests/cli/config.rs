//! Configuration: where values come from, and what is said about wrong ones.

use crate::support::Place;

#[test]
fn unknown_keys_and_wrong_types_name_file_and_line() {
    let place = Place::new();
    place.write(
        "plimsoll.toml",
        "[server]\nlisten = \"127.0.0.1:80\"\nworker = 3\n\n[registry]\ntoken_life = 15\n",
    );
    insta::assert_snapshot!(place.run(&["config", "check"]));
}

#[test]
fn values_say_where_they_come_from_and_secrets_stay_hidden() {
    let place = Place::new();
    place.write(
        "plimsoll.toml",
        "[keys]\npassphrase = \"geheim\"\n[database]\nurl = \"postgres://me:geheim@db/market\"\n",
    );
    let output = place
        .command(&["config", "show", "--data", "store"])
        .env("PLIMSOLL_SERVER_WORKERS", "5")
        .output()
        .expect("the binary runs");
    assert!(!place.show(&output).contains("geheim"));
    insta::assert_snapshot!(place.show(&output));
}

#[test]
fn a_misspelt_variable_is_pointed_out() {
    let place = Place::new();
    let output = place
        .command(&["config", "check"])
        .env("PLIMSOLL_DATA_DIRR", "x")
        .output()
        .expect("the binary runs");
    insta::assert_snapshot!(place.show(&output));
}

#[test]
fn a_missing_file_and_a_wrong_variable_are_errors() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["config", "check", "--config", "no.toml"]));
    let output = place
        .command(&["config", "check"])
        .env("PLIMSOLL_REGISTRY_MAX_BLOB_BYTES", "plenty")
        .output()
        .expect("the binary runs");
    insta::assert_snapshot!(place.show(&output));
}
