//! `plimsoll serve`: the whole marketplace in one process.

use std::{
    io::IsTerminal as _,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
};

use app::{App, AppError};
use clap::Args;
use serde_json::json;
use trust::SignError;

use super::Context;
use crate::{
    config::{Config, Flag},
    exit::Exit,
    failure::{Failure, OrFail},
    market_folder,
    printer::Printer,
    server::{self, Doors, Tls, passphrase::Passphrase},
};

/// Threads for what waits for the disk. More would not make it faster, and each that wakes up
/// keeps memory of its own.
const BLOCKING: usize = 64;

/// Run a marketplace: registry, storefront, portal and workers
///
/// Works in an empty folder: database, keys and the first operator are made on first start.
/// The operator's password is printed once. The keys are encrypted with a passphrase that is made
/// beside the folder, in `DIR.passphrase`, unless `keys.passphrase_file` names another: keep a
/// copy of it apart from copies of the folder. With a certificate and its key it speaks TLS, and
/// takes over new files by itself. Stops on SIGTERM and SIGINT once requests and uploads have
/// ended, `server.shutdown_grace` later at the latest; what is cut then can be resumed.
/// /healthz says that the process is alive, /readyz that database and blobs can be used,
/// /metrics how it is doing: to the operator, or to everybody at --metrics-listen.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll serve
  plimsoll serve --data /var/lib/plimsoll --listen 0.0.0.0:8080 --public-url https://market.example
  plimsoll serve --listen 0.0.0.0:443 --tls-certificate fullchain.pem --tls-key privkey.pem
  plimsoll serve --listen 127.0.0.1:0 --format json

With --format json the first line on standard output is
  {\"event\":\"ready\",\"url\":\"…\",\"operator\":\"operator\",\"operator_password\":\"…\",\"passphrase_file\":\"…\"}
where operator_password is null except on the first start.")]
pub(crate) struct ServeArgs {
    /// Folder that everything is kept in
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Where clients reach it, if not at the listening address
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Certificate and those that vouch for it, in PEM; without it, plain HTTP
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,
    /// Address and port of a second listener for /metrics, /healthz and /readyz
    #[arg(long, value_name = "ADDR")]
    metrics_listen: Option<String>,
    /// Background jobs at once in this process; 0 for none
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// Least severe level to log
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ServeArgs {
    fn flags(&self) -> Vec<Flag> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        vec![
            ("data.dir", path(&self.data)),
            ("server.tls.certificate", path(&self.tls_certificate)),
            ("server.tls.key", path(&self.tls_key)),
            ("metrics.listen", self.metrics_listen.clone()),
            ("server.listen", self.listen.clone()),
            ("server.public_url", self.public_url.clone()),
            (
                "server.workers",
                self.workers.map(|number| number.to_string()),
            ),
            ("log.level", self.log_level.clone()),
        ]
    }
}

pub(super) fn run(args: &ServeArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.flags())?;
    config.check()?;
    let color = std::io::stderr().is_terminal() && !config.environment.no_color();
    // What is left of the traces is sent when this goes.
    let _telemetry = server::init_log(&config, color)?;
    market_folder::make(&config)?;
    server::keys::must_be_whole(&config)?;
    // Held to the end of the process.
    let _lock = market_folder::lock(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().max(2)))
        .max_blocking_threads(BLOCKING)
        .enable_all()
        .build()
        .or_fail("cannot start the runtime")?;
    let served = runtime.block_on(serve(&config, context.printer));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    served?;
    Ok(Exit::Success)
}

