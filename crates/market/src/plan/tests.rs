use proptest::prelude::*;

use super::*;
use crate::manifest::tests::whole;

fn source(repository: &str, tags: &[&str]) -> PlanSource {
    PlanSource {
        repository: (!repository.is_empty()).then(|| repository.parse().expect("a name")),
        tags: tags.iter().map(|tag| tag.parse().expect("one")).collect(),
    }
}

fn plan(id: &str, amount_minor: i64, sources: &[PlanSource]) -> Plan {
    Plan {
        id: id.parse().expect("a short name"),
        name: id.to_owned(),
        description: "So.".to_owned(),
        price: Money {
            amount_minor,
            currency: "USD".to_owned(),
        },
        sources: sources.to_vec(),
    }
}

fn origin(repository: &str, tag: &str) -> Origin {
    Origin::of_submission(&format!("staging/acme/{repository}"), tag)
}

fn editions(access: PullAccess) -> ProductManifest {
    ProductManifest {
        access,
        plans: vec![
            plan("community", 0, &[source("", &["1.*"])]),
            plan("enterprise", 900, &[source("db-enterprise", &[])]),
            plan("all", 1900, &[]),
        ],
        ..whole()
    }
}

#[test]
fn a_source_is_a_repository_a_pattern_or_both() {
    let here = |source: PlanSource, repository, tag| source.has(&origin(repository, tag));
    assert!(here(source("db", &[]), "db", "9"));
    assert!(!here(source("db", &[]), "db2", "9"));
    assert!(here(source("", &["1.*", "*-ent"]), "x/y", "2-ent"));
    assert!(!here(source("", &["1.*"]), "db", "2.1.0"));
    assert!(here(source("db", &["1.*"]), "db", "1.0"));
    assert!(!here(source("db", &["1.*"]), "db2", "1.0"));
    assert!(!here(source("db", &["1.*"]), "db", "10"));
    assert_eq!(origin("a/b", "1").repository, "a/b");
}

#[test]
fn a_source_is_written_in_a_line() {
    for line in ["db:", "db/x: 1.* 2.*", "1.* *-ent"] {
        let read: PlanSource = line.parse().expect("a source");
        assert_eq!(read.to_string(), line);
    }
    assert_eq!(" db : 1.*,2.*".parse(), Ok(source("db", &["1.*", "2.*"])));
    for bad in ["Db:", "a b:", "db/x", "staging:1:2"] {
        assert!(bad.parse::<PlanSource>().is_err(), "{bad}");
    }
}

#[test]
fn without_sources_a_plan_gives_everything() {
    assert!(plan("any", 0, &[]).gives(&[]));
    let old = r#"{"id":"free","name":"Free","description":"So.","price":{"amount_minor":0,"currency":"USD"}}"#;
    let read: Plan = serde_json::from_str(old).expect("a plan from before");
    assert!(!read.is_limited());
    assert_eq!(serde_json::to_string(&read).expect("text"), old);
}

#[test]
fn one_origin_of_many_is_enough() {
    let enterprise = plan("ent", 1, &[source("", &["2.*"])]);
    assert!(!enterprise.gives(&[]));
    assert!(!enterprise.gives(&[origin("db", "1.0")]));
    assert!(enterprise.gives(&[origin("db", "1.0"), origin("db", "2.0")]));
}

#[test]
fn subscribers_have_what_their_plan_gives_and_gave() {
    let listed = editions(PullAccess::Subscribers);
    let with = |plan, sources: &[PlanSource]| {
        Entitlement::of_consumer(&listed, true, Some(Bought { plan, sources }))
    };
    let (one, two, ent) = (
        [origin("db", "1.0")],
        [origin("db", "2.0")],
        [origin("db-enterprise", "9")],
    );
    let community = with("community", &[source("", &["1.*"])]);
    assert!(community.gives(&one) && !community.gives(&two) && !community.gives(&ent));
    assert!(community.is_limited() && !community.is_nothing());
    // The plan gave 2.* when the subscription began, and gives 1.* now.
    let kept = with("community", &[source("", &["2.*"])]);
    assert!(kept.gives(&one) && kept.gives(&two) && !kept.gives(&ent));
    // It gave everything, or does so now.
    assert_eq!(with("community", &[]), Entitlement::Everything);
    assert_eq!(
        with("all", &[source("", &["1.*"])]),
        Entitlement::Everything
    );
    // It is gone.
    let gone = with("gone", &[source("db-enterprise", &[])]);
    assert!(gone.gives(&ent) && !gone.gives(&one));
    assert!(Entitlement::of_consumer(&listed, true, None).is_nothing());
}

