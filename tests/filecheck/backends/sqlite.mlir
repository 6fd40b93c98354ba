// RUN: sql-opt %s -t 'sql{target=sqlite}' | filecheck %s

sql.create_table weight @"model.w;\"x\"" : <[o: 3, c: 2], w: f32> from ["w"]
sql.create_table input @select : <[p: ?, i: 4], v: f32, n: i32, flag: i1>
sql.create_table state @cache : <[p: ?], k: f64, at: i64>
sql.create_table output @logits : <[p: ?], v: f64>
sql.create_table scratch @one : <[], v: f64>

func.func @queries() {
  %x = sql.table @select : !rel.relation<[p: ?, i: 4], v: f32, n: i32, flag: i1>
  %arithmetic = sql.select {p = a.p, i = a.i, c0 = add(a.v, sub(a.v, 0.5)), c1 = sub(a.v, sub(a.v, 1.0)), c2 = mul(add(a.v, 1.0), neg(-1.0)), c3 = div(a.v, 3.0), c4 = idiv(a.n, 2), c5 = mod(neg(a.n), 2), c6 = neg(neg(a.v)), c7 = greatest(a.v, 0.0), c8 = least(a.v, 1.0e-300)} from %x as a : !rel.relation<[p: ?, i: 4], c0: f64, c1: f64, c2: f64, c3: f64, c4: i32, c5: i32, c6: f64, c7: f64, c8: f64>
  sql.insert %arithmetic into @out
  %functions = sql.select {p = a.p, i = a.i, c0 = exp(a.v), c1 = sqrt(a.v), c2 = sin(a.v), c3 = cos(a.v), c4 = abs(a.v), c5 = round(a.v), c6 = to_int(a.v), c7 = to_float(a.n), c8 = if(a.flag, a.v, 1.0e300)} from %x as a where [eq(a.n, 1), ne(a.n, 2), lt(a.v, 0.1), le(a.v, 0.1), gt(a.v, -0.1), or(ge(a.v, 0.1), and(a.flag, not(eq(a.flag, lt(a.n, 3)))))] : !rel.relation<[p: ?, i: 4], c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: i32, c7: f64, c8: f64>
  sql.insert %functions into @out
  %groups = sql.select {p = a.p, c0 = sum(a.v), c1 = max(a.v), c2 = min(a.v), c3 = count(a.i)} from %x as a group [a.p] : !rel.relation<[p: ?], c0: f64, c1: f32, c2: f32, c3: i64>
  sql.insert %groups into @out
  %windows = sql.select {p = a.p, i = a.i, n = row_number(), m = running_sum(a.v)} from %x as a per [a.p] by [desc a.v, a.i] : !rel.relation<[p: ?, i: 4], n: i64, m: f64>
  sql.insert %windows into @out
  func.return
}

func.func @statements() {
  %x = sql.table @select : !rel.relation<[p: ?, i: 4], v: f32, n: i32, flag: i1>
  %w = sql.table @"model.w;\"x\"" : !rel.relation<[o: 3, c: 2], w: f32>
  %numbers = sql.values [0, 0.5, 1, -1.5] : !rel.relation<[i: 2], v: f64>
  %none = sql.values [] : !rel.relation<[i: 0], v: f64>
  sql.insert %numbers into @out
  sql.insert %none into @out
  // Parameters are in the order of their first use; a query read twice is one expression.
  %shared = sql.select {i = a.i, v = div(a.v, ?temperature float)} from %x as a where [eq(a.p, ?second), lt(a.n, ?first), gt(a.n, ?second)] : !rel.relation<[i: 4], v: f64>
  %twice = sql.select {i = a.i, j = b.i, v = mul(a.v, b.v)} from %shared as a, %numbers as n, %shared as b, %w as w where [eq(a.i, n.i), eq(n.i, b.i), gt(a.v, ?third float), eq(w.o, 1)] : !rel.relation<[i: 4, j: 4], v: f64>
  sql.insert %twice into @out
  %rows = sql.select {} from %x as a where [eq(a.p, 0)] : !rel.relation<[]>
  %counted = sql.select {v = a.v} from %numbers as a, %rows as b : !rel.relation<[], v: f64>
  sql.insert %counted into @one
  sql.for layer to 2 {
    %at = sql.select {p = add(a.p, ?layer), k = to_float(a.v), at = a.n} from %x as a where [eq(a.i, ?layer)] : !rel.relation<[p: ?], k: f64, at: i64>
    sql.insert %at into @cache
    sql.delete @one
  }
  sql.delete @select
  sql.truncate @cache
  func.return
}

