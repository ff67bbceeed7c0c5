//! Accounts, sessions, tokens, publishers, settings, pictures, the audit log.

use market::{KeyId, PublisherState, TokenId, TokenScopes};
use store::{
    accounts, assets, audit,
    publishers::{self, Member, PublisherKey},
    settings, token_keys, tokens, trust_secrets,
};

use crate::rows::{account, at, cast, id, no_blobs, publisher};

both! {
    async fn accounts_have_one_name_each(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for (number, name) in [(1, "b_b"), (2, "a.c"), (3, "a-d"), (4, "ab")] {
            accounts::create(&mut tx, &account(number, name)).await.expect("created");
        }
        let names: Vec<_> = accounts::list(&mut tx).await.expect("listed").into_iter().map(|a| a.name).collect();
        assert_eq!(names, ["a-d", "a.c", "ab", "b_b"]);
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        let taken = accounts::create(&mut tx, &account(5, "ab")).await.expect_err("taken");
        assert!(taken.is_conflict() && !taken.is_full(), "{taken:?}");
    }

    async fn a_disabled_account_has_no_sessions(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let ann = account(1, "ann");
        accounts::create(&mut tx, &ann).await.expect("created");
        let session = accounts::Session {
            secret_hash: "hash".to_owned(),
            account_id: ann.id.clone(),
            csrf: "csrf".to_owned(),
            created_at: at(0),
            expires_at: at(10),
        };
        accounts::create_session(&mut tx, &session).await.expect("created");
        assert_eq!(accounts::find_session(&mut tx, "hash", at(9)).await.expect("read"), Some(session));
        assert_eq!(accounts::find_session(&mut tx, "hash", at(10)).await.expect("read"), None);
        accounts::set_disabled(&mut tx, &ann.id, Some(at(3))).await.expect("set");
        assert_eq!(accounts::find_session(&mut tx, "hash", at(4)).await.expect("read"), None);
        let ann = accounts::find(&mut tx, &ann.id).await.expect("read").expect("there");
        assert_eq!(ann.disabled_at, Some(at(3)));
        accounts::set_disabled(&mut tx, &ann.id, None).await.expect("set");
        accounts::set_staff_role(&mut tx, &ann.id, Some("reviewer")).await.expect("set");
        accounts::set_password(&mut tx, &ann.id, "other").await.expect("set");
        let ann = accounts::find_by_name(&mut tx, "ann").await.expect("read").expect("there");
        assert_eq!((ann.disabled_at, ann.staff_role.as_deref(), ann.password_hash.as_str()), (None, Some("reviewer"), "other"));
    }

    async fn old_sessions_go_when_new_ones_come(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let ann = account(1, "ann");
        accounts::create(&mut tx, &ann).await.expect("created");
        let session = |hash: &str, from, to| accounts::Session {
            secret_hash: hash.to_owned(),
            account_id: ann.id.clone(),
            csrf: String::new(),
            created_at: at(from),
            expires_at: at(to),
        };
        accounts::create_session(&mut tx, &session("old", 0, 5)).await.expect("created");
        accounts::create_session(&mut tx, &session("new", 6, 9)).await.expect("created");
        assert_eq!(accounts::find_session(&mut tx, "old", at(1)).await.expect("read"), None);
        accounts::delete_session(&mut tx, "new").await.expect("deleted");
        assert_eq!(accounts::find_session(&mut tx, "new", at(7)).await.expect("read"), None);
    }

    async fn tokens_are_revoked_by_their_owner_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let (ann, bob) = (account(1, "ann"), account(2, "bob"));
        for person in [&ann, &bob] {
            accounts::create(&mut tx, person).await.expect("created");
        }
        let token = |number| tokens::Token {
            id: id(TokenId::new, number),
            account_id: ann.id.clone(),
            name: format!("token {number}"),
            secret_hash: "hash".to_owned(),
            kind: tokens::ACCESS.to_owned(),
            parent_id: None,
            may_push: true,
            scopes: TokenScopes::UNLIMITED,
            created_at: at(0),
            expires_at: None,
            last_used_at: None,
            revoked_at: None,
        };
        for number in [1, 2] {
            tokens::create(&mut tx, &token(number)).await.expect("created");
        }
        tokens::record_use(&mut tx, &token(1).id, at(4)).await.expect("noted");
        assert!(!tokens::revoke(&mut tx, &bob.id, &token(1).id, at(5)).await.expect("asked"));
        assert!(tokens::revoke(&mut tx, &ann.id, &token(1).id, at(5)).await.expect("revoked"));
        assert!(!tokens::revoke(&mut tx, &ann.id, &token(1).id, at(6)).await.expect("asked"));
        let gone = &tokens::with_ancestors(&mut tx, &token(1).id).await.expect("read")[0];
        assert_eq!((gone.revoked_at, gone.last_used_at), (Some(at(5)), Some(at(4))));
        assert_eq!(tokens::of_account(&mut tx, &ann.id).await.expect("listed"), [token(2)]);
        let child = |number, parent: u8| tokens::Token {
            parent_id: Some(token(parent).id.to_string()),
            ..token(number)
        };
        for (number, parent) in [(3, 2), (4, 3)] {
            tokens::create(&mut tx, &child(number, parent)).await.expect("created");
        }
        let line = tokens::with_ancestors(&mut tx, &token(4).id).await.expect("read");
        assert_eq!(line, [child(4, 3), child(3, 2), token(2)]);
        tokens::revoke_all(&mut tx, &ann.id, at(7)).await.expect("revoked");
        assert_eq!(tokens::of_account(&mut tx, &ann.id).await.expect("listed"), []);
    }

    async fn clients_logins_are_forgotten_in_time(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let ann = account(1, "ann");
        accounts::create(&mut tx, &ann).await.expect("created");
        let token = |number, kind: &str, parent: Option<u8>| tokens::Token {
            id: id(TokenId::new, number),
            account_id: ann.id.clone(),
            name: "docker".to_owned(),
            secret_hash: "hash".to_owned(),
            kind: kind.to_owned(),
            parent_id: parent.map(|parent| id(TokenId::new, parent).to_string()),
            may_push: true,
            scopes: TokenScopes::UNLIMITED,
            created_at: at(0),
            expires_at: Some(at(i64::from(number) * 10)),
            last_used_at: None,
            revoked_at: None,
        };
        for token in [
            token(1, tokens::ACCESS, None),
            token(2, tokens::LOGIN, None),
            token(3, tokens::LOGIN, Some(1)),
            token(4, tokens::LOGIN, None),
            token(5, tokens::LOGIN, None),
        ] {
            tokens::create(&mut tx, &token).await.expect("created");
        }
        tokens::delete_old_logins(&mut tx, &ann.id, at(20), 2).await.expect("forgotten");
        let left = tokens::of_account(&mut tx, &ann.id).await.expect("listed");
        assert_eq!(left, [token(5, "login", None), token(4, "login", None), token(1, "access", None)]);
        tokens::create(&mut tx, &token(6, tokens::LOGIN, Some(1))).await.expect("created");
        tokens::delete_password_logins(&mut tx, &ann.id).await.expect("forgotten");
        let left = tokens::of_account(&mut tx, &ann.id).await.expect("listed");
        assert_eq!(left, [token(6, "login", Some(1)), token(1, "access", None)]);
    }

    async fn keys_of_tokens_have_one_number_each(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let key = |number, salt: &str| token_keys::TokenKey {
            number,
            salt: salt.to_owned(),
            created_at: at(number),
            signs_from: at(number + 1),
        };
        for number in [1, 2, 3] {
            assert!(token_keys::add(&mut tx, &key(number, "aa")).await.expect("added"));
        }
        assert!(!token_keys::add(&mut tx, &key(3, "bb")).await.expect("asked"));
        token_keys::delete_before(&mut tx, 2).await.expect("forgotten");
        assert_eq!(token_keys::list(&mut tx).await.expect("read"), [key(3, "aa"), key(2, "aa")]);
    }

    async fn a_secret_is_kept_under_the_keys_that_open_it(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let secret = |key: &str, sealed: &[u8]| trust_secrets::TrustSecret {
            key_id: key.to_owned(),
            sealed: sealed.to_vec(),
            created_at: at(1),
        };
        for secret in [secret("a", b"1"), secret("b", b"2"), secret("a", b"3")] {
            trust_secrets::add(&mut tx, &secret).await.expect("added");
        }
        let all = trust_secrets::list(&mut tx).await.expect("read");
        assert_eq!(all, [secret("a", b"1"), secret("b", b"2")]);
        trust_secrets::delete_others(&mut tx, "b").await.expect("forgotten");
        assert_eq!(trust_secrets::list(&mut tx).await.expect("read"), [secret("b", b"2")]);
    }

    async fn robots_are_their_owners(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let robot = |number, name: &str, robot| accounts::Account { robot, ..account(number, name) };
        let theirs = robot(101, "acme+ci", accounts::Robot {
            publisher_id: Some(cast.publisher.id.to_string()),
            expires_at: Some(at(9)),
            ..accounts::Robot::default()
        });
        let own = robot(102, "ann~ci", accounts::Robot {
            account_id: Some(cast.account.id.to_string()),
            ..accounts::Robot::default()
        });
        for robot in [&theirs, &own] {
            accounts::create(&mut tx, robot).await.expect("created");
        }
        assert!(theirs.is_robot() && !cast.account.is_robot());
        assert_eq!((theirs.robot_publisher(), own.robot_owner()), (Some(cast.publisher.id.clone()), Some(cast.account.id.clone())));
        let found = accounts::robots_of_account(&mut tx, &cast.account.id).await.expect("listed");
        assert_eq!(found, [own]);
        let found = accounts::robots_of_publisher(&mut tx, &cast.publisher.id).await.expect("listed");
        assert_eq!(found, std::slice::from_ref(&theirs));
        accounts::set_disabled(&mut tx, &theirs.id, Some(at(3))).await.expect("barred");
        let found = accounts::robots_of_publisher(&mut tx, &cast.publisher.id).await.expect("listed");
        assert_eq!(found, []);
    }

    async fn publishers_members_and_keys(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let acme = cast.publisher;
        let member = |role: &str| Member {
            publisher_id: acme.id.clone(),
            account_id: cast.account.id.clone(),
            role: role.to_owned(),
            joined_at: at(1),
        };
        for role in ["owner", "viewer"] {
            publishers::set_member(&mut tx, &member(role)).await.expect("set");
            let found = publishers::member_role(&mut tx, &acme.id, &cast.account.id).await;
            assert_eq!(found.expect("read").as_deref(), Some(role));
        }
        let mine = publishers::of_account(&mut tx, &cast.account.id).await.expect("listed");
        assert_eq!(mine, std::slice::from_ref(&acme));
        let key = |number| PublisherKey {
            id: id(KeyId::new, number),
            publisher_id: acme.id.clone(),
            name: "key".to_owned(),
            fingerprint: format!("{number}"),
            pem: "pem".to_owned(),
            created_at: at(0),
            revoked_at: None,
            valid_from: Some(at(1)),
            proven_at: None,
            challenge: Some("sign this".to_owned()),
            challenge_ends_at: Some(at(2)),
        };
        publishers::add_key(&mut tx, &key(1)).await.expect("added");
        publishers::add_key(&mut tx, &key(2)).await.expect("added");
        let other = publisher(9, "other");
        publishers::create(&mut tx, &other).await.expect("created");
        let revoke = async |tx: &mut _, of: &publishers::Publisher, times| {
            publishers::revoke_key(tx, &of.id, &key(1).id, times).await.expect("asked")
        };
        assert!(!revoke(&mut tx, &other, (at(3), at(3))).await);
        assert!(revoke(&mut tx, &acme, (at(9), at(3))).await, "it ends later");
        assert!(revoke(&mut tx, &acme, (at(3), at(3))).await, "or at once after all");
        assert!(!revoke(&mut tx, &acme, (at(4), at(4))).await, "it has ended");
        let revoked = PublisherKey { revoked_at: Some(at(3)), ..key(1) };
        assert_eq!(publishers::keys(&mut tx, &acme.id).await.expect("listed"), [revoked, key(2)]);
        let prove = async |tx: &mut _, text| {
            publishers::prove_key(tx, &key(2).id, text, at(4)).await.expect("asked")
        };
        publishers::set_challenge(&mut tx, &key(2).id, ("another", at(5))).await.expect("set");
        assert!(!prove(&mut tx, "sign this").await, "that text is replaced");
        assert!(prove(&mut tx, "another").await);
        assert!(!prove(&mut tx, "another").await, "it was good once");
        let proven = PublisherKey {
            proven_at: Some(at(4)),
            challenge: None,
            challenge_ends_at: None,
            ..key(2)
        };
        let found = publishers::find_key(&mut tx, &acme.id, &key(2).id).await.expect("read");
        assert_eq!(found, Some(proven));
        assert_eq!(publishers::find_key(&mut tx, &other.id, &key(2).id).await.expect("read"), None);
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        let twice = PublisherKey { id: id(KeyId::new, 3), ..key(2) };
        assert!(publishers::add_key(&mut tx, &twice).await.expect_err("taken").is_conflict());
    }

    async fn a_standing_changes_from_what_it_was(db: Database) {
        use PublisherState::{Applied, Suspended, Verified};
        let mut tx = db.begin().await.expect("a transaction");
        let acme = publisher(1, "acme");
        publishers::create(&mut tx, &acme).await.expect("created");
        assert!(publishers::set_state(&mut tx, &acme.id, (Applied, Verified), at(5), None).await.expect("set"));
        assert!(!publishers::set_state(&mut tx, &acme.id, (Applied, Suspended), at(6), Some("x")).await.expect("asked"));
        publishers::set_logo(&mut tx, &acme.id, "sha256:logo").await.expect("set");
        let found = publishers::find_by_slug(&mut tx, "acme").await.expect("read").expect("there");
        assert_eq!((found.state, found.decided_at, found.reason), (Verified, Some(at(5)), None));
        assert_eq!(found.logo.as_deref(), Some("sha256:logo"));
        for number in 2..5 {
            publishers::create(&mut tx, &publisher(number, &format!("other-{number}"))).await.expect("created");
        }
        for (state, from, expected) in [
            (None, "", "acme other-2"),
            (None, "other-2", "other-3 other-4"),
            (Some(Applied), "", "other-2 other-3"),
            // The one before was decided on meanwhile.
            (Some(Applied), "acme", "other-2 other-3"),
            (Some(Verified), "", "acme"),
            (Some(Suspended), "", ""),
        ] {
            let found = publishers::list(&mut tx, state, store::Part { from, limit: 2 }).await.expect("listed");
            let slugs: Vec<_> = found.iter().map(|one| one.slug.as_str()).collect();
            assert_eq!(slugs.join(" "), expected, "{state:?} {from}");
        }
        assert_eq!(publishers::count_in(&mut tx, Applied).await.expect("counted"), 3);
        assert_eq!(publishers::count_in(&mut tx, Verified).await.expect("counted"), 1);
    }

    async fn pictures_stay_their_first_uploaders(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let (acme, other) = (publisher(1, "acme"), publisher(2, "other"));
        for one in [&acme, &other] {
            publishers::create(&mut tx, one).await.expect("created");
        }
        let asset = |publisher: &publishers::Publisher| assets::Asset {
            digest: "sha256:a".to_owned(),
            publisher_id: publisher.id.clone(),
            media_type: "image/png".to_owned(),
            width: 512,
            height: 512,
            size: 1 << 40,
            created_at: at(0),
            unreachable_since: None,
        };
        assets::create(&mut tx, &no_blobs(), &asset(&acme)).await.expect("created");
        assets::create(&mut tx, &no_blobs(), &asset(&other)).await.expect("stays");
        assert_eq!(assets::find(&mut tx, "sha256:a").await.expect("read"), Some(asset(&acme)));
        assert_eq!(assets::find(&mut tx, "sha256:b").await.expect("read"), None);
    }

    async fn the_last_setting_stands(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        assert_eq!(settings::find(&mut tx, "key").await.expect("read"), None);
        for value in ["one", "two"] {
            settings::set(&mut tx, "key", value).await.expect("set");
            assert_eq!(settings::find(&mut tx, "key").await.expect("read").as_deref(), Some(value));
        }
    }

    async fn the_audit_log_keeps_its_order(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let ann = account(1, "ann");
        accounts::create(&mut tx, &ann).await.expect("created");
        let record = |number: u8, subject: &str| audit::AuditRecord {
            id: id(market::AuditId::new, number).as_str().to_owned(),
            at: at(i64::from(number)),
            actor: if number == 3 { ann.id.to_string() } else { "system".to_owned() },
            action: "submit".to_owned(),
            subject: subject.to_owned(),
            reason: (number > 1).then(|| "because".to_owned()),
            before: None,
            after: Some("x".to_owned()),
        };
        for (number, subject) in [(2, "b"), (1, "a"), (3, "a")] {
            audit::append(&mut tx, &record(number, subject)).await.expect("appended");
        }
        assert_eq!(audit::of_subject(&mut tx, "a").await.expect("read"), [record(1, "a"), record(3, "a")]);
        let all = audit::AuditFilter::default();
        let newest = audit::newest(&mut tx, all, store::Part::first(2)).await.expect("read");
        let names: Vec<_> = newest.iter().map(|one| one.actor_name.as_deref()).collect();
        assert_eq!(names, [Some("ann"), None]);
        let newest: Vec<_> = newest.into_iter().map(|one| one.record).collect();
        assert_eq!(newest, [record(3, "a"), record(2, "b")]);
        let from = newest[1].id.clone();
        let rest = store::Part { from: &from, limit: 9 };
        let ids = async |tx: &mut store::Tx, filter, part| {
            let found = audit::newest(tx, filter, part).await.expect("read");
            found.into_iter().map(|one| one.record.id).collect::<Vec<_>>()
        };
        let [one, two, three] = [1, 2, 3].map(|number| record(number, "").id);
        assert_eq!(ids(&mut tx, all, rest).await, std::slice::from_ref(&one));
        let of = |actor, action, subject| audit::AuditFilter { actor, action, subject };
        let first = store::Part::ALL;
        assert_eq!(ids(&mut tx, of("system", "", ""), first).await, [two.clone(), one.clone()]);
        assert_eq!(ids(&mut tx, of("system", "submit", ""), rest).await, std::slice::from_ref(&one));
        assert_eq!(ids(&mut tx, of("", "submit", ""), first).await, [three.clone(), two, one.clone()]);
        assert_eq!(ids(&mut tx, of("", "", "a"), first).await, [three.clone(), one.clone()]);
        assert_eq!(ids(&mut tx, of("", "", "a"), rest).await, [one]);
        assert_eq!(ids(&mut tx, of(ann.id.as_str(), "submit", "a"), first).await, [three]);
        assert!(ids(&mut tx, of("", "other", ""), first).await.is_empty());
    }
}
