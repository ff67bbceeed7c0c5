//! The programme's types and rules, and nothing else: publishers, product manifests,
//! submissions, listings, severity classes, clocks, plans, and who may do what.
//!
//! Pure: no input or output, no clock, no randomness; time and random bytes are arguments.
//! What does not live here: how any of it is stored, shown or sent.
//!
//! The rules come from the publisher programme's documents (onboarding, content
//! manifest, security and audit policies); each item names its source.

mod access;
mod anchor;
mod approvals;
mod bytes;
mod classification;
mod clock;
mod email;
mod hold;
mod id;
mod import;
mod manifest;
mod money;
mod notice;
mod own_advisory;
mod partnership;
mod plan;
mod proof;
mod publication;
mod release_line;
mod retention;
mod robot;
mod scope;
mod sentences;
mod severity;
mod signing_key;
mod slug;
mod state;
mod support;
mod template;
mod terms;
mod text;
mod vex;
mod waiting;
mod waiver;
mod webhook;

pub use access::{Action, Holding, RULES, Role, allows, holder_may, is_member_role, is_own_work};
pub use anchor::{Anchor, AnchorError};
pub use approvals::{Approval, SamePerson, approvals_needed, approve};
pub use bytes::{parse_bytes, show_bytes};
pub use classification::{CLASSES_BY_HAND, MOST_REASON, classified, is_reason};
pub use clock::FindingClock;
pub use email::is_email;
pub use hold::{Breach, Grace, HoldQuestion, HoldStep, NoGrace, hold_step};
pub use id::*;
pub use import::{
    ImportState, MOST_IMPORT_NAME, MOST_IMPORT_REGISTRY, MOST_IMPORT_SECRET, MOST_IMPORTS,
};
pub use manifest::{
    CATEGORIES, ENGINES, KINDS, License, LogoSize, MAX_SHORT_DESCRIPTION, MIN_LOGO_PIXELS,
    Platform, Problem, ProductKind, ProductManifest, PullAccess, check_logo,
};
pub use money::{Money, MoneyError};
pub use notice::{
    DAILY_HOUR, MAIL_ATTEMPTS, MAIL_LATE, MailChoice, MailState, NoticeKind, Reminder,
    mail_back_off,
};
pub use own_advisory::OwnAdvisory;
pub use partnership::{MOST_MEMBERSHIP, PartnershipDecision, PartnershipState, SupportExchange};
pub use plan::{
    Bought, Entitlement, Origin, Plan, PlanGives, PlanSource, ReleasedOrigin, SourceError,
    StagingName, TagPattern, origins_of,
};
pub use proof::{
    DOMAIN_FILE, DOMAIN_LOOKS, DOMAIN_RECORD, DomainProof, EMAIL_PROOF_LIFE, INVITATION_LIFE,
    MOST_INVITATIONS, domain_text, domains_agree, email_domain, has_domain_text, may_look_again,
    may_mail_again, website_domain,
};
pub use publication::{MOST_PUBLICATION_DAYS, Publication, can_be_published_at};
pub use release_line::is_same_line;
pub use retention::{RetentionRules, StagedTag, beside, is_beside_an_image};
pub use robot::{RobotName, RobotNameError, RobotOwner};
pub use scope::{MOST_SCOPES, RepositoryAction, RepositoryScope, ScopeError, TokenScopes};
pub use severity::{Class, Deadline, HOLD_DAYS, deadline};
pub use signing_key::{KeyStanding, KeyTimes};
pub use slug::{Slug, SlugError};
pub use state::{
    Decision, FindingState, IllegalTransition, ListingEvent, ListingState, PublisherDecision,
    PublisherState, SubmissionEvent, SubmissionState, SubscriptionState,
};
pub use support::{ResponseHours, Sla, Support, SupportDays};
pub use template::{MOST_TEMPLATE_BODY, MOST_TEMPLATE_NAME, template_problems};
pub use terms::{Terms, WHOLE_SHARE, parse_percent, show_percent};
pub use text::UnknownText;
pub use vex::{
    MOST_VEX_TEXT, VexClaim, VexDecision, VexEvent, VexJustification, VexScope, VexStanding,
    VexStatus, VexTarget,
};
pub use waiting::{Assigned, Side, Waiting};
pub use waiver::{waived, waiver_reason};
pub use webhook::{
    DeliveryState, EventKind, MAX_WEBHOOK_URL, WEBHOOK_ATTEMPTS, WebhookOwner, check_webhook_url,
    is_hopeless,
};
