//! Where an S3 service is and how to reach it.

use std::{fmt, sync::Arc, time::Duration};

use object_store::{
    ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
};

use super::BlobError;

/// How to reach a bucket of a service that speaks the S3 API.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    /// Base URL of the service, such as `https://minio.example.org`; `None` is Amazon's own.
    ///
    /// With one, the bucket goes into the path, as most services of this kind expect.
    pub endpoint: Option<String>,
    /// Region, such as `eu-central-1`; services without regions take any name.
    pub region: String,
    /// Name of an existing bucket.
    pub bucket: String,
    /// Access key id.
    pub access_key: String,
    /// Secret access key; never shown.
    pub secret_key: String,
    /// Put before every object's key, without slashes at its ends; may be empty.
    pub prefix: String,
    /// Whether the endpoint may be plain `http://`, which shows blobs to the network.
    pub allow_http: bool,
    /// Whether readers are sent to the service, which they must reach under `endpoint`.
    pub redirect: bool,
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("bucket", &self.bucket)
            .field("access_key", &self.access_key)
            .field("secret_key", &"[redacted]")
            .field("prefix", &self.prefix)
            .field("allow_http", &self.allow_http)
            .field("redirect", &self.redirect)
            .finish()
    }
}

impl S3Config {
    /// Builds the client; does not talk to the service yet.
    pub(super) fn client(&self) -> Result<Arc<AmazonS3>, BlobError> {
        // Fails if the process has chosen a provider before, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let mut builder = AmazonS3Builder::new()
            .with_region(&self.region)
            .with_bucket_name(&self.bucket)
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(&self.secret_key)
            // Not every service that speaks S3 can delete many objects in one request.
            .with_disable_bulk_delete(true)
            .with_retry(RetryConfig {
                max_retries: 4,
                retry_timeout: Duration::from_secs(30),
                ..RetryConfig::default()
            })
            .with_client_options(self.client_options());
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        let client = builder.build().map_err(BlobError::s3("set up S3"))?;
        Ok(Arc::new(client))
    }

    fn client_options(&self) -> ClientOptions {
        let plain = self.endpoint.as_deref();
        let plain = plain.is_some_and(|url| url.starts_with("http://"));
        ClientOptions::new()
            .with_allow_http(self.allow_http)
            // Without TLS, a machine without any root certificates will do.
            .with_no_system_certificates(plain)
            .with_connect_timeout(Duration::from_secs(5))
            // No limit on the whole: a slow reader may take an hour over a large layer.
            .with_timeout_disabled()
            .with_read_timeout(Duration::from_secs(60))
    }

    /// Returns the key of the object `name` under the prefix.
    pub(super) fn key(&self, name: &str) -> object_store::path::Path {
        object_store::path::Path::from(format!("{}/{name}", self.prefix))
    }
}
