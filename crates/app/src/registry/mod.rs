//! The registry's use cases: who may do what in which repository, and what pushing and
//! pulling change. The distribution protocol itself is the crate `registry`.

mod blobs;
mod bounded;
mod depth;
mod error;
mod given;
mod manifests;
mod recent;
mod references;
mod referrers;
mod rights;
mod small;
mod uploads;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};

use crate::AppError;

pub use error::RegistryError;
pub use manifests::{FoundManifest, ManifestPush, PullRequest, PushedManifest};
pub(crate) use manifests::{Refers, names_of, stored_manifest};
pub(crate) use recent::RecentlyFound;
pub use referrers::Referrers;
pub use rights::Rights;
pub(crate) use small::SmallBlobs;
pub use store::blobs::{ByteStream, StreamError};

/// Reads a stream that must not be longer than `limit` bytes.
pub(crate) async fn collect(
    mut stream: impl Stream<Item = std::io::Result<Bytes>> + Unpin,
    limit: usize,
) -> Result<Bytes, AppError> {
    let mut bytes = BytesMut::new();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.map_err(AppError::internal)?);
        if bytes.len() > limit {
            return Err(AppError::TooLarge(format!(
                "stored content is larger than {limit} bytes"
            )));
        }
    }
    Ok(bytes.freeze())
}
