//! Machines that fail: jobs go on after kill -9, and a full disk loses nothing. Pushes that
//! are killed have the file `kills.rs`.

use std::time::Duration;

use oci::{Client, ClientOptions, Credentials, Descriptor, Digest, RepoName, media_type};

use crate::market::{Market, Silent, serve};

fn client(market: &Market) -> Client {
    let credentials = Credentials::Basic {
        user: "ann".to_owned(),
        password: market.desk.token().to_owned(),
    };
    Client::new(market.server.host(), credentials, &ClientOptions::default()).expect("a client")
}

/// Content that no other round has.
fn content(round: usize, number: usize) -> Vec<u8> {
    let line = format!("round {round} blob {number} ");
    line.bytes()
        .cycle()
        .take(20_000 + 7_000 * (number % 13))
        .collect()
}

#[test]
fn an_inspection_cut_short_is_done_by_the_next_server() {
    let mut market = Market::start();
    market
        .desk
        .push(market.image("1.0").as_ref(), "1.0", &Silent)
        .expect("the push succeeds");
    let submission = market.submit("1.0");
    market.server.kill().expect("the server is killed");
    let base = market.server.url().to_owned();
    market.server = serve(&market.dir.path().join("data"));
    assert_ne!(base, market.server.url(), "another port");
    let user = testkit::User::with_password(market.server.url(), "ann", testkit::Cast::password());
    // A lease that nobody renews runs out after half a minute.
    let end = std::time::Instant::now() + Duration::from_secs(60);
    loop {
        let page = user
            .get(&format!("/api/v1/submissions/{submission}"))
            .expect("the page");
        if page["submission"]["state"] == "in-review" {
            break;
        }
        assert!(
            std::time::Instant::now() < end,
            "still {}",
            page["submission"]["state"]
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// A small file system of its own, where this user may mount one.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(dir: std::path::PathBuf, size: &str) -> Option<Self> {
        std::fs::create_dir_all(&dir).expect("a folder");
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(&dir);
        mount
            .output()
            .is_ok_and(|output| output.status.success())
            .then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status()
            .map(drop)
            .unwrap_or_default();
    }
}

#[test]
fn a_full_disk_is_said_in_words_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(disk) = SmallDisk::mount(dir.path().join("disk"), "48m") else {
        return crate::skip("this user may not mount a small file system");
    };
    let market = Market::start_in(&disk.0.join("data"));
    let repo: RepoName = "staging/acme/full".parse().expect("a name");
    let client = client(&market);
    let kept = content(0, 1);
    let descriptor = Descriptor::new(media_type::OCI_LAYER, Digest::of(&kept), kept.len() as u64);
    client
        .push_blob(&repo, &descriptor, &mut kept.as_slice())
        .expect("there is room");

    let large: Vec<u8> = (0..64_u32 << 18)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let too_large = Descriptor::new(
        media_type::OCI_LAYER,
        Digest::of(&large),
        large.len() as u64,
    );
    let refused = client
        .push_blob(&repo, &too_large, &mut large.as_slice())
        .expect_err("there is no room")
        .to_string();
    assert!(refused.contains("full"), "{refused}");
    assert!(
        !client
            .blob_exists(&repo, &too_large.digest)
            .expect("an answer"),
        "nothing half-visible"
    );

    let mut found = Vec::new();
    std::io::Read::read_to_end(
        &mut client.blob(&repo, &descriptor).expect("it is there"),
        &mut found,
    )
    .expect("it is whole");
    assert!(found == kept, "what was acknowledged is untouched");
    drop(market);
}
