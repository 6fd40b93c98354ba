// RUN: sql-opt %s --decompose-onnx | filecheck %s

// Inputs and outputs are tables; whatever its type, a float is computed with as f64.
// CHECK-LABEL: func.func @relu(
func.func @relu() {
  %x = onnx.input "X" : tensor<2x3xf32>
  %y = onnx.node "Relu"(%x) version 14 : i64 of "" : (tensor<2x3xf32>) -> tensor<2x3xf32>
  onnx.output %y to "Y" : tensor<2x3xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X ["a", "b"] "v" : tensor<2x3xf64>
// CHECK-NEXT: %[[ZERO:.*]] = ten.constant dense<0.000000e+00> : tensor<f64> : tensor<f64>
// CHECK-NEXT: %[[Y:.*]] = ten.map "ab,->ab"(%[[X]], %[[ZERO]]) : (tensor<2x3xf64>, tensor<f64>) -> tensor<2x3xf64> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f64, %[[B:.*]]: f64):
// CHECK-NEXT: %[[M:.*]] = arith.maximumf %[[A]], %[[B]] : f64
// CHECK-NEXT: ten.yield %[[M]] : f64
// CHECK-NEXT: }
// CHECK-NEXT: ten.output %[[Y]] to @output.Y ["a", "b"] : tensor<2x3xf64>
// CHECK-NEXT: func.return

// A transposed operand costs nothing but letters; weights stay f32 until an element is computed with.
// CHECK-LABEL: func.func @gemm(
func.func @gemm() {
  %x = onnx.input "X" : tensor<3x4xf32>
  %w = onnx.initializer "w" : tensor<5x4xf32>
  %b = onnx.initializer "b" : tensor<5xf32>
  %y = onnx.node "Gemm"(%x, %w, %b) version 13 : i64 of "" attributes {alpha = 5.000000e-01 : f32, transB = 1 : i64} : (tensor<3x4xf32>, tensor<5x4xf32>, tensor<5xf32>) -> tensor<3x5xf32>
  onnx.output %y to "Y" : tensor<3x5xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X ["a", "b"] "v" : tensor<3x4xf64>
// CHECK-NEXT: %[[W:.*]] = ten.weight @w from ["w"] : tensor<5x4xf32>
// CHECK-NEXT: %[[B:.*]] = ten.weight @b from ["b"] : tensor<5xf32>
// CHECK-NEXT: %[[P:.*]] = ten.contract "ik,jk->ij"(%[[X]], %[[W]]) : (tensor<3x4xf64>, tensor<5x4xf32>) -> tensor<3x5xf64>
// CHECK:      arith.mulf
// CHECK:      %[[Y:.*]] = ten.map "ab,b->ab"(%{{.*}}, %[[B]]) : (tensor<3x5xf64>, tensor<5xf32>) -> tensor<3x5xf64> {
// CHECK-NEXT: ^bb0(%{{.*}}: f64, %[[U:.*]]: f32):
// CHECK-NEXT: %{{.*}} = arith.extf %[[U]] : f32 to f64
// CHECK-NEXT: %{{.*}} = arith.addf
// CHECK:      ten.output %[[Y]] to @output.Y ["a", "b"] : tensor<3x5xf64>

// Windows are gathered, absent where they reach into the padding, and contracted with the taps.
// CHECK-LABEL: func.func @conv(
func.func @conv() {
  %x = onnx.input "X" : tensor<1x2x5xf32>
  %w = onnx.input "W" : tensor<4x2x3xf32>
  %y = onnx.node "Conv"(%x, %w) version 11 : i64 of "" attributes {pads = [1 : i64, 1 : i64], strides = [2 : i64]} : (tensor<1x2x5xf32>, tensor<4x2x3xf32>) -> tensor<1x4x3xf32>
  onnx.output %y to "Y" : tensor<1x4x3xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X
// CHECK-NEXT: %[[W:.*]] = ten.input @input.W
// CHECK:      ten.iota : tensor<3xi64>
// CHECK:      %[[PLACES:.*]] = ten.map "a,b->ab"(%{{.*}}, %{{.*}}) : (tensor<3xi64>, tensor<3xi64>) -> tensor<3x3xi64> {
// CHECK:      %[[SEEN:.*]] = ten.gather "abc,de->abde" %[[X]], %[[PLACES]] : tensor<1x2x5xf64>, tensor<3x3xi64> -> tensor<1x2x3x3xf64, #ten.sparse>
// CHECK-NEXT: %[[Y:.*]] = ten.contract "ncab,mcb->nma"(%[[SEEN]], %[[W]]) : (tensor<1x2x3x3xf64, #ten.sparse>, tensor<4x2x3xf64>) -> tensor<1x4x3xf64>
// CHECK-NEXT: ten.output %[[Y]] to @output.Y

// Negative indices count from the end.
// CHECK-LABEL: func.func @gather(
func.func @gather() {
  %x = onnx.input "X" : tensor<5x2xf32>
  %i = onnx.input "I" : tensor<3xi64>
  %y = onnx.node "Gather"(%x, %i) version 13 : i64 of "" : (tensor<5x2xf32>, tensor<3xi64>) -> tensor<3x2xf32>
  onnx.output %y to "Y" : tensor<3x2xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X ["a", "b"] "v" : tensor<5x2xf64>
// CHECK-NEXT: %[[I:.*]] = ten.input @input.I ["a"] "v" : tensor<3xi64>
// CHECK:      arith.cmpi slt
// CHECK:      ten.constant dense<5> : tensor<i64> : tensor<i64>
// CHECK:      %[[C:.*]] = ten.map "a,a,a->a"(%{{.*}}, %{{.*}}, %[[I]]) : (tensor<3xi1>, tensor<3xi64>, tensor<3xi64>) -> tensor<3xi64> {
// CHECK:      arith.select
// CHECK:      %[[Y:.*]] = ten.gather "ab,c->cb" %[[X]], %[[C]] : tensor<5x2xf64>, tensor<3xi64> -> tensor<3x2xf64>
// CHECK-NEXT: ten.output %[[Y]] to @output.Y ["a", "b"] : tensor<3x2xf64>

// CHECK-LABEL: func.func @concat(
func.func @concat() {
  %x = onnx.input "X" : tensor<2x3xf32>
  %z = onnx.input "Z" : tensor<2x1xf32>
  %y = onnx.node "Concat"(%x, %z, %x) version 13 : i64 of "" attributes {axis = -1 : i64} : (tensor<2x3xf32>, tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x7xf32>
  onnx.output %y to "Y" : tensor<2x7xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X
// CHECK-NEXT: %[[Z:.*]] = ten.input @input.Z
// CHECK-NEXT: %[[Y:.*]] = ten.concat %[[X]], %[[Z]], %[[X]] axis 1 : (tensor<2x3xf64>, tensor<2x1xf64>, tensor<2x3xf64>) -> tensor<2x7xf64>
// CHECK-NEXT: ten.output %[[Y]] to @output.Y

// Each element goes to its rank, of which those from 3 on are out of range.
// CHECK-LABEL: func.func @top_k(
func.func @top_k() {
  %x = onnx.input "X" : tensor<2x5xf32>
  %k = onnx.constant dense<3> : tensor<1xi64> : tensor<1xi64>
  %v, %i = onnx.node "TopK"(%x, %k) version 11 : i64 of "" : (tensor<2x5xf32>, tensor<1xi64>) -> (tensor<2x3xf32>, tensor<2x3xi64>)
  onnx.output %v to "V" : tensor<2x3xf32>
  onnx.output %i to "I" : tensor<2x3xi64>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X
// CHECK-NEXT: %[[RANK:.*]] = ten.rank descending %[[X]] axis 1 : tensor<2x5xf64> -> tensor<2x5xi64>
// CHECK-NEXT: %[[V:.*]] = ten.scatter "ab,ab->ac" %[[X]], %[[RANK]] : tensor<2x5xf64>, tensor<2x5xi64> -> tensor<2x3xf64>
// CHECK:      ten.iota : tensor<5xi64>
// CHECK:      %[[I:.*]] = ten.scatter "ab,ab->ac" %{{.*}}, %[[RANK]] : tensor<2x5xi64>, tensor<2x5xi64> -> tensor<2x3xi64>
// CHECK-NEXT: ten.output %[[V]] to @output.V
// CHECK-NEXT: ten.output %[[I]] to @output.I

// CHECK-LABEL: func.func @cumulative_sum(
func.func @cumulative_sum() {
  %x = onnx.input "X" : tensor<2x5xf32>
  %k = onnx.constant dense<-1> : tensor<i64> : tensor<i64>
  %y = onnx.node "CumSum"(%x, %k) version 14 : i64 of "" : (tensor<2x5xf32>, tensor<i64>) -> tensor<2x5xf32>
  onnx.output %y to "Y" : tensor<2x5xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X
// CHECK-NEXT: %[[Y:.*]] = ten.running_sum %[[X]] axis 1 : tensor<2x5xf64> -> tensor<2x5xf64>
// CHECK-NEXT: ten.output %[[Y]] to @output.Y

// CHECK-LABEL: func.func @mean(
func.func @mean() {
  %x = onnx.input "X" : tensor<2x3x4xf32>
  %y = onnx.node "ReduceMean"(%x) version 13 : i64 of "" attributes {axes = [-1 : i64, 0 : i64]} : (tensor<2x3x4xf32>) -> tensor<1x3x1xf32>
  onnx.output %y to "Y" : tensor<1x3x1xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X
// CHECK-NEXT: %[[SUM:.*]] = ten.reduce sum "abc->b" %[[X]] : tensor<2x3x4xf64> -> tensor<3xf64>
// CHECK-NEXT: %[[KEPT:.*]] = ten.reshape %[[SUM]] : tensor<3xf64> -> tensor<1x3x1xf64>
// CHECK-NEXT: ten.constant dense<8.000000e+00> : tensor<f64> : tensor<f64>
// CHECK:      arith.divf
// CHECK:      ten.output %{{.*}} to @output.Y ["a", "b", "c"] : tensor<1x3x1xf64>

// Booleans are integers in tables. An axis of extent 1 that is broadcast goes.
// CHECK-LABEL: func.func @where(
func.func @where() {
  %c = onnx.input "C" : tensor<3x1xi1>
  %x = onnx.input "X" : tensor<3x4xf32>
  %y = onnx.input "Y" : tensor<f32>
  %z = onnx.node "Where"(%c, %x, %y) version 16 : i64 of "" : (tensor<3x1xi1>, tensor<3x4xf32>, tensor<f32>) -> tensor<3x4xf32>
  onnx.output %z to "Z" : tensor<3x4xf32>
  func.return
}
// CHECK-NEXT: %[[C:.*]] = ten.input @input.C ["a", "b"] "v" : tensor<3x1xi64>
// CHECK:      arith.cmpi ne
// CHECK:      %[[X:.*]] = ten.input @input.X
// CHECK-NEXT: %[[Y:.*]] = ten.input @input.Y [] "v" : tensor<f64>
// CHECK-NEXT: %[[V:.*]] = ten.reshape %{{.*}} : tensor<3x1xi1> -> tensor<3xi1>
// CHECK-NEXT: %[[Z:.*]] = ten.map "a,ab,->ab"(%[[V]], %[[X]], %[[Y]]) : (tensor<3xi1>, tensor<3x4xf64>, tensor<f64>) -> tensor<3x4xf64> {
// CHECK:      arith.select
// CHECK:      ten.output %[[Z]] to @output.Z

// A block of numbers shares a scale and a zero point; their difference is wider than they are.
// CHECK-LABEL: func.func @dequantize(
func.func @dequantize() {
  %x = onnx.input "X" : tensor<4x6xi8>
  %s = onnx.initializer "s" : tensor<4x2xf32>
  %z = onnx.initializer "z" : tensor<4x2xi8>
  %y = onnx.node "DequantizeLinear"(%x, %s, %z) version 21 : i64 of "" attributes {axis = 1 : i64, block_size = 3 : i64} : (tensor<4x6xi8>, tensor<4x2xf32>, tensor<4x2xi8>) -> tensor<4x6xf32>
  onnx.output %y to "Y" : tensor<4x6xf32>
  func.return
}
// CHECK-NEXT: %[[X:.*]] = ten.input @input.X ["a", "b"] "v" : tensor<4x6xi64>
// CHECK-NEXT: %[[S:.*]] = ten.weight @s from ["s"] : tensor<4x2xf32>
// CHECK-NEXT: %[[Z:.*]] = ten.weight @z from ["z"] : tensor<4x2xi64>
// CHECK:      arith.divsi
// CHECK:      %[[ZERO:.*]] = ten.gather "ab,c->ac" %[[Z]], %{{.*}} : tensor<4x2xi64>, tensor<6xi64> -> tensor<4x6xi64>
// CHECK-NEXT: %[[D:.*]] = ten.map "ab,ab->ab"(%[[X]], %[[ZERO]]) : (tensor<4x6xi64>, tensor<4x6xi64>) -> tensor<4x6xi64> {
// CHECK:      arith.subi
// CHECK-NOT:  arith.andi
// CHECK:      %[[SCALE:.*]] = ten.gather "ab,c->ac" %[[S]], %{{.*}} : tensor<4x2xf32>, tensor<6xi64> -> tensor<4x6xf32>
// CHECK:      arith.mulf
// CHECK:      ten.output %{{.*}} to @output.Y

// 12 is 3 times 4; what is real has one part, of which each step makes two.
// CHECK-LABEL: func.func @fourier_transform(
func.func @fourier_transform() {
  %x = onnx.input "X" : tensor<2x12x1xf32>
  %y = onnx.node "DFT"(%x) version 20 : i64 of "" : (tensor<2x12x1xf32>) -> tensor<2x12x2xf32>
  onnx.output %y to "Y" : tensor<2x12x2xf32>
  func.return
}
// CHECK:      %[[T:.*]] = ten.gather "abc,de->debc" %{{.*}}, %{{.*}} : tensor<12x1x2xf64>, tensor<3x3xi64> -> tensor<3x3x1x2xf64>
// CHECK-NEXT: %[[A:.*]] = ten.contract "pabqx,acxy->pcbqy"(%{{.*}}, %[[T]]) : (tensor<2x3x4x1x1xf64>, tensor<3x3x1x2xf64>) -> tensor<2x3x4x1x2xf64>
// CHECK:      %[[U:.*]] = ten.gather "abc,def->defbc" %{{.*}}, %{{.*}} : tensor<12x2x2xf64>, tensor<4x3x4xi64> -> tensor<4x3x4x2x2xf64>
// CHECK-NEXT: %[[B:.*]] = ten.contract "pcbqx,bcdxy->pdcqy"(%[[A]], %[[U]]) : (tensor<2x3x4x1x2xf64>, tensor<4x3x4x2x2xf64>) -> tensor<2x4x3x1x2xf64>
// CHECK-NEXT: %[[Y:.*]] = ten.reshape %[[B]] : tensor<2x4x3x1x2xf64> -> tensor<2x12x2xf64>
// CHECK-NEXT: ten.output %[[Y]] to @output.Y

// Integers narrower than 64 bits wrap around.
// CHECK-LABEL: func.func @narrow_integers(
func.func @narrow_integers() {
  %x = onnx.input "X" : tensor<3xi8>
  %y = onnx.node "Add"(%x, %x) version 14 : i64 of "" : (tensor<3xi8>, tensor<3xi8>) -> tensor<3xi8>
  onnx.output %y to "Y" : tensor<3xi8>
  func.return
}
// CHECK-NEXT: ten.input @input.X ["a"] "v" : tensor<3xi64>
// CHECK:      arith.addi
// CHECK:      ten.constant dense<255>
// CHECK:      arith.andi
// CHECK:      arith.constant 128 : i64
// CHECK:      arith.xori
// CHECK:      arith.subi
// CHECK:      ten.output %{{.*}} to @output.Y ["a"] : tensor<3xi64>
// CHECK-NOT:  onnx.
