#!/usr/bin/env python3
"""Writes tests/golden/templates: what Jinja makes of templates, the way Hugging Face transformers run it.

Usage: make_template_golden.py FOLDER   (needs the PyPI package jinja2)
  language.json  [{template, text | error}]: one line of the language each, over fixed variables
  models.json    {variables, models: [{name, template, bos_token, eos_token, cases: {NAME: {text} or {error}}}]},
                 for every FOLDER/*.jinja and every case of FOLDER/cases.json
"""
import datetime
import json
import sys
from pathlib import Path

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import SandboxedEnvironment

NOW = datetime.datetime(2026, 11, 21, 12, 34, 56)
VARIABLES = {
    "name": "Ada", "empty": "", "nothing": None, "yes": True, "no": False, "n": 7, "big": 9007199254740993, "x": 2.5,
    "text": "  Hello, wörld! ß €\n second line\t", "words": ["pear", "Apple", "fig", "apple"], "numbers": [3, 1, 2, 1],
    "mixed": [1, "a", None, True, 2.5, [1], {"k": "v"}], "d": {"b": 1, "a": {"c": [1, 2]}, "items": "shadow"},
    "people": [{"name": "Bo", "age": 3, "tags": ["x"]}, {"name": "al", "age": 5, "tags": []}, {"name": "Cy", "age": 3}],
    "quote": "it's \"q\" \\ \x01\x7f é\u2028😀", "nested": [[1, 2], [3]], "key": "a",
}  # fmt: skip

