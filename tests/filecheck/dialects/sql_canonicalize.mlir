// RUN: sql-opt %s --canonicalize | filecheck %s

// A table joined with itself on its whole key is one table.
// CHECK-LABEL: func.func @self_join
func.func @self_join() {
  %a = sql.table @t : !rel.relation<[p: ?, i: 4], v: f32>
  %b = sql.table @t : !rel.relation<[p: ?, i: 4], w: f32>
  %q = sql.select {p = x.p, i = y.i, s = mul(x.v, y.w)} from %a as x, %b as y where [eq(y.p, x.p), eq(x.i, y.i), gt(y.w, 0.0)] : !rel.relation<[p: ?, i: 4], s: f32>
  sql.insert %q into @out
  func.return
}
// CHECK-NEXT: %q = sql.table @t : !rel.relation<[p: ?, i: 4], v: f32, w: f32>
// CHECK-NEXT: sql.select {p = x.p, i = x.i, s = mul(x.v, x.w)} from %{{[a-z0-9_]+}} as x where [gt(x.w, 0.0)] : !rel.relation<[p: ?, i: 4], s: f32>
// CHECK-NEXT: sql.insert

// Three times, among others, with groups and windows.
// CHECK-LABEL: func.func @thrice
func.func @thrice() {
  %t = sql.table @t : !rel.relation<[p: ?], v: f64>
  %u = sql.table @u : !rel.relation<[q: ?], v: f64>
  %sums = sql.select {p = b.p, s = sum(mul(a.v, mul(b.v, mul(c.v, d.v))))} from %t as a, %u as d, %t as b, %t as c where [eq(a.p, b.p), eq(b.p, c.p), eq(d.q, c.p)] group [b.p] : !rel.relation<[p: ?], s: f64>
  sql.insert %sums into @out
  %ranks = sql.select {p = b.p, n = row_number()} from %t as a, %t as b where [eq(a.p, b.p)] per [b.v] by [desc b.p] : !rel.relation<[p: ?], n: i64>
  sql.insert %ranks into @out
  func.return
}
// CHECK: sql.select {p = a.p, s = sum(mul(a.v, mul(a.v, mul(a.v, d.v))))} from %{{[a-z0-9_]+}} as a, %u as d where [eq(d.q, a.p)] group [a.p]
// CHECK: sql.select {p = a.p, n = row_number()} from %{{[a-z0-9_]+}} as a per [a.v] by [desc a.p]

// So is a query, whose keys tell its rows apart.
// CHECK-LABEL: func.func @of_a_query
func.func @of_a_query() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %s = sql.select {p = a.p, v = sum(a.v)} from %t as a group [a.p] : !rel.relation<[p: ?], v: f64>
  %q = sql.select {p = x.p, v = mul(x.v, y.v)} from %s as x, %s as y where [eq(x.p, y.p)] : !rel.relation<[p: ?], v: f64>
  sql.insert %q into @out
  func.return
}
// CHECK: sql.select {p = x.p, v = mul(x.v, x.v)} from %s as x : !rel.relation<[p: ?], v: f64>

// A key that has one value on both sides needs no comparison, and is compared once.
// CHECK-LABEL: func.func @fixed_key
func.func @fixed_key() {
  %t = sql.table @t : !rel.relation<[layer: 4, p: ?], v: f64>
  %q = sql.select {p = a.p, v = mul(a.v, b.v)} from %t as a, %t as b where [eq(a.layer, ?layer), eq(b.layer, ?layer), eq(a.p, b.p)] : !rel.relation<[p: ?], v: f64>
  sql.insert %q into @out
  %two = sql.select {p = a.p, v = mul(a.v, b.v)} from %t as a, %t as b where [eq(a.layer, 1), eq(b.layer, 2), eq(a.p, b.p)] : !rel.relation<[p: ?], v: f64>
  sql.insert %two into @out
  func.return
}
// CHECK: %q = sql.select {p = a.p, v = mul(a.v, a.v)} from %t as a where [eq(a.layer, ?layer)]
// CHECK: %two = sql.select {p = a.p, v = mul(a.v, b.v)} from %t as a, %t as b

