// RUN: sql-opt %s --convert-rel-to-sql | filecheck %s

rel.table weight @w : <[layer: 2, o: 4, c: 1], w: vector<4xf32>> from ["a.{}", "b.{}"] layout <arrays 1 by 4>
rel.table input @x : <[p: ?, i: 4], v: f32>
// CHECK:      sql.create_table weight @w : <[layer: 2, o: 4, c: 1], w: vector<4xf32>> from ["a.{}", "b.{}"] layout <arrays 1 by 4>
// CHECK-NEXT: sql.create_table input @x : <[p: ?, i: 4], v: f32>

// CHECK-LABEL: func.func @leaves
func.func @leaves() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  %r = rel.range j to 3
  %v = rel.values [0.5, 1.0, 1.5, 2.0, 2.5, 3.0] : !rel.relation<[i: 2, j: 3], v: f64>
  %one = rel.values [7] : !rel.relation<[], v: i64>
  %none = rel.range j to 0
  rel.insert %x into @a
  rel.insert %r into @b
  rel.insert %v into @c
  rel.insert %one into @d
  rel.insert %none into @b
  func.return
}
// CHECK-NEXT: %x = sql.table @x : !rel.relation<[p: ?, i: 4], v: f32>
// CHECK-NEXT: %r = sql.values [0, 1, 2] : !rel.relation<[j: 3]>
// CHECK-NEXT: %v = sql.values [0, 0, 0.5, 0, 1, 1.0, 0, 2, 1.5, 1, 0, 2.0, 1, 1, 2.5, 1, 2, 3.0] : !rel.relation<[i: 2, j: 3], v: f64>
// CHECK-NEXT: %one = sql.values [7] : !rel.relation<[], v: i64>
// CHECK-NEXT: %none = sql.values [] : !rel.relation<[j: 0]>
// CHECK-NEXT: sql.insert %x into @a
// CHECK-NEXT: sql.insert %r into @b
// CHECK-NEXT: sql.insert %v into @c
// CHECK-NEXT: sql.insert %one into @d
// CHECK-NEXT: sql.insert %none into @b

// CHECK-LABEL: func.func @one_input
func.func @one_input() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  // A condition becomes its parts.
  %selected = rel.select %x where and(and(ge(p, ?start), lt(p, 9)), or(gt(v, 0.0), eq(i, 0)))
  rel.insert %selected into @a
  %projected = rel.project %x [h = idiv(i, 2) to 2, d = mod(i, 2) to 2, p] {v = mul(v, v), p2 = add(p, ?layer)}
  rel.insert %projected into @b
  %summed = rel.aggregate %x by [p] {v = sum(mul(v, v)), n = count(i)}
  rel.insert %summed into @c
  %all = rel.aggregate %x by [] {top = max(v)}
  rel.insert %all into @d
  %ranked = rel.window %x per [p] by [desc v, i] {rank = row_number(), mass = running_sum(v)}
  rel.insert %ranked into @e
  %whole = rel.window %x per [] by [p, i] {rank = row_number()}
  rel.insert %whole into @f
  func.return
}
// CHECK:      %selected = sql.select {p = a.p, i = a.i, v = a.v} from %x as a where [ge(a.p, ?start), lt(a.p, 9), or(gt(a.v, 0.0), eq(a.i, 0))] : !rel.relation<[p: ?, i: 4], v: f32>
// CHECK:      %projected = sql.select {h = idiv(a.i, 2), d = mod(a.i, 2), p = a.p, v = mul(a.v, a.v), p2 = add(a.p, ?layer)} from %x as a : !rel.relation<[h: 2, d: 2, p: ?], v: f64, p2: i32>
// CHECK:      %summed = sql.select {p = a.p, v = sum(mul(a.v, a.v)), n = count(a.i)} from %x as a group [a.p] : !rel.relation<[p: ?], v: f64, n: i64>
// CHECK:      %all = sql.select {top = max(a.v)} from %x as a : !rel.relation<[], top: f32>
// CHECK:      %ranked = sql.select {p = a.p, i = a.i, v = a.v, rank = row_number(), mass = running_sum(a.v)} from %x as a per [a.p] by [desc a.v, a.i] : !rel.relation<[p: ?, i: 4], v: f32, rank: i64, mass: f64>
// CHECK:      %whole = sql.select {p = a.p, i = a.i, v = a.v, rank = row_number()} from %x as a by [a.p, a.i] : !rel.relation<[p: ?, i: 4], v: f32, rank: i64>

