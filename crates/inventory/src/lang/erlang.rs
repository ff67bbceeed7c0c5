//! Elixir and Erlang: what `mix.lock` and `rebar.lock` ask for, and the applications that
//! are there, `ebin/*.app` (erlang.org, "app"; hexdocs.pm, "mix deps.get"; rebar3.org).
//! All are terms of Erlang or Elixir, of which only the places needed are looked for.

use super::{lock, text::quoted};
use crate::{
    Confidence, FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
};

/// Reads `mix.lock`, `rebar.lock` and `ebin/*.app`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "erlang",
    wants: &[
        Want::Name("mix.lock"),
        Want::Name("rebar.lock"),
        Want::File(is_application),
    ],
    read: Reading::Whole {
        most: 4 << 20,
        read,
    },
    ..Analyser::BASE
};

/// The applications of Erlang/OTP and of Elixir themselves, sorted.
static OWN: &[&str] = &[
    "asn1",
    "common_test",
    "compiler",
    "crypto",
    "debugger",
    "dialyzer",
    "diameter",
    "edoc",
    "eex",
    "eldap",
    "elixir",
    "erl_docgen",
    "erl_interface",
    "erts",
    "et",
    "eunit",
    "ex_unit",
    "ftp",
    "iex",
    "inets",
    "jinterface",
    "kernel",
    "logger",
    "megaco",
    "mix",
    "mnesia",
    "observer",
    "odbc",
    "os_mon",
    "parsetools",
    "public_key",
    "reltool",
    "runtime_tools",
    "sasl",
    "snmp",
    "ssh",
    "ssl",
    "stdlib",
    "syntax_tools",
    "tftp",
    "tools",
    "wx",
    "xmerl",
];

fn is_application(file: &FileEntry) -> bool {
    let name = file.path.strip_suffix(".app");
    let folder = name.and_then(|path| path.rsplit_once('/'));
    folder.is_some_and(|(folder, _)| folder.ends_with("ebin"))
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    if path.ends_with("mix.lock") {
        lock::findings(text.lines().filter_map(mix).collect())
    } else if path.ends_with("rebar.lock") {
        lock::findings(text.split("{pkg,").skip(1).filter_map(rebar).collect())
    } else {
        application(&text)
    }
}

/// A line is `"jason": {:hex, :jason, "1.4.0", …}`; the key may differ from the name.
fn mix(line: &str) -> Option<Package> {
    let (_, rest) = line.split_once("{:hex, :")?;
    let (name, rest) = rest.split_once(',')?;
    let (version, _) = quoted(rest.trim_start())?;
    Some(lock::declared(Kind::Hex, name.trim_matches('"'), version))
}

/// `{pkg,<<"cowboy">>,<<"2.9.0">>}`.
fn rebar(text: &str) -> Option<Package> {
    let (name, rest) = quoted(text.trim_start().strip_prefix("<<")?)?;
    let (_, rest) = rest.split_once("<<")?;
    let (version, _) = quoted(rest)?;
    Some(lock::declared(Kind::Hex, name, version))
}

/// `{application, cowboy, [{vsn, "2.9.0"}, …]}.`
fn application(text: &str) -> Findings {
    let after = |start: &str| {
        let (_, rest) = text.split_once(start)?;
        rest.trim_start().strip_prefix(',')
    };
    let name = after("{application").and_then(|rest| rest.split(',').next());
    let name = name.map(|name| name.trim().trim_matches('\''));
    let version = after("{vsn").and_then(|rest| quoted(rest.trim_start()));
    let (Some(name), Some((version, _))) = (name, version) else {
        return Findings::unread("no `application` with `vsn`");
    };
    if !lock::is_sound(name) || !lock::is_sound(version) {
        return Findings::default();
    }
    let is_own = OWN.binary_search(&name).is_ok();
    Findings::packages(vec![Package {
        // The file does not say from where it came; nearly all come from Hex.
        confidence: if is_own {
            Confidence::High
        } else {
            Confidence::Medium
        },
        ..Package::new(if is_own { Kind::Otp } else { Kind::Hex }, name, version)
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_locks() {
        let mix = read(
            "srv/mix.lock",
            b"%{\n  \"jason\": {:hex, :jason, \"1.4.0\", \"e855\", [:mix], [{:decimal, \"~> 1.0\", [hex: :decimal]}], \"hexpm\", \"79a3\"},\n  \
            \"g\": {:git, \"https://example.org/g.git\", \"abc\", []},\n}\n",
        );
        assert_eq!(listed(&mix), ["pkg:hex/jason@1.4.0 Declared"]);
        let rebar = read(
            "rebar.lock",
            b"{\"1.2.0\",\n[{<<\"cowboy\">>,{pkg,<<\"cowboy\">>,<<\"2.9.0\">>},0},\n {<<\"g\">>,{git,\"x\",{ref,\"a\"}},1}]}.\n",
        );
        assert_eq!(listed(&rebar), ["pkg:hex/cowboy@2.9.0 Declared"]);
    }

    #[test]
    fn reads_applications() {
        let own = read(
            "lib/stdlib-3.11.2/ebin/stdlib.app",
            b"%% c\n{application, stdlib,\n [{description, \"x\"},\n  {vsn, \"3.11.2\"}]}.\n",
        );
        assert_eq!(listed(&own), ["pkg:otp/stdlib@3.11.2"]);
        let hex = read(
            "ebin/cowboy.app",
            b"{application,'cowboy',[{vsn,\"2.9.0\"}]}.",
        );
        assert_eq!(listed(&hex), ["pkg:hex/cowboy@2.9.0"]);
        for text in ["", "{application", "{application,a,[{vsn", "{vsn,\"1\"}"] {
            assert_eq!(
                read("ebin/a.app", text.as_bytes()).problems.len(),
                1,
                "{text}"
            );
        }
        assert_eq!(readers("opt/lib/a-1/ebin/a.app"), ["erlang"]);
        assert!(readers("Applications/a.app").is_empty());
        assert!(OWN.is_sorted());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(\\{pkg,|\\{:hex, :|\\{application|\\{vsn|<<|[\",'é a]){0,20}") {
            for name in ["mix.lock", "rebar.lock", "ebin/a.app"] {
                read(name, text.as_bytes());
            }
        }
    }
}
