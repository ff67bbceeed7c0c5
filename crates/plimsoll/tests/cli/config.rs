//! Configuration: where values come from, and what is said about wrong ones.

use crate::support::Place;

#[test]
fn unknown_keys_and_wrong_types_name_file_and_line() {
    let place = Place::new();
    place.write(
        "plimsoll.toml",
        "[server]\nlisten = \"127.0.0.1:80\"\nworker = 3\n\n[registry]\ntoken_life = 15\n",
    );
    insta::assert_snapshot!(place.run(&["config", "check"]), @r#"
exit 2
--- out ---
--- err ---
error: plimsoll.toml:6: `registry.token_life` must be a duration such as 15m, 24h or 90d, but is a number
       plimsoll.toml:3: there is no key `server.worker`
hint: did you mean `server.workers`?
"#);
}

#[test]
fn values_say_where_they_come_from_and_secrets_stay_hidden() {
    let place = Place::new();
    place.write(
        "plimsoll.toml",
        "[keys]\npassphrase = \"geheim\"\n[database]\nurl = \"postgres://me:geheim@db/market\"\n",
    );
    let output = place
        .command(&["config", "show", "--data", "store"])
        .env("PLIMSOLL_SERVER_WORKERS", "5")
        .output()
        .expect("the binary runs");
    assert!(!place.show(&output).contains("geheim"));
    insta::assert_snapshot!(place.show(&output), @r#"
exit 0
--- out ---
KEY                                    FROM                      VALUE
server.listen                          default                   127.0.0.1:8080
server.public_url                      default                   -
server.trusted_proxies                 default                   -
server.workers                         $PLIMSOLL_SERVER_WORKERS  5
server.job_lease                       default                   30s
server.shutdown_grace                  default                   30s
server.tls.certificate                 default                   -
server.tls.key                         default                   -
server.limits.connections              default                   10000
server.limits.connections_per_address  default                   5000
server.limits.streams_per_connection   default                   128
server.limits.header_bytes             default                   32KiB
server.limits.header_count             default                   80
server.limits.target_bytes             default                   8KiB
server.limits.header_time              default                   30s
server.limits.idle_time                default                   60s
server.limits.body_rate                default                   1KiB
server.limits.requests_per_account     default                   2000
data.dir                               flag                      store
database.url                           plimsoll.toml:4           postgres://…@db/market
blobs.kind                             default                   filesystem
blobs.s3.endpoint                      default                   -
blobs.s3.region                        default                   us-east-1
blobs.s3.bucket                        default                   -
blobs.s3.prefix                        default                   -
blobs.s3.access_key                    default                   -
blobs.s3.secret_key                    default                   -
blobs.s3.allow_http                    default                   false
blobs.s3.redirect                      default                   false
registry.max_blob_bytes                default                   20GiB
registry.uploads_per_account           default                   1000
registry.upload_life                   default                   24h
registry.index_depth                   default                   4
registry.sparse_images                 default                   false
registry.read_ahead                    default                   true
trust.identity_root                    default                   -
trust.witnesses                        default                   -
trust.witness_networks                 default                   -
registry.token_life                    default                   15m
registry.collect_grace                 default                   24h
registry.collect_every                 default                   24h
registry.publisher_quota               default                   0
registry.scrub_every                   default                   never
registry.scrub_rate                    default                   50MiB
accounts.open_registration             default                   true
review.two_for_first_release           default                   false
review.partners_only                   default                   false
review.confirm_holds                   default                   false
advisories.file                        default                   -
advisories.sources                     default                   debian, osv-debian, osv-alpine, ubuntu, rocky, alma, wolfi, osv-npm, osv-pypi, osv-maven, osv-go, osv-crates, osv-rubygems, osv-nuget, osv-packagist, kev, epss
keys.rotate_tokens_after               default                   90d
keys.passphrase                        plimsoll.toml:2           (hidden)
keys.passphrase_file                   default                   -
keys.token.module                      default                   -
keys.token.name                        default                   -
keys.token.key                         default                   plimsoll-release
keys.token.pin_file                    default                   -
metrics.listen                         default                   -
mail.smtp_url                          default                   -
mail.from                              default                   -
webhooks.allow_http                    default                   false
webhooks.allow_networks                default                   -
imports.allow_networks                 default                   -
imports.workers                        default                   2
publishers.dns_server                  default                   -
telemetry.otlp_endpoint                default                   -
telemetry.sample_percent               default                   100
log.level                              default                   info
log.format                             default                   text
--- err ---
"#);
}

#[test]
fn a_misspelt_variable_is_pointed_out() {
    let place = Place::new();
    let output = place
        .command(&["config", "check"])
        .env("PLIMSOLL_DATA_DIRR", "x")
        .output()
        .expect("the binary runs");
    insta::assert_snapshot!(place.show(&output), @r#"
exit 0
--- out ---
The configuration is valid (no file)
--- err ---
warning: the variable PLIMSOLL_DATA_DIRR means nothing here: did you mean PLIMSOLL_DATA_DIR?
"#);
}

#[test]
fn a_missing_file_and_a_wrong_variable_are_errors() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["config", "check", "--config", "no.toml"]), @r#"
exit 2
--- out ---
--- err ---
error: cannot read the configuration `no.toml`
  caused by: No such file or directory (os error 2)
"#);
    let output = place
        .command(&["config", "check"])
        .env("PLIMSOLL_REGISTRY_MAX_BLOB_BYTES", "plenty")
        .output()
        .expect("the binary runs");
    insta::assert_snapshot!(place.show(&output), @r#"
exit 2
--- out ---
--- err ---
error: $PLIMSOLL_REGISTRY_MAX_BLOB_BYTES: `plenty` is not bytes, such as 10GiB
"#);
}
