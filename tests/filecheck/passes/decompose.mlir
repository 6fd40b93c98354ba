// RUN: sql-opt %s --decompose | filecheck %s

// CHECK-LABEL: func.func @weight(
func.func @weight(%layer: index) -> (tensor<4xf32>, tensor<6x4xf32>) {
  %g = nn.weight @norm.weight : tensor<4xf32>
  %w = nn.weight @"layers.{}.up.weight" at %layer of 3 : i64 : tensor<6x4xf32>
  func.return %g, %w : tensor<4xf32>, tensor<6x4xf32>
}
// CHECK-NEXT: %g = ten.weight @norm.weight from ["norm.weight"] : tensor<4xf32>
// CHECK-NEXT: %w = ten.weight @"layers.{}.up.weight" from ["layers.{}.up.weight"] at %layer of 3 : i64 : tensor<6x4xf32>
// CHECK-NEXT: func.return %g, %w : tensor<4xf32>, tensor<6x4xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @embedding(
func.func @embedding(%t: tensor<7x4xf32>, %n: tensor<?xi32>) -> tensor<?x4xf32> {
  %y = nn.embedding %t, %n : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}
// CHECK-NEXT: %y = ten.gather "ti,p->pi" %t, %n : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
// CHECK-NEXT: func.return %y : tensor<?x4xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @linear(
func.func @linear(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) -> tensor<?x6xf32> {
  %y = nn.linear %x, %w : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
  func.return %y : tensor<?x6xf32>
}
// CHECK-NEXT: %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
// CHECK-NEXT: func.return %y : tensor<?x6xf32>
// CHECK-NEXT: }

