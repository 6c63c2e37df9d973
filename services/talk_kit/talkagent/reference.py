"""The reference page of the TalkAgent, from its schema: `python -m talk_kit.talkagent.reference` prints it."""

from __future__ import annotations

from collections.abc import Iterator

from talk_kit.talkagent.messages import allowed
from talk_kit.talkagent.schema import API_VERSION, KIND, Schema, schema

HEAD = f"""# {KIND}

`apiVersion: {API_VERSION}`, `kind: {KIND}`. Generated from `services/talk_kit/talkagent/schema.json`; do not edit.

One schema holds for `kubectl apply`, `talk validate` and `talk run`. Unknown fields are refused everywhere. An empty
field (`voice:` with nothing after it) counts as left out. What a spec leaves out comes from the chart's
`agentDefaults`, or on a laptop from the environment; a default that is named below is that of both.

The name (`metadata.name`) is a DNS label of at most 40 characters. `_` is no character of Kubernetes: an agent that is
asked for as `viva_examiner` is named `viva-examiner`.

Keys of Secrets and ConfigMaps: `talk run` takes them from documents in the same files, then from the environment
variable `TALK_SECRET_<NAME>_<KEY>` (upper case, every other sign an underscore). White space around a key is cut.
Names with `talk-internal-` or `talkagent-` in front are Talk's own and cannot be referred to.

```yaml
apiVersion: {API_VERSION}
kind: {KIND}
metadata:
  name: viva-examiner
spec:
  instruction: You hold an oral exam. Ask one question at a time and grade each answer from 0 to 10.
  model:
    name: openai/gpt-4.1-mini
    baseURL: https://api.openai.com/v1
    apiKeySecretRef: {{name: openai, key: apiKey}}
  voice: {{enabled: true, language: en}}
  tools:
    - agent: {{name: librarian}}
```
"""


def page() -> str:
    """The page as Markdown."""
    spec = schema()["properties"]["spec"]
    parts = [HEAD, "## spec\n", spec["description"], "", *_rules(spec), *_table(spec, "spec")]
    for path, node in _objects(spec, "spec"):
        parts += [f"\n## {path}\n", node["description"], "", *_rules(node), *_table(node, path)]
    return "\n".join(parts) + "\n"


def _objects(node: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """The fields that have fields of their own, each before those within it."""
    for name, child in node.get("properties", {}).items():
        inner = child.get("items", child)
        where = f"{path}.{name}" + ("[]" if "items" in child else "")
        if inner.get("properties"):
            yield where, inner
            yield from _objects(inner, where)


def _rules(node: Schema) -> list[str]:
    rules = [f"- {rule['message']}" for rule in node.get("x-kubernetes-validations", [])]
    return ["Rules:", "", *rules, ""] if rules else []


def _table(node: Schema, path: str) -> list[str]:
    rows = ["| field | what it takes | meaning |", "| --- | --- | --- |"]
    for name, child in node["properties"].items():
        required = " (required)" if name in node.get("required", []) else ""
        rows.append(f"| `{name}`{required} | {_cell(_takes(child))} | {_cell(child['description'])} |")
    if "x-kubernetes-preserve-unknown-fields" in node:
        rows.append(f"| ... | | More fields of `{path.rsplit('.', 1)[-1]}`, as Kubernetes has them. |")
    return rows


def _takes(node: Schema) -> str:
    text = allowed(node)
    if node.get("type") == "string" and "maxLength" in node and "pattern" not in node:
        text += f", {node.get('minLength', 0)} to {node['maxLength']:,} characters"
    return text


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    print(page(), end="")
