//! The key for releases in a PKCS#11 token: SoftHSM, seen by stock verifiers, pulled and put
//! back, with another PIN.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use testkit::Server;

use crate::{
    artifacts::{notation_trusts, notation_verifies},
    cosign::{cosigns, empty_root},
    market::{Market, fail, run, serve_by, succeed},
    newer,
    notary::Side,
    skip,
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
/// Writes down what a module is asked.
const SPY: &str = "/usr/lib/x86_64-linux-gnu/pkcs11/pkcs11-spy.so";
const PIN: &str = "271828";

/// A token of its own, and a way to run programs that see it.
struct Token {
    dir: tempfile::TempDir,
}

impl Token {
    fn new() -> Option<Self> {
        for file in [MODULE, SPY] {
            if !Path::new(file).exists() {
                skip(&format!(
                    "`{file}` is not there (Debian's softhsm2 and opensc)"
                ));
                return None;
            }
        }
        let dir = tempfile::tempdir().expect("a temporary folder");
        let token = Self { dir };
        fs::create_dir(token.tokens()).expect("a folder");
        let conf = format!("directories.tokendir = {}\n", token.tokens().display());
        token.write("softhsm2.conf", &conf);
        token.write("pin", &format!("{PIN}\n"));
        let conf = token.path("softhsm2.conf").display().to_string();
        let program = env!("CARGO_BIN_EXE_plimsoll");
        let spy = token.path("spy.log").display().to_string();
        let start = format!(
            "#!/bin/sh\nexport SOFTHSM2_CONF='{conf}' PKCS11SPY={MODULE} PKCS11SPY_OUTPUT='{spy}'\nexec '{program}' \"$@\"\n"
        );
        token.write("plimsoll", &start);
        let may_run = fs::Permissions::from_mode(0o755);
        fs::set_permissions(token.program(), may_run).expect("it may be run");
        let mut init = Command::new("softhsm2-util");
        init.args(["--init-token", "--free", "--label", "market"]);
        init.args(["--so-pin", "314159", "--pin", PIN]);
        succeed(init.env("SOFTHSM2_CONF", conf));
        token.configure(MODULE, "plimsoll-release");
        Some(token)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    fn tokens(&self) -> PathBuf {
        self.path("tokens")
    }

    fn program(&self) -> PathBuf {
        self.path("plimsoll")
    }

    fn configure(&self, module: &str, key: &str) {
        let pin = self.path("pin");
        let text = format!(
            "[keys.token]\nmodule = \"{module}\"\nname = \"market\"\nkey = \"{key}\"\npin_file = \"{}\"\n",
            pin.display()
        );
        self.write("plimsoll.toml", &text);
    }

    fn config(&self) -> String {
        self.path("plimsoll.toml").display().to_string()
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Takes it out of its slot, which is empty then.
    fn pull(&self) {
        fs::rename(self.tokens(), self.path("pulled")).expect("pulled");
        fs::create_dir(self.tokens()).expect("a folder");
    }

    fn put_back(&self) {
        fs::remove_dir(self.tokens()).expect("an empty slot");
        fs::rename(self.path("pulled"), self.tokens()).expect("put back");
        // It is not asked at once again.
        thread::sleep(Duration::from_millis(1_100));
    }

    fn market(&self) -> Market {
        Market::start_by(&self.program(), &self.data(), &["--config", &self.config()])
    }

    fn plimsoll(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command.args(args).args(["--config", &self.config()]);
        command
    }

    /// What the server wrote into its log.
    fn log(&self) -> String {
        fs::read_to_string(self.path("data.log")).expect("a log")
    }

    fn pkcs11_tool(&self, args: &[&str]) -> Command {
        let mut tool = Command::new("pkcs11-tool");
        tool.args(["--module", MODULE, "--token-label", "market"]);
        tool.args(args);
        tool.env("SOFTHSM2_CONF", self.path("softhsm2.conf"));
        tool
    }
}

/// Asks what the log says of the product, which takes a signature by the key for releases.
fn statement(server: &Server) -> u16 {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code}",
    ]);
    curl.arg(format!("{}/log/proof/acme/harbour", server.url()));
    succeed(&mut curl).parse().expect("a status")
}

