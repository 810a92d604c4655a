#!/usr/bin/env python3
"""Fast checks of text and structure. `./dev lint` runs all of them; each is one function that yields complaints.

The include table is read from docs/ARCHITECTURE.md, its only source: what a folder of src/ may include of other folders,
and which libraries it may use.
"""
import argparse
import re
import subprocess
import sys
import time
from pathlib import Path
from xml.sax.saxutils import quoteattr

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 800
LONGEST_LINE = 140  # where `.clang-format` wraps at 125, a table of comments may stand out a little
CODE = {".cpp", ".h", ".py", ".ts", ".svelte", ".sh"}

# How a library of the table shows itself in an #include.
LIBRARY_HEADERS = {
    "Asio": r"boost/.*",
    "CLI11": r"CLI/.*",
    "OpenSSL": r"openssl/.*",
    "SOCI": r"soci/.*",
    "SQLite": r"sqlite3\.h",
    "expat": r"expat\.h",
    "fmt": r"fmt/.*",
    "libcurl": r"curl/.*",
    "libipsec-mb": r"intel-ipsec-mb\.h",
    "libpq": r"libpq-fe\.h|libpq/.*",
    "libseccomp": r"seccomp\.h",
    "libslirp": r"slirp/.*",
    "libsodium": r"sodium\.h|sodium/.*",
    "libvterm": r"vterm.*",
    "lz4": r"lz4\.h",
    "nlohmann-json": r"nlohmann/.*",
    "spdlog": r"spdlog/.*",
    "toml++": r"toml\+\+/.*",
    "zlib": r"zlib\.h",
    "zstd": r"zstd.*\.h",
    "libarchive": r"archive(_entry)?\.h",
}
PURE_FOLDERS = ("wire", "ssh", "sftp", "terminal", "model", "policy")
IMPURE_HEADERS = re.compile(
    r"boost/.*|sys/.*|unistd\.h|fcntl\.h|netinet/.*|arpa/.*|netdb\.h|poll\.h|pthread\.h|signal\.h|csignal|"
    r"thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|stop_token|"
    r"fstream|iostream|filesystem|cstdio|stdio\.h|ctime|time\.h|base/log\.h")
IMPURE_CALLS = re.compile(
    r"_clock::now\b|\bstd::(?:j?thread|mutex|async)\b|\bf?open\s*\(\s*\"|::(?:socket|connect|send|recv|read|write)\s*\(\s*fd|"
    r"\bgetenv\b|\blog::(?:write|info|warn|error|debug|warn_limited)\b")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def listed(*patterns):
    """Files of the repo, also those not yet committed."""
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "--", *patterns], cwd=ROOT, check=True,
                         capture_output=True, text=True).stdout
    return [name for name in sorted(out.splitlines()) if (ROOT / name).is_file()]


