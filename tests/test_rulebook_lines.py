"""The lines of a TOML text, against tomllib."""

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.rulebook.lines import Lines, TooDeep

TEXT = """\
# a comment = "x"
top = 1
dotted.key."with. dots" = "# no comment"

[table]   # a comment
list = [
    "one",  # [
    "two", "three",
]
inline = { a = 1, b = [1,
  2], 'c d' = {e.f = "}"} }
long = \"""
[not.a.table]
""\\\"\"\"\"\" # a quote that is escaped, and one before the end
raw = '''
x = ''
'''
when = 1979-05-27 07:32:00
[[array]]
a = 1
[array.sub]
b = 2
[[array.deep]]
c = 3
[[array.deep]]
[[array]]
a = 4
[ spaced . out ]
d = 5
last = '''''not the end'''''
"""


def paths(value, path=()):
    """Every path of what tomllib reads."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from paths(inner, (*path, key))


class TestLines:
    @pytest.mark.parametrize(
        ("path", "line"),
        [
            (("top",), 2),
            (("dotted", "key", "with. dots"), 3),
            (("table",), 5),
            (("table", "list"), 6),
            (("table", "list", 0), 7),
            (("table", "list", 2), 8),
            (("table", "inline", "a"), 10),
            (("table", "inline", "b", 1), 11),
            (("table", "inline", "c d", "e", "f"), 11),
            (("table", "long"), 12),
            (("table", "when"), 18),
            (("array", 0), 19),
            (("array", 0, "sub", "b"), 22),
            (("array", 0, "deep", 0, "c"), 24),
            (("array", 0, "deep", 1), 25),
            (("array", 1, "a"), 27),
            (("spaced", "out", "d"), 29),
            (("table", "list", 2, "x", 5), 8),
            (("table", "missing"), 5),
            (("missing",), 1),
            ((), 1),
        ],
        ids=str,
    )
    def test_where(self, path, line):
        assert Lines(TEXT).of(path) == line

    def test_every_path_of_the_text_is_found(self):
        assert set(paths(tomllib.loads(TEXT))) <= set(Lines(TEXT)._found)

    @pytest.mark.parametrize("text", ["", "x", "x =", "[", "[[a]", "x = [1", 'x = "', "= 1", '"\\u" = 1', "x = {"])
    def test_what_is_no_toml_is_read_up_to_the_mistake(self, text):
        assert Lines(f"a = 1\n{text}").of(("a",)) == 1

    @pytest.mark.parametrize(
        "text",
        ["x = " + "[" * 100_000, "x = " + "{a = " * 100_000, ".".join("a" * 100_000) + " = 1", "[" + "a." * 17 + "a]"],
        ids=["arrays", "inline tables", "a key", "a header"],
    )
    def test_what_is_too_deep_is_refused_with_its_line(self, text):
        with pytest.raises(TooDeep) as refused:
            Lines(f"\n\n{text}")
        assert refused.value.line == 3


names = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"h\\u0041"'])
scalars = st.sampled_from(
    ["1", '"x"', "'#'", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", '"""\n[a]\n"""', "'''\n= ''\n'''", "-inf"]
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[ # ]\n" + ",\n ".join(items) + "\n]")
        | st.dictionaries(names, inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"{key} = {value}" for key, value in items.items()) + "}"
        )
    ),
    max_leaves=5,
)
pairs = st.builds(lambda key, value: f"{'.'.join(key)} = {value}", st.lists(names, min_size=1, max_size=2), values)
headers = st.builds(
    lambda key, form: form % ".".join(key), st.lists(names, min_size=1, max_size=3), st.sampled_from(["[%s]", "[[%s]]"])
)
documents = st.lists(pairs | headers | st.sampled_from(["", "# [x]"]), max_size=10).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(documents)
def test_every_path_that_tomllib_reads_has_its_line(text):
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        Lines(text)
        return
    lines = Lines(text)
    assert set(paths(read)) <= set(lines._found)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines._found.values())
