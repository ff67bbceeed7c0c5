//! What `--help` teaches.

use crate::support::Place;

fn help(args: &[&str]) -> String {
    let output = Place::new().output(args);
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// Leaves out the flags of every command, which `root` shows.
fn own_help(args: &[&str]) -> String {
    let text = help(args);
    let (own, rest) = text
        .split_once("Global options:\n")
        .expect("there are some");
    let after = rest
        .lines()
        .skip_while(|line| line.is_empty() || line.starts_with(' '));
    format!("{own}{}", after.collect::<Vec<_>>().join("\n"))
}

#[test]
fn root() {
    insta::assert_snapshot!(help(&["--help"]), @r#"
A marketplace and publisher programme for container images

Run a marketplace with `serve`; look at any image with `scan`, `sbom`, `certify` and `verify`, which
need no server and say the same as it does.

Usage: plimsoll [OPTIONS] <COMMAND>

Commands:
  serve        Run a marketplace: registry, storefront, portal and workers
  scan         List the known vulnerabilities of an image
  sbom         Write an image's bill of materials
  files        List the files of an image's layers with owner and mode
  verify       Check that an image is what a market certified
  certify      Run the certification checks over an image
  advisories   Download, compile, look up and carry advisories
  account      Manage the accounts of a marketplace
  publisher    Decide on publishers and manage their members
  signing-key  Register, prove, list and revoke what a publisher signs with
  token        Manage the access tokens of an account
  collect      Delete manifests, blobs and bytes that nothing reaches any more
  scrub        Read all stored blobs and manifests and compare them with their digests
  why          Say why a manifest or blob is kept, and where
  robot        Manage robot accounts: machines of a publisher or of a person
  keys         Make, list and rotate the operator's keys
  config       Show or check the configuration
  help         Explain a command, `images` or `exit-codes`

Options:
  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Global options:
      --format <FORMAT>
          How data is written to standard output

          Possible values:
          - text: For people
          - json: For programs
          
          [default: text]

  -q, --quiet
          Leave out notes and progress; data, warnings and errors remain

      --color <WHEN>
          When to use colours; NO_COLOR is respected

          Possible values:
          - auto:   On a terminal, unless `NO_COLOR` is set
          - always: Always
          - never:  Never
          
          [default: auto]

      --config <FILE>
          Configuration file; else ./plimsoll.toml, if there is one
          
          [env: PLIMSOLL_CONFIG]

`plimsoll help images` explains how images are named, `plimsoll help exit-codes` how commands end.
"#);
}

#[test]
fn serve() {
    insta::assert_snapshot!(own_help(&["serve", "--help"]), @r#"
Run a marketplace: registry, storefront, portal and workers

Works in an empty folder: database, keys and the first operator are made on first start. The
operator's password is printed once. The keys are encrypted with a passphrase that is made beside
the folder, in `DIR.passphrase`, unless `keys.passphrase_file` names another: keep a copy of it
apart from copies of the folder. With a certificate and its key it speaks TLS, and takes over new
files by itself. Stops on SIGTERM and SIGINT once requests and uploads have ended,
`server.shutdown_grace` later at the latest; what is cut then can be resumed. /healthz says that the
process is alive, /readyz that database and blobs can be used, /metrics how it is doing: to the
operator, or to everybody at --metrics-listen.

Usage: plimsoll serve [OPTIONS]

Options:
      --data <DIR>
          Folder that everything is kept in

      --listen <ADDR>
          Address and port to listen on; port 0 picks a free one

      --public-url <URL>
          Where clients reach it, if not at the listening address

      --tls-certificate <FILE>
          Certificate and those that vouch for it, in PEM; without it, plain HTTP

      --tls-key <FILE>
          The certificate's private key, in PEM

      --metrics-listen <ADDR>
          Address and port of a second listener for /metrics, /healthz and /readyz

      --workers <N>
          Background jobs at once in this process; 0 for none

      --log-level <LEVEL>
          Least severe level to log

  -h, --help
          Print help (see a summary with '-h')

Examples:
  plimsoll serve
  plimsoll serve --data /var/lib/plimsoll --listen 0.0.0.0:8080 --public-url https://market.example
  plimsoll serve --listen 0.0.0.0:443 --tls-certificate fullchain.pem --tls-key privkey.pem
  plimsoll serve --listen 127.0.0.1:0 --format json

With --format json the first line on standard output is
  {"event":"ready","url":"…","operator":"operator","operator_password":"…","passphrase_file":"…"}
where operator_password is null except on the first start.
"#);
}

#[test]
fn scan() {
    insta::assert_snapshot!(own_help(&["scan", "--help"]), @r#"
List the known vulnerabilities of an image

Findings are grouped by package, the worst first. Each bears the programme's class, which decides
how fast it must be fixed (Critical: 72 hours, Major: 7 days), and beside it the CVSS word and
score. Advisories come from --advisories, else from the configuration, else from the database that
`plimsoll advisories update` makes, else from a small starter set.

Usage: plimsoll scan [OPTIONS] <IMAGE>

Arguments:
  <IMAGE>
          The image: `host/name:tag`, `oci:DIR[:TAG]` and more; see `plimsoll help images`

Options:
      --platform <OS/ARCH>
          Which image of several, such as linux/arm64; `all` for every one
          
          Without it, the platform of this machine where the image has it, else the first.

      --no-cache
          Read everything again, and keep nothing in the cache folder

      --user <NAME:PASSWORD>
          Credentials for the registry
          
          Others on this machine may read it from the list of processes: prefer `docker login`, or
          the variables PLIMSOLL_REGISTRY_USER and PLIMSOLL_REGISTRY_PASSWORD.

      --plain-http
          Speak http without TLS to the registry

      --ca-file <FILE>
          Certificates (PEM) to trust instead of the public ones

      --advisories <FILE>
          The advisory database to match with

      --severity <CLASS,…>
          Show only these classes: critical, major, minor, unscored

      --output-format <KIND>
          Which kind of report

          Possible values:
          - table:     A table for people
          - json:      Everything, in this program's own form; as --format json
          - sarif:     SARIF 2.1.0, for code scanning
          - cyclonedx: CycloneDX 1.6: the bill of materials with its vulnerabilities
          - openvex:   OpenVEX 0.2.0: one statement for each finding, to be filled in
          - junit:     JUnit XML: one test for each package, failed where it has findings
          - markdown:  Markdown, for issues and pull requests
          - html:      One HTML file with a plot
          
          [default: table]

      --vex <FILE>
          Apply the statements of an OpenVEX, CycloneDX or CSAF document; may be given again

      --known-exploited
          Show only what is known to be exploited (CISA's catalogue)

      --min-epss <P>
          Show only what is exploited with at least this probability, 0 to 1 (EPSS)

      --installed-only
          Leave out what lock files ask for and bills of materials claim

      --only-fixed
          Show only what a newer version fixes

      --fail-on <CLASS>
          End with 1 where something of this class or a worse one is shown

      --exit-code <N>
          End with N where something is shown; with --fail-on, instead of 1

      --layers
          Show which layer brought each package

  -h, --help
          Print help (see a summary with '-h')

Examples:
  plimsoll scan registry.example/team/app:1.4
  plimsoll scan --fail-on major --only-fixed oci:build/app
  plimsoll scan --format json docker-archive:app.tar | jq '.images[].summary'
  plimsoll scan --output-format sarif registry.example/team/app:1.4 > app.sarif
  plimsoll scan --vex app.openvex.json --fail-on critical registry.example/team/app:1.4

Ends with 0 whatever is found, unless --fail-on or --exit-code is given. What a VEX statement
closes does not fail.
"#);
}

#[test]
fn sbom() {
    insta::assert_snapshot!(own_help(&["sbom", "--help"]), @r#"
Write an image's bill of materials

Lists every package with version, licence, package URL, the file that shows it and the layer that
brought it, as one JSON document on standard output, or as a table.

Usage: plimsoll sbom [OPTIONS] <IMAGE>
       plimsoll sbom <COMMAND>

Commands:
  diff  Compare the packages of two images

Arguments:
  <IMAGE>
          The image: `host/name:tag`, `oci:DIR[:TAG]` and more; see `plimsoll help images`

Options:
      --platform <OS/ARCH>
          Which image of several, such as linux/arm64; `all` for every one
          
          Without it, the platform of this machine where the image has it, else the first.

      --no-cache
          Read everything again, and keep nothing in the cache folder

      --user <NAME:PASSWORD>
          Credentials for the registry
          
          Others on this machine may read it from the list of processes: prefer `docker login`, or
          the variables PLIMSOLL_REGISTRY_USER and PLIMSOLL_REGISTRY_PASSWORD.

      --plain-http
          Speak http without TLS to the registry

      --ca-file <FILE>
          Certificates (PEM) to trust instead of the public ones

      --output-format <OUTPUT_FORMAT>
          Which kind of document

          Possible values:
          - cyclonedx: CycloneDX, JSON
          - spdx:      SPDX, JSON
          - table:     A table for people
          
          [default: cyclonedx]

      --by-layer
          Write a table for each layer: what it brought, what it took away

  -h, --help
          Print help (see a summary with '-h')

Examples:
  plimsoll sbom registry.example/team/app:1.4 > app.cdx.json
  plimsoll sbom --output-format spdx oci:build/app > app.spdx.json
  plimsoll sbom --by-layer registry.example/team/app:1.4
  plimsoll sbom diff registry.example/team/app:1.3 registry.example/team/app:1.4

With --platform all, JSON documents come one to a line.

The same image gives the same bytes: documents bear the time of $SOURCE_DATE_EPOCH, else that
at which the image was made (1970 where it does not say), and a serial number that follows from
it, the digest and what was found.
"#);
}

#[test]
fn verify() {
    insta::assert_snapshot!(own_help(&["verify", "--help"]), @r#"
Check that an image is what a market certified

Looks for the image's cosign signature (the tag `sha256-….sig` beside it, in the registry or the OCI
layout), checks that the key signed this very digest under this very name, and asks the market's log
whether it was released and is neither on hold nor revoked. What the log says is proven; its head is
remembered, so that a market that later shows an older log, or one with another past, is found out.
Nothing is pulled but the signature.

Usage: plimsoll verify [OPTIONS] <IMAGE>

Arguments:
  <IMAGE>
          The image: `host/name:tag`, `host/name@sha256:…` or `oci:DIR[:TAG]`

Options:
      --key <FILE>
          File with the public key (PEM) that must have signed; repeatable, one of them is enough
          
          A key that the market replaced is followed to its successor, where what the log says
          proves who that is, and not any more once the market revoked it.

      --trust-host
          Trust the key that the image's own host publishes
          
          Fetches /.well-known/plimsoll/release.pub from the host. That proves only that the image
          is what this host signs today, not that the host is honest: keep the key and give it with
          --key to notice when it changes.

      --identity <HOST/NAME>
          The name the signer must have given the image, where it is not the one in IMAGE; for an
          OCI layout always

      --platform <PLATFORM>
          The platform that the image must have, such as linux/arm64

      --at <DATE>
          Whether it was certified on that day (its end, UTC), or at that time (RFC 3339)

      --proof <FILE>
          What the log says, in a file; else `plimsoll-proof.json` in the layout, or the market's
          answer

      --save-proof <FILE>
          Keep what the log says, to verify a copy of the image without a network

      --max-age <DAYS>
          How many days old what the log says may be; else one day from the market, any age from a
          file

      --witness <KEY>
          Witness of the market's log (NAME+HASH+KEY) that must have seen what it says; repeatable
          
          What only the market signed may be said to you alone. A witness cosigns the log's head,
          and only where it goes on from all that this witness saw before, so it is what others see,
          too.

      --witnesses <N>
          How many of the witnesses must have seen it, where not all of them

      --signature-only
          Check the signature alone, and ask no log

      --digest
          Print only the verified reference by digest

      --user <NAME:PASSWORD>
          Credentials for the registry
          
          Others on this machine may read it from the list of processes: prefer `docker login`, or
          the variables PLIMSOLL_REGISTRY_USER and PLIMSOLL_REGISTRY_PASSWORD.

      --plain-http
          Speak http without TLS to the registry

      --ca-file <FILE>
          Certificates (PEM) to trust instead of the public ones

  -h, --help
          Print help (see a summary with '-h')

Examples:
  plimsoll verify --key release.pub market.example/acme/db:1.4
  docker pull $(plimsoll verify --digest --key release.pub market.example/acme/db:1.4)
  plimsoll verify --trust-host market.example/acme/db:1.4
  plimsoll verify --key release.pub --at 2026-11-27 market.example/acme/db@sha256:…
  plimsoll verify --key release.pub --save-proof copy/plimsoll-proof.json market.example/acme/db:1.4
  plimsoll verify --key release.pub --max-age 30 --identity market.example/acme/db oci:copy:1.4

A tag may move after it was verified: pull what --digest prints.
Ends with 0 when all holds, with 4 when a signature or proof does not, with 5 when they do but
the image is on hold, off the market, withdrawn under its tag, no more what its tag names, or with
--at was not certified.
"#);
}

#[test]
fn certify() {
    insta::assert_snapshot!(own_help(&["certify", "--help"]), @r#"
Run the certification checks over an image

The same checks that a submission goes through. What fails is shown with its evidence, why it
matters and what to do. An image passes when no check of level error fails.

Usage: plimsoll certify [OPTIONS] <IMAGE>

Arguments:
  <IMAGE>
          The image: `host/name:tag`, `oci:DIR[:TAG]` and more; see `plimsoll help images`

Options:
      --platform <OS/ARCH>
          Which image of several, such as linux/arm64; `all` for every one
          
          Without it, the platform of this machine where the image has it, else the first.

      --no-cache
          Read everything again, and keep nothing in the cache folder

      --user <NAME:PASSWORD>
          Credentials for the registry
          
          Others on this machine may read it from the list of processes: prefer `docker login`, or
          the variables PLIMSOLL_REGISTRY_USER and PLIMSOLL_REGISTRY_PASSWORD.

      --plain-http
          Speak http without TLS to the registry

      --ca-file <FILE>
          Certificates (PEM) to trust instead of the public ones

      --all
          Show passed checks and those that do not apply, too

  -h, --help
          Print help (see a summary with '-h')

Examples:
  plimsoll certify registry.example/team/app:1.4
  plimsoll certify --all --platform all oci:build/app

Ends with 0 when the image passes, with 1 when a check of level error fails.
docs/checks.md describes every check.
"#);
}

#[test]
fn groups() {
    let groups = ["advisories", "account", "publisher", "token", "config"];
    insta::assert_snapshot!(groups.map(|group| own_help(&[group, "-h"])).join("\n----\n"), @r#"
Download, compile, look up and carry advisories

Usage: plimsoll advisories [OPTIONS] <COMMAND>

Commands:
  sources  List the feeds that are known by name, and which are configured
  update   Download the configured sources and compile them
  import   Compile files that are here already, or take over a compiled database
  status   Say what the compiled advisories are made of, how old they are, and how each source fares
  show     Show one vulnerability: every source's statement, ratings, exploitation
  search   Find vulnerabilities and packages by a part of their name
  diff     Compare two compiled databases
  export   Write the compiled database and its signature, to be carried elsewhere

Options:
  -h, --help  Print help (see more with '--help')


----
Manage the accounts of a marketplace

Usage: plimsoll account [OPTIONS] <COMMAND>

Commands:
  create    Make an account; prints its password once, unless it is given
  list      List all accounts
  password  Set an account's password; prints it once, unless it is given
  disable   Bar an account from signing in
  enable    Let an account sign in again

Options:
  -h, --help  Print help (see more with '--help')


----
Decide on publishers and manage their members

Usage: plimsoll publisher [OPTIONS] <COMMAND>

Commands:
  list       List all publishers
  verify     Let a publisher publish, once its e-mail and domain are proven
  reject     Refuse an application
  suspend    Stop a publisher from publishing
  member     Make an account a member of a publisher
  quota      Show or set how much a publisher's staging repositories may take
  retention  Show, try or set by which rules tags of a publisher's staging repositories are dropped

Options:
  -h, --help  Print help (see more with '--help')


----
Manage the access tokens of an account

Usage: plimsoll token [OPTIONS] <COMMAND>

Commands:
  create  Make an access token; prints it once
  list    List an account's access tokens
  revoke  Revoke an access token

Options:
  -h, --help  Print help (see more with '--help')


----
Show or check the configuration

Usage: plimsoll config [OPTIONS] <COMMAND>

Commands:
  show   Print every key with its value and where that comes from; secrets are hidden
  check  Say what is wrong

Options:
  -h, --help  Print help (see more with '--help')
"#);
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
    insta::assert_snapshot!(commands.iter().map(usage).collect::<Vec<_>>().join("\n"), @r#"
Compile files that are here already, or take over a compiled database
    Usage: plimsoll advisories import [OPTIONS] <[NAME=]FILE>...
Download the configured sources and compile them
    Usage: plimsoll advisories update [OPTIONS]
Say what the compiled advisories are made of, how old they are, and how each source fares
    Usage: plimsoll advisories status [OPTIONS]
Make an account; prints its password once, unless it is given
    Usage: plimsoll account create [OPTIONS] --email <EMAIL> <NAME>
List all accounts
    Usage: plimsoll account list [OPTIONS]
Set an account's password; prints it once, unless it is given
    Usage: plimsoll account password [OPTIONS] <NAME>
Bar an account from signing in
    Usage: plimsoll account disable [OPTIONS] <NAME>
Let an account sign in again
    Usage: plimsoll account enable [OPTIONS] <NAME>
List all publishers
    Usage: plimsoll publisher list [OPTIONS]
Let a publisher publish, once its e-mail and domain are proven
    Usage: plimsoll publisher verify [OPTIONS] <PUBLISHER>
Refuse an application
    Usage: plimsoll publisher reject [OPTIONS] --reason <REASON> <PUBLISHER>
Stop a publisher from publishing
    Usage: plimsoll publisher suspend [OPTIONS] --reason <REASON> <PUBLISHER>
Make an account a member of a publisher
    Usage: plimsoll publisher member [OPTIONS] --role <ROLE> <PUBLISHER> <ACCOUNT>
Make an access token; prints it once
    Usage: plimsoll token create [OPTIONS] --account <ACCOUNT> <NAME>
List an account's access tokens
    Usage: plimsoll token list [OPTIONS] --account <ACCOUNT>
Revoke an access token
    Usage: plimsoll token revoke [OPTIONS] --account <ACCOUNT> <ID>
Print every key with its value and where that comes from; secrets are hidden
    Usage: plimsoll config show [OPTIONS]
Say what is wrong
    Usage: plimsoll config check [OPTIONS]
"#);
}

#[test]
fn topics() {
    insta::assert_snapshot!(help(&["help", "exit-codes"]), @r#"
Exit codes:

  0  success; also where whoever reads the output stopped reading
  1  `scan --fail-on` or `--exit-code` found something; `certify` found a failed check of level error; `scrub` found something missing or damaged
  2  what was asked for makes no sense: wrong usage, configuration, name or value
  3  it cannot be done: a file, network, registry or database error
  4  `verify`: no signature or proof holds, or the image is not signed
  5  `verify`: signed, but on hold, off the market, withdrawn under its tag, no more what its tag names, or not certified on that day
"#);
    assert_eq!(help(&["help", "scan"]), help(&["scan", "--help"]));
    assert!(help(&["help", "images"]).contains("docker-archive:FILE"));
}
