//! The main module of a Go program: its version, where the build information has none, and
//! the CPE name under which advisories know the program.

use super::go::{module, path_and_version};
use crate::{Confidence, Package};

/// Programs with a CPE name: the module's path without its major version, then vendor and
/// product of the name.
static CPES: &[(&str, &str)] = &[
    ("github.com/caddyserver/caddy", "caddyserver:caddy"),
    (
        "github.com/containerd/containerd",
        "linuxfoundation:containerd",
    ),
    ("github.com/containers/buildah", "buildah_project:buildah"),
    ("github.com/containers/podman", "podman_project:podman"),
    ("github.com/containers/skopeo", "skopeo_project:skopeo"),
    ("github.com/coredns/coredns", "coredns.io:coredns"),
    ("github.com/docker/cli", "docker:docker"),
    ("github.com/docker/compose", "docker:compose"),
    ("github.com/docker/docker", "mobyproject:moby"),
    ("github.com/moby/moby", "mobyproject:moby"),
    ("github.com/etcd-io/etcd", "etcd:etcd"),
    ("go.etcd.io/etcd", "etcd:etcd"),
    ("go.etcd.io/etcd/etcdctl", "etcd:etcd"),
    ("go.etcd.io/etcd/etcdutl", "etcd:etcd"),
    ("go.etcd.io/etcd/server", "etcd:etcd"),
    ("code.gitea.io/gitea", "gitea:gitea"),
    ("github.com/goharbor/harbor", "linuxfoundation:harbor"),
    ("github.com/grafana/grafana", "grafana:grafana"),
    ("github.com/grafana/loki", "grafana:loki"),
    ("github.com/hashicorp/consul", "hashicorp:consul"),
    ("github.com/hashicorp/nomad", "hashicorp:nomad"),
    ("github.com/hashicorp/packer", "hashicorp:packer"),
    ("github.com/hashicorp/terraform", "hashicorp:terraform"),
    ("github.com/hashicorp/vault", "hashicorp:vault"),
    ("github.com/influxdata/influxdb", "influxdata:influxdb"),
    ("github.com/influxdata/telegraf", "influxdata:telegraf"),
    ("github.com/minio/minio", "minio:minio"),
    (
        "github.com/nats-io/nats-server",
        "linuxfoundation:nats-server",
    ),
    ("github.com/opencontainers/runc", "linuxfoundation:runc"),
    ("github.com/opentofu/opentofu", "opentofu:opentofu"),
    (
        "github.com/prometheus/alertmanager",
        "prometheus:alertmanager",
    ),
    ("github.com/prometheus/prometheus", "prometheus:prometheus"),
    ("github.com/rclone/rclone", "rclone:rclone"),
    ("github.com/restic/restic", "restic:restic"),
    ("github.com/traefik/traefik", "traefik:traefik"),
    ("helm.sh/helm", "helm:helm"),
    ("k8s.io/kubernetes", "kubernetes:kubernetes"),
];

/// Modules whose version is a variable of another module: the path without its major version,
/// and what the packages of the variables begin with.
static ELSEWHERE: &[(&str, &[&str])] = &[
    ("go.etcd.io/etcd/etcdctl", &["go.etcd.io/etcd/api/"]),
    ("go.etcd.io/etcd/etcdutl", &["go.etcd.io/etcd/api/"]),
    ("go.etcd.io/etcd/server", &["go.etcd.io/etcd/api/"]),
    (
        "github.com/docker/cli",
        &["github.com/docker/docker/dockerversion"],
    ),
    (
        "k8s.io/kubernetes",
        &[
            "k8s.io/component-base/version",
            "k8s.io/client-go/pkg/version",
        ],
    ),
];

/// Variables that hold the program's version, the likeliest first.
static VARIABLES: &[&str] = &[
    "version",
    "fullversion",
    "gitversion",
    "buildversion",
    "appversion",
    "semver",
    "tag",
    "gittag",
];

