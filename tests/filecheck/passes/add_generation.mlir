// RUN: sql-opt %s --add-generation | filecheck %s

rel.table output @logits : <[p: ?, t: 4], v: f64>
rel.table state @context : <[c: ?], stream: i32>
rel.table state @visibility : <[stream: ?, source: ?], until: i32>
rel.table state @keys : <[layer: 2, c: ?, d: 4], v: f64>
func.func @forward() {
  func.return
}

// What is there stays, and the tables and procedures of generation.mlir follow.
// CHECK: rel.table output @logits
// CHECK: func.func @forward
// CHECK: rel.table output @sampled : <[stream: ?, position: ?], token: i32>
// CHECK: rel.table state @sampling : <[stream: ?]
// CHECK: rel.table state @random : <[stream: ?, draw: ?], state: i64>
// CHECK: func.func @append_token
// CHECK: func.func @commit_context
// CHECK: func.func @open_stream
// CHECK: func.func @sample_by
// CHECK: func.func @greedy
// CHECK: rel.insert {{%.*}} into @sampled
// CHECK: func.func @draw
// CHECK: func.func @sample

// A stream ends where its rows do: what its rows of the context name, then these themselves.
// CHECK: func.func @close_stream
// CHECK: [[S:%.*]] = rel.project {{%.*}} [stream = ?stream] {}
// CHECK: [[OWN:%.*]] = rel.select {{%.*}} where eq(stream, ?stream)
// CHECK-NEXT: [[C:%.*]] = rel.project [[OWN]] [c] {}
// CHECK-NEXT: rel.delete [[S]] from @visibility
// CHECK-NEXT: rel.delete [[C]] from @keys
// CHECK-NEXT: rel.delete [[S]] from @sampling
// CHECK-NEXT: rel.delete [[S]] from @random
// CHECK-NEXT: rel.delete [[C]] from @context
