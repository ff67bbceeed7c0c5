//! What a publisher proves before it is verified: its e-mail by a link, its domain by a text.

use app::{
    Application, DomainFound, Profile, Proofs,
    market::{DomainProof, PublisherDecision, PublisherState},
};
use chrono::TimeDelta;

use crate::world::{World, told};

/// Carl applies; gives the mails that go to the company's address since then.
async fn applied(world: &World) {
    let application = Application {
        slug: "carls".to_owned(),
        legal_name: "Carl's Casks".to_owned(),
        website: "https://www.carl.example/en".to_owned(),
        phone: "+1 555 0100".to_owned(),
        email: "office@carl.example".to_owned(),
        agreement: None,
    };
    mails_to(world, "").await;
    let made = world.app.apply_as_publisher(&world.carl, &application);
    made.await.expect("applied");
}

/// Takes all mail that is due; gives body and link of that to `address`.
async fn mails_to(world: &World, address: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some(mail) = world.app.take_mail().await.expect("mail") {
        if mail.to == address {
            found.push((mail.items[0].body.clone(), mail.items[0].url.clone()));
        }
        world.app.mail_ended(&mail, Ok(())).await.expect("noted");
    }
    found
}

/// Letter and key of the link in the only mail to `address`.
async fn link_to(world: &World, address: &str) -> (String, String) {
    let mails = mails_to(world, address).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    let mut parts = mails[0].1.rsplit('/').map(str::to_owned);
    let key = parts.next().expect("a key");
    (parts.next().expect("a letter"), key)
}

async fn proofs(world: &World) -> Proofs {
    let found = world.app.publisher_proofs(&world.carl, "carls").await;
    found.expect("its proofs")
}

fn found(records: &[&str], file: Result<&str, &str>) -> DomainFound {
    DomainFound {
        records: Ok(records.iter().map(|text| (*text).to_owned()).collect()),
        file: file.map(str::to_owned).map_err(str::to_owned),
    }
}

/// Looks at the domain that is due, and finds this.
async fn look(world: &World, what: &DomainFound) {
    let domain = world.app.take_domain().await.expect("read").expect("due");
    world
        .app
        .domain_looked_at(&domain, what)
        .await
        .expect("noted");
}

async fn titles(world: &World, actor: &app::Actor) -> Vec<String> {
    let told = world
        .app
        .my_notices(actor, app::Part::first(50))
        .await
        .expect("notices");
    told.into_iter().map(|notice| notice.title).collect()
}

async fn prove_domain(world: &World, way: DomainProof) {
    applied(world).await;
    let app = &world.app;
    let standing = proofs(world).await.domain.expect("a domain");
    assert_eq!(
        (standing.record.as_str(), standing.file.as_str()),
        (
            "_plimsoll-challenge.carl.example",
            "https://carl.example/.well-known/plimsoll/domain.txt"
        )
    );
    let due = async || app.take_domain().await.expect("read").is_some();
    assert!(!due().await, "nobody asked");
    let asked = app.look_at_domain(&world.carl, "carls").await;
    asked.expect("asked");
    let refused = told(app.look_at_domain(&world.carl, "carls").await);
    assert!(refused.contains("a moment ago"), "{refused}");
    look(world, &found(&["v=spf1"], Err("it answered 404"))).await;
    let failed = proofs(world).await.domain.expect("a domain");
    assert_eq!(
        failed.error.as_deref(),
        Some("TXT record: none of 1 is the text. File: it answered 404.")
    );
    assert!(!due().await, "a minute later");
    world.clock.advance(TimeDelta::minutes(1));
    let text = standing.text.as_str();
    let what = match way {
        DomainProof::Record => found(&["v=spf1", text], Err("x")),
        DomainProof::File => found(&[], Ok(text)),
    };
    look(world, &what).await;
    let proven = proofs(world).await.domain.and_then(|domain| domain.proven);
    assert_eq!(proven, Some((way, app.now())));
    assert_eq!(titles(world, &world.carl).await, ["carl.example is proven"]);
    world.clock.advance(TimeDelta::days(1));
    assert!(!due().await, "that is all");
}