/// Returns the main module, if the build information names one.
pub(super) fn package(modules: &str) -> Option<Package> {
    let column = |key: &str| {
        let mut lines = modules.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'))
    };
    let (path, version) = match column("mod") {
        Some(line) => path_and_version(line)?,
        // Built without modules; only the package is known, and its version by the flags.
        None => (module_of(column("path")?)?, ""),
    };
    let cpe = |version: &str| cpe(path, version).into_iter().collect();
    if !version.is_empty() && version != "(devel)" && !is_commit(version) {
        return Some(Package {
            cpes: cpe(version),
            ..module(path, version)
        });
    }
    let setting = |key: &str| {
        let settings = modules
            .lines()
            .filter_map(|line| line.strip_prefix("build\t"));
        settings
            .filter_map(|line| line.split_once('='))
            .find(|(name, _)| *name == key)
    };
    let linked = setting("-ldflags").and_then(|(_, flags)| of_flags(flags, path));
    let revision = || {
        let (_, revision) = setting("vcs.revision")?;
        let (_, time) = setting("vcs.time")?;
        pseudo_version(revision, time)
    };
    let linked = linked.or_else(|| of_folder(modules, path));
    let guessed = linked.or_else(|| is_commit(version).then(|| version.to_owned()));
    let guessed = guessed.or_else(revision).unwrap_or_default();
    if guessed.is_empty() && column("mod").is_none() {
        return None;
    }
    Some(Package {
        cpes: cpe(&guessed),
        confidence: match guessed.is_empty() || is_commit(&guessed) {
            true => Confidence::Low,
            false => Confidence::Medium,
        },
        ..module(path, &guessed)
    })
}

/// Returns the version of another module that has this one's, taken from its repository, too.
fn of_folder(modules: &str, path: &str) -> Option<String> {
    let mut lines = modules.lines().zip(modules.lines().skip(1));
    lines.find_map(|(line, next)| {
        next.strip_prefix("=>\t.")?;
        let (other, version) = path_and_version(line.strip_prefix("dep\t")?)?;
        let same = elsewhere(path).iter().any(|start| other.starts_with(start));
        (same && is_version(version) && !is_commit(version)).then(|| version.to_owned())
    })
}

/// Returns what the packages begin with in which the version of a module is.
fn elsewhere(path: &str) -> &'static [&'static str] {
    let mut known = ELSEWHERE.iter();
    let known = known.find(|(module, _)| *module == without_major(path));
    known.map_or(&[], |(_, starts)| starts)
}

/// Gives the CPE name to a well-known program that a module of the same name only starts, as
/// Caddy is built.
pub(super) fn name_wrapped(modules: &str, packages: &mut [Package]) {
    let main = modules.lines().find_map(|line| line.strip_prefix("mod\t"));
    let Some((path, _)) = main.and_then(path_and_version) else {
        return;
    };
    if path.contains(['.', '/']) {
        return;
    }
    for package in packages {
        let full = package.full_name();
        if without_major(&full)
            .rsplit_once('/')
            .is_some_and(|(_, name)| name == path)
        {
            package.cpes.extend(cpe(&full, &package.version));
        }
    }
}

/// Finds `-X path.Variable=version` for a variable of the main module.
fn of_flags(flags: &str, path: &str) -> Option<String> {
    let text = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '\\');
    let elsewhere = elsewhere(path);
    let mut words = flags.split(text).filter(|word| !word.is_empty());
    let mut best: Option<(usize, &str)> = None;
    while let Some(word) = words.next() {
        let assignment = match word.strip_prefix("-X") {
            Some("") => words.next().unwrap_or_default(),
            Some(rest) => rest.trim_start_matches('='),
            None => continue,
        };
        let Some((variable, value)) = assignment.split_once('=') else {
            continue;
        };
        let Some((package, name)) = variable.rsplit_once('.') else {
            continue;
        };
        let own = package == "main"
            || package.starts_with(repository(path))
            || elsewhere.iter().any(|start| package.starts_with(start));
        let name = name.to_ascii_lowercase();
        let rank = VARIABLES.iter().position(|variable| *variable == name);
        if let Some(rank) = rank
            && own
            && is_version(value)
            && best.is_none_or(|(known, _)| rank < known)
        {
            best = Some((rank, value));
        }
    }
    // Versions of Go modules begin with this letter.
    best.map(|(_, value)| format!("v{}", value.trim_start_matches('v')))
}

/// Returns the module that a command most likely belongs to; nothing for Go's own.
fn module_of(command: &str) -> Option<&str> {
    let module = command
        .split_once("/cmd/")
        .map_or(command, |(module, _)| module);
    let host = module.split('/').next()?;
    (host.contains('.') && module.contains('/')).then_some(module)
}

