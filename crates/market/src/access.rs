//! Who may do what: one table is the source of the code, of its exhaustive test and of
//! the documentation page. Everything that is not in it is denied.

use crate::text::text_enum;

text_enum! {
    /// What somebody is, towards the thing in question. One person can be several at once.
    Role {
        /// Anybody, signed in or not.
        Anyone = "anyone",
        /// Signed in.
        Account = "account",
        /// Has a subscription that entitles to pull the product.
        Subscriber = "subscriber",
        /// Was named by the owning publisher to see the product before its first release.
        Previewer = "previewer",
        /// Member of the owning publisher who may look.
        Viewer = "viewer",
        /// Member of the owning publisher who may change, push and submit.
        Editor = "editor",
        /// Member of the owning publisher who sees its terms and money, and may look.
        Finance = "finance",
        /// Member of the owning publisher who also manages keys and members.
        Owner = "owner",
        /// The operator's certification team.
        Reviewer = "reviewer",
        /// Keeps the marketplace.
        Operator = "operator",
    }
}

text_enum! {
    /// Something a use case does, as authorisation and audit name it.
    Action {
        /// Search and read listings.
        BrowseListings = "browse-listings",
        /// Apply to become a publisher.
        ApplyAsPublisher = "apply-as-publisher",
        /// Write a new version of the publisher agreement.
        SetAgreement = "set-agreement",
        /// Accept the publisher agreement for one's organisation.
        AcceptAgreement = "accept-agreement",
        /// Verify, reject or suspend a publisher; never one's own.
        DecidePublisher = "decide-publisher",
        /// Prove what one's organisation says of itself, and mend it before it is verified.
        EditPublisher = "edit-publisher",
        /// Register or revoke a publisher's signing keys.
        ManageKeys = "manage-keys",
        /// Add members of a publisher and change their roles.
        ManageMembers = "manage-members",
        /// Join a publisher that one is invited into.
        JoinPublisher = "join-publisher",
        /// Leave a publisher that one belongs to.
        LeavePublisher = "leave-publisher",
        /// Apply for partnership with the operator.
        ApplyForPartnership = "apply-for-partnership",
        /// Decide on partnerships, never one's own organisation's, and write their agreement.
        DecidePartnership = "decide-partnership",
        /// Read what a publisher owes for being on the market.
        ReadTerms = "read-terms",
        /// Set what a publisher owes for being on the market; never one's own.
        SetTerms = "set-terms",
        /// Create a product or change its draft manifest.
        EditProduct = "edit-product",
        /// Bring an image from another registry into staging, or stop that.
        ImportImage = "import-image",
        /// Submit a snapshot for review.
        Submit = "submit",
        /// Read a submission with its findings and thread.
        ReadSubmission = "read-submission",
        /// Write in a review thread.
        Comment = "comment",
        /// Request changes, approve or reject; never one's own organisation's work.
        DecideSubmission = "decide-submission",
        /// Read the review queue.
        ReadQueue = "read-queue",
        /// Take a submission, give it back or give it to another reviewer; never one's own
        /// organisation's work.
        AssignSubmission = "assign-submission",
        /// Add, change and remove templates of decisions.
        ManageTemplates = "manage-templates",
        /// State what is true of a vulnerability in one's own product.
        MakeStatement = "make-statement",
        /// Accept or refuse a statement; never one's own organisation's.
        DecideStatement = "decide-statement",
        /// Give a vulnerability a class by hand, or take it back; never in one's own
        /// organisation's work.
        Classify = "classify",
        /// Add a vulnerability by hand, or withdraw it; never where one's own organisation's
        /// products have it.
        ManageAdvisories = "manage-advisories",
        /// Let a product not pass a check for a time; never one's own organisation's.
        WaiveCheck = "waive-check",
        /// Subscribe to a plan of a listed product.
        Subscribe = "subscribe",
        /// Put on hold, reinstate or revoke a listing; never one's own organisation's.
        ManageListing = "manage-listing",
        /// Set when a submission goes public once it is approved.
        SetPublication = "set-publication",
        /// Take one's own product off the market.
        WithdrawProduct = "withdraw-product",
        /// Stop offering a released tag of one's own product.
        WithdrawTag = "withdraw-tag",
        /// Name the accounts that see a product before its first release.
        ManagePreview = "manage-preview",
        /// See a product before its first release, as consumers will.
        SeePreview = "see-preview",
        /// Pull the candidate of a product's first release.
        PullPreview = "pull-preview",
        /// Pull from a staging repository.
        PullStaging = "pull-staging",
        /// Push to a staging repository.
        PushStaging = "push-staging",
        /// Pull a released image.
        PullReleased = "pull-released",
        /// Read the trust metadata of a released image: tags, digests and who signed them.
        ReadReleasedTrust = "read-released-trust",
        /// Publish or delete trust metadata of a staging repository, or have a key made for it.
        PublishTrust = "publish-trust",
        /// Follow the changes of all trust metadata.
        ReadTrustChanges = "read-trust-changes",
        /// Read one's own account, memberships and subscriptions.
        ReadOwnAccount = "read-own-account",
        /// Choose what one gets by mail, and mark one's own notices as read.
        ManageOwnNotices = "manage-own-notices",
        /// Create and revoke one's own access tokens.
        ManageOwnTokens = "manage-own-tokens",
        /// Make and end secret addresses of one's own calendars.
        ManageOwnCalendars = "manage-own-calendars",
        /// Create and revoke robots that pull what one's own account is subscribed to.
        ManageOwnRobots = "manage-own-robots",
        /// Create and revoke a publisher's robots.
        ManageRobots = "manage-robots",
        /// Create accounts and set roles.
        ManageAccounts = "manage-accounts",
        /// Replace the key that registry tokens are signed with, or the one that secrets are sealed under.
        RotateTokenKeys = "rotate-token-keys",
        /// Read the audit log.
        ReadAudit = "read-audit",
        /// Read what everybody was told, and how the mail of it fares.
        ReadOutbox = "read-outbox",
        /// Replace the advisory database.
        UpdateAdvisories = "update-advisories",
        /// Collect garbage, scrub, set quotas, and look why something is kept.
        KeepStorage = "keep-storage",
        /// Set by which rules tags of staging repositories are dropped.
        ManageRetention = "manage-retention",
        /// Keep webhooks about the products one is subscribed to, and read what was sent to them.
        ManageOwnWebhooks = "manage-own-webhooks",
        /// Keep a publisher's webhooks, and read what was sent to them.
        ManageWebhooks = "manage-webhooks",
        /// Keep webhooks about everything, and read what was sent to them.
        ManageMarketWebhooks = "manage-market-webhooks",
    }
}

