// RUN: sql-opt %s --drop-unit-keys | filecheck %s

sql.create_table weight @w : <[a: 1, i: 4], w: f64>
func.func @forward() {
  %x = sql.table @x : !rel.relation<[p: ?, a: 1, i: 4], v: f64>
  %w = sql.table @w : !rel.relation<[a: 1, i: 4], w: f64>
  %y = sql.select {p = a0.p, a = a0.a, i = a0.i, v = neg(a0.v)} from %x as a0 where [eq(a0.a, 0), eq(a0.i, 0)] : !rel.relation<[p: ?, a: 1, i: 4], v: f64>
  %z = sql.select {p = a0.p, i = a1.i, v = a1.v, w = a2.w} from %x as a0, %y as a1, %w as a2 where [eq(a0.p, a1.p), eq(a0.a, a1.a), eq(a1.a, a2.a), eq(a1.i, a2.i)] : !rel.relation<[p: ?, i: 4], v: f64, w: f64>
  sql.insert %z into @z
  func.return
}
// CHECK: %y = sql.select {{.*}} where [eq(a0.i, 0)]
// CHECK: %z = sql.select {{.*}} where [eq(a0.p, a1.p), eq(a1.a, a2.a), eq(a1.i, a2.i)]
