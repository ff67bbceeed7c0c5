//! Programs that are told what happens: who hears what, once, signed, tried again, given up.

use app::{
    Actor, Delivery, WebhookAnswer, WebhookCall, WebhookOf, WebhookSettings,
    market::{DeliveryState, EventKind, ListingEvent, NoticeKind},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use serde_json::Value;
use trust::webhook::WebhookSecret;

use crate::{
    images::Image,
    world::{World, told},
};

fn acme() -> WebhookOf {
    WebhookOf::Publisher("acme".to_owned())
}

fn about(kinds: &[EventKind]) -> WebhookSettings {
    WebhookSettings {
        url: "https://hooks.example/secret-path".to_owned(),
        description: "chat".to_owned(),
        kinds: kinds.to_vec(),
        is_active: true,
    }
}

/// Everything that its owner may hear.
fn all_of(of: &WebhookOf) -> WebhookSettings {
    let kinds = EventKind::ALL.iter().copied();
    about(&kinds.filter(|kind| of.may_hear(*kind)).collect::<Vec<_>>())
}

/// Makes a webhook that is told everything; gives its identifier and secret.
async fn hook(world: &World, actor: &Actor, of: &WebhookOf) -> (String, String) {
    let made = world.app.create_webhook(actor, of, &all_of(of)).await;
    let (made, secret) = made.expect("a webhook");
    (made.webhook.id.to_string(), secret)
}

/// What was queued for a webhook, oldest first.
async fn sent(world: &World, actor: &Actor, id: &str) -> Vec<Delivery> {
    let found = world
        .app
        .webhook_deliveries(actor, id, app::Part::first(100))
        .await;
    let mut found = found.expect("deliveries");
    found.reverse();
    found
}

async fn kinds(world: &World, actor: &Actor, id: &str) -> Vec<String> {
    let sent = sent(world, actor, id).await.into_iter();
    sent.map(|delivery| delivery.kind).collect()
}

async fn take(world: &World) -> Vec<WebhookCall> {
    world.app.take_webhook_calls(32).await.expect("calls")
}

async fn end(world: &World, call: &WebhookCall, status: u16) {
    let answer = WebhookAnswer {
        status: Some(status),
        body: "said".to_owned(),
        millis: 12,
        ..WebhookAnswer::default()
    };
    let ended = world.app.webhook_call_ended(call, &answer).await;
    ended.expect("noted");
}

fn header<'a>(call: &'a WebhookCall, name: &str) -> &'a str {
    let found = call.headers.iter().find(|(header, _)| *header == name);
    found.map(|(_, value)| value.as_str()).expect("a header")
}

/// Whether a call bears a signature with this secret.
fn is_signed(call: &WebhookCall, secret: &str) -> bool {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").expect("a prefix"));
    let secret = WebhookSecret::new(bytes.expect("base 64"));
    let timestamp = header(call, "webhook-timestamp").parse().expect("a number");
    let expected = secret.sign(header(call, "webhook-id"), timestamp, &call.body);
    header(call, "webhook-signature")
        .split(' ')
        .any(|found| found == expected)
}