/// The table: which roles each action is open to.
pub const RULES: &[(Action, &[Role])] = &[
    (Action::BrowseListings, &[Role::Anyone]),
    (Action::ApplyAsPublisher, &[Role::Account]),
    (Action::SetAgreement, &[Role::Operator]),
    (Action::AcceptAgreement, &[Role::Owner]),
    (Action::DecidePublisher, &[Role::Operator]),
    (Action::EditPublisher, &[Role::Owner]),
    (Action::ManageKeys, &[Role::Owner]),
    (Action::ManageMembers, &[Role::Owner, Role::Operator]),
    (Action::JoinPublisher, &[Role::Account]),
    (
        Action::LeavePublisher,
        &[Role::Viewer, Role::Editor, Role::Finance, Role::Owner],
    ),
    (Action::ApplyForPartnership, &[Role::Owner]),
    (Action::DecidePartnership, &[Role::Operator]),
    (
        Action::ReadTerms,
        &[Role::Finance, Role::Owner, Role::Operator],
    ),
    (Action::SetTerms, &[Role::Operator]),
    (Action::EditProduct, &[Role::Editor, Role::Owner]),
    (Action::ImportImage, &[Role::Editor, Role::Owner]),
    (Action::Submit, &[Role::Editor, Role::Owner]),
    (
        Action::ReadSubmission,
        &[
            Role::Viewer,
            Role::Editor,
            Role::Finance,
            Role::Owner,
            Role::Reviewer,
            Role::Operator,
        ],
    ),
    (
        Action::Comment,
        &[Role::Editor, Role::Owner, Role::Reviewer, Role::Operator],
    ),
    (Action::DecideSubmission, &[Role::Reviewer, Role::Operator]),
    (Action::ReadQueue, &[Role::Reviewer, Role::Operator]),
    (Action::AssignSubmission, &[Role::Reviewer, Role::Operator]),
    (Action::ManageTemplates, &[Role::Reviewer, Role::Operator]),
    (Action::MakeStatement, &[Role::Editor, Role::Owner]),
    (Action::DecideStatement, &[Role::Reviewer, Role::Operator]),
    (Action::Classify, &[Role::Reviewer, Role::Operator]),
    (Action::ManageAdvisories, &[Role::Reviewer, Role::Operator]),
    (Action::WaiveCheck, &[Role::Reviewer, Role::Operator]),
    (Action::Subscribe, &[Role::Account]),
    (Action::ManageListing, &[Role::Operator]),
    (
        Action::SetPublication,
        &[Role::Editor, Role::Owner, Role::Operator],
    ),
    (Action::WithdrawProduct, &[Role::Owner]),
    (Action::WithdrawTag, &[Role::Editor, Role::Owner]),
    (Action::ManagePreview, &[Role::Editor, Role::Owner]),
    (
        Action::SeePreview,
        &[
            Role::Previewer,
            Role::Viewer,
            Role::Editor,
            Role::Finance,
            Role::Owner,
            Role::Reviewer,
            Role::Operator,
        ],
    ),
    (
        Action::PullPreview,
        &[
            Role::Previewer,
            Role::Viewer,
            Role::Editor,
            Role::Owner,
            Role::Reviewer,
            Role::Operator,
        ],
    ),
    (
        Action::PullStaging,
        &[
            Role::Viewer,
            Role::Editor,
            Role::Owner,
            Role::Reviewer,
            Role::Operator,
        ],
    ),
    (Action::PushStaging, &[Role::Editor, Role::Owner]),
    (
        Action::PullReleased,
        &[
            Role::Subscriber,
            Role::Viewer,
            Role::Editor,
            Role::Owner,
            Role::Reviewer,
            Role::Operator,
        ],
    ),
    (Action::ReadReleasedTrust, &[Role::Anyone]),
    (Action::PublishTrust, &[Role::Editor, Role::Owner]),
    (Action::ReadTrustChanges, &[Role::Operator]),
    (Action::ReadOwnAccount, &[Role::Account]),
    (Action::ManageOwnNotices, &[Role::Account]),
    (Action::ManageOwnTokens, &[Role::Account]),
    (Action::ManageOwnCalendars, &[Role::Account]),
    (Action::ManageOwnRobots, &[Role::Account]),
    (Action::ManageRobots, &[Role::Owner, Role::Operator]),
    (Action::ManageAccounts, &[Role::Operator]),
    (Action::RotateTokenKeys, &[Role::Operator]),
    (Action::ReadAudit, &[Role::Operator]),
    (Action::ReadOutbox, &[Role::Operator]),
    (Action::UpdateAdvisories, &[Role::Operator]),
    (Action::KeepStorage, &[Role::Operator]),
    (Action::ManageRetention, &[Role::Owner, Role::Operator]),
    (Action::ManageOwnWebhooks, &[Role::Account]),
    (Action::ManageWebhooks, &[Role::Owner]),
    (Action::ManageMarketWebhooks, &[Role::Operator]),
];

