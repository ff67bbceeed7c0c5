//! Everything that can be wrong with a request has one form, one status and clear words.

use axum::body::Body;
use serde_json::json;

use super::client::{Client, Reply};
use crate::fixture::{Fixture, picture};

async fn market() -> (Fixture, Client, Client) {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    let nobody = Client::anonymous(&fixture.app);
    let ann = nobody.with_token(&fixture.token("ann", true).await);
    (fixture, nobody, ann)
}

fn says(reply: Reply, status: u16, words: &str) {
    let text = reply.text();
    assert_eq!(reply.refused().0, status, "{text}");
    assert!(text.contains(words), "{text}");
}

#[tokio::test]
async fn bodies() {
    let (_fixture, _, ann) = market().await;
    let post = |media_type: &'static str, body: &str| {
        let (ann, body) = (ann.clone(), Body::from(body.to_owned()));
        async move {
            ann.send("POST", "/publishers/acme/products", media_type, body)
                .await
        }
    };
    says(post("application/json", "{").await, 400, "not JSON");
    says(post("application/json", "").await, 400, "not JSON");
    says(post("text/plain", "{}").await, 415, "application/json");
    says(post("", "{}").await, 415, "application/json");
    says(
        post("application/json", "{}").await,
        422,
        "missing field `slug`",
    );
    let unknown = r#"{"slug":"db","colour":1}"#;
    says(
        post("application/json", unknown).await,
        422,
        "unknown field `colour`",
    );
    says(
        post("application/json", r#"{"slug":"D B"}"#).await,
        422,
        "no short name",
    );
    says(
        post("application/json", r#"{"slug":"api"}"#).await,
        422,
        "reserved",
    );
    let large = format!(r#"{{"slug":"{}"}}"#, "x".repeat(1 << 20));
    says(
        post("application/json", &large).await,
        413,
        "larger than 1048576 bytes",
    );
    let charset = post("application/json; charset=utf-8", r#"{"slug":"ship-db"}"#).await;
    charset.expect(201);
}

#[tokio::test]
async fn fields_are_named_where_they_stand() {
    let (_fixture, _, ann) = market().await;
    ann.post("/publishers/acme/products", &json!({"slug": "db"}))
        .await
        .expect(201);
    let plan = json!({"id": "pro", "name": "", "description": "", "price": {"amount_minor": -1, "currency": "USD"}});
    let manifest = json!({"plans": [plan]});
    let refused = ann
        .put("/publishers/acme/products/db/manifest", &manifest)
        .await
        .expect(422);
    let problem = &refused["error"]["problems"][0];
    assert_eq!(problem["field"], "plans[0].price.amount_minor");
    let list = json!({"license": [null, null]});
    let refused = ann
        .put("/publishers/acme/products/db/manifest", &list)
        .await;
    says(refused, 422, "expected an object");
    let zero = json!({"name": "a\u{0}b"});
    let refused = ann
        .put("/publishers/acme/products/db/manifest", &zero)
        .await;
    says(refused, 422, "U+0000");
}

#[tokio::test]
async fn pictures() {
    let (_fixture, _, ann) = market().await;
    let post = |media_type: &'static str, body: Vec<u8>| {
        let ann = ann.clone();
        async move {
            ann.send("POST", "/publishers/acme/pictures", media_type, body.into())
                .await
        }
    };
    says(
        post("image/jpeg", picture(8).to_vec()).await,
        415,
        "image/png",
    );
    says(post("image/png", b"GIF89a".to_vec()).await, 422, "PNG");
    says(
        post("image/png", vec![0; (5 << 20) + 1]).await,
        413,
        "larger than 5242880 bytes",
    );
    let small = post("image/png", picture(8).to_vec()).await.expect(201);
    let logo = json!({"digest": small["digest"]});
    says(ann.put("/publishers/acme/logo", &logo).await, 422, "512");
}

#[tokio::test]
async fn paths_queries_and_methods() {
    let (_fixture, nobody, ann) = market().await;
    says(nobody.get("/nothing").await, 404, "/api/v1/openapi.json");
    says(nobody.get("/products/acme/none").await, 404, "acme/none");
    says(nobody.get("/products/ACME/x").await, 404, "nothing at");
    says(nobody.get("/products/%ff/db").await, 400, "UTF-8");
    says(nobody.get("/products?page=x").await, 400, "page");
    says(nobody.get("/products?page=0").await, 400, "use 1 to 10000");
    says(
        nobody.get("/products?catgory=Security").await,
        400,
        "unknown field `catgory`",
    );
    says(
        nobody.get("/products?category=Ships").await,
        400,
        "Databases",
    );
    says(nobody.get("/products?q=%00").await, 400, "U+0000");
    says(ann.get("/submissions/sub_1").await, 404, "nothing at");
    let patch = nobody.send("PATCH", "/publishers", "", Body::empty()).await;
    let mut allowed: Vec<_> = patch.headers["allow"]
        .to_str()
        .expect("text")
        .split(',')
        .collect();
    allowed.sort_unstable();
    assert_eq!(allowed, ["GET", "HEAD", "POST"]);
    says(patch, 405, "Allow");
}

#[tokio::test]
async fn credentials() {
    let (_fixture, nobody, _) = market().await;
    for authorization in [
        "Bearer plm_x_y",
        "Bearer x",
        "Bearer ",
        "Basic",
        "Basic ?",
        "Basic YW5u",
        "Basic AGFubjp4",
        "Digest x",
    ] {
        let reply = nobody.with(authorization).get("/products").await;
        let ways: Vec<_> = reply.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(ways.len(), 2, "{authorization}");
        assert_eq!(reply.refused().0, 401, "{authorization}");
    }
    // The sixth wrong password must wait.
    let guess = nobody.with("Basic YW5uOndyb25n");
    for _ in 0..5 {
        assert_eq!(guess.get("/account").await.refused().0, 401);
    }
    let reply = guess.get("/account").await;
    let wait: u64 = reply.headers["retry-after"]
        .to_str()
        .expect("text")
        .parse()
        .expect("seconds");
    assert!((1..=3).contains(&wait));
    says(reply, 429, "too many attempts");
}

#[tokio::test]
async fn a_failure_tells_nothing_of_the_inside() {
    let (fixture, nobody, _) = market().await;
    fixture.app.close().await;
    let reply = nobody.get("/products").await;
    let text = reply.text();
    assert_eq!(reply.refused(), (500, "internal".to_owned()));
    assert!(!text.contains("sqlx") && !text.contains("pool"), "{text}");
}
