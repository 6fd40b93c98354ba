// RUN: sql-opt %s --temporary-tables | filecheck %s

// Whatever is said or not, a table ends with the connection.
rel.table weight @w : <[i: 2], v: f64> from ["w"]
rel.table state @kept : <[p: ?], v: f64> lifetime kept
rel.table input @x : <[p: ?], v: f64>
// CHECK: rel.table weight @w : <[i: 2], v: f64> from ["w"] lifetime temporary
// CHECK-NEXT: rel.table state @kept : <[p: ?], v: f64> lifetime temporary
// CHECK-NEXT: rel.table input @x : <[p: ?], v: f64> lifetime temporary
