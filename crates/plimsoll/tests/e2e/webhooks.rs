//! Webhooks called by the real program: by the receiver that the guide shows, which checks
//! signatures in another language, and at addresses that are not to be reached.

use std::{
    io::{BufRead as _, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use testkit::User;

use crate::{
    doors::{Doors, until},
    has,
    watch::metrics,
};

/// A part of an address that some receivers keep secret.
const HIDDEN: &str = "token-in-the-path";

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn operator(doors: &Doors) -> User {
    User::with_password(doors.server.url(), "operator", doors.operator_password())
}

/// Makes a webhook of the market; gives its identifier and secret.
fn hook(operator: &User, port: u16) -> (String, String) {
    let made = operator.post(
        "/api/v1/webhooks",
        &json!({"owner": "market", "settings": {
            "url": format!("http://127.0.0.1:{port}/{HIDDEN}"), "kinds": ["publisher.decided"],
        }}),
    );
    let made = made.expect("a webhook");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&made["webhook"]["id"]), text(&made["secret"]))
}

/// The receiver of the guide.
struct Receiver {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Receiver {
    fn start(port: u16, secret: &str) -> Self {
        let guide = include_str!("../../../../docs/webhooks.md");
        let program = guide.split("```python\n").nth(1).expect("an example");
        let program = program.split("```").next().expect("its end");
        let mut child = Command::new("python3")
            .args(["-c", program])
            .env("PORT", port.to_string())
            .env("WEBHOOK_SECRET", secret)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python runs");
        let lines = BufReader::new(child.stdout.take().expect("its output"));
        until("the receiver", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        line.trim().to_owned()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn deliveries(operator: &User, id: &str) -> Vec<Value> {
    let found = operator.get(&format!("/api/v1/webhooks/{id}/deliveries"));
    let found = found.expect("deliveries");
    found["items"].as_array().expect("a list").clone()
}

#[test]
fn the_receiver_of_the_guide_takes_what_is_sent() {
    if !has("python3") {
        return;
    }
    let doors = Doors::open(
        "[webhooks]\nallow_http = true\nallow_networks = \"127.0.0.1\"\n[log]\nlevel = \"debug\"\n",
    );
    let operator = operator(&doors);
    let port = free_port();
    let (id, secret) = hook(&operator, port);
    let mut receiver = Receiver::start(port, &secret);
    operator
        .post(&format!("/api/v1/webhooks/{id}/test"), &Value::Null)
        .expect("a test");
    assert_eq!(receiver.next(), format!("plimsoll.ping {id}"));
    let _publisher = doors.pusher();
    assert_eq!(receiver.next(), "plimsoll.publisher.decided acme");
    until("noted as delivered", || {
        let all = deliveries(&operator, &id);
        let done = all.iter().all(|delivery| delivery["state"] == "delivered");
        (all.len() == 2 && done).then_some(())
    });
    let numbers = metrics(&doors, "operator", doors.operator_password());
    for expected in [
        r#"plimsoll_webhook_requests_total{outcome="delivered"} 2"#,
        r#"plimsoll_webhooks{state="working"} 1"#,
    ] {
        assert!(numbers.contains(expected), "{expected} in {numbers}");
    }
    let log = doors.log();
    assert!(log.contains("called a webhook"), "{log}");
    for hidden in [secret.trim_start_matches("whsec_"), HIDDEN] {
        assert!(!log.contains(hidden), "{hidden} is in the log");
    }
}

#[test]
fn what_is_not_public_is_never_called() {
    let doors = Doors::open("[webhooks]\nallow_http = true\n");
    let operator = operator(&doors);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let (id, _) = hook(&operator, listener.local_addr().expect("an address").port());
    let sent = operator.post(&format!("/api/v1/webhooks/{id}/test"), &Value::Null);
    let sent = sent.expect("a test");
    let path = format!(
        "/api/v1/webhooks/{id}/deliveries/{}",
        sent["id"].as_str().expect("text")
    );
    let attempt = until("an attempt", || {
        let found = operator.get(&path).expect("the delivery");
        found["attempts"].get(0).cloned()
    });
    let error = attempt["error"].as_str().expect("a reason");
    assert!(error.contains("no public address"), "{error}");
    assert!(listener.accept().is_err(), "somebody came");
}
