"""What AlmaLinux's errata in OSV's format say about an image, by other means than the program's.

alma.py BOM FEED: reads the packages from a CycloneDX document and prints one line for each
finding: binary package, vulnerability. The order of versions follows rpm's manual
(rpm-version(7)), not the program.
"""

import json
import pathlib
import re
import sys
import urllib.parse


def order(a, b):
    """-1, 0 or 1, of one part of a version."""
    while True:
        a, b = (re.sub(r"^[^a-zA-Z0-9~^]+", "", it) for it in (a, b))
        if not a and not b:
            return 0
        for sign in "~^":
            if a[:1] == sign and b[:1] == sign:
                return order(a[1:], b[1:])
            if sign in (a[:1], b[:1]):
                if sign == "^" and not (a and b):
                    return 1 if a else -1
                return -1 if a[:1] == sign else 1
        if not a or not b:
            return 1 if a else -1
        numeric = a[0].isdigit()
        if numeric != b[0].isdigit():
            return 1 if numeric else -1
        segment = r"\d+" if numeric else r"[a-zA-Z]+"
        one, other = (re.match(segment, it)[0] for it in (a, b))
        a, b = a[len(one):], b[len(other):]
        if numeric:
            one, other = int(one), int(other)
        if one != other:
            return 1 if one > other else -1


def less(a, b):
    def parts(text):
        epoch, _, rest = text.rpartition(":")
        version, _, release = rest.partition("-")
        return epoch or "0", version, release

    for one, other in zip(parts(a), parts(b)):
        if found := order(one, other):
            return found < 0
    return False


def main(bom, feed):
    installed = {}
    for component in json.loads(pathlib.Path(bom).read_text())["components"]:
        url = urllib.parse.urlsplit(component.get("purl", ""))
        if url.path.startswith("rpm/"):
            asked = dict(urllib.parse.parse_qsl(url.query))
            major = asked["distro"].removeprefix("almalinux-").split(".")[0]
            version = asked.get("epoch", "0") + ":" + component["version"].rpartition(":")[2]
            installed[component["name"]] = (f"AlmaLinux:{major}", version)
    for line in pathlib.Path(feed).read_text().splitlines():
        record = json.loads(line)
        for affected in record["affected"]:
            package = affected["package"]
            ecosystem, version = installed.get(package["name"], (None, None))
            if package["ecosystem"] != ecosystem:
                continue
            fixed = [e["fixed"] for r in affected["ranges"] for e in r["events"] if "fixed" in e]
            # What is fixed in a module says nothing of a package outside of it.
            if any(".module" not in it and less(version, it) for it in fixed):
                for name in record["related"]:
                    print(package["name"], name)


main(*sys.argv[1:])
