"""`python -m infra.bench` measures everything and writes docs/performance.md."""

import os
from typing import Final

from infra.local.stack.template import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"


def main() -> None:
    """Measure, and write the page."""
    os.environ |= {
        "AWS_DEFAULT_REGION": "us-east-1",
        "POWERTOOLS_LOG_LEVEL": "CRITICAL",
        "POWERTOOLS_METRICS_NAMESPACE": "FollowUp",
        "POWERTOOLS_SERVICE_NAME": "followup",
    }
    # Imported once the environment is set: the functions' loggers read it.
    from infra.bench.report import page

    parts = []
    for part in page():
        print(part, flush=True)
        parts.append(part)
    PAGE.write_text("\n".join(parts))


if __name__ == "__main__":
    main()