/// Returns whether the program is well known, and nothing but a commit of it.
pub(super) fn lacks_version(package: &Package) -> bool {
    let unknown = package.version.is_empty() || is_commit(&package.version);
    let path = package.full_name();
    unknown && CPES.iter().any(|(known, _)| *known == without_major(&path))
}

/// Gives the main module the version that the program's texts have.
pub(super) fn with_version(package: Package, version: &str) -> Package {
    Package {
        cpes: cpe(&package.full_name(), version).into_iter().collect(),
        confidence: Confidence::Medium,
        version: format!("v{version}"),
        ..package
    }
}

/// Returns a module's path without the major version that it ends in.
fn without_major(path: &str) -> &str {
    match path.rsplit_once('/') {
        Some((base, major)) if major.starts_with('v') && major[1..].parse::<u16>().is_ok() => base,
        _ => path,
    }
}

/// Returns host, owner and repository of a module's path.
fn repository(path: &str) -> &str {
    let third = path.match_indices('/').nth(2);
    third.map_or(path, |(end, _)| &path[..end])
}

fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text[digits..].starts_with('.') && text.len() < 100
}

/// Names a commit as Go does (go.dev/ref/mod, "Pseudo-versions").
fn pseudo_version(revision: &str, time: &str) -> Option<String> {
    let time: String = time.chars().filter(char::is_ascii_digit).take(14).collect();
    let revision = revision.get(..12)?;
    (time.len() == 14).then(|| format!("v0.0.0-{time}-{revision}"))
}

/// Returns whether it names a commit that follows no release.
fn is_commit(version: &str) -> bool {
    version.starts_with("v0.0.0-")
}

