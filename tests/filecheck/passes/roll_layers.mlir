// RUN: sql-opt %s --roll-layers | filecheck %s

// CHECK-LABEL: func.func @chain(
func.func @chain(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w : tensor<4x4xf32>
  %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %w2 = nn.weight @l.2.w : tensor<4x4xf32>
  %y2 = nn.linear %y1, %w2 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  func.return %y2 : tensor<?x4xf32>
}
// CHECK-NEXT: %0 = arith.constant 0 : index
// CHECK-NEXT: %1 = arith.constant 3 : index
// CHECK-NEXT: %2 = arith.constant 1 : index
// CHECK-NEXT: %y2 = scf.for %3 = %0 to %1 step %2 iter_args(%x_1 = %x) -> (tensor<?x4xf32>) {
// CHECK-NEXT: %w0 = nn.weight @"l.{}.w" at %3 of 3 : i64 : tensor<4x4xf32>
// CHECK-NEXT: %y0 = nn.linear %x_1, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: scf.yield %y0 : tensor<?x4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: func.return %y2 : tensor<?x4xf32>
// CHECK-NEXT: }

// Ops before and after stay, and so do values that all layers use; each cache is that of a layer.
// CHECK-LABEL: func.func @attention(
func.func @attention(%t: tensor<?x4xf32>, %m: tensor<?x?xi1, #ten.sparse>) -> tensor<?x4xf32> {
  %x = nn.silu %t : tensor<?x4xf32> -> tensor<?x4xf32>
  %a0 = nn.attention %x, %x, %x mask %m cache @cache.0 heads 1 kv_heads 1 scale 0.5 : f64 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x4xf32>
  %x0 = nn.add %x, %a0 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %a1 = nn.attention %x0, %x0, %x0 mask %m cache @cache.1 heads 1 kv_heads 1 scale 0.5 : f64 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x4xf32>
  %x1 = nn.add %x0, %a1 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %y = nn.mul %x1, %t : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %y : tensor<?x4xf32>
}
// CHECK-NEXT: %x = nn.silu %t : tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %0 = arith.constant 0 : index
// CHECK-NEXT: %1 = arith.constant 2 : index
// CHECK-NEXT: %2 = arith.constant 1 : index
// CHECK-NEXT: %x1 = scf.for %3 = %0 to %1 step %2 iter_args(%x_1 = %x) -> (tensor<?x4xf32>) {
// CHECK-NEXT: %a0 = nn.attention %x_1, %x_1, %x_1 mask %m cache @"cache.{}" at %3 of 2 : i64 heads 1 kv_heads 1 scale 5.000000e-01 : f64 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x4xf32>
// CHECK-NEXT: %x0 = nn.add %x_1, %a0 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: scf.yield %x0 : tensor<?x4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: %y = nn.mul %x1, %t : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: func.return %y : tensor<?x4xf32>
// CHECK-NEXT: }

// A loop may carry several values.
// CHECK-LABEL: func.func @two_carried(
func.func @two_carried(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z0 = nn.add %z, %y0 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w : tensor<4x4xf32>
  %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z1 = nn.add %z0, %y1 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %z1 : tensor<?x4xf32>
}
// CHECK-NEXT: %0 = arith.constant 0 : index
// CHECK-NEXT: %1 = arith.constant 2 : index
// CHECK-NEXT: %2 = arith.constant 1 : index
// CHECK-NEXT: %y1, %z1 = scf.for %3 = %0 to %1 step %2 iter_args(%x_1 = %x, %z_1 = %z) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
// CHECK-NEXT: %w0 = nn.weight @"l.{}.w" at %3 of 2 : i64 : tensor<4x4xf32>
// CHECK-NEXT: %y0 = nn.linear %x_1, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %z0 = nn.add %z_1, %y0 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: scf.yield %y0, %z0 : tensor<?x4xf32>, tensor<?x4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: func.return %z1 : tensor<?x4xf32>
// CHECK-NEXT: }

