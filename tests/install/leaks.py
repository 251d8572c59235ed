"""Nothing that is installed names the tree it was built from or a private library's file, and the program finds its
plotting programs beside itself. Usage: leaks.py <prefix> <source folder> <build folder>"""

import pathlib
import subprocess
import sys


def main(prefix, source, build):
    forbidden = [build, f"{source}/src", f"{source}/include", f"{source}/validation", "libfftw3."]
    bad = [(path, text) for path in pathlib.Path(prefix).rglob("*") if path.is_file()
           for text in forbidden if text.encode() in path.read_bytes()
           # a library needs a shared FFTW by its soname
           and not (text == "libfftw3." and (".so" in path.name or path.name == "fortet"))]
    for path, text in bad:
        print(f"{path} names {text}")
    program = next(pathlib.Path(prefix).rglob("bin/fortet"))
    report = pathlib.Path(build) / "installed-report"
    done = subprocess.run([program, "validate", "--filter", "two-by-two", "--quiet", "--report", report])
    page = (report / "index.html").read_text()
    if "plots" in page and "is not there" in page:
        print("the installed program does not find its plotting programs")
        return 1
    return 1 if bad or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