/// Returns the CPE name; a commit has none, as it would be older than all that was ever mended.
fn cpe(path: &str, version: &str) -> Option<String> {
    if is_commit(version) {
        return None;
    }
    let base = without_major(path);
    let (_, name) = CPES.iter().find(|(path, _)| *path == base)?;
    super::cpe(name, version.trim_start_matches('v'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main(version: &str, settings: &str) -> String {
        let text = format!("mod\tgithub.com/minio/minio\t{version}\t\n{settings}");
        let package = package(&text).expect("a main module");
        format!("{} {:?}", package.version, package.confidence)
    }

    #[test]
    fn knows_a_version_from_flags_and_commits() {
        assert_eq!(main("v1.2.3", ""), "v1.2.3 High");
        assert_eq!(main("(devel)", ""), " Low");
        let commit =
            "build\tvcs.revision=0123456789abcdef0123\nbuild\tvcs.time=2023-04-05T06:07:08Z\n";
        assert_eq!(
            main("(devel)", commit),
            "v0.0.0-20230405060708-0123456789ab Low"
        );
        let flags = r#"build	-ldflags="-s -w -X main.date=2023 -X main.version=2.0.1 -X 'github.com/minio/minio/cmd.GitVersion=v9.9.9'""#;
        assert_eq!(
            main("(devel)", &format!("{commit}{flags}")),
            "v2.0.1 Medium"
        );
        let others =
            "build\t-ldflags=\"-X github.com/other/one.Version=v3.0.0 -X main.version=dev\"";
        assert_eq!(main("(devel)", others), " Low");
        let quoted = r#"build	-ldflags="-X=main.Version=v1.0.0-rc.1""#;
        assert_eq!(main("(devel)", quoted), "v1.0.0-rc.1 Medium");
        assert_eq!(package("path\tcmd/go\n"), None);
        assert_eq!(
            package("path\tgithub.com/containers/podman/cmd/podman\n"),
            None
        );
        let flags =
            "build\t-ldflags=\" -X \\\"github.com/docker/cli/cli/version.Version=28.2.2\\\"\"";
        let docker = package(&format!("path\tgithub.com/docker/cli/cmd/docker\n{flags}"));
        let docker = docker.expect("a module");
        assert_eq!(
            (&*docker.namespace, &*docker.name),
            ("github.com/docker", "cli")
        );
        assert_eq!(docker.version, "v28.2.2");
    }

    #[test]
    fn knows_versions_that_other_packages_hold() {
        for (path, flags, expected) in [
            (
                "helm.sh/helm/v3",
                "-X helm.sh/helm/v3/internal/version.version=v3.12.0",
                "helm:helm:3.12.0",
            ),
            (
                "k8s.io/kubernetes",
                "-X 'k8s.io/client-go/pkg/version.gitVersion=v1.28.2' -X k8s.io/component-base/version.gitVersion=v1.28.2",
                "kubernetes:kubernetes:1.28.2",
            ),
            (
                "github.com/hashicorp/consul",
                "-X github.com/hashicorp/consul/version.Version=1.16.1",
                "hashicorp:consul:1.16.1",
            ),
            (
                "github.com/hashicorp/vault",
                "-X github.com/hashicorp/vault/version.fullVersion=1.14.3",
                "hashicorp:vault:1.14.3",
            ),
            (
                "go.etcd.io/etcd/server/v3",
                "-X=go.etcd.io/etcd/api/v3/version.Version=3.5.9",
                "etcd:etcd:3.5.9",
            ),
            (
                "github.com/traefik/traefik/v3",
                "-X github.com/traefik/traefik/v3/pkg/version.Version=3.0.1",
                "traefik:traefik:3.0.1",
            ),
        ] {
            let text = format!("mod\t{path}\t(devel)\t\nbuild\t-ldflags=\"{flags}\"\n");
            let package = package(&text).expect("a main module");
            assert_eq!(package.full_name(), path);
            assert_eq!(
                package.cpes,
                [format!("cpe:2.3:a:{expected}:*:*:*:*:*:*:*")]
            );
        }
    }

    #[test]
    fn takes_the_version_of_a_folder_of_the_same_repository() {
        let text = "mod\tgo.etcd.io/etcd/server/v3\t(devel)\t\n\
            dep\tgithub.com/beorn7/perks\tv1.0.1\th1:a=\n\
            dep\tgo.etcd.io/etcd/api/v3\tv3.5.1\n=>\t../api\t\t\n\
            dep\tgo.etcd.io/etcd/client/v2\tv2.305.1\n=>\t../client/v2\t\t\n";
        let package = package(text).expect("a main module");
        assert_eq!(package.version, "v3.5.1");
        assert_eq!(package.cpes, ["cpe:2.3:a:etcd:etcd:3.5.1:*:*:*:*:*:*:*"]);
        assert_eq!(package.confidence, Confidence::Medium);
        let other = text.replace("../api", "example.com/api");
        assert_eq!(super::package(&other).expect("a main module").version, "");
    }

    #[test]
    fn names_what_is_only_started() {
        let names = |main: &str| {
            let dependency = module("github.com/caddyserver/caddy/v2", "v2.11.7");
            let mut packages = [
                dependency,
                module("caddy", "v0.0.0-20261003050618-72dd0fb067f6"),
            ];
            name_wrapped(&format!("mod\t{main}\t(devel)\t\n"), &mut packages);
            packages.map(|package| package.cpes).concat()
        };
        let caddy = "cpe:2.3:a:caddyserver:caddy:2.11.7:*:*:*:*:*:*:*".to_owned();
        assert_eq!(names("caddy"), [caddy]);
        assert!(names("app").is_empty());
        assert!(names("example.com/caddy").is_empty());
    }

    #[test]
    fn each_cpe_name_is_found() {
        for (path, name) in CPES {
            let text = format!("mod\t{path}/v2\tv2.3.4\t\n");
            let found = package(&text).expect("a main module").cpes;
            assert_eq!(found, [format!("cpe:2.3:a:{name}:2.3.4:*:*:*:*:*:*:*")]);
            assert_eq!(name.matches(':').count(), 1, "{name}");
            let same = CPES.iter().filter(|(other, _)| other == path);
            assert_eq!(same.count(), 1, "{path}");
            // A commit would be older than anything.
            let text = text.replace("v2.3.4", "v0.0.0-20250409171524-e4da49785aa6");
            let commit = package(&text).expect("a main module");
            assert_eq!(commit.cpes, Vec::<String>::new());
            assert_eq!(commit.confidence, Confidence::Low);
        }
    }

    #[test]
    fn knows_the_cpe_name() {
        let package = package("mod\tgithub.com/traefik/traefik/v3\tv3.1.0\t\n").expect("a module");
        assert_eq!(
            package.cpes,
            ["cpe:2.3:a:traefik:traefik:3.1.0:*:*:*:*:*:*:*"]
        );
        assert_eq!(cpe("github.com/traefik/other", "v1.0.0"), None);
        assert_eq!(cpe("github.com/minio/minio", ""), None);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(mod|build|[a-z./=\t\"' -])+\\PC{0,40}") {
            package(&text);
            of_flags(&text, "a");
        }
    }
}
