//! 1 GiB pushed and pulled on a server of its own, to see that memory does not grow with it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{REPOSITORY, Unique, plimsoll};
use crate::{
    bench::{forget_peak, load::Connection, peak_megabytes},
    run::say,
};

/// Before the memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn run(binary: &Path, dir: &Path) -> Result<()> {
    let (server, token) = plimsoll(binary, dir, "gibibyte")?;
    let mut connection = Connection::open(server.host(), &token)?;
    let ever = peak_megabytes(server.pid())?;
    // The allocator gives back what hashing passwords took once it has been free for a while.
    let small = Unique::new(16 << 10);
    let end = Instant::now() + SETTLE;
    for number in 0.. {
        small.push(&mut connection, number)?;
        if Instant::now() >= end {
            break;
        }
    }
    forget_peak(server.pid())?;
    let before = peak_megabytes(server.pid())?;
    let digest = Unique::new(1 << 30).push(&mut connection, 2)?;
    let found = connection.send("GET", &format!("/v2/{REPOSITORY}/blobs/{digest}"), "", &[])?;
    ensure!(found.length == 1 << 30, "1 GiB came back");
    say(&format!(
        "1 GiB pushed and pulled: {:.0} MB resident at most ({before:.0} MB before, {ever:.0} MB \
         at most while passwords were hashed)",
        peak_megabytes(server.pid())?
    ));
    Ok(())
}
