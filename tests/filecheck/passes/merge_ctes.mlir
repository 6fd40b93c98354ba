// RUN: sql-opt %s --merge-ctes | filecheck %s
// RUN: sql-opt %s --pass 'merge-ctes{target=sqlite}' | filecheck %s --check-prefix SQLITE

// CHECK-LABEL: func.func @chain
func.func @chain() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %u = sql.table @u : !rel.relation<[i: 4], w: f64>
  %kept = sql.select {p = a.p, i = a.i, v = a.v} from %t as a where [gt(a.v, 0.0)] : !rel.relation<[p: ?, i: 4], v: f64>
  %joined = sql.select {p = a0.p, i = a1.i, v = a0.v, w = a1.w} from %kept as a0, %u as a1 where [eq(a0.i, a1.i)] : !rel.relation<[p: ?, i: 4], v: f64, w: f64>
  %product = sql.select {p = a.p, i = a.i, v = mul(a.v, a.w)} from %joined as a : !rel.relation<[p: ?, i: 4], v: f64>
  %sum = sql.select {p = a.p, v = sum(a.v)} from %product as a group [a.p] : !rel.relation<[p: ?], v: f64>
  %root = sql.select {p = a.p, v = sqrt(a.v)} from %sum as a : !rel.relation<[p: ?], v: f64>
  sql.insert %root into @out
  func.return
}
// CHECK-NEXT: %t = sql.table @t
// CHECK-NEXT: %u = sql.table @u
// CHECK-NEXT: %root = sql.select {p = a0.p, v = sqrt(sum(mul(a0.v, a1.w)))} from %t as a0, %u as a1 where [gt(a0.v, 0.0), eq(a0.i, a1.i)] group [a0.p] : !rel.relation<[p: ?], v: f64>
// CHECK-NEXT: sql.insert %root into @out

// A window reads what it partitions and orders by.
// CHECK-LABEL: func.func @window
func.func @window() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %kept = sql.select {p = a.p, i = a.i, v = neg(a.v)} from %t as a where [gt(a.v, 0.0)] : !rel.relation<[p: ?, i: 4], v: f64>
  %ranked = sql.select {p = a.p, i = a.i, rank = row_number()} from %kept as a per [a.p] by [desc a.v, a.i] : !rel.relation<[p: ?, i: 4], rank: i64>
  %shifted = sql.select {i = a.i, p = a.p, rank = sub(a.rank, 1)} from %ranked as a : !rel.relation<[i: 4, p: ?], rank: i64>
  sql.insert %shifted into @out
  func.return
}
// CHECK: %shifted = sql.select {i = a0.i, p = a0.p, rank = sub(row_number(), 1)} from %t as a0 where [gt(a0.v, 0.0)] per [a0.p] by [desc neg(a0.v), a0.i] : !rel.relation<[i: 4, p: ?], rank: i64>

// Only a projection merges with an aggregate or a window below it.
// CHECK-LABEL: func.func @stays
func.func @stays() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %sum = sql.select {p = a.p, v = sum(a.v)} from %t as a group [a.p] : !rel.relation<[p: ?], v: f64>
  %having = sql.select {p = a.p, v = a.v} from %sum as a where [gt(a.v, 0.0)] : !rel.relation<[p: ?], v: f64>
  sql.insert %having into @out
  %sum1 = sql.select {p = a.p, v = sum(a.v)} from %t as a group [a.p] : !rel.relation<[p: ?], v: f64>
  %total = sql.select {v = sum(a.v)} from %sum1 as a : !rel.relation<[], v: f64>
  sql.insert %total into @out
  %ranked = sql.select {p = a.p, i = a.i, rank = row_number()} from %t as a per [a.p] by [a.v] : !rel.relation<[p: ?, i: 4], rank: i64>
  %best = sql.select {p = a.p, i = a.i} from %ranked as a where [eq(a.rank, 1)] : !rel.relation<[p: ?, i: 4]>
  sql.insert %best into @out
  %rows = sql.values [1, 0.5] : !rel.relation<[p: ?], v: f64>
  %doubled = sql.select {p = a.p, v = mul(a.v, 2.0)} from %rows as a : !rel.relation<[p: ?], v: f64>
  sql.insert %doubled into @out
  func.return
}
// CHECK: %having = sql.select {p = a.p, v = a.v} from %sum as a where
// CHECK: %total = sql.select {v = sum(a.v)} from %sum1 as a
// CHECK: %best = sql.select {p = a.p, i = a.i} from %ranked as a where
// CHECK: %doubled = sql.select {p = a.p, v = mul(a.v, 2.0)} from %rows as a

