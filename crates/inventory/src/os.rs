//! Distributions: their package databases, and what else the operating system records.

pub(crate) mod accounts;
pub(crate) mod apk;
pub(crate) mod copyright;
pub(crate) mod dpkg;
pub(crate) mod dpkg_files;
pub(crate) mod opkg;
pub(crate) mod os_release;
pub(crate) mod pacman;
pub(crate) mod release_file;
pub(crate) mod repositories;
pub(crate) mod rpm;
