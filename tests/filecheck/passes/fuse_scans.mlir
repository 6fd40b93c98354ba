// RUN: sql-opt %s --fuse-scans | filecheck %s

// A union of what is computed of one relation: computed side by side.
// CHECK-LABEL: func.func @union
func.func @union() {
  %x = rel.scan @x : !rel.relation<[p: ?, b: 1], v: f64>
  %y = rel.project %x [p, b] {v = sub(1.0, v)}
  %first = rel.project %y [p, b to 2] {v}
  %second = rel.project %x [p, b = add(b, 1) to 2] {v}
  %both = rel.union %first, %second : (!rel.relation<[p: ?, b: 2], v: f64>, !rel.relation<[p: ?, b: 2], v: f64>) -> !rel.relation<[p: ?, b: 2], v: f64>
  rel.insert %both into @both
  %z = rel.scan @z : !rel.relation<[p: ?, b: 2], v: f64>
  %other = rel.union %z, %second : (!rel.relation<[p: ?, b: 2], v: f64>, !rel.relation<[p: ?, b: 2], v: f64>) -> !rel.relation<[p: ?, b: 2], v: f64>
  rel.insert %other into @other
  func.return
}
// CHECK: %[[W:.*]] = rel.project %x [p] {g0 = sub(1.0, v), g1 = v}
// CHECK-NEXT: %[[B:.*]] = rel.range b to 2
// CHECK-NEXT: %[[J:.*]] = rel.join %[[W]], %[[B]] on []
// CHECK-NEXT: %[[U:.*]] = rel.project %[[J]] [p, b] {v = if(eq(b, 0), g0, g1)}
// CHECK-NEXT: rel.insert %[[U]] into @both
// CHECK: %other = rel.union %z,

// What meets itself by its whole key; by a part of it, rows meet others.
// CHECK-LABEL: func.func @self_join
func.func @self_join() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f64>
  %u = rel.project %x [p, i] {u = neg(v)}
  %w = rel.project %x [p, i] {w = v}
  %j = rel.join %u, %w on [p, i]
  rel.insert %j into @j
  %k = rel.project %x [p, k = i] {w = v}
  %pairs = rel.join %u, %k on [p]
  rel.insert %pairs into @pairs
  func.return
}
// CHECK: %[[J:.*]] = rel.project %x [p, i to 4] {u = neg(v), w = v}
// CHECK: %pairs = rel.join %u, %k on [p]

// An aggregate over a range: its terms, spelt out.
// CHECK-LABEL: func.func @unrolled
func.func @unrolled() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f64, w: f64>
  %b = rel.range b to 2
  %j = rel.join %x, %b on []
  %y = rel.project %j [p, b] {v = if(eq(b, 0), v, w)}
  %most = rel.aggregate %y by [p] {m = max(v)}
  rel.insert %most into @most
  %sums = rel.aggregate %y by [p] {first = sum(if(eq(b, 0), v, 0.0)), all = sum(mul(v, to_float(b)))}
  rel.insert %sums into @sums
  %by = rel.aggregate %y by [b] {m = max(v)}
  rel.insert %by into @by
  func.return
}
// CHECK: rel.project %x [p] {m = greatest(v, w)}
// CHECK: rel.project %x [p] {first = v, all = add(mul(v, to_float(0)), mul(w, to_float(1)))}
// CHECK: %by = rel.aggregate %y by [b] {m = max(v)}

// A product with a range meets what it was made of: the range comes last.
// CHECK-LABEL: func.func @hoisted
func.func @hoisted() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f64, w: f64>
  %b = rel.range b to 2
  %j = rel.join %x, %b on []
  %y = rel.project %j [p, b] {y = if(eq(b, 0), v, w)}
  %m = rel.project %x [p] {m = greatest(v, w)}
  %both = rel.join %y, %m on [p]
  rel.insert %both into @both
  func.return
}
// CHECK: %[[X:.*]] = rel.project %x [p] {g0 = v, g1 = w, m = greatest(v, w)}
// CHECK: %[[J:.*]] = rel.join %[[X]], %b on []
// CHECK: rel.project %{{.*}} [p, b] {y = if(eq(b, 0), g0, g1), m}