TEMPLATES = r'''
{{ name }}|{{ empty }}|{{ nothing }}|{{ yes }}|{{ n }}|{{ x }}|{{ missing }}
{{ 1 }} {{ 1.0 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1_000 }} {{ 0x1f }} {{ 0b11 }} {{ 0o17 }} {{ 123456789.125 }} {{ 1e300 * 1e10 }} {{ 2.5e-3 }}
{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % -3 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }} {{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1 + 2 * 3 - 4 }} {{ 2 * 2 ** 3 }} {{ -2 ** 2 }}
{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ "a" < "b" }} {{ [1, 2] < [1, 3] }} {{ 1 != 2 }} {{ True == 1 }} {{ "1" == 1 }} {{ none == none }} {{ [1] == [1] }} {{ {"a": 1} == {"a": 1.0} }} {{ (1,) == [1] }}
{{ "a" in "cat" }} {{ "x" not in "cat" }} {{ 1 in [1, 2] }} {{ "b" in d }} {{ 1 in missing }} {{ not 1 in [2] }}
{{ yes and no or n }} {{ no or empty }} {{ not yes }} {{ yes and name }} {{ nothing or "x" }}
{{ "a" if yes else "b" }} {{ "a" if no }}| {{ "a" if no else "b" if no else "c" }}
{{ "a" ~ 1 ~ none ~ true ~ 1.5 }} {{ "a" + "b" }} {{ "ab" * 3 }} {{ 2 * "x" }} {{ [1] + [2] }} {{ [0] * 3 }} {{ (1, 2) + (3,) }}
{{ "a" "b" 'c' }} {{ "tab\tnew\\line \x41 \u00e9 \101 \'q\' \"" }} {{ 'multi
line' }}
{{ words[0] }} {{ words[-1] }} {{ words[9] }}| {{ words[1:3] }} {{ words[::-1] }} {{ words[:2] }} {{ words[-2:] }} {{ name[0] }} {{ name[-1] }} {{ name[1:] }} {{ name[::-1] }} {{ text[2:7] }} {{ name[9] }}| {{ words[::2] }} {{ name[5:1] }}| {{ words[0][0] }} {{ text[::-3] }}
{{ d.b }} {{ d["b"] }} {{ d.a.c[1] }} {{ d.missing }}| {{ d["missing"] }}| {{ d[key].c }} {{ d.items() | list | length }} {{ d["items"] }} {{ people[0].name }} {{ people.0.name }} {{ d.get("b") }} {{ d.get("z") }} {{ d.get("z", 5) }}
{{ mixed }} {{ d }} {{ (1, 2) }} {{ (1,) }} {{ () }} {{ [] }} {{ {} }} {{ 1, 2 }}
{{ quote }}|{{ [quote] }}|{{ ["it's"] }}|{{ ['say "hi"'] }}|{{ ["both ' and \""] }}
{{ mixed | tojson }} {{ d | tojson(indent=2) }} {{ quote | tojson }} {{ quote | tojson(ensure_ascii=true) }} {{ {"b": 1, "a": 2} | tojson(sort_keys=true) }} {{ [1, {"a": []}] | tojson(separators=(",", ":")) }} {{ {} | tojson(indent=1) }} {{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }} {{ 1.0 | tojson }} {{ 1e100 | tojson }} {{ big | tojson }} {{ [[], [[]]] | tojson(indent=4) }}
{{ name | upper }} {{ name | lower }} {{ "hello wORLD-foo (bar)" | title }} {{ "hELLO" | capitalize }} {{ "ß é ŉ" | upper }} {{ "ÀÉ İ" | lower }} {{ text | trim }}| {{ "xxaxx" | trim("x") }} {{ n | string + "!" }} {{ text | length }} {{ words | count }} {{ missing | length }}
{{ words | join }} {{ words | join(", ") }} {{ people | join(" ", attribute="name") }} {{ numbers | join("-") }} {{ name | join(".") }} {{ [] | join(",") }}|
{{ words | first }} {{ words | last }} {{ name | first }} {{ [] | first }}| {{ numbers | sum }} {{ people | sum(attribute="age") }} {{ numbers | min }} {{ numbers | max }} {{ words | min }} {{ people | max(attribute="age") }} {{ numbers | sum(start=10) }}
{{ words | sort }} {{ words | sort(case_sensitive=true) }} {{ words | sort(reverse=true) }} {{ numbers | sort }} {{ people | sort(attribute="name") | map(attribute="name") | list }} {{ people | sort(attribute="age,name") | length if false else "-" }}
{{ d | dictsort }} {{ {"B": 2, "a": 3, "C": 1} | dictsort }} {{ {"B": 2, "a": 3} | dictsort(true) }} {{ {"B": 2, "a": 3, "c": 1} | dictsort(by="value") }} {{ {"B": 2, "a": 3} | dictsort(reverse=true) }}
{{ words | unique | list }} {{ numbers | unique | list }} {{ words | reverse | list }} {{ name | reverse }} {{ words | list }} {{ name | list }} {{ d | list }} {{ d.a | items | list }}
{{ words | map("upper") | list }} {{ words | map("replace", "p", "q") | list }} {{ people | map(attribute="tags") | list }} {{ people | map(attribute="tags", default=0) | list }} {{ nested | map("first") | list }}
{{ people[:2] | map(attribute="tags.0") | list }} {{ people | map(attribute="tags.0") | list }}
{{ numbers | select("odd") | list }} {{ numbers | reject("gt", 1) | list }} {{ mixed | select | list }} {{ people | selectattr("age", "equalto", 3) | map(attribute="name") | list }} {{ people | rejectattr("tags") | map(attribute="name") | list }} {{ people | selectattr("tags", "defined") | list | length }} {{ words | select("in", ["fig"]) | list }}
{{ people | groupby("age") | length }} {% for age, group in people | groupby("age") %}{{ age }}:{{ group | map(attribute="name") | join(",") }};{% endfor %}
{{ numbers | batch(2) | list }} {{ numbers | batch(3, 0) | list }}
{{ missing | default("x") }} {{ empty | default("x") }}| {{ empty | default("x", true) }} {{ nothing | d("x") }} {{ missing | default }}| {{ no | default(1, boolean=true) }}
{{ "12" | int }} {{ "1.9" | int }} {{ "x" | int }} {{ "x" | int(5) }} {{ 3.9 | int }} {{ "2.5" | float }} {{ "x" | float }} {{ true | int }} {{ -5 | abs }} {{ -2.5 | abs }} {{ " 7 " | int }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.345 | round(2) }} {{ 2.1 | round(0, "ceil") }} {{ 2.9 | round(method="floor") }} {{ 7 | round }}
{{ "a b" | replace(" ", "_") }} {{ "aaa" | replace("a", "b", 2) }} {{ "abc" | replace("", "-") }} {{ 121 | replace(1, "x") }}
{{ "a\nb\n\nc" | indent }} {{ "a\nb\n\nc" | indent(2, true) }} {{ "a\nb\n\nc" | indent(2, blank=true) }} {{ "a\nb" | indent("> ") }}
[{{ "ab" | center(7) }}] [{{ "abc" | center(6) }}] {{ "hello big world" | truncate(9) }} {{ "hello big world" | truncate(9, true) }} {{ "short" | truncate(9) }} {{ "one two_three 4" | wordcount }}
{{ "%s is %d, %.2f %5d|%-5s|%05d %x %r %%" | format("a", 3, 1.5, 42, "l", 42, 255, "q") }} {{ "%(a)s-%(b)s" | format(a=1, b="z") }} {{ "%s and %s" % ("a", [1]) }} {{ "%s" % 5 }}
{{ "{} {} {0}".format(1, 2) if false else "{} {}".format(1, "b") }} {{ "{0}{1}{0}".format("a", "b") }} {{ "{a}-{b!r}".format(a=1, b="x") }} {{ "{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}".format("a", "b", "c", 42, 1.005) }} {{ "{{}}".format() }}
{{ "<a href='x'>&\"" | escape }} {{ "<b>" | e }} {{ "<b>" | safe }} {{ 5 | string | length }} {{ people[0] | attr("name") }}|
{{ " a b  c ".split() }} {{ "a,b,,c".split(",") }} {{ "a,b,c".split(",", 1) }} {{ "a,b,c".rsplit(",", 1) }} {{ " a  b c ".split(none, 1) }} {{ "a\nb\r\nc\n".splitlines() }} {{ "abc".split("x") }} {{ "".split(",") }} {{ "".split() }}
{{ "xxabxx".strip("x") }} {{ "xxabxx".lstrip("x") }} {{ "xxabxx".rstrip("x") }} {{ " \t\na\u00a0 ".strip() }}| {{ "abcab".strip("ab") }}
{{ "Hello".startswith("He") }} {{ "Hello".endswith(("lo", "x")) }} {{ "abc".startswith(("x", "a")) }} {{ "banana".find("an") }} {{ "banana".rfind("an") }} {{ "banana".find("x") }} {{ "banana".count("an") }} {{ "wörld".find("l") }} {{ "banana".index("n") }} {{ "aaa".count("") }}
{{ "abc".upper() }} {{ "ABC".lower() }} {{ "hello wORLD's x2y".title() }} {{ "hELLO".capitalize() }} {{ "aB".swapcase() }} {{ "Straße".casefold() }}
{{ "a-b-c".replace("-", "+") }} {{ "a-b-c".replace("-", "+", 1) }} {{ ",".join(["a", "b"]) }} {{ "a=b=c".partition("=") }} {{ "a=b=c".rpartition("=") }} {{ "abc".partition("x") }} {{ "prefix_x".removeprefix("prefix_") }} {{ "x.py".removesuffix(".py") }}
{{ "12".isdigit() }} {{ "1a".isdigit() }} {{ "ab".isalpha() }} {{ "é".isalpha() }} {{ "a1".isalnum() }} {{ " ".isspace() }} {{ "".isspace() }} {{ "AB".isupper() }} {{ "ab".islower() }} {{ "½".isnumeric() }} {{ "²".isdigit() }} {{ "²".isdecimal() }} {{ "A1".isupper() }} {{ "1".islower() }}
[{{ "ab".ljust(5) }}] [{{ "ab".rjust(5, "*") }}] [{{ "ab".center(5) }}] {{ "-7".zfill(4) }} {{ "7".zfill(3) }}
{% set l = [3, 1] %}{% set _ = l.append(2) %}{{ l }} {{ l.pop() }} {{ l }} {{ l.index(1) }} {{ l.count(3) }} {% set _ = l.insert(0, 9) %}{{ l }} {% set _ = l.extend([4, 5]) %}{{ l }} {{ l.pop(0) }} {% set _ = l.sort() %}{{ l }} {% set _ = l.reverse() %}{{ l }} {% set _ = l.remove(4) %}{{ l }} {{ l.copy() }} {% set _ = l.clear() %}{{ l }}
{% set m = {"a": 1} %}{% set _ = m.update({"b": 2}) %}{{ m }} {{ m.pop("a") }} {{ m }} {{ m.pop("z", 0) }} {{ m.setdefault("c", 3) }} {{ m.keys() | list }} {{ m.values() | list }} {% set _ = m.update(e=5) %}{{ m }} {{ m.copy() }}
{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %} {% if no %}a{% elif no %}b{% else %}c{% endif %} {% if missing %}x{% endif %}
{% for w in words %}{{ loop.index }}/{{ loop.length }}:{{ w }}{% if not loop.last %}, {% endif %}{% endfor %} {% for i in [] %}x{% else %}none{% endfor %} {% for i in missing %}x{% else %}undefined{% endfor %}
{% for i in range(3) %}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }} {{ loop.previtem }}-{{ loop.nextitem }};{% endfor %}
{% for i in range(10) if i % 2 %}{{ i }}{{ loop.index }} {% endfor %} {% for i in range(10) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% for k, v in {"a": 1, "b": 2}.items() %}{{ k }}={{ v }} {% endfor %}{% for k in {"a": 1} %}{{ k }}{% endfor %} {% for c in "héy" %}[{{ c }}]{% endfor %} {% for (a, b), c in [((1, 2), 3)] %}{{ a }}{{ b }}{{ c }}{% endfor %}
{% for i in range(3) %}{{ loop.cycle("a", "b") }}{% endfor %} {% for i in [1, 1, 2] %}{{ loop.changed(i) }} {% endfor %} {% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}
{% for item in [{"n": 1, "c": [{"n": 2, "c": []}]}] recursive %}{{ item.n }}@{{ loop.depth }}{{ loop.depth0 }}({{ loop(item.c) }}){% endfor %}
{% set a = 1 %}{% for i in range(3) %}{% set a = a + i %}{{ a }}{% endfor %}{{ a }} {% if yes %}{% set a = 9 %}{% endif %}{{ a }}
{% set ns = namespace(found=false, n=0) %}{% for i in range(4) %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }} {{ ns.found }} {{ ns.missing }}| {% set ns.new = "x" %}{{ ns.new }}
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set (a, b) = [3, 4] %}{{ a }}{{ b }} {% set t = 1, %}{{ t }}
{% set block %}a{{ name }}b{% endset %}[{{ block }}] {% set up | upper | replace("A", "_") %}banana{% endset %}{{ up }}
{% macro m(a, b="B", c=a) %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(a=1, b=2, c=3) }}{{ m() }}{{ m.name }} {% macro v(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ v(1, 2, x=3) }}
{% macro fact(i) %}{% if i <= 1 %}1{% else %}{{ i * (fact(i - 1) | int) }}{% endif %}{% endmacro %}{{ fact(6) }} {% macro outer() %}{{ name }}{{ caller is defined }}{% endmacro %}{{ outer() }}
{% macro box(t) %}[{{ t }}:{{ caller("in") }}]{% endmacro %}{% call(x) box("T") %}body {{ x }}{% endcall %} {% macro plain() %}({{ caller() }}){% endmacro %}{% call plain() %}z{% endcall %}
{% filter upper %}abc {{ name }}{% endfilter %} {% filter replace("a", "b") | title %}banana{% endfilter %} {% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}| {% with %}w{% endwith %}
{% raw %}{{ not }} {% if %}{% endraw %} {# comment {{ x }} #}after {% generation %}gen {{ name }}{% endgeneration %}
{{ name is defined }} {{ missing is defined }} {{ missing is undefined }} {{ nothing is none }} {{ n is number }} {{ n is integer }} {{ x is float }} {{ yes is boolean }} {{ yes is true }} {{ no is false }} {{ name is string }} {{ d is mapping }} {{ words is sequence }} {{ d is iterable }} {{ n is iterable }} {{ name is iterable }} {{ words is mapping }} {{ missing is iterable }} {{ nothing is defined }} {{ yes is number }} {{ yes is integer }}
{{ n is odd }} {{ n is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ n is eq 7 }} {{ n is gt(3) }} {{ n is not lt 3 }} {{ 1 is in [1] }} {{ "a" is lower }} {{ "A" is upper }} {{ range is callable }} {{ name is callable }} {{ 1 is sameas 1 }} {{ 1 is sameas true }} {{ "upper" is filter }} {{ "odd" is test }} {{ name is not none and yes }} {{ n is ge 7 }} {{ n is ne 7 }} {{ 4 is le 3 }} {{ "x" is escaped }}
{% set j = joiner("|") %}{{ j() }}a{{ j() }}b{{ j() }} {% set c = cycler("x", "y") %}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.next() }} {{ range(5) | list }} {{ range(1, 4) | list }} {{ range(5, 0, -2) | list }} {{ dict(a=1, b=2) }} {{ dict({"x": 1}, y=2) }}
{{ strftime_now("%Y-%m-%d %H:%M:%S %A %d %b %B %j") }} {{ strftime_now("%d %b %Y") | length }}
{%- set x = 1 -%}   trimmed   {{- " a " -}}   b   {%- if yes -%}  c  {%- endif %}
a  {%- set q = 1 %}  b {{ q }}  {#- c -#}  d
  {% if yes %}  in {% endif %}  out
line1{% if yes %}

after{% endif %}

  {% if yes %}
    x
  {% endif %}
    {{ name }}
  {# c #}
end
    {%+ if yes %}keep{% endif +%}
next {{ "x" }}
tail{{ name }}

{{ "a" | upper | lower ~ "B" | lower }} {{ -1 | abs }} {{ (-1) | abs }} {{ not no | default(true) }} {{ 1 + 2 | string | length }} {{ "a" ~ "b" | upper }} {{ [1, 2, 3] | length > 2 }} {{ n is odd and n > 3 }} {{ "x" in words | join }} {{ words | length - 1 }} {{ (2 + 3) ~ "a" }} {{ 10 - 2 - 3 }} {{ 2 ** 3 ** 0 }}
{{ {"a": {"b": [1, {"c": 2}]}}["a"]["b"][1]["c"] }} {{ {"a": 1,} }} {{ [1,] }} {{ {"k": "}}"} }} {{ "%}" }} {{ [["}}"]] }}
{{ people | map(attribute="name") | map("lower") | sort | join("+") }} {{ (words + ["z"]) | last }} {{ (1, 2) | last }} {{ "abc"[1:] ~ "d"[0] }} {{ "a,b".split(",")[-1].strip() | upper }}
{{ nothing is none or nothing.x is defined }} {{ nothing.x is defined }} {{ n.x }}| {{ (d.a | tojson).count("1") }} {{ "true" if yes is sameas true }} {{ none | default("d", true) }} {{ d["a"]["c"] | tojson }}
{{ [1, 2] | tojson | string }} {{ words is string or words is iterable }} {{ ("a", "b") in [("a", "b")] }} {{ x | string }} {{ true | string }} {{ none | string }} {{ none | upper }} {{ [none, true] }} {{ 5 | string ~ 5 }} {{ 1 if 0.0 else 2 }} {{ 1.0 // 1 }} {{ 10 % 3.5 }} {{ True + True }} {{ 3 * True }}
{{ text | trim | tojson }} {{ text.strip().split("\n")[0] }} {{ text.splitlines() | length }} {{ "é" * 2 }} {{ "日本語"[1] }} {{ "日本語" | length }} {{ "日本語"[::-1] }} {{ "a😀b"[1:2] }} {{ "x".join("日本") }} {{ "aXbX".split("X") }}
{{ missing.attribute }}
{{ missing["x"] }}
{{ missing + 1 }}
{{ missing() }}
{{ nothing.x.y }}
{{ 1 + "a" }}
{{ "a" + 1 }}
{{ "a" + nothing }}
{{ 1 < "a" }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ [1] | sort(attribute="x") | list | upper if false else [1, "a"] | sort }}
{{ "x" in nothing }}
{{ 1 in "abc" }}
{{ name() }}
{{ d.a() }}
{{ raise_exception("my words") }}
{% for a in n %}{% endfor %}
{% for a, b in [[1]] %}{% endfor %}
{% set d.x = 1 %}
{{ "a".split("") }}
{{ [].pop() }}
{{ "abc".index("x") }}
{{ {"a": 1}.pop("b") }}
{{ {[1]: 2} }}
{{ range(1, 5, 0) }}
{{ "%d" % "x" }}
{{ "%s %s" % "x" }}
{{ missing | tojson }}
{{ words | join(attribute="x.y") }}
{{ "a".nothing() }}
{{ 5 | length }}
{{ n | list }}
{{ n[0:1] }}
{{ "a" | nofilter }}
{{ a is notest }}
{% if %}
{% endif %}
{% for x in y %}
{{ }}
{{ (1 }}
{{ 1 + }}
{% unknown %}
{{ "abc }}
{% block x %}{% endblock %}x{% unclosed
{{ a b }}
{% set %}
{% break %}
{{ a. }}
{{ [1, 2 }}
{# unclosed
{% raw %} x
{{ ~ }}
{% macro %}{% endmacro %}
'''  # fmt: skip