// A norm of filtered rows is absent where they are.
// CHECK-LABEL: func.func @rms_norm(
func.func @rms_norm(%x: tensor<?x4xf32, #ten.sparse>, %g: tensor<4xf32>) -> tensor<?x4xf32, #ten.sparse> {
  %y = nn.rms_norm %x, %g epsilon 0.5 : f64 : tensor<?x4xf32, #ten.sparse>, tensor<4xf32> -> tensor<?x4xf32, #ten.sparse>
  func.return %y : tensor<?x4xf32, #ten.sparse>
}
// CHECK-NEXT: %y = ten.map "pi->pi"(%x) : (tensor<?x4xf32, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
// CHECK-NEXT: ^bb0(%0: f32):
// CHECK-NEXT: %1 = arith.mulf %0, %0 : f32
// CHECK-NEXT: ten.yield %1 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_1 = ten.reduce sum "pi->p" %y : tensor<?x4xf32, #ten.sparse> -> tensor<?xf32, #ten.sparse>
// CHECK-NEXT: %y_2 = ten.map "p->p"(%y_1) : (tensor<?xf32, #ten.sparse>) -> tensor<?xf32, #ten.sparse> {
// CHECK-NEXT: ^bb0(%2: f32):
// CHECK-NEXT: %3 = arith.constant 4.000000e+00 : f32
// CHECK-NEXT: %4 = arith.divf %2, %3 fastmath<nnan,ninf> : f32
// CHECK-NEXT: %5 = arith.constant 5.000000e-01 : f32
// CHECK-NEXT: %6 = arith.addf %4, %5 : f32
// CHECK-NEXT: %7 = math.rsqrt %6 : f32
// CHECK-NEXT: ten.yield %7 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_3 = ten.map "pi,p,i->pi"(%x, %y_2, %g) : (tensor<?x4xf32, #ten.sparse>, tensor<?xf32, #ten.sparse>, tensor<4xf32>) -> tensor<?x4xf32, #ten.sparse> {
// CHECK-NEXT: ^bb0(%8: f32, %9: f32, %10: f32):
// CHECK-NEXT: %11 = arith.mulf %8, %9 : f32
// CHECK-NEXT: %12 = arith.mulf %11, %10 : f32
// CHECK-NEXT: ten.yield %12 : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %y_3 : tensor<?x4xf32, #ten.sparse>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @rotary(
func.func @rotary(%p: tensor<?xi32>) -> tensor<?x2x2x2xf32> {
  %r = nn.rotary %p, dense<[1.0, 0.5]> : tensor<2xf64> : tensor<?xi32> -> tensor<?x2x2x2xf32>
  func.return %r : tensor<?x2x2x2xf32>
}
// CHECK-NEXT: %r = ten.constant dense<[1.000000e+00, 5.000000e-01]> : tensor<2xf64> : tensor<2xf64>
// CHECK-NEXT: %r_1 = ten.constant dense<{{\[\[}}1.000000e+00, 0.000000e+00], [0.000000e+00, 1.000000e+00]]> : tensor<2x2xf64> : tensor<2x2xf64>
// CHECK-NEXT: %r_2 = ten.constant dense<{{\[\[}}0.000000e+00, -1.000000e+00], [1.000000e+00, 0.000000e+00]]> : tensor<2x2xf64> : tensor<2x2xf64>
// CHECK-NEXT: %r_3 = ten.map "p,f,sr,sr->psrf"(%p, %r, %r_1, %r_2) : (tensor<?xi32>, tensor<2xf64>, tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<?x2x2x2xf32> {
// CHECK-NEXT: ^bb0(%0: i32, %1: f64, %2: f64, %3: f64):
// CHECK-NEXT: %4 = arith.sitofp %0 : i32 to f64
// CHECK-NEXT: %5 = arith.mulf %4, %1 : f64
// CHECK-NEXT: %6 = math.cos %5 : f64
// CHECK-NEXT: %7 = math.sin %5 : f64
// CHECK-NEXT: %8 = arith.mulf %6, %2 : f64
// CHECK-NEXT: %9 = arith.mulf %7, %3 : f64
// CHECK-NEXT: %10 = arith.addf %8, %9 : f64
// CHECK-NEXT: %11 = arith.truncf %10 : f64 to f32
// CHECK-NEXT: ten.yield %11 : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %r_3 : tensor<?x2x2x2xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @rope(
func.func @rope(%x: tensor<?x8xf32>, %r: tensor<?x2x2x2xf32>) -> tensor<?x8xf32> {
  %y = nn.rope %x, %r : tensor<?x8xf32>, tensor<?x2x2x2xf32> -> tensor<?x8xf32>
  func.return %y : tensor<?x8xf32>
}
// CHECK-NEXT: %y = ten.reshape %x : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
// CHECK-NEXT: %y_1 = ten.contract "phrf,psrf->phsf"(%y, %r) : (tensor<?x2x2x2xf32>, tensor<?x2x2x2xf32>) -> tensor<?x2x2x2xf32>
// CHECK-NEXT: %y_2 = ten.reshape %y_1 : tensor<?x2x2x2xf32> -> tensor<?x8xf32>
// CHECK-NEXT: func.return %y_2 : tensor<?x8xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @causal_mask(
func.func @causal_mask(%s: tensor<?xi32>, %p: tensor<?xi32>, %cs: tensor<?xi32>, %cp: tensor<?xi32>, %u: tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse> {
  %m = nn.causal_mask batch(%s, %p) context(%cs, %cp) until %u : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  func.return %m : tensor<?x?xi1, #ten.sparse>
}
// CHECK-NEXT: %m = ten.gather "su,p->pu" %u, %s : tensor<?x?xi32, #ten.sparse>, tensor<?xi32> -> tensor<?x?xi32, #ten.sparse>
// CHECK-NEXT: %m_1 = ten.gather "pu,c->pc" %m, %cs : tensor<?x?xi32, #ten.sparse>, tensor<?xi32> -> tensor<?x?xi32, #ten.sparse>
// CHECK-NEXT: %m_2 = ten.map "p,c,pc->pc"(%p, %cp, %m_1) : (tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse> {
// CHECK-NEXT: ^bb0(%0: i32, %1: i32, %2: i32):
// CHECK-NEXT: %3 = arith.cmpi sle, %1, %0 : i32
// CHECK-NEXT: %4 = arith.cmpi slt, %1, %2 : i32
// CHECK-NEXT: %5 = arith.andi %3, %4 : i1
// CHECK-NEXT: ten.yield %5 : i1
// CHECK-NEXT: }
// CHECK-NEXT: %m_3 = ten.sparsify %m_2 : tensor<?x?xi1, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
// CHECK-NEXT: func.return %m_3 : tensor<?x?xi1, #ten.sparse>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @attention(
func.func @attention(%q: tensor<?x8xf32>, %k: tensor<?x4xf32>, %v: tensor<?x4xf32>, %m: tensor<?x?xi1, #ten.sparse>, %layer: index) -> tensor<?x8xf32> {
  %y = nn.attention %q, %k, %v mask %m cache @"cache.{}" at %layer of 3 : i64 heads 4 kv_heads 2 scale 0.5 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  func.return %y : tensor<?x8xf32>
}
// CHECK-NEXT: %y = ten.reshape %k : tensor<?x4xf32> -> tensor<?x2x2xf32>
// CHECK-NEXT: ten.append %y to @"cache.{}.keys" ["c", "g", "d"] at %layer of 3 : i64 : tensor<?x2x2xf32>
// CHECK-NEXT: %y_1 = ten.read @"cache.{}.keys" ["c", "g", "d"] at %layer of 3 : i64 : tensor<?x2x2xf32>
// CHECK-NEXT: %y_2 = ten.reshape %v : tensor<?x4xf32> -> tensor<?x2x2xf32>
// CHECK-NEXT: ten.append %y_2 to @"cache.{}.values" ["c", "g", "d"] at %layer of 3 : i64 : tensor<?x2x2xf32>
// CHECK-NEXT: %y_3 = ten.read @"cache.{}.values" ["c", "g", "d"] at %layer of 3 : i64 : tensor<?x2x2xf32>
// CHECK-NEXT: %y_4 = ten.reshape %q : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
// CHECK-NEXT: %y_5 = ten.contract "pghd,cgd,pc->pghc"(%y_4, %y_1, %m) : (tensor<?x2x2x2xf32>, tensor<?x2x2xf32>, tensor<?x?xi1, #ten.sparse>) -> tensor<?x2x2x?xf32, #ten.sparse>
// CHECK-NEXT: %y_6 = ten.reduce max "pghc->pgh" %y_5 : tensor<?x2x2x?xf32, #ten.sparse> -> tensor<?x2x2xf32>
// CHECK-NEXT: %y_7 = ten.map "pghc,pgh->pghc"(%y_5, %y_6) : (tensor<?x2x2x?xf32, #ten.sparse>, tensor<?x2x2xf32>) -> tensor<?x2x2x?xf32, #ten.sparse> {
// CHECK-NEXT: ^bb0(%0: f32, %1: f32):
// CHECK-NEXT: %2 = arith.subf %0, %1 : f32
// CHECK-NEXT: %3 = arith.constant 5.000000e-01 : f32
// CHECK-NEXT: %4 = arith.mulf %2, %3 : f32
// CHECK-NEXT: %5 = math.exp %4 : f32
// CHECK-NEXT: ten.yield %5 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_8 = ten.reduce sum "pghc->pgh" %y_7 : tensor<?x2x2x?xf32, #ten.sparse> -> tensor<?x2x2xf32>
// CHECK-NEXT: %y_9 = ten.contract "pghc,cgd->pghd"(%y_7, %y_3) : (tensor<?x2x2x?xf32, #ten.sparse>, tensor<?x2x2xf32>) -> tensor<?x2x2x2xf32>
// CHECK-NEXT: %y_10 = ten.map "pghd,pgh->pghd"(%y_9, %y_8) : (tensor<?x2x2x2xf32>, tensor<?x2x2xf32>) -> tensor<?x2x2x2xf32> {
// CHECK-NEXT: ^bb0(%6: f32, %7: f32):
// CHECK-NEXT: %8 = arith.divf %6, %7 fastmath<nnan,ninf> : f32
// CHECK-NEXT: ten.yield %8 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_11 = ten.reshape %y_10 : tensor<?x2x2x2xf32> -> tensor<?x8xf32>
// CHECK-NEXT: func.return %y_11 : tensor<?x8xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @elementwise(
func.func @elementwise(%x: tensor<?x4xf32>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %a = nn.silu %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %b = nn.mul %a, %y : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %c = nn.add %b, %x : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %c : tensor<?x4xf32>
}
// CHECK-NEXT: %a = ten.map "pi->pi"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%0: f32):
// CHECK-NEXT: %1 = arith.constant 1.000000e+00 : f32
// CHECK-NEXT: %2 = arith.negf %0 : f32
// CHECK-NEXT: %3 = math.exp %2 : f32
// CHECK-NEXT: %4 = arith.addf %1, %3 : f32
// CHECK-NEXT: %5 = arith.divf %0, %4 fastmath<nnan,ninf> : f32
// CHECK-NEXT: ten.yield %5 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %b = ten.map "pi,pi->pi"(%a, %y) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%6: f32, %7: f32):
// CHECK-NEXT: %8 = arith.mulf %6, %7 : f32
// CHECK-NEXT: ten.yield %8 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %c = ten.map "pi,pi->pi"(%b, %x) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%9: f32, %10: f32):
// CHECK-NEXT: %11 = arith.addf %9, %10 : f32
// CHECK-NEXT: ten.yield %11 : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %c : tensor<?x4xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @filter(
func.func @filter(%x: tensor<?x4xf32>, %e: tensor<?xi32>) -> tensor<?x4xf32, #ten.sparse> {
  %y = nn.filter %x, %e : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32, #ten.sparse>
  func.return %y : tensor<?x4xf32, #ten.sparse>
}
// CHECK-NEXT: %y = ten.map "p->p"(%e) : (tensor<?xi32>) -> tensor<?xi1> {
// CHECK-NEXT: ^bb0(%0: i32):
// CHECK-NEXT: %1 = arith.constant 0 : i32
// CHECK-NEXT: %2 = arith.cmpi ne, %0, %1 : i32
// CHECK-NEXT: ten.yield %2 : i1
// CHECK-NEXT: }
// CHECK-NEXT: %y_1 = ten.sparsify %y : tensor<?xi1> -> tensor<?xi1, #ten.sparse>
// CHECK-NEXT: %y_2 = ten.map "pi,p->pi"(%x, %y_1) : (tensor<?x4xf32>, tensor<?xi1, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
// CHECK-NEXT: ^bb0(%3: f32, %4: i1):
// CHECK-NEXT: ten.yield %3 : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %y_2 : tensor<?x4xf32, #ten.sparse>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @bias(
func.func @bias(%x: tensor<?x4xf32>, %b: tensor<4xf32>) -> tensor<?x4xf32> {
  %y = nn.add_bias %x, %b : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}
