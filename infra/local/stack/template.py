"""`template.yaml` as a mapping, CloudFormation's short forms (`!Ref`, `!GetAtt`, `!Sub`) spelled out."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

ROOT: Final = Path(__file__).parents[3]
TEMPLATE: Final = ROOT / "template.yaml"

Template = dict[str, Any]


class _Constructor(SafeConstructor):
    """Safe YAML with CloudFormation's tags; a constructor class of its own, so that other YAML stays as it is."""


def _function(constructor: SafeConstructor, tag: str, node: Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, ScalarNode):
        value = constructor.construct_scalar(node)
    elif isinstance(node, MappingNode):
        value = constructor.construct_mapping(node, deep=True)
    else:
        value = constructor.construct_sequence(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Constructor.add_multi_constructor("!", _function)


@cache
def read_template(path: Path = TEMPLATE) -> Template:
    """The template as it is written, before any translation. Read once; do not change it."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _Constructor
    loaded: Template = yaml.load(path)
    return loaded
