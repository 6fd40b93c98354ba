// RUN: sql-opt %s --reset-scratch --split-input-file | filecheck %s

sql.create_table weight @w : <[i: 2], v: f32>
sql.create_table input @batch : <[p: ?], token: i32>
sql.create_table state @cache : <[p: ?], k: f64>
sql.create_table output @logits : <[p: ?], v: f64>
sql.create_table scratch @scratch0 : <[p: ?], v: f64>
sql.create_table scratch @scratch1 : <[p: ?], v: f64>
func.func @forward() {
  %zero = sql.table @scratch0 : !rel.relation<[p: ?], v: f64>
  %one = sql.table @scratch1 : !rel.relation<[p: ?], v: f64>
  sql.insert %zero into @logits
  sql.insert %one into @scratch0
  func.return
}
func.func @other() {
  %one = sql.table @scratch1 : !rel.relation<[p: ?], v: f64>
  sql.insert %one into @scratch1
  func.return
}
// What a function alone reads and fills, it empties; not what it returns, nor what others read.
// CHECK: func.func @forward
// CHECK:        sql.insert %one into @scratch0
// CHECK-NEXT:   sql.delete @scratch0
// CHECK-NEXT:   func.return
// CHECK: func.func @other
// CHECK:        sql.insert
// CHECK-NEXT:   func.return
// CHECK:      func.func @clear_scratch() {
// CHECK-NEXT:   sql.delete @batch
// CHECK-NEXT:   sql.delete @logits
// CHECK-NEXT:   sql.delete @scratch1
// CHECK-NEXT:   func.return
// CHECK:      func.func @clear_context() {
// CHECK-NEXT:   sql.delete @cache
// CHECK-NEXT:   func.return
// CHECK:      func.func @vacuum() {
// CHECK-NEXT:   sql.truncate @batch
// CHECK-NEXT:   sql.truncate @logits
// CHECK-NEXT:   sql.truncate @scratch0
// CHECK-NEXT:   sql.truncate @scratch1
// CHECK-NEXT:   func.return

// -----
// Without such tables they do nothing.
sql.create_table weight @kept : <[p: ?], k: f64>
// CHECK-LABEL: @kept
// CHECK-NEXT: func.func @clear_scratch() {
// CHECK-NEXT:   func.return
// CHECK:      func.func @clear_context() {
// CHECK-NEXT:   func.return
// CHECK:      func.func @vacuum() {
// CHECK-NEXT:   func.return
