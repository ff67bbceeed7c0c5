//! What values of configuration keys look like.

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// A path; in a file relative to the file's folder.
    Path,
    /// `host:port`.
    Address,
    /// An IP address and a port.
    IpAddress,
    /// `http://` or `https://`, without a path.
    Url,
    /// `sqlite:PATH` or `postgres://…`.
    Database,
    /// A number from 0.
    Number,
    /// A number of bytes, or a number with KiB, MiB, GiB, TiB, kB, MB, GB, TB.
    Bytes,
    /// A number with s, m, h or d.
    Duration,
    /// The same, or `never`.
    DurationOrNever,
    /// `true` or `false`.
    Bool,
    /// Addresses and networks, with commas between.
    Networks,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Advisory sources: a list of tables in a file, `NAME=PLACE` or `NAME` with commas elsewhere.
    Sources,
    /// Witnesses of the log: a list of tables in a file, `KEY URL` with commas elsewhere.
    Witnesses,
}

impl Kind {
    /// Returns what is expected, for messages and documents.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Address => "an address such as 127.0.0.1:8080".to_owned(),
            Self::IpAddress => "an IP address and a port such as 9.9.9.9:53".to_owned(),
            Self::Url => "a URL such as https://market.example".to_owned(),
            Self::Database => "sqlite:PATH or postgres://USER@HOST/NAME".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Bytes => "bytes, such as 10GiB".to_owned(),
            Self::Duration => "a duration such as 15m, 24h or 90d".to_owned(),
            Self::DurationOrNever => "a duration such as 24h or 7d, or never".to_owned(),
            Self::Bool => "true or false".to_owned(),
            Self::Networks => "addresses and networks such as 127.0.0.1, 10.0.0.0/8".to_owned(),
            Self::Choice(words) => format!("one of {}", words.join(", ")),
            Self::Sources => {
                "tables with name, and url or path where the feed is not a known one".to_owned()
            }
            Self::Witnesses => "tables with key (NAME+HASH+KEY) and url".to_owned(),
        }
    }
}
