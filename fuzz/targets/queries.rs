//! Query strings, forms, and the scopes in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oci::{Query, Scope, percent_decode, percent_encode};

fuzz_target!(|text: &str| {
    assert_eq!(percent_decode(&percent_encode(text)).as_deref(), Some(text));
    let escaped = format!("scope={}", percent_encode(text));
    let query = Query::parse(&escaped).expect("what is escaped is read");
    assert_eq!(query.one("scope"), Ok(Some(text)));
    for query in Query::parse(text).iter().chain([&query]) {
        for scope in query.all("scope").flat_map(str::split_ascii_whitespace) {
            let Some(scope) = Scope::parse(scope) else {
                continue;
            };
            assert!(scope.actions.iter().all(|action| !action.is_empty() && !action.contains(',')));
        }
    }
});
