// RUN: sql-opt %s --loops-to-recursion | filecheck %s
// RUN: sql-opt %s --pass 'loops-to-recursion{target=sqlite}' | filecheck %s --check-prefix LOOP

// What a loop carries (0), what it inserts (1) and the number of its round (2) become one relation.
// CHECK-LABEL: func.func @layers
// LOOP-LABEL: func.func @layers
func.func @layers() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    %scan = rel.scan @w : !rel.relation<[layer: 3, i: 2], w: f32>
    %of_layer = rel.select %scan where eq(layer, ?layer)
    %w = rel.project %of_layer [i] {w}
    %k = rel.project %x [layer = ?layer to 3, c = p] {v}
    rel.insert %k into @keys
    %all = rel.scan @keys : !rel.relation<[layer: 3, c: ?], v: f64>
    %mine = rel.select %all where eq(layer, ?layer)
    %keys = rel.project %mine [c] {k = v}
    %j = rel.join %x, %w, %keys on []
    %n = rel.aggregate total %j by [p] {v = sum(mul(mul(v, w), k))}
    rel.yield %n : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %[[R:.*]] = rel.range layer to 1
// CHECK-NEXT: %[[A:.*]] = rel.project %t [tag = 0 to 3, k0 = p] {v}
// CHECK-NEXT: %[[B:.*]] = rel.project %[[R]] [tag = 2 to 3, k0 = 0] {v = 0.0}
// CHECK-NEXT: %[[U:.*]] = rel.union %[[A]], %[[B]]
// CHECK-NEXT: %[[S:.*]] = rel.project %[[U]] [tag to 3, layer = 0 to 4, k0] {v}
// CHECK-NEXT: %[[Y:.*]] = rel.recurse %[[S]] {
// CHECK-NEXT: ^bb0(%[[X:.*]]: !rel.relation<sparse [tag: 3, layer: 4, k0: ?], v: f64>):
// CHECK-NEXT: %[[C:.*]] = rel.select %[[X]] where eq(tag, 2)
// CHECK-NEXT: %[[N:.*]] = rel.project %[[C]] [layer to 3] {}
// CHECK-NEXT: %[[D:.*]] = rel.select %[[X]] where eq(tag, 0)
// CHECK-NEXT: %[[E:.*]] = rel.project %[[D]] [p = k0] {v}
// CHECK-NEXT: %scan = rel.scan @w
// CHECK-NEXT: %[[W:.*]] = rel.join %scan, %[[N]] on [layer]
// CHECK-NEXT: %w = rel.project %[[W]] [i] {w}
// The rows of the round stand beside those of earlier runs.
// CHECK-NEXT: %[[K:.*]] = rel.project %[[E]] [c = p] {v}
// CHECK-NEXT: %all = rel.scan @keys
// CHECK-NEXT: %[[F:.*]] = rel.join %all, %[[N]] on [layer]
// CHECK-NEXT: %[[G:.*]] = rel.project %[[F]] [c] {v}
// CHECK-NEXT: %[[H:.*]] = rel.union %[[G]], %[[K]]
// CHECK-NEXT: %keys = rel.project %[[H]] [c] {k = v}
// CHECK:      %n = rel.aggregate
// CHECK-NEXT: %[[L:.*]] = rel.select %[[N]] where lt(add(layer, 1), 3)
// CHECK-NEXT: %[[Z0:.*]] = rel.project %n [tag = 0 to 3, k0 = p] {v}
// CHECK-NEXT: %[[Z1:.*]] = rel.project %[[K]] [tag = 1 to 3, k0 = c] {v}
// CHECK-NEXT: %[[Z2:.*]] = rel.project %[[L]] [tag = 2 to 3, k0 = 0] {v = 0.0}
// CHECK-NEXT: %[[Z:.*]] = rel.union %[[Z0]], %[[Z1]], %[[Z2]]
// CHECK-NEXT: %[[J:.*]] = rel.join %[[Z]], %[[N]] on []
// CHECK-NEXT: %[[M:.*]] = rel.project %[[J]] [tag to 3, layer = add(layer, 1) to 4, k0] {v}
// CHECK-NEXT: rel.yield %[[M]]
// CHECK-NEXT: }
// CHECK-NEXT: %[[O:.*]] = rel.select %[[Y]] where eq(tag, 1)
// CHECK-NEXT: %[[P:.*]] = rel.project %[[O]] [layer = sub(layer, 1) to 3, c = k0] {v}
// CHECK-NEXT: rel.insert %[[P]] into @keys
// CHECK-NEXT: %[[Q:.*]] = rel.select %[[Y]] where and(eq(tag, 0), eq(layer, 3))
// CHECK-NEXT: %[[T:.*]] = rel.project %[[Q]] [p = k0] {v}
// CHECK-NEXT: rel.insert %[[T]] into @r
// LOOP: rel.for layer to 3