// Without math functions, powers of ten and decimal exponents are texts.
func.func @text_arithmetic() {
  %x = sql.table @select : !rel.relation<[p: ?, i: 4], v: f32, n: i32, flag: i1>
  %q = sql.select {p = a.p, c0 = pow10(a.n), c1 = pow10(neg(a.n)), c2 = exponent10(a.v)} from %x as a : !rel.relation<[p: ?], c0: f64, c1: f64, c2: i32>
  sql.insert %q into @out
  func.return
}

// With infinities and NaN; where an engine would raise an error, a case stands before it.
func.func @scalar_functions() {
  %x = sql.table @select : !rel.relation<[p: ?, i: 4], v: f32, n: i32, flag: i1>
  %ieee = sql.select {p = a.p, c0 = divide(1.0, a.v), c1 = root(a.v), c2 = ln(a.v), c3 = infinity(), c4 = neg(infinity()), c5 = nan(), c6 = pow(a.v, 0.5)} from %x as a where [is_nan(a.v), not(is_nan(a.v)), float_lt(a.v, 0.5), float_ne(a.v, 0.5), float_ge(0.5, a.v)] : !rel.relation<[p: ?], c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: f64>
  sql.insert %ieee into @out
  %angles = sql.select {p = a.p, c0 = tan(a.v), c1 = asin(a.v), c2 = acos(a.v), c3 = atan(a.v), c4 = sinh(a.v), c5 = cosh(a.v), c6 = tanh(a.v), c7 = asinh(a.v), c8 = acosh(a.v), c9 = atanh(a.v)} from %x as a : !rel.relation<[p: ?], c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: f64, c7: f64, c8: f64, c9: f64>
  sql.insert %angles into @out
  %integers = sql.select {p = a.p, c0 = floor(a.v), c1 = ceil(a.v), c2 = to_long(a.v), c3 = truth(a.flag), c4 = bit_and(a.n, bit_or(a.n, 1)), c5 = mul(bit_xor(a.n, 3), 2), c6 = shift_left(add(a.n, 1), 3), c7 = shift_right(a.n, a.n)} from %x as a : !rel.relation<[p: ?], c0: f64, c1: f64, c2: i64, c3: i64, c4: i32, c5: i32, c6: i32, c7: i32>
  sql.insert %integers into @out
  func.return
}

func.func @unions() {
  %x = sql.table @select : !rel.relation<[p: ?, i: 4], v: f32, n: i32, flag: i1>
  %a = sql.select {p = a.p, v = to_float(a.v)} from %x as a : !rel.relation<[p: ?], v: f64>
  %c = sql.values [7, 0.5] : !rel.relation<[p: 1], v: f64>
  %both = sql.union %a, %c, %a : (!rel.relation<[p: ?], v: f64>, !rel.relation<[p: 1], v: f64>, !rel.relation<[p: ?], v: f64>) -> !rel.relation<[p: ?], v: f64>
  sql.insert %both into @out
  %summed = sql.select {p = a.p, v = sum(a.v)} from %both as a group [a.p] : !rel.relation<[p: ?], v: f64>
  sql.insert %summed into @out
  func.return
}

