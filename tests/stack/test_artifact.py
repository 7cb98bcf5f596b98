"""Opens what `sam build` made: it succeeds without a single library when it finds no requirements."""

import json
from pathlib import Path

import pytest

from infra.local.stack.template import ROOT, read_template

BUILT = ROOT / ".aws-sam" / "build"
NEEDED = ("boto3", "botocore", "aws_lambda_powertools", "jinja2", "msgspec", "twilio")
MOST_MB = 250  # what Lambda takes, unpacked
SHARED_WITH_LAMBDA = "aarch64"
UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: bytecode that is not compared with its source

pytestmark = pytest.mark.build


def artifacts() -> list[Path]:
    return [path for path in BUILT.iterdir() if path.is_dir()] if BUILT.is_dir() else []


def test_given_a_build_when_it_is_opened_then_every_function_is_there() -> None:
    functions = {
        name for name, each in read_template()["Resources"].items() if each["Type"] == "AWS::Serverless::Function"
    }
    assert {path.name for path in artifacts()} == functions


@pytest.mark.parametrize("artifact", artifacts(), ids=lambda path: path.name)
class TestArtifact:
    def test_given_an_artifact_when_opened_then_its_libraries_are_inside(self, artifact: Path) -> None:
        assert [name for name in NEEDED if not (artifact / name).is_dir()] == []

    def test_given_an_artifact_when_opened_then_compiled_parts_are_for_the_functions_processor(
        self, artifact: Path
    ) -> None:
        compiled = list(artifact.rglob("*.so"))
        assert compiled
        assert [path.name for path in compiled if SHARED_WITH_LAMBDA not in path.name] == []
        assert all("cpython-313" in path.name or "abi3" in path.name for path in compiled)

    def test_given_an_artifact_when_opened_then_content_and_handlers_are_inside(self, artifact: Path) -> None:
        assert json.loads((artifact / "followup" / "content" / "compiled.json").read_bytes())
        handlers = ROOT / "functions" / "followup" / "handlers"
        assert all((artifact / "followup" / "handlers" / path.name).is_file() for path in handlers.glob("*.py"))

    def test_given_an_artifact_when_opened_then_bytecode_is_inside_and_trusted_as_it_is(self, artifact: Path) -> None:
        sources = [path for path in artifact.rglob("*.py") if path.parts[len(artifact.parts)] in ("followup", *NEEDED)]
        compiled = [path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in sources]
        assert [path for path in compiled if not path.is_file()] == []
        assert {path.read_bytes()[4:8] for path in compiled} == {UNCHECKED_HASH}

    def test_given_an_artifact_when_weighed_then_lambda_takes_it(self, artifact: Path) -> None:
        megabytes = sum(path.stat().st_size for path in artifact.rglob("*") if path.is_file()) / 1e6
        assert megabytes < MOST_MB
