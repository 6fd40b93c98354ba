// RUN: ROUNDTRIP
// RUN: sql-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

func.func @operators() {
// CHECK-LABEL: func.func @operators
// GENERIC-LABEL: "func.func"() <{sym_name = "operators"
  %x = onnx.input "X" : tensor<2x3xf32>
  // CHECK-NEXT: %x = onnx.input "X" : tensor<2x3xf32>
  // GENERIC-NEXT: %x = "onnx.input"() <{symbol = "X"}> : () -> tensor<2x3xf32>
  %w = onnx.initializer "layer.0/two words" : tensor<3x4xf16>
  // CHECK-NEXT: %w = onnx.initializer "layer.0/two words" : tensor<3x4xf16>
  // GENERIC-NEXT: %w = "onnx.initializer"() <{symbol = "layer.0/two words"}> : () -> tensor<3x4xf16>
  // Elements are widened in the attribute; the type of the result says what they are.
  %c = onnx.constant dense<[0, 255]> : tensor<2xi64> : tensor<2xui8>
  // CHECK-NEXT: %c = onnx.constant dense<[0, 255]> : tensor<2xi64> : tensor<2xui8>
  // GENERIC-NEXT: %c = "onnx.constant"() <{value = dense<[0, 255]> : tensor<2xi64>}> : () -> tensor<2xui8>
  %a = onnx.absent
  // CHECK-NEXT: %a = onnx.absent
  // GENERIC-NEXT: %a = "onnx.absent"() : () -> none
  %k = onnx.constant dense<1> : tensor<1xi64> : tensor<1xi64>
  // CHECK-NEXT: %k = onnx.constant dense<1> : tensor<1xi64> : tensor<1xi64>
  // GENERIC-NEXT: %k = "onnx.constant"() <{value = dense<1> : tensor<1xi64>}> : () -> tensor<1xi64>
  %v, %i = onnx.node "TopK"(%x, %k) version 11 : i64 of "" attributes {axis = -1 : i64, largest = 0 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x1xf32>, tensor<2x1xi64>)
  // CHECK-NEXT: %v, %i = onnx.node "TopK"(%x, %k) version 11 : i64 of "" attributes {axis = -1 : i64, largest = 0 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x1xf32>, tensor<2x1xi64>)
  // GENERIC-NEXT: %v, %i = "onnx.node"(%x, %k) <{op_type = "TopK", version = 11 : i64, domain = ""}> {axis = -1 : i64, largest = 0 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x1xf32>, tensor<2x1xi64>)
  %p = onnx.node "Clip"(%x, %a, %a) version 13 : i64 of "" : (tensor<2x3xf32>, none, none) -> tensor<2x3xf32>
  // CHECK-NEXT: %p = onnx.node "Clip"(%x, %a, %a) version 13 : i64 of "" : (tensor<2x3xf32>, none, none) -> tensor<2x3xf32>
  // GENERIC-NEXT: %p = "onnx.node"(%x, %a, %a) <{op_type = "Clip", version = 13 : i64, domain = ""}> : (tensor<2x3xf32>, none, none) -> tensor<2x3xf32>
  %n = onnx.node "Binarizer"(%x) version 1 : i64 of "ai.onnx.ml" attributes {threshold = 5.000000e-01 : f32} : (tensor<2x3xf32>) -> none
  // CHECK-NEXT: %n = onnx.node "Binarizer"(%x) version 1 : i64 of "ai.onnx.ml" attributes {threshold = 5.000000e-01 : f32} : (tensor<2x3xf32>) -> none
  // GENERIC-NEXT: %n = "onnx.node"(%x) <{op_type = "Binarizer", version = 1 : i64, domain = "ai.onnx.ml"}> {threshold = 5.000000e-01 : f32} : (tensor<2x3xf32>) -> none
  %b = onnx.input "B" : tensor<i1>
  // CHECK-NEXT: %b = onnx.input "B" : tensor<i1>
  // GENERIC-NEXT: %b = "onnx.input"() <{symbol = "B"}> : () -> tensor<i1>
  // Graphs within a node are its regions.
  %z = onnx.node "If"(%b) version 16 : i64 of "" attributes {graphs = ["then_branch", "else_branch"]} {
  // CHECK-NEXT: %z = onnx.node "If"(%b) version 16 : i64 of "" attributes {graphs = ["then_branch", "else_branch"]} {
  // GENERIC-NEXT: %z = "onnx.node"(%b) <{op_type = "If", version = 16 : i64, domain = ""}> ({
    onnx.yield %x : tensor<2x3xf32>
    // CHECK-NEXT: onnx.yield %x : tensor<2x3xf32>
    // GENERIC-NEXT: "onnx.yield"(%x) : (tensor<2x3xf32>) -> ()
  } {
  // CHECK-NEXT: } {
  // GENERIC-NEXT: }, {
  ^bb0(%u: tensor<2x3xf32>):
  // CHECK-NEXT: ^bb0(%u: tensor<2x3xf32>):
  // GENERIC-NEXT: ^bb0(%u: tensor<2x3xf32>):
    onnx.yield %u, %u : tensor<2x3xf32>, tensor<2x3xf32>
    // CHECK-NEXT: onnx.yield %u, %u : tensor<2x3xf32>, tensor<2x3xf32>
    // GENERIC-NEXT: "onnx.yield"(%u, %u) : (tensor<2x3xf32>, tensor<2x3xf32>) -> ()
  } : (tensor<i1>) -> tensor<2x3xf32>
  // CHECK-NEXT: } : (tensor<i1>) -> tensor<2x3xf32>
  // GENERIC-NEXT: }) {graphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x3xf32>
  onnx.output %z to "Y" : tensor<2x3xf32>
  // CHECK-NEXT: onnx.output %z to "Y" : tensor<2x3xf32>
  // GENERIC-NEXT: "onnx.output"(%z) <{symbol = "Y"}> : (tensor<2x3xf32>) -> ()
  func.return
  // CHECK-NEXT: func.return
  // GENERIC-NEXT: "func.return"() : () -> ()
}
// GENERIC-NEXT: }) : () -> ()
