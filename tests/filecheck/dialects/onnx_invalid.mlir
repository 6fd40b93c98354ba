// RUN: VERIFY

func.func @yield_outside(%x: tensor<2xf32>) {
  onnx.yield %x : tensor<2xf32>
}
// CHECK: 'onnx.yield' expects parent op 'onnx.node'

// -----

func.func @yield_before_the_end(%x: tensor<2xf32>) {
  %y = onnx.node "If"(%x) version 16 : i64 of "" {
    onnx.yield %x : tensor<2xf32>
    %z = onnx.absent
  } : (tensor<2xf32>) -> tensor<2xf32>
  func.return
}
// CHECK: 'onnx.yield' must be the last operation in its parent block

// -----

func.func @input_that_is_no_tensor() {
  %x = onnx.input "X" : f32
  func.return
}
// CHECK: f32 should be of base attribute tensor

// -----

func.func @initializer_that_is_no_tensor() {
  %x = onnx.initializer "w" : none
  func.return
}
// CHECK: should be of base attribute tensor

// -----

func.func @constant_without_elements() {
  %x = onnx.constant 0.5 : f32 : tensor<f32>
  func.return
}
// CHECK: should be of base attribute dense
