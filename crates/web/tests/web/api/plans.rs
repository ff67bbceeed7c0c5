//! Plans that give some releases only, for programs.

use serde_json::json;

use super::client::Client;
use crate::fixture::Fixture;

const DRAFT: &str = "/publishers/acme/products/ship-db/manifest";

#[tokio::test]
async fn a_plan_says_what_it_gives_and_consumers_see_tags() {
    let fixture = Fixture::new().await;
    for name in ["ann", "bob"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = nobody.with_token(&fixture.token("ann", true).await);
    let bob = nobody.with_token(&fixture.token("bob", true).await);
    let mut draft = ann.get(DRAFT).await.expect(200);
    assert!(draft["plans"][0].get("sources").is_none(), "{draft}");
    for bad in [json!("a b"), json!(""), json!("a?"), json!("x".repeat(129))] {
        draft["plans"][0]["sources"] = json!([{ "tags": [bad] }]);
        ann.put(DRAFT, &draft).await.expect(422);
    }
    for bad in ["Db", "staging/../db", "/db"] {
        draft["plans"][0]["sources"] = json!([{ "repository": bad }]);
        ann.put(DRAFT, &draft).await.expect(422);
    }
    draft["plans"][0]["sources"] = json!(vec![json!({ "tags": ["1"] }); 11]);
    let saved = ann.put(DRAFT, &draft).await.expect(200);
    assert_eq!(saved["problems"][0]["field"], "plans[0].sources");
    let sources = json!([{ "repository": "db", "tags": ["1.*"] }, { "repository": "hidden-edition", "tags": [] }]);
    draft["plans"][0]["sources"] = sources.clone();
    let saved = ann.put(DRAFT, &draft).await.expect(200);
    assert_eq!(saved["problems"], json!([]));
    let kept = ann.get(DRAFT).await.expect(200);
    assert_eq!(kept["plans"][0]["sources"], sources);
    for tag in ["1.0", "2.0"] {
        let submission = fixture.submission("ann", tag).await;
        let page = ann.get(&format!("/submissions/{submission}")).await;
        assert_eq!(page.expect(200)["hints"], json!([]));
        fixture.release(&submission).await;
    }
    let subscribe = json!({ "plan": "pro", "accept_license": true });
    let path = "/products/acme/ship-db/subscription";
    bob.post(path, &subscribe).await.expect(201);
    for client in [&nobody, &bob] {
        let product = client.get("/products/acme/ship-db").await.expect(200);
        let gives =
            json!([{ "plan": "pro", "everything": false, "tags": ["1.0"], "patterns": [] }]);
        assert_eq!(product["gives"], gives);
        assert!(product["manifest"]["plans"][0].get("sources").is_none());
        let tags = client.get("/products/acme/ship-db/tags").await.expect(200);
        assert_eq!(tags["items"][0]["plans"], json!([]));
        assert_eq!(tags["items"][1]["plans"], json!(["pro"]));
        let found = client.get("/products?q=ship").await.expect(200);
        let of_publisher = client.get("/products/acme").await.expect(200);
        for answer in [product, tags, found, of_publisher] {
            let text = answer.to_string();
            assert!(
                !text.contains("hidden-edition") && !text.contains("staging"),
                "{text}"
            );
        }
    }
    let own = bob.get("/subscriptions").await.expect(200).to_string();
    assert!(!own.contains("hidden-edition"), "{own}");
}
