//! Sends notices as mail, through the operator's SMTP server.

use std::time::Duration;

use app::{App, Mail, MuteLink};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{Header, HeaderName, HeaderValue},
    },
};

use web::view::escaped;

use crate::{config::Config, failure::Failure};

/// How often it is looked for mail to send.
const LOOK: Duration = Duration::from_secs(5);
/// A server that takes longer for one mail has failed.
const LONGEST: Duration = Duration::from_secs(60);

/// Where mail is handed in.
pub(super) struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Post {
    /// Makes ready to send, where a server is configured. Connects to nothing yet.
    ///
    /// # Errors
    /// Its address or the sender's is malformed.
    pub(super) fn open(config: &Config) -> Result<Option<Self>, Failure> {
        let (Some(url), Some(from)) = (config.text("mail.smtp_url"), config.text("mail.from"))
        else {
            return Ok(None);
        };
        let hint = "use smtps://USER:PASSWORD@HOST or smtp://HOST:PORT?tls=required";
        // What is wrong with it may hold the password, so it is not repeated.
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_malformed| Failure::usage("`mail.smtp_url` is no address").hint(hint))?
            .timeout(Some(LONGEST))
            .build();
        let from = from
            .parse()
            .map_err(|error| Failure::usage("`mail.from` is no address").because(&error))?;
        Ok(Some(Self { transport, from }))
    }

    /// Sends what is to be sent, for ever.
    pub(super) async fn send(self, app: &App) {
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            // As long as there is more.
            while let Some(mail) = take(app).await {
                note(app, &mail, self.hand_in(&mail).await).await;
            }
        }
    }

    async fn hand_in(&self, mail: &Mail) -> Result<(), String> {
        let message = letter(&self.from, mail).map_err(|error| error.to_string())?;
        let sent = self.transport.send(message).await;
        sent.map(drop).map_err(|error| error.to_string())
    }
}

async fn take(app: &App) -> Option<Mail> {
    app.take_mail().await.unwrap_or_else(|error| {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "no mail can be taken to be sent; trying again");
        None
    })
}

async fn note(app: &App, mail: &Mail, sent: Result<(), String>) {
    if let Err(error) = &sent {
        tracing::warn!(id = mail.message_id, error, "a mail was not taken");
    }
    if let Err(error) = app.mail_ended(mail, sent).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(
            error,
            "what became of a mail cannot be noted; it is sent again"
        );
    }
}

/// Why a mail cannot be written.
#[derive(Debug, thiserror::Error)]
enum LetterError {
    /// Where it goes.
    #[error("the address cannot be used: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// What it says.
    #[error(transparent)]
    Message(#[from] lettre::error::Error),
}

/// Writes a mail, as text and as HTML.
fn letter(from: &Mailbox, mail: &Mail) -> Result<Message, LetterError> {
    let to = Mailbox::new(mail.name.clone(), mail.to.parse()?);
    let mut message = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(&mail.subject)
        .message_id(Some(mail.message_id.clone()));
    let mut text = String::new();
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{}</title>",
        escaped(&mail.subject)
    );
    for item in &mail.items {
        if mail.items.len() > 1 {
            text.push_str(&format!("* {}\n\n", item.title));
            html.push_str(&format!("<h2>{}</h2>", escaped(&item.title)));
        }
        text.push_str(&format!("{}\n\n{}\n\n", item.body, item.url));
        for paragraph in item.body.split("\n\n") {
            let lines = escaped(paragraph).to_string().replace('\n', "<br>");
            html.push_str(&format!("<p>{lines}</p>"));
        }
        let url = escaped(&item.url);
        html.push_str(&format!("<p><a href=\"{url}\">{url}</a></p>"));
    }
    if let Some(MuteLink { url, label }) = &mail.mute {
        text.push_str(&format!("-- \n{label}: {url}\n"));
        html.push_str(&format!(
            "<p><small><a href=\"{}\">{label}</a></small></p>",
            escaped(url)
        ));
        message = message
            .header(ListUnsubscribe(format!("<{url}>")))
            .header(ListUnsubscribePost("List-Unsubscribe=One-Click".to_owned()));
    }
    html.push_str("</html>\n");
    Ok(message.multipart(MultiPart::alternative_plain_html(text, html))?)
}

