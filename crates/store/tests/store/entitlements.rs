//! What plans have to do with images.

use market::{Origin, PlanSource, ReleaseId, ReleasedOrigin, SubscriptionId, SubscriptionState};
use store::{
    Tx, accounts, entitlements, products, releases,
    repositories::{self, ManifestRow},
    submissions, subscriptions,
};

use crate::rows::{Cast, account, at, cast, id, submission};

fn manifest(name: &str, subject: Option<&str>) -> ManifestRow {
    ManifestRow {
        digest: sha(name),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        content: name.as_bytes().to_vec(),
        subject: subject.map(sha),
        artifact_type: None,
        annotations: None,
    }
}

fn sha(name: &str) -> String {
    format!("sha256:{name:0>64}")
}

async fn put(tx: &mut Tx, cast: &Cast, name: &str, subject: Option<&str>, names: &[&str]) {
    let names: Vec<_> = names.iter().map(|name| sha(name)).collect();
    repositories::put_manifest(
        tx,
        &cast.repository.id,
        &manifest(name, subject),
        &names,
        at(0),
    )
    .await
    .expect("kept");
}

/// Releases `digest` under `tag`, submitted from `staging/acme/<from>`.
async fn release(tx: &mut Tx, cast: &Cast, number: u8, (from, tag, digest): (&str, &str, &str)) {
    let mut row = submission(number, &cast.product, &cast.account);
    row.repository = format!("staging/acme/{from}");
    (row.tag, row.digest) = (tag.to_owned(), sha(digest));
    row.state = market::SubmissionState::Released;
    submissions::create(tx, &row).await.expect("created");
    let release = releases::Release {
        id: id(ReleaseId::new, number),
        product_id: cast.product.id.clone(),
        submission_id: row.id,
        repository_id: cast.repository.id.clone(),
        tag: tag.to_owned(),
        digest: sha(digest),
        key_id: "key".to_owned(),
        certified: true,
        released_at: at(i64::from(number)),
        withdrawn_at: None,
    };
    releases::create(tx, &release).await.expect("created");
    repositories::set_tag(tx, &cast.repository.id, tag, &sha(digest), at(0))
        .await
        .expect("set");
}

fn origin(repository: &str, tag: &str) -> Origin {
    Origin {
        repository: repository.to_owned(),
        tag: tag.to_owned(),
    }
}

both! {
    async fn everything_of_an_image_has_its_origins(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let name = cast.repository.name.clone();
        // An index of an image; an image on the same base layer; signatures and the like.
        put(&mut tx, &cast, "11", None, &["12"]).await;
        put(&mut tx, &cast, "12", None, &["13", "99"]).await;
        put(&mut tx, &cast, "21", None, &["23", "99"]).await;
        put(&mut tx, &cast, "31", Some("12"), &["33"]).await;
        put(&mut tx, &cast, "41", None, &["43"]).await;
        put(&mut tx, &cast, "51", None, &["53"]).await;
        release(&mut tx, &cast, 11, ("db", "1.0", "11")).await;
        release(&mut tx, &cast, 12, ("db", "1.0-again", "11")).await;
        release(&mut tx, &cast, 13, ("db-ent", "2.0", "21")).await;
        let beside = format!("{}.sig", sha("21").replace(':', "-"));
        repositories::set_tag(&mut tx, &cast.repository.id, &beside, &sha("41"), at(0)).await.expect("set");
        let first = [origin("db", "1.0"), origin("db", "1.0-again")];
        let second = [origin("db-ent", "2.0")];
        let both: Vec<_> = first.iter().chain(&second).cloned().collect();
        for (digest, wanted) in [
            ("11", &first[..]), ("12", &first), ("13", &first), ("31", &first), ("33", &first),
            ("21", &second), ("23", &second), ("41", &second), ("43", &second),
            ("99", &both), ("51", &[]), ("53", &[]), ("77", &[]),
        ] {
            let found = entitlements::origins(&mut tx, &name, &sha(digest)).await.expect("read");
            assert_eq!(found, wanted, "{digest}");
        }
        assert_eq!(entitlements::origins(&mut tx, "acme/none", &sha("11")).await.expect("read"), []);
        let tags = entitlements::tag_origins(&mut tx, &name, "", 3).await.expect("read");
        let tags: Vec<_> = tags.into_iter().map(|tag| (tag.name, tag.origin)).collect();
        assert_eq!(tags, [
            ("1.0".to_owned(), Some(first[0].clone())), ("1.0".to_owned(), Some(first[1].clone())),
            ("1.0-again".to_owned(), Some(first[0].clone())), ("1.0-again".to_owned(), Some(first[1].clone())),
            ("2.0".to_owned(), Some(second[0].clone())),
        ]);
        let tags = entitlements::tag_origins(&mut tx, &name, "2.0", 3).await.expect("read");
        assert_eq!(tags.len(), 1);
        assert_eq!((tags[0].name.as_str(), &tags[0].origin), (beside.as_str(), &Some(second[0].clone())));
        let all = entitlements::of_product(&mut tx, &cast.product.id).await.expect("read");
        assert_eq!(all.len(), 3);
        assert_eq!(all[0], ReleasedOrigin { digest: sha("21"), origin: second[0].clone(), is_offered: true });
    }

    async fn a_subscription_keeps_what_its_plan_gave(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let bob = account(2, "bob");
        accounts::create(&mut tx, &bob).await.expect("created");
        let sources = [PlanSource { repository: None, tags: vec!["1.*".parse().expect("a pattern")] }];
        let row = subscriptions::Subscription {
            id: id(SubscriptionId::new, 1),
            account_id: bob.id.clone(),
            product_id: cast.product.id.clone(),
            plan: "pro".to_owned(),
            amount_minor: 0,
            currency: "EUR".to_owned(),
            state: SubscriptionState::Active,
            license_accepted_at: at(1),
            started_at: at(1),
            ended_at: None,
        };
        subscriptions::create(&mut tx, &row, &sources).await.expect("created");
        let bought = entitlements::bought(&mut tx, &bob.id, &cast.product.id).await.expect("read");
        let bought = bought.expect("a subscription");
        assert_eq!((bought.plan.as_str(), &bought.sources[..]), ("pro", &sources[..]));
        let released = repositories::Repository {
            id: id(market::RepositoryId::new, 7),
            name: "acme/db".to_owned(),
            publisher_id: cast.publisher.id.clone(),
            product_id: Some(cast.product.id.to_string()),
            created_at: at(0),
        };
        repositories::find_or_create(&mut tx, &released).await.expect("created");
        let deciding = |account: String| (account, "acme/db");
        for (account, name) in [deciding(bob.id.to_string()), deciding(String::new())] {
            let found = entitlements::deciding(&mut tx, name, &account).await.expect("read").expect("a product");
            let has = found.bought().map(|bought| (bought.plan.to_owned(), bought.sources.to_vec()));
            assert_eq!(has, (!account.is_empty()).then(|| ("pro".to_owned(), sources.to_vec())));
            assert_eq!(found.listed, None);
        }
        assert_eq!(entitlements::deciding(&mut tx, "acme/none", "").await.expect("read"), None);
        subscriptions::lapse(&mut tx, &row.id, at(2)).await.expect("ended");
        assert_eq!(entitlements::bought(&mut tx, &bob.id, &cast.product.id).await.expect("read"), None);
        assert!(products::find(&mut tx, &cast.product.id).await.expect("read").is_some());
    }
}
