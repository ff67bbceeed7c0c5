//! Which part of a list is asked for.

use app::Part;
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::IntoParams;

use super::within;

/// Names that lists go on from are no longer.
const LONGEST: usize = 200;

/// Makes the query of a part of a list that is newest first, from what else is asked for.
macro_rules! older_query {
    (
        $(#[$meta:meta])* $vis:vis struct $name:ident {
            $($(#[$of:meta])* $open:vis $field:ident: $kind:ty,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        $vis struct $name {
            $($(#[$of])* $open $field: $kind,)*
            /// How many at most.
            #[serde(
                default = "crate::api::extract::a_page",
                deserialize_with = "crate::api::extract::within::<_, 1, 1_000>"
            )]
            #[param(minimum = 1, maximum = 1_000, default = 50)]
            limit: i64,
            /// Only what comes behind the one with this id: the last of the page before.
            #[serde(default, deserialize_with = "crate::api::extract::place")]
            #[param(max_length = 200)]
            before: String,
        }

        impl $name {
            /// Returns the part.
            $vis fn part(&self) -> app::Part<'_> {
                app::Part {
                    from: &self.before,
                    limit: self.limit,
                }
            }
        }
    };
}
pub(in crate::api) use older_query;

older_query! {
    /// A part of a list that is newest first.
    pub(in crate::api) struct OlderQuery {}
}

older_query! {
    /// A part of a list of what may stop counting, newest first.
    pub(in crate::api) struct CountingQuery {
        /// Only what counts; with `false`, only what no longer does.
        #[serde(default)]
        pub(in crate::api) counting: Option<bool>,
    }
}

/// A part of a list in another order than the newest first.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct LaterQuery {
    /// How many at most.
    #[serde(default = "a_page", deserialize_with = "within::<_, 1, 1_000>")]
    #[param(minimum = 1, maximum = 1_000, default = 50)]
    limit: i64,
    /// Only what comes behind the one with this id, or short name where it has no id: the last
    /// of the page before.
    #[serde(default, deserialize_with = "place")]
    #[param(max_length = 200)]
    after: String,
}

/// Returns how many are given where nobody says how many.
pub(in crate::api) fn a_page() -> i64 {
    50
}

impl LaterQuery {
    /// Returns the part.
    pub(in crate::api) fn part(&self) -> Part<'_> {
        Part {
            from: &self.after,
            limit: self.limit,
        }
    }
}

/// Reads what a list goes on from.
pub(in crate::api) fn place<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.chars().count() {
        0..=LONGEST => Ok(text),
        _ => Err(D::Error::custom(format!(
            "this is no place in the list: it has more than {LONGEST} characters"
        ))),
    }
}