async fn serve(config: &Config, printer: &Printer) -> Result<(), Failure> {
    // First the port: the operator's password must not be made where nobody gets to see it.
    let doors = doors(config)?;
    let address = address(&doors.main)?;
    let url = match config.text("server.public_url") {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None if doors.tls.is_some() => format!("https://{}", reachable(address)),
        None => format!("http://{}", reachable(address)),
    };
    let metrics = doors.metrics.as_ref().map(address_of_metrics).transpose()?;
    let market = market_folder::open(config, &url).await?;
    let passphrase = Passphrase::find(config)?;
    look_at_keys(config, &passphrase)?;
    look_at_release_key(&market.app).await?;
    // Whoever sees the ready line may ask to stop at once.
    let stop = server::stop_on_signal()?;
    let password = market.app.make_first_operator().await?;
    announce(
        printer,
        config,
        &Ready {
            url: &url,
            metrics: metrics.as_deref(),
            password: password.as_deref(),
            passphrase: &passphrase,
        },
    )?;
    tracing::info!(%address, url, data = %config.data_dir().display(), "ready");
    server::serve(doors, market, config, stop).await
}

/// Warns of keys that a copy of the data folder gives away.
fn look_at_keys(config: &Config, passphrase: &Passphrase) -> Result<(), Failure> {
    let dir = config.data_dir();
    let clear = server::keys::in_clear(config)?.len();
    if clear > 0 {
        tracing::warn!(
            keys = clear,
            "private keys are in clear in `{0}/keys`, and in every copy of it: encrypt them with `plimsoll keys encrypt --data {0}`",
            dir.display()
        );
    }
    let within = |file: &Path| {
        Some(
            file.canonicalize()
                .ok()?
                .starts_with(dir.canonicalize().ok()?),
        )
    };
    if passphrase.file().and_then(within) == Some(true) {
        tracing::warn!(
            "the keys' passphrase is within the data folder: whoever has a copy of that has the keys"
        );
    }
    Ok(())
}

/// Makes sure that the key for releases can be used. A token that is away may come back: all but
/// releases goes on meanwhile.
async fn look_at_release_key(app: &App) -> Result<(), Failure> {
    match app.check_release_key().await {
        Err(AppError::Unsigned(SignError::Away(error))) => {
            tracing::error!(
                error,
                "the key for releases cannot be used: releases wait for it"
            );
            return Ok(());
        }
        checked => checked.or_fail("cannot use the key for releases")?,
    }
    match app.appoint_root().await {
        // The next start does it.
        Err(AppError::Unsigned(_)) => Ok(()),
        appointed => appointed.or_fail("cannot say who may name the next key for releases"),
    }
}

fn doors(config: &Config) -> Result<Doors, Failure> {
    Ok(Doors {
        tls: Tls::open(config)?,
        main: server::bind(config.text("server.listen").unwrap_or_default())?,
        metrics: config
            .text("metrics.listen")
            .map(server::bind)
            .transpose()?,
    })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, Failure> {
    let address = listener.local_addr();
    address.or_fail("cannot tell the listening address")
}

fn address_of_metrics(listener: &TcpListener) -> Result<String, Failure> {
    Ok(format!("http://{}/metrics", reachable(address(listener)?)))
}

/// An address that stands for all addresses is reached as this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip([127, 0, 0, 1].into());
    }
    reachable
}

/// What is said once the server can be used.
struct Ready<'a> {
    url: &'a str,
    metrics: Option<&'a str>,
    password: Option<&'a str>,
    passphrase: &'a Passphrase,
}

fn announce(printer: &Printer, config: &Config, ready: &Ready<'_>) -> Result<(), Failure> {
    if printer.is_json() {
        return printer.json_line(&json!({
            "event": "ready",
            "url": ready.url,
            "metrics": ready.metrics,
            "data": config.data_dir(),
            "operator": "operator",
            "operator_password": ready.password,
            "passphrase_file": ready.passphrase.file(),
            "version": env!("CARGO_PKG_VERSION"),
        }));
    }
    let mut text = format!("Plimsoll is ready at {}\n", ready.url);
    if let Some(password) = ready.password {
        text.push_str(&format!(
            "Sign in as `operator` with the password {password} (shown once)\n"
        ));
        if let Some(file) = ready.passphrase.file() {
            text.push_str(&format!(
                "The private keys are encrypted with the passphrase in `{}`: keep a copy of it, apart from copies of the data folder\n",
                file.display()
            ));
        }
    }
    printer.out(&text)
}
