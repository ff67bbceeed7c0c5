//! A browser, driven over the W3C WebDriver protocol (chromedriver from Debian's packages).

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use ureq::Agent;

/// How the reference to an element is keyed (WebDriver, section 12, "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A headless browser with a profile of its own; it ends when this is dropped.
#[derive(Debug)]
pub struct Browser {
    driver: Child,
    agent: Agent,
    session: String,
    look: Look,
    _profile: tempfile::TempDir,
}

/// A window to look through.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// CSS pixels.
    pub width: u32,
    /// CSS pixels.
    pub height: u32,
    /// Whether pages should be dark.
    pub dark: bool,
    /// Whether pages may run scripts.
    pub scripts: bool,
}

impl Look {
    /// A desktop's window.
    pub const DESKTOP: Self = Self {
        width: 1280,
        height: 1000,
        dark: false,
        scripts: false,
    };
    /// A phone.
    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        dark: false,
        scripts: false,
    };
}

impl Browser {
    /// Returns whether browser and driver are installed.
    pub fn is_installed() -> bool {
        Path::new("/usr/bin/chromium").exists() && Path::new("/usr/bin/chromedriver").exists()
    }

    /// Starts a browser.
    ///
    /// # Errors
    /// The driver does not start or refuses.
    pub fn start(look: Look) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Command::new("/usr/bin/chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start chromedriver")?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build();
        let profile = tempfile::tempdir()?;
        let mut browser = Self {
            driver,
            agent: config.into(),
            session: format!("http://127.0.0.1:{port}"),
            look,
            _profile: profile,
        };
        browser.wait_for_driver()?;
        let mut args = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--hide-scrollbars".to_owned(),
            "--force-prefers-reduced-motion".to_owned(),
            format!("--window-size={},{}", look.width.max(500), look.height),
            format!("--user-data-dir={}", browser._profile.path().display()),
        ];
        if look.dark {
            args.push("--blink-settings=preferredColorScheme=0".to_owned());
        }
        let scripts = if look.scripts { 1 } else { 2 };
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": {
            "binary": "/usr/bin/chromium",
            "args": args,
            "prefs": { "profile.managed_default_content_settings.javascript": scripts },
        } } } });
        let answer = browser.call("POST", "/session", &wanted)?;
        let id = answer["sessionId"]
            .as_str()
            .context("the driver gives a session")?;
        browser.session = format!("{}/session/{id}", browser.session);
        let metrics = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": look.width, "height": look.height, "deviceScaleFactor": 1, "mobile": look.width < 500 } });
        browser.call("POST", "/goog/cdp/execute", &metrics)?;
        Ok(browser)
    }

    /// Returns what it was started as.
    pub fn look(&self) -> Look {
        self.look
    }

    fn wait_for_driver(&self) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.call("GET", "/status", &Value::Null).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("chromedriver does not answer");
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.session);
        let mut answer = match method {
            "GET" => self.agent.get(&url).call()?,
            "DELETE" => self.agent.delete(&url).call()?,
            _ => self
                .agent
                .post(&url)
                .header("content-type", "application/json")
                .send(body.to_string())?,
        };
        let value: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
        if answer.status().is_success() {
            return Ok(value["value"].clone());
        }
        bail!(
            "the browser refuses {path}: {}",
            value["value"]["message"]
                .as_str()
                .unwrap_or("no reason given")
        );
    }

    /// Has pages believe that the reader is in a time zone, for example `Asia/Tokyo`.
    ///
    /// # Errors
    /// The browser refuses.
    pub fn set_time_zone(&self, zone: &str) -> Result<()> {
        let zone =
            json!({ "cmd": "Emulation.setTimezoneOverride", "params": { "timezoneId": zone } });
        self.call("POST", "/goog/cdp/execute", &zone).map(drop)
    }

    /// Waits until a script's expression is true.
    ///
    /// # Errors
    /// It takes more than twenty seconds, or the expression fails.
    pub fn wait_for(&self, expression: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if self.evaluate(expression)? == true {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("`{expression}` does not come true");
    }

    /// Opens a page.
    ///
    /// # Errors
    /// The browser refuses.
    pub fn open(&self, url: &str) -> Result<()> {
        self.call("POST", "/url", &json!({ "url": url })).map(drop)
    }

    /// Returns the address of the page that is open.
    ///
    /// # Errors
    /// The browser refuses.
    pub fn url(&self) -> Result<String> {
        Ok(self
            .call("GET", "/url", &Value::Null)?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Returns the page's title.
    ///
    /// # Errors
    /// The browser refuses.
    pub fn title(&self) -> Result<String> {
        Ok(self
            .call("GET", "/title", &Value::Null)?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    fn find(&self, css: &str) -> Result<String> {
        let found = self.call(
            "POST",
            "/element",
            &json!({ "using": "css selector", "value": css }),
        )?;
        found[ELEMENT]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("no element `{css}`"))
    }

    /// Returns how many elements there are.
    ///
    /// # Errors
    /// The browser refuses.
    pub fn count(&self, css: &str) -> Result<usize> {
        let found = self.call(
            "POST",
            "/elements",
            &json!({ "using": "css selector", "value": css }),
        )?;
        Ok(found.as_array().map_or(0, Vec::len))
    }

    /// Returns an element's text as it is seen.
    ///
    /// # Errors
    /// There is no such element.
    pub fn text(&self, css: &str) -> Result<String> {
        let element = self.find(css)?;
        Ok(self
            .call("GET", &format!("/element/{element}/text"), &Value::Null)?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Clicks an element.
    ///
    /// # Errors
    /// There is no such element, or nobody could click it.
    pub fn click(&self, css: &str) -> Result<()> {
        let element = self.find(css)?;
        self.call("POST", &format!("/element/{element}/click"), &json!({}))
            .map(drop)
    }

    /// Clicks an element that leads to another page, and waits until that is there.
    ///
    /// # Errors
    /// There is no such element, or no page comes.
    pub fn click_through(&self, css: &str) -> Result<()> {
        self.evaluate("window.leaving = true")?;
        self.click(css)?;
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            let arrived = self.evaluate("!window.leaving && document.readyState === 'complete'");
            if arrived.is_ok_and(|arrived| arrived == true) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("`{css}` leads to no page");
    }

    /// Types into a field, replacing what is there.
    ///
    /// # Errors
    /// There is no such field.
    pub fn fill(&self, css: &str, text: &str) -> Result<()> {
        let element = self.find(css)?;
        self.call("POST", &format!("/element/{element}/clear"), &json!({}))?;
        self.call(
            "POST",
            &format!("/element/{element}/value"),
            &json!({ "text": text }),
        )
        .map(drop)
    }

    /// Returns the value of a script's expression; works with scripts switched off in pages too.
    ///
    /// # Errors
    /// The expression fails.
    pub fn evaluate(&self, expression: &str) -> Result<Value> {
        let answer = self.call("POST", "/goog/cdp/execute", &json!({ "cmd": "Runtime.evaluate", "params": { "expression": expression, "returnByValue": true, "awaitPromise": true } }))?;
        if let Some(thrown) = answer["exceptionDetails"]["exception"]["description"].as_str() {
            bail!("the page's script fails: {thrown}");
        }
        Ok(answer["result"]["value"].clone())
    }

    /// Takes a picture of the window, or of the whole page.
    ///
    /// # Errors
    /// The browser refuses, or the file cannot be written.
    pub fn screenshot(&self, file: &Path, whole_page: bool) -> Result<()> {
        let params = json!({ "cmd": "Page.captureScreenshot", "params": { "captureBeyondViewport": whole_page } });
        let answer = self.call("POST", "/goog/cdp/execute", &params)?;
        let png = STANDARD.decode(answer["data"].as_str().unwrap_or_default())?;
        std::fs::write(file, png).with_context(|| format!("cannot write {}", file.display()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A browser that is gone already is as good as ended.
        self.call("DELETE", "", &Value::Null)
            .map(drop)
            .unwrap_or_default();
        self.driver.kill().unwrap_or_default();
        self.driver.wait().map(drop).unwrap_or_default();
    }
}
