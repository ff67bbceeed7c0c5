//! Ecosystems: who names and numbers a package.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])+ $name:ident = $purl:literal,)+) => {
        /// An ecosystem; its word in JSON is the variant's name in lower case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Kind {
            $($(#[$doc])+ $name,)+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Returns the package URL's type (purl-spec).
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $purl,)+ }
            }
        }
    };
}

kinds! {
    /// Alpine and its relatives.
    Apk = "apk",
    /// Debian and its relatives.
    Deb = "deb",
    /// Red Hat, SUSE and their relatives.
    Rpm = "rpm",
    /// Arch Linux and its relatives.
    Pacman = "alpm",
    /// OpenWrt and Yocto.
    Opkg = "opkg",
    /// Nix store paths.
    Nix = "nix",
    /// Bitnami's components.
    Bitnami = "bitnami",
    /// Conda.
    Conda = "conda",
    /// Python.
    Pypi = "pypi",
    /// JavaScript.
    Npm = "npm",
    /// Java and its relatives.
    Maven = "maven",
    /// Go modules.
    Golang = "golang",
    /// Rust.
    Cargo = "cargo",
    /// Ruby.
    Gem = "gem",
    /// PHP.
    Composer = "composer",
    /// PHP's extensions.
    Pear = "pear",
    /// .NET.
    Nuget = "nuget",
    /// Swift.
    Swift = "swift",
    /// CocoaPods.
    Cocoapods = "cocoapods",
    /// Dart.
    Pub = "pub",
    /// Elixir and Erlang.
    Hex = "hex",
    /// Erlang's own applications.
    Otp = "otp",
    /// Haskell.
    Hackage = "hackage",
    /// R.
    Cran = "cran",
    /// Julia.
    Julia = "julia",
    /// Lua.
    Luarocks = "luarocks",
    /// Perl.
    Cpan = "cpan",
    /// OCaml.
    Opam = "opam",
    /// C and C++, by Conan.
    Conan = "conan",
    /// WordPress' plugins.
    Wordpress = "wordpress-plugin",
    /// WordPress' themes.
    WordpressTheme = "wordpress-theme",
    /// Projects of a forge, such as workflow actions.
    Github = "github",
    /// Programs without any package.
    Generic = "generic",
}

impl Kind {
    /// Returns whether a distribution's package manager installed it; such packages own files.
    pub fn is_distribution(self) -> bool {
        matches!(
            self,
            Self::Apk | Self::Deb | Self::Rpm | Self::Pacman | Self::Opkg
        )
    }
}
