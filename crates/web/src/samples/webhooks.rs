//! Webhooks and what was sent to them.

use market::{EventKind, Problem};

use super::{ago, layout, operator, page, publisher};
use crate::{
    pages::webhooks::{
        AttemptRow, DeliveryPage, DeliveryRow, EventChoice, WebhookForm, WebhookGroupView,
        WebhookPage, WebhookRow, WebhooksPage,
    },
    view::{Choice, FieldErrors, Onward, Pill, Tone},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut fresh = list();
    fresh.form.errors = FieldErrors::default();
    for group in &mut fresh.groups {
        group.webhooks.clear();
    }
    let mut quiet = webhook();
    quiet.secret = None;
    quiet.is_active = false;
    quiet.disabled_why = Some("its address answered 410 Gone".to_owned());
    quiet.deliveries.clear();
    quiet.onward = Onward::default();
    let mut untried = delivery();
    untried.attempts.clear();
    vec![
        page("webhooks", &list()),
        page("webhooks-fresh", &fresh),
        page("webhook", &webhook()),
        page("webhook-disabled", &quiet),
        page("webhook-delivery", &delivery()),
        page("webhook-delivery-untried", &untried),
    ]
}

fn row(host: &str, state: Pill) -> WebhookRow {
    WebhookRow {
        url: "/webhooks/whk_1".to_owned(),
        host: host.to_owned(),
        description: "the <team> chat".to_owned(),
        state,
        kinds: 3,
        created_at: ago(400),
    }
}

fn form() -> WebhookForm {
    let kinds = EventKind::ALL.iter().map(|kind| EventChoice {
        kind: kind.to_string(),
        title: kind.title().to_owned(),
        is_chosen: *kind == EventKind::Released,
        is_inner: !kind.is_public(),
    });
    WebhookForm {
        url: "http://hooks.example/a\"b".to_owned(),
        description: "chat".to_owned(),
        kinds: kinds.collect(),
        errors: FieldErrors(vec![Problem {
            field: "url".to_owned(),
            message: "use https://: the operator permits nothing else".to_owned(),
        }]),
    }
}

fn list() -> WebhooksPage {
    let group = |anchor: &str, title: &str, webhooks| WebhookGroupView {
        anchor: anchor.to_owned(),
        title: title.to_owned(),
        hears: "They are told of its listings, submissions and promises.".to_owned(),
        webhooks,
    };
    WebhooksPage {
        layout: layout("/webhooks", operator()),
        groups: vec![
            group("me", "Your own", Vec::new()),
            group(
                "of-harbour",
                "Of harbour",
                vec![
                    row("hooks.example", Pill::new(Tone::Good, "On")),
                    row("old.example:8443", Pill::new(Tone::Bad, "Disabled")),
                ],
            ),
        ],
        owners: vec![
            Choice::new("me", "Your own", "publisher:harbour"),
            Choice::new("publisher:harbour", "harbour", "publisher:harbour"),
        ],
        form: form(),
    }
}

fn webhook() -> WebhookPage {
    WebhookPage {
        layout: layout("/webhooks/whk_1", publisher()),
        webhook: row("hooks.example", Pill::new(Tone::Warning, "Failing")),
        owner: "Of harbour".to_owned(),
        is_active: true,
        disabled_why: None,
        failing_since: Some(ago(30)),
        old_until: Some(ago(-20)),
        secret: Some("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        form: form(),
        deliveries: vec![sent()],
        onward: Onward {
            first_url: None,
            next_url: Some("/webhooks/whk_1?before=msg_1".to_owned()),
        },
    }
}

fn sent() -> DeliveryRow {
    DeliveryRow {
        url: "/webhooks/whk_1/deliveries/msg_1".to_owned(),
        id: "msg_1".to_owned(),
        kind: "listing.released".to_owned(),
        at: ago(3),
        state: Pill::new(Tone::Warning, "Tried again"),
        due_at: ago(-1),
        tries: 2,
    }
}

fn delivery() -> DeliveryPage {
    let attempt = |number, status: &str, answer: &str, error: Option<&str>| AttemptRow {
        number,
        at: ago(3),
        millis: 240,
        status: status.to_owned(),
        answer: answer.to_owned(),
        error: error.map(str::to_owned),
    };
    DeliveryPage {
        layout: layout("/webhooks/whk_1/deliveries/msg_1", publisher()),
        webhook_url: "/webhooks/whk_1".to_owned(),
        host: "hooks.example".to_owned(),
        is_active: true,
        delivery: sent(),
        body: "{\n  \"type\": \"plimsoll.listing.released\"\n}".to_owned(),
        attempts: vec![
            attempt(1, "no answer", "", Some("it took longer than 10 seconds")),
            attempt(2, "500", "<h1>Oops</h1>", Some("it answered 500")),
        ],
    }
}
