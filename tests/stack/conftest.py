"""The template in its three shapes: as written, as translated, and running."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.stack.emulator import free_port
from infra.local.stack.local_template import translate
from infra.local.stack.stack import Stack
from infra.local.stack.template import Template, read_template

CODE = "s3://code/functions.zip"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "stack: runs the service from template.yaml on MiniStack")
    config.addinivalue_line("markers", "build: opens what `sam build` made; chosen with -m build only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests of the built artifact run when they are asked for, because the build is a step of its own."""
    if "build" in config.getoption("markexpr"):
        return
    built = [item for item in items if item.get_closest_marker("build")]
    config.hook.pytest_deselected(items=built)
    items[:] = [item for item in items if item not in built]


@pytest.fixture(scope="session")
def template() -> Template:
    return read_template()


@pytest.fixture(scope="session")
def resources(template: Template) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = template["Resources"]
    return found


@pytest.fixture(scope="session")
def translated() -> Template:
    return translate(CODE)


@pytest.fixture(scope="session")
def carrier_port() -> int:
    """Where the running stack expects its carrier; nobody listens there unless a test does."""
    return free_port()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, carrier_port: int) -> Iterator[Stack]:
    state: Path = tmp_path_factory.mktemp("stack")
    with Stack.start(state, carrier_url=f"http://127.0.0.1:{carrier_port}") as running:
        yield running
