// RUN: sql-opt %s --add-generation | filecheck %s

rel.table output @logits : <[p: ?, t: 4], v: f64>
func.func @forward() {
  func.return
}

// What is there stays, and the tables and procedures of generation.mlir follow.
// CHECK: rel.table output @logits
// CHECK: func.func @forward
// CHECK: rel.table output @sampled : <[p: ?], token: i32>
// CHECK: rel.table state @random
// CHECK: func.func @append
// CHECK: func.func @remember
// CHECK: func.func @open
// CHECK: func.func @greedy
// CHECK: rel.insert {{%.*}} into @sampled
// CHECK: func.func @seed
// CHECK: func.func @draw
// CHECK: func.func @sample