def split_templates() -> list[str]:
    """One template a line, except for those that begin or go on with chosen lines."""
    templates, lines = [], TEMPLATES.strip("\n").split("\n")
    i = 0
    while i < len(lines):
        line = lines[i]
        if line.endswith("{{ 'multi"):
            line, i = line + "\n" + lines[i + 1], i + 1
        elif line.startswith("  {% if yes %}  in"):
            end = lines.index("tail{{ name }}")
            line, i = "\n".join(lines[i : end + 2]) + "\n", end + 1
        templates.append(line)
        i += 1
    return templates


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_run"), [], [], body).set_lineno(line)

    def _run(self, caller):
        return caller()


def environment() -> SandboxedEnvironment:
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = SandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals.update(raise_exception=raise_exception, strftime_now=NOW.strftime)
    return env


def render(source: str, variables: dict) -> dict:
    try:
        return {"text": environment().from_string(source).render(**json.loads(json.dumps(variables)))}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def dump(path: Path, value) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=0) + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    cases = [{"template": source, **render(source, VARIABLES)} for source in split_templates()]
    dump(folder / "language.json", {"variables": VARIABLES, "cases": cases})
    print(sum("error" in case for case in cases), "errors of", len(cases))
    for case in cases:
        if "error" in case:
            print("  ", case["template"][:50], "->", case["error"][:70])

    models = []
    for path in sorted(folder.glob("*.jinja")):
        settings = json.loads((folder / "models_settings.json").read_text())[path.stem]
        outcomes = {}
        for name, case in json.loads((folder / "cases.json").read_text()).items():
            variables = {"tools": None, "documents": None, "add_generation_prompt": True, **settings, **case}
            outcomes[name] = render(path.read_text(), variables)
        models.append({"name": path.stem, **settings, "cases": outcomes})
    dump(folder / "models.json", models)


if __name__ == "__main__":
    main()
