//! OCI without any network service: digests, references, manifests kept as raw
//! bytes beside the parsed view, the `/v2/` path grammar, layouts and archives.
//!
//! What lives here follows the OCI image and distribution specifications.
//! What does not: storage, HTTP servers, signatures, anything about a marketplace.
//! The client that pulls and pushes is behind the feature `client`.

mod archive;
#[cfg(feature = "client")]
mod client;
mod config;
mod digest;
mod error_code;
mod gun;
mod layout;
mod manifest;
pub mod media_type;
mod query;
mod range;
mod reference;
mod route;
mod scope;
mod source;
#[cfg(test)]
mod testing;
mod trust_route;

pub use archive::{DockerArchive, OciArchive, open_image};
#[cfg(feature = "client")]
pub use client::{
    AddressGuard, ApiError, Client, ClientError, ClientOptions, Credentials, CredentialsError,
    Progress, agent, is_allowed, is_public,
};
pub use config::{Config, Healthcheck, History, ImageConfig, RootFs};
pub use digest::{Algorithm, Digest, DigestError, Digester};
pub use error_code::ErrorCode;
pub use gun::Gun;
pub use layout::{Layout, LayoutImage};
pub use manifest::{
    Descriptor, Index, MAX_MANIFEST_BYTES, Manifest, ManifestError, ManifestKind, OtherManifest,
    Platform, RawManifest,
};
pub use query::{Query, QueryError, percent_decode, percent_encode};
pub use range::{ByteRange, ChunkRange, RangeError};
pub use reference::{ImageRef, Reference, ReferenceError, RepoName, Tag};
pub use route::{Route, RouteError};
pub use scope::Scope;
pub use source::{
    ImageSource, MAX_CONFIG_BYTES, MAX_INDEX_DEPTH, MAX_INDEX_MANIFESTS, PlatformImage,
    SourceError, VerifyError, VerifyingReader, platform_images,
};
pub use trust_route::TrustRoute;
