//! Why the registry refuses, in the specification's codes.

use oci::ErrorCode;
use store::{
    StoreError,
    blobs::{BlobError, UploadError},
};

use crate::AppError;

/// Why the registry does not do what was asked: the specification's code, and a text
/// that says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RegistryError {
    /// The code.
    pub code: ErrorCode,
    /// What is wrong and what to do.
    pub message: String,
    /// Where an upload goes on.
    pub offset: Option<u64>,
    /// What lies behind it, for the log.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RegistryError {
    /// Makes an error with its own text.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            offset: None,
            source: None,
        }
    }

    pub(super) fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(ErrorCode::Internal, "the registry failed; try again")
        }
    }

    pub(super) fn full() -> Self {
        Self::new(
            ErrorCode::StorageFull,
            "the registry's storage is full: nothing was stored; ask the operator to make room",
        )
    }
}

impl From<StoreError> for RegistryError {
    fn from(error: StoreError) -> Self {
        if let StoreError::BeingCollected(_) = error {
            Self::new(ErrorCode::Unavailable, error.to_string())
        } else if error.is_nul() {
            Self::new(
                ErrorCode::ManifestInvalid,
                "a text holds the character NUL, which cannot be stored",
            )
        } else {
            AppError::from(error).into()
        }
    }
}

impl From<AppError> for RegistryError {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Full => Self::full(),
            AppError::Internal(source) => Self::internal(source),
            AppError::Busy | AppError::Unsigned(_) => {
                Self::new(ErrorCode::Unavailable, error.to_string())
            }
            other => Self::internal(other),
        }
    }
}

impl From<BlobError> for RegistryError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Full { .. } => Self::full(),
            BlobError::NotFound(digest) => Self::new(
                ErrorCode::BlobUnknown,
                format!("blob {digest} is not in this repository"),
            ),
            BlobError::Range { .. } => Self::new(ErrorCode::RangeInvalid, error.to_string()),
            other => Self::internal(other),
        }
    }
}

impl From<UploadError> for RegistryError {
    fn from(error: UploadError) -> Self {
        let text = error.to_string();
        match error {
            UploadError::Unknown(_) => Self::new(ErrorCode::BlobUploadUnknown, text),
            UploadError::Busy(_) => Self::new(ErrorCode::Unavailable, text),
            UploadError::Offset { actual, .. } => Self {
                offset: Some(actual),
                ..Self::new(ErrorCode::RangeInvalid, text)
            },
            UploadError::TooLarge { .. } => Self::new(ErrorCode::TooLarge, text),
            UploadError::Digest { .. } => Self::new(ErrorCode::DigestInvalid, text),
            UploadError::Stream { offset, .. } => Self {
                offset: Some(offset),
                ..Self::new(ErrorCode::BlobUploadInvalid, text)
            },
            UploadError::Disk(error) => error.into(),
            UploadError::Database(error) => error.into(),
        }
    }
}
