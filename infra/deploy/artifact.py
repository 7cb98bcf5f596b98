"""Whether `sam build` has built the code that lies here, libraries and all."""

from pathlib import Path
from typing import Any, Final

from infra.checklist import Check, failed, ok

LIBRARIES: Final = ("boto3", "msgspec", "twilio")
"""Some of what every function needs: a build that found no requirements succeeds, and ships none of them."""
_BUILD: Final = "run `make build`"


def artifact_check(built: Path, code: Path, template: Path, requirements: Path, resources: dict[str, Any]) -> Check:
    """`built`: what SAM deploys; `code`: the functions' folder; `resources`: the template's."""
    name = "artifact"
    made = built / "template.yaml"
    functions = [each for each, what in resources.items() if what["Type"] == "AWS::Serverless::Function"]
    if not made.is_file() or not all((built / function).is_dir() for function in functions):
        return failed(name, "nothing is built, or not every function", _BUILD)
    if any(source.stat().st_mtime > made.stat().st_mtime for source in (template, requirements)):
        return failed(name, f"is older than {template.name} or {requirements.name}", _BUILD)
    if not all((built / function / library).is_dir() for function in functions for library in LIBRARIES):
        return failed(name, "has no libraries", _BUILD)
    wanted = _files(code)
    if not all(_files(built / function / code.name) == wanted for function in functions):
        return failed(name, "is not built from the code that lies here", _BUILD)
    return ok(name, f"{len(functions)} functions, built from the code that lies here")


def _files(folder: Path) -> dict[str, bytes]:
    """Contents by path, compiled Python left out: a build may add or lack it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    }
