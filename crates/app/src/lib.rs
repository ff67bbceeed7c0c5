//! What the product can do: one function a use case, each with its authorisation in one
//! line, its change and its audit record in one transaction; and the jobs.
//!
//! What does not live here: HTTP, HTML, SQL text, and the rules themselves (those are in
//! `market`, pure). Time comes from [`Clock`]; the outside world is behind ports.

mod access_tokens;
mod accounts;
mod actor;
mod advisories;
mod agreements;
mod approvals;
mod assignment;
mod attest_again;
mod attestations;
mod audit;
mod bases;
mod bills;
mod calendars;
mod classification;
mod clock;
mod component_index;
mod draft_versions;
mod error;
mod feeds;
mod finding_view;
mod findings;
mod forecast;
mod holds;
mod imports;
mod inspection;
mod jobs;
mod layer_reports;
mod letters;
mod listings;
mod log;
mod log_proofs;
mod notary;
mod notices;
mod once;
mod own_advisories;
mod passwords;
mod pictures;
mod previews;
mod products;
mod publication;
mod publisher_keys;
mod publishers;
mod pulls;
mod read_ahead;
pub mod registry;
mod release;
mod rematch;
mod requests;
mod review_queue;
mod robots;
pub mod scan;
mod sign_again;
mod sign_in;
mod signature;
mod signing;
mod staged;
mod state;
mod storefront;
mod submission_page;
mod submissions;
mod subscriptions;
mod succession;
mod tags;
mod templates;
mod throttle;
mod token_keys;
mod tokens;
mod trust_secret;
mod upkeep;
mod vex;
mod waivers;
mod watch;
mod webhooks;
mod withdrawals;
mod witnesses;

pub use access_tokens::NewToken;
pub use accounts::NewAccount;
pub use actor::Actor;
pub use advisories::{AdvisoryFeed, AdvisoryStatus, from_the_future};
pub use agreements::AgreementState;
pub use approvals::{ApprovalsView, ReviewPolicy};
pub use assignment::{Assignment, AssignmentView};
pub use audit::AuditQuery;
pub use classification::{ClassificationEntry, NewClassification};
pub use clock::{Clock, ManualClock, SystemClock};
pub use draft_versions::{DraftDifference, DraftVersions};
pub use error::AppError;
pub use feeds::{Feed, FeedOf};
pub use finding_view::{FindingView, Rating};
pub use forecast::Forecast;
pub use holds::HoldToConfirm;
pub use imports::{ImportSource, ImportTarget};
pub use jobs::JobSummary;
pub use letters::LetterView;
pub use listings::ListingsPage;
pub use notary::{
    TakenRoots, TrustChange, TrustError, TrustFile, Uploads as TrustUploads, WhichFile,
};
pub use notices::{Mail, MailItem, Mailed, MuteLink, NoticePreference};
pub use oci::Scope;
pub use once::{Once, OnceRequest};
pub use pictures::picture_logo_problems;
pub use previews::{Candidate, PreviewPage};
pub use products::{ProductOverview, ProductRights};
pub use publication::{PublicationTime, words as publication_words};
pub use publisher_keys::NewKey;
pub use publishers::{
    Application, DomainFound, DomainStanding, DomainToLookAt, EmailProofPage, InvitationPage,
    Membership, NewPartnership, PartnershipView, Profile, Proofs, PublisherPage, PublisherTerms,
    Team,
};
pub use requests::RequestSlot;
pub use review_queue::{QueueCursor, QueueCursorError, QueueEntry, QueuePage, QueueQuery};
pub use robots::{NewRobot, RobotView};
pub use sign_in::{ClientAddress, SignedIn};
pub use state::{App, AppConfig, Keys, Limits, Measures, Parts};
pub use storefront::{
    CatalogPage, ImageView, LayerView, ListingCard, ProductPage, PublicCheck, PublicPublisher,
};
pub use submission_page::{CheckView, ComponentView, Difference, InspectedImage, SubmissionPage};
pub use submissions::NewSubmission;
pub use tags::{
    ComparisonPage, ComponentOrder, ComponentQuery, ComponentRow, ComponentsPage,
    ContentDifference, FileQuery, FilesPage, FindingChange, Fix, HistoryStep, ImageHead,
    ImageInside, ImagePage, InsideDifference, LayerContents, LayerFile, ProductView, StepLayer,
    TagView, TagsPage, Update,
};
pub use templates::NewTemplate;
pub use tokens::{Access, Grant, IssuedToken};
pub use upkeep::{
    CollectionFigures, DamagedBlob, DroppedTag, KeptBecause, KeptIn, PictureKept, PublisherStorage,
    Retention, ScrubFigures, UpkeepConfig, UpkeepRun, UpkeepStatus, WhyKept,
};
pub use vex::{NewVex, VexEntry, VexPage, VexVerdict};
pub use waivers::NewWaiver;
pub use watch::ClockOutcome;
pub use webhooks::{
    WebhookAnswer, WebhookCall, WebhookGroup, WebhookOf, WebhookSettings, WebhookView,
};
pub use witnesses::{LogWitness, WitnessAnswer, WitnessCall, WitnessStanding};

// What the store keeps is what the pages show.
pub use advisory::matching::Reason;
pub use store::{
    Part,
    accounts::Account,
    agreements::{Acceptance, Agreement},
    approvals::ApprovalRow,
    assets::Asset,
    audit::NamedRecord,
    blobs::{Blob, BlobSource},
    classifications::{Classification, Unscored},
    draft_versions::{DraftLine, DraftVersion},
    images::ImageOutline,
    imports::Import,
    invitations::{Invitation, NamedMember},
    letters::Letter,
    notices::{Addressed, Notice},
    own_advisories::OwnAdvisory,
    partnerships::{Partnership, PartnershipAgreement},
    previews::{PreviewRow, Previewer},
    products::Product,
    publishers::{Publisher, PublisherKey},
    releases::Release,
    search::{MOST_FOUND, Search},
    submissions::{Comment, CommentWithAuthor, Submission},
    subscriptions::Subscription,
    templates::Template,
    terms::TermsRow,
    tokens::Token,
    vex::VexStatement,
    waivers::Waiver,
    webhooks::{Attempt, Delivery, Webhook},
};
pub use {
    certify, inventory, market, oci,
    trust::{
        credential::Credential,
        log::{Entry as LogEntry, Event as LogEvent, Page as LogPage, Statement, Tile},
        tuf,
    },
};
