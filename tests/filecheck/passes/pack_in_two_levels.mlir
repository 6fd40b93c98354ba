// RUN: sql-opt %s --pass 'pack-in-two-levels{target=sqlite}' | filecheck %s
// RUN: sql-opt %s --pack-in-two-levels | filecheck %s --check-prefix KEPT

rel.table input @x : <[p: ?, i: 40], v: f64>
rel.table input @short : <[p: ?, i: 8], v: f64>
rel.table scratch @y : <[p: ?], g: f64, x: vector<40xf32>>
rel.table scratch @z : <[p: ?], x: vector<8xf32>>

// Sums go with the vector, part by part.
// CHECK-LABEL: func.func @forward
// CHECK:      %[[S:.*]] = rel.project %x [p, i to 40, step = idiv(i, 5) to 8] {v}
// CHECK-NEXT: %[[P:.*]] = rel.aggregate %[[S]] by [p, step] {x = pack(v, mod(i, 5), 5), g = sum(v)}
// CHECK-NEXT: rel.aggregate %[[P]] by [p] {g = sum(g), x = pack(x, step, 40)}
// KEPT-NOT: step
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 40], v: f64>
  %y = rel.aggregate %x by [p] {g = sum(v), x = pack(v, i, 40)}
  rel.insert %y into @y
  func.return
}

// CHECK-LABEL: func.func @few
// CHECK-NOT: step
func.func @few() {
  %x = rel.scan @short : !rel.relation<[p: ?, i: 8], v: f64>
  %y = rel.aggregate %x by [p] {x = pack(v, i, 8)}
  rel.insert %y into @z
  func.return
}
