//! Submissions, check results, threads, findings, images.

use market::{Anchor, Class, CommentId, FindingClock, FindingId, FindingState, SubmissionState};
use serde_json::json;
use store::{
    Tx,
    findings::{self, Finding},
    images::{self, ImageRow},
    review_queue::{self, QueueFilter},
    submissions::{self, Comment, InspectionResult},
};

use crate::rows::{Cast, at, cast, id, submission};

fn finding(cast: &Cast, number: u8, vulnerability: &str, score: Option<f64>) -> Finding {
    Finding {
        id: id(FindingId::new, number),
        submission_id: cast.submission.id.clone(),
        image: "sha256:a".to_owned(),
        state: FindingState::Open,
        vulnerability: vulnerability.to_owned(),
        component: "openssl".to_owned(),
        version: "1.1.1n-0+deb11u1".to_owned(),
        layer: "sha256:l".to_owned(),
        class: Class::of_score(score),
        advised: Class::of_score(score),
        score,
        fixed_version: None,
        detail: json!({}).into(),
        first_seen_at: at(0),
        told_at: None,
        notified_at: None,
        due_at: None,
        announced: true,
        package_id: None,
    }
}

async fn stored(tx: &mut Tx, cast: &Cast) -> Vec<Finding> {
    let stored = findings::of_submission(tx, &cast.submission.id, store::Part::ALL).await;
    stored.expect("read")
}

