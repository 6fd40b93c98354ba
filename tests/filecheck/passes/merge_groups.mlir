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

// Through a join that keeps each row once: there is a gain for each i.
// CHECK-LABEL: func.func @joined
func.func @joined() {
  %x = rel.scan @x : !rel.relation<sparse [p: ?, i: 3], v: f64>
  %w = rel.scan @gain : !rel.relation<[i: 3], w: f32>
  %squares = rel.project %x [p, i] {v = mul(v, v)}
  %sum = rel.aggregate %squares by [p] {v = sum(v)}
  rel.insert %sum into @result
  %scaled = rel.join %x, %w on [i]
  %slots = rel.project %scaled [p, slot = i] {v = mul(v, w)}
  %vector = rel.aggregate %slots by [p] {u = pack(v, slot, 3)}
  rel.insert %vector into @vectors
  func.return
}
// CHECK:      %0 = rel.project %x [p, i] {v, g0 = mul(v, v)}
// CHECK-NEXT: %1 = rel.join %0, %w on [i]
// CHECK-NEXT: %2 = rel.project %1 [p, slot = i] {v = mul(v, w), g0}
// CHECK-NEXT: %3 = rel.aggregate %2 by [p] {g0 = sum(g0), u = pack(v, slot, 3)}

// A join may lose rows or repeat them: a sparse relation, a further key, one of unknown extent.
// CHECK-LABEL: func.func @lossy
func.func @lossy() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 3], v: f64>
  %sum = rel.aggregate %x by [p] {s = sum(v)}
  rel.insert %sum into @result
  %sparse = rel.scan @sparse : !rel.relation<sparse [i: 3], w: f32>
  %lost = rel.join %x, %sparse on [i]
  %few = rel.aggregate %lost by [p] {s = sum(w)}
  rel.insert %few into @result
  %table = rel.scan @table : !rel.relation<[i: 3, o: 2], w: f32>
  %repeated = rel.join %x, %table on [i]
  %many = rel.aggregate %repeated by [p] {s = sum(w)}
  rel.insert %many into @result
  %batch = rel.scan @batch : !rel.relation<[p: ?], w: f32>
  %unknown = rel.join %x, %batch on [p]
  %some = rel.aggregate %unknown by [p] {s = sum(w)}
  rel.insert %some into @result
  func.return
}
// CHECK-COUNT-4: rel.aggregate
