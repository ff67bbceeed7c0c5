//! `plimsoll serve`: the whole marketplace in one process.

use std::{io::IsTerminal as _, net::SocketAddr, path::PathBuf};

use clap::Args;
use serde_json::json;

use super::Context;
use crate::{
    config::{Config, Flag},
    exit::Exit,
    failure::{Failure, OrFail},
    market_folder,
    printer::Printer,
    server,
};

/// Run a marketplace: registry, storefront, portal and workers
///
/// Works in an empty folder: database, keys and the first operator are made on first start.
/// The operator's password is printed once. Stops on SIGTERM and SIGINT after requests have
/// ended, 30 seconds later at the latest. /healthz says that the process is alive, /readyz
/// that database and blobs can be used.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll serve
  plimsoll serve --data /var/lib/plimsoll --listen 0.0.0.0:8080 --public-url https://market.example
  plimsoll serve --listen 127.0.0.1:0 --format json

With --format json the first line on standard output is
  {\"event\":\"ready\",\"url\":\"…\",\"operator\":\"operator\",\"operator_password\":\"…\"}
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
    /// Background jobs at once in this process; 0 for none
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// Least severe level to log
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

impl ServeArgs {
    fn flags(&self) -> Vec<Flag> {
        let data = self.data.as_ref().map(|dir| dir.display().to_string());
        vec![
            ("data.dir", data),
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
    server::init_log(&config, color)?;
    market_folder::make(&config)?;
    // Held to the end of the process.
    let _lock = market_folder::lock(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(2, |n| n.get().max(2)))
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
    let listener = server::bind(config.text("server.listen").unwrap_or_default())?;
    let address = listener
        .local_addr()
        .or_fail("cannot tell the listening address")?;
    let url = match config.text("server.public_url") {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", reachable(address)),
    };
    let market = market_folder::open(config, &url).await?;
    // Whoever sees the ready line may ask to stop at once.
    let stop = server::stop_on_signal()?;
    let password = market.app.make_first_operator().await?;
    announce(printer, &url, config, password.as_deref())?;
    tracing::info!(%address, url, data = %config.data_dir().display(), "ready");
    server::serve(listener, market, config.workers(), stop).await
}

/// An address that stands for all addresses is reached as this machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let mut reachable = address;
    if address.ip().is_unspecified() {
        reachable.set_ip([127, 0, 0, 1].into());
    }
    reachable
}

fn announce(
    printer: &Printer,
    url: &str,
    config: &Config,
    password: Option<&str>,
) -> Result<(), Failure> {
    if printer.is_json() {
        return printer.json_line(&json!({
            "event": "ready",
            "url": url,
            "data": config.data_dir(),
            "operator": "operator",
            "operator_password": password,
            "version": env!("CARGO_PKG_VERSION"),
        }));
    }
    let mut text = format!("Plimsoll is ready at {url}\n");
    if let Some(password) = password {
        text.push_str(&format!(
            "Sign in as `operator` with the password {password} (shown once)\n"
        ));
    }
    printer.out(&text)
}
