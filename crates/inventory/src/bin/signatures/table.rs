//! The table of signatures: one line for each text of a program or library. The texts were
//! read in the programs themselves and in their sources.
//! To add one: name; file names; shared libraries whose users carry the same text; the text
//! (see [`Signature::pattern`]); vendor and product of the CPE name; an example and its version.

use super::Signature;

macro_rules! signatures {
    ($($name:literal, [$($file:literal),*], [$($shared:literal),*], $pattern:literal,
        $cpe:literal, $example:literal => $version:literal;)+) => {
        /// All of them.
        pub(super) static ALL: &[Signature] = &[$(Signature {
            name: $name,
            files: &[$($file),*],
            shared: &[$($shared),*],
            pattern: $pattern,
            cpe: $cpe,
            #[cfg(test)]
            example: ($example, $version),
        },)+];
    };
}

signatures! {
    // Runtimes of languages.
    "node", ["node", "nodejs"], [], "node.js/v{}", "nodejs:node.js",
        "[]node.js/v20.20.2[]" => "20.20.2";
    "python", ["python3.*", "libpython3.*"], [], "[]{3.}[]", "python:python",
        "[]3.11.2[]" => "3.11.2";
    "python", ["python2.*", "libpython2.*"], [], "[]{2.7.}[]", "python:python",
        "[]2.7.18[]" => "2.7.18";
    "ruby", ["ruby", "ruby*", "libruby*.so*"], [], "ruby {} (", "ruby-lang:ruby",
        "ruby 3.2.2 (2023-03-30 revision e51014f9c0) [x86_64-linux]" => "3.2.2";
    "perl", ["perl", "perl5*", "libperl.so*"], [], "[]v{5.}[]", "perl:perl",
        "[]v5.36.0[]" => "5.36.0";
    "php", ["php", "php-*", "php8*", "php7*", "libphp*.so"], [], "X-Powered-By: PHP/{}", "php:php",
        "X-Powered-By: PHP/8.2.10[]" => "8.2.10";
    "openjdk", ["libjvm.so"], [], "OpenJDK 64-Bit Server VM ({}+", "oracle:openjdk",
        "OpenJDK 64-Bit Server VM (17.0.15+6) for linux-amd64" => "17.0.15";
    "deno", ["deno"], [], "Deno/{}", "deno:deno",
        "Deno/1.37.0[]" => "1.37.0";
    "lua", [], [], "Lua {}  Copyright (C)", "lua:lua",
        "$Lua: Lua 5.3.6  Copyright (C) 1994-2020 Lua.org" => "5.3.6";
    "lua", [], [], "Lua {} Copyright (C)", "lua:lua",
        "$LuaVersion: Lua 5.4.4 Copyright (C) 1994-2022" => "5.4.4";
    "luajit", [], [], "LuaJIT {} --", "luajit:luajit",
        "LuaJIT 2.1.0-beta3 -- Copyright" => "2.1.0-beta3";
    // Servers.
    "nginx", ["nginx", "nginx-debug"], [], "nginx version: nginx/{}", "f5:nginx",
        "nginx version: nginx/1.22.1[]" => "1.22.1";
    "openresty", ["nginx", "openresty"], [], "nginx version: openresty/{}", "openresty:openresty",
        "nginx version: openresty/1.21.4.2[]" => "1.21.4.2";
    "httpd", ["httpd", "apache2"], [], "Apache/{} (", "apache:http_server",
        "Apache/2.4.57 (Unix)[]" => "2.4.57";
    "haproxy", ["haproxy"], [], "HAProxy version {}", "haproxy:haproxy",
        "HAProxy version 2.8.3-86e043a, released" => "2.8.3-86e043a";
    "haproxy", ["haproxy"], [], "HA-Proxy version {}", "haproxy:haproxy",
        "HA-Proxy version 1.8.19 2019/02/11" => "1.8.19";
    "lighttpd", ["lighttpd"], [], "lighttpd/{}", "lighttpd:lighttpd",
        "lighttpd/1.4.69 (ssl)" => "1.4.69";
    "varnish", ["varnishd"], [], "varnish-{} revision", "varnish-cache:varnish_cache",
        "varnish-7.1.1 revision 7cee" => "7.1.1";
    "squid", ["squid"], [], "squid/{}", "squid-cache:squid",
        "squid/5.7[]" => "5.7";
    "redis", ["redis-server"], [], "[]{3.#}[]", "redis:redis",
        "[]3.2.13[]" => "3.2.13";
    "redis", ["redis-server"], [], "[]{4.#}[]", "redis:redis",
        "[]4.0.3-0-ge9192eac[]4.0.14[]" => "4.0.14";
    "redis", ["redis-server"], [], "[]{5.#}[]", "redis:redis",
        "[]5.1.0-0-g61efbda7[]5.0.14[]" => "5.0.14";
    "redis", ["redis-server"], [], "[]{6.}[]", "redis:redis",
        "[]6.2.14[]" => "6.2.14";
    "redis", ["redis-server"], [], "[]{7.}[]", "redis:redis",
        "[]7.2.3[]" => "7.2.3";
    "redis", ["redis-server"], [], "[]{8.}[]", "redis:redis",
        "[]8.0.1[]" => "8.0.1";
    "valkey", ["valkey-server"], [], "[]{7.}[]", "lfprojects:valkey",
        "[]7.2.5[]" => "7.2.5";
    "valkey", ["valkey-server"], [], "[]{8.}[]", "lfprojects:valkey",
        "[]8.0.0[]" => "8.0.0";
    "valkey", ["valkey-server"], [], "[]{9.}[]", "lfprojects:valkey",
        "[]9.0.0[]" => "9.0.0";
    "memcached", ["memcached"], [], "memcached {}", "memcached:memcached",
        "memcached 1.6.18[]" => "1.6.18";
    "postgresql", ["postgres"], [], "postgres (PostgreSQL) {}", "postgresql:postgresql",
        "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" => "15.18";
    "mysql", ["mysqld"], [], "[]{5.6.}[]", "oracle:mysql",
        "[]5.6.51[]" => "5.6.51";
    "mysql", ["mysqld"], [], "[]{5.7.}[]", "oracle:mysql",
        "[]5.7.44[]" => "5.7.44";
    "mysql", ["mysqld"], [], "[]{8.}[]", "oracle:mysql",
        "[]8.0.36[]" => "8.0.36";
    "mysql", ["mysqld"], [], "[]{9.}[]", "oracle:mysql",
        "[]9.1.0[]" => "9.1.0";
    "mysql", ["mysqld", "mysql"], [], "/mysql-{}/", "oracle:mysql",
        "/build/mysql-8.0.34/sql/mysqld.cc" => "8.0.34";
    "mariadb", ["mariadbd", "mysqld", "mariadb"], [], "[]{5.}-MariaDB", "mariadb:mariadb",
        "[]5.5.68-MariaDB[]" => "5.5.68";
    "mariadb", ["mariadbd", "mysqld", "mariadb"], [], "[]{10.}-MariaDB", "mariadb:mariadb",
        "[]10.11.4-MariaDB-log[]" => "10.11.4";
    "mariadb", ["mariadbd", "mysqld", "mariadb"], [], "[]{11.}-MariaDB", "mariadb:mariadb",
        "[]11.4.2-MariaDB[]" => "11.4.2";
    "mariadb", ["mariadbd", "mysqld", "mariadb"], [], "[]{12.}-MariaDB", "mariadb:mariadb",
        "[]12.0.1-MariaDB[]" => "12.0.1";
    "openssh", ["sshd", "ssh", "sshd-session"], [], "OpenSSH_{}", "openbsd:openssh",
        "OpenSSH_9.2p1 Debian-2+deb12u6" => "9.2p1";
    "dnsmasq", ["dnsmasq"], [], "dnsmasq-{}", "thekelleys:dnsmasq",
        "dnsmasq-2.89[]" => "2.89";
    "vsftpd", ["vsftpd"], [], "vsftpd: version {}", "vsftpd_project:vsftpd",
        "vsftpd: version 3.0.5[]" => "3.0.5";
    // Tools.
    "busybox", ["busybox", "busybox-*"], [], "BusyBox v{} (", "busybox:busybox",
        "BusyBox v1.36.1 (2023-11-07 18:53:09 UTC)" => "1.36.1";
    "bash", ["bash"], [], "@(#)Bash version {}(", "gnu:bash",
        "@(#)Bash version 5.2.15(1) release GNU" => "5.2.15";
    "curl", ["curl"], [], "curl {} (", "haxx:curl",
        "curl 7.88.1 (x86_64-pc-linux-gnu) %s" => "7.88.1";
    "git", ["git"], [], "[]{2.}[]", "git-scm:git",
        "[]2.39.5[]" => "2.39.5";
    "jq", ["jq"], [], "[]{1.}[]", "jqlang:jq",
        "[]1.6[]" => "1.6";
    "jq", ["jq"], [], "jq-{1.}", "jqlang:jq",
        "[]jq-1.7.1[]" => "1.7.1";
    "imagemagick", ["magick", "convert", "libMagickCore*.so*"], [], "ImageMagick {} ", "imagemagick:imagemagick",
        "ImageMagick 7.1.1-21 Q16-HDRI x86_64" => "7.1.1-21";
    "ffmpeg", ["ffmpeg", "libavutil.so*", "libavcodec.so*"], [], "FFmpeg version {}", "ffmpeg:ffmpeg",
        "FFmpeg version 5.1.6[]" => "5.1.6";
    "glibc", ["libc.so.6", "libc-*.so"], [], "stable release version {}", "gnu:glibc",
        "GNU C Library (GNU libc) stable release version 2.36.[]" => "2.36";
    // Libraries, shared or linked into programs.
    "openssl", [], ["libcrypto.", "libssl."], "OpenSSL {} ", "openssl:openssl",
        "[]OpenSSL 1.1.1w  11 Sep 2023[]" => "1.1.1w";
    // It needs libcrypto, and is built from the same source: one component with it.
    "openssl", ["libssl.so*"], [], "OpenSSL {} ", "openssl:openssl",
        "[]OpenSSL 3.0.15 3 Sep 2024[]" => "3.0.15";
    "zlib", [], ["libz."], "deflate {} Copyright", "zlib:zlib",
        " deflate 1.2.13 Copyright 1995-2022 Jean-loup Gailly" => "1.2.13";
    "zlib", [], ["libz."], "inflate {} Copyright", "zlib:zlib",
        " inflate 1.3.1 Copyright 1995-2024 Mark Adler" => "1.3.1";
    "libpng", [], ["libpng"], "libpng version {}", "libpng:libpng",
        "[] libpng version 1.6.39 - November 20, 2022" => "1.6.39";
    "expat", [], ["libexpat."], "expat_{}[]", "libexpat_project:libexpat",
        "[]expat_2.5.0[]" => "2.5.0";
    "libcurl", [], ["libcurl"], "libcurl/{}", "haxx:libcurl",
        "[]libcurl/7.88.1[]" => "7.88.1";
    "bzip2", [], ["libbz2."], "[]{1.0.}, ", "bzip:bzip2",
        "[]1.0.8, 13-Jul-2019[]" => "1.0.8";
    "libtiff", [], ["libtiff."], "LIBTIFF, Version {}", "libtiff:libtiff",
        "LIBTIFF, Version 4.5.0[]" => "4.5.0";
    "libjpeg-turbo", [], ["libjpeg.", "libturbojpeg."], "libjpeg-turbo version {} (", "libjpeg-turbo:libjpeg-turbo",
        "libjpeg-turbo version 2.1.5 (build 20230203)" => "2.1.5";
    "libgcrypt", [], ["libgcrypt."], "This is Libgcrypt {} ", "gnupg:libgcrypt",
        "This is Libgcrypt 1.10.1 - The GNU Crypto Library" => "1.10.1";
    "libarchive", [], ["libarchive."], "libarchive {}[]", "libarchive:libarchive",
        "[]libarchive 3.6.2[]" => "3.6.2";
    "libssh2", [], ["libssh2."], "SSH-2.0-libssh2_{}", "libssh2:libssh2",
        "SSH-2.0-libssh2_1.10.0[]" => "1.10.0";
    "libssh", [], ["libssh."], "SSH-2.0-libssh_{}", "libssh:libssh",
        "SSH-2.0-libssh_0.10.6[]" => "0.10.6";
    "sqlite", ["libsqlite3.so*", "sqlite3"], [], "[]{3.}[]", "sqlite:sqlite",
        "[]3.40.1[]" => "3.40.1";
    "xz", ["liblzma.so*", "xz", "unxz"], [], "[]{5.}[]", "tukaani:xz",
        "[]5.4.1[]" => "5.4.1";
    "zstd", ["libzstd.so*", "zstd"], [], "[]{1.}[]", "facebook:zstandard",
        "[]1.5.4[]" => "1.5.4";
    "lz4", ["liblz4.so*", "lz4"], [], "[]{1.}[]", "lz4_project:lz4",
        "[]1.9.4[]" => "1.9.4";
    "nghttp2", [], ["libnghttp2."], "nghttp2/{}", "nghttp2:nghttp2",
        "[]nghttp2/1.52.0[]" => "1.52.0";
    "nghttp2", ["libnghttp2.so*"], [], "[]{1.}[]", "nghttp2:nghttp2",
        "[]1.52.0[]" => "1.52.0";
    "gnutls", ["libgnutls.so*"], [], "[]{3.}[]", "gnu:gnutls",
        "[]3.7.9[]" => "3.7.9";
    "pcre2", [], ["libpcre2-"], "[]{10.#} 20", "pcre:pcre2",
        "[]10.42 2022-12-11[]" => "10.42";
    "pcre", [], ["libpcre."], "[]{8.4#} 20", "pcre:pcre",
        "[]8.45 2021-06-15[]" => "8.45";
    "pcre", [], ["libpcre."], "[]{8.3#} 20", "pcre:pcre",
        "[]8.39 2016-06-14[]" => "8.39";
}
