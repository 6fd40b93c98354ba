// RUN: sql-opt %s --allocate-scratch | filecheck %s

// CHECK:      rel.table scratch @scratch0 : <[i: 2, p: ?], v: f64>
// CHECK-NEXT: rel.table scratch @scratch1 : <[layer: 4, p: ?], v: f64>
// CHECK-NEXT: rel.table scratch @scratch2 : <[layer: 3, p: ?], v: f64>

// CHECK-LABEL: func.func @stored
func.func @stored() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], v: f64>
  %u = rel.scan @u : !rel.relation<[i: 2], w: f64>
  %m = rel.materialize %t
  %j = rel.join %m, %u on [i]
  rel.insert %j into @r
  func.return
}
// The key by which the join looks rows up comes first.
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %u = rel.scan @u
// CHECK-NEXT: %[[I:.*]] = rel.project %t [i, p] {v}
// CHECK-NEXT: rel.insert %[[I]] into @scratch0
// CHECK-NEXT: %[[S:.*]] = rel.scan @scratch0 : !rel.relation<[i: 2, p: ?], v: f64>
// CHECK-NEXT: %[[M:.*]] = rel.project %[[S]] [p, i] {v}
// CHECK-NEXT: %j = rel.join %[[M]], %u on [i]

// CHECK-LABEL: func.func @carried
func.func @carried() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %y = rel.for layer to 3 carrying (%t) {
  ^bb0(%x: !rel.relation<[p: ?], v: f64>):
    %n = rel.project %x [p] {v = neg(v)}
    %m = rel.materialize %n
    rel.yield %m : !rel.relation<[p: ?], v: f64>
  }
  rel.insert %y into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %[[I:.*]] = rel.project %t [layer = 0 to 4, p] {v}
// CHECK-NEXT: rel.insert %[[I]] into @scratch1
// CHECK-NEXT: rel.for layer to 3 {
// CHECK-NEXT: %[[A:.*]] = rel.scan @scratch1
// CHECK-NEXT: %[[B:.*]] = rel.select %[[A]] where eq(layer, ?layer)
// CHECK-NEXT: %[[X:.*]] = rel.project %[[B]] [p] {v}
// CHECK-NEXT: %n = rel.project %[[X]] [p] {v = neg(v)}
// CHECK-NEXT: %[[M:.*]] = rel.project %n [layer = ?layer to 3, p] {v}
// CHECK-NEXT: rel.insert %[[M]] into @scratch2
// CHECK-NEXT: %[[C:.*]] = rel.scan @scratch2
// CHECK-NEXT: %[[D:.*]] = rel.select %[[C]] where eq(layer, ?layer)
// CHECK-NEXT: %[[E:.*]] = rel.project %[[D]] [p] {v}
// CHECK-NEXT: %[[N:.*]] = rel.project %[[E]] [layer = add(?layer, 1) to 4, p] {v}
// CHECK-NEXT: rel.insert %[[N]] into @scratch1
// CHECK-NEXT: rel.yield
// CHECK-NEXT: }
// CHECK-NEXT: %[[F:.*]] = rel.scan @scratch1
// CHECK-NEXT: %[[G:.*]] = rel.select %[[F]] where eq(layer, 3)
// CHECK-NEXT: %[[Y:.*]] = rel.project %[[G]] [p] {v}
// CHECK-NEXT: rel.insert %[[Y]] into @r
