"""`merge-ctes`, executed: each module gives the same rows on each engine, before and after."""

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from tensorjoin.backends.database import Database
from tensorjoin.dialects import sql
from tensorjoin.passes.sql.merge_ctes import MergeCtesPass
from tensorjoin.testing.engines import assert_same_before_and_after, execute
from tensorjoin.testing.modules import applied

P, INDEX = np.repeat(np.arange(3), 4), np.tile(np.arange(4), 3)
V = np.array([0.5, -1.5, 2.0, -0.25, 3.0, 0.0, 1.0, 1.0, -4.0, 0.125, 8.0, 2.5])
W = np.array([1.0, -2.0, 0.5, 3.0])
TABLES = {"t": {"p": P, "i": INDEX, "v": V}, "u": {"i": np.arange(4), "w": W}}
HEAD = """
sql.create_table input @t : <[p: ?, i: 4], v: f64>
sql.create_table input @u : <[i: 4], w: f64>
"""
SCANS = """
%t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
%u = sql.table @u : !rel.relation<[i: 4], w: f64>
"""


def program(body: str, **outputs: str) -> str:
    """A module that fills a table for each of `outputs`, a query each."""
    tables = "".join(f"sql.create_table scratch @{n} : {t}\n" for n, t in outputs.items())
    inserts = "".join(f"sql.insert %{name} into @{name}\n" for name in outputs)
    return f"{HEAD}{tables}func.func @f() {{\n{SCANS}\n{body}\n{inserts}func.return\n}}"


def merged(database: Database) -> MergeCtesPass:
    return MergeCtesPass(target=database.target.name)


def blocks(module: ModuleOp) -> int:
    return sum(isinstance(op, sql.SelectOp) for op in module.walk())