// CHECK-LABEL: func.func @joins
func.func @joins() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  %w = rel.scan @g : !rel.relation<[o: 3, i: 4], w: f32>
  %y = rel.scan @y : !rel.relation<sparse [i: 4, p: ?], u: f32>
  %three = rel.join %x, %w, %y on [p, i]
  rel.insert %three into @a
  %cross = rel.range k to 2
  %product = rel.join %x, %cross on []
  rel.insert %product into @b
  func.return
}
// The columns of the type in its order; each shared key equal to its first occurrence.
// CHECK: %three = sql.select {p = a0.p, i = a0.i, o = a1.o, v = a0.v, w = a1.w, u = a2.u} from %x as a0, %w as a1, %y as a2 where [eq(a0.i, a1.i), eq(a0.i, a2.i), eq(a0.p, a2.p)] : !rel.relation<sparse [p: ?, i: 4, o: 3], v: f32, w: f32, u: f32>
// CHECK: %product = sql.select {p = a0.p, i = a0.i, k = a1.k, v = a0.v} from %x as a0, %cross as a1 : !rel.relation<[p: ?, i: 4, k: 2], v: f32>

// CHECK-LABEL: func.func @unions
func.func @unions() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  %y = rel.project %x [p, i] {v = neg(v)}
  %both = rel.union %x, %y, %x : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?, i: 4], v: f32>
  %summed = rel.aggregate %both by [p] {v = sum(v)}
  rel.insert %summed into @a
  %r = rel.range j to 2
  %keys = rel.union %r, %r : (!rel.relation<[j: 2]>, !rel.relation<[j: 2]>) -> !rel.relation<[j: 2]>
  rel.insert %keys into @b
  func.return
}
// CHECK: %both = sql.union %x, %y, %x : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?, i: 4], v: f32>
// CHECK-NEXT: %summed = sql.select {p = a.p, v = sum(a.v)} from %both as a group [a.p] : !rel.relation<[p: ?], v: f64>
// CHECK: %keys = sql.union %r, %r : (!rel.relation<[j: 2]>, !rel.relation<[j: 2]>) -> !rel.relation<[j: 2]>
// CHECK-NEXT: sql.insert %keys into @b

// CHECK-LABEL: func.func @recursion
func.func @recursion() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  %all = rel.recurse %x {
  ^bb0(%before: !rel.relation<[p: ?, i: 4], v: f32>):
    %left = rel.select %before where lt(p, 3)
    %next = rel.project %left [p = add(p, 1), i] {v}
    rel.yield %next : !rel.relation<[p: ?, i: 4], v: f32>
  }
  rel.insert %all into @a
  func.return
}
// CHECK:      %all = sql.recurse %x {
// CHECK-NEXT: ^bb0(%before: !rel.relation<[p: ?, i: 4], v: f32>):
// CHECK-NEXT: %left = sql.select {p = a.p, i = a.i, v = a.v} from %before as a where [lt(a.p, 3)]
// CHECK-NEXT: %next = sql.select {p = add(a.p, 1), i = a.i, v = a.v} from %left as a
// CHECK-NEXT: sql.yield %next
// CHECK-NEXT: }
// CHECK-NEXT: sql.insert %all into @a

// CHECK-LABEL: func.func @loop
func.func @loop() {
  rel.for layer to 2 {
    %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
    %at = rel.select %x where eq(p, ?layer)
    rel.insert %at into @a
    rel.yield
  }
  rel.for empty to 3 {
    rel.yield
  }
  func.return
}
// CHECK-NEXT: sql.for layer to 2 {
// CHECK-NEXT:   %x = sql.table @x
// CHECK-NEXT:   %at = sql.select {p = a.p, i = a.i, v = a.v} from %x as a where [eq(a.p, ?layer)]
// CHECK-NEXT:   sql.insert %at into @a
// CHECK-NEXT: }
// CHECK-NEXT: sql.for empty to 3 {
// CHECK-NEXT: }
// CHECK-NEXT: func.return

// CHECK-LABEL: func.func @deletion
func.func @deletion() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  %rows = rel.project %x [p, i] {}
  rel.delete %rows from @a
  func.return
}
// CHECK: %rows = sql.select {p = a.p, i = a.i} from %x as a
// CHECK-NEXT: sql.delete @a where %rows
