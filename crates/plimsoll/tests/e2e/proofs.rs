//! A publisher that is verified because it has proven what it says: the real program asks a
//! real DNS server.

use serde_json::json;
use testkit::{Cast, DnsServer};

use crate::doors::{Doors, until};

#[test]
fn a_domain_is_proven_by_its_record() {
    let dns = DnsServer::start().expect("a DNS server");
    let doors = Doors::open(&format!(
        "[publishers]\ndns_server = \"{}\"\n",
        dns.address()
    ));
    let cast = Cast::gather(doors.server.url(), doors.operator_password()).expect("people");
    let ann = &cast.publisher;
    let application = json!({
        "slug": "acme", "legal_name": "Acme", "website": "https://www.acme.example",
        "phone": "+49 40 5550100", "email": "office@acme.example",
    });
    ann.post("/api/v1/publishers", &application)
        .expect("applied");
    let at = "/api/v1/publishers/acme/proofs";
    let standing = || ann.get(at).expect("its proofs")["domain"].clone();
    let text = standing()["text"].as_str().expect("a text").to_owned();
    dns.set_text("_plimsoll-challenge.acme.example", &["v=spf1 -all", &text]);
    ann.post(&format!("{at}/domain"), &json!(null))
        .expect("asked");
    let proven = until("the domain is proven", || {
        let standing = standing();
        standing["proven_at"].is_string().then_some(standing)
    });
    assert_eq!(proven["way"], "dns-record", "{proven}");
    let verify = json!({"state": "verified"});
    let refused = cast
        .operator
        .post("/api/v1/publishers/acme/decision", &verify);
    let refused = refused.expect_err("the e-mail is not proven").to_string();
    assert!(refused.contains("the company e-mail"), "{refused}");
}
