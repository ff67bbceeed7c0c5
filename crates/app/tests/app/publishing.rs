//! Applying, pictures, drafts: what is refused, and in which words.

use app::{
    Application,
    market::{ListingState, Platform, PublisherDecision},
    oci::Digest,
};

use crate::{
    images::{Image, picture},
    world::{World, told},
};

both! {
    async fn a_manifest_is_complete_or_all_of_it_is_told(db: Database) {
        let world = World::new(db).await;
        let whole = world.product().await;
        world.push(Some("1.0"), &Image::vulnerable("one")).await;
        let app = &world.app;
        let save = async |draft: &market::ProductManifest| {
            let problems = app.save_draft(&world.editor, "acme", "db", draft).await.expect("saved");
            let refused = world.submit("1.0").await;
            assert_eq!(problems.is_empty(), refused.is_ok(), "{problems:?}");
            problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        let empty = save(&market::ProductManifest::default()).await;
        assert_eq!(empty, ["name", "logo", "short_description", "category", "long_description", "screenshots", "support_link", "support.website", "support.sla", "plans", "installation_instructions", "license"]);
        let mut draft = whole.clone();
        draft.short_description = "x".repeat(141);
        assert_eq!(save(&draft).await, ["short_description"]);
        let mut draft = whole.clone();
        draft.platform = Platform::Other;
        assert_eq!(save(&draft).await, ["platform"]);
        let mut draft = whole.clone();
        draft.screenshots = vec!["sha256:nothing".to_owned()];
        draft.logo = Some("sha256:nothing".to_owned());
        assert_eq!(save(&draft).await, ["logo", "screenshots[0]"]);
        for (width, height) in [(511, 511), (600, 512), (512, 513)] {
            let asset = app.upload_picture(&world.editor, "acme", picture(width, height).into()).await.expect("a picture");
            assert!(told(app.set_publisher_logo(&world.editor, "acme", &asset.digest).await).starts_with("invalid: logo"));
            let mut draft = whole.clone();
            draft.logo = Some(asset.digest);
            assert_eq!(save(&draft).await, ["logo"], "{width} × {height}");
        }
        assert_eq!(save(&whole).await, Vec::<String>::new());
    }

    async fn pictures_are_decoded_and_not_trusted(db: Database) {
        let world = World::new(db).await;
        let upload = async |bytes: Vec<u8>| world.app.upload_picture(&world.editor, "acme", bytes.into()).await;
        let whole = picture(512, 512);
        for broken in [b"GIF89a".to_vec(), Vec::new(), whole[..whole.len() / 2].to_vec(), b"<svg/>".to_vec()] {
            assert!(told(upload(broken).await).starts_with("invalid: picture"));
        }
        assert!(told(upload(vec![0; 6 << 20]).await).starts_with("too-large"));
        assert!(told(upload(picture(8_193, 1)).await).contains("8192 along an edge"));
        let asset = upload(whole.clone()).await.expect("a picture");
        let (media_type, bytes) = world.app.picture(&asset.digest).await.expect("there");
        assert_eq!((media_type.as_str(), bytes.as_ref()), ("image/png", whole.as_slice()));
        assert!(told(world.app.picture(Digest::of(b"x").as_str()).await).starts_with("not-found"));
        assert!(told(world.app.picture("../../etc/passwd").await).starts_with("not-found"));
    }

    async fn the_agreement_is_accepted_before_anything_is_submitted(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let app = &world.app;
        assert_eq!(app.agreement(None).await.expect("read"), None);
        assert!(told(app.set_agreement(&world.operator, " ").await).contains("write the agreement"));
        let first = app.set_agreement(&world.operator, "Be *good*.\n").await.expect("set");
        assert_eq!((first.version, first.text.as_str()), (1, "Be *good*."));
        assert!(told(app.set_agreement(&world.operator, "Be *good*.").await).contains("the same"));

        let image = Image::debian(&[("bash", "5.1-2+deb11u1")], "one");
        world.push(Some("1.0"), &image).await;
        let submit = async || world.submit("1.0").await;
        assert!(told(submit().await).contains("must accept version 1 of the publisher agreement"));
        assert!(told(app.accept_agreement(&world.editor, "acme", 1).await).starts_with("denied"));
        assert!(told(app.accept_agreement(&world.owner, "acme", 2).await).contains("accept version 1"));
        app.accept_agreement(&world.owner, "acme", 1).await.expect("accepted");
        app.accept_agreement(&world.owner, "acme", 1).await.expect("accepted before");
        submit().await.expect("submitted");

        app.set_agreement(&world.operator, "Be better.").await.expect("set");
        let state = app.agreement_state(&world.viewer, "acme").await.expect("its state");
        assert_eq!(state.due().map(|due| due.version), Some(2));
        assert_eq!((state.accepted.len(), state.accepted[0].account.as_str()), (1, "oscar-owner"));
        assert!(!state.may_accept && app.agreement_state(&world.owner, "acme").await.expect("its state").may_accept);
        let old = app.agreement(Some(1)).await.expect("read").expect("kept");
        assert_eq!(old.text, "Be *good*.");
        let application = |agreement| Application {
            slug: "carls".to_owned(),
            legal_name: "Carl".to_owned(),
            website: "https://carl.example".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "carl@carl.example".to_owned(),
            agreement,
        };
        for stale in [None, Some(1)] {
            let refused = app.apply_as_publisher(&world.carl, &application(stale)).await;
            assert!(told(refused).contains("agreement: read and accept version 2"));
        }
        app.apply_as_publisher(&world.carl, &application(Some(2))).await.expect("applied");
        let state = app.agreement_state(&world.carl, "carls").await.expect("its state");
        assert_eq!((state.due(), state.accepted[0].version), (None, 2));
    }

    async fn who_is_not_verified_publishes_nothing(db: Database) {
        let world = World::new(db).await;
        let carl = &world.carl;
        let application = |slug: &str| Application {
            slug: slug.to_owned(),
            legal_name: "Carl".to_owned(),
            website: "https://carl.example".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "carl@carl.example".to_owned(),
            agreement: None,
        };
        assert!(told(world.app.apply_as_publisher(carl, &application("acme")).await).contains("is taken"));
        let wrong = Application { website: "javascript:x".to_owned(), phone: "call me".to_owned(), email: "x".to_owned(), legal_name: String::new(), slug: "Staging!".to_owned(), agreement: None };
        let told_all = told(world.app.apply_as_publisher(carl, &wrong).await);
        for field in ["slug", "legal_name", "website", "phone", "email"] {
            assert!(told_all.contains(&format!("{field}: ")), "{told_all}");
        }
        world.app.apply_as_publisher(carl, &application("carls")).await.expect("applied");
        assert!(told(world.app.create_product(carl, "carls", "db").await).starts_with("denied: publisher `carls` is not verified yet"));
        assert_eq!(world.rights(carl, "staging/carls/db").await, (true, false));
        let decide = async |to, reason: &str| world.app.decide_publisher(&world.operator, "carls", to, reason).await;
        assert!(told(decide(PublisherDecision::Reject, "").await).starts_with("invalid: reason"));
        assert!(told(decide(PublisherDecision::Suspend, "x").await).starts_with("conflict"));
        assert!(told(decide(PublisherDecision::Verify, "").await).contains("has not proven the company e-mail and the website's domain"));
        assert!(told(decide(PublisherDecision::VerifyWithoutProofs, " ").await).starts_with("invalid: reason"));
        decide(PublisherDecision::VerifyWithoutProofs, "Known for years").await.expect("verified");
        assert_eq!(world.rights(carl, "staging/carls/db").await, (true, true));
        decide(PublisherDecision::Suspend, "Spam").await.expect("suspended");
        assert_eq!(world.rights(carl, "staging/carls/db").await, (true, false));
        assert!(told(world.app.create_product(carl, "carls", "db").await).contains("suspended: Spam"));
    }

    async fn a_suspension_holds_what_is_listed_and_lifts_again(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let next = world.submitted("2.0", &Image::vulnerable("two")).await;
        let state = async || {
            let product = app.product_draft(&world.owner, "acme", "db").await.expect("there").1;
            (product.state, product.state_reason)
        };
        let decide = async |decision| app.decide_publisher(&world.operator, "acme", decision, "So.").await.expect("decided");
        decide(PublisherDecision::Suspend).await;
        assert_eq!(state().await, (ListingState::OnHold, Some("Its publisher is suspended.".to_owned())));
        assert_eq!(world.rights(&world.editor, "staging/acme/db").await, (true, false));
        assert!(told(world.decide(&next, market::Decision::Approve, "").await).contains("nothing of it is approved"));
        let lift = app.manage_listing(&world.operator, "acme", "db", market::ListingEvent::Reinstate, "x").await;
        assert!(told(lift).contains("is suspended: verify it again first"));
        let public = app.public_publisher("acme", app::Part::ALL).await.expect("still there");
        assert_eq!((public.is_verified, public.cards.len()), (false, 1));
        decide(PublisherDecision::VerifyWithoutProofs).await;
        assert_eq!(state().await.0, ListingState::Listed);
        assert!(app.public_publisher("acme", app::Part::ALL).await.expect("there").is_verified);
    }

    async fn a_suspension_lifts_no_hold_of_another_kind(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        app.manage_listing(&world.operator, "acme", "db", market::ListingEvent::Hold, "Looked into").await.expect("held");
        for decision in [PublisherDecision::Suspend, PublisherDecision::VerifyWithoutProofs] {
            app.decide_publisher(&world.operator, "acme", decision, "So.").await.expect("decided");
            let product = app.product_draft(&world.owner, "acme", "db").await.expect("there").1;
            assert_eq!(product.state_reason.as_deref(), Some("Looked into"));
        }
    }

    async fn what_was_approved_before_a_suspension_goes_back_to_review(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.decide(&submission, market::Decision::Approve, "").await.expect("approved");
        world.app.decide_publisher(&world.operator, "acme", PublisherDecision::Suspend, "So.").await.expect("suspended");
        world.work().await;
        assert_eq!(world.submission(&submission).await.state, market::SubmissionState::InReview);
        assert!(told(world.app.public_publisher("acme", app::Part::ALL).await).starts_with("not-found"));
    }

    async fn staging_is_the_publishers_and_the_staffs(db: Database) {
        let world = World::new(db).await;
        let rights = async |actor| world.rights(actor, "staging/acme/db").await;
        assert_eq!(rights(&world.editor).await, (true, true));
        assert_eq!(rights(&world.owner).await, (true, true));
        for looker in [&world.viewer, &world.reviewer, &world.operator] {
            assert_eq!(rights(looker).await, (true, false));
        }
        for stranger in [&world.carl, &app::Actor::anonymous()] {
            assert_eq!(rights(stranger).await, (false, false));
        }
        for name in ["staging/acme", "staging", "acme", "other/x", "staging/other/x", "a/b/c", "../x", ""] {
            assert_eq!(world.rights(&world.operator, name).await, (false, false), "{name}");
        }
    }

    async fn what_is_under_review_is_not_deleted(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.submitted("1.0", &Image::vulnerable("one")).await;
        let name = "staging/acme/db".parse().expect("a name");
        let refused = world.app.delete_manifest(&name, &submission.digest).await.expect_err("kept");
        assert!(refused.message.contains("under review"), "{refused}");
        world.app.delete_manifest(&name, "1.0").await.expect("only the tag");
        world.decide(&submission, market::Decision::Reject, "No.").await.expect("rejected");
        world.app.delete_manifest(&name, &submission.digest).await.expect("deleted");
    }

    async fn a_manifest_names_only_what_was_pushed(db: Database) {
        let world = World::new(db).await;
        let image = Image::vulnerable("one");
        let refused = world.push_manifest("staging/acme/db", Some("1.0"), image.manifest()).await;
        assert!(refused.expect_err("refused").message.contains("push them first"));
        let refused = world.push_manifest("acme/db", Some("1.0"), image.manifest()).await;
        assert!(refused.expect_err("refused").message.contains("staging"));
    }
}
