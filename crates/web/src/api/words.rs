//! Words and names as they are written in JSON: the types of `market`, with the schema that
//! says exactly what is accepted. The document and the code cannot disagree, because both
//! come from the same list of words.

use app::{market, oci};
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Object, ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Declares the wire type of an enum of `market`.
macro_rules! words {
    ($($(#[$meta:meta])* $json:ident = $name:literal for $word:ty;)*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $json(pub(super) $word);

        impl PartialSchema for $json {
            fn schema() -> RefOr<Schema> {
                one_of(<$word>::ALL.iter().map(|word| word.as_str()))
            }
        }

        impl ToSchema for $json {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }

        impl From<$word> for $json {
            fn from(word: $word) -> Self {
                Self(word)
            }
        }
    )* };
}

words! {
    /// A publisher's standing.
    PublisherStateJson = "PublisherState" for market::PublisherState;
    /// What the operator decides on a publisher.
    PublisherVerdictJson = "PublisherVerdict" for market::PublisherDecision;
    /// Where a text was found that proves a domain.
    DomainProofJson = "DomainProofWay" for market::DomainProof;
    /// A listing's state.
    ListingStateJson = "ListingState" for market::ListingState;
    /// A submission's state.
    SubmissionStateJson = "SubmissionState" for market::SubmissionState;
    /// Whom a submission under way waits for.
    SideJson = "Side" for market::Side;
    /// Whose submissions of the review queue are meant.
    AssignedJson = "Assigned" for market::Assigned;
    /// When an approved submission goes public.
    PublicationJson = "Publication" for market::Publication;
    /// Where an application for partnership stands.
    PartnershipStateJson = "PartnershipState" for market::PartnershipState;
    /// What the operator decides on a partnership.
    PartnershipDecisionJson = "PartnershipDecision" for market::PartnershipDecision;
    /// How support cases are exchanged with a partner.
    SupportExchangeJson = "SupportExchange" for market::SupportExchange;
    /// How an import fares.
    ImportStateJson = "ImportState" for market::ImportState;
    /// What a reviewer decides.
    DecisionJson = "Decision" for market::Decision;
    /// What became of a finding.
    FindingStateJson = "FindingState" for market::FindingState;
    /// What is stated about a vulnerability.
    VexStatusJson = "VexStatus" for market::VexStatus;
    /// Why a product is not affected.
    VexJustificationJson = "VexJustification" for market::VexJustification;
    /// Where a statement stands.
    VexStandingJson = "VexStanding" for market::VexStanding;
    /// What is decided on a statement.
    VexDecisionJson = "VexDecision" for market::VexDecision;
    /// A subscription's state.
    SubscriptionStateJson = "SubscriptionState" for market::SubscriptionState;
    /// What a notice is about.
    NoticeKindJson = "NoticeKind" for market::NoticeKind;
    /// How the mail of a notice fares.
    MailStateJson = "MailState" for market::MailState;
    /// How mail of a kind is wanted.
    MailChoiceJson = "MailChoice" for market::MailChoice;
    /// What an event is about.
    EventKindJson = "EventKind" for market::EventKind;
    /// How the delivery of an event fares.
    DeliveryStateJson = "DeliveryState" for market::DeliveryState;
    /// Whether signatures by a key count.
    KeyStandingJson = "KeyStanding" for market::KeyStanding;
    /// The programme's severity class.
    ClassJson = "Class" for market::Class;
    /// Where content runs.
    PlatformJson = "Platform" for market::Platform;
    /// What a product is.
    ProductKindJson = "ProductKind" for market::ProductKind;
    /// On which days support answers.
    SupportDaysJson = "SupportDays" for market::SupportDays;
    /// Who may pull.
    PullAccessJson = "PullAccess" for market::PullAccess;
}

/// Declares the wire type of a name or identifier with a fixed form.
macro_rules! names {
    ($($(#[$meta:meta])* $json:ident = $name:literal for $text:ty, $pattern:literal, $min:literal..=$max:literal;)*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $json(pub(super) $text);

        impl std::ops::Deref for $json {
            type Target = $text;

            fn deref(&self) -> &$text { &self.0 }
        }

        impl PartialSchema for $json {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .pattern(Some($pattern))
                    .min_length(Some($min))
                    .max_length(Some($max))
                    .into()
            }
        }

        impl ToSchema for $json {
            fn name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
        }

        impl From<$text> for $json {
            fn from(text: $text) -> Self {
                Self(text)
            }
        }
    )* };
}

names! {
    /// The short name of a publisher, product or plan.
    SlugJson = "Slug" for market::Slug, "^[a-z][a-z0-9]*(-[a-z0-9]+)*$", 2..=40;
    /// The name of a staging repository behind `staging/<publisher>/`.
    StagingNameJson = "StagingName" for market::StagingName, "^[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*$", 1..=200;
    /// A pattern of tags, where `*` stands for any characters.
    TagPatternJson = "TagPattern" for market::TagPattern, "^[A-Za-z0-9._*-]+$", 1..=128;
    /// A submission's identifier.
    SubmissionIdJson = "SubmissionId" for market::SubmissionId, "^sub_[0-9A-Za-z]{26}$", 30..=30;
    /// A release's identifier.
    ReleaseIdJson = "ReleaseId" for market::ReleaseId, "^rel_[0-9A-Za-z]{26}$", 30..=30;
    /// A remark's identifier.
    CommentIdJson = "CommentId" for market::CommentId, "^cmt_[0-9A-Za-z]{26}$", 30..=30;
    /// A signing key's identifier.
    KeyIdJson = "KeyId" for market::KeyId, "^key_[0-9A-Za-z]{26}$", 30..=30;
    /// An access token's identifier.
    TokenIdJson = "TokenId" for market::TokenId, "^tok_[0-9A-Za-z]{26}$", 30..=30;
    /// A statement's identifier.
    VexIdJson = "VexId" for market::VexId, "^vex_[0-9A-Za-z]{26}$", 30..=30;
    /// A classification's identifier.
    ClassificationIdJson = "ClassificationId" for market::ClassificationId, "^cls_[0-9A-Za-z]{26}$", 30..=30;
    /// A letter's identifier.
    LetterIdJson = "LetterId" for market::LetterId, "^ltr_[0-9A-Za-z]{26}$", 30..=30;
    /// The identifier of a vulnerability that was added by hand.
    OwnAdvisoryIdJson = "OwnAdvisoryId" for market::OwnAdvisoryId, "^adv_[0-9A-Za-z]{26}$", 30..=30;
    /// A waiver's identifier.
    WaiverIdJson = "WaiverId" for market::WaiverId, "^wvr_[0-9A-Za-z]{26}$", 30..=30;
    /// The identifier of a template of a decision.
    TemplateIdJson = "TemplateId" for market::TemplateId, "^tpl_[0-9A-Za-z]{26}$", 30..=30;
    /// An import's identifier.
    ImportIdJson = "ImportId" for market::ImportId, "^imp_[0-9A-Za-z]{26}$", 30..=30;
    /// A webhook's identifier.
    WebhookIdJson = "WebhookId" for market::WebhookId, "^whk_[0-9A-Za-z]{26}$", 30..=30;
    /// A delivery's identifier.
    DeliveryIdJson = "DeliveryId" for market::DeliveryId, "^msg_[0-9A-Za-z]{26}$", 30..=30;
    /// A digest.
    DigestJson = "Digest" for oci::Digest, "^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$", 71..=135;
}

/// One of [`market::CATEGORIES`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct CategoryJson(pub(super) String);

impl TryFrom<String> for CategoryJson {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if market::CATEGORIES.contains(&text.as_str()) {
            return Ok(Self(text));
        }
        Err(format!("use one of: {}", market::CATEGORIES.join(", ")))
    }
}

