//! The application's stories, on SQLite and on PostgreSQL, with real blobs on disk.

extern crate plimsoll_app as app;
// As the tests of `trust` call it, whose publisher is used here too.
extern crate trust as plimsoll_trust;

#[macro_use]
#[path = "../../../store/tests/store/databases.rs"]
mod databases;
mod accounts;
mod approvals;
#[path = "../../../store/tests/store/bucket.rs"]
mod bucket;
mod bundles;
mod calendars;
mod chance;
mod classification;
mod collection;
mod confirming;
mod deadlines;
mod devices;
mod draft_versions;
mod drafting;
mod forty_days;
mod identities;
mod images;
mod inspection;
mod jobs;
mod journey;
mod log;
mod market_side;
mod notary;
mod notices;
mod once;
mod openness;
mod organising;
mod own_advisories;
mod partnership;
mod pictures;
mod plans;
mod previews;
mod privacy;
mod proofs;
mod publication;
#[expect(dead_code, reason = "publishers make no snapshots here")]
#[path = "../../../trust/tests/trust/publisher.rs"]
mod publisher;
mod publishing;
mod read_ahead;
mod released;
mod rematch;
mod review;
mod reviewing;
mod robots;
mod roles;
mod roots;
mod signers;
mod sigstore;
mod storage;
mod succession;
mod tags;
mod team;
mod templates;
mod terms;
mod token_keys;
mod trust_secret;
mod vex;
mod waivers;
mod webhooks;
mod withdrawing;
mod witnesses;
mod world;
