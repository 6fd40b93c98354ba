// RUN: sql-opt %s --fuse-elementwise | filecheck %s

// CHECK-LABEL: func.func @gated
func.func @gated(%gate: tensor<?x4xf32>, %up: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %squared = ten.map "pi->pi"(%gate) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%v: f32):
    %w = arith.mulf %v, %v : f32
    ten.yield %w : f32
  }
  %product = ten.map "pi,pi->pi"(%squared, %up) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    ten.yield %c : f32
  }
  func.return %product : tensor<?x4xf32>
}
// CHECK-NEXT: %product = ten.map "pi,pi->pi"(%gate, %up) : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32> {
// CHECK-NEXT: ^bb{{.*}}(%[[V:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT:   %[[W:.*]] = arith.mulf %[[V]], %[[V]] : f32
// CHECK-NEXT:   %[[C:.*]] = arith.addf %[[W]], %[[B]] : f32
// CHECK-NEXT:   ten.yield %[[C]] : f32
// CHECK-NEXT: }
// CHECK-NEXT: func.return %product

// The letters of the producer become those of its user; an operand of both becomes one argument.
// CHECK-LABEL: func.func @renamed
func.func @renamed(%x: tensor<?x4xf32>, %row: tensor<?xf32, #ten.sparse>) -> tensor<4x?xf32, #ten.sparse> {
  %scaled = ten.map "ab,a->ab"(%x, %row) : (tensor<?x4xf32>, tensor<?xf32, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
  ^bb0(%v: f32, %r: f32):
    %w = arith.mulf %v, %r : f32
    ten.yield %w : f32
  }
  %shifted = ten.map "p,pi->ip"(%row, %scaled) : (tensor<?xf32, #ten.sparse>, tensor<?x4xf32, #ten.sparse>) -> tensor<4x?xf32, #ten.sparse> {
  ^bb0(%r: f32, %v: f32):
    %w = arith.subf %v, %r : f32
    ten.yield %w : f32
  }
  func.return %shifted : tensor<4x?xf32, #ten.sparse>
}
// CHECK-NEXT: ten.map "p,pi->ip"(%row, %x) : (tensor<?xf32, #ten.sparse>, tensor<?x4xf32>) -> tensor<4x?xf32, #ten.sparse> {
// CHECK-NEXT: ^bb{{.*}}(%[[R:.*]]: f32, %[[V:.*]]: f32):
// CHECK-NEXT:   %[[W:.*]] = arith.mulf %[[V]], %[[R]] : f32
// CHECK-NEXT:   %[[D:.*]] = arith.subf %[[W]], %[[R]] : f32
// CHECK-NEXT:   ten.yield %[[D]] : f32

// A scale for each row is not computed again for each element.
// CHECK-LABEL: func.func @broadcast
func.func @broadcast(%x: tensor<?x4xf32>, %total: tensor<?xf32>) -> tensor<?x4xf32> {
  %scale = ten.map "p->p"(%total) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%t: f32):
    %s = math.rsqrt %t : f32
    ten.yield %s : f32
  }
  %scaled = ten.map "pi,p->pi"(%x, %scale) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32> {
  ^bb0(%v: f32, %s: f32):
    %w = arith.mulf %v, %s : f32
    ten.yield %w : f32
  }
  func.return %scaled : tensor<?x4xf32>
}
// CHECK-NEXT: ten.map "p->p"(%total)
// CHECK: ten.map "pi,p->pi"(%x, %scale)

// CHECK-LABEL: func.func @used_twice
func.func @used_twice(%x: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %a = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%v: f32):
    %e = math.exp %v : f32
    ten.yield %e : f32
  }
  %b = ten.map "p->p"(%a) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%v: f32):
    %n = arith.negf %v : f32
    ten.yield %n : f32
  }
  %c = ten.map "p->p"(%x) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%v: f32):
    %e = math.exp %v : f32
    ten.yield %e : f32
  }
  %d = ten.map "p->p"(%c) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%v: f32):
    %n = arith.negf %v : f32
    %s = arith.mulf %n, %n : f32
    ten.yield %s : f32
  }
  func.return %a, %b, %d : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}
// CHECK-COUNT-4: ten.map