impl PartialSchema for CategoryJson {
    fn schema() -> RefOr<Schema> {
        one_of(market::CATEGORIES)
    }
}

impl ToSchema for CategoryJson {
    fn name() -> std::borrow::Cow<'static, str> {
        "Category".into()
    }
}

/// Returns the schema of a text that is one of a few words.
pub(super) fn one_of(words: impl IntoIterator<Item = &'static str>) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words))
        .into()
}

/// A list, under a name, so that more can be said beside it later.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ListJson<T> {
    /// The list.
    pub(super) items: Vec<T>,
}

impl<T> ListJson<T> {
    /// Converts every item.
    pub(super) fn of<U: Into<T>>(items: impl IntoIterator<Item = U>) -> axum::Json<Self> {
        axum::Json(Self {
            items: items.into_iter().map(Into::into).collect(),
        })
    }
}

/// The schema of `market::is_email`.
pub(super) fn email() -> Object {
    email_at("*")
}

/// The same, at a domain that has a dot.
pub(super) fn company_email() -> Object {
    email_at("+")
}

fn email_at(labels: &str) -> Object {
    let label = r"[A-Za-z0-9]([A-Za-z0-9\-]{0,61}[A-Za-z0-9])?";
    let local = r"[A-Za-z0-9.!#$%&'*+/=?\^_`{|}~\-]+";
    text_like(3, 254, &format!(r"^{local}@{label}(\.{label}){labels}$"))
}

/// The schema of a publisher's website.
pub(super) fn website() -> Object {
    text_like(0, 500, r"^https?://(localhost|.*\.)")
}

/// The schema of a phone number.
pub(super) fn phone() -> Object {
    text_like(0, 60, r"^([ +\-()./]*[0-9]){5,20}[ +\-()./]*$")
}

fn text_like(least: usize, most: usize, pattern: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length((least > 0).then_some(least))
        .max_length(Some(most))
        .pattern(Some(pattern))
        .build()
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, string::string_regex};
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;

    /// Reads a hundred texts that are as the schema of `T` says.
    fn reads_what_it_documents<T: ToSchema + DeserializeOwned>() {
        let schema = serde_json::to_value(T::schema()).expect("a schema");
        let pattern = schema["pattern"].as_str().expect("a pattern");
        let bare = pattern.trim_start_matches('^').trim_end_matches('$');
        // Few repeats, so that most are short enough.
        let bare = bare.replace(")*", "){0,3}").replace('+', "{1,9}");
        let length = |name: &str| {
            schema[name]
                .as_u64()
                .and_then(|it| usize::try_from(it).ok())
        };
        let (least, most) = (length("minLength"), length("maxLength"));
        let fits = |text: &String| Some(text.len()) >= least && Some(text.len()) <= most;
        let texts = string_regex(&bare)
            .expect("a pattern")
            .prop_filter("length", fits);
        proptest!(ProptestConfig::with_cases(100), |(text in texts)| {
            let read = serde_json::from_value::<T>(Value::from(text.as_str()));
            prop_assert!(read.is_ok(), "{}: {text:?}", T::name());
        });
    }

    #[test]
    fn names_are_read_as_they_are_documented() {
        reads_what_it_documents::<SlugJson>();
        reads_what_it_documents::<StagingNameJson>();
        reads_what_it_documents::<TagPatternJson>();
        reads_what_it_documents::<SubmissionIdJson>();
        reads_what_it_documents::<DigestJson>();
        for word in ["v2", "api", "staging"] {
            assert!(serde_json::from_value::<SlugJson>(word.into()).is_ok());
        }
    }
}
