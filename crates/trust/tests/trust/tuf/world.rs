//! A repository on a server, and a client that has seen it before.

use std::collections::BTreeMap;

use plimsoll_trust::tuf::{
    Current, File, FileMeta, Newest, Refusal, Role, Signer, ancestors, publish,
};

use crate::publisher::{Delegated, Holders, now, root, root_signer, signer, snapshot, targets};

pub(crate) const GUN: &str = "registry.example/staging/acme/db";

/// What the server has.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) current: Current,
    pub(crate) server: Vec<Signer>,
    pub(crate) holders: Holders,
}

impl World {
    /// Nothing is published; the publisher keeps the snapshot's key, or leaves it to the server.
    pub(crate) fn new(own_snapshot: bool) -> Self {
        let server = vec![signer(100), signer(101)];
        let snapshot = match own_snapshot {
            true => signer(3).key,
            false => server[1].key.clone(),
        };
        let holders = Holders {
            root: vec![root_signer(GUN, 1)],
            targets: vec![signer(2)],
            snapshot: vec![snapshot],
            timestamp: vec![server[0].key.clone()],
            threshold: 1,
        };
        Self {
            current: Current::default(),
            server,
            holders,
        }
    }

    /// With root 1, targets 1 that delegates to `targets/releases`, and that one's version 1.
    pub(crate) fn begun(own_snapshot: bool) -> Self {
        let mut world = Self::new(own_snapshot);
        let uploads = world.first();
        world.publish(uploads).expect("a good update");
        world
    }

    pub(crate) fn first(&self) -> BTreeMap<Role, File> {
        let root = root(1, &self.holders, &self.holders.root);
        self.with_snapshot(BTreeMap::from([
            (Role::Root, root),
            (Role::Targets, self.targets(1, &["1"])),
            (releases(), self.releases(1, &["1"])),
        ]))
    }

    pub(crate) fn targets(&self, version: i64, names: &[&str]) -> File {
        let to = [signer(4)];
        let delegated = Delegated {
            role: "targets/releases",
            to: &to,
            threshold: 1,
        };
        targets(
            &Role::Targets,
            version,
            (names, &[delegated]),
            &self.holders.targets,
        )
    }

    pub(crate) fn releases(&self, version: i64, names: &[&str]) -> File {
        targets(&releases(), version, (names, &[]), &[signer(4)])
    }

    /// Adds the snapshot of what will be there, where the publisher makes it.
    pub(crate) fn with_snapshot(&self, mut uploads: BTreeMap<Role, File>) -> BTreeMap<Role, File> {
        if self.holders.snapshot != [signer(3).key] {
            return uploads;
        }
        let mut all = self.current.files.clone();
        all.extend(uploads.clone());
        all.retain(|role, _| !matches!(role, Role::Snapshot | Role::Timestamp));
        let version = self.version(&Role::Snapshot) + 1;
        let files: Vec<_> = all.iter().collect();
        uploads.insert(Role::Snapshot, snapshot(version, &files, &[signer(3)]));
        uploads
    }

    pub(crate) fn version(&self, role: &Role) -> i64 {
        self.current
            .newest
            .get(role)
            .map_or(0, |newest| newest.version)
    }

    /// Publishes as a server does; what is refused leaves no trace.
    pub(crate) fn publish(&mut self, uploads: BTreeMap<Role, File>) -> Result<(), Refusal> {
        let needed = ancestors(uploads.keys());
        let mut given = self.current.clone();
        given.files.retain(|role, _| needed.contains(role));
        let update = publish(GUN, &given, uploads, &self.server, now())?;
        for (role, file) in update.files {
            let newest = Newest {
                version: file.version,
                sha256: file.sha256(),
                in_force: true,
            };
            self.current.newest.insert(role.clone(), newest);
            self.current.files.insert(role, file);
        }
        for (role, newest) in &mut self.current.newest {
            newest.in_force = update.in_force.contains(role);
        }
        Ok(())
    }

    /// Walks from the timestamp to everything as a client does.
    pub(crate) fn is_whole(&self) {
        let file = |role: &Role| &self.current.files[role];
        let describes = |meta: &FileMeta, file: &File| *meta == FileMeta::of(&file.bytes);
        let timestamp = file(&Role::Timestamp).timestamp().expect("a timestamp");
        assert!(describes(&timestamp["snapshot"], file(&Role::Snapshot)));
        let snapshot = file(&Role::Snapshot).snapshot().expect("a snapshot");
        for (name, meta) in &snapshot {
            let role = name.parse().expect("a role");
            assert!(describes(meta, file(&role)), "{name}");
        }
        for (role, newest) in &self.current.newest {
            let named = snapshot.contains_key(role.as_str());
            assert!(!newest.in_force || named || matches!(role, Role::Snapshot | Role::Timestamp));
            assert!(file(role).expires >= now());
        }
    }
}

pub(crate) fn releases() -> Role {
    "targets/releases".parse().expect("a role")
}
