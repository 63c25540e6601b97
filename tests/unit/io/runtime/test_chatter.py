"""Of what a JVM says on stderr, only its greeting is left out."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import subprocess, sys, time
from fuserank.io.runtime.chatter import without_chatter
print("before", file=sys.stderr)
with without_chatter():
    child = subprocess.Popen([sys.executable, "-c", '''
import sys, time
for line in ("WARNING: Using incubator modules: jdk.incubator.vector", "a real warning",
             'Setting default log level to "WARN".',
             "To adjust logging level use sc.setLogLevel(newLevel).",
             "24/01/01 WARN NativeCodeLoader: Unable to load native-hadoop library"):
    print(line, file=sys.stderr, flush=True)
time.sleep(.5)
print("later words of the child", file=sys.stderr, flush=True)
'''])
print("own words after", file=sys.stderr, flush=True)
child.wait()
time.sleep(.3)
"""


def test_only_the_greeting_is_left_out_and_later_words_still_come() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True)
    lines = done.stderr.splitlines()
    assert sorted(lines) == sorted(["before", "a real warning", "own words after", "later words of the child"])
    assert lines[0] == "before"
    assert lines[-1] == "later words of the child"
