"""Run by a Python that has `jsonschema`: standard input is a list of [schema, documents]; prints what is wrong."""

import json
import sys

from jsonschema import validators

for at, (schema, documents) in enumerate(json.load(sys.stdin)):
    check = validators.validator_for(schema)
    check.check_schema(schema)
    for document in documents:
        for error in check(schema).iter_errors(document):
            print(f"{at}: {error.json_path}: {error.message[:200]}")
