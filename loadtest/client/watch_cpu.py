#!/usr/bin/env python3
"""Runs a command and says how much of the machine others took meanwhile.

    watch_cpu.py FILE COMMAND …

FILE gets the share of all processors' time that was spent outside the command, 0 to 1: other
processes, interrupts, and what a hypervisor gave to others. Exits as the command does.
"""

import os
import pathlib
import resource
import subprocess
import sys
import time

# The columns of /proc/stat's first line that are work: user, nice, system, irq, softirq, steal.
BUSY_COLUMNS = (0, 1, 2, 5, 6, 7)


def busy_seconds():
    with open("/proc/stat", encoding="utf-8") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    return sum(ticks[column] for column in BUSY_COLUMNS) / os.sysconf("SC_CLK_TCK")


def main():
    begin, busy = time.monotonic(), busy_seconds()
    code = subprocess.run(sys.argv[2:]).returncode
    capacity = (time.monotonic() - begin) * os.cpu_count()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    others = busy_seconds() - busy - usage.ru_utime - usage.ru_stime
    pathlib.Path(sys.argv[1]).write_text(f"{max(others, 0.0) / capacity:.4f}\n")
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