// A vector is a row for each element.
// CHECK-LABEL: func.func @vectors
func.func @vectors() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: vector<4xf32>>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], x: vector<4xf32>>):
    rel.yield %x : !rel.relation<[p: ?], x: vector<4xf32>>
  }
  rel.insert %y into @r
  func.return
}
// CHECK:      %[[S:.*]] = rel.range slot to 4
// CHECK-NEXT: %[[J:.*]] = rel.join %t, %[[S]] on []
// CHECK-NEXT: rel.project %[[J]] [tag = 0 to 2, k0 = p, k1 = slot] {v = to_float(element(x, slot))}
// CHECK:      rel.recurse
// CHECK:      %[[P:.*]] = rel.project %{{.*}} [p = k0, slot = k1] {x = v}
// CHECK-NEXT: rel.aggregate %[[P]] by [p] {x = pack(x, slot, 4)}
// CHECK:      rel.yield

// What one round inserts, the next one reads: only a loop does that.
// CHECK-LABEL: func.func @across_rounds
func.func @across_rounds() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    %k = rel.project %x [layer = ?layer to 3, c = p] {v}
    rel.insert %k into @keys
    %all = rel.scan @keys : !rel.relation<[layer: 3, c: ?], v: f64>
    %n = rel.aggregate total %all by [c] {v = sum(v)}
    %p = rel.project %n [p = c] {v}
    rel.yield %p : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK: rel.for layer to 3

// Rows without the number of their round could not be told apart.
// CHECK-LABEL: func.func @unnumbered
func.func @unnumbered() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    rel.insert %x into @all
    rel.yield %x : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK: rel.for layer to 3

// A round of two layers, which each find their own rows by a number computed from that of the round.
// CHECK-LABEL: func.func @several_layers_a_round
func.func @several_layers_a_round() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    %first = rel.project %x [layer = mul(?layer, 2) to 6, c = p] {v}
    rel.insert %first into @keys
    %second = rel.project %x [layer = add(mul(?layer, 2), 1) to 6, c = p] {v}
    rel.insert %second into @keys
    %all = rel.scan @keys : !rel.relation<[layer: 6, c: ?], v: f64>
    %mine = rel.select %all where eq(layer, add(mul(?layer, 2), 1))
    %keys = rel.project %mine [p = c] {v}
    rel.yield %keys : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK:      rel.recurse
// CHECK:      %[[N:.*]] = rel.project %{{.*}} [layer to 3] {}
// CHECK:      %[[A:.*]] = rel.project %[[X:.*]] [c = p] {v}
// CHECK-NEXT: %[[B:.*]] = rel.project %[[X]] [c = p] {v}
// CHECK-NEXT: %all = rel.scan @keys
// CHECK-NEXT: %[[M:.*]] = rel.project %[[N]] [layer = add(mul(layer, 2), 1) to 6] {}
// CHECK-NEXT: %[[F:.*]] = rel.join %all, %[[M]] on [layer]
// CHECK-NEXT: %[[G:.*]] = rel.project %[[F]] [c] {v}
// The rows of the other layer are not among them.
// CHECK-NEXT: rel.union %[[G]], %[[B]] :
// CHECK:      rel.yield
// CHECK:      [layer = mul(sub(layer, 1), 2) to 6, c = k0] {v}
// CHECK:      [layer = add(mul(sub(layer, 1), 2), 1) to 6, c = k0] {v}

// Round 2 finds what round 0 has inserted: only a loop does that.
// CHECK-LABEL: func.func @numbers_that_meet
func.func @numbers_that_meet() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    %k = rel.project %x [layer = add(mul(?layer, 4), 2) to 12, c = p] {v}
    rel.insert %k into @keys
    %all = rel.scan @keys : !rel.relation<[layer: 12, c: ?], v: f64>
    %mine = rel.select %all where eq(layer, ?layer)
    %keys = rel.project %mine [p = c] {v}
    rel.yield %keys : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK: rel.for layer to 3

// So it does with numbers that reach those of the next round.
// CHECK-LABEL: func.func @numbers_beyond_the_round
func.func @numbers_beyond_the_round() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    %k = rel.project %x [layer = add(mul(?layer, 2), 2) to 8, c = p] {v}
    rel.insert %k into @keys
    rel.yield %x : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK: rel.for layer to 3
