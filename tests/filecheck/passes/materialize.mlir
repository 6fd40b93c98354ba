// RUN: sql-opt %s --materialize | filecheck %s
// RUN: sql-opt %s --pass 'materialize{target=sqlite}' | filecheck %s --check-prefix SQLITE

// CHECK-LABEL: func.func @two_statements
func.func @two_statements() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], v: f64>
  %a = rel.aggregate %t by [p] {s = sum(v)}
  %m = rel.project %a [p] {v = s}
  %x = rel.project %m [p] {v = neg(v)}
  rel.insert %x into @x
  rel.insert %m into @y
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %a = rel.aggregate %t
// CHECK-NEXT: %m = rel.project %a [p] {v = s}
// CHECK-NEXT: %[[M:.*]] = rel.materialize %m
// CHECK-NEXT: %x = rel.project %[[M]] [p] {v = neg(v)}
// CHECK-NEXT: rel.insert %x into @x
// CHECK-NEXT: rel.insert %[[M]] into @y

// CHECK-LABEL: func.func @loop
func.func @loop() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], v: f64>
  %a = rel.aggregate %t by [p] {s = sum(v)}
  rel.for layer to 2 {
    %x = rel.project %a [p] {v = neg(s)}
    rel.insert %x into @x
    rel.yield
  }
  func.return
}
// Before the loop, although what reads it stands inside.
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %a = rel.aggregate %t
// CHECK-NEXT: %[[M:.*]] = rel.materialize %a
// CHECK-NEXT: rel.for layer to 2 {
// CHECK-NEXT: %x = rel.project %[[M]] [p] {v = neg(s)}

// CHECK-LABEL: func.func @fanned_out
// SQLITE-LABEL: func.func @fanned_out
func.func @fanned_out() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f64>
  %g = rel.scan @g : !rel.relation<[i: 4], g: f64>
  %w = rel.scan @w : !rel.relation<[o: 100, i: 4], w: f64>
  %j = rel.join %x, %g on [i]
  %m = rel.project %j [p, i] {m = mul(v, g)}
  %k = rel.join %m, %w on [i]
  %y = rel.aggregate %k by [p, o] {y = sum(mul(m, w))}
  rel.insert %y into @y
  func.return
}
// Each of its rows meets a hundred others: computed once, where a statement costs little.
// CHECK-NOT: rel.materialize
// SQLITE: %[[M:.*]] = rel.materialize %m
// SQLITE-NEXT: rel.join %[[M]], %w on [i]

// CHECK-LABEL: func.func @overwritten
func.func @overwritten() {
  %t = rel.scan @t : !rel.relation<[p: ?], v: f64>
  %n = rel.scan @n : !rel.relation<[p: ?], v: f64>
  rel.insert %n into @t
  rel.insert %t into @x
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %[[M:.*]] = rel.materialize %t
// CHECK-NEXT: %n = rel.scan @n
// CHECK-NEXT: rel.insert %n into @t
// CHECK-NEXT: rel.insert %[[M]] into @x

// CHECK-LABEL: func.func @grouped
// SQLITE-LABEL: func.func @grouped
func.func @grouped() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], v: f64>
  %a = rel.aggregate %t by [p] {s = sum(v)}
  %j = rel.join %t, %a on [p]
  %r = rel.project %j [p, i] {v = div(v, s)}
  rel.insert %r into @r
  func.return
}
// Where statements are cheap, a join finds the groups by key.
// CHECK-NOT: rel.materialize
// CHECK: rel.insert
// SQLITE: %[[M:.*]] = rel.materialize %a
// SQLITE-NEXT: rel.join %t, %[[M]] on [p]

// CHECK-LABEL: func.func @cheap
// SQLITE-LABEL: func.func @cheap
func.func @cheap() {
  %t = rel.scan @t : !rel.relation<[p: ?, i: 2], v: f64>
  %a = rel.project %t [p, i] {v = neg(v)}
  rel.insert %a into @x
  rel.insert %a into @y
  func.return
}
// CHECK-NOT: rel.materialize
// CHECK: rel.insert %a into @y
// SQLITE-NOT: rel.materialize
// SQLITE: rel.insert %a into @y

// What is deleted by is read before the table that it comes from changes.
// CHECK-LABEL: func.func @deletion
func.func @deletion() {
  %c = rel.scan @c : !rel.relation<[c: ?], stream: i32>
  %own = rel.select %c where eq(stream, 1)
  %rows = rel.project %own [c] {}
  rel.delete %rows from @c
  rel.delete %rows from @k
  func.return
}
// CHECK: rel.materialize
// CHECK: rel.delete
