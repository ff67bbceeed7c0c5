"""A Debian 11 made of the security tracker's records, and what they say about it.

debian.py make ROWS FOLDER: reads rows of DSAs (one JSON object a line) from ROWS; writes the
tracker's JSON and a root file system whose packages are older than, as old as, or newer than
the fixes. debian.py expect FOLDER: prints one line for each finding, by dpkg's own comparison.
"""

import functools
import hashlib
import json
import pathlib
import subprocess
import sys

RELEASE = "bullseye"
STATES = ["resolved", "resolved", "resolved", "open", "no-dsa", "never", "undetermined", "sid"]


def pick(seed, choices):
    """The same choice for the same seed, always."""
    return choices[int(hashlib.sha256(seed.encode()).hexdigest(), 16) % len(choices)]


@functools.cache
def less(a, b):
    return subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode == 0


def state(package, name, fixed):
    """An entry of the tracker, in one of the forms it has."""
    kind = pick(package + name, STATES)
    entry = {"status": "resolved", "fixed_version": fixed, "urgency": "not yet assigned"}
    releases = {RELEASE: entry}
    if kind == "never":
        entry["fixed_version"] = "0"
    elif kind == "undetermined":
        entry.update(status="undetermined", fixed_version=None)
    elif kind in ("open", "no-dsa", "sid"):
        entry.update(status="open")
        del entry["fixed_version"]
    if kind == "no-dsa":
        entry.update(nodsa="Minor issue", nodsa_reason="")
    if kind == "sid":
        releases["sid"] = {"status": "resolved", "fixed_version": fixed, "urgency": "low"}
    return {"description": "", "releases": releases}


def make(rows, folder):
    tracker, versions = {}, {}
    for line in pathlib.Path(rows).read_text().splitlines():
        row = json.loads(line)
        for release, package, fixed in row["fix"]:
            if release != RELEASE or not fixed[:1].isdigit():
                continue
            versions.setdefault(package, []).append(fixed)
            for name in row["cves"]:
                tracker.setdefault(package, {}).setdefault(name, state(package, name, fixed))
    status = []
    for package, fixes in sorted(versions.items()):
        if package not in tracker:
            continue
        version = pick(package, fixes) + pick(package + "more", ["", "", "~1", "+b1"])
        if version.endswith("+b1"):
            # A rebuild has a version of its own; the source's counts.
            source = f"{package} ({version[:-3]})"
        else:
            source = package
        status.append(
            f"Package: lib{package}-bin\nStatus: install ok installed\nArchitecture: amd64\n"
            f"Source: {source}\nVersion: {version}\nMaintainer: A <a@debian.org>\n"
        )
    root = folder / "root"
    for name, text in {
        "etc/os-release": "ID=debian\nVERSION_ID=11\nPRETTY_NAME=Debian 11\n",
        "var/lib/dpkg/status": "\n".join(status),
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (folder / "tracker.json").write_text(json.dumps(tracker))


def affected(entry, version):
    release, sid = entry["releases"][RELEASE], entry["releases"].get("sid")
    fixed = release.get("fixed_version")
    if fixed == "0" or release["status"] == "undetermined":
        return False
    if release["status"] == "resolved":
        return less(version, fixed)
    return not (sid and not less(version, sid["fixed_version"]))


def expect(folder):
    tracker = json.loads((folder / "tracker.json").read_text())
    for block in (folder / "root/var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.strip().splitlines())
        name, _, version = fields["Source"].partition(" ")
        version = version.strip("()") or fields["Version"]
        for vulnerability, entry in tracker.get(name, {}).items():
            if affected(entry, version):
                print(fields["Package"], vulnerability)


if sys.argv[1] == "make":
    make(sys.argv[2], pathlib.Path(sys.argv[3]))
else:
    expect(pathlib.Path(sys.argv[2]))