// CHECK-LABEL: func.func @left_alone
func.func @left_alone() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f32>
  %u = sql.table @u : !rel.relation<[p: ?, i: 4], v: f32>
  %s = sql.select {p = a.p, i = a.i, v = a.v} from %t as a : !rel.relation<[p: ?, i: 4], v: f32>
  // A part of the key.
  %part = sql.select {p = a.p, i = a.i, j = b.i} from %t as a, %t as b where [eq(a.p, b.p)] : !rel.relation<[p: ?, i: 4, j: 4]>
  sql.insert %part into @out
  // No key, but a value.
  %value = sql.select {p = a.p, q = b.p} from %t as a, %t as b where [eq(a.v, b.v), eq(a.i, 0)] : !rel.relation<[p: ?, q: ?]>
  sql.insert %value into @out
  // The key of one is not the same key of the other.
  %crossed = sql.select {p = a.p, q = b.p} from %t as a, %t as b where [eq(a.p, b.i), eq(a.i, b.p)] : !rel.relation<[p: ?, q: ?]>
  sql.insert %crossed into @out
  // Less is not equal.
  %less = sql.select {p = a.p, q = b.p} from %t as a, %t as b where [lt(a.p, b.p), eq(a.i, b.i)] : !rel.relation<[p: ?, q: ?]>
  sql.insert %less into @out
  // Two tables.
  %two = sql.select {p = a.p, v = b.v} from %t as a, %u as b where [eq(a.p, b.p), eq(a.i, b.i)] : !rel.relation<[p: ?], v: f32>
  sql.insert %two into @out
  // A table and a query.
  %query = sql.select {p = a.p, v = b.v} from %t as a, %s as b where [eq(a.p, b.p), eq(a.i, b.i)] : !rel.relation<[p: ?], v: f32>
  sql.insert %query into @out
  func.return
}
// CHECK: %part = sql.select {p = a.p, i = a.i, j = b.i} from %t as a, %t as b
// CHECK: %value = sql.select {p = a.p, q = b.p} from %t as a, %t as b
// CHECK: %crossed = sql.select {p = a.p, q = b.p} from %t as a, %t as b
// CHECK: %less = sql.select {p = a.p, q = b.p} from %t as a, %t as b
// CHECK: %two = sql.select {p = a.p, v = b.v} from %t as a, %u as b
// CHECK: %query = sql.select {p = a.p, v = b.v} from %t as a, %s as b

// CHECK-LABEL: func.func @isolate_column
func.func @isolate_column() {
  %t = sql.table @t : !rel.relation<[o: ?], v: f64>
  %u = sql.table @u : !rel.relation<[p: ?], v: f64>
  %q = sql.select {p = u.p} from %u as u, %t as t where [eq(u.p, sub(t.o, 64)), eq(sub(t.o, 8), u.p), ge(u.p, sub(t.o, 1)), lt(u.p, sub(t.o, 2)), eq(sub(t.o, 1), sub(t.o, 1)), gt(u.p, sub(t.o, 1)), eq(u.p, sub(64, t.o)), eq(u.p, add(t.o, 1)), lt(u.v, sub(t.v, 1.0)), lt(u.p, sub(t.v, 1))] : !rel.relation<[p: ?]>
  sql.insert %q into @out
  func.return
}
// CHECK: where [eq(add(u.p, 64), t.o), eq(add(u.p, 8), t.o), ge(add(u.p, 1), t.o), lt(add(u.p, 2), t.o), eq(add(sub(t.o, 1), 1), t.o), gt(u.p, sub(t.o, 1)), eq(u.p, sub(64, t.o)), eq(u.p, add(t.o, 1)), lt(u.v, sub(t.v, 1.0)), lt(u.p, sub(t.v, 1))]

// The column of the later source stands alone already: it is the one that is looked up.
// CHECK-LABEL: func.func @looked_up
func.func @looked_up() {
  %t = sql.table @t : !rel.relation<[o: ?], v: f64>
  %u = sql.table @u : !rel.relation<[p: ?], v: f64>
  %q = sql.select {p = u.p} from %t as t, %u as u where [eq(u.p, sub(t.o, 64)), eq(sub(t.o, 8), u.p)] : !rel.relation<[p: ?]>
  sql.insert %q into @out
  func.return
}
// CHECK: where [eq(u.p, sub(t.o, 64)), eq(sub(t.o, 8), u.p)]

// What nobody reads goes; what writes stays.
// CHECK-LABEL: func.func @sinks
func.func @sinks() {
  %t = sql.table @t : !rel.relation<[o: ?], v: f64>
  %q = sql.select {o = a.o} from %t as a : !rel.relation<[o: ?]>
  %v = sql.values [1] : !rel.relation<[o: ?]>
  sql.delete @t
  sql.for layer to 2 {
    sql.delete @t
  }
  func.return
}
// CHECK-NEXT: sql.delete @t
// CHECK-NEXT: sql.for layer to 2 {
// CHECK-NEXT:   sql.delete @t
// CHECK-NEXT: }
// CHECK-NEXT: func.return
