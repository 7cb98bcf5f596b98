"""Runs MiniStack for as long as somebody holds the other end of standard input.

Run by MiniStack's own interpreter, so it imports nothing of ours. When whoever started it goes away, orderly or not,
standard input ends, and MiniStack is told to stop: nothing is left running.
"""

import os
import signal
import sys
import threading

from ministack.app import main


def _stop_with_the_starter() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_stop_with_the_starter, daemon=True).start()
    sys.argv = sys.argv[:1]
    main()
