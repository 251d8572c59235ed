"""The documentation quotes what is really there, every relative link leads somewhere, and docs/README.md leads to
every page. Usage:

    documentation.py <project folder> [--write]

A code block under <!-- file: PATH --> equals that file; under <!-- file: PATH#NAME --> it equals what stands there
between the lines "// [NAME]" and "// [/NAME]". --write puts the blocks right."""

import pathlib
import re
import sys
import textwrap

QUOTE = re.compile(r"(<!-- file: ([^\s#]+)(?:#(\S+))? -->\n```\w*\n)(.*?)(```)", re.S)
CODE = re.compile(r"```.*?```", re.S)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")


def quoted(root, path, region):
    """The text that a block must hold, or None."""
    if not (root / path).is_file():
        return None
    text = (root / path).read_text()
    if not region:
        return text
    match = re.search(rf"^ *// \[{region}\]\n(.*?)^ *// \[/{region}\]\n", text, re.S | re.M)
    return match and textwrap.dedent(match.group(1))


def check(root, page, write):
    """Yields what is wrong with a page."""
    text = page.read_text()
    name = page.relative_to(root)
    for _, path, region, block, _ in QUOTE.findall(text):
        source = quoted(root, path, region)
        if source is None:
            yield f"{name}: quotes {path} {region}, which does not exist"
        elif source != block and not write:
            yield f"{name}: the block from {path} {region} differs from it"
    for target in LINK.findall(CODE.sub("", text)):
        if not (page.parent / target).exists():
            yield f"{name}: the link to {target} leads nowhere"
    if write:
        page.write_text(QUOTE.sub(lambda m: m[1] + (quoted(root, m[2], m[3]) or m[4]) + m[5], text))


if __name__ == "__main__":
    top = pathlib.Path(sys.argv[1])
    pages = [p for p in sorted(top.rglob("*.md")) if p.relative_to(top).parts[0] not in ("build", "shared")]
    complaints = [c for page in pages for c in check(top, page, "--write" in sys.argv)]
    index = top / "docs" / "README.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text())} | {index.resolve()}
    complaints += [f"docs/README.md does not link to {page.relative_to(top)}" for page in pages
                   if page.is_relative_to(index.parent) and page.parent.name != "data" and page.resolve() not in linked]
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)
