//! What is pushed is read before it is submitted.

use std::time::{Duration, Instant};

use crate::{
    databases::block_on,
    market::{Market, Silent, database},
};

#[test]
fn layers_are_read_soon_after_a_push() {
    let market = Market::start();
    let image = market.image("1.0");
    market
        .desk
        .push(image.as_ref(), "1.0", &Silent)
        .expect("the push succeeds");
    let manifest = image.manifest(image.root()).expect("a manifest");
    let layers = &manifest.image().expect("an image").layers;
    assert!(!layers.is_empty());
    block_on(async {
        let db = database(market.server.data()).await;
        let end = Instant::now() + Duration::from_secs(60);
        for layer in layers {
            let version = i64::from(inventory::PARSER_VERSION);
            loop {
                let mut tx = db.read().await.expect("a transaction");
                let found =
                    store::images::has_layer_report(&mut tx, layer.digest.as_str(), version);
                if found.await.expect("read") {
                    break;
                }
                drop(tx);
                assert!(Instant::now() < end, "nobody read {}", layer.digest);
                tokio::task::yield_now().await;
            }
        }
        db.close().await;
    });
}
