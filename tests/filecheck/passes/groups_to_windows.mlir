// RUN: sql-opt %s --groups-to-windows | filecheck %s

// A softmax: the rows meet their maximum.
// CHECK-LABEL: func.func @meets
func.func @meets() {
  %x = rel.scan @x : !rel.relation<[row: ?, a: 1, b: 3], v: f64>
  %m = rel.aggregate total %x by [row, a] {v = max(v)}
  %l = rel.project %x [row, a, b] {x0 = v}
  %r = rel.project %m [row, a] {x1 = v}
  %j = rel.join %l, %r on [row, a]
  %y = rel.project %j [row, a, b] {v = exp(sub(x0, x1))}
  rel.insert %y into @y
  func.return
}
// CHECK-NEXT: %x = rel.scan @x
// CHECK-NEXT: %j = rel.window %x per [row, a] by [] {g0 = partition_max(v)}
// CHECK-NEXT: %j_1 = rel.project %j [row, a to 1, b to 3] {x0 = v, x1 = g0}
// CHECK-NEXT: %j_2 = rel.project %j_1 [row, a, b] {x0, x1}
// CHECK-NEXT: %y = rel.project %j_2 [row, a, b] {v = exp(sub(x0, x1))}

// Another axis than that of the group, a part of the rows, an aggregate of others: these stay.
// CHECK-LABEL: func.func @stays
func.func @stays() {
  %x = rel.scan @x : !rel.relation<[row: ?, b: 3], v: f64>
  %z = rel.scan @z : !rel.relation<[row: ?, b: 3], v: f64>
  %m = rel.aggregate %x by [b] {w = sum(v)}
  %r = rel.project %m [c = b] {w}
  %other = rel.join %x, %r on []
  rel.insert %other into @y
  %p = rel.project %x [row] {v}
  %q = rel.aggregate %x by [row] {w = sum(v)}
  %part = rel.join %p, %q on [row]
  rel.insert %part into @y
  %o = rel.aggregate %z by [row] {w = sum(v)}
  %foreign = rel.join %x, %o on [row]
  rel.insert %foreign into @y
  func.return
}
// CHECK-NOT: rel.window
