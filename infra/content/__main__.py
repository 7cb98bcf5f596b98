"""The command `python -m infra.content`."""

import argparse
import sys
from pathlib import Path

from followup.content import Content
from infra.content.compiling import CONTENT, check, compile_content, judge
from infra.content.listing import question_texts


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.content", description="Check, compile or show the content.")
    parser.add_argument("do", choices=("check", "compile", "show"))
    parser.add_argument("--folder", type=Path, default=CONTENT)
    asked = parser.parse_args(arguments)
    if asked.do == "show":
        judged = judge(asked.folder)
        problems = judged.problems
        for line in () if problems else question_texts(Content(**judged.parts)):
            print(line)
    else:
        problems = (check if asked.do == "check" else compile_content)(asked.folder)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
