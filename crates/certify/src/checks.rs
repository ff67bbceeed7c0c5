//! The checks, one per file, in the order in which they are reported.

mod base_age;
mod base_tag;
mod command;
mod copy_not_add;
mod created_date;
mod credential_file;
mod empty_password;
mod exec_form_command;
mod health_check;
mod hidden_secret;
mod labels;
mod layer_count;
mod licence_file;
mod needless_file;
mod no_dist_upgrade;
mod no_kernel_package;
mod no_kernel_volume;
mod no_sudo;
mod no_supervisord;
mod no_update_alone;
mod non_root_user;
mod package_cache;
mod secret_in_environment;
mod secret_in_file;
mod setuid_file;
mod supported_distribution;
mod unique_ids;
mod unique_tag;
mod wasted_space;

use crate::Check;

/// All checks.
pub static CHECKS: &[&Check] = &[
    &command::CHECK,
    &exec_form_command::CHECK,
    &no_supervisord::CHECK,
    &health_check::CHECK,
    &non_root_user::CHECK,
    &no_kernel_volume::CHECK,
    &secret_in_environment::CHECK,
    &secret_in_file::CHECK,
    &hidden_secret::CHECK,
    &credential_file::CHECK,
    &needless_file::CHECK,
    &setuid_file::CHECK,
    &empty_password::CHECK,
    &unique_ids::CHECK,
    &package_cache::CHECK,
    &licence_file::CHECK,
    &labels::CHECK,
    &unique_tag::CHECK,
    &created_date::CHECK,
    &base_age::CHECK,
    &base_tag::CHECK,
    &supported_distribution::CHECK,
    &layer_count::CHECK,
    &wasted_space::CHECK,
    &no_sudo::CHECK,
    &copy_not_add::CHECK,
    &no_dist_upgrade::CHECK,
    &no_update_alone::CHECK,
    &no_kernel_package::CHECK,
];
