// RUN: sql-opt %s --promote-f32 | filecheck %s
// RUN: sql-opt %s --pass 'promote-f32{target=postgres}' | filecheck %s --check-prefix POSTGRES
// RUN: sql-opt %s --pass 'promote-f32{target=sqlite}' | filecheck %s --check-prefix SQLITE

func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?], a: f32, b: f32, v: f64, n: i64>
  %y = rel.project %x [p] {both = mul(a, b), one = add(a, v), deep = sub(add(a, b), div(a, n)), exact = abs(a)}
  rel.insert %y into @y
  %s = rel.aggregate %x by [] {s = sum(a), most = max(a)}
  rel.insert %s into @s
  %c = rel.select %x where gt(sub(a, b), 0.0)
  rel.insert %c into @c
  func.return
}
// CHECK: rel.project %x [p] {both = mul(to_float(a), b), one = add(a, v), deep = sub(add(to_float(a), b), div(to_float(a), n)), exact = abs(a)}
// CHECK: rel.aggregate %x by [] {s = sum(a), most = max(a)}
// CHECK: rel.select %x where gt(sub(to_float(a), b), 0.0)

// POSTGRES: rel.project %x [p] {both = mul(to_float(a), b), one = add(a, v),
// POSTGRES: rel.aggregate %x by [] {s = sum(to_float(a)), most = max(a)}

// SQLITE-NOT: to_float
