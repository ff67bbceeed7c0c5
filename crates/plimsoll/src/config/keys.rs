//! The one table of configuration keys. File, environment, flags, `config show` and
//! `docs/configuration.md` all come from it.

use super::kind::Kind;

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Section and name, with dots.
    pub(crate) name: &'static str,
    /// What a value must look like.
    pub(crate) kind: Kind,
    /// The value without any setting; empty where there is none.
    pub(crate) default: &'static str,
    /// Whether `config show` hides it.
    pub(crate) secret: bool,
    /// What it does.
    pub(crate) help: &'static str,
}

impl Key {
    /// Returns the environment variable's name.
    pub(crate) fn variable(&self) -> String {
        format!("PLIMSOLL_{}", self.name.to_uppercase().replace('.', "_"))
    }
}

const fn key(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        secret: false,
        help,
    }
}

const fn secret(name: &'static str, help: &'static str) -> Key {
    Key {
        secret: true,
        ..key(name, Kind::Text, "", help)
    }
}

/// Where advisories come from unless told otherwise.
const DEFAULT_SOURCES: &str = "debian,osv-debian,osv-alpine,ubuntu,rocky,alma,wolfi,osv-npm,\
    osv-pypi,osv-maven,osv-go,osv-crates,osv-rubygems,osv-nuget,osv-packagist,kev,epss";

