"""Runs a program, and prints as JSON what it took: measure.py STDOUT STDERR PROGRAM ARGUMENT...

A process of its own, because the peak of a child's memory begins with that of the process that starts it: this one is small.
"""

import json
import os
import sys
import time

stdout, stderr, *command = sys.argv[1:]
start = time.monotonic()
child = os.fork()
if child == 0:
    for path, number in ((stdout, 1), (stderr, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error}\n".encode())
        os._exit(127)
_, status, usage = os.wait4(child, 0)
print(
    json.dumps(
        {
            # Negative: the number of the signal that ended it.
            "status": os.waitstatus_to_exitcode(status),
            # Those of its children too.
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "wall_seconds": time.monotonic() - start,
            # Linux counts in KiB, macOS in bytes.
            "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }
    )
)
