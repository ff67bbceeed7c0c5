//! kill -9 at random moments of pushes, mounts, deletes and collections, again and again:
//! what was acknowledged is there, byte for byte, and nothing is half there.
//!
//! A short run is part of the tests; `PLIMSOLL_CRASH_ROUNDS=300` makes a long one, and
//! `PLIMSOLL_CRASH_SEED` repeats the choices of another.

#![expect(clippy::print_stderr, reason = "says how a run is repeated")]

use std::{
    hash::{BuildHasher, RandomState},
    ops::Range,
    thread,
    time::Duration,
};

use oci::{Digest, media_type};

use testkit::{Server, User};

use crate::{
    http::{Answer, Gone, Registry},
    market::{Market, serve_with},
    model::{Chance, Model, There, Upload, content},
    scale::{Blobs, Cluster},
};

/// Workers at once, each with two repositories of its own. Their contents are partly the same.
const WORKERS: u64 = 3;
/// Numbers of contents there are.
const CONTENTS: usize = 400;

#[expect(clippy::disallowed_methods, reason = "how long a run is to be")]
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn what_was_acknowledged_survives_kill_9_at_any_moment() {
    on_one_folder(&[]);
}

/// Collections begin in every round, with next to no grace, and are cut short like all else;
/// what a tag reaches stays.
#[test]
fn what_is_reached_survives_collections_that_are_killed() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = dir.path().join("p.toml");
    let text = "[registry]\ncollect_grace = \"1s\"\n[server]\njob_lease = \"1s\"\n";
    std::fs::write(&config, text).expect("a file");
    let config = config.display().to_string();
    on_one_folder(&["--config", &config]);
}

/// Of two nodes over PostgreSQL and S3 one is killed; the other has what that acknowledged.
#[test]
fn what_a_killed_node_acknowledged_the_other_one_has() {
    let Some(mut cluster) = Cluster::start(Blobs::ThroughNodes) else {
        return;
    };
    let (again, other) = (cluster.config_of_first(), cluster.second.url().to_owned());
    let data = cluster.dir.path().join("data");
    let stage = Stage {
        market: &mut cluster.market,
        start: &|| serve_with(&data, &["--config", &again]),
        asked: Some(other),
        collects: false,
        life: 1_000..4_000,
    };
    kill_again_and_again(run(4), stage);
}

/// With `args` the server collects.
fn on_one_folder(args: &[&str]) {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let stage = Stage {
        market: &mut Market::start_with(&data, args),
        start: &|| serve_with(&data, args),
        asked: None,
        collects: !args.is_empty(),
        life: 30..530,
    };
    kill_again_and_again(run(10), stage);
}

/// What is killed, and who is asked then.
struct Stage<'a> {
    market: &'a mut Market,
    start: &'a dyn Fn() -> Server,
    /// Another node; else the one that was killed, once it runs again.
    asked: Option<String>,
    collects: bool,
    /// How many milliseconds a server lives.
    life: Range<usize>,
}

