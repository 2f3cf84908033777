#!/usr/bin/env python3
"""Renders every template of templates/ on the cases of cases.json with Python's jinja2.

The environment is the one that transformers builds for apply_chat_template. The results are what
the interpreter of engine/tokenizer/jinja must give, byte for byte.

    python3 -m venv venv && venv/bin/pip install jinja2==3.1.6
    venv/bin/python tests/golden/chat_templates/make_golden.py
"""

import datetime
import json
import pathlib

import jinja2
import jinja2.ext
import jinja2.sandbox

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2024, 7, 26, 9, 5)

# The first and the last token of the models; "<s>" and "</s>" where a model is not named.
TOKENS = {
    "llama_3": ("<|begin_of_text|>", "<|eot_id|>"),
    "qwen": (None, "<|im_end|>"),
    "smollm": ("<|im_start|>", "<|im_end|>"),
    "gemma": ("<bos>", "<eos>"),
    "phi": (None, "<|endoftext|>"),
    "deepseek": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "command": ("<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
    "openchat": ("<s>", "<|end_of_turn|>"),
    "olmo": ("<|endoftext|>", "<|endoftext|>"),
    "hermes": ("<|begin_of_text|>", "<|im_end|>"),
}


class GenerationTag(jinja2.ext.Extension):
    """{% generation %}: transformers notes where its body lies; the text is the body's."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("render_body")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def render_body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(
        value,
        ensure_ascii=ensure_ascii,
        indent=indent,
        separators=separators,
        sort_keys=sort_keys,
    )


def make_environment():
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=[GenerationTag, jinja2.ext.loopcontrols],
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = NOW.strftime
    return environment


def render(environment, source, variables):
    """The rendered text, or what an error of the template must say."""
    try:
        return {"output": environment.from_string(source).render(**variables)}
    except jinja2.exceptions.TemplateSyntaxError:
        return {"error": ""}
    except jinja2.exceptions.TemplateError as error:
        return {"error": str(error).rstrip(".")}
    except (TypeError, ValueError, ArithmeticError, RecursionError, SyntaxError):
        # Python's own words differ from release to release: any error will do.
        return {"error": ""}


def variables_of(case, tokens):
    return {
        "messages": case["messages"],
        "tools": case.get("tools"),
        "documents": None,
        "add_generation_prompt": case.get("add_generation_prompt", True),
        **{name: text for name, text in tokens.items() if text is not None},
        **case.get("extra", {}),
    }


def write_results(path, head, results):
    lines = ",\n".join(json.dumps(result, ensure_ascii=False) for result in results)
    text = f'{{"tokens": {json.dumps(head, ensure_ascii=False)},\n"results": [\n{lines}\n]}}\n'
    path.write_text(text, encoding="utf-8")


def main():
    cases = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
    environment = make_environment()
    num_results = 0
    for path in sorted((HERE / "templates").glob("*.jinja")):
        source = path.read_bytes().decode()
        pairs = [pair for name, pair in TOKENS.items() if path.stem.startswith(name)]
        tokens = dict(zip(("bos_token", "eos_token"), (pairs or [("<s>", "</s>")])[0]))
        results = [
            {"case": case["name"], **render(environment, source, variables_of(case, tokens))}
            for case in cases
            if case.get("needs", "") in source
        ]
        write_results(HERE / "expected" / f"{path.stem}.json", tokens, results)
        num_results += len(results)
        num_errors = sum("error" in result for result in results)
        print(f"{path.stem}: {len(results)} cases, {num_errors} of them errors")
    snippets = json.loads((HERE / "snippets.json").read_text(encoding="utf-8"))
    results = [
        {"source": source, **render(environment, source, snippets["variables"])}
        for source in snippets["snippets"]
    ]
    write_results(HERE / "expected_snippets.json", {}, results)
    print(f"{num_results} results and {len(results)} snippets")


if __name__ == "__main__":
    main()
