"""Names of tables."""

from tensorjoin.names import short_names, table_name


def test_the_last_part_where_it_tells_all():
    assert short_names(
        ["model.layers.{}.mlp.up_proj.weight", "model.layers.{}.mlp.down_proj.weight"]
    ) == {
        "model.layers.{}.mlp.up_proj.weight": "up_proj",
        "model.layers.{}.mlp.down_proj.weight": "down_proj",
    }


def test_as_many_parts_as_tell_all_apart():
    assert list(short_names(["a.x.weight", "b.x.weight", "c.y.weight"]).values()) == [
        "a_x",
        "b_x",
        "c_y",
    ]


def test_a_symbol_may_have_few_parts():
    assert short_names(["norm.weight", "layers.{}.norm.weight"]) == {
        "norm.weight": "norm",
        "layers.{}.norm.weight": "layers_norm",
    }
    assert short_names(["logits"]) == {"logits": "logits"}
    assert short_names([]) == {}


def test_nothing_but_skipped_parts():
    assert short_names(["weight"]) == {"weight": "weight"}
    assert short_names(["{}.weight"]) == {"{}.weight": "{}_weight"}


def test_names_differ_whatever_the_symbols():
    symbols = ["a.{}.w", "a.w", "a.w.weight", "a_w", "b.a.w", "w"]
    names = short_names(symbols)
    assert list(names) == symbols
    assert len(set(names.values())) == len(symbols)
    assert not any("." in name for name in names.values())


def test_models_do_not_share_tables():
    assert table_name("m", "norm") == "tj.m.norm"
    names = {table_name(m, t) for m in ("a", "a.b", "b") for t in ("c", "b_c")}
    assert len(names) == 6
