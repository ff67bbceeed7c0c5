//! What a client asked for beside the path, and the answer where that is malformed.

use oci::{ErrorCode, QueryError};
pub(crate) use oci::{Query, percent_decode as decode, percent_encode as encode};

use crate::error::Failure;

/// Returns the answer to a request that is malformed as such.
pub(crate) fn bad(message: impl Into<String>) -> Failure {
    // The specification has no code for a bad parameter; clients show the message.
    Failure::with_status(ErrorCode::Unsupported, 400, message)
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        bad(error.to_string())
    }
}
