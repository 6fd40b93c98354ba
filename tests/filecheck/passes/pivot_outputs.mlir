// RUN: sql-opt %s --vectorize-rows --pivot-outputs | filecheck %s

rel.table input @x : <[a: 1, b: 2], v: f64>
rel.table output @output.y : <[a: 1, b: 2], v: f64>
rel.table output @output.big : <[a: 1], v: i1>
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[a: 1, b: 2], v: f64>
  rel.insert %x into @output.y
  %s = rel.aggregate %x by [a] {v = sum(v)}
  %t = rel.project %s [a] {v = gt(v, 1.0)}
  rel.insert %t into @output.big
  func.return
}

// CHECK:      rel.table output @result : <[row: ?], y_0: f64, y_1: f64, big: i64>
// CHECK-NOT:  @output
// CHECK:      %0 = rel.aggregate %x by [row] {y_0 = sum(if(eq(b, 0), v, 0.0)), y_1 = sum(if(eq(b, 1), v, 0.0))}
// CHECK:      %1 = rel.project %t [row] {big = truth(v)}
// CHECK-NEXT: %2 = rel.join %0, %1 on [row]
// CHECK-NEXT: rel.insert %2 into @result
