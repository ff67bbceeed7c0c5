"""Debian as it is installed, and what the advisories in OSV's format say about it.

debian_osv.py make RELEASE PACKAGES FOLDER: writes a root file system with the packages of a
list (`debian-11.txt` and on: what debootstrap's smallest variant and some programs with many
advisories install from a release's main archive; binary package, its version, source package,
its version). debian_osv.py expect RELEASE PACKAGES FEED: prints one line for each finding, by
dpkg's own comparison.
"""

import functools
import json
import pathlib
import subprocess
import sys


@functools.cache
def less(a, b):
    return subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode == 0


def packages(path):
    return [line.split() for line in pathlib.Path(path).read_text().splitlines()]


def make(release, listed, folder):
    status = "\n".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\n"
        f"Source: {source} ({of_source})\nVersion: {version}\nMaintainer: A <a@debian.org>\n"
        for name, version, source, of_source in packages(listed)
    )
    for name, text in {
        "etc/os-release": f"ID=debian\nVERSION_ID={release}\nPRETTY_NAME=Debian {release}\n",
        "var/lib/dpkg/status": status,
    }.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def expect(release, listed, feed):
    sources = {}
    for name, _version, source, of_source in packages(listed):
        sources.setdefault(source, []).append((name, of_source))
    for line in pathlib.Path(feed).read_text().splitlines():
        record = json.loads(line)
        for affected in record["affected"]:
            package = affected["package"]
            if package["ecosystem"] != f"Debian:{release}":
                continue
            fixed = [
                event["fixed"]
                for span in affected["ranges"]
                for event in span["events"]
                if "fixed" in event
            ]
            for name, version in sources.get(package["name"], []):
                if any(less(version, it) for it in fixed):
                    print(name, *record["aliases"])


{"make": make, "expect": expect}[sys.argv[1]](*sys.argv[2:])
