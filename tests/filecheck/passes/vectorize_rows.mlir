// RUN: sql-opt %s --vectorize-rows | filecheck %s

rel.table input @x : <[a: 1, i: 3], v: f64>
rel.table weight @w : <[i: 3], v: f32> from ["w"]
rel.table output @output.y : <[a: 1, b: 2], v: f64>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[a: 1, i: 3], v: f64>
  %w = rel.scan @w : !rel.relation<[i: 3], v: f32>
  %n = rel.project %x [a, i] {x = v}
  %j = rel.join %n, %w on [i]
  %s = rel.aggregate %j by [a] {v = sum(mul(x, v))}
  %k = rel.project %s [a, b = 0 to 2] {v}
  %c = rel.values [1.0] : !rel.relation<[a: 1], v: f64>
  %d = rel.project %c [a, b = 1 to 2] {v}
  %y = rel.union %k, %d : (!rel.relation<[a: 1, b: 2], v: f64>, !rel.relation<[a: 1, b: 2], v: f64>) -> !rel.relation<[a: 1, b: 2], v: f64>
  rel.insert %y into @output.y
  func.return
}

// Inputs, and what depends on them, get the key; weights and constants do not.
// CHECK:      rel.table input @x : <[row: ?, a: 1, i: 3], v: f64>
// CHECK-NEXT: rel.table weight @w : <[i: 3], v: f32> from ["w"]
// CHECK-NEXT: rel.table output @output.y : <[row: ?, a: 1, b: 2], v: f64>
// CHECK:      %n = rel.project %x [row, a, i] {x = v}
// CHECK-NEXT: %j = rel.join %n, %w on [i]
// CHECK-NEXT: %s = rel.aggregate %j by [row, a] {v = sum(mul(x, v))}
// CHECK-NEXT: %k = rel.project %s [row, a, b = 0 to 2] {v}
// CHECK-NEXT: %c = rel.values [1.0] : !rel.relation<[a: 1], v: f64>
// CHECK-NEXT: %d = rel.project %c [a, b = 1 to 2] {v}
// What is the same for every row is joined with the rows where it meets them.
// CHECK-NEXT: %0 = rel.aggregate %x by [row] {}
// CHECK-NEXT: %1 = rel.join %0, %d on []
// CHECK-NEXT: %y = rel.union %k, %1
// CHECK-NEXT: rel.insert %y into @output.y
