"""What an Alpine image's secdb says about it, by other means than the program's.

alpine.py LAYOUT SECDB...: prints one line for each finding: binary package, vulnerability.
The order of versions follows apk-tools' manual page, not the program.
"""

import gzip
import io
import json
import pathlib
import re
import sys
import tarfile

NUMBER = re.compile(r"(\d+)((?:\.\d+)*)((?:[a-z]\d*)?)((?:_[a-z]+\d*)*)(?:~([0-9a-f]+))?(?:-r(\d+))?$")
SUFFIXES = ["alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"]


def key(version):
    """A list that sorts as apk sorts; the versions of real packages follow the grammar."""
    match = NUMBER.match(version)
    if not match:
        raise ValueError(version)
    first, rest, letter, suffixes, _commit, revision = match.groups()
    numbers = [(1, int(first), "")]
    for digits in rest.split(".")[1:]:
        # Written with a leading zero, a number is compared like a fraction.
        numbers.append((0, 0, digits) if digits.startswith("0") and len(digits) > 1 else (1, int(digits), ""))
    words = []
    for word in suffixes.split("_")[1:]:
        name = word.rstrip("0123456789")
        words.append((SUFFIXES.index(name), int(word[len(name):] or 0)))
    words.append((SUFFIXES.index(""), 0))
    # `3.3.3p1`, which old packages have: a letter, and a number after it.
    letter = (letter[:1], int(letter[1:] or 0))
    return numbers, letter, words, int(revision or 0)


def blob(layout, digest):
    return (layout / "blobs" / digest.replace(":", "/")).read_bytes()


def installed(layout):
    """The last layer's database; yields name, origin, version."""
    index = json.loads((layout / "index.json").read_text())
    manifest = json.loads(blob(layout, index["manifests"][0]["digest"]))
    text = ""
    for layer in manifest["layers"]:
        data = blob(layout, layer["digest"])
        data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        for member in tarfile.open(fileobj=io.BytesIO(data)):
            if member.name.lstrip("./") == "lib/apk/db/installed":
                text = tarfile.open(fileobj=io.BytesIO(data)).extractfile(member).read().decode()
    for block in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines() if line[1:2] == ":")
        if "P" in fields:
            yield fields["P"], fields.get("o", fields["P"]), fields["V"]


def main():
    fixes = {}
    for file in sys.argv[2:]:
        for package in json.loads(pathlib.Path(file).read_text())["packages"]:
            for version, names in package["pkg"]["secfixes"].items():
                for name in names or []:
                    for word in name.split():
                        if word.startswith("CVE-"):
                            entry = (package["pkg"]["name"], word)
                            fixes.setdefault(entry, set()).add(version)
    for name, origin, version in installed(pathlib.Path(sys.argv[1])):
        for (package, vulnerability), versions in fixes.items():
            if package == origin and "0" not in versions:
                if any(key(version) < key(fixed) for fixed in versions):
                    print(name, vulnerability)


main()
