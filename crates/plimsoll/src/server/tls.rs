//! TLS: certificate and key from files, taken over anew when the files change.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    failure::{Failure, OrFail as _},
};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// The server's identity, as the files say at present.
#[derive(Debug)]
pub(crate) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: RwLock<Arc<CertifiedKey>>,
}

/// What changes when a file is replaced, or what a link leads to.
type Stamp = Option<(SystemTime, u64)>;

impl Tls {
    /// Reads certificate and key, where they are configured.
    ///
    /// # Errors
    /// A file cannot be read or used, or the two do not belong together.
    pub(crate) fn open(config: &Config) -> Result<Option<Arc<Self>>, Failure> {
        let (Some(certificate), Some(key)) = (
            config.path("server.tls.certificate"),
            config.path("server.tls.key"),
        ) else {
            return Ok(None);
        };
        let provider = Arc::new(ring::default_provider());
        let current = read(&certificate, &key, &provider)?;
        Ok(Some(Arc::new(Self {
            certificate,
            key,
            provider,
            current: RwLock::new(Arc::new(current)),
        })))
    }

    /// Returns what makes TLS of connections: versions 1.2 and 1.3, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// The provider of cryptography fails.
    pub(super) fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, Failure> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .or_fail("cannot set up TLS")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::<Self>::clone(self));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config.ticketer = ring::Ticketer::new().or_fail("cannot set up TLS session tickets")?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Takes over new files, on SIGHUP and when they change, until `stop`.
    pub(super) async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut known = self.stamps();
        loop {
            let told = tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => false,
                _ = async { match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                } } => true,
            };
            let found = self.stamps();
            if told || found != known {
                known = found;
                self.take_over();
            }
        }
    }

    /// A broken file changes nothing: the old identity is better than none.
    fn take_over(&self) {
        match read(&self.certificate, &self.key, &self.provider) {
            Ok(new) => {
                *self.current.write().expect("nobody panics while writing") = Arc::new(new);
                tracing::info!(
                    tls.certificate = %self.certificate.display(),
                    "took over the certificate"
                );
            }
            Err(failure) => tracing::error!(
                error = failure.line(),
                "the new certificate cannot be used; the old one stays"
            ),
        }
    }

    fn stamps(&self) -> [Stamp; 2] {
        [&self.certificate, &self.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

impl ResolvesServerCert for Tls {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().expect("nobody panics while writing");
        Some(Arc::clone(&current))
    }
}

fn read(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Failure> {
    let what =
        |name: &str, path: &Path| format!("cannot use `server.tls.{name}` (`{}`)", path.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .or_fail(what("certificate", certificate))?;
    if chain.is_empty() {
        return Err(Failure::failed(what("certificate", certificate)).hint(
            "the file must hold the server's certificate in PEM, then those that vouch for it",
        ));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .or_fail(what("key", key))
        .map_err(|failure| {
            failure.hint("the file must hold the private key in PEM, not encrypted")
        })?;
    CertifiedKey::from_der(chain, private, provider).map_err(|error| {
        Failure::failed(format!(
            "`server.tls.certificate` (`{}`) and `server.tls.key` (`{}`) cannot be used together",
            certificate.display(),
            key.display()
        ))
        .because(&error)
    })
}
