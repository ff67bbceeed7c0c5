//! The store's behaviour, told once and run on SQLite and on PostgreSQL.

extern crate plimsoll_store as store;

#[macro_use]
mod databases;
mod before_release;
mod children;
mod classifications;
mod component_index;
mod concurrency;
mod engine;
mod entitlements;
mod full_disk;
mod jobs;
mod log;
mod market_side;
mod notary;
mod people;
mod pictures;
mod plans;
mod registry;
mod review;
mod rows;
mod statements;
mod upgrades;
mod vex;
