//! Witnesses of the log: when they are asked, what, and what becomes of their answers.

use app::{LogWitness, WitnessAnswer, WitnessCall, market::ListingEvent};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::TimeDelta;
use ring::{
    digest::{SHA256, digest},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use trust::{
    SigningKey,
    log::{Verifier, Witness},
};

use crate::{
    images::Image,
    world::{HOST, World},
};

/// A witness that cosigns whatever it is told to.
struct Signer {
    name: &'static str,
    pair: Ed25519KeyPair,
}

impl Signer {
    fn new(name: &'static str, number: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[number; 32]).expect("a key");
        Self { name, pair }
    }

    fn id(&self) -> Vec<u8> {
        let about = [
            self.name.as_bytes(),
            b"\n\x04",
            self.pair.public_key().as_ref(),
        ]
        .concat();
        digest(&SHA256, &about).as_ref()[..4].to_vec()
    }

    fn key(&self) -> Witness {
        let key = [&[4], self.pair.public_key().as_ref()].concat();
        let text = format!(
            "{}+{}+{}",
            self.name,
            hex::encode(self.id()),
            STANDARD.encode(key)
        );
        text.parse().expect("a key")
    }

    fn witness(&self) -> LogWitness {
        let (key, url) = (self.key(), format!("https://{}/w", self.name));
        LogWitness { key, url }
    }

    fn line(&self, call: &WitnessCall, time: i64) -> String {
        let (_, note) = call.body.split_once("\n\n").expect("a request");
        let (text, _) = note.split_once("\n\n").expect("a note");
        let message = format!("cosignature/v1\ntime {time}\n{text}\n");
        let signature = self.pair.sign(message.as_bytes());
        let bytes = [&self.id()[..], &time.to_be_bytes(), signature.as_ref()].concat();
        format!("— {} {}\n", self.name, STANDARD.encode(bytes))
    }
}

fn answer(status: u16, body: &str) -> WitnessAnswer {
    WitnessAnswer {
        status: Some(status),
        body: body.to_owned(),
        error: None,
    }
}

/// Returns from which size on one is asked, and with how many hashes.
fn asked(call: &WitnessCall) -> (u64, usize) {
    let (head, _) = call.body.split_once("\n\n").expect("a request");
    let mut lines = head.lines();
    let old = lines.next().and_then(|line| line.strip_prefix("old "));
    (
        old.expect("a size").parse().expect("a number"),
        lines.count(),
    )
}

both! {
    async fn witnesses_are_asked_when_the_log_grows_and_each_hour(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (one, two) = (Signer::new("one.example", 1), Signer::new("two.example", 2));
        let node = world.node_witnessed(vec![one.witness(), two.witness()]).await;
        let take = async || node.take_witness_calls().await.expect("taken");
        assert!(take().await.is_empty(), "there is nothing to sign yet");
        world.released("1.0", &Image::vulnerable("one")).await;
        let calls = take().await;
        assert_eq!(calls.iter().map(WitnessCall::witness).collect::<Vec<_>>(), ["one.example", "two.example"]);
        assert_eq!(calls[0].url, "https://one.example/w/add-checkpoint");
        assert_eq!(asked(&calls[0]), (0, 0));
        assert!(take().await.is_empty(), "somebody asks them");
        let now = world.app.now().timestamp();
        let other = two.line(&calls[1], now);
        let strangers = answer(200, &format!("— nobody AAAA\n{other}{}", one.line(&calls[0], now)));
        assert!(node.witness_answered(&calls[0], &strangers).await.expect("kept").is_none());
        // Another's signature is none of its own.
        let wrong = answer(200, &one.line(&calls[1], now));
        node.witness_answered(&calls[1], &wrong).await.expect("kept");
        let standings = node.measure().await.expect("read").witnesses;
        assert_eq!(standings.iter().map(|it| (it.cosigned_at, it.failures)).collect::<Vec<_>>(), [(now, 0), (0, 1)]);
        let note = node.log_checkpoint().await.expect("read");
        assert_eq!(one.key().cosigned(&note).map(|at| at.timestamp()), Some(now));
        assert_eq!(two.key().cosigned(&note), None);
        let verifier = Verifier::parse(&node.log_verifier()).expect("a key");
        assert_eq!(verifier.open(&note).expect("signed").size, 1);
        assert!(!world.app.log_checkpoint().await.expect("read").contains("one.example"), "who is no witness any more");

        assert!(take().await.is_empty(), "it is no time yet");
        world.clock.advance(TimeDelta::seconds(11));
        let again = take().await;
        assert_eq!(again.iter().map(WitnessCall::witness).collect::<Vec<_>>(), ["two.example"]);
        node.witness_answered(&again[0], &answer(503, "later")).await.expect("kept");
        world.app.manage_listing(&world.operator, "acme", "db", ListingEvent::Hold, "A reason").await.expect("held");
        let grown = take().await;
        assert_eq!(grown.iter().map(WitnessCall::witness).collect::<Vec<_>>(), ["one.example"], "who fails waits");
        assert_eq!(asked(&grown[0]), (1, 1));
        let line = answer(200, &one.line(&grown[0], now + 11));
        node.witness_answered(&grown[0], &line).await.expect("kept");
        world.clock.advance(TimeDelta::hours(1));
        let hourly = take().await;
        assert_eq!(hourly.iter().map(asked).collect::<Vec<_>>(), [(2, 0), (0, 0)]);
        // Nobody who takes a witness keeps it for ever.
        world.clock.advance(TimeDelta::minutes(3));
        assert_eq!(take().await.len(), 2);
    }

    async fn a_witness_says_what_it_knows_of(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let one = Signer::new("one.example", 1);
        let node = world.node_witnessed(vec![one.witness()]).await;
        world.released("1.0", &Image::vulnerable("one")).await;
        for event in [ListingEvent::Hold, ListingEvent::Reinstate, ListingEvent::Hold] {
            let done = world.app.manage_listing(&world.operator, "acme", "db", event, "A reason");
            done.await.expect("done");
        }
        let call = node.take_witness_calls().await.expect("taken").remove(0);
        assert_eq!(asked(&call), (0, 0));
        let next = node.witness_answered(&call, &answer(409, "3\n")).await.expect("kept");
        let next = next.expect("it is asked from there on at once");
        assert_eq!(asked(&next), (3, 3));
        for said in ["03\n", "-1\n", "x"] {
            let ended = node.witness_answered(&next, &answer(409, said)).await.expect("kept");
            assert!(ended.is_none(), "{said}");
        }
        // It goes round three times and no more.
        let mut turn = Some(call);
        let mut turns = 0;
        while let Some(call) = turn {
            turns += 1;
            turn = node.witness_answered(&call, &answer(409, "2\n")).await.expect("kept");
        }
        assert_eq!(turns, 3);
        // More than there is: the log went back.
        world.clock.advance(TimeDelta::hours(2));
        let call = node.take_witness_calls().await.expect("taken").remove(0);
        let ended = node.witness_answered(&call, &answer(409, "7\n")).await.expect("kept");
        assert!(ended.is_none());
        let mut tx = world.db.read().await.expect("a connection");
        let rows = store::log_witnesses::list(&mut tx).await.expect("read");
        let problem = rows[0].problem.as_deref().expect("a problem");
        assert!(problem.contains("it saw 7 entries, and the log has 4"), "{problem}");
        drop(tx);
        // It is asked again all the same: it may have been told to forget what it saw.
        world.clock.advance(TimeDelta::hours(2));
        let call = node.take_witness_calls().await.expect("taken").remove(0);
        assert_eq!(asked(&call), (4, 0));
        let next = node.witness_answered(&call, &answer(409, "0\n")).await.expect("kept");
        assert_eq!(asked(&next.expect("from the beginning")), (0, 0));
    }

    async fn what_witnesses_saw_before_is_proven_too(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (one, two) = (Signer::new("one.example", 1), Signer::new("two.example", 2));
        let node = world.node_witnessed(vec![one.witness(), two.witness()]).await;
        let now = world.app.now().timestamp();
        let cosign = async |signers: &[&Signer]| {
            for call in node.take_witness_calls().await.expect("taken") {
                if let Some(signer) = signers.iter().find(|it| it.name == call.witness()) {
                    let line = signer.line(&call, now);
                    node.witness_answered(&call, &answer(200, &line)).await.expect("kept");
                }
            }
        };
        world.released("1.0", &Image::vulnerable("one")).await;
        cosign(&[&one, &two]).await;
        world.released("1.1", &Image::vulnerable("two")).await;
        world.released("1.2", &Image::vulnerable("three")).await;
        cosign(&[&two]).await;
        let said = node.log_statement("acme/db", None).await.expect("read").expect("there");
        let operator = SigningKey::from_scalar(&[7; 32]).expect("a key").public();
        let opened = said.open(&format!("{HOST}/acme/db"), &[operator]).expect("it holds");
        let keys = [one.key(), two.key(), Signer::new("three.example", 3).key()];
        let seen = said.cosigned(&opened, &keys).expect("proven");
        let seen: Vec<_> = seen.iter().map(|seen| (seen.witness.clone(), seen.size)).collect();
        assert_eq!(seen, [(one.key().to_string(), 1), (two.key().to_string(), 3)]);
        let mut forked = said.clone();
        forked.witnessed[0].proof.reverse();
        forked.witnessed[0].proof[0] = forked.witnessed[0].proof[1].clone();
        forked.cosigned(&opened, &keys).expect_err("it does not go on from there");
        // A signature that the log did not give.
        let mut forged = said.clone();
        forged.witnessed[0].checkpoint = forged.witnessed[0].checkpoint.replace("\n1\n", "\n2\n");
        forged.cosigned(&opened, &keys).expect_err("altered");
    }
}
