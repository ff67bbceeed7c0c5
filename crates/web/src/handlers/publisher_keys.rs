//! Keys and certificates on a publisher's page: registering, proving, ending.

use std::sync::Arc;

use app::{App, AppError, Credential, NewKey, PublisherKey};
use axum::extract::{Path, State};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use market::KeyStanding;

use super::publisher::refused;
use crate::{
    answer::{Answer, Refusal},
    form::Form,
    notice::Notice,
    pages::publisher::{KeyRow, ProofTask},
    view::{Pill, Tone, proof_commands},
    viewer::Viewer,
};

/// What was typed for a new key, and what is wrong with it.
pub(super) struct Typed {
    pub(super) name: String,
    pub(super) pem: String,
    pub(super) refusal: Refusal,
}

/// `POST /publisher/{slug}/keys/new`
pub(crate) async fn add(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let (name, pem) = (form.text("key_name"), form.text("key_pem"));
    let added = match day(form.text("key_from"), "key_from") {
        Ok(valid_from) => {
            let new = NewKey {
                name: name.to_owned(),
                pem: pem.to_owned(),
                valid_from,
            };
            app.add_publisher_key(&form.viewer.actor, &slug, &new).await
        }
        Err(error) => Err(error),
    };
    match added {
        Ok(_) => form.viewer.done(&keys_of(&slug), Notice::KeyAdded),
        Err(error) => {
            let (name, pem) = (name.to_owned(), pem.to_owned());
            let typed = Typed {
                name,
                pem,
                refusal: Refusal::of(error)?.renamed(&[("name", "key_name"), ("pem", "key_pem")]),
            };
            refused(&app, form.viewer, &slug, typed).await
        }
    }
}

/// `POST /publisher/{slug}/keys/{id}/challenge`
pub(crate) async fn renew_challenge(
    State(app): State<Arc<App>>,
    Path((slug, id)): Path<(String, String)>,
    form: Form,
) -> Answer {
    app.renew_key_challenge(&form.viewer.actor, &slug, &id)
        .await?;
    form.viewer.done(&keys_of(&slug), Notice::KeyChallenged)
}

/// `POST /publisher/{slug}/keys/{id}/proof`
pub(crate) async fn prove(
    State(app): State<Arc<App>>,
    Path((slug, id)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let proof = form.text("proof");
    match app
        .prove_publisher_key(&form.viewer.actor, &slug, &id, proof)
        .await
    {
        Ok(_) => form.viewer.done(&keys_of(&slug), Notice::KeyProven),
        Err(error) => {
            let field = format!("proof-{id}");
            let typed = Typed {
                name: String::new(),
                pem: String::new(),
                refusal: Refusal::of(error)?.renamed(&[("proof", &field)]),
            };
            refused(&app, form.viewer, &slug, typed).await
        }
    }
}

/// `POST /publisher/{slug}/keys/{id}/revoke`
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    Path((slug, id)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let at = day(form.text("at"), "at")?;
    app.revoke_publisher_key(&form.viewer.actor, &slug, &id, at)
        .await?;
    form.viewer.done(
        &keys_of(&slug),
        match at {
            Some(_) => Notice::KeyEndSet,
            None => Notice::KeyRevoked,
        },
    )
}

fn keys_of(slug: &str) -> String {
    format!("/publisher/{slug}#keys")
}

/// Reads the day from which on something counts; it begins in UTC.
fn day(text: &str, field: &str) -> Result<Option<DateTime<Utc>>, AppError> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let day = text.trim().parse::<NaiveDate>();
    let day = day.map_err(|_| AppError::invalid(field, "write a day such as 2027-01-31"))?;
    Ok(Some(day.and_time(NaiveTime::MIN).and_utc()))
}

pub(super) fn key_row(key: PublisherKey, now: DateTime<Utc>, viewer: &Viewer) -> KeyRow {
    let standing = key.standing(now);
    let credential = Credential::parse(&key.pem).ok();
    let is_certificate = matches!(credential, Some(Credential::Certificate(_)));
    let (state, at) = match standing {
        KeyStanding::Unproven => (Pill::new(Tone::Warning, "To be proven"), None),
        KeyStanding::NotYet => (Pill::new(Tone::Active, "Counts later"), key.valid_from),
        KeyStanding::InForce => (Pill::new(Tone::Good, "In force"), None),
        KeyStanding::Ended => (Pill::new(Tone::Bad, "Revoked"), key.revoked_at),
    };
    let ends = key.revoked_at.filter(|_| standing != KeyStanding::Ended);
    let proof = (key.challenge.zip(key.challenge_ends_at))
        .filter(|_| standing == KeyStanding::Unproven)
        .map(|(challenge, ends_at)| {
            let algorithm = credential.as_ref().map_or("ES256", Credential::algorithm);
            ProofTask {
                commands: proof_commands(&challenge, is_certificate, algorithm),
                ends_at: viewer.when(ends_at),
            }
        });
    KeyRow {
        id: key.id.to_string(),
        name: key.name,
        kind: match credential {
            Some(Credential::Certificate(_)) => "certificate",
            Some(Credential::Identity(_)) => "identity",
            _ => "key",
        },
        fingerprint: key.fingerprint,
        added_at: viewer.when(key.created_at),
        state,
        since: at.map(|at| viewer.when(at)),
        ends_at: ends.map(|at| viewer.when(at)),
        has_ended: standing == KeyStanding::Ended,
        needs_proof: standing == KeyStanding::Unproven,
        proof,
    }
}