// CHECK-NEXT: %y = ten.map "pi,i->pi"(%x, %b) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%0: f32, %1: f32):
// CHECK-NEXT: %2 = arith.addf %0, %1 : f32
// CHECK-NEXT: ten.yield %2 : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %y : tensor<?x4xf32>
// CHECK-NEXT: }

// Each head is normed by itself.
// CHECK-LABEL: func.func @norm_of_heads(
func.func @norm_of_heads(%x: tensor<?x6xf32>, %g: tensor<2xf32>) -> tensor<?x6xf32> {
  %y = nn.rms_norm %x, %g epsilon 0.5 : f64 : tensor<?x6xf32>, tensor<2xf32> -> tensor<?x6xf32>
  func.return %y : tensor<?x6xf32>
}
// CHECK-NEXT: %y = ten.reshape %x : tensor<?x6xf32> -> tensor<?x3x2xf32>
// CHECK-NEXT: %y_1 = ten.map "phi->phi"(%y) : (tensor<?x3x2xf32>) -> tensor<?x3x2xf32> {
// CHECK-NEXT: ^bb0(%0: f32):
// CHECK-NEXT: %1 = arith.mulf %0, %0 : f32
// CHECK-NEXT: ten.yield %1 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_2 = ten.reduce sum "phi->ph" %y_1 : tensor<?x3x2xf32> -> tensor<?x3xf32>
// CHECK-NEXT: %y_3 = ten.map "ph->ph"(%y_2) : (tensor<?x3xf32>) -> tensor<?x3xf32> {
// CHECK-NEXT: ^bb0(%2: f32):
// CHECK-NEXT: %3 = arith.constant 2.000000e+00 : f32
// CHECK-NEXT: %4 = arith.divf %2, %3 fastmath<nnan,ninf> : f32
// CHECK-NEXT: %5 = arith.constant 5.000000e-01 : f32
// CHECK-NEXT: %6 = arith.addf %4, %5 : f32
// CHECK-NEXT: %7 = math.rsqrt %6 : f32
// CHECK-NEXT: ten.yield %7 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_4 = ten.map "phi,ph,i->phi"(%y, %y_3, %g) : (tensor<?x3x2xf32>, tensor<?x3xf32>, tensor<2xf32>) -> tensor<?x3x2xf32> {
// CHECK-NEXT: ^bb0(%8: f32, %9: f32, %10: f32):
// CHECK-NEXT: %11 = arith.mulf %8, %9 : f32
// CHECK-NEXT: %12 = arith.mulf %11, %10 : f32
// CHECK-NEXT: ten.yield %12 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %y_5 = ten.reshape %y_4 : tensor<?x3x2xf32> -> tensor<?x6xf32>
// CHECK-NEXT: func.return %y_5 : tensor<?x6xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @functions(
func.func @functions(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %a = nn.gelu_tanh %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %b = nn.relu %a : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = nn.scale %b by 8.0 : f64 : tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %c : tensor<?x4xf32>
}
// CHECK-NEXT: %a = ten.map "pi->pi"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%0: f32):
// CHECK-NEXT: %1 = arith.mulf %0, %0 : f32
// CHECK-NEXT: %2 = arith.mulf %1, %0 : f32
// CHECK-NEXT: %3 = arith.constant 4.471500e-02 : f32
// CHECK-NEXT: %4 = arith.mulf %3, %2 : f32
// CHECK-NEXT: %5 = arith.addf %0, %4 : f32
// CHECK-NEXT: %6 = arith.constant 0.797884583 : f32
// CHECK-NEXT: %7 = arith.mulf %6, %5 : f32
// CHECK-NEXT: %8 = math.tanh %7 : f32
// CHECK-NEXT: %9 = arith.constant 5.000000e-01 : f32
// CHECK-NEXT: %10 = arith.mulf %9, %0 : f32
// CHECK-NEXT: %11 = arith.constant 1.000000e+00 : f32
// CHECK-NEXT: %12 = arith.addf %11, %8 : f32
// CHECK-NEXT: %13 = arith.mulf %10, %12 : f32
// CHECK-NEXT: ten.yield %13 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %b = ten.map "pi->pi"(%a) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%14: f32):
// CHECK-NEXT: %15 = arith.constant 0.000000e+00 : f32
// CHECK-NEXT: %16 = arith.maximumf %14, %15 : f32
// CHECK-NEXT: ten.yield %16 : f32
// CHECK-NEXT: }
// CHECK-NEXT: %c = ten.map "pi->pi"(%b) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb0(%17: f32):
// CHECK-NEXT: %18 = arith.constant 8.000000e+00 : f32
// CHECK-NEXT: %19 = arith.mulf %17, %18 : f32
// CHECK-NEXT: ten.yield %19 : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %c : tensor<?x4xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @window(
func.func @window(%s: tensor<?xi32>, %p: tensor<?xi32>, %cs: tensor<?xi32>, %cp: tensor<?xi32>, %u: tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse> {
  %m = nn.causal_mask batch(%s, %p) context(%cs, %cp) until %u window 4 : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  func.return %m : tensor<?x?xi1, #ten.sparse>
}
// CHECK-NEXT: %m = ten.gather "su,p->pu" %u, %s : tensor<?x?xi32, #ten.sparse>, tensor<?xi32> -> tensor<?x?xi32, #ten.sparse>
// CHECK-NEXT: %m_1 = ten.gather "pu,c->pc" %m, %cs : tensor<?x?xi32, #ten.sparse>, tensor<?xi32> -> tensor<?x?xi32, #ten.sparse>
// CHECK-NEXT: %m_2 = ten.map "p,c,pc->pc"(%p, %cp, %m_1) : (tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse>) -> tensor<?x?xi1, #ten.sparse> {
// CHECK-NEXT: ^bb0(%0: i32, %1: i32, %2: i32):
// CHECK-NEXT: %3 = arith.cmpi sle, %1, %0 : i32
// CHECK-NEXT: %4 = arith.cmpi slt, %1, %2 : i32
// CHECK-NEXT: %5 = arith.andi %3, %4 : i1
// CHECK-NEXT: %6 = arith.constant 4 : i32
// CHECK-NEXT: %7 = arith.subi %0, %1 : i32
// CHECK-NEXT: %8 = arith.cmpi slt, %7, %6 : i32
// CHECK-NEXT: %9 = arith.andi %5, %8 : i1
// CHECK-NEXT: ten.yield %9 : i1
// CHECK-NEXT: }
// CHECK-NEXT: %m_3 = ten.sparsify %m_2 : tensor<?x?xi1, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
// CHECK-NEXT: func.return %m_3 : tensor<?x?xi1, #ten.sparse>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @made_of_a_tensor(
func.func @made_of_a_tensor(%layer: index) -> tensor<4xf32> {
  %w = nn.weight @"norm.{}" from <"gamma.{}" plus one> at %layer of 3 : i64 : tensor<4xf32>
  func.return %w : tensor<4xf32>
}
// CHECK-NEXT: %w = ten.weight @"norm.{}" from ["norm.{}"] with {"norm.{}" = #ten.transform<"gamma.{}" plus one>} at %layer of 3 : i64 : tensor<4xf32>
// CHECK-NEXT: func.return %w : tensor<4xf32>
// CHECK-NEXT: }
