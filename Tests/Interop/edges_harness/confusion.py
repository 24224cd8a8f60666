# SPDX-License-Identifier: Apache-2.0
# Copyright the Headwater authors
"""The confusion matrix of `headwater probe diagnose`: each fault set, and what was named, so many times.

HEADWATER_BIN=… python3 -m edges_harness.confusion [--runs 5] [--jobs 3] [--only TEXT] [--write docs/diagnosis.md]

Run it in Tests/Interop. Without --write it prints the table; with it, the table between the file's markers is
replaced. Exits 1 if any run was wrong.
"""

import argparse
import collections
import multiprocessing
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .diagnosis import run_case
from .faults import ALL_CASES, CLEAN, HARMLESS, Case

BEGIN, END = "<!-- confusion matrix -->", "<!-- end of the confusion matrix -->"
BUSY = [case._replace(name=f"{case.name}, busy cores") for case in [*CLEAN[:4], *HARMLESS[3:]]]


def named(verdict: str, causes: list[str]) -> str:
    """A column: the verdict and the first cause."""
    return f"{verdict}: `{causes[0]}`" if causes else verdict


def run(case: Case, is_busy: bool = False) -> str:
    """One run, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for _ in range(3 if is_busy else 0):
            process = subprocess.Popen(["sh", "-c", "while :; do :; done"])
            stack.callback(process.wait)
            stack.callback(process.kill)
        found = run_case(case, Path(folder))
        return named(found.verdict, found.causes)


def table(counts: dict[str, collections.Counter], right: dict[str, str]) -> list[str]:
    """Rows are what was set, columns what was right to name, and what was named."""
    lines = ["| set | right | named | runs |", "|---|---|---|---|"]
    for name, counter in counts.items():
        for column, count in counter.most_common():
            mark = column if column == right[name] else f"**{column}**"
            lines.append(f"| {name} | {right[name]} | {mark} | {count} |")
    return lines


def main() -> int:
    """Runs everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    counts: dict[str, collections.Counter] = {}
    right: dict[str, str] = {}

    def note(case: Case, column: str) -> None:
        right[case.name] = named(case.verdict, [case.cause] if case.cause else [])
        counts.setdefault(case.name, collections.Counter())[column] += 1
        verdict = "ok" if column == right[case.name] else f"WRONG, right is {right[case.name]}"
        print(f"{case.name}: {column} {verdict}", file=sys.stderr, flush=True)

    chosen = [case for case in ALL_CASES if options.only in case.name] * options.runs
    # A diagnosis mostly waits, so several at once disturb each other little. What makes the machine busy runs alone.
    with multiprocessing.get_context("spawn").Pool(options.jobs) as pool:
        for case, column in zip(chosen, pool.imap(run, chosen)):
            note(case, column)
    for case in [case for case in BUSY if options.only in case.name] * options.runs:
        note(case, run(case, is_busy=True))
    wrong = sum(sum(counter.values()) - counter[right[name]] for name, counter in counts.items())
    total = sum(sum(counter.values()) for counter in counts.values())
    lines = [*table(counts, right), "", f"{total} runs, {wrong} wrong."]
    if options.write:
        text = options.write.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        _, _, after = rest.partition(END)
        options.write.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), encoding="utf-8")
    else:
        print("\n".join(lines))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
