//! What a page says about what was just done. It travels in a cookie as a code, so that
//! nobody can put words of their own into our mouth.

use crate::view::Flash;

/// The cookie's name.
pub(crate) const NOTICE_COOKIE: &str = "plimsoll_notice";

macro_rules! notices {
    ($($name:ident = $code:literal, $text:literal;)*) => {
        /// Something that was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Notice { $($name,)* }

        impl Notice {
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns what the cookie says.
            pub(crate) fn code(self) -> &'static str { match self { $(Self::$name => $code,)* } }

            fn text(self) -> &'static str { match self { $(Self::$name => $text,)* } }

            fn find(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)* _ => None }
            }
        }
    };
}

notices! {
    Registered = "registered", "Your account was created and you are signed in.";
    SignedOut = "signed-out", "You are signed out.";
    TokenRevoked = "token-revoked", "The token was revoked. Whatever uses it can no longer sign in.";
    CalendarEnded = "calendar-ended", "The address of the calendar has ended. Programs that follow it get nothing any more.";
    RobotMade = "robot-made", "The robot was made. Give it a token to sign in with.";
    RobotRevoked = "robot-revoked", "The robot was revoked with all its tokens.";
    NoticesRead = "notices-read", "All notices are marked as read.";
    PreferencesSaved = "preferences-saved", "What you get by mail was saved.";
    WebhookSaved = "webhook-saved", "The webhook was saved.";
    WebhookDeleted = "webhook-deleted", "The webhook was deleted with all that was sent to it.";
    DeliveryQueued = "delivery-queued", "It is being sent. Load this page again in a moment to see what came back.";
    Subscribed = "subscribed", "You are subscribed. Below is how to pull it.";
    SubscriptionEnded = "subscription-ended", "The subscription has ended. Containers that run keep running; new pulls are refused.";
    Applied = "applied", "The application was sent. Prove your e-mail and your website below, so that the operator can verify you; meanwhile you can register signing keys.";
    LinkSent = "link-sent", "A new link is on its way to the company e-mail.";
    DomainAsked = "domain-asked", "The domain is being looked at. Load this page again in a moment.";
    ProfileChanged = "profile-changed", "What you say of yourselves was saved.";
    EmailProven = "email-proven", "Thank you: the address is proven.";
    Invited = "invited", "The invitation is on its way.";
    InvitationWithdrawn = "invitation-withdrawn", "The invitation was taken back.";
    RoleChanged = "role-changed", "The role was changed.";
    MemberRemoved = "member-removed", "The membership was ended.";
    Left = "left", "You no longer belong to it.";
    Joined = "joined", "Welcome: you belong to it now.";
    PartnershipApplied = "partnership-applied", "The application was sent. You are told what the operator decides.";
    PartnershipDecided = "partnership-decided", "The decision on the partnership was recorded; the publisher is told.";
    PartnershipAgreementSet = "partnership-agreement-set", "The partnership agreement has a new version.";
    TermsSet = "terms-set", "The terms were set. The publisher's owners and finance are told.";
    KeyAdded = "key-added", "The key was registered. Prove that it is yours, and it counts.";
    KeyChallenged = "key-challenged", "There is a new text to sign. The one before is good no more.";
    KeyProven = "key-proven", "The key is proven.";
    KeyEndSet = "key-end-set", "The key ends on that day. Signatures by it count until then.";
    KeyRevoked = "key-revoked", "The key was revoked. Signatures by it no longer count for new submissions.";
    ProductCreated = "product-created", "The product was created.";
    DraftSaved = "draft-saved", "The draft was saved.";
    DraftRestored = "draft-restored", "The draft says again what that version said. What stood there before is among the versions.";
    Submitted = "submitted", "Submitted. It is being inspected now.";
    ImportBegun = "import-begun", "The image is being brought here. This page says how far it is; you are told when it is over.";
    ImportStopped = "import-stopped", "The import was stopped.";
    InsideOpened = "inside-opened", "Whoever may pull the product sees components and findings. New releases bear attested bills of materials.";
    InsideClosed = "inside-closed", "Components and findings are for members and the certification team again.";
    PreviewerNamed = "previewer-named", "They see the product from now on; they are told.";
    PreviewerRemoved = "previewer-removed", "They do not see the product any more.";
    Withdrawn = "withdrawn", "The product was taken off the market.";
    TagWithdrawn = "tag-withdrawn", "The tag is no longer offered. Subscribers are told.";
    RemarkAdded = "remark-added", "The remark was added.";
    RemarkResolved = "remark-resolved", "The remark is resolved.";
    RemarkReopened = "remark-reopened", "The remark is open again.";
    Stated = "stated", "The statement waits for the certification team.";
    DocumentTaken = "document-taken", "What the document states and was not stated before waits for the certification team.";
    Decided = "decided", "The decision was recorded.";
    ApprovedOnce = "approved-once", "Your approval counts. Another reviewer has to approve this first release, too, before it is signed.";
    PublicationSet = "publication-set", "It is set when the submission goes public.";
    Taken = "taken", "The submission is in your hands.";
    Given = "given", "The submission was given to them; they are told.";
    GivenBack = "given-back", "The submission is in nobody’s hands.";
    TemplateSaved = "template-saved", "The template was saved. It is offered on the form of every such decision.";
    TemplateRemoved = "template-removed", "The template was removed. Decisions keep their words.";
    Classified = "classified", "It is classified. Findings and times to fix follow.";
    ClassificationEnded = "classification-ended", "It was taken back. The advisories' word counts again.";
    AdvisoryAdded = "advisory-added", "It was added. What holds the package is being matched with it.";
    AdvisoryWithdrawn = "advisory-withdrawn", "It was withdrawn. Its findings go, unless a feed says the same.";
    Waived = "waived", "The check is waived.";
    WaiverEnded = "waiver-ended", "The waiver was taken back.";
    AgreementAccepted = "agreement-accepted", "The publisher agreement is accepted.";
    AgreementSet = "agreement-set", "The agreement has a new version. Publishers accept it before they submit again.";
    PublisherDecided = "publisher-decided", "The decision on the publisher was recorded.";
    CollectionBegun = "collection-begun", "The collection has begun; its figures appear here.";
    ScrubBegun = "scrub-begun", "The scrub has begun; its figures appear here.";
    QuotaSet = "quota-set", "The quota was set.";
    RetentionSaved = "retention-saved", "The rules were saved. The next collection goes by them.";
    GraceGiven = "grace-given", "The grace was given; the publisher is told. When it ends and the same is still broken, the listing goes on hold.";
    ListingChanged = "listing-changed", "The listing was changed.";
}

/// Returns what the page is to say for the cookie's `code`.
pub(crate) fn flash(code: &str) -> Option<Flash> {
    Notice::find(code).map(|notice| Flash {
        is_error: false,
        text: notice.text().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_words_are_said() {
        for notice in Notice::ALL {
            assert_eq!(Notice::find(notice.code()), Some(*notice));
        }
        assert!(flash("<b>you have won</b>").is_none());
    }
}
