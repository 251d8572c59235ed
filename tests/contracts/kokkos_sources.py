"""Every source that includes Kokkos, however indirectly, is handed to fortet_kokkos_sources(): nvcc has to
compile it. Usage: kokkos_sources.py <project folder> <file with a line for each declared source>"""

import functools
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.M)


def main(root, declared):
    folders = [root / "include", root / "src", root / "tests", root / "validation"]

    @functools.cache
    def reaches_kokkos(path):
        for name in INCLUDE.findall(path.read_text()):
            if name.startswith("Kokkos_"):
                return True
            found = [folder / name for folder in [path.parent, *folders] if (folder / name).is_file()]
            if found and reaches_kokkos(found[0].resolve()):
                return True
        return False

    sources = {p.resolve() for folder in (*folders[1:], root / "docs" / "examples") for p in folder.rglob("*.cpp")}
    wrong = sorted(path for path in sources - declared if reaches_kokkos(path))
    for path in wrong:
        print(f"{path.relative_to(root)} includes Kokkos but is not in fortet_kokkos_sources()")
    return 1 if wrong else 0


if __name__ == "__main__":
    lines = pathlib.Path(sys.argv[2]).read_text().splitlines()
    sys.exit(main(pathlib.Path(sys.argv[1]).resolve(), {pathlib.Path(line).resolve() for line in lines}))
