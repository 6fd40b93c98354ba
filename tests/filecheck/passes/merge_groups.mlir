// RUN: sql-opt %s --merge-groups | filecheck %s

// The label and the probabilities of an example: what the first takes is carried to the second.
// CHECK-LABEL: func.func @carried
func.func @carried() {
  %x = rel.scan @x : !rel.relation<[row: ?, a: 1, b: 3], v: f64>
  %w = rel.window %x per [row, a] by [] {g0 = partition_max(v)}
  %i = rel.project %w [row, a, b] {v = if(float_eq(v, g0), long(b), 3)}
  %label = rel.aggregate total %i by [row, a] {v = min(v)}
  %l = rel.project %label [row] {label = v}
  %p = rel.project %w [row, a, b] {v = exp(sub(v, g0))}
  %s = rel.window %p per [row, a] by [] {g1 = partition_sum(v)}
  %wide = rel.aggregate %s by [row] {p_0 = sum(if(eq(b, 0), div(v, g1), 0.0))}
  %both = rel.join %l, %wide on [row]
  rel.insert %both into @result
  func.return
}
// CHECK:      %0 = rel.project %w [row, a, b] {v, g0, g2 = if(float_eq(v, g0), long(b), 3)}
// CHECK-NEXT: %1 = rel.project %0 [row, a, b] {v = exp(sub(v, g0)), g2}
// CHECK-NEXT: %2 = rel.window %1 per [row, a] by [] {g1 = partition_sum(v)}
// CHECK-NEXT: %3 = rel.aggregate total %2 by [row] {g2 = min(g2), p_0 = sum(if(eq(b, 0), div(v, g1), 0.0))}
// CHECK-NEXT: %label = rel.project %3 [row, a = 0 to 1] {v = g2}
// CHECK-NEXT: %l = rel.project %label [row] {label = v}
// CHECK-NEXT: %wide = rel.project %3 [row] {p_0}
// CHECK-NEXT: rel.join %l, %wide on [row]

// Other groups, other rows.
// CHECK-LABEL: func.func @apart
func.func @apart() {
  %x = rel.scan @x : !rel.relation<[row: ?, b: 3], v: f64>
  %z = rel.scan @z : !rel.relation<[row: ?, b: 3], v: f64>
  %r = rel.aggregate %x by [row] {v = sum(v)}
  rel.insert %r into @result
  %b = rel.aggregate %x by [b] {v = sum(v)}
  rel.insert %b into @result
  %o = rel.aggregate %z by [row] {v = max(v)}
  rel.insert %o into @result
  func.return
}
// CHECK-COUNT-3: rel.aggregate
