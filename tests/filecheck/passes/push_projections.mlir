// RUN: sql-opt %s --push-projections --canonicalize | filecheck %s

// CHECK-LABEL: func.func @wide
func.func @wide() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], a: f32, b: f32, c: f32, d: f32>
  %u = rel.scan @u : !rel.relation<[p: ?], e: f32, f: f32>
  %s = rel.select %t where lt(b, 0.5)
  %j = rel.join %s, %u on [p]
  %m = rel.project %j [p, i] {x = mul(a, e), y = c}
  %r = rel.aggregate total %m by [i] {v = sum(x)}
  rel.insert %r into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t : !rel.relation<[p: ?, i: 2], a: f32, b: f32>
// CHECK-NEXT: %u = rel.scan @u : !rel.relation<[p: ?], e: f32>
// CHECK-NEXT: %[[S:.*]] = rel.select %t where lt(b, 0.5)
// CHECK-NEXT: %[[A:.*]] = rel.project %[[S]] [p, i] {a}
// CHECK-NEXT: %[[J:.*]] = rel.join %[[A]], %u on [p]
// CHECK-NEXT: %[[M:.*]] = rel.project %[[J]] [p, i] {x = mul(a, e)}
// CHECK-NEXT: %[[R:.*]] = rel.aggregate total %[[M]] by [i] {v = sum(x)}
// CHECK-NEXT: rel.insert %[[R]] into @r

// CHECK-LABEL: func.func @shared
func.func @shared() {
  %t = rel.scan @t : !rel.relation<[p: ?], a: f32, b: f32, c: f32>
  %x = rel.project %t [p] {v = a}
  %y = rel.aggregate %t by [] {v = max(b)}
  %u = rel.scan @u : !rel.relation<[p: ?], a: f32, b: f32>
  rel.insert %u into @r
  rel.insert %x into @x
  rel.insert %y into @y
  func.return
}
// What another op reads whole stays whole.
// CHECK-NEXT: %t = rel.scan @t : !rel.relation<[p: ?], a: f32, b: f32>
// CHECK-NEXT: rel.project %t [p] {v = a}
// CHECK-NEXT: rel.aggregate %t by [] {v = max(b)}
// CHECK-NEXT: %u = rel.scan @u : !rel.relation<[p: ?], a: f32, b: f32>
