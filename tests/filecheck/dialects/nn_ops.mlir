// RUN: ROUNDTRIP
// RUN: sql-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

func.func @operators(%x: tensor<?x8xf32>, %kv: tensor<?x4xf32>, %ids: tensor<?xi32>, %until: tensor<?x?xi32, #ten.sparse>, %layer: index) {
// CHECK-LABEL: func.func @operators
// GENERIC-LABEL: "func.func"() <{sym_name = "operators"
// GENERIC-NEXT: ^bb0(%x: tensor<?x8xf32>, %kv: tensor<?x4xf32>, %ids: tensor<?xi32>, %until: tensor<?x?xi32, #ten.sparse>, %layer: index):
  %w = nn.weight @norm.weight : tensor<8xf32>
  // CHECK-NEXT: %w = nn.weight @norm.weight : tensor<8xf32>
  // GENERIC-NEXT: %w = "nn.weight"() <{symbol = @norm.weight}> : () -> tensor<8xf32>
  %v = nn.weight @"layers.{}.up.weight" at %layer of 3 : i64 : tensor<6x8xf32>
  // CHECK-NEXT: %v = nn.weight @"layers.{}.up.weight" at %layer of 3 : i64 : tensor<6x8xf32>
  // GENERIC-NEXT: %v = "nn.weight"(%layer) <{symbol = @"layers.{}.up.weight", layers = 3 : i64}> : (index) -> tensor<6x8xf32>
  %made = nn.weight @"q.{}" from <"qkv.{}" transposed grid [4, 2, 3] axes [0, 2, 1] rows 8 to 14 of 24 plus one> at %layer of 3 : i64 : tensor<6x8xf32>
  // CHECK-NEXT: %made = nn.weight @"q.{}" from <"qkv.{}" transposed grid [4, 2, 3] axes [0, 2, 1] rows 8 to 14 of 24 plus one> at %layer of 3 : i64 : tensor<6x8xf32>
  // GENERIC-NEXT: %made = "nn.weight"(%layer) <{symbol = @"q.{}", transform = #ten.transform<"qkv.{}" transposed grid [4, 2, 3] axes [0, 2, 1] rows 8 to 14 of 24 plus one>, layers = 3 : i64}> : (index) -> tensor<6x8xf32>
  %gain = nn.weight @norm from <"norm" plus one> : tensor<8xf32>
  // CHECK-NEXT: %gain = nn.weight @norm from <"norm" plus one> : tensor<8xf32>
  // GENERIC-NEXT: %gain = "nn.weight"() <{symbol = @norm, transform = #ten.transform<"norm" plus one>}> : () -> tensor<8xf32>
  %e = nn.embedding %v, %ids : tensor<6x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  // CHECK-NEXT: %e = nn.embedding %v, %ids : tensor<6x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %e = "nn.embedding"(%v, %ids) : (tensor<6x8xf32>, tensor<?xi32>) -> tensor<?x8xf32>
  %l = nn.linear %x, %v : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<?x6xf32>
  // CHECK-NEXT: %l = nn.linear %x, %v : tensor<?x8xf32>, tensor<6x8xf32> -> tensor<?x6xf32>
  // GENERIC-NEXT: %l = "nn.linear"(%x, %v) : (tensor<?x8xf32>, tensor<6x8xf32>) -> tensor<?x6xf32>
  %o = nn.add_bias %x, %w : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %o = nn.add_bias %x, %w : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %o = "nn.add_bias"(%x, %w) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %n = nn.rms_norm %x, %w epsilon 1.0e-05 : f64 : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %n = nn.rms_norm %x, %w epsilon 1.000000e-05 : f64 : tensor<?x8xf32>, tensor<8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %n = "nn.rms_norm"(%x, %w) <{epsilon = 1.000000e-05 : f64}> : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  %r = nn.rotary %ids, dense<[1.0, 0.5]> : tensor<2xf64> : tensor<?xi32> -> tensor<?x2x2x2xf32>
  // CHECK-NEXT: %r = nn.rotary %ids, dense<[1.000000e+00, 5.000000e-01]> : tensor<2xf64> : tensor<?xi32> -> tensor<?x2x2x2xf32>
  // GENERIC-NEXT: %r = "nn.rotary"(%ids) <{frequencies = dense<[1.000000e+00, 5.000000e-01]> : tensor<2xf64>}> : (tensor<?xi32>) -> tensor<?x2x2x2xf32>
  %q = nn.rope %x, %r : tensor<?x8xf32>, tensor<?x2x2x2xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %q = nn.rope %x, %r : tensor<?x8xf32>, tensor<?x2x2x2xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %q = "nn.rope"(%x, %r) : (tensor<?x8xf32>, tensor<?x2x2x2xf32>) -> tensor<?x8xf32>
  %m = nn.causal_mask batch(%ids, %ids) context(%ids, %ids) until %until : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  // CHECK-NEXT: %m = nn.causal_mask batch(%ids, %ids) context(%ids, %ids) until %until : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  // GENERIC-NEXT: %m = "nn.causal_mask"(%ids, %ids, %ids, %ids, %until) : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse>
  %d = nn.causal_mask batch(%ids, %ids) context(%ids, %ids) until %until window 4 : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  // CHECK-NEXT: %d = nn.causal_mask batch(%ids, %ids) context(%ids, %ids) until %until window 4 : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  // GENERIC-NEXT: %d = "nn.causal_mask"(%ids, %ids, %ids, %ids, %until) <{window = 4 : i64}> : (tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse>
  %a = nn.attention %q, %kv, %kv mask %m cache @cache heads 2 kv_heads 1 scale 0.5 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  // CHECK-NEXT: %a = nn.attention %q, %kv, %kv mask %m cache @cache heads 2 kv_heads 1 scale 5.000000e-01 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  // GENERIC-NEXT: %a = "nn.attention"(%q, %kv, %kv, %m) <{cache = @cache, heads = 2 : i64, kv_heads = 1 : i64, scale = 5.000000e-01 : f64}> : (tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse>) -> tensor<?x8xf32>
  %b = nn.attention %q, %kv, %kv mask %m cache @"cache.{}" at %layer of 3 : i64 heads 2 kv_heads 1 scale 0.5 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  // CHECK-NEXT: %b = nn.attention %q, %kv, %kv mask %m cache @"cache.{}" at %layer of 3 : i64 heads 2 kv_heads 1 scale 5.000000e-01 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  // GENERIC-NEXT: %b = "nn.attention"(%q, %kv, %kv, %m, %layer) <{cache = @"cache.{}", layers = 3 : i64, heads = 2 : i64, kv_heads = 1 : i64, scale = 5.000000e-01 : f64}> : (tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse>, index) -> tensor<?x8xf32>
  %s = nn.silu %x : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %s = nn.silu %x : tensor<?x8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %s = "nn.silu"(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %g = nn.gelu_tanh %x : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %g = nn.gelu_tanh %x : tensor<?x8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %g = "nn.gelu_tanh"(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %u = nn.relu %x : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %u = nn.relu %x : tensor<?x8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %u = "nn.relu"(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %c = nn.scale %x by 8.0 : f64 : tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %c = nn.scale %x by 8.000000e+00 : f64 : tensor<?x8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %c = "nn.scale"(%x) <{factor = 8.000000e+00 : f64}> : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %p = nn.add %x, %s : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %p = nn.add %x, %s : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %p = "nn.add"(%x, %s) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %t = nn.mul %x, %s : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  // CHECK-NEXT: %t = nn.mul %x, %s : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<?x8xf32>
  // GENERIC-NEXT: %t = "nn.mul"(%x, %s) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  %f = nn.filter %x, %ids : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32, #ten.sparse>
  // CHECK-NEXT: %f = nn.filter %x, %ids : tensor<?x8xf32>, tensor<?xi32> -> tensor<?x8xf32, #ten.sparse>
  // GENERIC-NEXT: %f = "nn.filter"(%x, %ids) : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<?x8xf32, #ten.sparse>
  func.return
  // CHECK-NEXT: func.return
  // GENERIC-NEXT: "func.return"() : () -> ()
}
// GENERIC-NEXT: }) : () -> ()
