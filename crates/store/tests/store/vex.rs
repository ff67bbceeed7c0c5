//! Statements about vulnerabilities: versions, decisions, what counts, and what they close.

use market::{
    AccountId, Class, FindingId, FindingState, ReleaseId, SubmissionState, VexClaim, VexId,
    VexJustification, VexScope, VexStanding, VexStatus,
};
use serde_json::json;
use store::{
    Tx,
    findings::{self, Finding},
    products, releases, submissions,
    vex::{self, VexMove, VexStatement},
};

use crate::rows::{Cast, at, cast, id, submission};

fn statement(cast: &Cast, number: u8, vulnerability: &str, status: VexStatus) -> VexStatement {
    VexStatement {
        id: id(VexId::new, number),
        product_id: cast.product.id.clone(),
        scope: VexScope {
            vulnerability: vulnerability.to_owned(),
            image: None,
            component: (number.is_multiple_of(2)).then(|| "pkg:deb/debian/openssl".to_owned()),
        },
        version: i64::from(number),
        claim: VexClaim {
            status,
            justification: (status == VexStatus::NotAffected)
                .then_some(VexJustification::VulnerableCodeNotPresent),
            text: "So it is.".to_owned(),
        },
        document: None,
        standing: VexStanding::Waiting,
        stated_by: cast.account.id.clone(),
        author: "ann".to_owned(),
        stated_at: at(i64::from(number)),
        decider: None,
        decided_at: None,
        reason: None,
        ends_at: None,
        ended_at: None,
    }
}

async fn accept(tx: &mut Tx, by: &AccountId, number: u8, ends_at: Option<i64>) -> bool {
    let change = VexMove {
        standings: (VexStanding::Waiting, VexStanding::Accepted),
        at: at(50),
        decision: Some((by, "Fine.", ends_at.map(at))),
    };
    let moved = vex::set_standing(tx, &id(VexId::new, number), &change).await;
    moved.expect("moved")
}

