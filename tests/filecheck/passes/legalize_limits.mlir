// RUN: sql-opt %s --pass 'legalize-limits{max-depth=3}' | filecheck %s
// RUN: sql-opt %s --pass 'legalize-limits{target=sqlite}' | filecheck %s --check-prefix SQLITE
// RUN: not sql-opt %s --pass 'legalize-limits{max-depth=1}' 2>&1 | filecheck %s --check-prefix ONE

// CHECK-LABEL: func.func @deep
// SQLITE-LABEL: func.func @deep
func.func @deep() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: f64, y: f64>
  %r = rel.project %t [p] {v = exp(neg(abs(sqrt(neg(abs(mul(x, y))))))), w = neg(x)}
  rel.insert %r into @r
  func.return
}
// CHECK-NEXT: %t = rel.scan @t
// CHECK-NEXT: %[[A:.*]] = rel.project %t [p] {x, y, part0 = abs(mul(x, y)), part1 = neg(x)}
// CHECK-NEXT: %[[B:.*]] = rel.project %[[A]] [p] {x, y, part0, part1, part2 = sqrt(neg(part0))}
// CHECK-NEXT: %[[C:.*]] = rel.project %[[B]] [p] {x, y, part0, part1, part2, part3 = neg(abs(part2))}
// CHECK-NEXT: %[[D:.*]] = rel.project %[[C]] [p] {v = exp(part3), w = part1}
// CHECK-NEXT: rel.insert %[[D]] into @r

// SQLITE: rel.project %t [p] {v = exp(neg(abs(sqrt(neg(abs(mul(x, y))))))), w = neg(x)}

// ONE: sql-opt: max-depth must be at least 2
