"""Translates a SAM template into plain CloudFormation: what `sam deploy` has done by AWS, without asking AWS.

`python translation.py TEMPLATE CODE_URI` prints JSON. It runs under an interpreter that has the SAM translator, whose
pins clash with the functions' own, and therefore imports nothing of ours.
"""

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies:
    """Stands where the translator asks IAM for the names of managed policies: this template uses none."""

    def get_paginator(self, _operation: str) -> "NoManagedPolicies":
        return self

    def paginate(self, **_arguments: Any) -> list[dict[str, Any]]:
        return []


def translate(template: Path, code_uri: str) -> dict[str, Any]:
    """The template as CloudFormation, every function's code at this S3 address."""
    document = yaml_parse(template.read_text())
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource.setdefault("Properties", {})["CodeUri"] = code_uri
    document.get("Globals", {}).get("Function", {}).pop("CodeUri", None)
    translated: dict[str, Any] = transform(document, {}, ManagedPolicyLoader(NoManagedPolicies()))
    return translated


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    os.environ.setdefault(
        "AWS_DEFAULT_REGION", "us-east-1"
    )  # the translator must know one, and only its partition counts
    json.dump(translate(Path(sys.argv[1]), sys.argv[2]), sys.stdout, indent=1)