// Nothing is rolled: the inside of a layer is used later, or the layers are not numbered from 0.
// CHECK-LABEL: func.func @escapes(
func.func @escapes(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w : tensor<4x4xf32>
  %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z = nn.add %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %z : tensor<?x4xf32>
}
// CHECK-NEXT: %w0 = nn.weight @l.0.w : tensor<4x4xf32>
// CHECK-NEXT: %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %w1 = nn.weight @l.1.w : tensor<4x4xf32>
// CHECK-NEXT: %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %z = nn.add %y0, %y1 : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: func.return %z : tensor<?x4xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func @numbers(
func.func @numbers(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.1.w : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.2.w : tensor<4x4xf32>
  %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  func.return %y1 : tensor<?x4xf32>
}
// CHECK-NEXT: %w0 = nn.weight @l.1.w : tensor<4x4xf32>
// CHECK-NEXT: %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %w1 = nn.weight @l.2.w : tensor<4x4xf32>
// CHECK-NEXT: %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: func.return %y1 : tensor<?x4xf32>
// CHECK-NEXT: }

// What weights are made of has the number of the layer as well.
// CHECK-LABEL: func.func @made_of_tensors(
func.func @made_of_tensors(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w from <"l.0.vw" rows 4 to 8 of 8> : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w from <"l.1.vw" rows 4 to 8 of 8> : tensor<4x4xf32>
  %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  func.return %y1 : tensor<?x4xf32>
}
// CHECK: %w0 = nn.weight @"l.{}.w" from <"l.{}.vw" rows 4 to 8 of 8> at %3 of 2 : i64 : tensor<4x4xf32>

// CHECK-LABEL: func.func @made_of_another_layer(
func.func @made_of_another_layer(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w from <"l.0.v" transposed> : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w from <"l.0.v" transposed> : tensor<4x4xf32>
  %y1 = nn.linear %y0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  func.return %y1 : tensor<?x4xf32>
}
// CHECK-NOT: scf.for

// Layers in a pattern of two: a round runs the layers 2 * %3 and 2 * %3 + 1.
// CHECK-LABEL: func.func @pattern(
func.func @pattern(%x: tensor<?x4xf32>, %a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z0 = nn.add %y0, %a : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w : tensor<4x4xf32>
  %y1 = nn.linear %z0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z1 = nn.add %y1, %b : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w2 = nn.weight @l.2.w : tensor<4x4xf32>
  %y2 = nn.linear %z1, %w2 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z2 = nn.add %y2, %a : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w3 = nn.weight @l.3.w : tensor<4x4xf32>
  %y3 = nn.linear %z2, %w3 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z3 = nn.add %y3, %b : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %z3 : tensor<?x4xf32>
}
// CHECK-NEXT: %0 = arith.constant 0 : index
// CHECK-NEXT: %1 = arith.constant 2 : index
// CHECK-NEXT: %2 = arith.constant 1 : index
// CHECK-NEXT: %z3 = scf.for %3 = %0 to %1 step %2 iter_args(%x_1 = %x) -> (tensor<?x4xf32>) {
// CHECK-NEXT: %4 = arith.constant 2 : index
// CHECK-NEXT: %5 = arith.muli %3, %4 : index
// CHECK-NEXT: %6 = arith.constant 1 : index
// CHECK-NEXT: %7 = arith.addi %5, %6 : index
// CHECK-NEXT: %w0 = nn.weight @"l.{}.w" at %5 of 4 : i64 : tensor<4x4xf32>
// CHECK-NEXT: %y0 = nn.linear %x_1, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %z0 = nn.add %y0, %a : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %w1 = nn.weight @"l.{}.w" at %7 of 4 : i64 : tensor<4x4xf32>
// CHECK-NEXT: %y1 = nn.linear %z0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: %z1 = nn.add %y1, %b : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
// CHECK-NEXT: scf.yield %z1 : tensor<?x4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: func.return %z3 : tensor<?x4xf32>
// CHECK-NEXT: }

// The second half runs another way round.
// CHECK-LABEL: func.func @no_pattern(
func.func @no_pattern(%x: tensor<?x4xf32>, %a: tensor<?x4xf32>, %b: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %w0 = nn.weight @l.0.w : tensor<4x4xf32>
  %y0 = nn.linear %x, %w0 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z0 = nn.add %y0, %a : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w1 = nn.weight @l.1.w : tensor<4x4xf32>
  %y1 = nn.linear %z0, %w1 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z1 = nn.add %y1, %b : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w2 = nn.weight @l.2.w : tensor<4x4xf32>
  %y2 = nn.linear %z1, %w2 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z2 = nn.add %y2, %b : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  %w3 = nn.weight @l.3.w : tensor<4x4xf32>
  %y3 = nn.linear %z2, %w3 : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
  %z3 = nn.add %y3, %a : tensor<?x4xf32>, tensor<?x4xf32> -> tensor<?x4xf32>
  func.return %z3 : tensor<?x4xf32>
}
// CHECK-NOT: scf.for
