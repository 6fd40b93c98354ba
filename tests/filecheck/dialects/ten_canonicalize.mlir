// RUN: sql-opt %s --canonicalize | filecheck %s

// CHECK-LABEL: func.func @reshape_of_reshape
func.func @reshape_of_reshape(%x: tensor<?x4x2x8xf32>) -> tensor<?x8x8xf32> {
  %flat = ten.reshape %x : tensor<?x4x2x8xf32> -> tensor<?x64xf32>
  %split = ten.reshape %flat : tensor<?x64xf32> -> tensor<?x8x8xf32>
  func.return %split : tensor<?x8x8xf32>
}
// CHECK-NEXT: %split = ten.reshape %x : tensor<?x4x2x8xf32> -> tensor<?x8x8xf32>
// CHECK-NEXT: func.return %split

// CHECK-LABEL: func.func @there_and_back
func.func @there_and_back(%x: tensor<?x8xf32, #ten.sparse>) -> tensor<?x8xf32, #ten.sparse> {
  %split = ten.reshape %x : tensor<?x8xf32, #ten.sparse> -> tensor<?x2x4xf32, #ten.sparse>
  %flat = ten.reshape %split : tensor<?x2x4xf32, #ten.sparse> -> tensor<?x8xf32, #ten.sparse>
  func.return %flat : tensor<?x8xf32, #ten.sparse>
}
// CHECK-NEXT: func.return %x

// CHECK-LABEL: func.func @whole_axis
func.func @whole_axis(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %all = ten.slice %x axis 1 from 0 : tensor<?x8xf32> -> tensor<?x8xf32>
  func.return %all : tensor<?x8xf32>
}
// CHECK-NEXT: func.return %x

// CHECK-LABEL: func.func @slice_of_slice
func.func @slice_of_slice(%x: tensor<9x8xf32>) -> (tensor<9x2xf32>, tensor<3x5xf32>) {
  %a = ten.slice %x axis 1 from 2 : tensor<9x8xf32> -> tensor<9x5xf32>
  %b = ten.slice %a axis 1 from 3 : tensor<9x5xf32> -> tensor<9x2xf32>
  %c = ten.slice %a axis 0 from 4 : tensor<9x5xf32> -> tensor<3x5xf32>
  func.return %b, %c : tensor<9x2xf32>, tensor<3x5xf32>
}
// CHECK-NEXT: %a = ten.slice %x axis 1 from 2
// CHECK-NEXT: %b = ten.slice %x axis 1 from 5 : tensor<9x8xf32> -> tensor<9x2xf32>
// CHECK-NEXT: %c = ten.slice %a axis 0 from 4
// CHECK-NEXT: func.return %b, %c

// What is written stays, and what nobody reads goes.
// CHECK-LABEL: func.func @sinks
func.func @sinks(%x: tensor<?x2xf32>) {
  %y = ten.map "pi->pi"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> {
  ^bb0(%v: f32):
    %n = arith.negf %v : f32
    ten.yield %n : f32
  }
  ten.append %y to @state ["c", "d"] : tensor<?x2xf32>
  %unread = ten.read @state ["c", "d"] : tensor<?x2xf32>
  ten.output %x to @out ["p", "i"] : tensor<?x2xf32>
  func.return
}
// CHECK-NEXT: %y = ten.map "pi->pi"(%x)
// CHECK: ten.append %y to @state
// CHECK-NEXT: ten.output %x to @out
// CHECK-NEXT: func.return
