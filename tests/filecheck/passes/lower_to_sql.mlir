// RUN: sql-opt %s --lower-to-sql --split-input-file | filecheck %s
// RUN: sql-opt %s --pass 'lower-to-sql{target=sqlite}' --split-input-file | filecheck %s --check-prefix SQLITE

// From `nn`. Where the target has no vectors, their elements are columns; where it runs statements
// cheaply, what a join reads is stored under the key by which it looks for it.
func.func @forward(%x: tensor<?x96xf32>) -> tensor<?x300xf32> {
  %w = nn.weight @w : tensor<300x96xf32>
  %y = nn.linear %x, %w : tensor<?x96xf32>, tensor<300x96xf32> -> tensor<?x300xf32>
  func.return %y : tensor<?x300xf32>
}
// CHECK:      sql.create_table input @arg0 : <[p: ?, i: 96], v: f32>
// CHECK-NEXT: sql.create_table weight @w : <[o: 300, i: 1], v: vector<96xf32>> from ["w"] layout <arrays 1 by 96>
// CHECK-NEXT: sql.create_table output @result0 :
// CHECK-NEXT: func.func @forward() {
// CHECK:        sql.select {{.*}}pack(a0.v, a0.i, 96)} {{.*}} group [a0.p]
// CHECK:        sql.select {{.*}}dot({{.*}})} from {{.*}}%w as
// CHECK-NEXT:   sql.insert %{{.*}} into @result0
// CHECK-NOT:  func.func @clear_scratch
// SQLITE: sql.create_table scratch @scratch0 : <[p: ?, i: 1, step: 12], {{.*}}_0: f64, {{.*}}_7: f64>
// SQLITE: sql.create_table scratch @scratch1 : <[p: ?], {{.*}}_0: f64, {{.*}}_95: f64>
// SQLITE: sql.create_table weight @w : <[o: 300, i: 1], v_0: f32, {{.*}}, v_95: f32> from ["w"] layout <columns 1 by 96>
// SQLITE: sql.insert %{{.*}} into @scratch0
// SQLITE: sql.insert %{{.*}} into @result0

// -----
// From `rel`: blocks are merged.
rel.table scratch @out : <[j: 4], v: i32>
func.func @forward() {
  %r = rel.range k to 4
  %a = rel.project %r [k] {v = add(k, 1)}
  %b = rel.select %a where gt(v, 2)
  %c = rel.project %b [j = k] {v}
  rel.insert %c into @out
  func.return
}
// CHECK: func.func @forward
// CHECK-NEXT: %r = sql.values [0, 1, 2, 3] : !rel.relation<[k: 4]>
// CHECK-NEXT: %c = sql.select {j = a0.k, v = add(a0.k, 1)} from %r as a0 where [gt(add(a0.k, 1), 2)] : !rel.relation<[j: 4], v: i32>
// CHECK-NEXT: sql.insert %c into @out

// -----
// From `sql`: the rest of the passes.
func.func @forward() {
  %t = sql.table @t : !rel.relation<[k: 4], v: f64>
  %a = sql.select {k = a.k, v = neg(a.v)} from %t as a : !rel.relation<[k: 4], v: f64>
  %b = sql.select {v = sum(a.v)} from %a as a : !rel.relation<[], v: f64>
  sql.insert %b into @out
  func.return
}
// CHECK: func.func @forward
// CHECK-NEXT: %t = sql.table @t
// CHECK-NEXT: %b = sql.select {v = sum(neg(a0.v))} from %t as a0 : !rel.relation<[], v: f64>
// CHECK-NEXT: sql.insert %b into @out
