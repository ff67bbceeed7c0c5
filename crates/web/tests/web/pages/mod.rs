//! The pages: what people do with a browser, and what others try.

mod access;
mod attacks;
mod before_release;
mod browser;
mod classes;
mod draft_versions;
mod editing;
mod operator;
mod people;
mod places;
mod plans;
mod queue;
mod releases;
mod stories;
mod templates;
mod tokens;
mod vex;
mod webhooks;
