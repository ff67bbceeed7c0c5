"""Checks a bill of materials against its schema: validate.py SCHEMA DOCUMENT."""

import json
import pathlib
import sys

try:
    import jsonschema
except ImportError:
    sys.exit(77)

folder = pathlib.Path(__file__).parent
schema = json.loads((folder / sys.argv[1]).read_text())
store = {}
for name in ("spdx.schema.json", "jsf-0.82.schema.json"):
    other = json.loads((folder / name).read_text())
    store[other["$id"]] = other
    store["http://cyclonedx.org/schema/" + name] = other
document = json.loads(pathlib.Path(sys.argv[2]).read_text())
resolver = jsonschema.RefResolver(schema.get("$id", ""), schema, store=store)
validator = jsonschema.validators.validator_for(schema)(schema, resolver=resolver)
errors = list(validator.iter_errors(document))
for error in errors[:10]:
    print(list(error.path), error.message[:300])
sys.exit(1 if errors else 0)
