//! Looks at the domains of publishers for the text that proves them: in a TXT record and in a
//! file over HTTPS.

use std::{io::Read as _, net::SocketAddr, sync::Arc, time::Duration};

use app::{App, DomainFound, DomainToLookAt};
use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::RData,
};
use tokio::time;
use ureq::Agent;

use super::outgoing;
use crate::failure::{Failure, OrFail};

/// How often it is looked for domains.
const LOOK: Duration = Duration::from_secs(5);
/// A server that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(10);
/// So much is read of a file, in bytes.
const MAX_FILE: u64 = 16 << 10;
/// So many TXT records are read of a name.
const MOST_RECORDS: usize = 50;

/// What looks.
pub(super) struct Lookout {
    resolver: TokioResolver,
    agent: Agent,
}

impl Lookout {
    /// Asks `server` for records, or those of the system. Connects to nothing yet.
    ///
    /// # Errors
    /// They cannot be asked.
    pub(super) fn new(server: Option<SocketAddr>) -> Result<Self, Failure> {
        let mut builder = match server {
            Some(server) => {
                let mut name_server = NameServerConfig::udp_and_tcp(server.ip());
                for connection in &mut name_server.connections {
                    connection.port = server.port();
                }
                let config = ResolverConfig::from_name_servers(vec![name_server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().unwrap_or_else(|error| {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "which DNS servers the system uses cannot be read; records of domains cannot be looked at");
                let none = ResolverConfig::from_name_servers(Vec::new());
                TokioResolver::builder_with_config(none, TokioRuntimeProvider::default())
            }),
        };
        let options = builder.options_mut();
        // Whoever has just set a record wants it to be found.
        options.cache_size = 0;
        options.timeout = LONGEST / 4;
        options.attempts = 2;
        Ok(Self {
            resolver: builder
                .build()
                .or_fail("cannot make ready to ask DNS servers")?,
            agent: outgoing::agent(Vec::new(), LONGEST, "its host has no public address"),
        })
    }

    /// Looks at what is to be looked at, for ever.
    pub(super) async fn look(self, app: &Arc<App>) {
        loop {
            match app.take_domain().await {
                Ok(Some(domain)) => {
                    self.look_at(app, &domain).await;
                    continue;
                }
                Ok(None) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        "no domain can be taken to be looked at; trying again"
                    );
                }
            }
            tokio::select! {
                () = app.domain_asked() => {}
                () = time::sleep(LOOK) => {}
            }
        }
    }

    async fn look_at(&self, app: &App, domain: &DomainToLookAt) {
        let found = DomainFound {
            records: self.records(&domain.record).await,
            file: self.file(&domain.file).await,
        };
        tracing::debug!(domain = domain.record, ?found, "looked at a domain");
        if let Err(error) = app.domain_looked_at(domain, &found).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "what was found at a domain cannot be noted; looking again"
            );
        }
    }

    /// Returns the TXT records of a name.
    async fn records(&self, name: &str) -> Result<Vec<String>, String> {
        // The dot at its end keeps the system's own domains from being tried.
        let asked = self.resolver.txt_lookup(format!("{name}."));
        let answer = match time::timeout(LONGEST, asked).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) if error.is_no_records_found() => return Ok(Vec::new()),
            Ok(Err(error)) => return Err(format!("the DNS did not answer ({error})")),
            Err(_late) => return Err("the DNS took too long".to_owned()),
        };
        let texts = answer
            .answers()
            .iter()
            .filter_map(|record| match &record.data {
                RData::TXT(text) => Some(text.txt_data.concat()),
                _ => None,
            });
        let texts = texts.map(|text| String::from_utf8_lossy(&text).into_owned());
        Ok(texts.take(MOST_RECORDS).collect())
    }

    /// Returns the file at an address, or at the same one with `www.` before its host.
    async fn file(&self, url: &str) -> Result<String, String> {
        let agent = self.agent.clone();
        let urls = [url.to_owned(), url.replacen("://", "://www.", 1)];
        let asked = tokio::task::spawn_blocking(move || {
            let first = get(&agent, &urls[0]);
            first.or_else(|error| get(&agent, &urls[1]).map_err(|_same_kind| error))
        });
        asked
            .await
            .unwrap_or_else(|_panicked| Err("the request could not be made".to_owned()))
    }
}

fn get(agent: &Agent, url: &str) -> Result<String, String> {
    let mut response = agent
        .get(url)
        .call()
        .map_err(|error| outgoing::words(&error))?;
    match response.status().as_u16() {
        200 => {}
        status @ 300..=399 => {
            return Err(format!("it answered {status}; redirects are not followed"));
        }
        status => return Err(format!("it answered {status}")),
    }
    let mut bytes = Vec::new();
    let mut body = response.body_mut().as_reader().take(MAX_FILE);
    body.read_to_end(&mut bytes)
        .map_err(|error| format!("it broke off ({error})"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use testkit::{DnsServer, FileServer};

    use super::*;

    const NAME: &str = "_plimsoll-challenge.acme.example";
    const TEXT: &str = "plimsoll-verification=abc";

    fn lookout(dns: &DnsServer) -> Lookout {
        Lookout::new(Some(dns.address())).expect("a lookout")
    }

    #[tokio::test]
    async fn records_are_read_from_a_real_server() {
        let dns = DnsServer::start().expect("a server");
        let lookout = lookout(&dns);
        assert_eq!(lookout.records(NAME).await, Ok(Vec::new()));
        dns.set_text(NAME, &["v=spf1 -all", TEXT]);
        let found = lookout.records(NAME).await.expect("records");
        assert_eq!(found, ["v=spf1 -all", TEXT]);
        let long = "x".repeat(700);
        dns.set_text(NAME, &[&long]);
        assert_eq!(lookout.records(NAME).await, Ok(vec![long]));
        assert_eq!(
            lookout.records("nobody.example").await,
            Ok(Vec::new()),
            "a name that is not there"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_said() {
        let dns = DnsServer::start().expect("a server");
        let lookout = lookout(&dns);
        drop(dns);
        let refused = lookout.records(NAME).await;
        assert!(refused.is_err(), "{refused:?}");
    }

    #[tokio::test]
    async fn files_are_read_over_http_and_only_from_public_addresses() {
        let files = FileServer::start([("/.well-known/plimsoll/domain.txt", TEXT)]);
        let files = files.expect("a server");
        let dns = DnsServer::start().expect("a server");
        let mut lookout = lookout(&dns);
        let url = |path: &str| format!("http://{}{path}", files.address());
        let at = url("/.well-known/plimsoll/domain.txt");
        let refused = lookout.file(&at).await;
        assert!(
            refused
                .as_ref()
                .is_err_and(|why| why.contains("no public address")),
            "{refused:?}"
        );
        let here = "127.0.0.1/32".parse().expect("a network");
        lookout.agent = outgoing::agent(vec![here], LONGEST, "not here");
        assert_eq!(lookout.file(&at).await.as_deref(), Ok(TEXT));
        let missing = lookout.file(&url("/other")).await;
        assert_eq!(missing, Err("it answered 404".to_owned()));
    }
}