#[test]
fn without_a_subscription_the_free_plans_give() {
    let (one, two) = ([origin("db", "1.0")], [origin("db", "2.0")]);
    let open = Entitlement::of_consumer(&editions(PullAccess::Everyone), false, None);
    assert!(open.gives(&one) && !open.gives(&two));
    let signed_in = editions(PullAccess::SignedIn);
    assert!(Entitlement::of_consumer(&signed_in, false, None).is_nothing());
    assert!(Entitlement::of_consumer(&signed_in, true, None).gives(&one));
    // Who pays has both.
    let bought = Bought {
        plan: "enterprise",
        sources: &[source("db-enterprise", &[])],
    };
    let paid = Entitlement::of_consumer(&signed_in, true, Some(bought));
    assert!(paid.gives(&one) && paid.gives(&[origin("db-enterprise", "9")]));
    // Without limits access alone decides, as ever.
    let mut unlimited = editions(PullAccess::Everyone).without_sources();
    unlimited.plans.retain(|plan| plan.price.amount_minor > 0);
    let open = Entitlement::of_consumer(&unlimited, false, None);
    assert_eq!(open, Entitlement::Everything);
}

#[test]
fn open_products_with_limits_need_a_free_plan() {
    assert_eq!(editions(PullAccess::Everyone).problems(), []);
    let mut paid = editions(PullAccess::Everyone);
    paid.plans.remove(0);
    let problems = paid.problems();
    assert_eq!(problems.len(), 1);
    assert!(problems[0].message.contains("there is no free plan"));
    assert_eq!(paid.without_sources().problems(), []);
}

