// RUN: sql-opt %s --fuse-contractions | filecheck %s

// CHECK-LABEL: func.func @query_key_value
func.func @query_key_value(%x: tensor<?x4xf32>, %layer: index) -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xf32>) {
  %wq = ten.weight @"layers.{}.attn.q_proj.weight" from ["layers.{}.attn.q_proj.weight"] at %layer of 2 : i64 : tensor<8x4xf32>
  %q = ten.contract "pi,oi->po"(%x, %wq) : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %wk = ten.weight @"layers.{}.attn.k_proj.weight" from ["layers.{}.attn.k_proj.weight"] at %layer of 2 : i64 : tensor<2x4xf32>
  %k = ten.contract "pi,oi->po"(%x, %wk) : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %wv = ten.weight @"layers.{}.attn.v_proj.weight" from ["layers.{}.attn.v_proj.weight"] at %layer of 2 : i64 : tensor<2x4xf32>
  %v = ten.contract "pi,oi->po"(%x, %wv) : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  func.return %q, %k, %v : tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xf32>
}
// CHECK-NEXT: %[[W:.*]] = ten.weight @"layers.{}.attn.q_proj_k_proj_v_proj.weight" from ["layers.{}.attn.q_proj.weight", "layers.{}.attn.k_proj.weight", "layers.{}.attn.v_proj.weight"] at %layer of 2 : i64 : tensor<12x4xf32>
// CHECK-NEXT: %[[ALL:.*]] = ten.contract "pi,oi->po"(%x, %[[W]]) : (tensor<?x4xf32>, tensor<12x4xf32>) -> tensor<?x12xf32>
// CHECK-NEXT: %q = ten.slice %[[ALL]] axis 1 from 0 : tensor<?x12xf32> -> tensor<?x8xf32>
// CHECK-NEXT: %k = ten.slice %[[ALL]] axis 1 from 8 : tensor<?x12xf32> -> tensor<?x2xf32>
// CHECK-NEXT: %v = ten.slice %[[ALL]] axis 1 from 10 : tensor<?x12xf32> -> tensor<?x2xf32>
// CHECK-NEXT: func.return %q, %k, %v

// The free axis may stand anywhere in the result, and the tensor may be sparse.
// CHECK-LABEL: func.func @free_axis_first
func.func @free_axis_first(%x: tensor<?x4xf32, #ten.sparse>) -> (tensor<3x?xf32, #ten.sparse>, tensor<5x?xf32, #ten.sparse>) {
  %wa = ten.weight @a from ["a"] : tensor<3x4xf32>
  %wb = ten.weight @b from ["b"] : tensor<5x4xf32>
  %a = ten.contract "pi,oi->op"(%x, %wa) : (tensor<?x4xf32, #ten.sparse>, tensor<3x4xf32>) -> tensor<3x?xf32, #ten.sparse>
  %b = ten.contract "pi,oi->op"(%x, %wb) : (tensor<?x4xf32, #ten.sparse>, tensor<5x4xf32>) -> tensor<5x?xf32, #ten.sparse>
  func.return %a, %b : tensor<3x?xf32, #ten.sparse>, tensor<5x?xf32, #ten.sparse>
}
// CHECK-NEXT: %[[W:.*]] = ten.weight @a_b from ["a", "b"] : tensor<8x4xf32>
// CHECK-NEXT: %[[ALL:.*]] = ten.contract "pi,oi->op"(%x, %[[W]]) : {{.*}} -> tensor<8x?xf32, #ten.sparse>
// CHECK-NEXT: ten.slice %[[ALL]] axis 0 from 0
// CHECK-NEXT: ten.slice %[[ALL]] axis 0 from 3
// CHECK-NEXT: func.return

// Neither another tensor, nor another layer, nor a weight that is used twice or already tiled.
// CHECK-LABEL: func.func @unlike
func.func @unlike(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>, %layer: index) {
  %a = ten.weight @a from ["a"] : tensor<3x4xf32>
  %xa = ten.contract "pi,oi->po"(%x, %a) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %b = ten.weight @b from ["b"] : tensor<3x4xf32>
  %yb = ten.contract "pi,oi->po"(%y, %b) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %c = ten.weight @c from ["c"] at %layer of 2 : i64 : tensor<3x4xf32>
  %xc = ten.contract "pi,oi->po"(%x, %c) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %d = ten.weight @d from ["d"] : tensor<4x4xf32>
  %xd = ten.contract "pi,oi->po"(%x, %d) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %xd2 = ten.contract "pi,io->po"(%x, %d) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %e = ten.weight @e from ["e"] layout <arrays 1 by 2> : tensor<3x4xf32>
  %xe = ten.contract "pi,oi->po"(%x, %e) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return
}
// CHECK-NOT: ten.slice

// What each weight is made of stays known.
// CHECK-LABEL: func.func @made_of_one_tensor
func.func @made_of_one_tensor(%x: tensor<?x4xf32>) -> (tensor<?x2xf32>, tensor<?x3xf32>) {
  %wa = ten.weight @a from ["a"] with {a = #ten.transform<"ab" rows 0 to 2 of 5>} : tensor<2x4xf32>
  %a = ten.contract "pi,oi->po"(%x, %wa) : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %wb = ten.weight @b from ["b"] with {b = #ten.transform<"ab" rows 2 to 5 of 5>} : tensor<3x4xf32>
  %b = ten.contract "pi,oi->po"(%x, %wb) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return %a, %b : tensor<?x2xf32>, tensor<?x3xf32>
}
// CHECK-NEXT: ten.weight @a_b from ["a", "b"] with {a = #ten.transform<"ab" rows 0 to 2 of 5>, b = #ten.transform<"ab" rows 2 to 5 of 5>} : tensor<5x4xf32>