// A query that two read is computed once, unless it only picks rows and columns of a table.
// CHECK-LABEL: func.func @shared
func.func @shared() {
  %t = sql.table @t : !rel.relation<[layer: 2, i: 4], v: f64>
  %picked = sql.select {i = a.i, v = a.v} from %t as a where [eq(a.layer, ?layer)] : !rel.relation<[i: 4], v: f64>
  %computed = sql.select {i = a.i, v = exp(a.v)} from %t as a where [eq(a.layer, 1)] : !rel.relation<[i: 4], v: f64>
  %both = sql.select {i = a.i, v = add(a.v, b.v)} from %picked as a, %picked as b where [eq(a.i, b.i)] : !rel.relation<[i: 4], v: f64>
  sql.insert %both into @out
  %twice = sql.select {i = a.i, v = add(a.v, b.v)} from %computed as a, %computed as b where [eq(a.i, b.i)] : !rel.relation<[i: 4], v: f64>
  sql.insert %twice into @out
  func.return
}
// CHECK: %both = sql.select {i = a0.i, v = add(a0.v, a1.v)} from %t as a0, %t as a1 where [eq(a1.layer, ?layer), eq(a0.layer, ?layer), eq(a0.i, a1.i)]
// CHECK: %twice = sql.select {i = a.i, v = add(a.v, b.v)} from %computed as a, %computed as b where [eq(a.i, b.i)]

// Up to twelve calls more than before may be repeated.
// CHECK-LABEL: func.func @repeated
func.func @repeated() {
  %t = sql.table @t : !rel.relation<[i: 4], v: f64>
  %few = sql.select {i = a.i, v = exp(mul(exp(mul(exp(mul(a.v, 2.0)), 2.0)), 2.0))} from %t as a : !rel.relation<[i: 4], v: f64>
  %cubed = sql.select {i = a.i, v = mul(a.v, mul(a.v, a.v))} from %few as a : !rel.relation<[i: 4], v: f64>
  sql.insert %cubed into @out
  %many = sql.select {i = a.i, v = exp(mul(exp(mul(exp(mul(a.v, 2.0)), 2.0)), 2.0))} from %t as a : !rel.relation<[i: 4], v: f64>
  %fourth = sql.select {i = a.i, v = mul(mul(a.v, a.v), mul(a.v, a.v))} from %many as a : !rel.relation<[i: 4], v: f64>
  sql.insert %fourth into @out
  func.return
}
// CHECK: %cubed = sql.select {i = a0.i, v = mul(exp({{.*}} from %t as a0
// CHECK: %fourth = sql.select {i = a.i, v = mul(mul(a.v, a.v), mul(a.v, a.v))} from %many as a

// Constants: GROUP BY 2 would be the second column, and without its aggregate a query has more rows.
// CHECK-LABEL: func.func @constants
func.func @constants() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %two = sql.select {k = 2, v = a.v} from %t as a : !rel.relation<[k: 3], v: f64>
  %group = sql.select {k = a.k, v = sum(a.v)} from %two as a group [a.k] : !rel.relation<[k: 3], v: f64>
  sql.insert %group into @out
  %n = sql.select {n = count(a.p)} from %t as a : !rel.relation<[], n: i64>
  %one = sql.select {k = 0} from %n as a : !rel.relation<[k: 1]>
  sql.insert %one into @out
  func.return
}
// CHECK: %group = sql.select {k = a.k, v = sum(a.v)} from %two as a group [a.k]
// CHECK: %one = sql.select {k = 0} from %n as a