fn verifies(market: &Market, token: &str, key: &Path, tag: &str, more: &[&str]) {
    let image = format!("{}/acme/harbour:{tag}", market.server.host());
    let user = format!("carl:{token}");
    let mut verify = Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    verify.args(["verify", &image, "--user", &user, "--key"]);
    succeed(verify.arg(key).args(more).env("HOME", market.dir.path()));
}

#[test]
fn everybody_verifies_what_a_token_signed() {
    let Some(token) = Token::new() else { return };
    let market = token.market();
    let digest = market.release("1.0");
    let keys = market.server.data().join("keys");
    assert!(
        !keys.join("release.key").exists(),
        "it is in the token alone"
    );
    let data = token.data().display().to_string();
    let listed = succeed(&mut token.plimsoll(&["keys", "list", "--data", &data]));
    assert!(listed.contains("in token market"), "{listed}");
    let objects = succeed(&mut token.pkcs11_tool(&["--login", "--pin", PIN, "--list-objects"]));
    assert_eq!(
        objects.matches("label:      plimsoll-release").count(),
        3,
        "{objects}"
    );
    let sensitive = objects.matches("never extractable").count();
    assert_eq!(sensitive, 2, "{objects}");

    let carl = market.subscribe();
    verifies(&market, &carl, &market.public_key(), "1.0", &[]);
    notary_finds(&market, "1.0");
    cosign_verifies(&market, &carl, &digest);
    if let Some(notation) = newer("PLIMSOLL_NOTATION", "notation") {
        let home = market.signed_in("carl", &carl);
        notation_trusts(&notation, &home, &market);
        notation_verifies(&notation, &home, (&market, &carl), &digest);
        // The certificate that is trusted stays, though a token makes no two alike.
        let second = market.release("1.1");
        notation_verifies(&notation, &home, (&market, &carl), &second);
    }
    assert!(!token.log().contains(PIN), "the PIN is nowhere");
}

fn notary_finds(market: &Market, tag: &str) {
    if Command::new("notary").arg("--help").output().is_err() {
        return skip("notary is not installed");
    }
    let gun = format!("{}/acme/harbour", market.server.host());
    let (found, said) = Side::reader(market).notary(&["lookup", &gun, tag], "");
    assert!(found, "{said}");
}

fn cosign_verifies(market: &Market, carl: &str, digest: &oci::Digest) {
    let home = market.signed_in("carl", carl);
    let image = format!("{}/acme/harbour@{digest}", market.server.host());
    let key = market.public_key().display().to_string();
    for program in cosigns() {
        let root = empty_root(&program, &home).display().to_string();
        let bundle = ["--new-bundle-format", "--trusted-root", &root];
        let provenance = ["verify-attestation", "--type", "slsaprovenance1"];
        for args in [
            vec!["verify"],
            [&["verify"], &bundle[..]].concat(),
            [&provenance[..], &bundle].concat(),
        ] {
            let mut verify = Command::new(&program);
            verify
                .args(args)
                .args(["--insecure-ignore-tlog=true", "--key", &key, &image]);
            succeed(verify.env("DOCKER_CONFIG", &home).env("HOME", &home));
        }
    }
}

#[test]
fn a_token_that_is_pulled_is_waited_for() {
    let Some(token) = Token::new() else { return };
    token.configure(SPY, "plimsoll-release");
    let mut market = token.market();
    market.release("1.0");
    assert_eq!(statement(&market.server), 200);
    // What was signed a moment ago is given out again, unless there is more to say.
    market.manage("hold");
    token.pull();
    assert_eq!(statement(&market.server), 503);
    let said = token.log();
    assert!(said.contains("token `market`: it is not there"), "{said}");
    token.put_back();
    assert_eq!(statement(&market.server), 200, "another session is opened");

    // A server starts without it, as most of the market needs no signature.
    token.pull();
    market.server.kill().expect("it ends");
    let host = market.server.host().to_owned();
    let restart = || {
        serve_by(
            &token.program(),
            &token.data(),
            &host,
            &["--config", &token.config()],
        )
    };
    market.server = restart();
    assert_eq!(statement(&market.server), 503);
    token.put_back();
    assert_eq!(statement(&market.server), 200);

    // A PIN that is refused is not given again.
    market.manage("reinstate");
    let change = [
        "--login",
        "--pin",
        PIN,
        "--change-pin",
        "--new-pin",
        "161803",
    ];
    succeed(&mut token.pkcs11_tool(&change));
    token.pull();
    assert_eq!(statement(&market.server), 503);
    token.put_back();
    let attempts = || {
        fs::read_to_string(token.path("spy.log"))
            .expect("a log")
            .matches("C_Login")
            .count()
    };
    let before = attempts();
    for _ in 0..3 {
        assert_eq!(statement(&market.server), 503);
    }
    assert_eq!(attempts(), before + 1);
    assert!(
        token.log().contains("its PIN is another one"),
        "{}",
        token.log()
    );
    market.server.kill().expect("it ends");
    let data = token.data().display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let said = fail(&mut token.plimsoll(&serve));
    assert!(said.contains("mend `keys.token.pin_file`"), "{said}");
    token.write("pin", "161803\n");
    market.server = restart();
    assert_eq!(statement(&market.server), 200);
    assert!(!token.log().contains("161803"), "the PIN is nowhere");
}

