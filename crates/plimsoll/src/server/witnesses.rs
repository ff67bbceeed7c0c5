//! Asks witnesses to cosign the log's head (C2SP `tlog-witness`).

use std::{io::Read as _, sync::Arc, time::Duration};

use app::{App, WitnessAnswer, WitnessCall};
use ipnet::IpNet;
use tokio::{task::JoinSet, time};
use ureq::Agent;

use super::outgoing;

/// How often it is looked whether the log has grown.
const LOOK: Duration = Duration::from_secs(2);
/// A witness that takes longer has failed.
const LONGEST: Duration = Duration::from_secs(20);
/// So much is read of an answer, in bytes.
const MAX_ANSWER: u64 = 16 << 10;

/// What asks.
pub(super) struct Petitioner {
    agent: Agent,
}

impl Petitioner {
    /// Asks at public addresses, and at those in `allowed`.
    pub(super) fn new(allowed: Vec<IpNet>) -> Self {
        let refusal = "its host has no public address; `trust.witness_networks` can allow networks";
        Self {
            agent: outgoing::agent(allowed, LONGEST, refusal),
        }
    }

    /// Asks whoever is to be asked, for ever; all at once, so that none waits for another.
    pub(super) async fn ask(self, app: &Arc<App>) {
        if app.config().witnesses.is_empty() {
            return;
        }
        let mut under_way = JoinSet::new();
        loop {
            match app.take_witness_calls().await {
                Ok(calls) => {
                    for call in calls {
                        let (app, agent) = (Arc::clone(app), self.agent.clone());
                        under_way.spawn(async move { petition(&app, agent, call).await });
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "no witness can be taken to be asked; trying again");
                }
            }
            while under_way.try_join_next().is_some() {}
            time::sleep(LOOK).await;
        }
    }
}

/// Asks one witness, again at once where it says from what size on.
async fn petition(app: &App, agent: Agent, call: WitnessCall) {
    let mut next = Some(call);
    while let Some(call) = next {
        let (agent, request) = (agent.clone(), call.clone());
        let answer = tokio::task::spawn_blocking(move || post(&agent, &request)).await;
        let answer = answer.unwrap_or_else(|_panicked| WitnessAnswer {
            error: Some("the request could not be made".to_owned()),
            ..WitnessAnswer::default()
        });
        tracing::debug!(
            log.witness = call.witness(),
            status = answer.status,
            error = answer.error,
            "asked a witness"
        );
        next = match app.witness_answered(&call, &answer).await {
            Ok(next) => next,
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "what a witness answered cannot be kept; asking again"
                );
                None
            }
        };
    }
}

/// Makes one request, which blocks.
fn post(agent: &Agent, call: &WitnessCall) -> WitnessAnswer {
    let mut answer = WitnessAnswer::default();
    match agent.post(&call.url).send(&call.body) {
        Ok(mut response) => {
            answer.status = Some(response.status().as_u16());
            let mut body = Vec::new();
            let mut reader = response.body_mut().as_reader().take(MAX_ANSWER);
            if let Err(error) = reader.read_to_end(&mut body) {
                answer.status = None;
                answer.error = Some(format!("it broke off ({error})"));
            }
            answer.body = String::from_utf8_lossy(&body).into_owned();
        }
        Err(error) => answer.error = Some(outgoing::words(&error)),
    }
    answer
}
