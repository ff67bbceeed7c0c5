//! The publisher's pages.

use chrono::TimeDelta;
use market::{
    CATEGORIES, ENGINES, KINDS, ListingState, Problem, ProductManifest, PublisherState,
    SubmissionState,
};

use super::{ago, layout, now, page, people, publisher, said};
use crate::{
    pages::{
        partnership::{PartnershipPanel, PartnershipRow},
        product_edit::{
            ManifestForm, PlanForm, PreviewerRow, ProductEditPage, ProductState, SupportForm,
        },
        proofs::{DomainView, EmailProofPage, ProofsView},
        publisher::{
            AcceptedRow, DroppedTagRow, ForecastRow, KeyRow, ProductRow, ProofTask, PublisherPage,
            SubmissionLink,
        },
        publisher_portal::{ApplicationForm, OrganisationRow, PublisherPortalPage},
        storage::{RetentionForm, StorageMeter},
        team::{InvitationPage, InvitationRow, MemberRow, TeamView},
        terms::{TermsLine, TermsView},
    },
    view::{
        Choice, FieldErrors, Html, Onward, Paging, Pill, SeverityCounts, Tone, When, listing_pill,
        proof_commands, publisher_pill, submission_pill,
    },
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut anonymous = portal();
    anonymous.layout.viewer = None;
    anonymous.organisations.clear();
    let mut member = portal();
    member.errors = FieldErrors::default();
    let mut empty = organisation();
    empty.products.clear();
    empty.keys.clear();
    empty.robots.clear();
    empty.forecasts.clear();
    empty.agreement_due = None;
    empty.accepted.clear();
    empty.terms = None;
    empty.partnership = PartnershipPanel::default();
    empty.state = publisher_pill(PublisherState::Rejected);
    empty.state_reason = Some("The phone number does not answer.".to_owned());
    let mut new = edit();
    new.product = None;
    new.form.screenshots.clear();
    new.errors = FieldErrors(ProductManifest::default().problems());
    let mut read_only = edit();
    read_only.can_edit = false;
    vec![
        page("publisher-portal", &member),
        page("publisher-portal-anonymous", &anonymous),
        page("publisher-portal-errors", &portal()),
        page("publisher", &organisation()),
        page("invitation", &invitation(true, true)),
        page("invitation-stranger", &invitation(true, false)),
        page("invitation-old", &invitation(false, false)),
        page("email-proof", &email_proof(true, false)),
        page("email-proof-done", &email_proof(false, true)),
        page("email-proof-old", &email_proof(false, false)),
        page("publisher-empty", &empty),
        page("product-edit", &edit()),
        page("product-new", &new),
        page("product-edit-read-only", &read_only),
    ]
}

fn profile() -> ApplicationForm {
    ApplicationForm {
        legal_name: "Harbour Systems Ltd".to_owned(),
        slug: "harbour".to_owned(),
        website: "https://harbour.example".to_owned(),
        phone: "+44 20 7946 0000".to_owned(),
        email: "market@harbour.example".to_owned(),
    }
}

fn portal() -> PublisherPortalPage {
    PublisherPortalPage {
        layout: layout("/publisher", publisher()),
        organisations: vec![OrganisationRow {
            slug: "harbour".to_owned(),
            name: "Harbour Systems Ltd".to_owned(),
            state: publisher_pill(PublisherState::Verified),
            role: "owner".to_owned(),
            products: 2,
        }],
        application: profile(),
        agreement: Some(1),
        errors: FieldErrors(vec![Problem {
            field: "logo".to_owned(),
            message: "the logo is 300 × 200 pixels; it must be square".to_owned(),
        }]),
    }
}

fn submission(number: u64, state: SubmissionState, hours: i64) -> SubmissionLink {
    SubmissionLink {
        number,
        url: format!("/submissions/sub_{number}"),
        state: submission_pill(state),
        submitted_at: ago(hours),
    }
}

/// A key in force.
fn key_row() -> KeyRow {
    KeyRow {
        id: String::new(),
        name: String::new(),
        kind: "key",
        fingerprint: "SHA256:zz0rN5ha1b2c3d4e5f6g7h8i9j0kLmNoPqRsTuVwXyZ".to_owned(),
        added_at: ago(1),
        state: Pill::new(Tone::Good, "In force"),
        since: None,
        ends_at: None,
        has_ended: false,
        needs_proof: false,
        proof: None,
    }
}

