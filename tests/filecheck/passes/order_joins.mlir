// RUN: sql-opt %s --pass 'order-joins{target=postgres}' | filecheck %s
// RUN: sql-opt %s --pass 'order-joins{target=duckdb}' | filecheck %s --check-prefix HASHED
// RUN: sql-opt %s --pass 'order-joins{target=postgres dynamic=1000}' | filecheck %s --check-prefix LARGE
// RUN: sql-opt %s --pass 'order-joins{target=sqlite}' | filecheck %s --check-prefix LOOPS

// CHECK-LABEL: func.func @ids
func.func @ids() {
  %table = rel.scan @table : !rel.relation<[t: 1000, i: 4], v: f32>
  %ids = rel.scan @ids : !rel.relation<[p: ?], id: i32>
  %wanted = rel.project %ids [p, t = id to 1000] {}
  %j = rel.join %table, %wanted on [t]
  rel.insert %j into @r
  func.return
}
// Few ids before the table that they number; the columns keep their order.
// CHECK: %[[J:.*]] = rel.join %wanted, %table on [t]
// CHECK-NEXT: %[[R:.*]] = rel.project %[[J]] [t, i, p] {v}
// CHECK-NEXT: rel.insert %[[R]] into @r

// CHECK-LABEL: func.func @layer
func.func @layer() {
  %w = rel.scan @w : !rel.relation<[layer: 2, o: 8, i: 4], v: f32>
  %l = rel.select %w where eq(layer, ?layer)
  %m = rel.project %l [o, i] {w = v}
  %x = rel.scan @x : !rel.relation<[o: 8], v: f32>
  %j = rel.join %m, %x on [o]
  rel.insert %j into @r
  func.return
}
// With the layer fixed, o is the next key of the index.
// CHECK: %[[J:.*]] = rel.join %x, %m on [o]
// CHECK-NEXT: rel.project %[[J]] [o, i] {w, v}

// CHECK-LABEL: func.func @sizes
// LARGE-LABEL: func.func @sizes
func.func @sizes() {
  %small = rel.scan @small : !rel.relation<[p: ?, i: 4], x: f32>
  %large = rel.scan @large : !rel.relation<[o: 100, i: 4], y: f32>
  %j = rel.join %small, %large on [i]
  rel.insert %j into @r
  func.return
}
// Of two tables without a common start of their keys, the smaller one is the outer loop.
// CHECK: %j = rel.join %small, %large on [i]
// CHECK-NEXT: rel.insert %j
// LARGE: %[[J:.*]] = rel.join %large, %small on [i]
// LARGE-NEXT: rel.project %[[J]] [p, i, o] {x, y}

// HASHED-LABEL: func.func @product
func.func @product() {
  %x = rel.scan @x : !rel.relation<[p: ?], x: vector<64xf32>>
  %w = rel.scan @w : !rel.relation<[o: 100], w: vector<64xf32>>
  %r = rel.scan @r : !rel.relation<[p: ?, o: 100], v: f32>
  %j = rel.join %x, %w on []
  %y = rel.project %j [p, o] {y = dot(x, w)}
  %s = rel.join %r, %y on [p, o]
  rel.insert %s into @s
  func.return
}
// The few vectors are hashed, and the weights stream past them, also below a further join.
// HASHED: %[[J:.*]] = rel.join %w, %x on []
// HASHED: %[[Y:.*]] = rel.project %{{.*}} [p, o] {y = dot(x, w)}
// HASHED: rel.join %[[Y]], %r on [p, o]

// CHECK-LABEL: func.func @skip
// LOOPS-LABEL: func.func @skip
func.func @skip() {
  %x = rel.scan @image : !rel.relation<[c: 8, y: 64, x: 64], v: f32>
  %ids = rel.scan @rows : !rel.relation<[p: 4], id: i32>
  %wanted = rel.project %ids [p, y = id to 64] {}
  %j = rel.join %wanted, %x on [y]
  rel.insert %j into @r
  func.return
}
// Rows of an image by y alone: nested loops also run over c, so that each row is found by key.
// CHECK: rel.join %wanted, %x on [y]
// LOOPS: %[[C:.*]] = rel.range c to 8
// LOOPS-NEXT: %[[J:.*]] = rel.join %[[C]], %wanted, %x on [c, y]
// LOOPS-NEXT: rel.project %[[J]] [p, y, c, x] {v}
