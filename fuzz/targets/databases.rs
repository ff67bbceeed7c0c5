//! A compiled database as anybody may hand it over.
#![no_main]

use std::io::Write as _;

use advisory::database::Database;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(mut file) = tempfile::NamedTempFile::new() else {
        return;
    };
    if file.write_all(data).is_err() {
        return;
    }
    let Ok(database) = Database::open(file.path()) else {
        return;
    };
    let _any = (
        database.lookup("Debian:11", "zlib"),
        database.vulnerability("CVE-1-1"),
        database.search("a", 10),
        Database::changed_packages(&database, &database),
    );
});