fn proofs() -> ProofsView {
    ProofsView {
        email: "market@harbour.example".to_owned(),
        email_proven: None,
        email_sent: Some(ago(2)),
        email_expires: Some(When::new(now() + TimeDelta::hours(70), now())),
        website: "https://www.harbour.example".to_owned(),
        domain: Some(DomainView {
            domain: "harbour.example".to_owned(),
            record: "_plimsoll-challenge.harbour.example".to_owned(),
            file: "https://harbour.example/.well-known/plimsoll/domain.txt".to_owned(),
            text: "plimsoll-verification=k3y".to_owned(),
            proven: None,
            next_look: Some(When::new(now() + TimeDelta::minutes(8), now())),
            failed: Some((ago(1), "TXT record: there is none.".to_owned())),
        }),
        domains_agree: false,
        can_prove: true,
        can_mend: true,
    }
}

fn terms() -> TermsView {
    TermsView {
        fee: "EUR 250.00 a year for each listing".to_owned(),
        share: "12.5 %".to_owned(),
        versions: vec![TermsLine {
            at: ago(24 * 9),
            by: "olga".to_owned(),
            fee: "EUR 250.00 a year for each listing".to_owned(),
            share: "12.5 %".to_owned(),
            note: "As agreed in October.".to_owned(),
        }],
        can_set: true,
        typed_fee: "dear".to_owned(),
        typed_currency: "EUR".to_owned(),
        typed_share: "12.5".to_owned(),
        typed_note: String::new(),
        errors: FieldErrors(vec![Problem {
            field: "listing_fee".to_owned(),
            message: "`dear` is no price: write a number such as 19 or 0.00".to_owned(),
        }]),
    }
}

fn team() -> TeamView {
    let member = |name: &str, role: &str, is_self| MemberRow {
        name: name.to_owned(),
        email: format!("{name}@harbour.example"),
        role: role.to_owned(),
        since: ago(24 * 30),
        is_self,
    };
    let invitation = |email: &str, state, is_waiting| InvitationRow {
        id: "ltr_2".to_owned(),
        email: email.to_owned(),
        role: "editor".to_owned(),
        by: "grace".to_owned(),
        at: ago(20),
        state,
        is_waiting,
    };
    TeamView {
        members: vec![
            member("grace", "owner", true),
            member("linus", "finance", false),
        ],
        invitations: vec![
            invitation(
                "ada@harbour.example",
                Pill::new(Tone::Active, "Waiting"),
                true,
            ),
            invitation(
                "joan@harbour.example",
                Pill::new(Tone::Good, "Accepted"),
                false,
            ),
        ],
        can_manage: true,
        email: "not an address".to_owned(),
        role: "viewer".to_owned(),
        errors: FieldErrors(vec![Problem {
            field: "invite_email".to_owned(),
            message: "give an e-mail address such as ann@example.com".to_owned(),
        }]),
    }
}

fn invitation(is_open: bool, is_signed_in: bool) -> InvitationPage {
    let viewer = is_signed_in.then(publisher).flatten();
    InvitationPage {
        layout: layout("/invitations/ltr_2/key", viewer),
        legal_name: "Harbour Systems Ltd".to_owned(),
        slug: "harbour".to_owned(),
        email: "ada@harbour.example".to_owned(),
        role: "editor".to_owned(),
        invited_by: "grace".to_owned(),
        is_open,
        sign_in_url: "/sign-in?return_to=/invitations/ltr_2/key".to_owned(),
        can_register: true,
        name: String::new(),
        errors: FieldErrors::default(),
    }
}

fn email_proof(is_open: bool, is_proven: bool) -> EmailProofPage {
    EmailProofPage {
        layout: layout("/proofs/email/ltr_1/key", None),
        legal_name: "Harbour Systems Ltd".to_owned(),
        website: "https://www.harbour.example".to_owned(),
        email: "market@harbour.example".to_owned(),
        is_open,
        is_proven,
    }
}

