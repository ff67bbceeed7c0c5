//! How long until a browser paints something of each page, from its navigation on: Chromium on
//! loopback, in the demo's market. A first visit brings the style along, later ones have it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use testkit::webdriver::{Browser, Look};

use crate::{demo::Market, run::say};

/// Visits of each page.
const VISITS: usize = 15;
/// When there was something to see, in milliseconds from the navigation on (Paint Timing,
/// section 3); asked for until there was.
const PAINTED: &str = r"new Promise(done => {
    const look = () => {
        const [entry] = performance.getEntriesByName('first-contentful-paint');
        entry ? done(entry.startTime) : setTimeout(look, 5);
    };
    look();
})";

/// Opens the pages of everybody and says how long each takes.
pub(super) fn run(binary: &Path) -> Result<()> {
    if !Browser::is_installed() {
        bail!(
            "Chromium and its driver are not installed: apt-get install chromium chromium-driver"
        );
    }
    let market = Market::open(binary, "127.0.0.1:0", None)?;
    let base = market.url();
    say("\n| page | first visit, ms | median | slowest |\n|---|---|---|---|");
    let mut worst: f64 = 0.0;
    for (who, password, pages) in market.places() {
        let browser = Browser::start(Look {
            scripts: true,
            ..Look::DESKTOP
        })?;
        if let Some(password) = password {
            browser.open(&format!("{base}/sign-in"))?;
            browser.fill("input[name=name]", who)?;
            browser.fill("input[name=password]", &password)?;
            browser.click_through("main button[type=submit]")?;
        }
        for page in pages {
            worst = worst.max(visit(&browser, &format!("{base}{page}"), (&page, who))?);
        }
    }
    say(&format!(
        "the slowest of all but first visits: {worst:.0} ms"
    ));
    Ok(())
}

/// Gives the slowest of all visits but the first.
fn visit(browser: &Browser, url: &str, (page, who): (&str, &str)) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..VISITS {
        browser.open(url)?;
        let time = browser.evaluate(PAINTED)?;
        times.push(time.as_f64().context("the browser tells when it painted")?);
    }
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    say(&format!(
        "| {page} as {who} | {first:.0} | {median:.0} | {slowest:.0} |"
    ));
    Ok(slowest)
}
