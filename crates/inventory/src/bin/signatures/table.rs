//! The table of signatures: one line for each text of a program or library, as it was read in
//! the program itself.
//! To add one: name; file names; shared libraries whose users carry the same text; the text (see
//! [`Pattern`](super::pattern::Pattern)), and `with` what else the program holds, where the text
//! alone may be another's (see [`holds`](super::pattern::holds)); vendor and product of the CPE
//! name. Then `examples.txt` gets what a real program has around the text.

use super::Signature;

macro_rules! signatures {
    ($($name:literal, [$($file:literal),*], [$($shared:literal),*],
        $pattern:literal $(with $with:literal)?, $cpe:literal;)+) => {
        /// All of them.
        pub(super) static ALL: &[Signature] = &[$(Signature {
            name: $name,
            files: &[$($file),*],
            shared: &[$($shared),*],
            pattern: $pattern,
            with: concat!("", $($with)?),
            cpe: $cpe,
        },)+];
    };
}

signatures! {
    // Runtimes of languages.
    "node", ["node", "nodejs", "libnode.so*"], [], "node.js/v{}", "nodejs:node.js";
    // Deno's client of OpenTelemetry has a version of its own.
    "deno", ["deno"], [], "^-Deno/{#.#.#}", "deno:deno";
    "bun", ["bun"], [], "Bun v{#.#.#} (", "oven-sh:bun";
    // Python also has the version of the oldest Unicode it knows, and says when things will end.
    "python", ["python3.*", "libpython3.*", "python3", "python"], [],
        "~{3.}[]" with "cpython-{12}", "python:python";
    "python", ["python2.*", "libpython2.*", "python2", "python"], [], "~{2.7.#}[]", "python:python";
    "pypy", ["libpypy*.so*"], [], "[PyPy {#.#.#}", "pypy:pypy";
    "ruby", ["ruby", "ruby*", "libruby*.so*"], [], "ruby {} (", "ruby-lang:ruby";
    "perl", ["perl", "perl5*", "libperl.so*"], [], "~v{5.}[]", "perl:perl";
    "php", ["php", "php-*", "php8*", "php7*", "libphp*.so"], [], "X-Powered-By: PHP/{}", "php:php";
    "openjdk", ["libjvm.so"], [], "OpenJDK 64-Bit Server VM ({}+", "oracle:openjdk";
    "cabal", ["cabal"], [], "/cabal-install-{}[]", "haskell:cabal";
    "lua", [], [], "Lua {} Copyright (C)", "lua:lua";
    "luajit", [], [], "LuaJIT {} --", "luajit:luajit";
    // Servers.
    "nginx", ["nginx", "nginx-debug"], [], "nginx version: nginx/{}", "f5:nginx";
    "openresty", ["nginx", "openresty"], [], "nginx version: openresty/{}", "openresty:openresty";
    "httpd", ["httpd", "apache2"], [], "Apache/{} (", "apache:http_server";
    "haproxy", ["haproxy"], [], "version {}, released 20", "haproxy:haproxy";
    "haproxy", ["haproxy"], [], "HA-Proxy version {} #/#/#", "haproxy:haproxy";
    "lighttpd", ["lighttpd"], [], "lighttpd/{}", "lighttpd:lighttpd";
    "varnish", ["varnishd"], [], "varnish-{} revision", "varnish-cache:varnish_cache";
    "squid", ["squid"], [], "squid/{}", "squid-cache:squid";
    // Their commands say since which version they are there.
    "redis", ["redis-server", "redis-sentinel", "redis-check-rdb", "redis-check-aof"], [],
        "~{#.#.#}[]" with "{}%", "redis:redis";
    "valkey", ["valkey-server", "valkey-sentinel", "valkey-check-rdb", "valkey-check-aof"], [],
        "~{#.#.#}[]" with "{}%", "lfprojects:valkey";
    "memcached", ["memcached"], [], "memcached {}", "memcached:memcached";
    "postgresql", ["postgres"], [], "postgres (PostgreSQL) {}", "postgresql:postgresql";
    "mysql", ["mysqld"], [], "[]{5.6.#}[]", "oracle:mysql";
    // InnoDB marks its log with it.
    "mysql", ["mysqld"], [], "[]MySQL {}[]", "oracle:mysql";
    "mysql", ["mysqld", "mysql"], [], "/mysql-{}/", "oracle:mysql";
    "mariadb", ["mariadbd", "mysqld", "mariadb"], [], "[]{#.#.#}-MariaDB", "mariadb:mariadb";
    // Without `p` it is the original, or a pattern of what others say.
    "openssh", ["sshd", "ssh", "sshd-session"], [], "OpenSSH_{#.#p#}", "openbsd:openssh";
    "openldap", ["slapd"], [], "$OpenLDAP: slapd {}", "openldap:openldap";
    "openldap", ["ldapsearch"], [], "$OpenLDAP: ldapsearch {}", "openldap:openldap";
    "dnsmasq", ["dnsmasq"], [], "dnsmasq-{}", "thekelleys:dnsmasq";
    "unbound", ["unbound"], [], "[]unbound {}[]", "nlnetlabs:unbound";
    "bind", ["named"], [], "named version: BIND {}", "isc:bind";
    // In each of its programs.
    "postfix", ["master"], [], "[]mail_version={}[]", "postfix:postfix";
    "vsftpd", ["vsftpd"], [], "vsftpd: version {}", "vsftpd_project:vsftpd";
    "proftpd", ["proftpd"], [], "ProFTPD Version {}[]", "proftpd:proftpd";
    // Tools.
    "busybox", ["busybox", "busybox-*"], [], "BusyBox v{} (", "busybox:busybox";
    "bash", ["bash"], [], "@(#)Bash version {}(", "gnu:bash";
    "curl", ["curl"], [], "curl {} (", "haxx:curl";
    "git", ["git"], [], "git/{}[]", "git-scm:git";
    "jq", ["jq"], [], "~{1.}[]", "jqlang:jq";
    "jq", ["jq"], [], "jq-{1.}", "jqlang:jq";
    // Anything may be called so that unpacks its files.
    "gzip", ["gzip"], [], "~{1.#}[]" with "not in gzip format", "gnu:gzip";
    "sudo", ["sudo"], [], "~{1.9.}[]" with "Sudo version %s", "sudo_project:sudo";
    "util-linux", ["getopt"], [], "util-linux {}[]", "kernel:util-linux";
    "imagemagick", ["magick", "convert", "libMagickCore*.so*"], [], "ImageMagick {#.#.#-#} ",
        "imagemagick:imagemagick";
    "ffmpeg", ["ffmpeg", "libav*.so*", "libsw*.so*", "libpostproc*.so*"], [], "FFmpeg version {}",
        "ffmpeg:ffmpeg";
    "glibc", ["libc.so.6", "libc-*.so"], [], "stable release version {}", "gnu:glibc";
    // Libraries, shared or linked into programs. What is compiled with OpenSSL's headers may
    // have their version, but only the library says where its files are.
    "openssl", [], ["libcrypto.", "libssl."], "OpenSSL {} # @ #" with "OPENSSLDIR: ",
        "openssl:openssl";
    "openssl", [], ["libcrypto.", "libssl."], "OpenSSL {} FIPS # @ #" with "OPENSSLDIR: ",
        "openssl:openssl";
    // It needs libcrypto, and is built from the same source: one component with it.
    "openssl", ["libssl.so*"], [], "OpenSSL {} # @ #", "openssl:openssl";
    "mbedtls", [], ["libmbedcrypto."], "bed TLS {}[]", "arm:mbed_tls";
    "zlib", [], ["libz."], "deflate {} Copyright", "zlib:zlib";
    "zlib", [], ["libz."], "inflate {} Copyright", "zlib:zlib";
    "libpng", [], ["libpng"], "libpng version {}", "libpng:libpng";
    "expat", [], ["libexpat."], "expat_{}[]", "libexpat_project:libexpat";
    "libcurl", [], ["libcurl"], "libcurl/{}", "haxx:libcurl";
    "bzip2", [], ["libbz2."], "~{1.0.#}, #-@-#[]", "bzip:bzip2";
    "libtiff", [], ["libtiff."], "LIBTIFF, Version {}", "libtiff:libtiff";
    "libjpeg-turbo", [], ["libjpeg.", "libturbojpeg."], "libjpeg-turbo version {} (",
        "libjpeg-turbo:libjpeg-turbo";
    "libgcrypt", [], ["libgcrypt."], "This is Libgcrypt {} ", "gnupg:libgcrypt";
    "libarchive", [], ["libarchive."], "libarchive {}[]", "libarchive:libarchive";
    "libssh2", [], ["libssh2."], "SSH-2.0-libssh2_{}", "libssh2:libssh2";
    "libssh", [], ["libssh."], "SSH-2.0-libssh_{}", "libssh:libssh";
    "krb5", ["libkrb5.so*"], [], "KRB5_BRAND: krb5-{}-final ", "mit:kerberos_5";
    "heimdal", ["libkrb5.so*"], [], "[]Heimdal {}[]", "heimdal_project:heimdal";
    "qt", ["libQt*Core.so*"], [], "Qt {#.#.#} (", "qt:qt";
    "sqlite", ["libsqlite3.so*", "sqlite3"], [], "~{3.#.#}[]", "sqlite:sqlite";
    "xz", ["liblzma.so*"], [], "~{5.}[]", "tukaani:xz";
    "xz", ["xz", "unxz"], [], "xz (XZ Utils) {}", "tukaani:xz";
    "zstd", ["libzstd.so*"], [], "~{1.}[]", "facebook:zstandard";
    // Without the letter it is zlib's.
    "zstd", ["zstd"], [], "~v{1.}[]", "facebook:zstandard";
    "lz4", ["liblz4.so*", "lz4"], [], "~{1.}[]", "lz4_project:lz4";
    "nghttp2", [], ["libnghttp2."], "nghttp2/{}", "nghttp2:nghttp2";
    "nghttp2", ["libnghttp2.so*"], [], "~{1.#.#}[]", "nghttp2:nghttp2";
    "gnutls", ["libgnutls.so*"], [], "~{3.#.#}[]", "gnu:gnutls";
    "pcre2", [], ["libpcre2-"], "~{10.#} #-#-#[]", "pcre:pcre2";
    "pcre", [], ["libpcre."], "~{8.4#} #-#-#[]", "pcre:pcre";
    "pcre", [], ["libpcre."], "~{8.3#} #-#-#[]", "pcre:pcre";
}