fn organisation() -> PublisherPage {
    PublisherPage {
        layout: layout("/publisher/harbour", publisher()),
        profile: profile(),
        team: team(),
        terms: Some(terms()),
        partnership: partnership(),
        proofs: proofs(),
        typed: profile(),
        profile_errors: FieldErrors::default(),
        state: publisher_pill(PublisherState::Verified),
        state_reason: None,
        logo_url: Some("/static/mark.svg".to_owned()),
        can_edit: true,
        can_manage_keys: true,
        registry: "market.example".to_owned(),
        forecast_paging: Paging::default(),
        paging: Paging::default(),
        products: vec![
            ProductRow {
                name: "Pilot Database".to_owned(),
                url: "/publisher/harbour/pilot".to_owned(),
                listing: listing_pill(ListingState::Listed),
                submission: Some(submission(4, SubmissionState::ChangesRequested, 30)),
                findings: SeverityCounts {
                    critical: 1,
                    major: 4,
                    minor: 11,
                    unscored: 0,
                },
                next_due: Some(When::new(now() + TimeDelta::hours(31), now())),
            },
            ProductRow {
                name: "Signal Flags".to_owned(),
                url: "/publisher/harbour/signal-flags".to_owned(),
                listing: listing_pill(ListingState::Draft),
                submission: None,
                findings: SeverityCounts::default(),
                next_due: None,
            },
        ],
        keys: vec![
            KeyRow {
                id: "key_1".to_owned(),
                name: "release key".to_owned(),
                fingerprint: "SHA256:vV0rN5ha1b2c3d4e5f6g7h8i9j0kLmNoPqRsTuVwXyZ".to_owned(),
                added_at: ago(24 * 40),
                ..key_row()
            },
            KeyRow {
                id: "key_2".to_owned(),
                name: "notation".to_owned(),
                kind: "certificate",
                state: Pill::new(Tone::Warning, "To be proven"),
                needs_proof: true,
                proof: Some(ProofTask {
                    commands: proof_commands(
                        "harbour at market.example holds the key",
                        true,
                        "PS256",
                    ),
                    ends_at: When::new(now() + TimeDelta::hours(23), now()),
                }),
                ..key_row()
            },
            KeyRow {
                id: "key_0".to_owned(),
                name: "lost laptop".to_owned(),
                fingerprint: "SHA256:aa0rN5ha1b2c3d4e5f6g7h8i9j0kLmNoPqRsTuVwXyZ".to_owned(),
                added_at: ago(24 * 50),
                state: Pill::new(Tone::Bad, "Revoked"),
                since: Some(ago(24 * 41)),
                has_ended: true,
                ..key_row()
            },
        ],
        storage: StorageMeter {
            id: "meter-harbour".to_owned(),
            used: "9.3 GiB".to_owned(),
            quota: Some("10.0 GiB".to_owned()),
            percent: 93,
            is_tight: true,
        },
        retention: RetentionForm {
            keep_newest: "10".to_owned(),
            unused_days: String::new(),
            keep_tags: "latest v*".to_owned(),
        },
        has_own_rules: true,
        can_set_rules: true,
        dropped: Some(vec![DroppedTagRow {
            repository: "staging/harbour/pilot".to_owned(),
            tag: "nightly-<1>".to_owned(),
            set_at: ago(24 * 40),
        }]),
        new_key_name: String::new(),
        new_key_pem: String::new(),
        errors: FieldErrors::default(),
        agreement_due: Some(2),
        can_accept: true,
        accepted: vec![AcceptedRow {
            version: 1,
            account: "grace".to_owned(),
            at: ago(900),
        }],
        calendar_since: Some(ago(300)),
        new_calendar: None,
        forecasts: vec![
            ForecastRow {
                name: "Pilot Database".to_owned(),
                url: "/publisher/harbour/pilot".to_owned(),
                is_held: false,
                hold_at: When::new(now() + TimeDelta::hours(31), now()),
                revoked_at: Some(When::new(now() + TimeDelta::hours(31 + 30 * 24), now())),
                grace_until: None,
                findings: 5,
                findings_url: Some("/submissions/sub_1".to_owned()),
            },
            ForecastRow {
                name: "Signal Flags".to_owned(),
                url: "/publisher/harbour/signal-flags".to_owned(),
                is_held: true,
                hold_at: ago(48),
                revoked_at: Some(When::new(now() + TimeDelta::days(28), now())),
                grace_until: None,
                findings: 0,
                findings_url: None,
            },
            ForecastRow {
                name: "Tide Tables".to_owned(),
                url: "/publisher/harbour/tide-tables".to_owned(),
                is_held: false,
                hold_at: When::new(now() + TimeDelta::hours(70), now()),
                revoked_at: None,
                grace_until: None,
                findings: 1,
                findings_url: Some("/submissions/sub_2".to_owned()),
            },
        ],
        robots: vec![people::robot("harbour+ci")],
    }
}

