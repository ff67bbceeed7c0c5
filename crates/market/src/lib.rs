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
mod bytes;
mod classification;
mod clock;
mod id;
mod manifest;
mod money;
mod notice;
mod own_advisory;
mod retention;
mod robot;
mod scope;
mod severity;
mod slug;
mod state;
mod text;
mod vex;
mod waiver;
mod webhook;

pub use access::{Action, Holding, RULES, Role, allows, holder_may, is_own_work};
pub use anchor::{Anchor, AnchorError};
pub use bytes::{parse_bytes, show_bytes};
pub use classification::{CLASSES_BY_HAND, MOST_REASON, classified};
pub use clock::FindingClock;
pub use id::*;
pub use manifest::{
    CATEGORIES, ENGINES, License, LogoSize, MAX_SHORT_DESCRIPTION, MIN_LOGO_PIXELS, Plan, Platform,
    Problem, ProductManifest, PullAccess, check_logo,
};
pub use money::{Money, MoneyError};
pub use notice::{
    DAILY_HOUR, MAIL_ATTEMPTS, MAIL_LATE, MailChoice, MailState, NoticeKind, Reminder,
    mail_back_off,
};
pub use own_advisory::OwnAdvisory;
pub use retention::{RetentionRules, StagedTag, beside, is_beside_an_image};
pub use robot::{RobotName, RobotNameError, RobotOwner};
pub use scope::{MOST_SCOPES, RepositoryAction, RepositoryScope, ScopeError, TokenScopes};
pub use severity::{Class, Deadline, HOLD_DAYS, deadline};
pub use slug::{Slug, SlugError};
pub use state::{
    Decision, FindingState, IllegalTransition, ListingEvent, ListingState, PublisherState,
    SubmissionEvent, SubmissionState, SubscriptionState,
};
pub use text::UnknownText;
pub use vex::{
    MOST_VEX_TEXT, VexClaim, VexDecision, VexEvent, VexJustification, VexScope, VexStanding,
    VexStatus, VexTarget,
};
pub use waiver::waived;
pub use webhook::{
    DeliveryState, EventKind, MAX_WEBHOOK_URL, WEBHOOK_ATTEMPTS, WebhookOwner, check_webhook_url,
    is_hopeless,
};
