//! What `--help` teaches.

use crate::support::Place;

fn help(args: &[&str]) -> String {
    let output = Place::new().output(args);
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn root() {
    insta::assert_snapshot!(help(&["--help"]));
}

#[test]
fn serve() {
    insta::assert_snapshot!(help(&["serve", "--help"]));
}

#[test]
fn scan() {
    insta::assert_snapshot!(help(&["scan", "--help"]));
}

#[test]
fn sbom() {
    insta::assert_snapshot!(help(&["sbom", "--help"]));
}

#[test]
fn verify() {
    insta::assert_snapshot!(help(&["verify", "--help"]));
}

#[test]
fn certify() {
    insta::assert_snapshot!(help(&["certify", "--help"]));
}

#[test]
fn groups() {
    let groups = ["advisories", "account", "publisher", "token", "config"];
    insta::assert_snapshot!(groups.map(|group| help(&[group, "-h"])).join("\n----\n"));
}

#[test]
fn every_command_has_an_own_first_line() {
    let commands = [
        &["advisories", "import"][..],
        &["advisories", "update"],
        &["advisories", "status"],
        &["account", "create"],
        &["account", "list"],
        &["account", "password"],
        &["account", "disable"],
        &["account", "enable"],
        &["publisher", "list"],
        &["publisher", "verify"],
        &["publisher", "reject"],
        &["publisher", "suspend"],
        &["publisher", "member"],
        &["token", "create"],
        &["token", "list"],
        &["token", "revoke"],
        &["config", "show"],
        &["config", "check"],
    ];
    let usage = |command: &&[&str]| {
        let text = help(&[command, &["-h"][..]].concat());
        let mut lines = text.lines();
        let about = lines.next().expect("a first line").to_owned();
        let usage = lines.find(|line| line.starts_with("Usage:"));
        format!("{about}\n    {}", usage.expect("a usage line"))
    };
    insta::assert_snapshot!(commands.iter().map(usage).collect::<Vec<_>>().join("\n"));
}

#[test]
fn topics() {
    insta::assert_snapshot!(help(&["help", "exit-codes"]));
    assert_eq!(help(&["help", "scan"]), help(&["scan", "--help"]));
    assert!(help(&["help", "images"]).contains("docker-archive:FILE"));
}
