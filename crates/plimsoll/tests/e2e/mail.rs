//! Notices by mail, through a real SMTP server: the one in Python's own library.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::doors::{Doors, until};

/// Writes every mail that it gets as one line of JSON, after the port it listens on.
const SERVER: &str = r#"
import asyncore, json, smtpd, warnings
warnings.simplefilter("ignore")
class Server(smtpd.SMTPServer):
    def process_message(self, peer, mailfrom, rcpttos, data, **more):
        print(json.dumps({"from": mailfrom, "to": rcpttos, "data": data.decode()}), flush=True)
server = Server(("127.0.0.1", 0), None)
print(server.socket.getsockname()[1], flush=True)
asyncore.loop()
"#;

struct Smtp {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
    port: String,
}

impl Smtp {
    /// Starts one, where Python has it.
    fn start() -> Option<Self> {
        let mut child = Command::new("python3")
            .args(["-W", "ignore", "-c", SERVER])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut lines = BufReader::new(child.stdout.take()?);
        let mut port = String::new();
        lines.read_line(&mut port).ok()?;
        let port = port.trim().to_owned();
        let smtp = Self { child, lines, port };
        if smtp.port.is_empty() {
            crate::skip("python3 has no SMTP server (smtpd, until 3.11)");
            return None;
        }
        Some(smtp)
    }

    fn next(&mut self) -> serde_json::Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn what_people_are_told_is_mailed_once() {
    let Some(mut smtp) = Smtp::start() else {
        return;
    };
    let doors = Doors::open(&format!(
        "[mail]\nsmtp_url = \"smtp://127.0.0.1:{}\"\nfrom = \"Harbour <notices@market.example>\"\n",
        smtp.port
    ));
    let _publisher = doors.pusher();
    let (mut letter, mut told) = (None, None);
    while letter.is_none() || told.is_none() {
        let mail = smtp.next();
        let text = mail["data"].as_str().expect("text").to_owned();
        if text.contains("company e-mail of") {
            letter = Some(mail);
        } else if text.contains("is verified") {
            told = Some(mail);
        }
    }
    let letter = letter.expect("came");
    assert_eq!(letter["to"][0], "registry@acme.example.com");
    prove(&doors, letter["data"].as_str().expect("text"));
    let mail = told.expect("came");
    assert_eq!(mail["from"], "notices@market.example");
    let data = mail["data"].as_str().expect("text").replace('\r', "");
    for expected in [
        "Subject: ",
        "is verified",
        "multipart/alternative",
        "List-Unsubscribe: <http://127.0.0.1:",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ] {
        assert!(data.contains(expected), "{expected} in {data}");
    }
    let outbox = until("noted as sent", || {
        let basic = format!(
            "Basic {}",
            STANDARD.encode(format!("operator:{}", doors.operator_password()))
        );
        let answer = doors.ask(&format!(
            "GET /api/v1/outbox HTTP/1.1\r\nHost: x\r\nAuthorization: {basic}\r\nConnection: close\r\n\r\n"
        ));
        answer.contains(r#""mail":"sent""#).then_some(answer)
    });
    assert!(outbox.contains(r#""attempts":1"#), "{outbox}");
    // One click in a mail program: a POST without a cookie.
    let link = data.split("List-Unsubscribe: <").nth(1).expect("a link");
    let link = link.split('>').next().expect("its end").replace("\n ", "");
    let path = link.split_once("/notices/").expect("a path").1;
    let answer = doors.ask(&format!(
        "POST /notices/{path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 26\r\nConnection: close\r\n\r\nList-Unsubscribe=One-Click"
    ));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("No more mail of this kind"), "{answer}");
}

/// Follows the link in a letter, with nobody signed in.
fn prove(doors: &Doors, letter: &str) {
    let text = letter
        .replace("=\r\n", "")
        .replace("=\n", "")
        .replace("=3D", "=");
    let path = text.split("/proofs/email/").nth(1).expect("a link");
    let path: String = path
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "_/".contains(*c))
        .collect();
    let page = doors.get(&format!("/proofs/email/{path}"));
    assert!(page.contains("Is this your company e-mail?"), "{page}");
    assert!(!text.contains("List-Unsubscribe"), "{text}");
    let (letter, key) = path.split_once('/').expect("two parts");
    let body = format!("{{\"letter\": \"{letter}\", \"key\": \"{key}\"}}");
    let post = format!(
        "POST /api/v1/proofs/email HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let answer = doors.ask(&post);
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    let again = doors.ask(&post);
    assert!(again.starts_with("HTTP/1.1 409"), "{again}");
}

#[test]
fn a_server_that_is_not_there_is_tried_again() {
    let doors = Doors::open(
        "[mail]\nsmtp_url = \"smtp://127.0.0.1:9\"\nfrom = \"notices@market.example\"\n",
    );
    let _publisher = doors.pusher();
    let log = until("the attempt", || {
        let log = doors.log();
        log.contains("a mail was not taken").then_some(log)
    });
    assert!(!log.contains("ERROR"), "{log}");
}
