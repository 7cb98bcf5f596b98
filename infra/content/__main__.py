"""The command `python -m infra.content`."""

import argparse
import sys
from pathlib import Path

from infra.content.compiling import CONTENT, check, compile_content


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.content", description="Check or compile the content.")
    parser.add_argument("do", choices=("check", "compile"))
    parser.add_argument("--folder", type=Path, default=CONTENT)
    asked = parser.parse_args(arguments)
    problems = (check if asked.do == "check" else compile_content)(asked.folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
