//! Records pulls of released images beside the request, in batches, so that no pull waits for it.

use std::time::Duration;

use store::{Database, pulls::Pull};
use tokio::sync::{mpsc, oneshot};

/// Pulls that may wait to be written; beyond, the request waits.
const WAITING: usize = 10_000;
const BATCH: usize = 500;
const PAUSE: Duration = Duration::from_millis(200);

enum Message {
    Pull(Box<Pull>),
    Flush(oneshot::Sender<()>),
}

#[derive(Debug)]
pub(crate) struct PullRecorder(mpsc::Sender<Message>);

impl PullRecorder {
    pub(crate) fn start(db: Database) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(run(db, receiver));
        Self(sender)
    }

    pub(crate) async fn record(&self, pull: Pull) {
        if self.0.send(Message::Pull(Box::new(pull))).await.is_err() {
            tracing::error!("a pull was not recorded: the recorder has ended");
        }
    }

    /// Returns once everything recorded so far is in the database.
    pub(crate) async fn flush(&self) {
        let (done, wait) = oneshot::channel();
        if self.0.send(Message::Flush(done)).await.is_ok() {
            wait.await.unwrap_or_default();
        }
    }
}

async fn run(db: Database, mut receiver: mpsc::Receiver<Message>) {
    let mut messages = Vec::new();
    while receiver.recv_many(&mut messages, BATCH).await > 0 {
        let (mut pulls, mut flushes) = (Vec::new(), Vec::new());
        for message in messages.drain(..) {
            match message {
                Message::Pull(pull) => pulls.push(*pull),
                Message::Flush(done) => flushes.push(done),
            }
        }
        while let Err(error) = write(&db, &pulls).await {
            tracing::error!(%error, pulls = pulls.len(), "pulls cannot be recorded; trying again");
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        for done in flushes {
            // Whoever asked may have gone; the pulls are written all the same.
            done.send(()).unwrap_or_default();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Of what one pull fetches, only the manifest that was released counts: not an index's
/// platforms, nor signatures.
async fn write(db: &Database, pulls: &[Pull]) -> Result<(), store::StoreError> {
    if pulls.is_empty() {
        return Ok(());
    }
    let mut tx = db.begin().await?;
    for pull in pulls {
        if !store::releases::has_digest(&mut tx, &pull.product_id, &pull.digest).await? {
            continue;
        }
        let account = pull.account_id.as_ref().and_then(|id| id.parse().ok());
        let plan = match account {
            Some(account) => {
                store::subscriptions::in_force(&mut tx, &account, &pull.product_id).await?
            }
            None => None,
        };
        let pull = Pull {
            plan: plan.map(|subscription| subscription.plan),
            ..pull.clone()
        };
        store::pulls::record(&mut tx, &pull).await?;
    }
    tx.commit().await
}