fn run(short: u64) -> (u64, u64) {
    let rounds = setting("PLIMSOLL_CRASH_ROUNDS").unwrap_or(short);
    let seed =
        setting("PLIMSOLL_CRASH_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    eprintln!("PLIMSOLL_CRASH_SEED={seed} PLIMSOLL_CRASH_ROUNDS={rounds}");
    (rounds, seed)
}

fn kill_again_and_again((rounds, seed): (u64, u64), stage: Stage<'_>) {
    let mut chance = Chance::new(seed);
    let Stage {
        market,
        collects,
        life,
        ..
    } = stage;
    let password = market.desk.token().to_owned();
    let operator = market.server.ready.operator_password.clone();
    let operator = operator.expect("an empty folder prints the password");
    let mut collections = 0;
    let mut workers: Vec<_> = (0..WORKERS)
        .map(|number| Worker::new(number, seed, collects))
        .collect();
    let mut done = 0;
    for round in 0..rounds {
        let url = market.server.url().to_owned();
        let running: Vec<_> = workers
            .drain(..)
            .map(|worker| {
                let (url, password) = (url.clone(), password.clone());
                thread::spawn(move || worker.work(&url, &password))
            })
            .collect();
        if collects && collect(&url, &operator) {
            collections += 1;
        }
        let lives = life.start + chance.below(life.len());
        thread::sleep(Duration::from_millis(lives as u64));
        market.server.kill().expect("the server is killed");
        for worker in running {
            let worker = worker.join().unwrap_or_else(|_| {
                panic!("round {round} of PLIMSOLL_CRASH_SEED={seed}: see above")
            });
            workers.push(worker);
        }
        market.server = (stage.start)();
        let all = round + 1 == rounds;
        let asked = stage.asked.as_deref().unwrap_or(market.server.url());
        for worker in &mut workers {
            worker.compare(asked, &password, all);
            done += std::mem::take(&mut worker.done);
        }
    }
    eprintln!("{rounds} kills; {done} requests acknowledged, {collections} collections begun");
    // Over S3 and beside other work it is not much.
    assert!(
        done >= rounds / 2,
        "hardly anything was acknowledged: {done}"
    );
}

/// Begins a collection, unless one is under way; gives whether it did.
fn collect(url: &str, password: &str) -> bool {
    let body = serde_json::json!({ "dry_run": false });
    let operator = User::with_password(url, "operator", password);
    operator.post("/api/v1/storage/collections", &body).is_ok()
}

struct Worker {
    number: u64,
    chance: Chance,
    repositories: [Model; 2],
    /// Requests that were acknowledged since it was asked.
    done: u64,
}

impl Worker {
    fn new(number: u64, seed: u64, collects: bool) -> Self {
        let name = |part| Model::new(&format!("staging/acme/worker{number}-{part}"), collects);
        Self {
            number,
            chance: Chance::new(seed ^ ((number + 1) << 40)),
            repositories: [name("one"), name("two")],
            done: 0,
        }
    }

    fn sign_in(&self, url: &str, password: &str) -> Result<Registry, Gone> {
        let names = self.repositories.each_ref().map(|model| model.name.clone());
        Registry::sign_in(url, ("ann", password), &names)
    }

    /// Does one thing after the other until the server is gone.
    fn work(mut self, url: &str, password: &str) -> Self {
        if let Ok(registry) = self.sign_in(url, password) {
            while self.step(&registry).is_ok() {}
        }
        self
    }

    fn step(&mut self, registry: &Registry) -> Result<(), Gone> {
        match self.chance.below(20) {
            0..=4 => self.push_whole(registry),
            5..=7 => self.push_in_chunks(registry),
            8..=11 => self.go_on(registry),
            12 | 13 => self.mount(registry),
            14..=16 => self.put_manifest(registry),
            17 => self.delete_blob(registry),
            18 => self.delete_manifest(registry),
            _ => self.delete_tag(registry),
        }
    }

    /// Chooses a repository, and content that others may have as well.
    fn choose(&mut self) -> (usize, u64, Vec<u8>, Digest) {
        let (which, number) = (self.chance.below(2), self.chance.below(CONTENTS) as u64);
        let bytes = content(number);
        let digest = Digest::of(&bytes);
        (which, number, bytes, digest)
    }

    fn may_have(&mut self, which: usize, digest: &Digest, number: u64) {
        let blobs = &mut self.repositories[which].blobs;
        let entry = blobs.entry(digest.clone()).or_insert((number, There::No));
        if entry.1 == There::No {
            entry.1 = There::Unsure;
        }
    }

    fn has(&mut self, which: usize, digest: &Digest, answer: &Answer) {
        expect(answer, 201);
        self.done += 1;
        if let Some(entry) = self.repositories[which].blobs.get_mut(digest) {
            entry.1 = There::Yes;
        }
    }

    fn push_whole(&mut self, registry: &Registry) -> Result<(), Gone> {
        let (which, number, bytes, digest) = self.choose();
        self.may_have(which, &digest, number);
        let name = &self.repositories[which].name;
        let path = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let answer = registry.ask("POST", &path, &bytes)?;
        self.has(which, &digest, &answer);
        Ok(())
    }

    fn begin(&self, which: usize, registry: &Registry) -> Result<String, Gone> {
        let name = &self.repositories[which].name;
        let answer = registry.ask("POST", &format!("/v2/{name}/blobs/uploads/"), b"")?;
        expect(&answer, 202);
        Ok(answer.header("location").to_owned())
    }

    fn push_in_chunks(&mut self, registry: &Registry) -> Result<(), Gone> {
        let (which, number, bytes, digest) = self.choose();
        let location = self.begin(which, registry)?;
        let size = bytes.len() / (1 + self.chance.below(4)) + 1;
        for chunk in bytes.chunks(size) {
            expect(&registry.ask("PATCH", &location, chunk)?, 202);
        }
        self.may_have(which, &digest, number);
        let answer = registry.ask("PUT", &format!("{location}?digest={digest}"), b"")?;
        self.has(which, &digest, &answer);
        Ok(())
    }

    /// Goes a step on with the upload that outlives the server.
    fn go_on(&mut self, registry: &Registry) -> Result<(), Gone> {
        let which = self.chance.below(2);
        let Some(upload) = self.repositories[which].upload.take() else {
            let (_, number, ..) = self.choose();
            let location = self.begin(which, registry)?;
            self.repositories[which].upload = Some(Upload {
                location,
                number,
                acknowledged: 0,
                ending: false,
            });
            return Ok(());
        };
        let bytes = content(upload.number);
        let at = upload.acknowledged;
        // One byte and none are told alike.
        let end = (at + 2 + self.chance.below(bytes.len())).min(bytes.len());
        let (location, number) = (upload.location.clone(), upload.number);
        let upload = self.repositories[which].upload.insert(upload);
        if end < bytes.len() {
            let range = format!("{at}-{}", end - 1);
            let range = [("content-range", range.as_str())];
            let answer = registry.ask_with("PATCH", &location, &range, &bytes[at..end])?;
            expect(&answer, 202);
            upload.acknowledged = end;
            return Ok(());
        }
        upload.ending = true;
        let digest = Digest::of(&bytes);
        self.may_have(which, &digest, number);
        let path = format!("{location}?digest={digest}");
        let answer = registry.ask("PUT", &path, &bytes[at..])?;
        self.repositories[which].upload = None;
        self.has(which, &digest, &answer);
        Ok(())
    }

    fn mount(&mut self, registry: &Registry) -> Result<(), Gone> {
        let from = self.chance.below(2);
        let blobs = self.repositories[from].sure_blobs();
        let Some(digest) = self.chance.pick(&blobs).cloned() else {
            return Ok(());
        };
        let number = self.repositories[from].blobs[&digest].0;
        self.may_have(1 - from, &digest, number);
        let [source, target] = [from, 1 - from].map(|which| &self.repositories[which].name);
        let path = format!("/v2/{target}/blobs/uploads/?mount={digest}&from={source}");
        let answer = registry.ask("POST", &path, b"")?;
        if answer.status == 202 && self.repositories[from].collected {
            // It was collected; the client would push it now.
            return Ok(());
        }
        self.has(1 - from, &digest, &answer);
        Ok(())
    }

    /// Puts a manifest under a tag, which may have been another's.
    fn put_manifest(&mut self, registry: &Registry) -> Result<(), Gone> {
        let which = self.chance.below(2);
        let model = &mut self.repositories[which];
        let old = model.sure_manifests();
        let manifest = match self.chance.pick(&old) {
            Some(digest) if self.chance.below(3) == 0 => model.manifests[digest].0.clone(),
            _ => match model.manifest(&mut self.chance) {
                Some(manifest) => manifest,
                None => return Ok(()),
            },
        };
        let digest = Digest::of(&manifest);
        let tag = format!("v{}", self.chance.below(6));
        let entry = model.manifests.entry(digest.clone());
        let entry = entry.or_insert((manifest.clone(), There::No));
        if entry.1 == There::No {
            entry.1 = There::Unsure;
        }
        let may = model.tags.entry(tag.clone()).or_insert_with(|| vec![None]);
        may.push(Some(digest.clone()));
        let path = format!("/v2/{}/manifests/{tag}", model.name);
        let kind = [("content-type", media_type::OCI_MANIFEST)];
        let answer = registry.ask_with("PUT", &path, &kind, &manifest)?;
        if answer.status == 404 && model.collected {
            // Blobs of it were collected.
            model.tags.get_mut(&tag).expect("entered above").pop();
            return Ok(());
        }
        expect(&answer, 201);
        self.done += 1;
        model.tags.insert(tag, vec![Some(digest.clone())]);
        model.manifests.insert(digest, (manifest, There::Yes));
        Ok(())
    }

    fn delete_blob(&mut self, registry: &Registry) -> Result<(), Gone> {
        let model = &mut self.repositories[self.chance.below(2)];
        let free = model.free_blobs();
        let Some(digest) = self.chance.pick(&free) else {
            return Ok(());
        };
        let number = model.blobs[digest].0;
        model.blobs.insert(digest.clone(), (number, There::Unsure));
        let path = format!("/v2/{}/blobs/{digest}", model.name);
        let answer = registry.ask("DELETE", &path, b"")?;
        expect_gone(model, &answer);
        self.done += 1;
        model.blobs.insert(digest.clone(), (number, There::No));
        Ok(())
    }

    fn delete_manifest(&mut self, registry: &Registry) -> Result<(), Gone> {
        let model = &mut self.repositories[self.chance.below(2)];
        let sure = model.sure_manifests();
        let Some(digest) = self.chance.pick(&sure) else {
            return Ok(());
        };
        let tagged = |may: &Vec<Option<Digest>>| may.contains(&Some(digest.clone()));
        if let Some(entry) = model.manifests.get_mut(digest) {
            entry.1 = There::Unsure;
        }
        // Every tag on it goes with it.
        for may in model.tags.values_mut().filter(|may| tagged(may)) {
            may.push(None);
        }
        let path = format!("/v2/{}/manifests/{digest}", model.name);
        let answer = registry.ask("DELETE", &path, b"")?;
        expect_gone(model, &answer);
        self.done += 1;
        if let Some(entry) = model.manifests.get_mut(digest) {
            entry.1 = There::No;
        }
        for may in model.tags.values_mut() {
            may.retain(|target| target.as_ref() != Some(digest));
        }
        Ok(())
    }

    fn delete_tag(&mut self, registry: &Registry) -> Result<(), Gone> {
        let model = &mut self.repositories[self.chance.below(2)];
        let set = model
            .tags
            .iter()
            .filter(|(_, may)| may.iter().all(Option::is_some));
        let set: Vec<_> = set.map(|(tag, _)| tag.clone()).collect();
        let Some(tag) = self.chance.pick(&set) else {
            return Ok(());
        };
        if let Some(may) = model.tags.get_mut(tag) {
            may.push(None);
        }
        let path = format!("/v2/{}/manifests/{tag}", model.name);
        expect(&registry.ask("DELETE", &path, b"")?, 202);
        self.done += 1;
        model.tags.insert(tag.clone(), vec![None]);
        Ok(())
    }

    /// Compares the server with what it must have; everything, or what was unsure and some more.
    fn compare(&mut self, url: &str, password: &str, all: bool) {
        let registry = self.sign_in(url, password).expect("a token");
        for which in [0, 1] {
            let chance = &mut self.chance;
            let model = &mut self.repositories[which];
            let compared = model.compare(&registry, || all || chance.below(8) == 0);
            compared.expect("the server answers");
            let Some(mut upload) = model.upload.take() else {
                continue;
            };
            let status = registry.ask("GET", &upload.location, b"");
            let status = status.expect("the server answers");
            if status.status == 404 {
                assert!(
                    upload.ending || upload.acknowledged == 0,
                    "worker {}: {} of an upload's bytes are lost",
                    self.number,
                    upload.acknowledged
                );
                continue;
            }
            expect(&status, 204);
            assert!(status.received() >= upload.acknowledged);
            upload.acknowledged = status.received();
            upload.ending = false;
            model.upload = Some(upload);
        }
    }
}

/// What was to be deleted is no more; a collection may have been first.
fn expect_gone(model: &Model, answer: &Answer) {
    if !(model.collected && answer.status == 404) {
        expect(answer, 202);
    }
}

fn expect(answer: &Answer, status: u16) {
    let said = String::from_utf8_lossy(&answer.body[..answer.body.len().min(400)]);
    assert_eq!(answer.status, status, "{said}");
}