// A column that only floats are put into has no type in SQLite, which would convert it at each reading.
// CHECK:      CREATE TABLE "model.w;""x""" ("o" INTEGER NOT NULL, "c" INTEGER NOT NULL, "w" REAL, PRIMARY KEY ("o", "c")) WITHOUT ROWID;
// CHECK-NEXT: CREATE TEMPORARY TABLE "select" ("p" INTEGER NOT NULL, "i" INTEGER NOT NULL, "v" REAL, "n" INTEGER NOT NULL, "flag" INTEGER NOT NULL, PRIMARY KEY ("p", "i")) WITHOUT ROWID;
// CHECK-NEXT: CREATE TEMPORARY TABLE "cache" ("p" INTEGER NOT NULL PRIMARY KEY, "k", "at" INTEGER NOT NULL) WITHOUT ROWID;
// CHECK-NEXT: CREATE TEMPORARY TABLE "logits" ("p" INTEGER NOT NULL PRIMARY KEY, "v" REAL) WITHOUT ROWID;
// CHECK-NEXT: CREATE TEMPORARY TABLE "one" ("v");
// CHECK:      -- queries
// CHECK-NEXT: INSERT INTO "out" ("p", "i", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8") SELECT "a"."p" AS "p", "a"."i" AS "i", "a"."v" + ("a"."v" - 0.5e0) AS "c0", "a"."v" - ("a"."v" - 1.0e0) AS "c1", ("a"."v" + 1.0e0) * - -1.0e0 AS "c2", "a"."v" / 3.0e0 AS "c3", "a"."n" / 2 AS "c4", -"a"."n" % 2 AS "c5", - -"a"."v" AS "c6", MAX("a"."v", 0.0e0) AS "c7", MIN("a"."v", 1.0e-300) AS "c8" FROM "select" AS "a";
// CHECK-NEXT: INSERT INTO "out" ("p", "i", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8") SELECT "a"."p" AS "p", "a"."i" AS "i", EXP("a"."v") AS "c0", SQRT("a"."v") AS "c1", SIN("a"."v") AS "c2", COS("a"."v") AS "c3", ABS("a"."v") AS "c4", ROUND("a"."v") AS "c5", CAST("a"."v" AS INTEGER) AS "c6", CAST("a"."n" AS REAL) AS "c7", CASE WHEN "a"."flag" THEN "a"."v" ELSE 1.0e+300 END AS "c8" FROM "select" AS "a" WHERE "a"."n" = 1 AND "a"."n" <> 2 AND "a"."v" < 0.1e0 AND "a"."v" <= 0.1e0 AND "a"."v" > -0.1e0 AND ("a"."v" >= 0.1e0 OR "a"."flag" AND NOT "a"."flag" = ("a"."n" < 3));
// CHECK-NEXT: INSERT INTO "out" ("p", "c0", "c1", "c2", "c3") SELECT "a"."p" AS "p", SUM("a"."v") AS "c0", MAX("a"."v") AS "c1", MIN("a"."v") AS "c2", COUNT("a"."i") AS "c3" FROM "select" AS "a" GROUP BY "a"."p";
// CHECK-NEXT: INSERT INTO "out" ("p", "i", "n", "m") SELECT "a"."p" AS "p", "a"."i" AS "i", ROW_NUMBER() OVER (PARTITION BY "a"."p" ORDER BY "a"."v" DESC, "a"."i" ASC NULLS LAST) AS "n", SUM("a"."v") OVER (PARTITION BY "a"."p" ORDER BY "a"."v" DESC, "a"."i" ASC NULLS LAST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS "m" FROM "select" AS "a";
// CHECK:      -- statements
// CHECK-NEXT: INSERT INTO "out" ("i", "v") WITH "t0"("i", "v") AS (VALUES (0, 0.5e0), (1, -1.5e0)) SELECT "i", "v" FROM "t0";
// CHECK-NEXT: INSERT INTO "out" ("i", "v") WITH "t0"("i", "v") AS (SELECT 0, 0 WHERE 0 = 1) SELECT "i", "v" FROM "t0";
// CHECK-NEXT: INSERT INTO "out" ("i", "j", "v") WITH "t0" AS (SELECT "a"."i" AS "i", "a"."v" / :temperature AS "v" FROM "select" AS "a" WHERE "a"."p" = :second AND "a"."n" < :first AND "a"."n" > :second), "t1"("i", "v") AS (VALUES (0, 0.5e0), (1, -1.5e0)) SELECT "a"."i" AS "i", "b"."i" AS "j", "a"."v" * "b"."v" AS "v" FROM "t0" AS "a" CROSS JOIN "t1" AS "n" CROSS JOIN "t0" AS "b" CROSS JOIN "model.w;""x""" AS "w" WHERE "a"."i" = "n"."i" AND "n"."i" = "b"."i" AND "a"."v" > :third AND "w"."o" = 1;
// CHECK-NEXT: INSERT INTO "one" ("v") WITH "t0"("i", "v") AS (VALUES (0, 0.5e0), (1, -1.5e0)), "t1" AS (SELECT 1 FROM "select" AS "a" WHERE "a"."p" = 0) SELECT "a"."v" AS "v" FROM "t0" AS "a" CROSS JOIN "t1" AS "b";
// CHECK-NEXT: -- for layer = 0 to 1:
// CHECK-NEXT: INSERT INTO "cache" ("p", "k", "at") SELECT "a"."p" + :layer AS "p", CAST("a"."v" AS REAL) AS "k", "a"."n" AS "at" FROM "select" AS "a" WHERE "a"."i" = :layer;
// CHECK-NEXT: DELETE FROM "one";
// CHECK-NEXT: -- end for
// CHECK-NEXT: DELETE FROM "select";
// CHECK:      -- text_arithmetic
// CHECK-NEXT: INSERT INTO "out" ("p", "c0", "c1", "c2") SELECT "a"."p" AS "p", CAST('1e' || "a"."n" AS REAL) AS "c0", CAST('1e' || (-"a"."n") AS REAL) AS "c1", CAST(SUBSTR(PRINTF('%e', "a"."v"), INSTR(PRINTF('%e', "a"."v"), 'e') + 1) AS INTEGER) AS "c2" FROM "select" AS "a";
// CHECK:      -- scalar_functions
// CHECK-NEXT: INSERT INTO "out" ("p", "c0", "c1", "c2", "c3", "c4", "c5", "c6") SELECT "a"."p" AS "p", CASE WHEN "a"."v" = 0 THEN CASE WHEN 1.0e0 = 0 THEN NULL ELSE 1.0e0 * 9e999 END ELSE 1.0e0 / "a"."v" END AS "c0", SQRT("a"."v") AS "c1", CASE WHEN "a"."v" = 0 THEN -9e999 ELSE LN("a"."v") END AS "c2", 9e999 AS "c3", -9e999 AS "c4", NULL AS "c5", CASE WHEN 0.5e0 = 0 OR "a"."v" = 1 THEN 1 ELSE POWER("a"."v", 0.5e0) END AS "c6" FROM "select" AS "a" WHERE ("a"."v" IS NULL) AND NOT ("a"."v" IS NULL) AND (("a"."v" < 0.5e0) IS TRUE) AND NOT (("a"."v" = 0.5e0) IS TRUE) AND ((0.5e0 >= "a"."v") IS TRUE);
// CHECK-NEXT: INSERT INTO "out" ("p", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9") SELECT "a"."p" AS "p", TAN("a"."v") AS "c0", ASIN("a"."v") AS "c1", ACOS("a"."v") AS "c2", ATAN("a"."v") AS "c3", SINH("a"."v") AS "c4", COSH("a"."v") AS "c5", TANH("a"."v") AS "c6", ASINH("a"."v") AS "c7", ACOSH("a"."v") AS "c8", ATANH("a"."v") AS "c9" FROM "select" AS "a";
// CHECK-NEXT: INSERT INTO "out" ("p", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7") SELECT "a"."p" AS "p", FLOOR("a"."v") AS "c0", CEIL("a"."v") AS "c1", CAST("a"."v" AS INTEGER) AS "c2", CASE WHEN "a"."flag" THEN 1 ELSE 0 END AS "c3", ("a"."n" & ("a"."n" | 1)) AS "c4", (("a"."n" | 3) - ("a"."n" & 3)) * 2 AS "c5", (("a"."n" + 1) << 3) AS "c6", ("a"."n" >> "a"."n") AS "c7" FROM "select" AS "a";
// CHECK:      -- unions
// CHECK-NEXT: INSERT INTO "out" ("p", "v") WITH "t0" AS (SELECT "a"."p" AS "p", CAST("a"."v" AS REAL) AS "v" FROM "select" AS "a"), "t1"("p", "v") AS (VALUES (7, 0.5e0)), "t2" AS (SELECT "p", "v" FROM "t0" UNION ALL SELECT "p", "v" FROM "t1" UNION ALL SELECT "p", "v" FROM "t0") SELECT "p", "v" FROM "t2";
// CHECK-NEXT: INSERT INTO "out" ("p", "v") WITH "t0" AS (SELECT "a"."p" AS "p", CAST("a"."v" AS REAL) AS "v" FROM "select" AS "a"), "t1"("p", "v") AS (VALUES (7, 0.5e0)), "t2" AS (SELECT "p", "v" FROM "t0" UNION ALL SELECT "p", "v" FROM "t1" UNION ALL SELECT "p", "v" FROM "t0") SELECT "a"."p" AS "p", SUM("a"."v") AS "v" FROM "t2" AS "a" GROUP BY "a"."p";
