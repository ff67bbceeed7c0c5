//! The application's stories, on SQLite and on PostgreSQL, with real blobs on disk.

extern crate plimsoll_app as app;

#[macro_use]
#[path = "../../../store/tests/store/databases.rs"]
mod databases;
mod accounts;
#[path = "../../../store/tests/store/bucket.rs"]
mod bucket;
mod collection;
mod deadlines;
mod images;
mod inspection;
mod jobs;
mod journey;
mod market_side;
mod privacy;
mod publishing;
mod rematch;
mod review;
mod robots;
mod roles;
mod storage;
mod token_keys;
mod world;