text_enum! {
    /// What somebody signed in with, where that is less than a person's password. What it
    /// is not good for is denied, whatever the account's roles are.
    Holding {
        /// Any access token.
        Token = "token",
        /// A token that may only read.
        ReadingToken = "reading token",
        /// A token that is cut down to repositories.
        ScopedToken = "scoped token",
        /// A robot account.
        Robot = "robot",
    }
}

/// The second table: what is good for less than everything, and for what.
///
/// A token makes no robots and no addresses of calendars, because they would outlive it; tokens that it makes cannot do
/// more than it does, which their use checks.
const LIMITS: &[(Holding, &[Action])] = &[
    (
        Holding::ReadingToken,
        &[
            Action::BrowseListings,
            Action::ReadSubmission,
            Action::ReadQueue,
            Action::ReadTerms,
            Action::SeePreview,
            Action::PullPreview,
            Action::PullStaging,
            Action::PullReleased,
            Action::ReadReleasedTrust,
            Action::ReadOwnAccount,
            Action::ManageOwnTokens,
            Action::ReadAudit,
            Action::ReadOutbox,
            Action::ReadTrustChanges,
        ],
    ),
    (
        Holding::ScopedToken,
        &[
            Action::BrowseListings,
            Action::PullPreview,
            Action::PullStaging,
            Action::PushStaging,
            Action::PublishTrust,
            Action::PullReleased,
            Action::ReadReleasedTrust,
            Action::ManageOwnTokens,
        ],
    ),
    (
        Holding::Robot,
        &[
            Action::BrowseListings,
            Action::EditProduct,
            Action::ImportImage,
            Action::Submit,
            Action::SetPublication,
            Action::MakeStatement,
            Action::ReadSubmission,
            Action::SeePreview,
            Action::PullPreview,
            Action::PullStaging,
            Action::PushStaging,
            Action::PublishTrust,
            Action::PullReleased,
            Action::ReadReleasedTrust,
            Action::ReadOwnAccount,
            Action::ManageOwnTokens,
        ],
    ),
];

/// Returns whether `action` can be done by somebody who signed in with `holding`.
pub fn holder_may(holding: Holding, action: Action) -> bool {
    if holding == Holding::Token {
        return !matches!(
            action,
            Action::ManageOwnRobots | Action::ManageRobots | Action::ManageOwnCalendars
        );
    }
    LIMITS
        .iter()
        .any(|(limited, open)| *limited == holding && open.contains(&action))
}

/// Returns whether any of `roles` may do `action`.
///
/// Members of a publisher are denied what [`is_own_work`] says, whatever else they are.
pub fn allows(action: Action, roles: &[Role]) -> bool {
    if is_own_work(action, roles) {
        return false;
    }
    RULES
        .iter()
        .any(|(rule, open)| *rule == action && open.iter().any(|role| roles.contains(role)))
}

/// Returns whether `action` is a decision on the work of a publisher that whoever has `roles`
/// belongs to: nobody approves their own.
pub fn is_own_work(action: Action, roles: &[Role]) -> bool {
    let decides = matches!(
        action,
        Action::DecideSubmission
            | Action::AssignSubmission
            | Action::DecideStatement
            | Action::Classify
            | Action::ManageAdvisories
            | Action::WaiveCheck
            | Action::DecidePartnership
            | Action::DecidePublisher
            | Action::ManageListing
            | Action::SetTerms
    );
    decides && roles.iter().any(|role| is_member_role(*role))
}

/// Returns whether `role` is what a member of a publisher is.
pub fn is_member_role(role: Role) -> bool {
    matches!(
        role,
        Role::Viewer | Role::Editor | Role::Finance | Role::Owner
    )
}

#[cfg(test)]
mod tests;