both! {
    async fn an_address_is_proven_by_the_link_that_is_sent_there(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        let app = &world.app;
        let (letter, key) = link_to(&world, "office@carl.example").await;
        let page = app.email_proof(&letter, &key).await.expect("a page");
        assert_eq!((page.is_open, page.is_proven, page.legal_name.as_str()), (true, false, "Carl's Casks"));
        for (letter, key) in [(letter.as_str(), "guessed"), ("ltr_x", key.as_str()), (letter.as_str(), ""), (letter.as_str(), &key[1..])] {
            assert!(told(app.prove_email(letter, key).await).starts_with("not-found"));
        }
        assert_eq!(proofs(&world).await.email_proven_at, None);
        app.prove_email(&letter, &key).await.expect("proven");
        assert_eq!(proofs(&world).await.email_proven_at, Some(app.now()));
        assert!(told(app.prove_email(&letter, &key).await).starts_with("conflict: the link was used"));
        assert!(told(app.mail_email_proof(&world.carl, "carls").await).contains("proven already"));
    }

    async fn a_link_expires_and_is_not_sent_without_end(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        let app = &world.app;
        let (letter, key) = link_to(&world, "office@carl.example").await;
        assert!(told(app.mail_email_proof(&world.carl, "carls").await).starts_with("too-many-attempts"));
        world.clock.advance(TimeDelta::days(3));
        assert!(!app.email_proof(&letter, &key).await.expect("a page").is_open);
        assert!(told(app.prove_email(&letter, &key).await).starts_with("conflict"));
        for _ in 0..5 {
            app.mail_email_proof(&world.carl, "carls").await.expect("sent");
            world.clock.advance(TimeDelta::minutes(5));
        }
        assert!(told(app.mail_email_proof(&world.carl, "carls").await).starts_with("too-many-attempts"));
        assert_eq!(mails_to(&world, "office@carl.example").await.len(), 5);
    }

    async fn a_link_for_an_address_that_was_mended_proves_nothing(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        let app = &world.app;
        let (letter, key) = link_to(&world, "office@carl.example").await;
        let profile = Profile {
            legal_name: "Carl's Casks Ltd".to_owned(),
            website: "https://carl.example".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "sales@carl.example".to_owned(),
        };
        world.clock.advance(TimeDelta::minutes(5));
        app.change_profile(&world.carl, "carls", &profile).await.expect("changed");
        assert!(told(app.prove_email(&letter, &key).await).starts_with("conflict"));
        let (letter, key) = link_to(&world, "sales@carl.example").await;
        app.prove_email(&letter, &key).await.expect("proven");
        let verify = PublisherDecision::VerifyWithoutProofs;
        app.decide_publisher(&world.operator, "carls", verify, "Known.").await.expect("verified");
        assert!(told(app.change_profile(&world.carl, "carls", &profile).await).contains("as it was verified"));
    }

    async fn a_domain_is_proven_by_a_record(db: Database) {
        let world = World::new(db).await;
        prove_domain(&world, DomainProof::Record).await;
    }

    async fn a_domain_is_proven_by_a_file(db: Database) {
        let world = World::new(db).await;
        prove_domain(&world, DomainProof::File).await;
    }

    async fn another_publishers_text_proves_nothing(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        let acme = world.app.publisher_proofs(&world.owner, "acme").await.expect("its proofs");
        let text = acme.domain.expect("a domain").text;
        world.app.look_at_domain(&world.carl, "carls").await.expect("asked");
        look(&world, &found(&[&text], Ok(&text))).await;
        assert_eq!(proofs(&world).await.domain.expect("a domain").proven, None);
    }

    async fn a_domain_that_is_never_found_is_given_up_and_told(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        world.app.look_at_domain(&world.carl, "carls").await.expect("asked");
        let mut looks = 0;
        for _ in 0..300 {
            if let Some(domain) = world.app.take_domain().await.expect("read") {
                assert!(world.app.take_domain().await.expect("read").is_none(), "one at a time");
                world.app.domain_looked_at(&domain, &found(&[], Err("x"))).await.expect("noted");
                looks += 1;
            }
            world.clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(looks, 8);
        assert_eq!(titles(&world, &world.carl).await, ["carl.example could not be proven"]);
        world.app.look_at_domain(&world.carl, "carls").await.expect("asked again");
        assert!(world.app.take_domain().await.expect("read").is_some());
    }

    async fn whoever_dies_while_looking_is_replaced(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        world.app.look_at_domain(&world.carl, "carls").await.expect("asked");
        let dead = world.app.take_domain().await.expect("read").expect("due");
        world.clock.advance(TimeDelta::minutes(2));
        let text = proofs(&world).await.domain.expect("a domain").text;
        look(&world, &found(&[&text], Err("x"))).await;
        world.app.domain_looked_at(&dead, &found(&[], Err("x"))).await.expect("noted");
    }

    async fn the_operator_verifies_with_proofs_or_says_why_without(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        let app = &world.app;
        let decide = async |decision, reason: &str| app.decide_publisher(&world.operator, "carls", decision, reason).await;
        let refused = told(decide(PublisherDecision::Verify, "").await);
        assert!(refused.contains("the company e-mail and the website's domain"), "{refused}");
        let (letter, key) = link_to(&world, "office@carl.example").await;
        app.prove_email(&letter, &key).await.expect("proven");
        let refused = told(decide(PublisherDecision::Verify, "Nice people").await);
        assert!(refused.contains("has not proven the website's domain: "), "{refused}");
        let before = ["Carl's Casks applied as a publisher", "ACME Harbour Works Ltd applied as a publisher"];
        assert_eq!(titles(&world, &world.operator).await, before);
        app.look_at_domain(&world.carl, "carls").await.expect("asked");
        let text = proofs(&world).await.domain.expect("a domain").text;
        look(&world, &found(&[&text], Err("x"))).await;
        assert_eq!(
            titles(&world, &world.operator).await,
            ["Carl's Casks waits for your decision", before[0], before[1]]
        );
        let verified = decide(PublisherDecision::Verify, "").await.expect("verified");
        assert_eq!(verified.state, PublisherState::Verified);
        let audit = world.audit(verified.id.as_str()).await;
        for line in ["edit-publisher ->email-proven", "edit-publisher ->domain-proven", "decide-publisher applied>verified"] {
            assert!(audit.iter().any(|found| found == line), "{line} in {audit:?}");
        }
    }

    async fn who_is_no_owner_proves_nothing_and_strangers_see_nothing(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        for member in [&world.editor, &world.viewer, &world.reviewer, &world.operator] {
            app.publisher_proofs(member, "acme").await.expect("seen");
            assert!(told(app.look_at_domain(member, "acme").await).starts_with("denied"));
            assert!(told(app.mail_email_proof(member, "acme").await).starts_with("denied"));
        }
        assert!(told(app.publisher_proofs(&world.carl, "acme").await).starts_with("not-found"));
    }

    async fn links_that_were_not_sent_are_handed_over_by_a_password_only(db: Database) {
        let world = World::new(db).await;
        applied(&world).await;
        let letters = world.app.list_letters(&world.operator, app::Part::first(50)).await.expect("letters");
        assert_eq!(letters.iter().map(|view| view.link.is_some()).collect::<Vec<_>>(), [true, false], "acme's was sent");
        let new = crate::accounts::reading("look");
        let (_, secret) = world.app.create_token(&world.operator, &new).await.expect("a token");
        let token = world.app.authenticate_bearer(&secret).await.expect("known");
        let letters = world.app.list_letters(&token, app::Part::first(50)).await.expect("letters");
        assert!(letters.iter().all(|view| view.link.is_none()));
        assert!(told(world.app.list_letters(&world.owner, app::Part::first(50)).await).starts_with("denied"));
    }
}