/// Every key there is.
pub(crate) const KEYS: &[Key] = &[
    key(
        "server.listen",
        Kind::Address,
        "127.0.0.1:8080",
        "Address and port to listen on; port 0 picks a free one.",
    ),
    key(
        "server.public_url",
        Kind::Url,
        "",
        "Where browsers and clients reach this marketplace; image references begin with its host. \
         Without it, http:// and the listening address.",
    ),
    key(
        "server.trusted_proxies",
        Kind::Networks,
        "",
        "Addresses and networks of the proxies in front, such as `127.0.0.1, 10.0.0.0/8`. Only what \
         they write into `X-Forwarded-For` is believed; attempts to sign in are counted by it.",
    ),
    key(
        "server.workers",
        Kind::Number,
        "2",
        "How many background jobs run at once in this process; 0 leaves them to other processes.",
    ),
    key(
        "server.job_lease",
        Kind::Duration,
        "30s",
        "How long a background job stays with a worker that gives no sign of life before another \
         goes on with it; a second at least.",
    ),
    key(
        "server.shutdown_grace",
        Kind::Duration,
        "30s",
        "How long requests and uploads that are under way may take to end after the signal to stop.",
    ),
    key(
        "server.tls.certificate",
        Kind::Path,
        "",
        "File with the certificate and those that vouch for it, in PEM. With it and the key the \
         server speaks TLS; both are read again when they change and on SIGHUP.",
    ),
    key(
        "server.tls.key",
        Kind::Path,
        "",
        "File with the certificate's private key, in PEM.",
    ),
    key(
        "server.limits.connections",
        Kind::Number,
        "10000",
        "Most connections at once; more are told to come back. 0 for no limit.",
    ),
    key(
        "server.limits.connections_per_address",
        Kind::Number,
        "5000",
        "Most connections at once from one address. 0 for no limit, as behind a proxy of your own.",
    ),
    key(
        "server.limits.streams_per_connection",
        Kind::Number,
        "128",
        "Most requests at once on one HTTP/2 connection.",
    ),
    key(
        "server.limits.header_bytes",
        Kind::Bytes,
        "32KiB",
        "Most bytes of a request's headers together.",
    ),
    key(
        "server.limits.header_count",
        Kind::Number,
        "80",
        "Most headers of a request.",
    ),
    key(
        "server.limits.target_bytes",
        Kind::Bytes,
        "8KiB",
        "Most bytes of a request's path and query.",
    ),
    key(
        "server.limits.header_time",
        Kind::Duration,
        "30s",
        "How long a client may take for a TLS handshake or a request's headers, \
         and how long a connection without requests is kept.",
    ),
    key(
        "server.limits.idle_time",
        Kind::Duration,
        "60s",
        "How long a client may send nothing of a body that it owes, or take nothing of an answer.",
    ),
    key(
        "server.limits.body_rate",
        Kind::Bytes,
        "1KiB",
        "Fewest bytes a second that a body must bring, over all of the time that was spent \
         waiting for it beyond the first minute. 0 for any.",
    ),
    key(
        "server.limits.requests_per_account",
        Kind::Number,
        "2000",
        "Most registry requests at once of one account; all without an account count as one \
         for each address. 0 for no limit.",
    ),
    key(
        "data.dir",
        Kind::Path,
        "plimsoll-data",
        "Folder for keys, uploads, advisories and, unless set otherwise, database and blobs.",
    ),
    key(
        "database.url",
        Kind::Database,
        "",
        "The database. Without it, the SQLite file `plimsoll.db` in the data folder. \
         Several servers side by side need PostgreSQL.",
    ),
    key(
        "blobs.kind",
        Kind::Choice(&["filesystem", "s3"]),
        "filesystem",
        "Where blobs are kept: in the data folder, or in a bucket of an S3 service.",
    ),
    key(
        "blobs.s3.endpoint",
        Kind::Url,
        "",
        "Base URL of the S3 service; without it, Amazon's own.",
    ),
    key(
        "blobs.s3.region",
        Kind::Text,
        "us-east-1",
        "Region of the bucket; services without regions take any name.",
    ),
    key(
        "blobs.s3.bucket",
        Kind::Text,
        "",
        "Name of an existing bucket.",
    ),
    key(
        "blobs.s3.prefix",
        Kind::Text,
        "",
        "Put before every object's key, without slashes at its ends.",
    ),
    key("blobs.s3.access_key", Kind::Text, "", "Access key id."),
    secret("blobs.s3.secret_key", "Secret access key."),
    key(
        "blobs.s3.allow_http",
        Kind::Bool,
        "false",
        "Whether the endpoint may be plain http://, which shows blobs to the network.",
    ),
    key(
        "blobs.s3.redirect",
        Kind::Bool,
        "false",
        "Whether clients are sent to the S3 service for the bytes of a blob, with a URL that holds \
         for 20 minutes; they must reach it under `blobs.s3.endpoint`.",
    ),
    key(
        "registry.max_blob_bytes",
        Kind::Bytes,
        "20GiB",
        "Largest blob that may be pushed.",
    ),
    key(
        "registry.uploads_per_account",
        Kind::Number,
        "1000",
        "Most uploads an account may have begun at this server and not finished. 0 for no limit.",
    ),
    key(
        "registry.upload_life",
        Kind::Duration,
        "24h",
        "How long an upload is kept that nobody goes on with.",
    ),
    key(
        "registry.index_depth",
        Kind::Number,
        "4",
        "How many indexes may stand in one another. 0 for no limit.",
    ),
    key(
        "registry.sparse_images",
        Kind::Bool,
        "false",
        "Whether manifests may name blobs that were not pushed. Indexes may always lack manifests.",
    ),
    key(
        "registry.read_ahead",
        Kind::Bool,
        "true",
        "Whether the layers of images are read as soon as they are pushed, so that inspections \
         find them read: one image at a time in each process that has workers, one layer of it \
         after the other.",
    ),
    key(
        "trust.identity_root",
        Kind::Path,
        "",
        "The file (`trusted_root.json`) that names the authorities and logs by which publishers' \
         signatures of identities, without keys, are believed. Without it they are refused. It is \
         read at the start; nothing is asked over the network.",
    ),
    key(
        "trust.witnesses",
        Kind::Witnesses,
        "",
        "Who is asked to cosign the heads of the log (C2SP tlog-witness), each by its key and the URL \
         before `/add-checkpoint`; they need the log's key, from `/log/key`.",
    ),
    key(
        "trust.witness_networks",
        Kind::Networks,
        "",
        "Addresses and networks that witnesses may be asked at although they are not public, such \
         as `10.20.0.0/16`.",
    ),
    key(
        "registry.token_life",
        Kind::Duration,
        "15m",
        "How long a registry access token lives.",
    ),
    key(
        "registry.collect_grace",
        Kind::Duration,
        "24h",
        "How long something must be out of reach before a collection deletes it; longer than any \
         push takes.",
    ),
    key(
        "registry.collect_every",
        Kind::DurationOrNever,
        "24h",
        "How often a collection begins by itself; `never` leaves it to `plimsoll collect`.",
    ),
    key(
        "registry.publisher_quota",
        Kind::Bytes,
        "0",
        "Bytes that the staging repositories of a publisher may take, each blob counted once, \
         their trust metadata included; 0 for no limit. `plimsoll publisher quota` sets it for one.",
    ),
    key(
        "registry.scrub_every",
        Kind::DurationOrNever,
        "never",
        "How often everything stored is compared with its digest; `never` leaves it to \
         `plimsoll scrub`.",
    ),
    key(
        "registry.scrub_rate",
        Kind::Bytes,
        "50MiB",
        "Bytes that a scrub reads a second, at most; 0 for as fast as it goes.",
    ),
    key(
        "accounts.open_registration",
        Kind::Bool,
        "true",
        "Whether people may make their own accounts.",
    ),
    key(
        "review.two_for_first_release",
        Kind::Bool,
        "false",
        "Whether a product's first release needs the approvals of two different reviewers.",
    ),
    key(
        "review.partners_only",
        Kind::Bool,
        "false",
        "Whether only the releases of publishers whose partnership the operator granted are certified.",
    ),
    key(
        "review.confirm_holds",
        Kind::Bool,
        "false",
        "Whether an operator confirms that a listing goes on hold whose promise to fix was broken; otherwise it does so by itself.",
    ),
    key(
        "advisories.file",
        Kind::Path,
        "",
        "The compiled advisory database. Without it, `advisories/advisories.db` in the data folder.",
    ),
    key(
        "advisories.sources",
        Kind::Sources,
        DEFAULT_SOURCES,
        "What `advisories update` downloads and compiles. A feed that `plimsoll advisories sources` \
         lists needs its name only.",
    ),
    key(
        "keys.rotate_tokens_after",
        Kind::Duration,
        "90d",
        "Age at which a new key for registry tokens is made by itself.",
    ),
    secret(
        "keys.passphrase",
        "Encrypts the private keys in the data folder. Prefer `keys.passphrase_file`.",
    ),
    key(
        "keys.passphrase_file",
        Kind::Path,
        "",
        "File whose first line is the passphrase of the private keys. Without it, the data folder's \
         name with `.passphrase` at its end, beside the folder; a first start makes that file.",
    ),
    key(
        "keys.token.module",
        Kind::Path,
        "",
        "Library of the PKCS#11 module that the key for releases is reached by. With it that key is \
         in a token and never in a file; the others stay files.",
    ),
    key(
        "keys.token.name",
        Kind::Text,
        "",
        "Label or serial number of the token.",
    ),
    key(
        "keys.token.key",
        Kind::Text,
        "plimsoll-release",
        "Label of the key pair in the token, and of the secret beside it.",
    ),
    key(
        "keys.token.pin_file",
        Kind::Path,
        "",
        "File whose first line is the PIN of the token's user. A PIN that is refused is not tried again \
         before the next start.",
    ),
    key(
        "metrics.listen",
        Kind::Address,
        "",
        "Address and port of a second listener with /metrics, /healthz and /readyz, open to whoever \
         reaches it. Without it, /metrics is on the main listener, for the operator alone.",
    ),
    secret(
        "mail.smtp_url",
        "SMTP server that notices are sent through, such as \
         smtps://USER:PASSWORD@mail.example, or smtp://mail.example:587?tls=required. Without it, \
         they are on people's pages and in the operator's outbox only.",
    ),
    key(
        "mail.from",
        Kind::Text,
        "",
        "Who mail comes from, such as Harbour <notices@market.example>; with `mail.smtp_url`.",
    ),
    key(
        "webhooks.allow_http",
        Kind::Bool,
        "false",
        "Whether webhooks may be called over plain http://, which shows events to the network.",
    ),
    key(
        "webhooks.allow_networks",
        Kind::Networks,
        "",
        "Addresses and networks that webhooks may be called at although they are not public, such \
         as `10.20.0.0/16`. Everybody who keeps webhooks can then send requests there.",
    ),
    key(
        "imports.allow_networks",
        Kind::Networks,
        "",
        "Addresses and networks that images may be imported from although they are not public, such \
         as `10.20.0.0/16`. Every publisher can then reach what answers there.",
    ),
    key(
        "imports.workers",
        Kind::Number,
        "2",
        "How many imports from other registries run at once in this process; 0 leaves them to other \
         processes.",
    ),
    key(
        "publishers.dns_server",
        Kind::IpAddress,
        "",
        "DNS server that TXT records are looked up at which prove publishers' domains, such as \
         9.9.9.9:53. Without it, those that the system uses.",
    ),
    key(
        "telemetry.otlp_endpoint",
        Kind::Url,
        "",
        "Base URL of an OpenTelemetry collector that takes OTLP over HTTP, such as \
         http://127.0.0.1:4318; requests are sent there as traces. Without it, none are made.",
    ),
    key(
        "telemetry.sample_percent",
        Kind::Number,
        "100",
        "How many of a hundred requests are traced, unless the caller's traceparent header decides.",
    ),
    key(
        "log.level",
        Kind::Text,
        "info",
        "Least severe level that is logged: error, warn, info, debug, trace; \
         or directives such as `info,plimsoll_app=debug`.",
    ),
    key(
        "log.format",
        Kind::Choice(&["text", "json"]),
        "text",
        "How log lines are written to standard error.",
    ),
];

/// Returns the key called `name`.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// Returns the known name that was probably meant.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}
