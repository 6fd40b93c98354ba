// RUN: sql-opt %s --interleave-weights | filecheck %s
// RUN: sql-opt %s --interleave-weights --convert-ten-to-rel | filecheck %s --check-prefix REL
// RUN: sed 's/<arrays 1 by 4>/<halves 1 by 4>/' %s | sql-opt --pass 'interleave-weights{target=pgvector}' --convert-ten-to-rel | filecheck %s --check-prefix HALF

// CHECK-LABEL: func.func @meet
func.func @meet(%x: tensor<?x8xf32>, %s: tensor<?xf32>) -> tensor<?x3xf32> {
  %w = ten.weight @gate_up from ["gate", "up"] layout <arrays 1 by 4> : tensor<6x8xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x8xf32>, tensor<6x8xf32>) -> tensor<?x6xf32>
  %z = ten.map "po,p->po"(%y, %s) : (tensor<?x6xf32>, tensor<?xf32>) -> tensor<?x6xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %b : f32
    ten.yield %c : f32
  }
  %g = ten.slice %z axis 1 from 0 : tensor<?x6xf32> -> tensor<?x3xf32>
  %u = ten.slice %z axis 1 from 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  %m = ten.map "po,po->po"(%g, %u) : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %b : f32
    ten.yield %c : f32
  }
  func.return %m : tensor<?x3xf32>
}
// CHECK: ten.weight @gate_up from ["gate", "up"] layout <arrays 1 by 4 parts 2> : tensor<6x8xf32>
// REL: rel.table weight @gate_up : <[o: 3, i: 2], v0: vector<4xf32>, v1: vector<4xf32>> from ["gate", "up"] layout <arrays 1 by 4 parts 2>
// REL: rel.aggregate {{.*}} by [p, o] {v0 = sum(dot(x, v0)), v1 = sum(dot(x, v1))}
// REL: rel.project {{.*}} [p, o] {v0 = mul(v0, x1), v1 = mul(v1, x1)}
// HALF: rel.table weight @gate_up : <[o: 3, i: 2], v0: vector<4xf16>, v1: vector<4xf16>> from ["gate", "up"] layout <halves 1 by 4 parts 2>
// HALF: rel.aggregate {{.*}} by [p, o] {v0 = sum(mul(dot(x, v0), norm)), v1 = sum(mul(dot(x, v1), norm))}

// Parts that never meet, or are not the sources, gain nothing.
// CHECK-LABEL: func.func @apart
func.func @apart(%x: tensor<?x8xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x2xf32>) {
  %w = ten.weight @q_k from ["q", "k"] layout <arrays 1 by 4> : tensor<6x8xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x8xf32>, tensor<6x8xf32>) -> tensor<?x6xf32>
  %q = ten.slice %y axis 1 from 0 : tensor<?x6xf32> -> tensor<?x3xf32>
  %k = ten.slice %y axis 1 from 3 : tensor<?x6xf32> -> tensor<?x3xf32>
  %v = ten.weight @a_b from ["a", "b"] layout <arrays 1 by 4> : tensor<6x8xf32>
  %z = ten.contract "pi,oi->po"(%x, %v) : (tensor<?x8xf32>, tensor<6x8xf32>) -> tensor<?x6xf32>
  %a = ten.slice %z axis 1 from 0 : tensor<?x6xf32> -> tensor<?x2xf32>
  %b = ten.slice %z axis 1 from 2 : tensor<?x6xf32> -> tensor<?x2xf32>
  %m = ten.map "po,po->po"(%a, %b) : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32> {
  ^bb0(%c: f32, %d: f32):
    %e = arith.mulf %c, %d : f32
    ten.yield %e : f32
  }
  func.return %q, %k, %m : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x2xf32>
}
// CHECK: ten.weight @q_k from ["q", "k"] layout <arrays 1 by 4> : tensor<6x8xf32>
// CHECK: ten.weight @a_b from ["a", "b"] layout <arrays 1 by 4> : tensor<6x8xf32>
