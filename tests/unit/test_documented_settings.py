"""The tables of settings name what there is, no more and no less."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.cli.clinic_file import WEEKDAYS, ClinicFile
from infra.local.stack.template import read_template
from tests.documented import README, ROOT, section

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CLINIC_FILE = (ROOT / "docs/clinic-file.md").read_text(encoding="utf-8")
OF_ITS_OWN = {"HOME", "MAKEFILE_LIST"}


def rows(table: str) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Each row: the names in its first column, its second column, its third."""
    for names, second, third in re.findall(r"^\| (`[^|]+`) \|([^|]*)\| ?([^|]*)\|$", table, re.MULTILINE):
        yield tuple(re.findall(r"`([^`]+)`", names)), second.strip(), third.strip()


def test_given_the_makefile_when_it_takes_a_variable_then_the_readme_names_it_and_where_it_belongs() -> None:
    made = set(re.findall(r"^(?:export )?(\w+) :?=", MAKEFILE, re.MULTILINE))
    taken = set(re.findall(r"\$\((?:if \$\()?([A-Z][A-Z0-9_]*)\)", MAKEFILE)) - made - OF_ITS_OWN
    told = {
        name: targets
        for names, targets, _ in rows(section(README, "Settings"))
        for name in names
        if "`make " in targets
    }
    assert set(told) == taken
    recipes = dict(re.findall(r"^([a-z]+):[^\n]*\n((?:\t[^\n]*\n)+)", MAKEFILE, re.MULTILINE))
    for name, targets in told.items():
        if name != "PYTHON":  # installs what the other targets need
            for target in re.findall(r"`make (\w+)`", targets):
                assert f"$({name})" in recipes[target], (name, target)


def test_given_the_functions_when_the_template_sets_a_variable_then_the_readme_names_it_and_its_parameter() -> None:
    template = read_template()
    told = {
        name: second
        for names, second, _ in rows(section(README, "Settings"))
        for name in names
        if "`make " not in second
    }
    variables = dict(_variables(template))
    assert set(told) == set(variables)
    parameters = template["Parameters"]
    for name, value in variables.items():
        given = [found for found in re.findall(r"'Ref': '(\w+)'", str(value)) if found in parameters]
        assert re.findall(r"`(\w+)`", told[name]) == given, name


def test_given_the_fixed_variables_when_the_readme_gives_their_values_then_the_template_has_them() -> None:
    fixed = next(row for row in rows(section(README, "Settings")) if row[1] == "fixed")
    variables = dict(_variables(read_template()))
    assert tuple(re.findall(r"`([^`]+)`", fixed[2])) == tuple(variables[name] for name in fixed[0])


def test_given_the_clinic_file_when_it_takes_a_field_then_its_page_names_it_with_its_default() -> None:
    told = {name: default for names, default, _ in rows(CLINIC_FILE) for name in names}
    fields = dict(_fields(ClinicFile.model_json_schema()))
    assert list(told) == list(fields)
    assert told == fields


def _variables(template: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The environment of all functions together."""
    yield from template["Globals"]["Function"]["Environment"]["Variables"].items()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            yield from resource["Properties"]["Environment"]["Variables"].items()


def _fields(schema: Mapping[str, Any], node: Mapping[str, Any] | None = None, path: str = "") -> Iterator[Any]:
    """Each field of the clinic's file by its path, and what it is when it is left out."""
    node = schema if node is None else node
    for name, field in node["properties"].items():
        held, step = field, name
        if "$ref" in field.get("items", {}):
            held, step = field["items"], f"{name}[]"
        elif "$ref" in field.get("additionalProperties", {}) and "propertyNames" not in field:
            yield f"{path}{name}.<language>", _default(field, required=name in node.get("required", ()))
            continue
        elif "$ref" in field.get("additionalProperties", {}):
            assert field["propertyNames"]["enum"] == list(WEEKDAYS)
            held, step = field["additionalProperties"], f"{name}.<day>"
        if "$ref" in held:
            yield from _fields(schema, schema["$defs"][held["$ref"].rpartition("/")[2]], f"{path}{step}.")
        else:
            yield f"{path}{name}", _default(field, required=name in node.get("required", ()))


def _default(field: Mapping[str, Any], *, required: bool) -> str:
    if required:
        return ""
    match field.get("default", []):
        case None:
            return "null"
        case []:
            return "none"
        case "":
            return "empty"
        case default:
            return f"`{default}`"
