//! What is pushed is read before anybody waits for it.

use app::oci::Digest;
use market::SubmissionState;

use crate::{
    images::{DEBIAN_11, Image, Packing, dpkg, index, tar},
    world::World,
};

/// Reads until nothing waits; gives how many images there were.
async fn read_pushes(world: &World) -> usize {
    let mut done = 0;
    while world.app.read_push_once("reader").await.expect("the queue") {
        done += 1;
    }
    done
}

/// Returns how often each layer of an image was read.
fn read(world: &World, image: &Image) -> Vec<usize> {
    let layers = image.layers.iter();
    layers
        .map(|(bytes, _)| world.blobs.opened(&Digest::of(bytes)))
        .collect()
}

both! {
    async fn what_is_pushed_is_read_once_before_it_is_submitted(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (one, two) = (Image::vulnerable("one"), Image::vulnerable("two"));
        let digest = world.push(Some("1.0"), &one).await;
        world.sign(&world.key, &digest).await;
        assert_eq!(read(&world, &one), [0, 0], "the push does not wait for it");
        // The signature is no image.
        assert_eq!(read_pushes(&world).await, 1);
        assert_eq!(read(&world, &one), [1, 1]);
        let submission = world.submit("1.0").await.expect("submitted");
        assert_eq!(world.work().await, 1);
        let submission = world.submission(&submission).await;
        assert_eq!(submission.state, SubmissionState::InReview);
        assert!(!world.findings(&submission).await.is_empty());
        assert_eq!(read(&world, &one), [1, 1], "nothing is read again");
        // Also by digest; of what is known already, nothing is read.
        world.push(None, &two).await;
        assert_eq!(read_pushes(&world).await, 1);
        assert_eq!(read(&world, &two), [1, 1]);
        assert_eq!(read_pushes(&world).await, 0);
    }

    async fn of_one_image_one_job_waits(db: Database) {
        let world = World::new(db).await;
        let image = Image::vulnerable("one");
        for tag in ["1.0", "1.1", "latest"] {
            world.push(Some(tag), &image).await;
        }
        assert_eq!(read_pushes(&world).await, 1);
        // It is read only where it was pushed to, and forgotten then.
        world.push(Some("2.0"), &image).await;
        assert_eq!(read_pushes(&world).await, 1);
        assert_eq!(read(&world, &image), [1, 1]);
        let jobs = world.app.job_summary(&world.operator).await.expect("the queue");
        assert_eq!(jobs.counts, []);
    }

    async fn no_other_worker_takes_it_and_an_inspection_goes_first(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        let digest = world.push(Some("1.0"), &image).await;
        world.sign(&world.key, &digest).await;
        assert_eq!(world.work().await, 0);
        world.submit("1.0").await.expect("submitted");
        assert_eq!(world.work().await, 1);
        assert_eq!(read(&world, &image), [1, 1]);
        assert_eq!(read_pushes(&world).await, 1);
        assert_eq!(read(&world, &image), [1, 1]);
    }

    async fn what_is_submitted_while_it_is_read_is_read_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        let digest = world.push(Some("1.0"), &image).await;
        world.sign(&world.key, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        let (ahead, inspected) = tokio::join!(read_pushes(&world), world.work());
        assert_eq!((ahead, inspected), (1, 1));
        assert_eq!(read(&world, &image), [1, 1], "each waits for the other");
        let submission = world.submission(&submission).await;
        assert_eq!(submission.state, SubmissionState::InReview);
    }

    async fn of_what_is_no_image_nothing_is_read(db: Database) {
        let world = World::new(db).await;
        let name = "staging/acme/db";
        let image = Image::vulnerable("one");
        world.push(None, &image).await;
        assert_eq!(read_pushes(&world).await, 1);
        let list = index(&[("amd64", image.manifest())]);
        world.push_manifest(name, Some("list"), list).await.expect("pushed");
        let text = String::from_utf8(image.manifest()).expect("text");
        let chart = text.replace("vnd.oci.image.config", "vnd.cncf.helm.config");
        let foreign = text.replace("layer.v1", "layer.nondistributable.v1");
        assert!(chart != text && foreign != text);
        for manifest in [chart, foreign] {
            world.push_manifest(name, Some("other"), manifest.into_bytes()).await.expect("pushed");
        }
        assert_eq!(read_pushes(&world).await, 0);
    }

    async fn what_cannot_be_read_is_left_to_the_inspection(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let base = tar(&[("etc/os-release", DEBIAN_11), ("var/lib/dpkg/status", &dpkg(&[("bash", "5.1-2+deb11u1")]))]);
        let mut image = Image::of(&[base, b"no archive at all".repeat(99)], Packing::Gzip);
        image.config["rootfs"]["type"] = "layers".into();
        let digest = world.push(Some("1.0"), &image).await;
        world.sign(&world.key, &digest).await;
        assert_eq!(read_pushes(&world).await, 1);
        let jobs = world.app.job_summary(&world.operator).await.expect("the queue");
        assert_eq!((jobs.counts, jobs.failed.len()), (vec![], 0));
        world.submit("1.0").await.expect("submitted");
        world.work().await;
        // The layer that could be read was read once.
        assert_eq!(read(&world, &image), [1, 2]);
    }

    async fn what_is_gone_when_its_turn_comes_is_passed_over(db: Database) {
        let world = World::new(db).await;
        let image = Image::vulnerable("one");
        let digest = world.push(None, &image).await;
        let name = "staging/acme/db".parse().expect("a name");
        world.app.delete_manifest(&name, digest.as_str()).await.expect("deleted");
        assert_eq!(read_pushes(&world).await, 1);
        assert_eq!(read(&world, &image), [0, 0]);
    }

    async fn what_waits_is_counted_up_to_a_bound(db: Database) {
        let world = World::new(db).await;
        for number in 0..3 {
            world.push(None, &Image::vulnerable(&number.to_string())).await;
        }
        let mut tx = world.db.read().await.expect("a transaction");
        for (most, counted) in [(2, 2), (9, 3)] {
            let waiting = store::jobs::waiting(&mut tx, "read-ahead", most).await;
            assert_eq!(waiting.expect("counted"), counted);
        }
    }
}
