//! Sends events to webhooks: many receivers at once, one request to each.

use std::{
    io::Read as _,
    sync::Arc,
    time::{Duration, Instant},
};

use app::{App, WebhookAnswer, WebhookCall};
use ipnet::IpNet;
use tokio::{task::JoinSet, time};
use ureq::Agent;

use super::{metrics::Metrics, outgoing};

/// How often it is looked for events to send.
const LOOK: Duration = Duration::from_secs(2);
/// Requests at once.
const AT_ONCE: usize = 32;
/// A receiver that takes longer, from the look-up of its name to the end of its answer, has failed.
const LONGEST: Duration = Duration::from_secs(10);
/// So much is read of an answer, in bytes.
const MAX_ANSWER: u64 = 4_096;
/// Where requests go out.
pub(super) struct Caller {
    agent: Agent,
    metrics: Arc<Metrics>,
}

impl Caller {
    /// Calls public addresses, and those in `allowed`.
    pub(super) fn new(allowed: Vec<IpNet>, metrics: Arc<Metrics>) -> Self {
        Self::with_patience(allowed, LONGEST, metrics)
    }

    fn with_patience(allowed: Vec<IpNet>, longest: Duration, metrics: Arc<Metrics>) -> Self {
        let refusal = "its host has no public address; the operator can allow networks";
        let agent = outgoing::agent(allowed, longest, refusal);
        Self { agent, metrics }
    }

