"""What `samconfig.toml` says about a deployment."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from followup.domain.errors import BadInput


@dataclass(frozen=True, slots=True)
class DeployConfig:
    """One environment's section. `parameters` are the template's, as text; `region` may be left to the surroundings."""

    stack_name: str
    capabilities: tuple[str, ...]
    region: str
    parameters: Mapping[str, str]


def read_config(path: Path, environment: str = "default") -> DeployConfig:
    """The section `[<environment>.deploy.parameters]`.

    Raises:
        BadInput: it cannot be read, or is not of the form that is read here.
    """
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be read ({error.strerror})") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path.name}: is not valid TOML ({error}); correct that line") from None
    section = _table(document, environment, "deploy", "parameters")
    if not section:
        known = ", ".join(name for name in document if name != "version")
        raise BadInput(f"{path.name}: has no [{environment}.deploy.parameters]; write one, or take one of: {known}")
    overrides = section.get("parameter_overrides", {})
    if not isinstance(overrides, dict):
        raise BadInput(f"{path.name}: parameter_overrides: write a table, one line for each parameter")
    named = section.get("capabilities", ())
    return DeployConfig(
        stack_name=str(section.get("stack_name", "")),
        capabilities=tuple(named.split()) if isinstance(named, str) else tuple(map(str, named)),
        region=str(section.get("region", "")),
        parameters={str(name): str(value) for name, value in overrides.items()},
    )


def _table(document: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    found: Any = document
    for part in path:
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}