both! {
    async fn findings_are_read_part_by_part_in_the_order_of_all(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let scores = [(1, "CVE-1", Some(5.0)), (2, "CVE-3", Some(9.8)), (3, "CVE-2", Some(9.8)), (4, "CVE-4", None)];
        for (number, name, score) in scores {
            findings::upsert(&mut tx, &finding(&cast, number, name, score)).await.expect("stored");
        }
        let mut from = String::new();
        let mut read = Vec::new();
        loop {
            let part = store::Part { from: &from, limit: 1 };
            let found = findings::of_submission(&mut tx, &cast.submission.id, part).await.expect("read");
            let Some(one) = found.into_iter().next() else { break };
            from = one.id.to_string();
            read.push(one);
        }
        let names: Vec<_> = read.iter().map(|one| one.vulnerability.as_str()).collect();
        assert_eq!(names, ["CVE-2", "CVE-3", "CVE-1", "CVE-4"]);
        assert_eq!(stored(&mut tx, &cast).await, read);
        let gone = store::Part { from: "fnd_gone", limit: 9 };
        assert_eq!(findings::of_submission(&mut tx, &cast.submission.id, gone).await.expect("read"), []);
    }

    async fn a_finding_seen_again_keeps_its_clock(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let first = finding(&cast, 1, "CVE-1", Some(5.0));
        findings::upsert(&mut tx, &first).await.expect("stored");
        let mut clocked = first.clone();
        clocked.set_clock(FindingClock { told_at: Some(at(5)), notified_at: Some(at(10)), due_at: Some(at(20)) });
        assert!(!clocked.announced, "a promise begins");
        findings::keep_clock(&mut tx, &clocked).await.expect("set");
        findings::set_state(&mut tx, &first.id, FindingState::Fixed).await.expect("set");
        let again = Finding {
            first_seen_at: at(99),
            notified_at: Some(at(99)),
            due_at: None,
            fixed_version: Some("2".to_owned()),
            detail: json!({"title": "new"}).into(),
            ..finding(&cast, 2, "CVE-1", Some(9.0))
        };
        findings::upsert(&mut tx, &again).await.expect("stored");
        let expected = Finding {
            id: first.id.clone(),
            first_seen_at: at(0),
            told_at: Some(at(5)),
            notified_at: Some(at(10)),
            due_at: Some(at(20)),
            announced: false,
            ..again
        };
        assert_eq!(stored(&mut tx, &cast).await, [expected]);
    }

    async fn findings_are_one_for_each_image_component_and_version(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let one = finding(&cast, 1, "CVE-1", Some(5.0));
        let others = [
            Finding { id: id(FindingId::new, 2), image: "sha256:b".to_owned(), ..one.clone() },
            Finding { id: id(FindingId::new, 3), component: "curl".to_owned(), ..one.clone() },
            Finding { id: id(FindingId::new, 4), version: "2".to_owned(), ..one.clone() },
            one.clone(),
        ];
        for finding in &others {
            findings::upsert(&mut tx, finding).await.expect("stored");
        }
        assert_eq!(stored(&mut tx, &cast).await.len(), 4);
    }

    async fn the_worst_come_first_and_only_open_ones_count(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let scored = [("CVE-b", None), ("CVE-a", Some(9.8)), ("CVE-B", Some(9.8)), ("CVE-d", Some(0.1)), ("CVE-e", Some(4.0)), ("CVE-f", Some(0.0))];
        for (number, (name, score)) in (0..).zip(scored) {
            findings::upsert(&mut tx, &finding(&cast, number, name, score)).await.expect("stored");
        }
        let names: Vec<_> = stored(&mut tx, &cast).await.into_iter().map(|f| f.vulnerability).collect();
        assert_eq!(names, ["CVE-B", "CVE-a", "CVE-e", "CVE-d", "CVE-f", "CVE-b"]);
        findings::set_state(&mut tx, &id(FindingId::new, 1), FindingState::Fixed).await.expect("set");
        let counts = findings::counts(&mut tx, &[cast.submission.id.as_str(), "other"]).await.expect("counted");
        assert!(counts.iter().all(|(of, ..)| of == cast.submission.id.as_str()));
        let mut counts: Vec<_> = counts.into_iter().map(|(_, class, count)| (class, count)).collect();
        counts.sort();
        assert_eq!(counts, [(Class::None, 1), (Class::Unscored, 1), (Class::Minor, 1), (Class::Major, 1), (Class::Critical, 1)]);
    }

    async fn a_submission_moves_only_from_the_state_it_is_in(db: Database) {
        use SubmissionState::{Approved, InReview, Inspecting, Rejected};
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let id = &cast.submission.id;
        assert_eq!(submissions::find(&mut tx, id).await.expect("read"), Some(cast.submission.clone()));
        assert!(submissions::set_state(&mut tx, id, (Inspecting, InReview), at(5)).await.expect("set"));
        assert!(submissions::set_state(&mut tx, id, (InReview, Approved), at(6)).await.expect("set"));
        assert!(!submissions::set_state(&mut tx, id, (InReview, Rejected), at(7)).await.expect("asked"));
        let found = submissions::find(&mut tx, id).await.expect("read").expect("there");
        assert_eq!((found.state, found.waiting_since), (Approved, at(6)));
        let held = submissions::count_under_way(&mut tx, "staging/acme/db").await;
        assert_eq!(held.expect("counted"), 1);
        let elsewhere = submissions::count_under_way(&mut tx, "staging/acme/x").await;
        assert_eq!(elsewhere.expect("counted"), 0);
    }

    async fn who_waits_longest_is_first_in_the_queue(db: Database) {
        use SubmissionState::{ChangesRequested, InReview, Inspecting};
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        for number in [2, 3] {
            submissions::create(&mut tx, &submission(number, &cast.product, &cast.account)).await.expect("created");
        }
        for (number, state, time) in [(1, InReview, 9), (2, InReview, 4), (3, ChangesRequested, 1)] {
            let id = submission(number, &cast.product, &cast.account).id;
            assert!(submissions::set_state(&mut tx, &id, (Inspecting, state), at(time)).await.expect("set"));
        }
        let rows = review_queue::in_state(&mut tx, InReview, QueueFilter::default(), (at(0), ""), 9).await.expect("read");
        assert_eq!(rows.iter().map(|row| row.submission.number).collect::<Vec<_>>(), [2, 1]);
        let first = (rows[0].submission.waiting_since, rows[0].submission.id.as_str());
        let rest = review_queue::in_state(&mut tx, InReview, QueueFilter::default(), first, 9).await.expect("read");
        assert_eq!(rest.iter().map(|row| row.submission.number).collect::<Vec<_>>(), [1]);
        let hands = (None, Some(&cast.account.id));
        for still_nobodys in [true, false] {
            assert_eq!(review_queue::assign(&mut tx, &rest[0].submission.id, hands).await.expect("assigned"), still_nobodys);
        }
        let mine = QueueFilter { reviewer: Some(cast.account.id.as_str()), ..QueueFilter::default() };
        let mine = review_queue::in_state(&mut tx, InReview, mine, (at(0), ""), 9).await.expect("read");
        assert_eq!(mine.iter().map(|row| row.submission.number).collect::<Vec<_>>(), [1]);
        let all: Vec<_> = submissions::of_product(&mut tx, &cast.product.id, store::Part::ALL).await.expect("read").into_iter().map(|s| s.number).collect();
        assert_eq!(all, [3, 2, 1]);
    }

    async fn a_number_is_given_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let mut twice = submission(2, &cast.product, &cast.account);
        twice.number = 1;
        assert!(submissions::create(&mut tx, &twice).await.expect_err("taken").is_conflict());
    }

    async fn inspection_replaces_what_it_found_before(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let id = &cast.submission.id;
        let check = |name: &str, status: &str| (name.to_owned(), json!({"status": status}));
        let first = [check("b", "failed"), check("a", "passed")];
        submissions::replace_checks(&mut tx, id, "sha256:a", &first).await.expect("stored");
        submissions::replace_checks(&mut tx, id, "sha256:b", &first).await.expect("stored");
        submissions::replace_checks(&mut tx, id, "sha256:b", &[check("c", "passed")]).await.expect("stored");
        let rows: Vec<_> = submissions::checks(&mut tx, id).await.expect("read").into_iter().map(|row| (row.image, row.check_id)).collect();
        let expected = [("sha256:a", "b"), ("sha256:a", "a"), ("sha256:b", "c")].map(|(image, check)| (image.to_owned(), check.to_owned()));
        assert_eq!(rows, expected);
        let result = InspectionResult { signature: &json!({"verified": true}), problem: Some("x"), certifiable: true, at: at(8) };
        submissions::set_inspection(&mut tx, id, &result).await.expect("set");
        let found = submissions::find(&mut tx, id).await.expect("read").expect("there");
        assert_eq!((found.certifiable, found.problem.as_deref(), found.inspected_at), (true, Some("x"), Some(at(8))));
        assert_eq!(found.signature.expect("there")["verified"], true);
    }

    async fn the_thread_goes_on_over_submissions(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let second = submission(2, &cast.product, &cast.account);
        submissions::create(&mut tx, &second).await.expect("created");
        let comment = |number, on: &submissions::Submission| Comment {
            id: id(CommentId::new, number),
            submission_id: on.id.clone(),
            author_id: cast.account.id.clone(),
            anchor: if number == 1 { Anchor::Submission } else { Anchor::Finding("CVE-1".to_owned()) },
            body: format!("remark {number}"),
            decision: (number == 2).then(|| "request-changes".to_owned()),
            created_at: at(0),
            resolved_at: None,
        };
        for row in [comment(3, &second), comment(1, &cast.submission), comment(2, &cast.submission)] {
            submissions::add_comment(&mut tx, &row).await.expect("added");
        }
        submissions::set_resolved(&mut tx, &comment(2, &second).id, Some(at(4))).await.expect("set");
        let thread = submissions::thread(&mut tx, &second, store::Part::ALL).await.expect("read");
        let told: Vec<_> = thread.iter().map(|c| (c.comment.body.as_str(), c.author.as_str(), c.submission_number)).collect();
        assert_eq!(told, [("remark 1", "ann", 1), ("remark 2", "ann", 1), ("remark 3", "ann", 2)]);
        assert_eq!(thread[1].comment.resolved_at, Some(at(4)));
        assert_eq!(submissions::thread(&mut tx, &cast.submission, store::Part::ALL).await.expect("read").len(), 2);
        let found = submissions::find_comment(&mut tx, &comment(3, &second).id).await.expect("read");
        assert_eq!(found, Some(comment(3, &second)));
    }

    async fn images_are_kept_by_digest_and_reports_by_parser(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let image = |name: &str, content: u8| ImageRow {
            digest: format!("sha256:{name}"),
            platform: "linux/amd64".to_owned(),
            size: 1,
            content: vec![content],
            distribution: Some("Debian 12".to_owned()),
            created_at: at(0),
        };
        let id = &cast.submission.id;
        for (position, row) in [(1, image("a", 1)), (0, image("z", 1)), (1, image("a", 2))] {
            images::put(&mut tx, id, position, &row).await.expect("stored");
        }
        assert_eq!(images::of_submission(&mut tx, id).await.expect("read"), [image("z", 1), image("a", 2)]);
        let outlines = images::outlines_of_submission(&mut tx, id).await.expect("read");
        let told: Vec<_> = outlines.iter().map(|it| (&*it.digest, it.distribution.as_deref())).collect();
        assert_eq!(told, [("sha256:z", Some("Debian 12")), ("sha256:a", Some("Debian 12"))]);
        assert_eq!(images::find(&mut tx, "sha256:a").await.expect("read"), Some(image("a", 2)));
        let home = images::home(&mut tx, &cast.product.id, "sha256:a").await.expect("read").expect("there");
        assert_eq!((&home.submission_id, home.released_at), (id, None));
        assert_eq!(images::home(&mut tx, &cast.product.id, "sha256:b").await.expect("read"), None);
        images::put_layer_report(&mut tx, "sha256:l", 1, b"one", at(0)).await.expect("stored");
        images::put_layer_report(&mut tx, "sha256:l", 1, b"two", at(0)).await.expect("stays");
        assert_eq!(images::find_layer_report(&mut tx, "sha256:l", 1).await.expect("read").as_deref(), Some(&b"one"[..]));
        assert_eq!(images::find_layer_report(&mut tx, "sha256:l", 2).await.expect("read"), None);
    }
}