macro_rules! text_header {
    ($(#[$meta:meta])* $name:ident = $text:literal) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        struct $name(String);

        impl Header for $name {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($text)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    };
}

text_header! {
    /// Where mail of this kind is ended (RFC 2369, section 3.2).
    ListUnsubscribe = "List-Unsubscribe"
}
text_header! {
    /// That a POST there does it, with nobody asked again (RFC 8058, section 3.1).
    ListUnsubscribePost = "List-Unsubscribe-Post"
}

#[cfg(test)]
mod tests {
    use app::{MailItem, Mailed};

    use super::*;

    fn mail(mute_url: Option<&str>) -> Mail {
        let at = chrono::DateTime::UNIX_EPOCH;
        Mail {
            of: Mailed::Notices(vec![market::NoticeId::new(at, [0; 10])]),
            attempts: 0,
            name: Some("ann".to_owned()),
            to: "ann@example.com".to_owned(),
            subject: "acme/db: a remark".to_owned(),
            items: vec![MailItem {
                title: "acme/db: a remark".to_owned(),
                body: "bob wrote:\n\n<b>Bcc: eve@example.com</b>\nand more".to_owned(),
                url: "https://market.example/submissions/1".to_owned(),
            }],
            mute: mute_url.map(|url| MuteLink {
                url: url.to_owned(),
                label: "No more mail of this kind",
            }),
            message_id: "<1@market.example>".to_owned(),
        }
    }

    fn written(mail: &Mail) -> String {
        let from = "Harbour <notices@market.example>"
            .parse()
            .expect("an address");
        let message = letter(&from, mail).map_err(|error| error.to_string());
        String::from_utf8(message.expect("a mail").formatted()).expect("text")
    }

    #[test]
    fn a_mail_is_text_and_html_and_can_be_ended() {
        let text = written(&mail(Some("https://market.example/notices/mute/k")));
        for expected in [
            "From: Harbour <notices@market.example>\r\n",
            "To: ann <ann@example.com>\r\n",
            "Message-ID: <1@market.example>\r\n",
            "List-Unsubscribe: <https://market.example/notices/mute/k>\r\n",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
            "<p>&#60;b&#62;Bcc: eve@example.com",
            "multipart/alternative",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        let heads = text.split("\r\n\r\n").next().unwrap_or_default();
        assert!(!heads.contains("Bcc"), "{heads}");
    }

    #[test]
    fn what_is_due_together_is_one_letter() {
        let mut digest = mail(None);
        digest.items.push(MailItem {
            title: "acme/<db>: a new release".to_owned(),
            body: "It is signed.".to_owned(),
            url: "https://market.example/p/acme/db".to_owned(),
        });
        let text = written(&digest).replace("=\r\n", "");
        for expected in [
            "* acme/db: a remark\r\n\r\nbob wrote:",
            "* acme/<db>: a new release\r\n\r\nIt is signed.\r\n\r\nhttps://market.example/p/acme/db\r\n",
            "<h2>acme/&#60;db&#62;: a new release</h2>",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }

    #[test]
    fn what_is_obligatory_cannot_be_ended() {
        assert!(!written(&mail(None)).contains("nsubscribe"));
    }

    #[test]
    fn nothing_becomes_a_header_of_its_own() {
        let sly = Mail {
            subject: "a\r\nBcc: eve@example.com".to_owned(),
            ..mail(None)
        };
        let text = written(&sly);
        let heads = text.split("\r\n\r\n").next().unwrap_or_default();
        assert!(!heads.contains("\r\nBcc:"), "{heads}");
    }
}