def text_of(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def include_table():
    """{folder: (folders it may include, libraries it may use)} from the table whose head is `folder | may include`."""
    table = {}
    rows = iter(text_of("docs/ARCHITECTURE.md").splitlines())
    for line in rows:
        if re.match(r"\|\s*folder\s*\|\s*may include\s*\|\s*libraries\s*\|", line):
            break
    else:
        raise SystemExit("lint: docs/ARCHITECTURE.md has no table `| folder | may include | libraries |`")
    next(rows)
    for line in rows:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3 or not line.startswith("|"):
            break
        split = [[word.strip(" `") for word in cell.split(",") if word.strip(" `") not in ("", "—")] for cell in cells]
        for folder in split[0]:
            table[folder] = (set(split[1]), set(split[2]))
    everything = set(table) - {"app"}
    for folder, (folders, libraries) in table.items():
        if "everything" in folders:
            folders.discard("everything")
            folders |= everything
        unknown = folders - set(table) | libraries - set(LIBRARY_HEADERS) - {"any"}
        if unknown:
            raise SystemExit(f"lint: the include table names {sorted(unknown)} for {folder}; nobody knows them")
    return table


def check_include_table():
    table = include_table()
    for name in listed("src/*.h", "src/*.cpp"):
        folder = name.split("/")[1]
        if folder not in table:
            yield f"{name}: folder {folder} is not in the include table of docs/ARCHITECTURE.md"
            continue
        folders, libraries = table[folder]
        for number, line in enumerate(text_of(name).splitlines(), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            path = include[2]
            if include[1] == '"':
                other = path.split("/")[0]
                if "/" not in path or other not in table:
                    yield f'{name}:{number}: "{path}" should be named from src/, as "folder/file.h"'
                elif other != folder and other not in folders:
                    yield f"{name}:{number}: {folder} may not include {other} ({path})"
                continue
            for library, pattern in LIBRARY_HEADERS.items():
                if re.fullmatch(pattern, path) and library not in libraries and "any" not in libraries:
                    yield f"{name}:{number}: {folder} may not use {library} (<{path}>)"


def check_pure_folders():
    """No Asio, socket, file, thread, clock or log where bytes and values are turned into bytes and values."""
    for name in listed(*(f"src/{folder}/*" for folder in PURE_FOLDERS)):
        for number, line in enumerate(text_of(name).splitlines(), 1):
            include = INCLUDE.match(line)
            if include and IMPURE_HEADERS.fullmatch(include[2]):
                yield f"{name}:{number}: {include[2]} does not belong into a pure folder"
            code = line.split("//")[0]
            if IMPURE_CALLS.search(code):
                yield f"{name}:{number}: a pure folder is handed time and bytes, it does not fetch them: {code.strip()}"


def check_sizes():
    for name in listed():
        if Path(name).suffix not in CODE:
            continue
        lines = text_of(name).splitlines()
        if len(lines) > LONGEST_FILE:
            yield f"{name}: {len(lines)} lines, more than {LONGEST_FILE}; split it"
        for number, line in enumerate(lines, 1):
            if len(line) > LONGEST_LINE and name.startswith(("src/", "tests/")):
                yield f"{name}:{number}: {len(line)} columns, more than {LONGEST_LINE}"


def check_text():
    """What no editor should leave behind, and paths that exist on one machine only."""
    machine = re.compile(r"/(?:wo" r"rk|fa" r"rm)/[a-z.]|/home/(?!USER|you|alice)[a-z]+/")
    left_over = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b|<{7}|>{7}")
    for name in listed():
        path = ROOT / name
        if "/corpus/" in name or path.suffix in (".png", ".svg", ".cast", ".bin") or path.stat().st_size > 1 << 20:
            continue
        raw = path.read_bytes()
        if b"\0" in raw[:8000]:
            continue
        text = raw.decode("utf-8", errors="replace")
        if text and not text.endswith("\n"):
            yield f"{name}: no newline at the end"
        for number, line in enumerate(text.splitlines(), 1):
            if line != line.rstrip() and path.suffix in CODE | {".md", ".toml", ".txt"}:
                yield f"{name}:{number}: space at the end of the line"
            if "\t" in line and path.suffix in CODE:
                yield f"{name}:{number}: a tab"
            if machine.search(line):
                yield f"{name}:{number}: a path of one machine: {line.strip()[:80]}"
            if left_over.search(line) and name != "LICENSE":
                yield f"{name}:{number}: left over: {line.strip()[:80]}"


def check_headers():
    """A header opens with what it is, and is included once."""
    for name in listed("src/*.h"):
        lines = text_of(name).splitlines()
        if not lines or not lines[0].startswith("//"):
            yield f"{name}:1: a header opens with a few lines that say what it is"
        if "#pragma once" not in lines:
            yield f"{name}: no #pragma once"


def check_fuzz_targets():
    """A fuzz target arrives with its corpus."""
    for name in listed("tests/fuzz/*.cpp"):
        target = Path(name).stem
        if target != "replay_main" and not listed(f"tests/fuzz/corpus/{target}/*"):
            yield f"{name}: tests/fuzz/corpus/{target}/ is empty"


def check_limits():
    """Each limit has a test that names it."""
    tests = "\n".join(text_of(name) for name in listed("tests/unit/*.cpp"))
    for name in re.findall(r"^inline constexpr [\w:]+ (k\w+)\b", text_of("src/wire/limits.h"), re.M):
        if not re.search(rf"\b{name}\b", tests):
            yield f"src/wire/limits.h: no test names {name}"


def known_tests():
    """What a document may name: Suite.Test (parameters left out), test_function, fuzz/target."""
    names = set()
    for name in listed("tests/unit/*.cpp"):
        names |= {".".join(found) for found in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", text_of(name), re.M)}
    for name in listed("tests/interop/*.py"):
        names |= set(re.findall(r"^\s*def (test_\w+)", text_of(name), re.M))
    return names | {f"fuzz/{Path(name).stem}" for name in listed("tests/fuzz/*.cpp")}


def check_threat_model():
    """Each test that the threat model names is there; a name alone belongs to the suite that was named last."""
    page, known = "docs/THREAT_MODEL.md", known_tests()
    here = False
    for number, line in enumerate(text_of(page).splitlines(), 1):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) != 3 or cells[2] == "test" or set(cells[2]) <= {"-"}:
            here = len(cells) == 3 and (here or cells[2] == "test")
            continue
        if not here:
            continue
        named, suite = re.findall(r"`([^`]+)`", cells[2]), ""
        if not named:
            yield f"{page}:{number}: no test is named"
        for test in named:
            if "." in test:
                suite = test.split(".")[0]
            elif not test.startswith(("test_", "fuzz/")):
                test = f"{suite}.{test}"
            if test.endswith(".*") and any(name.startswith(test[:-1]) for name in known):
                continue
            if test not in known:
                yield f"{page}:{number}: there is no test {test}"


UNNAMED = re.compile(r"^namespace \{\n(.*?)^\}(?:  // namespace)?\n", re.S | re.M)
AT_THE_MARGIN = re.compile(
    r"^(?:(?:class|struct|enum class|enum) (?P<type>\w+)|"
    r"(?!using|namespace|return|static_assert|TEST|friend)\w[\w:<>&*, ]*?[ &*](?P<other>\w+) ?[(={;])", re.M)


def names_in(code):
    """What is declared at the left margin: functions, constants and types of a namespace."""
    return {found["type"] or found["other"] for found in AT_THE_MARGIN.finditer(code)}


def check_names_together():
    """Files of a folder are compiled some together (SEKISHO_TOGETHER), so that the unnamed namespaces of several are one: a name that
    comes twice, or that a header of the folder has, too, might be taken for the other without a word of the compiler's."""
    apart = set(re.findall(r"sekisho_apart\((\w+)\)", text_of("CMakeLists.txt") + text_of("tests/CMakeLists.txt")))
    alone = set(re.findall(r"set_source_files_properties\((\S+) PROPERTIES SKIP_UNITY", text_of("tests/CMakeLists.txt")))
    files = {}
    for name in listed("src/*.cpp", "src/*.h", "tests/unit/*.cpp", "tests/unit/*.h"):
        folder = Path(name).parent
        program = ("unit_" if name.startswith("tests/") else "sekisho_") + folder.name
        if program not in apart and name.removeprefix("tests/") not in alone and folder.parent.name in ("src", "unit"):
            files.setdefault(folder, []).append(name)
    for folder, names in files.items():
        taken = {}
        for name in names:
            if name.endswith(".h"):
                taken.update({one: name for one in names_in(text_of(name))})
        for name in names:
            if name.endswith(".cpp") and not name.endswith("/main.cpp"):
                for one in sorted(set().union(*map(names_in, UNNAMED.findall(text_of(name))))):
                    if one in taken:
                        yield f"{name}: '{one}' is a name of {taken[one]}, too"
                    taken.setdefault(one, name)


def check_format():
    names = listed("src/*.h", "src/*.cpp", "tests/*.h", "tests/*.cpp")
    if not names:
        return
    for begin in range(0, len(names), 40):
        found = subprocess.run(["clang-format-19", "--dry-run", *names[begin:begin + 40]], cwd=ROOT, capture_output=True, text=True)
        for name in sorted(set(re.findall(r"^(\S+?):\d+:\d+: warning: code should be clang-formatted", found.stderr, re.M))):
            yield f"{name}: ./dev format would change it"


CHECKS = [check_include_table, check_pure_folders, check_sizes, check_text, check_headers, check_fuzz_targets, check_limits,
          check_threat_model, check_names_together]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--xml", type=Path, help="write the results as JUnit XML")
    parser.add_argument("--format", action="store_true", help="ask clang-format too")
    options = parser.parse_args()
    cases, failed = [], 0
    for check in CHECKS + ([check_format] if options.format else []):
        begin = time.monotonic()
        complaints = list(check())
        title = check.__name__.removeprefix("check_")
        for complaint in complaints:
            print(f"{title}: {complaint}")
        failed += bool(complaints)
        body = f"<failure message={quoteattr(chr(10).join(complaints[:20]))}/>" if complaints else ""
        cases.append(f'<testcase classname="lint" name="{title}" time="{time.monotonic() - begin:.3f}">{body}</testcase>')
    if options.xml:
        options.xml.parent.mkdir(parents=True, exist_ok=True)
        options.xml.write_text(f'<testsuite name="lint" tests="{len(cases)}" failures="{failed}">' + "".join(cases) + "</testsuite>\n")
    print(f"lint: {len(cases) - failed} checks passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