/// As the operator's guide has it.
#[test]
fn a_key_in_a_file_is_replaced_by_one_in_a_token() {
    let Some(token) = Token::new() else { return };
    let mut market = Market::start_in(&token.data());
    let digest = market.release("1.0");
    let host = market.server.host().to_owned();
    let carl = market.subscribe();
    notary_finds(&market, "1.0");
    market.server.kill().expect("it ends");
    let keys = token.data().join("keys");
    let data = token.data().display().to_string();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let said = fail(&mut token.plimsoll(&serve));
    assert!(said.contains("and another one in"), "{said}");
    let old = token.path("old.pub");
    fs::rename(keys.join("release.pub"), &old).expect("taken out");
    fs::rename(keys.join("release.key"), token.path("old.key")).expect("taken out");
    market.server = serve_by(
        &token.program(),
        &token.data(),
        &host,
        &["--config", &token.config()],
    );
    let again = [
        "keys",
        "sign-again",
        "--public-url",
        market.server.url(),
        "--data",
        &data,
    ];
    let said = succeed(&mut token.plimsoll(&again));
    assert!(said.starts_with("Signed 1 product with key "), "{said}");
    let said = succeed(&mut token.plimsoll(&again));
    assert!(said.starts_with("Signed 0 products with key "), "{said}");
    notary_finds(&market, "1.0");
    verifies(&market, &carl, &market.public_key(), "1.0", &[]);
    for more in [&["--signature-only"][..], &[]] {
        verifies(&market, &carl, &old, "1.0", more);
    }
    cosign_verifies(&market, &carl, &digest);
    if let Some(notation) = newer("PLIMSOLL_NOTATION", "notation") {
        let home = market.signed_in("carl", &carl);
        notation_trusts(&notation, &home, &market);
        notation_verifies(&notation, &home, (&market, &carl), &digest);
    }
    market.release("1.1");
    notary_finds(&market, "1.1");
}

#[test]
fn the_ceremony_makes_the_key_in_the_token() {
    let Some(token) = Token::new() else { return };
    let ceremony = token.path("ceremony").display().to_string();
    let said = succeed(&mut token.plimsoll(&["keys", "make", &ceremony]));
    assert!(said.contains("(in token market)"), "{said}");
    let online = token.path("ceremony/online");
    assert!(online.join("release.pub").exists() && !online.join("release.key").exists());
    let other = token.path("other").display().to_string();
    let said = fail(&mut token.plimsoll(&["keys", "make", &other]));
    assert!(
        said.contains("has a key `plimsoll-release` already"),
        "{said}"
    );
    fs::create_dir(token.data()).expect("a folder");
    fs::rename(&online, token.data().join("keys")).expect("put in place");
    let words = token.path("ceremony/online.passphrase");
    fs::rename(words, token.path("data.passphrase")).expect("put in place");
    let made = fs::read(token.data().join("keys/release.pub")).expect("a key");
    let market = token.market();
    let served = run(Command::new("curl").arg("--silent").arg(format!(
        "{}/.well-known/plimsoll/release.pub",
        market.server.url()
    )));
    assert_eq!(served.stdout, made);
    let said = fail(&mut token.plimsoll(&["keys", "make", &other]));
    assert!(said.contains("cannot make the folder"), "{said}");
}