fn edit() -> ProductEditPage {
    ProductEditPage {
        layout: said(
            layout("/publisher/harbour/pilot", publisher()),
            false,
            "The draft was saved.",
        ),
        publisher_slug: "harbour".to_owned(),
        publisher_name: "Harbour Systems Ltd".to_owned(),
        product: Some(ProductState {
            slug: "pilot".to_owned(),
            listing: listing_pill(ListingState::OnHold),
            public_url: Some("/p/harbour/pilot".to_owned()),
            preview_url: "/preview/harbour/pilot".to_owned(),
            is_unreleased: true,
            previewers: vec![PreviewerRow {
                name: "ada".to_owned(),
                by: "grace".to_owned(),
                since: ago(30),
            }],
            tags_url: "/p/harbour/pilot/tags".to_owned(),
            staging_tags: vec!["1.5".to_owned(), "1.4".to_owned()],
            staging_repository: "staging/harbour/pilot".to_owned(),
            can_submit: true,
            can_withdraw: true,
            offered_tags: vec!["16.4".to_owned(), "15.9".to_owned()],
            is_inside_open: false,
            can_open: true,
            typed: ("pilot".to_owned(), "1.6".to_owned()),
            submit_error: Some("There is no tag `1.6` in staging.".to_owned()),
            submissions_onward: Onward {
                first_url: None,
                next_url: Some("/publisher/harbour/pilot?before=sub_3#submissions".to_owned()),
            },
            submissions: vec![
                submission(4, SubmissionState::ChangesRequested, 30),
                submission(3, SubmissionState::Released, 24 * 20),
            ],
        }),
        form: form(),
        errors: FieldErrors(vec![Problem {
            field: "plans[1].price".to_owned(),
            message: "a price is zero or more; -5 minor units were given".to_owned(),
        }]),
        can_edit: true,
        registry: "market.example".to_owned(),
    }
}

fn form() -> ManifestForm {
    let plan = |id: &str, name: &str, description: &str, amount: &str| PlanForm {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        amount: amount.to_owned(),
        currency: "USD".to_owned(),
        sources: match id {
            "standard" => String::new(),
            _ => "1.*".to_owned(),
        },
    };
    ManifestForm {
        slug: "pilot".to_owned(),
        name: "Pilot Database".to_owned(),
        logo: Some("sha256:01".to_owned()),
        short_description: "A relational database that keeps its head in heavy weather.".to_owned(),
        categories: CATEGORIES
            .iter()
            .map(|name| Choice::new(name, name, "Databases"))
            .collect(),
        tags: "sql, backup".to_owned(),
        long_description: "Pilot speaks the *PostgreSQL* protocol.\n\n</textarea>".to_owned(),
        screenshots: vec!["sha256:00".to_owned()],
        support_link: "https://harbour.example/support".to_owned(),
        support: support_form(),
        kinds: KINDS
            .iter()
            .map(|(value, label)| Choice::new(value.as_str(), label, "image"))
            .collect(),
        test_report: String::new(),
        service_link: String::new(),
        plans: vec![
            plan("community", "Community", "One node.", "0"),
            plan("standard", "Standard", "Three nodes.", "-0.05"),
            PlanForm::default(),
        ],
        installation_instructions: "Mount a volume at `/data`.".to_owned(),
        license_link: "https://harbour.example/licence".to_owned(),
        license_text: String::new(),
        platforms: ENGINES
            .iter()
            .map(|(value, label)| Choice::new(value.as_str(), label, "certified-infrastructure"))
            .collect(),
        accesses: vec![
            Choice::new("subscribers", "Subscribers", "subscribers"),
            Choice::new("everyone", "Everybody", "subscribers"),
        ],
    }
}

fn support_form() -> SupportForm {
    let hours = |class: &str, title: &str, hours: &str| {
        let field = format!("support.sla.response_hours.{class}");
        (field, title.to_owned(), hours.to_owned())
    };
    SupportForm {
        website: "https://harbour.example/help".to_owned(),
        email: "help@harbour.example".to_owned(),
        resources: String::new(),
        days: vec![Choice::new("every-day", "Every day", "every-day")],
        from: "00:00".to_owned(),
        until: "24:00".to_owned(),
        time_zone: "UTC".to_owned(),
        response_hours: vec![
            hours("critical", "Critical", "4"),
            hours("minor", "Minor", "many"),
        ],
    }
}

fn partnership() -> PartnershipPanel {
    let row = |state, decided| PartnershipRow {
        state,
        exchange: "member: Harbour Systems, 4711".to_owned(),
        agreement: Some(2),
        by: "grace".to_owned(),
        at: ago(80),
        decided,
    };
    let refused = ("olive".to_owned(), ago(70), "No such member.".to_owned());
    PartnershipPanel {
        all: vec![
            row(Pill::new(Tone::Active, "Applied"), None),
            row(Pill::new(Tone::Bad, "Refused"), Some(refused)),
        ],
        agreement: Some((2, Html("<p>Be good.</p>".to_owned()))),
        is_needed: true,
        can_apply: true,
        decisions: vec![("grant", "Grant"), ("refuse", "Refuse")],
        typed: "Harbour".to_owned(),
        errors: FieldErrors(vec![Problem {
            field: "membership".to_owned(),
            message: "say as whom".to_owned(),
        }]),
    }
}