// SQLite's parser takes expressions of a certain depth only.
// CHECK-LABEL: func.func @deep
// SQLITE-LABEL: func.func @deep
func.func @deep() {
  %t = sql.table @t : !rel.relation<[i: 4], v: f64>
  %inner = sql.select {i = a.i, v = neg(exp(neg(exp(neg(exp(a.v))))))} from %t as a : !rel.relation<[i: 4], v: f64>
  %outer = sql.select {i = a.i, v = neg(exp(neg(exp(neg(exp(a.v))))))} from %inner as a : !rel.relation<[i: 4], v: f64>
  sql.insert %outer into @out
  %sum = sql.select {v = sum(neg(exp(neg(exp(neg(exp(a.v)))))))} from %t as a : !rel.relation<[], v: f64>
  %of = sql.select {v = neg(exp(neg(exp(neg(exp(a.v))))))} from %sum as a : !rel.relation<[], v: f64>
  sql.insert %of into @out
  func.return
}
// CHECK: %outer = sql.select {{.*}} from %t as a0
// CHECK: %of = sql.select {v = neg(exp(neg(exp(neg(exp(sum({{.*}} from %t as a
// SQLITE: %outer = sql.select {{.*}} from %inner as a
// SQLITE: %of = sql.select {{.*}} from %sum as a

// By no column of any of its sources alone would a row be looked up: a planner would multiply them.
// CHECK-LABEL: func.func @looked_up
// SQLITE-LABEL: func.func @looked_up
func.func @looked_up() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: i64>
  %u = sql.table @u : !rel.relation<[i: 4], w: i64>
  %next = sql.table @next : !rel.relation<[n: 9], w: i64>
  %joined = sql.select {p = a.p, i = b.i, v = a.v, w = b.w} from %t as a, %u as b where [eq(a.i, b.i)] : !rel.relation<[p: ?, i: 4], v: i64, w: i64>
  %index = sql.select {p = a.p, i = a.i, n = add(a.v, a.w)} from %joined as a : !rel.relation<[p: ?, i: 4], n: i64>
  %found = sql.select {p = a.p, i = a.i, w = b.w} from %index as a, %next as b where [eq(a.n, b.n)] : !rel.relation<[p: ?, i: 4], w: i64>
  sql.insert %found into @out
  func.return
}
// CHECK: %index = sql.select {p = a0.p, i = a1.i, n = add(a0.v, a1.w)} from %t as a0, %u as a1 where [eq(a0.i, a1.i)]
// CHECK: %found = sql.select {{.*}} from %index as a, %next as b where [eq(a.n, b.n)]
// SQLITE: %found = sql.select {{.*}} from %t as a0, %u as a1, %next as a2 where [eq(a0.i, a1.i), eq(add(a0.v, a1.w), a2.n)]

// A vector is packed once, however often it is cut, and cut once, however many rows it meets.
// CHECK-LABEL: func.func @cut
func.func @cut() {
  %t = sql.table @t : !rel.relation<[p: ?, i: 4], v: f64>
  %w = sql.table @w : !rel.relation<[o: 9], w_0: vector<2xf32>, w_1: vector<2xf32>>
  %x = sql.select {p = a.p, x = pack(a.v, a.i, 4)} from %t as a group [a.p] : !rel.relation<[p: ?], x: vector<4xf32>>
  %parts = sql.select {p = a.p, x_0 = slice(a.x, 0, 2), x_1 = slice(a.x, 2, 2)} from %x as a : !rel.relation<[p: ?], x_0: vector<2xf32>, x_1: vector<2xf32>>
  %y = sql.select {p = a.p, o = b.o, v = add(dot(a.x_0, b.w_0), dot(a.x_1, b.w_1))} from %parts as a, %w as b : !rel.relation<[p: ?, o: 9], v: f64>
  sql.insert %y into @out
  func.return
}
// CHECK: %x = sql.select {p = a.p, x = pack(a.v, a.i, 4)} from %t as a group [a.p]
// CHECK: %parts = sql.select {p = a.p, x_0 = slice(a.x, 0, 2), x_1 = slice(a.x, 2, 2)} from %x as a
// CHECK: %y = sql.select {{.*}} from %parts as a, %w as b