both! {
    async fn a_statement_is_kept_with_what_became_of_it(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let stated = statement(&cast, 1, "CVE-1", VexStatus::NotAffected);
        vex::create(&mut tx, &stated).await.expect("stated");
        assert_eq!(vex::find(&mut tx, &stated.id).await.expect("read"), Some(stated.clone()));
        assert_eq!(vex::waiting(&mut tx, store::Part::ALL).await.expect("read"), std::slice::from_ref(&stated));
        assert!(accept(&mut tx, &cast.account.id, 1, Some(100)).await);
        assert!(!accept(&mut tx, &cast.account.id, 1, None).await, "it waits no more");
        let accepted = VexStatement {
            standing: VexStanding::Accepted,
            decider: Some("ann".to_owned()),
            decided_at: Some(at(50)),
            reason: Some("Fine.".to_owned()),
            ends_at: Some(at(100)),
            ..stated
        };
        assert_eq!(vex::of_product(&mut tx, &cast.product.id, &[], store::Part::ALL).await.expect("read"), std::slice::from_ref(&accepted));
        let over = VexMove { standings: (VexStanding::Accepted, VexStanding::Expired), at: at(100), decision: None };
        assert!(vex::set_standing(&mut tx, &accepted.id, &over).await.expect("moved"));
        let expired = VexStatement { standing: VexStanding::Expired, ended_at: Some(at(100)), ..accepted };
        assert_eq!(vex::find(&mut tx, &expired.id).await.expect("read"), Some(expired));
        assert_eq!(vex::waiting(&mut tx, store::Part::ALL).await.expect("read"), []);
    }

    async fn a_version_of_a_scope_is_given_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let first = statement(&cast, 1, "CVE-1", VexStatus::Fixed);
        vex::create(&mut tx, &first).await.expect("stated");
        let other = VexStatement { version: 2, ..statement(&cast, 2, "CVE-1", VexStatus::Fixed) };
        vex::create(&mut tx, &other).await.expect("stated");
        let versions = vex::of_vulnerability(&mut tx, &cast.product.id, "CVE-1").await.expect("read");
        assert_eq!(versions, [first.clone(), other]);
        assert_eq!(vex::count_current(&mut tx, &cast.product.id).await.expect("counted"), 2);
        let again = VexStatement { id: id(VexId::new, 3), ..first };
        assert!(vex::create(&mut tx, &again).await.expect_err("taken").is_conflict());
    }

    async fn what_closes_is_accepted_and_not_over(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let stated = [
            (1, "CVE-1", VexStatus::NotAffected), (2, "CVE-2", VexStatus::Fixed), (3, "CVE-3", VexStatus::Affected),
            (4, "CVE-4", VexStatus::Fixed), (5, "CVE-5", VexStatus::Fixed),
        ];
        for (number, name, status) in stated {
            vex::create(&mut tx, &statement(&cast, number, name, status)).await.expect("stated");
            if number != 4 {
                assert!(accept(&mut tx, &cast.account.id, number, (number == 2).then_some(70)).await);
            }
        }
        let closing = async |tx: &mut Tx, names: &[&str], now| {
            let found = vex::closing(tx, &[cast.product.id.as_str()], names, at(now)).await.expect("read");
            found.into_iter().map(|it| it.scope.vulnerability).collect::<Vec<_>>()
        };
        let found = vex::of_product(&mut tx, &cast.product.id, &["CVE-9", "CVE-3"], store::Part::ALL).await.expect("read");
        assert_eq!(found.iter().map(|it| &*it.scope.vulnerability).collect::<Vec<_>>(), ["CVE-3"]);
        let names = ["CVE-1", "CVE-2", "CVE-3", "CVE-4"];
        assert_eq!(closing(&mut tx, &names, 69).await, ["CVE-2", "CVE-1"]);
        assert_eq!(closing(&mut tx, &names, 70).await, ["CVE-1"]);
        assert_eq!(closing(&mut tx, &[], 70).await, [""; 0]);
        assert_eq!(vex::closing(&mut tx, &["prd_x"], &names, at(60)).await.expect("read"), []);
        let over: Vec<_> = vex::over(&mut tx, at(70)).await.expect("read").into_iter().map(|it| it.scope.vulnerability).collect();
        assert_eq!(over, ["CVE-2"]);
        assert_eq!(vex::over(&mut tx, at(69)).await.expect("read"), []);
    }

    async fn live_findings_are_under_review_or_stand_on_the_market(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        // 1 and 2 are released, 2 the newer one; 3 is under review; 4 was rejected.
        use FindingState::{Answered, Fixed, Open};
        use SubmissionState::{Approved, InReview, Inspecting, Rejected, Released};
        for (number, states) in [(1, &[InReview, Approved, Released][..]), (2, &[InReview, Approved, Released]), (3, &[InReview]), (4, &[InReview, Rejected])] {
            let row = submission(number, &cast.product, &cast.account);
            if number > 1 {
                submissions::create(&mut tx, &row).await.expect("created");
            }
            let mut before = Inspecting;
            for state in states {
                assert!(submissions::set_state(&mut tx, &row.id, (before, *state), at(1)).await.expect("set"));
                before = *state;
            }
            if before == Released {
                let release = releases::Release {
                    id: id(ReleaseId::new, number),
                    product_id: cast.product.id.clone(),
                    submission_id: row.id.clone(),
                    repository_id: cast.repository.id.clone(),
                    tag: "1.0".to_owned(),
                    digest: row.digest.clone(),
                    key_id: "key".to_owned(),
                    certified: false,
                    released_at: at(i64::from(number)),
                    withdrawn_at: None,
                };
                for older in releases::standing(&mut tx, &cast.product.id).await.expect("read") {
                    releases::set_replaced(&mut tx, &older.id).await.expect("set");
                }
                releases::create(&mut tx, &release).await.expect("released");
            }
            for (place, state) in [(0, Open), (1, Fixed), (2, Answered)] {
                let finding = Finding {
                    id: id(FindingId::new, number * 10 + place),
                    submission_id: row.id.clone(),
                    image: format!("sha256:{place}"),
                    state,
                    vulnerability: "CVE-1".to_owned(),
                    component: "openssl".to_owned(),
                    version: "1".to_owned(),
                    layer: "sha256:l".to_owned(),
                    class: Class::Major,
                    advised: Class::Major,
                    score: Some(5.0),
                    fixed_version: None,
                    detail: json!({}).into(),
                    first_seen_at: at(0),
                    told_at: None,
                    notified_at: None,
                    due_at: None,
                    announced: true,
                    package_id: None,
                };
                findings::upsert(&mut tx, &finding).await.expect("stored");
            }
        }
        let live = async |tx: &mut Tx, name: &str| {
            let found = findings::live(tx, Some(&cast.product.id), &[name]).await.expect("read");
            found.into_iter().map(|it| (it.finding.submission_id, it.finding.state, it.released)).collect::<Vec<_>>()
        };
        let of = |number| submission(number, &cast.product, &cast.account).id;
        let reviewed = [(of(3), Open, false), (of(3), Answered, false)];
        assert_eq!(live(&mut tx, "CVE-1").await, reviewed, "nothing is on the market yet");
        let states = (market::ListingState::Draft, market::ListingState::Listed);
        assert!(products::set_state(&mut tx, &cast.product.id, states, None, at(9)).await.expect("listed"));
        let released = [(of(2), Open, true), (of(2), Answered, true)];
        assert_eq!(live(&mut tx, "CVE-1").await, [released, reviewed].concat());
        assert_eq!(live(&mut tx, "CVE-2").await, []);
    }
}
