//! Tokens: what is accepted, what is refused and why.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use plimsoll_trust::{
    PublicKey,
    jws::{self, Jwks, MAX_TOKEN_BYTES},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::key;

fn refusal(token: &str, keys: &[PublicKey]) -> String {
    jws::verify::<Value>(token, keys)
        .expect_err("refused")
        .to_string()
}

/// A token with this header, signed rightly by key 1.
fn with_header(header: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(&json!({"sub": "x"})));
    let signature = URL_SAFE_NO_PAD.encode(key(1).sign_raw(signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[test]
fn a_token_gives_its_claims_back() {
    let claims = json!({"sub": "acme", "access": [{"actions": ["pull"]}]});
    let token = jws::sign(&key(1), &claims).expect("a token");
    let keys = [key(2).public(), key(1).public()];
    assert_eq!(jws::verify::<Value>(&token, &keys).expect("valid"), claims);
}

#[test]
fn says_why_a_token_is_refused() {
    let keys = [key(1).public()];
    let kid = keys[0].key_id();
    let good = jws::sign(&key(1), &json!({"sub": "x"})).expect("a token");
    let other = jws::sign(&key(2), &json!({"sub": "x"})).expect("a token");
    let (signed, signature) = good.rsplit_once('.').expect("three parts");
    let (header, _) = signed.split_once('.').expect("three parts");
    let claims = URL_SAFE_NO_PAD.encode(r#"{"sub":"admin"}"#);
    insta::assert_snapshot!(refusal(&format!("{header}.{claims}.{signature}"), &keys), @"the token's signature does not match: it was altered, or signed by another key");
    insta::assert_snapshot!(refusal(&format!("{signed}."), &keys), @"the token's signature does not match: it was altered, or signed by another key");
    insta::assert_snapshot!(refusal(&other, &keys), @"the token names the key `5a07a723c7956830ae2e6be0ef71b3991162f5ea42d2d54b869cf216734d78d3`, which is not trusted here");
    insta::assert_snapshot!(refusal("a.b", &keys), @"this is no token: expected three parts of base64url, joined by dots");
    insta::assert_snapshot!(refusal(&with_header(&json!({"alg": "none", "kid": kid})), &keys), @"the token is signed with `none`; only ES256 is accepted");
    insta::assert_snapshot!(refusal(&with_header(&json!({"alg": "ES256", "kid": kid, "crit": ["x"]})), &keys), @"the token demands extensions (`crit`), none of which is supported");
    insta::assert_snapshot!(refusal(&with_header(&json!({"alg": "es256", "kid": kid})), &keys), @"the token is signed with `es256`; only ES256 is accepted");
    insta::assert_snapshot!(refusal(&"x".repeat(MAX_TOKEN_BYTES + 1), &keys), @"the token has 16385 bytes; the limit is 16384");
}

#[test]
fn a_key_inside_the_token_is_not_believed() {
    let jwk = serde_json::to_value(jws::Jwk::from(&key(1).public())).expect("JSON");
    let token = with_header(&json!({"alg": "ES256", "kid": "mine", "jwk": jwk}));
    assert!(refusal(&token, &[key(2).public()]).contains("`mine`"));
}

#[test]
fn too_much_to_say_is_an_error() {
    let claims = json!({"text": "x".repeat(MAX_TOKEN_BYTES)});
    assert!(jws::sign(&key(1), &claims).is_err());
}

#[test]
fn the_key_set_has_the_standard_form() {
    let set: Jwks = [key(1).public()].iter().collect();
    insta::assert_json_snapshot!(set, @r#"
{
  "keys": [
    {
      "kty": "EC",
      "crv": "P-256",
      "x": "b_A7lJJBzh2t1DUZ5pYOCoW0GmmgXDKBA6orzhWUyhY",
      "y": "PE91OlW_AdxT9sCwx-7ni0DG_30lqW4igrmJzvccFEo",
      "use": "sig",
      "alg": "ES256",
      "kid": "f857ae4ed6e34e33761aea25caaee3fe54a15960fb92dcd63a375ab121deb2a9"
    }
  ]
}
"#);
}

proptest! {
    #[test]
    fn never_panics(token in "[A-Za-z0-9_.=-]{0,120}", wild in "\\PC{0,60}") {
        let keys = [key(1).public()];
        prop_assert!(jws::verify::<Value>(&token, &keys).is_err());
        prop_assert!(jws::verify::<Value>(&wild, &keys).is_err());
    }

    #[test]
    fn no_changed_letter_passes(at in 0..150usize, letter in "[A-Za-z0-9_-]") {
        let keys = [key(1).public()];
        let token = jws::sign(&key(1), &json!({"sub": "x"})).expect("a token");
        let at = at % token.len();
        prop_assume!(token[at..=at] != letter);
        let altered = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
        prop_assert!(jws::verify::<Value>(&altered, &keys).is_err());
    }
}