both! {
    async fn everybody_hears_what_concerns_them(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let stranger = world.newcomer("stranger").await;
        let (publishers, _) = hook(&world, &world.owner, &acme()).await;
        let (markets, _) = hook(&world, &world.operator, &WebhookOf::Market).await;
        let (carls, _) = hook(&world, &world.carl, &WebhookOf::Me).await;
        let (strangers, _) = hook(&world, &stranger, &WebhookOf::Me).await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        let submission = world.submitted("2.0", &Image::vulnerable("two")).await;
        world.app.add_comment(&world.reviewer, submission.id.as_str(), "submission", "Why root?").await.expect("written");
        world.clock.advance(TimeDelta::hours(36));
        assert_eq!(world.app.remind_publishers().await.expect("looked at"), 1);
        let operator = &world.operator;
        let refused = world.app.manage_listing(operator, "acme", "db", ListingEvent::Reinstate, "No").await;
        assert!(refused.is_err(), "it is not on hold");
        world.app.manage_listing(operator, "acme", "db", ListingEvent::Hold, "CVE-2021-44228 is late").await.expect("held");

        let everything = [
            "submission.inspected", "submission.decided", "listing.released", "promise.begun",
            "submission.inspected", "submission.remark", "promise.ends-soon", "listing.on-hold",
        ];
        assert_eq!(kinds(&world, &world.owner, &publishers).await, everything);
        assert_eq!(kinds(&world, operator, &markets).await, everything);
        assert_eq!(kinds(&world, &world.carl, &carls).await, ["listing.on-hold"], "since he subscribed");
        assert!(sent(&world, &stranger, &strangers).await.is_empty(), "is no customer");

        let to_carl = sent(&world, &world.carl, &carls).await.remove(0).body;
        assert!(!to_carl.contains("CVE") && !to_carl.contains("late"), "{to_carl}");
        let all = sent(&world, &world.owner, &publishers).await;
        assert!(all[7].body.contains("CVE-2021-44228 is late"), "{}", all[7].body);
        let event: Value = serde_json::from_str(&all[2].body).expect("JSON");
        let product = world.app.product_page(&world.carl, "acme", "db").await.expect("a page");
        let digest = product.releases[0].digest.clone();
        assert_eq!(event["data"], serde_json::json!({
            "product": "acme/db", "url": "https://market.example/p/acme/db", "tag": "1.0",
            "image": "market.example/acme/db:1.0", "digest": digest, "certified": product.product.certified,
            "reason": null,
        }));
        let attributes = ["specversion", "type", "source", "subject", "datacontenttype", "time"].map(|name| event[name].as_str().expect("text"));
        assert_eq!(attributes, [
            "1.0", "plimsoll.listing.released", "https://market.example", "acme/db",
            "application/json", "2026-11-01T10:00:00.123Z",
        ]);
        assert_eq!(event["id"].as_str(), Some(all[2].id.as_str()));
    }

    async fn nothing_is_queued_twice_for_one_cause(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (id, _) = hook(&world, &world.owner, &acme()).await;
        world.released("1.0", &Image::vulnerable("one")).await;
        let known = sent(&world, &world.owner, &id).await;
        let mut again = known[0].clone();
        again.id = market::DeliveryId::new(world.app.now(), [9; 10]);
        let mut tx = world.db.begin().await.expect("a transaction");
        store::webhooks::queue(&mut tx, &again).await.expect("nothing to do");
        tx.commit().await.expect("committed");
        assert_eq!(sent(&world, &world.owner, &id).await, known);
    }

    async fn calls_are_signed_and_made_one_at_a_time(db: Database) {
        let world = World::new(db).await;
        let (id, secret) = hook(&world, &world.owner, &acme()).await;
        let (other, _) = hook(&world, &world.carl, &WebhookOf::Me).await;
        for _ in 0..2 {
            world.app.test_webhook(&world.owner, &id).await.expect("queued");
        }
        world.app.test_webhook(&world.carl, &other).await.expect("queued");
        let calls = take(&world).await;
        assert_eq!(calls.len(), 2, "one to each");
        assert!(take(&world).await.is_empty(), "somebody has them");
        let call = calls.iter().find(|call| call.webhook.as_str() == id).expect("ours");
        assert!(is_signed(call, &secret));
        assert_eq!(header(call, "content-type"), "application/cloudevents+json");
        assert_eq!(header(call, "webhook-id"), call.delivery.as_str());
        end(&world, call, 204).await;
        let next = take(&world).await.remove(0);
        assert_ne!(next.delivery, call.delivery);
        // Whoever has that one dies.
        world.clock.advance(TimeDelta::minutes(2));
        let again = take(&world).await;
        let again = again.iter().find(|call| call.webhook.as_str() == id).expect("ours");
        assert_eq!(again.delivery, next.delivery);
        assert!(is_signed(again, &secret), "with a time of its own");

        let renewed = world.app.renew_webhook_secret(&world.owner, &id).await.expect("a secret");
        assert_ne!(renewed, secret);
        end(&world, again, 500).await;
        world.clock.advance(TimeDelta::minutes(1));
        let both = take(&world).await.remove(0);
        assert!(is_signed(&both, &renewed) && is_signed(&both, &secret));
        end(&world, &both, 500).await;
        world.clock.advance(TimeDelta::days(1));
        let one = take(&world).await.remove(0);
        assert!(is_signed(&one, &renewed) && !is_signed(&one, &secret));
    }

    async fn a_failure_is_tried_eight_times_again_and_can_be_sent_anew(db: Database) {
        let world = World::new(db).await;
        let (id, _) = hook(&world, &world.owner, &acme()).await;
        world.app.test_webhook(&world.owner, &id).await.expect("queued");
        let mut pauses = Vec::new();
        let mut first = None;
        for _ in 0..9 {
            let mut minutes = 0;
            let call = loop {
                if let Some(call) = take(&world).await.pop() {
                    break call;
                }
                world.clock.advance(TimeDelta::minutes(1));
                minutes += 1;
            };
            pauses.push(minutes);
            assert_eq!(first.get_or_insert_with(|| call.delivery.clone()), &call.delivery);
            // A redirect is a failure like any other.
            end(&world, &call, if pauses.len() == 3 { 302 } else { 503 }).await;
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 128]);
        world.clock.advance(TimeDelta::days(1));
        assert!(take(&world).await.is_empty());
        let delivery = first.expect("a delivery");
        let (found, attempts) = world.app.webhook_delivery(&world.owner, &id, delivery.as_str()).await.expect("there");
        assert_eq!((found.state, attempts.len()), (DeliveryState::Failed, 9));
        assert_eq!(attempts[0].error.as_deref(), Some("it answered 503"));
        assert_eq!((attempts[0].status, attempts[0].millis, attempts[0].answer.as_str()), (Some(503), 12, "said"));
        assert!(attempts[2].error.as_deref().expect("why").contains("redirects are not followed"));
        assert!(world.app.webhook(&world.owner, &id).await.expect("there").webhook.failing_since.is_some());

        world.app.redeliver_webhook(&world.owner, &id, delivery.as_str()).await.expect("queued");
        let again = take(&world).await.remove(0);
        assert_eq!((&again.delivery, &again.body), (&delivery, &found.body));
        end(&world, &again, 200).await;
        let (found, attempts) = world.app.webhook_delivery(&world.owner, &id, delivery.as_str()).await.expect("there");
        assert_eq!((found.state, attempts.len()), (DeliveryState::Delivered, 10));
        assert!(world.app.webhook(&world.owner, &id).await.expect("there").webhook.failing_since.is_none());
    }

    async fn what_takes_nothing_for_five_days_is_disabled_and_its_keepers_hear_of_it(db: Database) {
        let world = World::new(db).await;
        let (id, _) = hook(&world, &world.owner, &acme()).await;
        let queue = async || world.app.test_webhook(&world.owner, &id).await.map(drop);
        let mut days = 0;
        while queue().await.is_ok() {
            for _ in 0..9 {
                while let Some(call) = take(&world).await.pop() {
                    end(&world, &call, 500).await;
                }
                world.clock.advance(TimeDelta::minutes(130));
            }
            world.clock.advance(TimeDelta::days(1) - TimeDelta::minutes(9 * 130));
            days += 1;
            assert!(days < 10, "never disabled");
        }
        assert_eq!(days, 6, "five days, and the attempts of the sixth");
        let found = world.app.webhook(&world.owner, &id).await.expect("there");
        assert_eq!(found.webhook.disabled_why.as_deref(), Some("nothing was taken for five days"));
        assert!(told(queue().await).contains("switch it on first"));
        let notice = world.app.my_notices(&world.owner, app::Part::first(1)).await.expect("notices").remove(0);
        assert_eq!((notice.kind, notice.title.as_str()), (NoticeKind::Webhook, "The webhook to hooks.example was disabled"));
        assert_eq!(notice.path, format!("/webhooks/{id}"));
        assert!(!notice.body.contains("secret-path"), "{}", notice.body);
        let to_editor = world.app.my_notices(&world.editor, app::Part::first(1)).await.expect("notices");
        assert!(to_editor.iter().all(|notice| notice.kind != NoticeKind::Webhook), "does not keep it");
        assert!(world.audit(&id).await.contains(&"manage-webhooks ->disabled".to_owned()));

        world.app.change_webhook(&world.owner, &id, &all_of(&acme())).await.expect("switched on");
        queue().await.expect("on again");
        assert_eq!(take(&world).await.len(), 1, "what waited was given up");
    }

    async fn who_is_gone_is_called_no_more(db: Database) {
        let world = World::new(db).await;
        let (id, _) = hook(&world, &world.carl, &WebhookOf::Me).await;
        for _ in 0..2 {
            world.app.test_webhook(&world.carl, &id).await.expect("queued");
        }
        end(&world, &take(&world).await[0], 410).await;
        assert!(take(&world).await.is_empty());
        let sent = sent(&world, &world.carl, &id).await;
        assert!(sent.iter().all(|delivery| delivery.state == DeliveryState::Failed), "{sent:?}");
        let notice = world.app.my_notices(&world.carl, app::Part::first(1)).await.expect("notices").remove(0);
        assert!(notice.body.contains("410 Gone"), "{}", notice.body);
    }

    async fn one_that_is_off_hears_nothing_and_one_that_is_deleted_is_forgotten(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (id, _) = hook(&world, &world.owner, &acme()).await;
        world.app.test_webhook(&world.owner, &id).await.expect("queued");
        let call = take(&world).await.remove(0);
        let off = WebhookSettings { is_active: false, ..all_of(&acme()) };
        world.app.change_webhook(&world.owner, &id, &off).await.expect("off");
        end(&world, &call, 500).await;
        world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.advance(TimeDelta::hours(1));
        assert!(take(&world).await.is_empty());
        assert_eq!(kinds(&world, &world.owner, &id).await, ["ping"]);
        world.app.delete_webhook(&world.owner, &id).await.expect("deleted");
        end(&world, &call, 200).await;
        assert!(told(world.app.webhook(&world.owner, &id).await).starts_with("not-found"));
    }

    async fn what_was_sent_is_kept_for_thirty_days(db: Database) {
        let world = World::new(db).await;
        let (id, _) = hook(&world, &world.owner, &acme()).await;
        for status in [200, 500] {
            world.app.test_webhook(&world.owner, &id).await.expect("queued");
            end(&world, &take(&world).await[0], status).await;
        }
        world.clock.advance(TimeDelta::days(30));
        assert_eq!(world.app.forget_webhook_deliveries().await.expect("forgotten"), 0);
        world.clock.advance(TimeDelta::seconds(1));
        assert_eq!(world.app.forget_webhook_deliveries().await.expect("forgotten"), 1);
        assert_eq!(sent(&world, &world.owner, &id).await.len(), 1, "one still waits");
    }

    async fn what_cannot_be_is_refused(db: Database) {
        let world = World::new(db).await;
        let (app, owner) = (&world.app, &world.owner);
        let good = all_of(&acme());
        let bad = [
            (WebhookSettings { url: "http://hooks.example".to_owned(), ..good.clone() }, "use https://"),
            (WebhookSettings { url: "https://a:b@hooks.example".to_owned(), ..good.clone() }, "user and password"),
            (WebhookSettings { kinds: Vec::new(), ..good.clone() }, "at least one kind"),
            (WebhookSettings { description: "a\nb".to_owned(), ..good.clone() }, "one line"),
        ];
        for (settings, why) in bad {
            let refused = told(app.create_webhook(owner, &acme(), &settings).await);
            assert!(refused.starts_with("invalid") && refused.contains(why), "{refused}");
        }
        let refused = told(app.create_webhook(&world.carl, &WebhookOf::Me, &good).await);
        assert!(refused.contains("subscribers hear of listings only"), "{refused}");
        let (mine, _) = hook(&world, &world.carl, &WebhookOf::Me).await;
        assert!(told(app.webhook(owner, &mine).await).starts_with("not-found"));
        for _ in 0..20 {
            hook(&world, owner, &acme()).await;
        }
        let refused = told(app.create_webhook(owner, &acme(), &good).await);
        assert!(refused.contains("20 webhooks already"), "{refused}");
    }
}
