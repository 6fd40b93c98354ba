// RUN: sql-opt %s --canonicalize | filecheck %s

// CHECK-LABEL: func.func @identity
func.func @identity() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: f64, y: f64>
  %a = rel.project %t [p] {x, y}
  rel.insert %a into @r
  %b = rel.project %t [p] {y, x}
  rel.insert %b into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: rel.insert %t into @r
// CHECK-NEXT: %b = rel.project %t [p] {y, x}
// CHECK-NEXT: rel.insert %b into @r

// CHECK-LABEL: func.func @merge
func.func @merge() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 6], x: f64, y: f64>
  %a = rel.project %t [p, j = idiv(i, 2) to 3, k = mod(i, 2) to 2] {a = add(x, y)}
  %b = rel.project %a [j, q = p, k] {v = mul(a, 2.0)}
  rel.insert %b into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %b = rel.project %t [j = idiv(i, 2) to 3, q = p, k = mod(i, 2) to 2] {v = mul(add(x, y), 2.0)}
// CHECK-NEXT: rel.insert %b into @r

// What drops a key and is read twice stays one relation: both readers have its keys.
// CHECK-LABEL: func.func @dropped_key
func.func @dropped_key() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 6], x: f64>
  %a = rel.project %t [p] {x}
  %b = rel.project %a [q = p] {x}
  rel.insert %b into @r
  %c = rel.project %a [p] {y = x}
  rel.insert %c into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %a = rel.project %t [p] {x}
// CHECK-NEXT: %b = rel.project %a [q = p] {x}
// CHECK-NEXT: rel.insert %b
// CHECK-NEXT: %c = rel.project %a [p] {y = x}

// The numbers of a range are those of the key that it meets.
// CHECK-LABEL: func.func @range
func.func @range() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 6], x: f64>
  %r = rel.range k to 6
  %n = rel.project %r [z = 0 to 1, i = k] {v = mul(k, 2)}
  %u = rel.scan @u : !rel.relation<[p: ?, z: 1], y: f64>
  %a = rel.join %t, %n, %u on [p, i, z]
  rel.insert %a into @r
  %short = rel.range k to 5
  %m = rel.project %short [i = k] {v = long(k)}
  %b = rel.join %t, %m on [i]
  rel.insert %b into @r
  func.return
}
// CHECK:      rel.join %t, %u on [p]
// CHECK-NEXT: rel.project %{{[a-z0-9_]+}} [p, i, z] {x, v = mul(i, 2), y}
// CHECK:      rel.join %t, %m on [i]

// CHECK-LABEL: func.func @twice
func.func @twice() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: f64, y: f64>
  %a = rel.project %t [p] {a = add(x, y)}
  %b = rel.project %a [p] {v = mul(a, a)}
  rel.insert %b into @r
  %c = rel.project %t [p] {c = neg(x)}
  rel.insert %c into @r
  %d = rel.project %c [p] {d = abs(c)}
  rel.insert %d into @r
  %e = rel.project %t [p] {e = x}
  rel.insert %e into @r
  %f = rel.project %e [p] {f = mul(e, e)}
  rel.insert %f into @r
  func.return
}
// Nothing is computed twice, neither in one projection nor for two readers; columns may be.
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %a = rel.project %t [p] {a = add(x, y)}
// CHECK-NEXT: %b = rel.project %a [p] {v = mul(a, a)}
// CHECK-NEXT: rel.insert %b
// CHECK-NEXT: %c = rel.project %t [p] {c = neg(x)}
// CHECK-NEXT: rel.insert %c
// CHECK-NEXT: %d = rel.project %c [p] {d = abs(c)}
// CHECK-NEXT: rel.insert %d
// CHECK-NEXT: %e = rel.project %t [p] {e = x}
// CHECK-NEXT: rel.insert %e
// CHECK-NEXT: %f = rel.project %t [p] {f = mul(x, x)}
