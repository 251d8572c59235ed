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
LABELLED = re.compile(r'[^"]*"fortet::')


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


def bad_labels(text):
    """(offset, complaint) of each kernel or View whose label breaks the rule."""
    for match in DISPATCH.finditer(text):
        argument = first_argument(text, match.end())
        if not NESTED.match(argument) and not LABELLED.match(argument):
            yield match.start(), f"kernel without a fortet:: label: {match.group()}{argument}"
    for match in VIEW.finditer(text):
        declared = re.compile(r"\s*\w*\s*[({]").match(text, after_template(text, match.end()))
        if not declared:
            continue
        argument = first_argument(text, declared.end())
        if '"' in argument and not LABELLED.match(argument):
            yield match.start(), f"View without a fortet:: label: {argument}"
        if argument.startswith(("Kokkos::view_alloc", "view_alloc")) and '"' not in argument:
            yield match.start(), f"View without a label: {argument}"


def main(root):
    complaints = []
    for folder in ("include", "src"):
        for path in sorted((root / folder).rglob("*.[hc]pp")):
            text = strip_comments(path.read_text())
            name = path.relative_to(root)
            for offset, complaint in bad_labels(text):
                complaints.append(f"{name}:{text.count(chr(10), 0, offset) + 1}: {complaint}")
            if name != INTRINSICS_HOME:
                for match in INTRINSICS.finditer(text):
                    line = text.count("\n", 0, match.start()) + 1
                    complaints.append(f"{name}:{line}: {match.group()} belongs in {INTRINSICS_HOME}")
    print("\n".join(complaints))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
