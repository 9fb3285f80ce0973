"""Translate template.yaml, a SAM template, into the CloudFormation template
that AWS would make of it, for the tests in this folder.

    translate.py template.yaml > testdata/translated.json

Needs aws-sam-translator; `make deploy-check` installs it. The SHA-256 of the
source goes along, so that a test can tell when the translation is stale.
"""

import hashlib
import json
import os
import sys

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402


class NoManagedPolicies:
    """The template names no managed policies."""

    def load(self):
        return {}


def main(path):
    with open(path, "rb") as f:
        source = f.read()
    template = yaml_parse(source)
    for resource in template["Resources"].values():
        # `sam deploy` uploads the folder; the translator wants where to.
        if "CodeUri" in resource.get("Properties", {}):
            resource["Properties"]["CodeUri"] = "s3://bucket/" + resource["Properties"]["CodeUri"]
        if "ImageUri" in resource.get("Properties", {}):
            resource["Properties"]["ImageUri"] = "111122223333.dkr.ecr.us-east-1.amazonaws.com/loanscorer:tag"
    out = transform(template, {}, NoManagedPolicies())
    out.setdefault("Metadata", {})["SourceSHA256"] = hashlib.sha256(source).hexdigest()
    json.dump(out, sys.stdout, indent=1, sort_keys=True)
    print()


main(sys.argv[1])
