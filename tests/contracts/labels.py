"""Every Kokkos kernel and View in include/ and src/ is labelled "fortet::...", and vector intrinsics stay in
one file. Usage: labels.py <project folder>"""

import pathlib
import re
import sys

INTRINSICS = re.compile(r"\w*intrin\.h|\b_mm\d*_\w+|\b__m\d+\w*|__builtin_ia32\w+|arm_neon|vector_size")
INTRINSICS_HOME = pathlib.Path("src/kernel/pack.hpp")
DISPATCH = re.compile(r"\bparallel_(?:for|reduce|scan)\s*\(")
NESTED = re.compile(r"(Kokkos::)?Team\w*Range|(Kokkos::)?Thread\w*Range")
VIEW = re.compile(r"\b(?:View|(?:Const)?(?:Points|Vector)|Pts|CPts|Vec|CVec)\s*<")
LABELLED = re.compile(r'[^"]*("fortet::|\blabel\b)')  # a parameter `label` is checked where it is given
TAKES_LABEL = re.compile(r"\b(\w+)\s*\([^()]*\b(?:string|string_view|char)\b[^,()]*\blabel\b")


def strip_comments(text):
    """The same text with comments blanked, so that line numbers stay."""
    pattern = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.S)
    keep = lambda m: m.group() if m.group().startswith('"') else re.sub(r"[^\n]", " ", m.group())
    return pattern.sub(keep, text)


def first_argument(text, start):
    """What stands between `start` and the next comma or closing bracket of the same depth."""
    depth = 0
    for end in range(start, len(text)):
        if text[end] in "([{":
            depth += 1
        elif text[end] in ")]}":
            if depth == 0:
                break
            depth -= 1
        elif text[end] == "," and depth == 0:
            break
        elif text[end] == '"':
            return text[start:text.index('"', end + 1) + 1].strip()  # a label ends the search
    return text[start:end].strip()


def after_template(text, start):
    """The index behind the '>' that closes the '<' just before `start`."""
    depth = 1
    for end in range(start, len(text)):
        depth += {"<": 1, ">": -1}.get(text[end], 0)
        if depth == 0:
            return end + 1
    return len(text)


def bad_labels(text, forwarders):
    """(offset, complaint) of each kernel or View whose label breaks the rule, and of each call that gives one
    to a function in `forwarders`."""
    for match in re.finditer(r"\b(?:" + "|".join(forwarders | {"-"}) + r")\b(?:<[^;()]*>)?\(([^;]*?)(\"[^\"]*\")", text):
        if not match.group(2).startswith('"fortet::'):
            yield match.start(), f"label without fortet:: {match.group(2)}"
    for match in DISPATCH.finditer(text):
        argument = first_argument(text, match.end())
        if not NESTED.match(argument) and not LABELLED.match(argument):
            yield match.start(), f"kernel without a fortet:: label: {match.group()}{argument}"
    for match in VIEW.finditer(text):
        declared = re.compile(r"\s*\w*\s*[({]").match(text, after_template(text, match.end()))
        if not declared:
            continue
        argument = first_argument(text, declared.end())
        if argument.startswith('"') and not LABELLED.match(argument):
            yield match.start(), f"View without a fortet:: label: {argument}"
        if argument.startswith(("Kokkos::view_alloc", "view_alloc")) and not LABELLED.match(argument):
            yield match.start(), f"View without a fortet:: label: {argument}"


def main(root):
    files = sorted(p for folder in ("include", "src") for p in (root / folder).rglob("*.[hc]pp"))
    texts = {path.relative_to(root): strip_comments(path.read_text()) for path in files}
    forwarders = {name for text in texts.values() for name in TAKES_LABEL.findall(text)}
    complaints = []
    for name, text in texts.items():
        found = list(bad_labels(text, forwarders))
        if name != INTRINSICS_HOME:
            found += [(m.start(), f"{m.group()} belongs in {INTRINSICS_HOME}") for m in INTRINSICS.finditer(text)]
        complaints += [f"{name}:{text.count(chr(10), 0, offset) + 1}: {what}" for offset, what in sorted(found)]
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
