//! What a publisher proves: `/publisher/{slug}/proofs/…`, and the page behind the link in a
//! letter.

use std::sync::Arc;

use app::{App, Profile, Proofs};
use axum::extract::{Path, State};
use market::PublisherState;

use super::publisher;
use crate::{
    answer::{Answer, Refusal, page},
    form::Form,
    notice::Notice,
    pages::{
        operator::ProofLine,
        proofs::{DomainView, EmailProofPage, ProofsView},
        publisher_portal::ApplicationForm,
    },
    viewer::Viewer,
};

/// `POST /publisher/{slug}/proofs/email`
pub(crate) async fn mail(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    app.mail_email_proof(&form.viewer.actor, &slug).await?;
    form.viewer.done(&back_to(&slug), Notice::LinkSent)
}

/// `POST /publisher/{slug}/proofs/domain`
pub(crate) async fn look(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    app.look_at_domain(&form.viewer.actor, &slug).await?;
    form.viewer.done(&back_to(&slug), Notice::DomainAsked)
}

/// `POST /publisher/{slug}/proofs/profile`
pub(crate) async fn mend(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let text = |name: &str| form.text(name).trim().to_owned();
    let profile = Profile {
        legal_name: text("legal_name"),
        website: text("website"),
        phone: text("phone"),
        email: text("email"),
    };
    let changed = app.change_profile(&form.viewer.actor, &slug, &profile);
    let refusal = match changed.await {
        Ok(()) => return form.viewer.done(&back_to(&slug), Notice::ProfileChanged),
        Err(error) => Refusal::of(error)?,
    };
    let typed = ApplicationForm {
        slug: slug.clone(),
        legal_name: profile.legal_name,
        website: profile.website,
        phone: profile.phone,
        email: profile.email,
    };
    publisher::profile_refused(&app, form.viewer, &slug, (typed, refusal)).await
}

/// `GET /proofs/email/{letter}/{key}`: asks. Programs that look through mail follow links.
pub(crate) async fn ask(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((letter, key)): Path<(String, String)>,
) -> Answer {
    let found = app.email_proof(&letter, &key).await?;
    page(&EmailProofPage {
        legal_name: found.legal_name,
        website: found.website,
        email: found.email,
        is_open: found.is_open,
        is_proven: found.is_proven,
        layout: viewer.layout,
    })
}

/// `POST /proofs/email/{letter}/{key}`
pub(crate) async fn prove(
    State(app): State<Arc<App>>,
    Path((letter, key)): Path<(String, String)>,
    form: Form,
) -> Answer {
    app.prove_email(&letter, &key).await?;
    let path = form.viewer.layout.path.clone();
    form.viewer.done(&path, Notice::EmailProven)
}

fn back_to(slug: &str) -> String {
    format!("/publisher/{slug}#proofs")
}

/// Returns what a publisher proves, as its page shows it.
pub(super) fn proofs_view(
    proofs: Proofs,
    publisher: &app::Publisher,
    viewer: &Viewer,
) -> ProofsView {
    ProofsView {
        email: proofs.email,
        email_proven: proofs.email_proven_at.map(|at| viewer.when(at)),
        email_sent: proofs.email_sent_at.map(|at| viewer.when(at)),
        email_expires: proofs.email_expires_at.map(|at| viewer.when(at)),
        website: publisher.website.clone(),
        domains_agree: proofs.domains_agree,
        can_prove: proofs.may_prove,
        can_mend: proofs.may_prove && publisher.state != PublisherState::Verified,
        domain: proofs.domain.map(|domain| DomainView {
            proven: domain
                .proven
                .map(|(way, at)| (way.title().to_owned(), viewer.when(at))),
            next_look: domain.next_look.map(|at| viewer.when(at)),
            failed: domain
                .looked_at
                .zip(domain.error)
                .map(|(at, why)| (viewer.when(at), why)),
            domain: domain.domain,
            record: domain.record,
            file: domain.file,
            text: domain.text,
        }),
    }
}

/// Returns what a publisher has proven, as the operator reads it.
pub(super) fn proof_lines(proofs: &Proofs) -> Vec<ProofLine> {
    let line = |is_good, text: String| ProofLine { is_good, text };
    let mut lines = vec![match proofs.email_proven_at {
        Some(_) => line(true, "E-mail proven".to_owned()),
        None => line(false, "E-mail not proven".to_owned()),
    }];
    let Some(domain) = &proofs.domain else {
        lines.push(line(false, "Website without a domain".to_owned()));
        return lines;
    };
    lines.push(match domain.proven {
        Some((way, _)) => line(true, format!("{} proven by {}", domain.domain, way.title())),
        None => line(false, format!("{} not proven", domain.domain)),
    });
    if !proofs.domains_agree {
        lines.push(line(
            false,
            "E-mail is not of the website's domain".to_owned(),
        ));
    }
    lines
}