#[test]
fn sources_are_bounded() {
    let fields = |sources: Vec<PlanSource>| {
        let mut manifest = whole();
        manifest.plans[0].sources = sources;
        let problems = manifest.problems().into_iter();
        problems.map(|it| it.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(vec![source("db", &["1.*"]); 10]), [""; 0]);
    assert_eq!(fields(vec![source("db", &[]); 11]), ["plans[0].sources"]);
    assert_eq!(fields(vec![PlanSource::default()]), ["plans[0].sources"]);
    assert_eq!(fields(vec![source("", &["1"; 21])]), ["plans[0].sources"]);
    for bad in ["", "a b", "ä", "a/b", "a?", &"x".repeat(129)] {
        assert!(bad.parse::<TagPattern>().is_err(), "{bad}");
    }
    for bad in [
        "", "A", "/a", "a/", "a//b", "-a", "a-", "a..b", "a___b", "a*", "a.-b",
    ] {
        assert!(bad.parse::<StagingName>().is_err(), "{bad}");
    }
    for good in ["a", "a/b", "a--b", "a__b", "a.b_c-d", "1/2"] {
        assert!(good.parse::<StagingName>().is_ok(), "{good}");
    }
}

#[test]
fn idle_plans_are_hinted_at() {
    let hints = editions(PullAccess::Subscribers).idle_plans(&[origin("db", "1.0")]);
    assert_eq!(hints.len(), 1);
    assert_eq!(hints[0].field, "plans[1].sources");
    assert!(!hints[0].message.contains("db-enterprise"));
}

#[test]
fn consumers_are_told_no_repository() {
    let public = editions(PullAccess::Everyone).without_sources();
    let text = serde_json::to_string(&public).expect("text");
    assert!(!text.contains("db-enterprise"), "{text}");
    let mixed = plan(
        "mix",
        0,
        &[source("secret", &["9.*"]), source("", &["1.*"])],
    );
    let told: Vec<_> = mixed.public_patterns().map(TagPattern::as_str).collect();
    assert_eq!(told, ["1.*"]);
}

#[test]
fn a_plan_is_told_by_its_tags() {
    let released = |digest: &str, repository, tag, is_offered| ReleasedOrigin {
        digest: digest.to_owned(),
        origin: origin(repository, tag),
        is_offered,
    };
    let releases = [
        released("d", "db-enterprise", "9", true),
        released("c", "db", "2.0", true),
        released("b", "db", "1.1", true),
        released("x", "db-enterprise", "1.1", true),
        released("a", "db", "1.0", false),
        // The same image as 2.0.
        released("c", "db", "1.9", true),
    ];
    let told = PlanGives::of(&editions(PullAccess::Subscribers), &releases);
    let told: Vec<_> = told
        .iter()
        .map(|it| (it.everything, it.tags.join(" "), it.patterns.join(" ")))
        .collect();
    let is =
        |everything, tags: &str, patterns: &str| (everything, tags.to_owned(), patterns.to_owned());
    assert_eq!(
        told,
        [
            is(false, "2.0 1.1 1.9", "1.*"),
            is(false, "9", ""),
            is(true, "", "")
        ]
    );
}

/// The definition of a glob, without a thought for time.
fn slowly(glob: &[u8], text: &[u8]) -> bool {
    match (glob.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if slowly(rest, text) => true,
        (Some((b'*', _)), Some((_, later))) => slowly(glob, later),
        (Some((a, glob)), Some((b, text))) => a == b && slowly(glob, text),
        _ => false,
    }
}

fn sources() -> impl Strategy<Value = Vec<PlanSource>> {
    let one = (
        proptest::option::of("[ab]"),
        proptest::collection::vec("[12*]{1,3}", 0..3),
    );
    let source = one.prop_map(|(repository, tags)| PlanSource {
        repository: repository.map(|name| name.parse().expect("a name")),
        tags: tags.iter().map(|tag| tag.parse().expect("one")).collect(),
    });
    proptest::collection::vec(source, 0..3)
}

fn origins() -> impl Strategy<Value = Vec<Origin>> {
    let one = ("[ab]", "[12]{1,3}");
    proptest::collection::vec(one.prop_map(|(name, tag)| origin(&name, &tag)), 0..4)
}

proptest! {
    #[test]
    fn patterns_match_as_defined(glob in "[ab.*]{1,8}", tag in "[ab.]{0,8}") {
        let pattern: TagPattern = glob.parse().expect("a pattern");
        prop_assert_eq!(pattern.matches(&tag), slowly(glob.as_bytes(), tag.as_bytes()));
    }

    #[test]
    fn nothing_bought_is_ever_taken_away(
        then in sources(), now in sources(), origins in origins(), stays in any::<bool>(),
    ) {
        let before = plan("mine", 1, &then);
        let mut listed = whole();
        listed.access = PullAccess::Subscribers;
        listed.plans = vec![plan(if stays { "mine" } else { "other" }, 1, &now)];
        let bought = Bought { plan: "mine", sources: &then };
        let has = Entitlement::of_consumer(&listed, true, Some(bought));
        let after = stays && listed.plans[0].gives(&origins);
        prop_assert_eq!(has.gives(&origins), before.gives(&origins) || after);
    }

    #[test]
    fn more_origins_never_give_less(sources in sources(), some in origins(), more in origins()) {
        let plan = plan("mine", 1, &sources);
        let both: Vec<_> = some.iter().chain(&more).cloned().collect();
        prop_assert!(!plan.gives(&some) || plan.gives(&both));
    }

    #[test]
    fn what_reads_writes_the_same(text in "\\PC{0,12}") {
        if let Ok(pattern) = text.parse::<TagPattern>() {
            let json = serde_json::to_string(&pattern).expect("text");
            prop_assert_eq!(serde_json::from_str::<TagPattern>(&json).expect("read"), pattern);
        }
        if let Ok(name) = text.parse::<StagingName>() {
            prop_assert_eq!(name.to_string(), text);
        }
    }
}
