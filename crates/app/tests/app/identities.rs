//! Publishers who sign without keys: an identity is registered, proven, and counts.

use app::{
    NewKey, PublisherKey, Submission,
    market::Decision,
    oci::{Descriptor, RawManifest, media_type},
};
use chrono::TimeDelta;
use trust::{
    bundle::{self, PROVENANCE, SIGNATURE},
    cosign,
    referrer::EMPTY,
};

use crate::{
    images::Image,
    sigstore::{ISSUER, Sigstore},
    world::{World, told},
};

const STAGING: &str = "staging/acme/db";
const ANN: &str = "ann@acme.example";

async fn registered(world: &World, subject: &str) -> PublisherKey {
    let new = NewKey {
        name: "releases".to_owned(),
        pem: format!("subject: {subject}\nissuer: {ISSUER}\n"),
        valid_from: None,
    };
    let added = world.app.add_publisher_key(&world.owner, "acme", &new);
    added.await.expect("registered")
}

/// Has an identity sign the text of a registered one; gives what becomes of the proof.
async fn proven(world: &World, by: (&Sigstore, &str), row: &PublisherKey, text: &str) -> String {
    let proof = by.0.sign_text(by.1, text, world.app.now());
    let proven = (world.app).prove_publisher_key(&world.owner, "acme", row.id.as_str(), &proof);
    match proven.await {
        Ok(row) => format!("{:?}", row.standing(world.app.now())),
        refused => told(refused.map(|_| ())),
    }
}

/// Pushes another image; gives its tag.
async fn another(world: &World) -> (String, Descriptor) {
    world.clock.advance(TimeDelta::minutes(1));
    let tag = world.app.now().timestamp().to_string();
    let image = Image::vulnerable(&tag);
    world.push(Some(&tag), &image).await;
    let manifest = RawManifest::parse(image.manifest(), Some(media_type::OCI_MANIFEST));
    (tag, manifest.expect("a manifest").descriptor())
}

/// Submits another image with a bundle beside it.
async fn submitted(world: &World, by: (&Sigstore, &str), kind: &str) -> Submission {
    let (tag, subject) = another(world).await;
    let now = world.app.now();
    let bundle = by.0.sign_image(by.1, (&subject.digest, kind), now);
    for blob in [EMPTY, &bundle] {
        world.push_blob(STAGING, blob).await.expect("pushed");
    }
    let carrier = bundle::manifest(&bundle, kind, subject, now);
    let pushed = world.push_manifest(STAGING, None, carrier.bytes).await;
    pushed.expect("pushed");
    looked_at(world, &tag).await
}

/// Submits another image with a signature as cosign 2 leaves it.
async fn submitted_with_tag(world: &World, by: (&Sigstore, &str)) -> Submission {
    let (tag, subject) = another(world).await;
    let beside = by.0.sign_beside(by.1, &subject.digest, world.app.now());
    for blob in &beside.blobs {
        world.push_blob(STAGING, blob).await.expect("pushed");
    }
    let signatures = cosign::signature_tag(&subject.digest).expect("a tag");
    let pushed = world.push_manifest(STAGING, Some(signatures.as_str()), beside.manifest);
    pushed.await.expect("pushed");
    looked_at(world, &tag).await
}

async fn looked_at(world: &World, tag: &str) -> Submission {
    let submission = world.submit(tag).await.expect("submitted");
    world.work().await;
    let found = world.submission(&submission).await;
    // The next one is looked at when nobody waits for a decision on this one.
    let over = world.decide(&found, Decision::Reject, "The next.").await;
    over.expect("rejected");
    found
}

fn found(submission: &Submission) -> (bool, String) {
    let found = &submission.signature.as_ref().expect("looked for").0;
    let reason = found["reason"].as_str().expect("text").to_owned();
    (found["verified"] == true, reason)
}

both! {
    async fn an_identity_counts_once_it_is_proven(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (sigstore, other) = (Sigstore::new(), Sigstore::another());
        let row = registered(&world, ANN).await;
        let text = row.challenge.clone().expect("a text");
        for (by, text, why) in [
            ((&sigstore, "eve@acme.example"), text.as_str(), "another identity"),
            ((&sigstore, ANN), "another text", "altered"),
            ((&other, ANN), text.as_str(), "no log of the market's trust root"),
        ] {
            let refused = proven(&world, by, &row, text).await;
            assert!(refused.contains(why), "{refused}");
        }
        let (verified, reason) = found(&submitted(&world, (&sigstore, ANN), SIGNATURE).await);
        assert!(!verified && reason.contains("not proven"), "{reason}");
        assert_eq!(proven(&world, (&sigstore, ANN), &row, &text).await, "InForce");

        let good = submitted(&world, (&sigstore, ANN), SIGNATURE).await;
        let (verified, reason) = found(&good);
        assert!(verified, "{reason}");
        assert!(reason.starts_with(&format!("signed by `{ANN}` of {ISSUER}, an identity")), "{reason}");
        assert_eq!(good.signature.expect("one").0["key_name"], "releases");
        for (by, kind, why) in [
            ((&sigstore, "mallory@acme.example"), SIGNATURE, "has not registered"),
            ((&other, ANN), SIGNATURE, "no log of the market's trust root"),
            ((&sigstore, ANN), PROVENANCE, "and no signature"),
        ] {
            let (verified, reason) = found(&submitted(&world, by, kind).await);
            assert!(!verified && reason.contains(why), "{reason}");
        }
        let (verified, reason) = found(&submitted_with_tag(&world, (&sigstore, ANN)).await);
        assert!(verified && reason.contains("in the log as number 7"), "{reason}");
        for (by, why) in [
            ((&sigstore, "mallory@acme.example"), "none of the identities that count"),
            ((&other, ANN), "no log of the market's trust root"),
        ] {
            let (verified, reason) = found(&submitted_with_tag(&world, by).await);
            assert!(!verified && reason.contains(why), "{reason}");
        }
        let id = row.id.as_str();
        let ended = world.app.revoke_publisher_key(&world.owner, "acme", id, None);
        ended.await.expect("ended");
        let (verified, reason) = found(&submitted(&world, (&sigstore, ANN), SIGNATURE).await);
        assert!(!verified && reason.contains("was revoked"), "{reason}");
    }
}
