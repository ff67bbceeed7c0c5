//! The error codes of the distribution specification and of Notary v1, in one table:
//! code, HTTP status, message (distribution-spec, "Error Codes").

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $status:literal, $message:literal;)*) => {
        /// An error code a registry answers with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[doc = $doc])* $name,)* }

        impl ErrorCode {
            /// Every code, for tables and tests.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Returns the code as it stands in the answer.
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $code,)* } }
            /// Returns the HTTP status that goes with it.
            pub fn status(self) -> u16 { match self { $(Self::$name => $status,)* } }
            /// Returns the general message.
            pub fn message(self) -> &'static str { match self { $(Self::$name => $message,)* } }
        }
    };
}

codes! {
    /// A blob is not in this repository.
    BlobUnknown = "BLOB_UNKNOWN", 404, "blob unknown to registry";
    /// An upload broke a rule.
    BlobUploadInvalid = "BLOB_UPLOAD_INVALID", 400, "blob upload invalid";
    /// An upload is not open.
    BlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN", 404, "blob upload unknown to registry";
    /// The digest is malformed or does not match the content.
    DigestInvalid = "DIGEST_INVALID", 400, "provided digest did not match uploaded content";
    /// A manifest names a blob that the repository lacks.
    ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN", 404, "manifest references a manifest or blob unknown to registry";
    /// A manifest is malformed.
    ManifestInvalid = "MANIFEST_INVALID", 400, "manifest invalid";
    /// Something else is there than the client wanted to replace.
    Changed = "MANIFEST_INVALID", 412, "the reference names something else by now";
    /// A manifest is not in this repository.
    ManifestUnknown = "MANIFEST_UNKNOWN", 404, "manifest unknown to registry";
    /// A repository name is malformed.
    NameInvalid = "NAME_INVALID", 400, "invalid repository name";
    /// A repository is not known.
    NameUnknown = "NAME_UNKNOWN", 404, "repository name not known to registry";
    /// A length does not match the content, or is over a limit.
    SizeInvalid = "SIZE_INVALID", 400, "provided length did not match content length";
    /// The range of a chunk does not follow what is there.
    RangeInvalid = "BLOB_UPLOAD_INVALID", 416, "chunk out of order";
    /// Nobody is signed in, or not for this.
    Unauthorized = "UNAUTHORIZED", 401, "authentication required";
    /// The account may not do this.
    Denied = "DENIED", 403, "requested access to the resource is denied";
    /// The operation is not supported.
    Unsupported = "UNSUPPORTED", 405, "the operation is unsupported";
    /// A manifest or blob is over the limit.
    TooLarge = "SIZE_INVALID", 413, "content is larger than the limit";
    /// Too many requests.
    TooManyRequests = "TOOMANYREQUESTS", 429, "too many requests";
    /// The server failed; nothing that was acknowledged is lost.
    Internal = "UNKNOWN", 500, "internal error";
    /// The registry cannot answer at present; the same request may succeed later.
    Unavailable = "UNAVAILABLE", 503, "the registry is not available: try again";
    /// Content trust has no such file.
    MetadataNotFound = "METADATA_NOT_FOUND", 404, "You have requested metadata that does not exist.";
    /// An upload of trust metadata is not `multipart/form-data`, or breaks a limit.
    MalformedUpload = "MALFORMED_UPLOAD", 400, "The body of your request is malformed.";
    /// A part of an upload of trust metadata does not say for which role it is.
    NoFilename = "NO_FILENAME", 400, "No file/role name provided.";
    /// There is no such role.
    InvalidRole = "INVALID_ROLE", 400, "The role you are attempting to operate on is invalid.";
    /// Trust metadata is no JSON, or lacks what all metadata has.
    MalformedJson = "MALFORMED_JSON", 400, "JSON sent by the client could not be parsed by the server";
    /// Trust metadata fails verification.
    InvalidUpdate = "INVALID_UPDATE", 400, "Update sent by the client is invalid.";
    /// Trust metadata is not newer than what is there.
    OldVersion = "VERSION", 400, "A newer version of metadata is already available.";
    /// Trust metadata for another host's repositories.
    InvalidGun = "INVALID_GUN", 400, "The server does not support actions on images of this name.";
    /// A parameter of the list of changes is none.
    InvalidParameters = "INVALID_PARAMETERS", 400, "The parameters provided are not valid.";
    /// The store has no room left; nothing that was acknowledged is lost.
    StorageFull = "UNKNOWN", 507, "the registry's storage is full";
}