    /// Sends what is to be sent, for ever.
    pub(super) async fn send(self, app: &Arc<App>) {
        let caller = Arc::new(self);
        let mut under_way = JoinSet::new();
        loop {
            let free = AT_ONCE - under_way.len();
            let calls = match app.take_webhook_calls(free).await {
                Ok(calls) => calls,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "no event can be taken to be sent; trying again");
                    Vec::new()
                }
            };
            for call in calls {
                let (app, caller) = (Arc::clone(app), Arc::clone(&caller));
                under_way.spawn(async move { caller.deliver(&app, call).await });
            }
            // Another look when a request has ended, for more may wait for its receiver.
            tokio::select! {
                Some(_) = under_way.join_next() => {}
                () = app.webhook_queued(), if under_way.len() < AT_ONCE => {}
                () = time::sleep(LOOK), if under_way.len() < AT_ONCE => {}
            }
        }
    }

    async fn deliver(self: Arc<Self>, app: &App, call: WebhookCall) {
        let (caller, request) = (Arc::clone(&self), call.clone());
        let answer = tokio::task::spawn_blocking(move || caller.request(&request)).await;
        let answer = answer.unwrap_or_else(|_panicked| WebhookAnswer {
            error: Some("the request could not be made".to_owned()),
            ..WebhookAnswer::default()
        });
        self.metrics.webhook_called(match answer.status {
            Some(200..=299) => "delivered",
            Some(_) => "refused",
            None => "unanswered",
        });
        tracing::debug!(
            webhook = %call.webhook,
            delivery = %call.delivery,
            status = answer.status,
            error = answer.error,
            "called a webhook"
        );
        if let Err(error) = app.webhook_call_ended(&call, &answer).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                error,
                "what became of an event cannot be noted; it is sent again"
            );
        }
    }

    /// Makes one request, which blocks.
    fn request(&self, call: &WebhookCall) -> WebhookAnswer {
        let begun = Instant::now();
        let mut request = self.agent.post(&call.url);
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let mut answer = WebhookAnswer::default();
        match request.send(&call.body) {
            Ok(mut response) => {
                answer.status = Some(response.status().as_u16());
                let mut body = Vec::new();
                let mut reader = response.body_mut().as_reader().take(MAX_ANSWER);
                // The status says enough where the body breaks off.
                drop(reader.read_to_end(&mut body));
                answer.body = String::from_utf8_lossy(&body).into_owned();
            }
            Err(error) => answer.error = Some(outgoing::words(&error)),
        }
        answer.millis = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream},
        thread,
    };

    use super::*;

    fn metrics() -> Arc<Metrics> {
        Arc::new(Metrics::new().expect("metrics"))
    }

    /// Answers one request with `answer`, after it was read whole; gives the port, and later
    /// the request, or nothing where none came.
    fn receiver(answer: &'static str) -> (u16, thread::JoinHandle<Option<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().ok()?;
            let request = read(&mut stream);
            stream.write_all(answer.as_bytes()).ok()?;
            if answer.is_empty() {
                // The caller gives up.
                drop(stream.read(&mut [0]));
            }
            Some(request)
        });
        (port, served)
    }

    fn read(stream: &mut TcpStream) -> String {
        let (mut request, mut part) = (Vec::new(), [0; 1024]);
        while !request.ends_with(b"the body") {
            match stream.read(&mut part) {
                Ok(count @ 1..) => request.extend_from_slice(&part[..count]),
                _ => break,
            }
        }
        String::from_utf8(request).expect("text")
    }

    fn call(url: &str) -> WebhookCall {
        let at = chrono::DateTime::UNIX_EPOCH;
        WebhookCall {
            delivery: market::DeliveryId::new(at, [1; 10]),
            webhook: market::WebhookId::new(at, [2; 10]),
            url: url.to_owned(),
            headers: vec![
                ("content-type", "application/cloudevents+json".to_owned()),
                ("webhook-id", "msg_1".to_owned()),
            ],
            body: "the body".to_owned(),
        }
    }

    fn local() -> Caller {
        let here = "127.0.0.1/32".parse().expect("a network");
        Caller::with_patience(vec![here], Duration::from_secs(2), metrics())
    }

    fn ask(answer: &'static str) -> (WebhookAnswer, Option<String>) {
        let (port, served) = receiver(answer);
        let answer = local().request(&call(&format!("http://127.0.0.1:{port}/hook?a=b")));
        (answer, served.join().expect("it ran"))
    }

    #[test]
    fn what_is_sent_and_what_comes_back() {
        let (answer, request) = ask("HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\n\r\ntaken");
        assert_eq!(
            (answer.status, answer.body.as_str(), answer.error),
            (Some(202), "taken", None)
        );
        let request = request.expect("a request").to_lowercase();
        for expected in [
            "post /hook?a=b http/1.1\r\n",
            "content-type: application/cloudevents+json\r\n",
            "webhook-id: msg_1\r\n",
            "user-agent: plimsoll/",
            "content-length: 8\r\n",
        ] {
            assert!(request.contains(expected), "{expected} in {request}");
        }
        let (answer, _) = ask("HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(answer.status, Some(410));
    }

    #[test]
    fn redirects_are_not_followed() {
        let (other, served) = receiver("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        let answer = format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{other}/\r\nContent-Length: 0\r\n\r\n"
        );
        let (answer, _) = ask(answer.leak());
        assert_eq!((answer.status, answer.error), (Some(307), None));
        // Nobody came: this is the first who does.
        drop(TcpStream::connect(("127.0.0.1", other)));
        assert_eq!(served.join().expect("it ran").unwrap_or_default(), "");
    }

    #[test]
    fn a_receiver_that_does_not_answer_has_failed() {
        let (answer, _) = ask("");
        assert_eq!(
            (answer.status, answer.error.as_deref()),
            (None, Some("it took too long"))
        );
        assert!((2_000..8_000).contains(&answer.millis), "{}", answer.millis);
    }

    #[test]
    fn no_more_is_read_than_is_kept() {
        let huge = format!(
            "HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n{}",
            "x".repeat(1 << 20)
        );
        let (answer, _) = ask(huge.leak());
        assert_eq!((answer.status, answer.body.len()), (Some(500), 4_096));
    }

    #[test]
    fn what_is_not_public_is_not_called() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("set");
        let port = listener.local_addr().expect("an address").port();
        let caller = Caller::with_patience(Vec::new(), Duration::from_secs(2), metrics());
        for host in [
            "127.0.0.1",
            "localhost",
            "0.0.0.0",
            "2130706433",
            "0x7f.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "169.254.169.254",
            "[fd00:ec2::254]",
        ] {
            let answer = caller.request(&call(&format!("http://{host}:{port}/")));
            assert_eq!(answer.status, None, "{host}");
            assert!(answer.error.is_some(), "{host}");
        }
        assert!(listener.accept().is_err(), "somebody came");
    }
}
