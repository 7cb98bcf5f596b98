"""`template.yaml` as MiniStack takes it: translated, and changed in the few places where the emulator falls short.

Everything that differs from the deployed template is in this file, what roles are allowed besides in `permissions`:

- routes of the HTTP API become resources of their own, because MiniStack passes over the API's OpenAPI body;
- functions find their libraries through `PYTHONPATH` instead of in their archive (see `packaging`);
- Twilio's two secrets hold the local account's values from the start;
- outputs that MiniStack cannot fill are left out.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from followup.domain.errors import BadInput
from infra.local.stack.permissions import excepted
from infra.local.stack.places import sam_python
from infra.local.stack.template import TEMPLATE, Template

TRANSLATION: Final = Path(__file__).with_name("translation.py")
UNFILLED_OUTPUTS: Final = ("MailDnsRecords",)
"""Names what only the real mail service makes up."""


def translate(code_uri: str, template: Path = TEMPLATE) -> Template:
    """The template as plain CloudFormation, as AWS would see it, the code at this S3 address.

    Raises:
        BadInput: the SAM translator refuses the template; the message ends with its own words.
    """
    command = [sam_python(), TRANSLATION, template, code_uri]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(f"{template.name} could not be translated: {done.stderr.strip()[-500:]}")
    translated: Template = json.loads(done.stdout)
    return translated


def localised(translated: Template, *, libraries: Path, secrets: dict[str, str]) -> Template:
    """A translated template, changed for MiniStack. `secrets`: values by logical id."""
    resources = dict(translated["Resources"])
    for logical_id, resource in translated["Resources"].items():
        match resource["Type"]:
            case "AWS::Lambda::Function":
                resources[logical_id] = _with_libraries(resource, libraries)
            case "AWS::IAM::Role":
                resources[logical_id] = excepted(resource)
            case "AWS::ApiGatewayV2::Api":
                resources |= _routed(logical_id, resource)
            case "AWS::SecretsManager::Secret" if logical_id in secrets:
                resources[logical_id] = _with(resource, SecretString=secrets[logical_id])
    outputs = {name: value for name, value in translated["Outputs"].items() if name not in UNFILLED_OUTPUTS}
    return {**translated, "Resources": resources, "Outputs": outputs}


def _with(resource: dict[str, Any], **properties: Any) -> dict[str, Any]:
    return {**resource, "Properties": {**resource["Properties"], **properties}}


def _with_libraries(function: dict[str, Any], libraries: Path) -> dict[str, Any]:
    variables = {**function["Properties"]["Environment"]["Variables"], "PYTHONPATH": str(libraries)}
    return _with(function, Environment={"Variables": variables})


def _routed(logical_id: str, api: dict[str, Any]) -> dict[str, Any]:
    name = {"Fn::Sub": f"${{AWS::StackName}}-{logical_id}"}
    found = {logical_id: {**api, "Properties": {"Name": name, "ProtocolType": "HTTP"}}}
    for path, methods in api["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            called = operation["x-amazon-apigateway-integration"]
            route = logical_id + "".join(part.title() for part in (*path.split("/"), method) if part.isalnum())
            found[f"{route}Integration"] = {
                "Type": "AWS::ApiGatewayV2::Integration",
                "Properties": {
                    "ApiId": {"Ref": logical_id},
                    "IntegrationType": "AWS_PROXY",
                    "IntegrationUri": called["uri"],
                    "PayloadFormatVersion": called["payloadFormatVersion"],
                },
            }
            found[f"{route}Route"] = {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": logical_id},
                    "RouteKey": f"{method.upper()} {path}",
                    "Target": {"Fn::Sub": f"integrations/${{{route}Integration}}"},
                },
            }
    return found
