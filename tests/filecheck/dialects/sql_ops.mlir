// RUN: sql-opt %s | filecheck %s
// RUN: sql-opt %s --print-op-generic | sql-opt | filecheck %s
// RUN: sql-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

sql.create_table input @x : <[p: ?, i: 4], v: f32>
sql.create_table weight @w : <[layer: 2, o: 4, c: 1], w: vector<4xf32>> from ["a.{}", "b.{}"] layout <arrays 1 by 4>
sql.create_table weight @columns : <[o: 4, c: 2], w0: f32, w1: f32> from ["c"] layout <columns 1 by 2>
sql.create_table weight @gain : <[i: 4], v: f32> from ["gain"] layout <rows>
sql.create_table weight @made : <[i: 4], v: f32> from ["made"] with {made = #ten.transform<"stored" plus one>} layout <rows>
sql.create_table state @cache : <sparse [p: ?], k: f64, n: i64, flag: i1>
sql.create_table scratch @"two words; -- \"quoted\"" : <[p: ?], v: f64>
// CHECK:      sql.create_table input @x : <[p: ?, i: 4], v: f32>
// CHECK-NEXT: sql.create_table weight @w : <[layer: 2, o: 4, c: 1], w: vector<4xf32>> from ["a.{}", "b.{}"] layout <arrays 1 by 4>
// CHECK-NEXT: sql.create_table weight @columns : <[o: 4, c: 2], w0: f32, w1: f32> from ["c"] layout <columns 1 by 2>
// CHECK-NEXT: sql.create_table weight @gain : <[i: 4], v: f32> from ["gain"] layout <rows>
// CHECK-NEXT: sql.create_table weight @made : <[i: 4], v: f32> from ["made"] with {made = #ten.transform<"stored" plus one>} layout <rows>
// CHECK-NEXT: sql.create_table state @cache : <sparse [p: ?], k: f64, n: i64, flag: i1>
// CHECK-NEXT: sql.create_table scratch @"two words; -- \22quoted\22" : <[p: ?], v: f64>
// GENERIC:      "sql.create_table"() <{kind = #rel<table_kind input>, sym_name = "x", schema = !rel.relation<[p: ?, i: 4], v: f32>}> : () -> ()
// GENERIC-NEXT: "sql.create_table"() <{{{.*}}kind = #rel<table_kind weight>{{.*}}sources = ["a.{}", "b.{}"], layout = #rel.layout<arrays 1 by 4>}> : () -> ()

// CHECK-LABEL: func.func @queries
// GENERIC-LABEL: sym_name = "queries"
func.func @queries() {
  %x = sql.table @x : !rel.relation<[p: ?, i: 4], v: f32>
  %w = sql.table @"two words; -- \"quoted\"" : !rel.relation<[p: ?], v: f64>
  %numbers = sql.values [0, 0.5, 1, -0.1] : !rel.relation<[i: 2], v: f64>
  %none = sql.values [] : !rel.relation<[i: 0], v: f64>
  %joined = sql.select {p = a.p, i = b.i, v = mul(a.v, b.v)} from %x as a, %numbers as b where [eq(a.i, b.i), lt(a.p, ?end)] : !rel.relation<[p: ?, i: 4], v: f64>
  %summed = sql.select {p = a.p, v = sum(a.v)} from %joined as a group [a.p] : !rel.relation<[p: ?], v: f64>
  %all = sql.select {n = count(a.p)} from %summed as a : !rel.relation<[], n: i64>
  %ranked = sql.select {p = a.p, i = a.i, rank = row_number(), mass = running_sum(a.v)} from %joined as a per [a.p] by [desc a.v, a.i] : !rel.relation<[p: ?, i: 4], rank: i64, mass: f64>
  %rows = sql.select {} from %x as a where [eq(a.p, 0)] : !rel.relation<[]>
  %both = sql.union %numbers, %none, %numbers : (!rel.relation<[i: 2], v: f64>, !rel.relation<[i: 0], v: f64>, !rel.relation<[i: 2], v: f64>) -> !rel.relation<[i: 4], v: f64>
  sql.insert %ranked into @"two words; -- \"quoted\""
  func.return
}
// CHECK-NEXT: %x = sql.table @x : !rel.relation<[p: ?, i: 4], v: f32>
// CHECK-NEXT: %w = sql.table @"two words; -- \22quoted\22" : !rel.relation<[p: ?], v: f64>
// CHECK-NEXT: %numbers = sql.values [0, 0.5, 1, -0.1] : !rel.relation<[i: 2], v: f64>
// CHECK-NEXT: %none = sql.values [] : !rel.relation<[i: 0], v: f64>
// CHECK-NEXT: %joined = sql.select {p = a.p, i = b.i, v = mul(a.v, b.v)} from %x as a, %numbers as b where [eq(a.i, b.i), lt(a.p, ?end)] : !rel.relation<[p: ?, i: 4], v: f64>
// CHECK-NEXT: %summed = sql.select {p = a.p, v = sum(a.v)} from %joined as a group [a.p] : !rel.relation<[p: ?], v: f64>
// CHECK-NEXT: %all = sql.select {n = count(a.p)} from %summed as a : !rel.relation<[], n: i64>
// CHECK-NEXT: %ranked = sql.select {p = a.p, i = a.i, rank = row_number(), mass = running_sum(a.v)} from %joined as a per [a.p] by [desc a.v, a.i] : !rel.relation<[p: ?, i: 4], rank: i64, mass: f64>
// CHECK-NEXT: %rows = sql.select {} from %x as a where [eq(a.p, 0)] : !rel.relation<[]>
// CHECK-NEXT: %both = sql.union %numbers, %none, %numbers : (!rel.relation<[i: 2], v: f64>, !rel.relation<[i: 0], v: f64>, !rel.relation<[i: 2], v: f64>) -> !rel.relation<[i: 4], v: f64>
// CHECK-NEXT: sql.insert %ranked into @"two words; -- \22quoted\22"
// CHECK-NEXT: func.return
// GENERIC: "sql.values"() <{rows = [#rel.literal<0>, #rel.literal<0.5>, #rel.literal<1>, #rel.literal<-0.1>]}
// GENERIC: %joined = "sql.select"(%x, %numbers) <{aliases = ["a", "b"], columns = [#rel.assignment<"p", #rel.ref<"a.p">, #builtin.int<
// GENERIC: %both = "sql.union"(%numbers, %none, %numbers) : (!rel.relation<[i: 2], v: f64>, !rel.relation<[i: 0], v: f64>, !rel.relation<[i: 2], v: f64>) -> !rel.relation<[i: 4], v: f64>
// GENERIC: "sql.insert"(%ranked) <{table = @"two words; -- \22quoted\22"}>

// CHECK-LABEL: func.func @statements
func.func @statements() {
  sql.delete @cache
  sql.truncate @cache
  sql.for layer to 2 {
    %w = sql.table @cache : !rel.relation<[p: ?], k: f64>
    %one = sql.select {p = add(a.p, ?layer), k = div(a.k, ?temperature float)} from %w as a where [eq(a.p, ?layer)] : !rel.relation<[p: ?], k: f64>
    sql.insert %one into @cache
    sql.for inner to 3 {
    }
  }
  func.return
}
// CHECK-NEXT: sql.delete @cache
// CHECK-NEXT: sql.truncate @cache
// CHECK-NEXT: sql.for layer to 2 {
// CHECK-NEXT:   %w = sql.table @cache : !rel.relation<[p: ?], k: f64>
// CHECK-NEXT:   %one = sql.select {p = add(a.p, ?layer), k = div(a.k, ?temperature float)} from %w as a where [eq(a.p, ?layer)] : !rel.relation<[p: ?], k: f64>
// CHECK-NEXT:   sql.insert %one into @cache
// CHECK-NEXT:   sql.for inner to 3 {
// CHECK-NEXT:   }
// CHECK-NEXT: }

// CHECK-LABEL: func.func @literals
func.func @literals() {
  %v = sql.values [1.0e300, 1.0e-300, 0.1, -0.0, 0.0, 3.0, 2147483647, -2147483648, 9007199254740993, 0.30000000000000004, 5.0e-324, 1.7976931348623157e308, 2.2250738585072014e-308] : !rel.relation<[], v: f64>
  func.return
}
// CHECK-NEXT: %v = sql.values [1.0e+300, 1.0e-300, 0.1, -0.0, 0.0, 3.0, 2147483647, -2147483648, 9007199254740993, 0.30000000000000004, 5.0e-324, 1.7976931348623157e+308, 2.2250738585072014e-308] : !rel.relation<[], v: f64>

// Every function of expressions.
// CHECK-LABEL: func.func @functions
func.func @functions() {
  %t = sql.table @t : !rel.relation<[p: ?], x: f64, y: f64, n: i64, m: i32, b: i1, v: vector<4xf32>>
  %a = sql.select {p = a.p, c0 = add(a.x, a.y), c1 = sub(a.x, a.y), c2 = mul(a.x, a.y), c3 = div(a.x, a.y), c4 = idiv(a.n, a.m), c5 = mod(a.n, a.m), c6 = neg(a.x), c7 = greatest(a.x, a.y), c8 = least(a.x, a.y), c9 = exp(a.x), c10 = sqrt(a.x), c11 = sin(a.x), c12 = cos(a.x), c13 = abs(a.x)} from %t as a : !rel.relation<[p: ?], c0: f64, c1: f64, c2: f64, c3: f64, c4: i64, c5: i64, c6: f64, c7: f64, c8: f64, c9: f64, c10: f64, c11: f64, c12: f64, c13: f64>
  %b = sql.select {p = a.p, c0 = round(a.x), c1 = pow10(a.m), c2 = exponent10(a.x), c3 = to_int(a.x), c4 = to_float(a.n), c5 = if(a.b, a.x, a.y), c6 = dot(a.v, a.v), c7 = element(a.v, 3)} from %t as a where [eq(a.m, 1), ne(a.m, 2), lt(a.x, a.y), le(a.x, a.y), gt(a.x, a.y), ge(a.x, a.y), and(a.b, a.b), or(a.b, not(a.b))] : !rel.relation<[p: ?], c0: f64, c1: f64, c2: i32, c3: i32, c4: f64, c5: f64, c6: f32, c7: f32>
  %c = sql.select {c0 = sum(a.x), c1 = max(a.x), c2 = min(a.x), c3 = count(a.x), c4 = pack(a.x, a.p, 4)} from %t as a : !rel.relation<[], c0: f64, c1: f64, c2: f64, c3: i64, c4: vector<4xf32>>
  %d = sql.select {p = a.p, c0 = row_number(), c1 = running_sum(a.x)} from %t as a by [a.p] : !rel.relation<[p: ?], c0: i64, c1: f64>
  %e = sql.select {p = a.p, c0 = divide(a.x, a.y), c1 = pow(a.x, a.y), c2 = root(a.x), c3 = ln(a.x), c4 = tan(a.x), c5 = asin(a.x), c6 = acos(a.x), c7 = atan(a.x), c8 = sinh(a.x), c9 = cosh(a.x), c10 = tanh(a.x), c11 = asinh(a.x), c12 = acosh(a.x), c13 = atanh(a.x), c14 = floor(a.x), c15 = ceil(a.x), c16 = infinity(), c17 = nan(), c18 = is_nan(a.x)} from %t as a : !rel.relation<[p: ?], c0: f64, c1: f64, c2: f64, c3: f64, c4: f64, c5: f64, c6: f64, c7: f64, c8: f64, c9: f64, c10: f64, c11: f64, c12: f64, c13: f64, c14: f64, c15: f64, c16: f64, c17: f64, c18: i1>
  %f = sql.select {p = a.p, c0 = bit_and(a.n, a.m), c1 = bit_or(a.n, a.m), c2 = bit_xor(a.n, a.m), c3 = shift_left(a.n, a.m), c4 = shift_right(a.n, a.m), c5 = to_long(a.x), c6 = truth(a.b), c7 = long(a.m)} from %t as a : !rel.relation<[p: ?], c0: i64, c1: i64, c2: i64, c3: i64, c4: i64, c5: i64, c6: i64, c7: i64>
  %g = sql.select {p = a.p, c0 = float_eq(a.x, a.y), c1 = float_ne(a.x, a.y), c2 = float_lt(a.x, a.y), c3 = float_le(a.x, a.y), c4 = float_gt(a.x, a.y), c5 = float_ge(a.x, a.y)} from %t as a : !rel.relation<[p: ?], c0: i1, c1: i1, c2: i1, c3: i1, c4: i1, c5: i1>
  func.return
}
// CHECK: %a = sql.select {p = a.p, c0 = add(a.x, a.y), c1 = sub(a.x, a.y), c2 = mul(a.x, a.y), c3 = div(a.x, a.y), c4 = idiv(a.n, a.m), c5 = mod(a.n, a.m), c6 = neg(a.x), c7 = greatest(a.x, a.y), c8 = least(a.x, a.y), c9 = exp(a.x), c10 = sqrt(a.x), c11 = sin(a.x), c12 = cos(a.x), c13 = abs(a.x)} from %t as a : !rel.relation
// CHECK-NEXT: %b = sql.select {p = a.p, c0 = round(a.x), c1 = pow10(a.m), c2 = exponent10(a.x), c3 = to_int(a.x), c4 = to_float(a.n), c5 = if(a.b, a.x, a.y), c6 = dot(a.v, a.v), c7 = element(a.v, 3)} from %t as a where [eq(a.m, 1), ne(a.m, 2), lt(a.x, a.y), le(a.x, a.y), gt(a.x, a.y), ge(a.x, a.y), and(a.b, a.b), or(a.b, not(a.b))] : !rel.relation
// CHECK-NEXT: %c = sql.select {c0 = sum(a.x), c1 = max(a.x), c2 = min(a.x), c3 = count(a.x), c4 = pack(a.x, a.p, 4)} from %t as a : !rel.relation
// CHECK-NEXT: %d = sql.select {p = a.p, c0 = row_number(), c1 = running_sum(a.x)} from %t as a by [a.p] : !rel.relation
// CHECK-NEXT: %e = sql.select {p = a.p, c0 = divide(a.x, a.y), c1 = pow(a.x, a.y), c2 = root(a.x), c3 = ln(a.x), c4 = tan(a.x), c5 = asin(a.x), c6 = acos(a.x), c7 = atan(a.x), c8 = sinh(a.x), c9 = cosh(a.x), c10 = tanh(a.x), c11 = asinh(a.x), c12 = acosh(a.x), c13 = atanh(a.x), c14 = floor(a.x), c15 = ceil(a.x), c16 = infinity(), c17 = nan(), c18 = is_nan(a.x)} from %t as a : !rel.relation
// CHECK-NEXT: %f = sql.select {p = a.p, c0 = bit_and(a.n, a.m), c1 = bit_or(a.n, a.m), c2 = bit_xor(a.n, a.m), c3 = shift_left(a.n, a.m), c4 = shift_right(a.n, a.m), c5 = to_long(a.x), c6 = truth(a.b), c7 = long(a.m)} from %t as a : !rel.relation
// CHECK-NEXT: %g = sql.select {p = a.p, c0 = float_eq(a.x, a.y), c1 = float_ne(a.x, a.y), c2 = float_lt(a.x, a.y), c3 = float_le(a.x, a.y), c4 = float_gt(a.x, a.y), c5 = float_ge(a.x, a.y)} from %t as a : !rel.relation

// CHECK-LABEL: func.func @recursion
func.func @recursion() {
  %x = sql.table @x : !rel.relation<[p: ?], v: f32>
  %all = sql.recurse %x {
  ^bb0(%before: !rel.relation<[p: ?], v: f32>):
    %next = sql.select {p = add(a.p, 1), v = a.v} from %before as a where [lt(a.p, 3)] : !rel.relation<[p: ?], v: f32>
    sql.yield %next : !rel.relation<[p: ?], v: f32>
  }
  sql.insert %all into @y
  func.return
}
// CHECK:      %all = sql.recurse %x {
// CHECK-NEXT: ^bb0(%before: !rel.relation<[p: ?], v: f32>):
// CHECK-NEXT: %next = sql.select {p = add(a.p, 1), v = a.v} from %before as a where [lt(a.p, 3)] : !rel.relation<[p: ?], v: f32>
// CHECK-NEXT: sql.yield %next : !rel.relation<[p: ?], v: f32>
// CHECK-NEXT: }
// CHECK-NEXT: sql.insert %all into @y

// CHECK: sql.create_table state @kept : <[layer: 2, c: ?], v: f32> lifetime kept
sql.create_table state @kept : <[layer: 2, c: ?], v: f32> lifetime kept

// CHECK-LABEL: func.func @deletions
func.func @deletions() {
  %x = sql.table @x : !rel.relation<[c: ?]>
  sql.delete @kept where %x
  sql.delete @kept
  func.return
}
// CHECK: sql.delete @kept where %x
// CHECK-NEXT: sql.delete @kept
