//! `/notices`, the page that ends mail of a kind, and the operator's outbox.

use app::market::MailChoice;
use askama::Template;

use crate::view::{Layout, Onward, When};

/// What somebody was told, and of what they get mail.
#[derive(Debug, Template)]
#[template(path = "notices.html")]
pub struct NoticesPage {
    /// What is around.
    pub layout: Layout,
    /// What they were told, newest first.
    pub notices: Vec<NoticeRow>,
    /// How many they have not marked as read.
    pub unread: i64,
    /// The ways to the older ones.
    pub onward: Onward,
    /// The product that the choices are about; without one all others.
    pub product: Option<String>,
    /// Products with choices of their own.
    pub own_products: Vec<String>,
    /// Every kind.
    pub kinds: Vec<KindRow>,
    /// Where mail goes.
    pub email: String,
}

/// A notice.
#[derive(Debug, Clone)]
pub struct NoticeRow {
    /// One line.
    pub title: String,
    /// Its paragraphs.
    pub paragraphs: Vec<String>,
    /// The page that it is about.
    pub url: String,
    /// When.
    pub at: When,
    /// Whether it was not marked as read.
    pub is_new: bool,
}

/// A kind of notice.
#[derive(Debug, Clone)]
pub struct KindRow {
    /// As the form sends it.
    pub kind: String,
    /// As people read it.
    pub title: String,
    /// How mail is wanted.
    pub choice: Option<MailChoice>,
    /// Whether that cannot be changed.
    pub is_obligatory: bool,
}

impl NoticesPage {
    /// Returns how mail can be wanted.
    fn choices(&self) -> &'static [MailChoice] {
        MailChoice::ALL
    }
}

impl KindRow {
    /// Returns whether mail is wanted so.
    fn has(&self, choice: MailChoice) -> bool {
        self.choice == Some(choice)
    }
}

/// Asks whether mail of a kind is to end, and says that it did.
#[derive(Debug, Template)]
#[template(path = "mute.html")]
pub struct MutePage {
    /// What is around.
    pub layout: Layout,
    /// The kind, as people read it; without one it is about all that may be ended.
    pub title: Option<String>,
    /// Whether it has ended.
    pub is_done: bool,
    /// Whether it cannot be ended.
    pub is_obligatory: bool,
}

/// What everybody was told.
#[derive(Debug, Template)]
#[template(path = "outbox.html")]
pub struct OutboxPage {
    /// What is around.
    pub layout: Layout,
    /// The notices, newest first.
    pub rows: Vec<OutboxRow>,
    /// The newest letters to addresses.
    pub letters: Vec<LetterRow>,
    /// The ways to the older notices.
    pub onward: Onward,
    /// The ways to the older letters.
    pub letters_onward: Onward,
}

/// A letter to an address.
#[derive(Debug, Clone)]
pub struct LetterRow {
    /// When.
    pub at: When,
    /// Where it goes.
    pub address: String,
    /// One line.
    pub subject: String,
    /// Where it leads, where it was not sent and can be handed over.
    pub link: Option<String>,
    /// How the mail fares, in words.
    pub mail: String,
    /// When it is tried next, or came to its end.
    pub mail_at: When,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// A notice to somebody.
#[derive(Debug, Clone)]
pub struct OutboxRow {
    /// When.
    pub at: When,
    /// Who is told.
    pub account: String,
    /// Where the mail goes.
    pub email: String,
    /// One line.
    pub title: String,
    /// The page that it is about.
    pub url: String,
    /// How the mail fares, in words.
    pub mail: String,
    /// When it is tried next, or came to its end.
    pub mail_at: When,
    /// Why the last attempt failed.
    pub error: Option<String>,
}
