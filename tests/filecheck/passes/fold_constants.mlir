// RUN: sql-opt %s --fold-constants | filecheck %s

// CHECK-LABEL: func.func @tensors
func.func @tensors() -> (tensor<2xf64>, tensor<2x2xf32>, tensor<4xi32>, tensor<2xi32>, tensor<2xi1>) {
  %x = ten.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf64> : tensor<2x2xf64>
  %n = ten.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32> : tensor<2x2xi32>
  %ids = ten.constant dense<[1, 0, 1]> : tensor<3xi32> : tensor<3xi32>
  %sum = ten.reduce sum "ij->i" %x : tensor<2x2xf64> -> tensor<2xf64>
  %square = ten.contract "ij,jk->ik"(%x, %x) : (tensor<2x2xf64>, tensor<2x2xf64>) -> tensor<2x2xf32>
  %flat = ten.reshape %n : tensor<2x2xi32> -> tensor<4xi32>
  %rows = ten.gather "ni,p->pi" %n, %ids : tensor<2x2xi32>, tensor<3xi32> -> tensor<3x2xi32>
  %last = ten.slice %rows axis 0 from 2 : tensor<3x2xi32> -> tensor<1x2xi32>
  %row = ten.reshape %last : tensor<1x2xi32> -> tensor<2xi32>
  %odd = ten.map "i->i"(%row) : (tensor<2xi32>) -> tensor<2xi1> {
  ^bb0(%v: i32):
    %three = arith.constant 3 : i32
    %is = arith.cmpi eq, %v, %three : i32
    ten.yield %is : i1
  }
  func.return %sum, %square, %flat, %row, %odd : tensor<2xf64>, tensor<2x2xf32>, tensor<4xi32>, tensor<2xi32>, tensor<2xi1>
}
// CHECK-NEXT: %sum = ten.constant dense<[3.000000e+00, 7.000000e+00]>
// CHECK-NEXT: %square = ten.constant dense<{{\[\[}}7.000000e+00, 1.000000e+01], [1.500000e+01, 2.200000e+01]]>
// CHECK-NEXT: %flat = ten.constant dense<[1, 2, 3, 4]>
// CHECK-NEXT: %row = ten.constant dense<[3, 4]>
// CHECK-NEXT: %odd = ten.constant dense<[true, false]>
// CHECK-NEXT: func.return

// CHECK-LABEL: func.func @scalars
func.func @scalars(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %two = ten.constant dense<2.0> : tensor<f32> : tensor<f32>
  %threes = ten.constant dense<3.0> : tensor<2xf32> : tensor<2xf32>
  %scaled = ten.map "pi,,i->pi"(%x, %two, %threes) : (tensor<?x2xf32>, tensor<f32>, tensor<2xf32>) -> tensor<?x2xf32> {
  ^bb0(%v: f32, %a: f32, %b: f32):
    %ab = arith.mulf %a, %b : f32
    %three = arith.constant 3 : i32
    %c = arith.sitofp %three : i32 to f32
    %is = arith.cmpf olt, %c, %ab : f32
    %d = arith.select %is, %ab, %c : f32
    %w = arith.mulf %v, %d : f32
    ten.yield %w : f32
  }
  func.return %scaled : tensor<?x2xf32>
}
// CHECK-NEXT: %scaled = ten.map "pi->pi"(%x) : (tensor<?x2xf32>) -> tensor<?x2xf32> {
// CHECK-NEXT: ^bb{{.*}}(%[[V:.*]]: f32):
// CHECK-NEXT:   %[[C:.*]] = arith.constant 6.000000e+00 : f32
// CHECK-NEXT:   %[[W:.*]] = arith.mulf %[[V]], %[[C]] : f32
// CHECK-NEXT:   ten.yield %[[W]] : f32

// An axis that only the constant has, a large result and a division by zero stay.
// CHECK-LABEL: func.func @stay
func.func @stay(%x: tensor<?xf32>) -> (tensor<?x2xf32>, tensor<65x64xf32>, tensor<?xf32>) {
  %threes = ten.constant dense<3.0> : tensor<2xf32> : tensor<2xf32>
  %outer = ten.map "p,i->pi"(%x, %threes) : (tensor<?xf32>, tensor<2xf32>) -> tensor<?x2xf32> {
  ^bb0(%v: f32, %a: f32):
    %w = arith.mulf %v, %a : f32
    ten.yield %w : f32
  }
  %a = ten.constant dense<1.0> : tensor<65xf32> : tensor<65xf32>
  %b = ten.constant dense<1.0> : tensor<64xf32> : tensor<64xf32>
  %large = ten.contract "i,j->ij"(%a, %b) : (tensor<65xf32>, tensor<64xf32>) -> tensor<65x64xf32>
  %infinite = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%v: f32):
    %one = arith.constant 1.0 : f32
    %zero = arith.constant 0.0 : f32
    %d = arith.divf %one, %zero : f32
    %w = arith.mulf %v, %d : f32
    ten.yield %w : f32
  }
  func.return %outer, %large, %infinite : tensor<?x2xf32>, tensor<65x64xf32>, tensor<?xf32>
}
// CHECK: ten.map "p,i->pi"(%x, %threes)
// CHECK: ten.contract "i,j->ij"
// CHECK: arith.divf

// A true boolean, all bits of which are one, counts as 1.
// CHECK-LABEL: func.func @truth
func.func @truth() -> tensor<2xi64> {
  %flags = ten.constant dense<[true, false]> : tensor<2xi1> : tensor<2xi1>
  %counts = ten.map "p->p"(%flags) : (tensor<2xi1>) -> tensor<2xi64> {
  ^bb0(%v: i1):
    %w = arith.extui %v : i1 to i64
    ten.yield %w : i64
  }
  func.return %counts : tensor<2xi64>
}
// CHECK: ten.constant dense<[1, 0]> : tensor<2xi64>
