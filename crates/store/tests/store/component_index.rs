//! The index of components: who holds what, and what is said of it.

use serde_json::json;
use store::component_index::{self as index, NewComponent, NewPackage, PackageMatch};

use crate::rows::{at, cast};

both! {
    async fn an_image_is_found_under_its_packages(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let image = store::images::ImageRow {
            digest: "sha256:i".to_owned(),
            platform: "linux/amd64".to_owned(),
            size: 1,
            content: vec![1],
            distribution: None,
            created_at: at(0),
        };
        store::images::put(&mut tx, &cast.submission.id, 0, &image).await.expect("put");
        assert_eq!(index::images_to_index(&mut tx, 9).await.expect("read"), ["sha256:i"]);
        let first = index::take_numbers(&mut tx, 3).await.expect("numbers");
        assert_eq!(index::take_numbers(&mut tx, 1).await.expect("numbers"), first + 3);
        let keys = [("Debian:12".to_owned(), "openssl".to_owned())];
        let package = NewPackage { id: first, digest: "p", package: &json!({"name": "libssl3"}), keys: &keys };
        index::add_package(&mut tx, &package).await.expect("added");
        let component = NewComponent { id: first + 1, digest: "c", package: first, component: &json!({"path": "a"}) };
        index::add_component(&mut tx, &component).await.expect("added");
        index::index_image(&mut tx, "sha256:i", first + 2, "d", &[first + 1]).await.expect("indexed");
        assert!(index::images_to_index(&mut tx, 9).await.expect("read").is_empty());
        assert_eq!(index::indexed_under(&mut tx, "sha256:i").await.expect("read").as_deref(), Some("d"));

        let under = index::packages_under(&mut tx, "Debian:12", "openssl").await;
        assert_eq!(under.expect("read"), [first]);
        assert_eq!(index::package_numbers(&mut tx, &["p", "q"]).await.expect("read"), [("p".to_owned(), first)]);
        assert_eq!(index::component_numbers(&mut tx, &["c"]).await.expect("read"), [("c".to_owned(), first + 1)]);
        let (page, next) = index::packages_by_key(&mut tx, &index::Cursor::default(), 5).await.expect("read");
        assert_eq!(page, index::packages(&mut tx, &[first]).await.expect("read"));
        let (page, _) = index::packages_by_key(&mut tx, &next.expect("more"), 5).await.expect("read");
        assert!(page.is_empty());

        // Nobody holds it while the machine looks at it, and the reviewer does afterwards.
        assert_eq!(index::next_images(&mut tx, first, 0, 9).await.expect("read"), Some(first + 2));
        let all = (0, first + 2);
        assert!(index::holders(&mut tx, first, all).await.expect("read").is_empty());
        let move_on = (market::SubmissionState::Inspecting, market::SubmissionState::InReview);
        store::submissions::set_state(&mut tx, &cast.submission.id, move_on, at(1)).await.expect("set");
        let holders = index::holders(&mut tx, first, all).await.expect("read");
        assert_eq!((holders.len(), holders[0].released), (1, false));
        assert_eq!(holders[0].component.0, json!({"path": "a"}));
        assert_eq!(index::next_images(&mut tx, first, first + 2, 9).await.expect("read"), None);

        // Indexed anew under nothing: it is no longer found.
        index::index_image(&mut tx, "sha256:i", first + 9, "e", &[]).await.expect("indexed");
        assert!(index::holders(&mut tx, first, (0, first + 9)).await.expect("read").is_empty());
        assert_eq!(index::sweep(&mut tx).await.expect("swept"), 1);
    }

    async fn what_is_said_again_is_said_since_then(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let said = |fingerprint: &str, seconds| PackageMatch {
            package_id: 1,
            vulnerability: "CVE-1".to_owned(),
            fingerprint: fingerprint.to_owned(),
            detail: json!({"of": fingerprint}).into(),
            database: "v1".to_owned(),
            since: at(seconds),
            ended_at: None,
            ended_because: None,
        };
        index::put_match(&mut tx, &said("a", 1)).await.expect("put");
        index::put_match(&mut tx, &said("b", 2)).await.expect("put");
        let read = index::matches(&mut tx, &[1]).await.expect("read");
        assert_eq!(read, [PackageMatch { since: at(1), ..said("b", 1) }]);
        index::end_match(&mut tx, 1, "CVE-1", at(3), "withdrawn").await.expect("ended");
        assert!(index::said(&mut tx, &[1]).await.expect("read").is_empty());
        let read = index::matches(&mut tx, &[1]).await.expect("read");
        assert_eq!(read[0].ended_because.as_deref(), Some("withdrawn"));
        index::put_match(&mut tx, &said("c", 4)).await.expect("put");
        assert_eq!(index::matches(&mut tx, &[1]).await.expect("read"), [said("c", 4)]);
        assert_eq!(index::said(&mut tx, &[1]).await.expect("read")[0].fingerprint, "c");
    }
}
