// RUN: sql-opt %s --window-aggregates | filecheck %s

// CHECK-LABEL: func.func @softmax
func.func @softmax() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %x = sql.select {p = a.p, i = a.i, v = exp(a.v)} from %t as a : !rel.relation<[p: ?, i: 4], v: f64>
  %sum = sql.select {q = a.p, s = sum(a.v)} from %x as a group [a.p] : !rel.relation<[q: ?], s: f64>
  %y = sql.select {p = a.p, i = a.i, v = div(a.v, b.s)} from %x as a, %sum as b where [eq(a.p, b.q)] : !rel.relation<[p: ?, i: 4], v: f64>
  sql.insert %y into @out
  func.return
}
// CHECK: %y = sql.select {p = a.p, i = a.i, v = a.v, fold0 = sum_over(a.v)} from %x as a per [a.p]
// CHECK-NEXT: %y_1 = sql.select {p = a.p, i = a.i, v = div(a.v, a.fold0)} from %y as a :

// Groups that are not joined by their whole key stay.
// CHECK-LABEL: func.func @stays
func.func @stays() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %x = sql.select {p = a.p, i = a.i, v = exp(a.v)} from %t as a : !rel.relation<[p: ?, i: 4], v: f64>
  %sum = sql.select {p = a.p, i = a.i, s = sum(a.v)} from %x as a group [a.p, a.i] : !rel.relation<[p: ?, i: 4], s: f64>
  %y = sql.select {p = a.p, i = a.i, j = b.i, v = div(a.v, b.s)} from %x as a, %sum as b where [eq(a.p, b.p)] : !rel.relation<[p: ?, i: 4, j: 4], v: f64>
  sql.insert %y into @out
  func.return
}
// CHECK: group [a.p, a.i]
// CHECK-NOT: sum_over
