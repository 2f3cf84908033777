"""Writes the figures of loadtest/endurance.sh as a page.

    endurance.py FOLDER     where the JSON files of the three clients are
"""

import datetime
import json
import os
import pathlib
import platform
import sys

TITLES = {"stream_endurance": "Live SSE streams", "cancel_endurance": "Clients that go away",
          "shutdown_trials": "SIGTERM under streaming load"}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def main():
    folder = pathlib.Path(sys.argv[1])
    print(f"# Endurance of the server, {datetime.date.today()}\n")
    print(f"{os.cpu_count()} cores of {processor()}; the HTTP server and the engine around a model "
          "that computes\nnothing (`oriel_fake_server`), clients on the same cores. Command: "
          "`loadtest/endurance.sh`.")
    for name, title in TITLES.items():
        path = folder / f"{name}.json"
        print(f"\n## {title}\n\n`loadtest/client/{name}.py`\n")
        if not path.is_file():
            print("No figures: it did not finish.")
            continue
        print("| figure | value |\n|---|---|")
        for figure, value in json.loads(path.read_text(encoding="utf-8")).items():
            print(f"| {figure.replace('_', ' ')} | {value} |")


if __name__ == "__main__":
    main()
