"""The documentation quotes what is really there: a code block under <!-- file: PATH --> equals that file, and
every relative link leads somewhere. Usage: documentation.py <project folder>"""

import pathlib
import re
import sys

QUOTE = re.compile(r"<!-- file: (\S+) -->\s*```\w*\n(.*?)```", re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def complaints(root):
    for page in sorted(root.rglob("*.md")):
        name = page.relative_to(root)
        if name.parts[0] in ("build", "shared"):
            continue
        text = page.read_text()
        for path, quoted in QUOTE.findall(text):
            source = root / path
            if not source.is_file():
                yield f"{name}: quotes {path}, which does not exist"
            elif source.read_text() != quoted:
                yield f"{name}: the block under 'file: {path}' differs from that file"
        for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.S)):
            if not (page.parent / target).exists():
                yield f"{name}: the link to {target} leads nowhere"


if __name__ == "__main__":
    found = list(complaints(pathlib.Path(sys.argv[1])))
    print("\n".join(found))
    sys.exit(1 if found else 0)
