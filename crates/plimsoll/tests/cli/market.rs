//! Accounts, publishers and tokens, on the data folder.

use crate::{serve::Server, support::Place};

#[test]
fn accounts_and_tokens_beside_a_running_server() {
    let place = Place::new();
    let _server = Server::start(&place, &[]);
    let data = ["--data", "data"];
    let made = place.json(
        &[
            &["account", "create", "ann", "--email", "ann@example.com"],
            &data[..],
        ]
        .concat(),
    );
    assert_eq!(made["password"].as_str().map(str::len), Some(20));
    let again = place.run(
        &[
            &["account", "create", "ann", "--email", "ann@example.com"],
            &data[..],
        ]
        .concat(),
    );
    insta::assert_snapshot!(again, @r#"
exit 2
--- out ---
--- err ---
error: name: `ann` is taken: choose another name
"#);
    let set = place.output_with_input(
        &[
            &["account", "password", "ann", "--password-stdin"],
            &data[..],
        ]
        .concat(),
        "correct horse battery\n",
    );
    insta::assert_snapshot!(place.show(&set), @r#"
exit 0
--- out ---
Set the password of ann
--- err ---
"#);
    let short = place.output_with_input(
        &[
            &["account", "password", "ann", "--password-stdin"],
            &data[..],
        ]
        .concat(),
        "short\n",
    );
    insta::assert_snapshot!(place.show(&short), @r#"
exit 2
--- out ---
--- err ---
error: password: use at least 12 characters
"#);
    let token = place.json(
        &[
            &["token", "create", "ci", "--account", "ann", "--read-only"],
            &data[..],
        ]
        .concat(),
    );
    let id = token["id"].as_str().expect("an id");
    assert!(
        token["token"]
            .as_str()
            .is_some_and(|text| text.starts_with("plm_"))
    );
    place.json(&[&["token", "revoke", id, "--account", "ann"], &data[..]].concat());
    let tokens = place.json(&[&["token", "list", "--account", "ann"], &data[..]].concat());
    assert_eq!(tokens, serde_json::json!([]));
    place.json(&[&["account", "disable", "ann"], &data[..]].concat());
    let accounts = place.json(&[&["account", "list"], &data[..]].concat());
    assert!(accounts.as_array().is_some_and(|all| all.len() == 2));
    let unknown = place.run(&[&["publisher", "verify", "acme"], &data[..]].concat());
    insta::assert_snapshot!(unknown, @r#"
exit 2
--- out ---
--- err ---
error: there is no publisher `acme` that you can see
"#);
}
