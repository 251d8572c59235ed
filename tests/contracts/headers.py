"""fortet/fortet.hpp includes every public header but the optional adaptors and what is private to them.
Usage: headers.py <project folder>"""

import pathlib
import re
import sys

OPTIONAL = {"fortet/eigen.hpp"}  # needs a library that users of fortet need not have


def main(root):
    include = root / "include"
    everything = include / "fortet" / "fortet.hpp"
    included = set(re.findall(r'#include "(fortet/[^"]+)"', everything.read_text()))
    public = {p.relative_to(include).as_posix() for p in include.rglob("*.hpp") if p != everything}
    public = {p for p in public if not p.startswith("fortet/impl/")} - OPTIONAL
    for header in sorted(public - included):
        print(f"fortet/fortet.hpp does not include {header}")
    for header in sorted(included - public):
        print(f"fortet/fortet.hpp includes {header}, which is not public")
    return 0 if included == public else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