def test_projection_over_aggregate_over_join(database: Database):
    text = program(
        """
        %kept = sql.select {p = a.p, i = a.i, v = a.v} from %t as a where [gt(a.v, 0.0)]
            : !rel.relation<[p: ?, i: 4], v: f64>
        %joined = sql.select {p = x.p, i = y.i, v = x.v, w = y.w} from %kept as x, %u as y
            where [eq(x.i, y.i)] : !rel.relation<[p: ?, i: 4], v: f64, w: f64>
        %product = sql.select {p = a.p, i = a.i, v = mul(a.v, a.w)} from %joined as a
            : !rel.relation<[p: ?, i: 4], v: f64>
        %sum = sql.select {p = a.p, v = sum(a.v)} from %product as a group [a.p]
            : !rel.relation<[p: ?], v: f64>
        %y = sql.select {p = add(a.p, 1), v = mul(a.v, add(a.v, 0.5))} from %sum as a
            : !rel.relation<[p: ?], v: f64>
        """,
        y="<[p: ?], v: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 1
    sums = (np.where(V > 0, V, 0) * W[INDEX]).reshape(3, 4).sum(axis=1)
    assert results["y"]["p"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(results["y"]["v"], sums * (sums + 0.5))


def test_windows(database: Database):
    text = program(
        """
        %odds = sql.select {p = a.p, i = a.i, e = exp(a.v)} from %t as a where [ne(a.i, 2)]
            : !rel.relation<[p: ?, i: 4], e: f64>
        %ranked = sql.select {p = a.p, i = a.i, e = a.e, n = row_number(), m = running_sum(a.e)}
            from %odds as a per [a.p] by [desc a.e, a.i]
            : !rel.relation<[p: ?, i: 4], e: f64, n: i64, m: f64>
        %y = sql.select {i = a.i, p = a.p, m = sub(a.m, a.e), n = sub(a.n, 1)} from %ranked as a
            : !rel.relation<[i: 4, p: ?], m: f64, n: i64>
        %odds1 = sql.select {p = a.p, i = a.i, e = neg(a.v)} from %t as a
            : !rel.relation<[p: ?, i: 4], e: f64>
        %again = sql.select {p = a.p, i = a.i, e = a.e, n = row_number()}
            from %odds1 as a per [a.p] by [a.e] : !rel.relation<[p: ?, i: 4], e: f64, n: i64>
        %best = sql.select {p = a.p, i = a.i} from %again as a where [eq(a.n, 1)]
            : !rel.relation<[p: ?, i: 4]>
        """,
        y="<[i: 4, p: ?], m: f64, n: i64>",
        best="<[p: ?, i: 4]>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 3
    assert results["best"]["i"].tolist() == [2, 0, 2]
    first = results["y"]["n"] == 0
    np.testing.assert_allclose(results["y"]["m"][first], 0, atol=1e-12)


def test_a_window_over_a_union(database: Database):
    text = program(
        """
        %more = sql.select {p = add(a.p, 3), i = a.i, v = a.v} from %t as a
            : !rel.relation<[p: ?, i: 4], v: f64>
        %both = sql.union %t, %more
            : (!rel.relation<[p: ?, i: 4], v: f64>, !rel.relation<[p: ?, i: 4], v: f64>)
            -> !rel.relation<[p: ?, i: 4], v: f64>
        %sums = sql.select {p = a.p, i = a.i, v = running_sum(a.v)} from %both as a
            per [a.p] by [a.i] : !rel.relation<[p: ?, i: 4], v: f64>
        %low = sql.select {p = a.p, i = a.i, v = sub(a.v, 1.0)} from %sums as a
            : !rel.relation<[p: ?, i: 4], v: f64>
        %y = sql.select {p = a.p, i = a.i, v = mul(a.v, a.v)} from %low as a
            : !rel.relation<[p: ?, i: 4], v: f64>
        """,
        y="<[p: ?, i: 4], v: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 2
    sums = np.tile((V.reshape(3, 4).cumsum(axis=1) - 1) ** 2, (2, 1))
    np.testing.assert_allclose(results["y"]["v"], sums.reshape(-1))


def test_a_window_ordered_by_a_constant(database: Database):
    text = program(
        """
        %one = sql.select {p = a.p, k = 1, v = a.v} from %t as a where [eq(a.i, 0)]
            : !rel.relation<[p: ?, k: 2], v: f64>
        %y = sql.select {p = a.p, n = row_number()} from %one as a per [a.k] by [a.k, a.p]
            : !rel.relation<[p: ?], n: i64>
        """,
        y="<[p: ?], n: i64>",
    )
    results, _ = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert results["y"]["n"].tolist() == [1, 2, 3]


def test_a_shared_query_is_computed_once(database: Database):
    text = program(
        """
        %costly = sql.select {i = a.i, e = exp(a.w)} from %u as a : !rel.relation<[i: 4], e: f64>
        %total = sql.select {s = sum(a.e)} from %costly as a : !rel.relation<[], s: f64>
        %y = sql.select {i = a.i, v = div(a.e, b.s)} from %costly as a, %total as b
            : !rel.relation<[i: 4], v: f64>
        """,
        y="<[i: 4], v: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 3
    np.testing.assert_allclose(results["y"]["v"], np.exp(W) / np.exp(W).sum())


def test_a_shared_query_that_only_picks_rows_is_read_twice(database: Database):
    text = program(
        """
        %at = sql.select {i = a.i, v = a.v} from %t as a where [eq(a.p, ?row)]
            : !rel.relation<[i: 4], v: f64>
        %y = sql.select {i = a.i, j = b.i, v = mul(a.v, b.v)} from %at as a, %at as b
            where [le(a.i, b.i)] : !rel.relation<[i: 4, j: 4], v: f64>
        """,
        y="<[i: 4, j: 4], v: f64>",
    )
    results, after = assert_same_before_and_after(
        database, text, merged(database), tables=TABLES, parameters={"row": 2}
    )
    assert blocks(after) == 1
    row = V[8:]
    np.testing.assert_allclose(results["y"]["v"], np.outer(row, row)[np.triu_indices(4)])


def test_a_costly_expression_read_twice_is_not_duplicated(database: Database):
    nested = "a.w"
    for _ in range(13):
        nested = f"sin({nested})"
    text = program(
        f"""
        %costly = sql.select {{i = a.i, e = {nested}}} from %u as a
            : !rel.relation<[i: 4], e: f64>
        %y = sql.select {{i = a.i, v = mul(a.e, a.e)}} from %costly as a
            : !rel.relation<[i: 4], v: f64>
        """,
        y="<[i: 4], v: f64>",
    )
    _, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 2


@pytest.mark.parametrize("layers", [3, 40])
def test_depth_stays_within_what_an_engine_parses(database: Database, layers: int):
    steps = [
        f"""%q{n + 1} = sql.select {{i = a.i, w = add(mul(neg(a.w), 0.5), neg(sub(1.0, a.w)))}}
            from %q{n} as a : !rel.relation<[i: 4], w: f64>"""
        if n % 8 == 0
        else f"""%q{n + 1} = sql.select {{i = a.i, w = neg(mul(sub(0.25, neg(a.w)), 0.75))}}
            from %q{n} as a : !rel.relation<[i: 4], w: f64>"""
        for n in range(layers)
    ]
    body = "\n".join(steps).replace("%q0 ", "%u ").replace(f"%q{layers} ", "%y ")
    text = program(body, y="<[i: 4], w: f64>")
    _, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) < layers
    if database.dialect == "sqlite" and layers == 40:
        assert blocks(after) > 1


@pytest.mark.parametrize("constant", [0, 2])
def test_a_group_by_a_constant(database: Database, constant: int):
    """GROUP BY 2 would be the second column, whatever that is."""
    text = program(
        f"""
        %one = sql.select {{k = {constant}, p = a.p, v = a.v}} from %t as a where [lt(a.p, ?end)]
            : !rel.relation<[k: 3, p: ?], v: f64>
        %y = sql.select {{k = a.k, v = sum(a.v)}} from %one as a group [a.k]
            : !rel.relation<[k: 3], v: f64>
        """,
        y="<[k: 3], v: f64>",
    )
    for end, rows in ((2, [V[:8].sum()]), (0, [])):
        results, _ = assert_same_before_and_after(
            database, text, merged(database), tables=TABLES, parameters={"end": end}
        )
        assert results["y"]["v"].tolist() == rows


def test_a_block_of_many_sources_stays(database: Database):
    """Planners order few joins well."""
    chain = "".join(
        f"""
        %s{n} = sql.select {{p = a.p, i = a.i, v = mul(a.v, b.w)}} from %s{n - 1} as a, %u as b
            where [eq(a.i, b.i)] : !rel.relation<[p: ?, i: 4], v: f64>"""
        for n in range(1, 10)
    )
    start = "%s0 = sql.select {p = a.p, i = a.i, v = a.v} from %t as a"
    text = program(
        f"""{start} : !rel.relation<[p: ?, i: 4], v: f64>{chain}
        %y = sql.select {{p = a.p, i = a.i, v = a.v}} from %s9 as a
            : !rel.relation<[p: ?, i: 4], v: f64>""",
        y="<[p: ?, i: 4], v: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 2
    np.testing.assert_allclose(results["y"]["v"], V * W[INDEX] ** 9)


@pytest.mark.parametrize(("reads", "count"), [(2, 1), (12, 2)])
def test_what_is_made_of_many_is_computed_once_a_row(database: Database, reads: int, count: int):
    """It is paired with all rows of another query, which does not look it up."""
    names = [f"v{k}" for k in range(reads)]
    wide = ", ".join(f"{name} = mul(a.v, {k}.0)" for k, name in enumerate(names))
    types = ", ".join(f"{name}: f64" for name in names)
    total = "a.v0"
    for name in names[1:]:
        total = f"add({total}, a.{name})"
    text = program(
        f"""
        %wide = sql.select {{p = a.p, i = a.i, {wide}}} from %t as a
            : !rel.relation<[p: ?, i: 4], {types}>
        %stored = sql.table @wide : !rel.relation<[p: ?, i: 4], {types}>
        %sums = sql.select {{p = a.p, i = a.i, s = {total}}} from %stored as a
            : !rel.relation<[p: ?, i: 4], s: f64>
        %lanes = sql.values [0, 1, 2] : !rel.relation<[k: 3]>
        %y = sql.select {{p = a.p, i = a.i, k = b.k, v = if(eq(b.k, 0), a.s, 0.5)}}
            from %sums as a, %lanes as b : !rel.relation<[p: ?, i: 4, k: 3], v: f64>
        """,
        wide=f"<[p: ?, i: 4], {types}>",
        y="<[p: ?, i: 4, k: 3], v: f64>",
    )
    # The table is read after it is filled.
    lines = text.splitlines()
    insert = lines.index("sql.insert %wide into @wide")
    stored = next(k for k, line in enumerate(lines) if "%stored = " in line)
    lines.insert(stored, lines.pop(insert))
    results, after = assert_same_before_and_after(
        database, "\n".join(lines), merged(database), tables=TABLES
    )
    (insertion,) = (
        op for op in after.walk() if isinstance(op, sql.InsertOp) and "y" in str(op.table)
    )
    last = insertion.query.owner
    assert isinstance(last, sql.SelectOp)
    made = [s.owner for s in last.sources if isinstance(s.owner, sql.SelectOp)]
    assert 1 + len(made) == count
    sums = V * sum(range(reads))
    found = results["y"]["v"].reshape(12, 3)
    np.testing.assert_allclose(found, np.stack([sums, *[np.full(12, 0.5)] * 2], axis=1))


def test_a_scalar_beside_a_look_up_computes_nothing_before(database: Database):
    """One row more does not multiply what is looked up by a key."""
    text = program(
        """
        %sums = sql.select {p = a.p, i = a.i, s = add(a.v, 1.0)} from %t as a
            : !rel.relation<[p: ?, i: 4], s: f64>
        %one = sql.select {c = max(a.w)} from %u as a : !rel.relation<[], c: f64>
        %y = sql.select {p = b.p, i = a.i, v = mul(mul(b.s, a.w), c.c)}
            from %u as a, %sums as b, %one as c where [eq(a.i, b.i)]
            : !rel.relation<[p: ?, i: 4], v: f64>
        """,
        y="<[p: ?, i: 4], v: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    queries = [op for op in after.walk() if isinstance(op, sql.SelectOp)]
    assert not any(op.meets_all(alias) for op in queries for alias in op.source_map)
    found = results["y"]["v"][np.lexsort((results["y"]["i"], results["y"]["p"]))]
    np.testing.assert_allclose(found, (V + 1) * W[INDEX] * 3)


def test_what_a_join_looks_up_is_computed_before(database: Database):
    """Of the first of the crossed sources alone, no row could be looked up."""
    text = program(
        """
        %starts = sql.values [0, 1] : !rel.relation<[s: 2]>
        %steps = sql.values [0, 2] : !rel.relation<[k: 2]>
        %index = sql.select {s = a.s, k = b.k, i = add(a.s, b.k)} from %starts as a, %steps as b
            : !rel.relation<[s: 2, k: 2, i: 4]>
        %y = sql.select {p = x.p, s = w.s, v = max(x.v)} from %t as x, %index as w
            where [eq(x.i, w.i)] group [x.p, w.s] : !rel.relation<[p: ?, s: 2], v: f64>
        """,
        y="<[p: ?, s: 2], v: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 2
    v = V.reshape(3, 4)
    expected = np.stack([v[:, [0, 2]].max(axis=1), v[:, [1, 3]].max(axis=1)], axis=1)
    np.testing.assert_allclose(results["y"]["v"], expected.reshape(-1))


def test_what_is_computed_of_several_looks_up_alone(database: Database):
    """DuckDB multiplies all sources of one side of an equality before it looks at their joins."""
    text = program(
        """
        %next = sql.values [0, 10, 1, 11, 2, 12] : !rel.relation<[n: 3], w: i64>
        %joined = sql.select {p = a.p, i = b.i, m = b.i, k = a.p} from %t as a, %u as b
            where [eq(a.i, b.i)] : !rel.relation<[p: ?, i: 4], m: i32, k: i32>
        %index = sql.select {p = a.p, i = a.i, n = idiv(add(a.m, a.k), 2)} from %joined as a
            : !rel.relation<[p: ?, i: 4], n: i32>
        %y = sql.select {p = a.p, i = a.i, v = b.w} from %index as a, %next as b
            where [eq(a.n, b.n)] : !rel.relation<[p: ?, i: 4], v: i64>
        """,
        y="<[p: ?, i: 4], v: i64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == (1 if database.target.profile.keeps_join_order else 2)
    np.testing.assert_array_equal(results["y"]["v"], 10 + (P + INDEX) // 2)


def test_a_group_by_an_expression(database: Database):
    text = program(
        """
        %half = sql.select {h = idiv(a.i, 2), j = add(a.p, ?more), v = a.v} from %t as a
            : !rel.relation<[h: 2, j: ?], v: f64>
        %sums = sql.select {h = a.h, j = a.j, v = sum(a.v)} from %half as a group [a.h, a.j]
            : !rel.relation<[h: 2, j: ?], v: f64>
        %y = sql.select {j = a.j, h = sub(1, a.h), v = neg(a.v)} from %sums as a
            : !rel.relation<[j: ?, h: 2], v: f64>
        """,
        y="<[j: ?, h: 2], v: f64>",
    )
    results, _ = assert_same_before_and_after(
        database, text, merged(database), tables=TABLES, parameters={"more": 5}
    )
    sums = -V.reshape(3, 2, 2).sum(axis=2)[:, ::-1]
    np.testing.assert_allclose(results["y"]["v"], sums.reshape(-1))


def test_a_projection_that_reads_nothing_of_an_aggregate(database: Database):
    """Without its aggregate, a block would give a row for each row."""
    text = program(
        """
        %n = sql.select {n = count(a.p)} from %t as a : !rel.relation<[], n: i64>
        %y = sql.select {k = 0, v = 1.5} from %n as a : !rel.relation<[k: 1], v: f64>
        """,
        y="<[k: 1], v: f64>",
    )
    results, _ = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert results["y"]["v"].tolist() == [1.5]


def test_aliases_do_not_collide(database: Database):
    text = program(
        """
        %at = sql.select {i = a0.i, w = a0.w} from %u as a0 where [gt(a0.w, 0.0)]
            : !rel.relation<[i: 4], w: f64>
        %y = sql.select {i = a.i, j = a_a0.i, w = sub(a.w, a_a0.w)} from %at as a, %u as a_a0
            : !rel.relation<[i: 4, j: 4], w: f64>
        """,
        y="<[i: 4, j: 4], w: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 1
    np.testing.assert_allclose(results["y"]["w"], np.subtract.outer(W[W > 0], W).reshape(-1))


def test_values_and_empty_relations(database: Database):
    text = program(
        """
        %rows = sql.values [0, 0.5, 1, 1.5] : !rel.relation<[k: 2], x: f64>
        %doubled = sql.select {k = a.k, x = mul(a.x, 2.0)} from %rows as a
            : !rel.relation<[k: 2], x: f64>
        %y = sql.select {k = b.k, i = a.i, w = mul(a.w, b.x)} from %u as a, %doubled as b
            : !rel.relation<[k: 2, i: 4], w: f64>
        %none = sql.values [] : !rel.relation<[k: 0], x: f64>
        %shifted = sql.select {k = add(a.k, 1), x = neg(a.x)} from %none as a
            : !rel.relation<[k: 1], x: f64>
        %z = sql.select {k = a.k, n = count(a.x)} from %shifted as a group [a.k]
            : !rel.relation<[k: 1], n: i64>
        """,
        y="<[k: 2, i: 4], w: f64>",
        z="<[k: 1], n: i64>",
    )
    results, _ = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    np.testing.assert_allclose(results["y"]["w"], np.outer([1.0, 3.0], W).reshape(-1))
    assert results["z"]["n"].size == 0


def test_a_statement_reads_what_those_before_have_written(database: Database):
    text = program(
        """
        %copy = sql.select {i = a.i, w = mul(a.w, 2.0)} from %u as a : !rel.relation<[i: 4], w: f64>
        %moved = sql.select {i = a.i, w = add(a.w, 1.0)} from %copy as a
            : !rel.relation<[i: 4], w: f64>
        sql.insert %moved into @y
        %y0 = sql.table @y : !rel.relation<[i: 8], w: f64>
        %more = sql.select {i = add(a.i, 4), w = neg(a.w)} from %y0 as a
            : !rel.relation<[i: 8], w: f64>
        %y = sql.select {i = a.i, w = sub(a.w, 1.0)} from %more as a : !rel.relation<[i: 8], w: f64>
        """,
        y="<[i: 8], w: f64>",
    )
    results, after = assert_same_before_and_after(database, text, merged(database), tables=TABLES)
    assert blocks(after) == 2
    written = 2 * W + 1
    np.testing.assert_allclose(results["y"]["w"], [*written, *(-written - 1)])
    assert execute(database, applied(text), TABLES).keys() == {"y"}
