//! Rows of what happens before something is public: drafts, previews, imports, times of
//! publication.

use market::{
    ImportId, ImportState, ProductManifest, Publication, PublisherState, SubmissionState,
};
use serde_json::json;
use store::{
    draft_versions::{self, DraftLine},
    imports::{self, HowFar, Import},
    jobs::{self, NewJob},
    previews, publishers, submissions,
};

use crate::{
    jobs::{LEASE, claim, new_job},
    rows::{at, cast, id},
};

both! {
    async fn the_newest_versions_of_a_draft_are_kept(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let product = cast(&mut tx).await.product.id;
        for number in 1..=4 {
            assert_eq!(draft_versions::next_number(&mut tx, &product).await.expect("a number"), number);
            let line = DraftLine {
                number,
                fields: "name tags".to_owned(),
                saved_by: (number > 1).then(|| "ann".to_owned()),
                saved_at: at(number),
                restored_from: (number == 4).then_some(2),
            };
            let manifest = ProductManifest { name: format!("No. {number}"), ..ProductManifest::default() };
            draft_versions::add(&mut tx, &product, (&line, &manifest), 3).await.expect("added");
        }
        let lines = draft_versions::of_product(&mut tx, &product).await.expect("rows");
        let numbers: Vec<_> = lines.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [4, 3, 2]);
        assert_eq!((lines[0].restored_from, lines[0].saved_by.as_deref()), (Some(2), Some("ann")));
        let found = draft_versions::find(&mut tx, &product, 3).await.expect("asked").expect("it");
        assert_eq!((found.line, found.manifest.name.as_str()), (lines[1].clone(), "No. 3"));
        assert_eq!(draft_versions::find(&mut tx, &product, 1).await.expect("asked"), None);
    }

    async fn a_preview_is_seen_by_those_named_while_the_publisher_may_publish(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let (product, ann) = (&cast.product.id, &cast.account.id);
        for (first, named) in [(0, true), (1, false)] {
            let pair = (product, ann);
            assert_eq!(previews::create(&mut tx, pair, "eve", at(first)).await.expect("asked"), named);
        }
        assert_eq!(previews::count(&mut tx, product).await.expect("a number"), 1);
        let states = (cast.publisher.state, PublisherState::Verified);
        publishers::set_state(&mut tx, &cast.publisher.id, states, at(1), None).await.expect("set");
        assert!(previews::sees(&mut tx, product, ann).await.expect("asked"));
        let rows = previews::of_product(&mut tx, product).await.expect("rows");
        assert_eq!((rows[0].name.as_str(), rows[0].named_by.as_str(), rows[0].named_at), ("ann", "eve", at(0)));
        assert_eq!(previews::of_account(&mut tx, ann).await.expect("rows")[0].product, "db");
        let states = (PublisherState::Verified, PublisherState::Suspended);
        publishers::set_state(&mut tx, &cast.publisher.id, states, at(2), None).await.expect("set");
        assert!(!previews::sees(&mut tx, product, ann).await.expect("asked"));
        assert!(previews::delete(&mut tx, product, ann).await.expect("asked"));
        assert_eq!(previews::delete_all(&mut tx, product).await.expect("asked"), 0);
    }

    async fn an_import_forgets_its_credentials_when_it_is_over(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let import = Import {
            id: id(ImportId::new, 1),
            publisher_id: cast.publisher.id.clone(),
            registry: "registry.example".to_owned(),
            repository: "team/db".to_owned(),
            reference: "1.0".to_owned(),
            staging: "staging/acme/db".to_owned(),
            tag: "1.0".to_owned(),
            state: ImportState::Waiting,
            credentials: Some(vec![1, 2, 3]),
            digest: None,
            bytes_done: 0,
            bytes_total: 0,
            note: String::new(),
            error: None,
            account_id: cast.account.id.clone(),
            asked_by: "ann".to_owned(),
            asked_at: at(0),
            ended_at: None,
        };
        imports::create(&mut tx, &import).await.expect("created");
        assert_eq!(imports::find(&mut tx, &import.id).await.expect("read"), Some(import.clone()));
        let far = HowFar { digest: Some("sha256:1"), done: 5, total: 9, note: "layer 1 of 2" };
        assert!(imports::note(&mut tx, &import.id, &far).await.expect("asked"));
        assert_eq!(imports::count_open(&mut tx, &cast.publisher.id).await.expect("a number"), 1);
        let over = (ImportState::Failed, Some("no"));
        assert!(imports::end(&mut tx, &import.id, over, at(9)).await.expect("asked"));
        for late in [
            imports::note(&mut tx, &import.id, &far).await,
            imports::end(&mut tx, &import.id, (ImportState::Done, None), at(10)).await,
        ] {
            assert!(!late.expect("asked"));
        }
        let rows = imports::of_publisher(&mut tx, &cast.publisher.id, 9).await.expect("rows");
        let row = &rows[0];
        assert_eq!((row.state, row.bytes_done, row.ended_at), (ImportState::Failed, 5, Some(at(9))));
        assert_eq!((row.credentials.clone(), row.error.as_deref()), (None, Some("no")));
    }

    async fn imports_have_workers_of_their_own(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let import = NewJob { kind: "import", payload: json!({"kind": "import"}), ..new_job(1, None) };
        for job in [&import, &new_job(2, None)] {
            jobs::enqueue(&mut tx, job).await.expect("added");
        }
        assert_eq!(claim(&mut tx, "w", 1).await.expect("a job").id, new_job(2, None).id);
        assert_eq!(claim(&mut tx, "w", 1).await, None);
        let taken = jobs::claim_import(&mut tx, "i", at(1), LEASE).await.expect("asked");
        assert_eq!(taken.expect("the import").id, import.id);
        assert_eq!(jobs::claim_import(&mut tx, "i", at(1), LEASE).await.expect("asked"), None);
        let heir = jobs::claim_import(&mut tx, "i", at(99), LEASE).await.expect("asked");
        assert_eq!(heir.expect("the import").attempts, 2);
    }

    async fn what_is_not_due_is_not_taken(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let mut submission = cast.submission;
        let approved = (SubmissionState::Inspecting, SubmissionState::Approved);
        submissions::set_state(&mut tx, &submission.id, approved, at(1)).await.expect("set");
        submission.state = SubmissionState::Approved;
        for (publication, time, due) in [
            (Publication::AtTime, Some(at(10)), (false, true)),
            (Publication::Held, None, (false, false)),
            (Publication::AtOnce, None, (true, true)),
        ] {
            let set = submissions::set_publication(&mut tx, &submission, publication, time).await;
            assert!(set.expect("asked"));
            let again = submissions::set_publication(&mut tx, &submission, publication, time).await;
            assert!(!again.expect("asked"), "it is not what it was read as");
            submission.publication = publication;
            for (seconds, is_due) in [(9, due.0), (10, due.1)] {
                let taken = submissions::take_due(&mut tx, &submission.id, at(seconds)).await;
                assert_eq!(taken.expect("asked"), is_due, "{publication} at {seconds}");
            }
        }
    }
}
