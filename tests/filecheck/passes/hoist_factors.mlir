// RUN: sql-opt %s --hoist-factors | filecheck %s
// RUN: sql-opt %s --pass 'hoist-factors{target=sqlite}' | filecheck %s --check-prefix ROWS

// A norm: the gain is stored with the weight, the scale follows the sum.
// CHECK-LABEL: func.func @norm
// ROWS-LABEL: func.func @norm
func.func @norm(%x: tensor<?x4xf32>, %s: tensor<?xf32>, %layer: index) -> tensor<?x3xf32> {
  %g = ten.weight @"{}.g" from ["{}.g"] at %layer of 2 : i64 : tensor<4xf32>
  %n = ten.map "pi,p,i->pi"(%x, %s, %g) : (tensor<?x4xf32>, tensor<?xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.mulf %a, %b : f32
    %e = arith.mulf %d, %c : f32
    ten.yield %e : f32
  }
  %w = ten.weight @"{}.w" from ["{}.a", "{}.b"] at %layer of 2 : i64 : tensor<3x4xf32>
  %y = ten.contract "qj,oj->qo"(%n, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}
// CHECK:      %[[W:.*]] = ten.weight @"{}.w" from ["{}.a", "{}.b"] times "{}.g" at %layer of 2 : i64 : tensor<3x4xf32>
// CHECK-NEXT: %[[Y:.*]] = ten.contract "qj,oj->qo"(%x, %[[W]]) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
// CHECK-NEXT: %{{.*}} = ten.map "qo,q->qo"(%[[Y]], %s) : (tensor<?x3xf32>, tensor<?xf32>) -> tensor<?x3xf32> {
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[C:.*]] = arith.mulf %[[A]], %[[B]] : f32
// CHECK-NEXT: ten.yield %[[C]] : f32
// Where a sum is an aggregate, the scale would need a join of its own.
// ROWS:      times "{}.g"
// ROWS-NEXT: %[[N:.*]] = ten.map "qj,q->qj"(%x, %s)
// ROWS:      %y = ten.contract "qj,oj->qo"(%[[N]],

// A weight that is also looked up in stays as it is.
// CHECK-LABEL: func.func @tied
func.func @tied(%x: tensor<?x4xf32>, %s: tensor<?xf32>, %ids: tensor<?xi32>) -> (tensor<?x3xf32>, tensor<?x4xf32>) {
  %g = ten.weight @g from ["g"] : tensor<4xf32>
  %n = ten.map "pi,p,i->pi"(%x, %s, %g) : (tensor<?x4xf32>, tensor<?xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32, %c: f32):
    %d = arith.mulf %b, %c : f32
    %e = arith.mulf %a, %d : f32
    ten.yield %e : f32
  }
  %w = ten.weight @w from ["w"] : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%n, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %e = ten.gather "oi,p->pi" %w, %ids : tensor<3x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  func.return %y, %e : tensor<?x3xf32>, tensor<?x4xf32>
}
// CHECK:     ten.weight @w from ["w"] : tensor<3x4xf32>
// CHECK-NEXT: %[[N:.*]] = ten.map "pi,i->pi"(%x, %g)
// CHECK:     %[[Y:.*]] = ten.contract "pi,oi->po"(%[[N]], %w)
// CHECK-NEXT: ten.map "po,p->po"(%[[Y]], %s)

// A table is one tensor, whoever reads it.
// CHECK-LABEL: func.func @named_twice
func.func @named_twice(%x: tensor<?x4xf32>) -> (tensor<?x3xf32>, tensor<3x4xf32>) {
  %g = ten.weight @g from ["g"] : tensor<4xf32>
  %n = ten.map "pi,i->pi"(%x, %g) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    ten.yield %d : f32
  }
  %w = ten.weight @twice from ["w"] : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%n, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %v = ten.weight @twice from ["w"] : tensor<3x4xf32>
  func.return %y, %v : tensor<?x3xf32>, tensor<3x4xf32>
}
// CHECK: ten.contract "pi,oi->po"(%n, %w)

// No product, a factor that stands twice, and a sum that is 0 where a factor is absent.
// CHECK-LABEL: func.func @nothing_to_hoist
func.func @nothing_to_hoist(%x: tensor<?x4xf32>, %s: tensor<?xf32>, %t: tensor<?xf32, #ten.sparse>, %w: tensor<3x4xf32>) -> (tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>) {
  %n = ten.map "pi,p->pi"(%x, %s) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    ten.yield %c : f32
  }
  %y = ten.contract "pi,oi->po"(%n, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %m = ten.map "pi,p->pi"(%x, %s) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %b : f32
    %d = arith.mulf %c, %b : f32
    ten.yield %d : f32
  }
  %z = ten.contract "pi,oi->po"(%m, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  %k = ten.map "pi,p->pi"(%x, %t) : (tensor<?x4xf32>, tensor<?xf32, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %b : f32
    ten.yield %c : f32
  }
  %u = ten.contract "pi,oi->po"(%k, %w) : (tensor<?x4xf32, #ten.sparse>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return %y, %z, %u : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}
// CHECK: ten.contract "pi,oi->po"(%n, %w)
// CHECK: ten.contract "pi,oi->po"(%m, %w)
// CHECK: ten.contract "pi,oi->po"(%k, %w)

// A gain of one plus w is stored with the weight as well.
// CHECK-LABEL: func.func @one_plus_gain
// ROWS-LABEL: func.func @one_plus_gain
func.func @one_plus_gain(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %g = ten.weight @g from ["g"] with {g = #ten.transform<"g" plus one>} : tensor<4xf32>
  %n = ten.map "pi,i->pi"(%x, %g) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    ten.yield %d : f32
  }
  %w = ten.weight @up from ["up"] with {up = #ten.transform<"v" transposed>} : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%n, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}
// CHECK: ten.weight @up from ["up"] times "g" with {{{.*}}g = #ten.transform<"g" plus one>{{.*}}}
// ROWS:  times "g" with {{{.*}}up = #ten.transform<"v" transposed>{{.*}}}

// Two layers of one table, and each has the gain of its layer.
// CHECK-LABEL: func.func @both_layers
func.func @both_layers(%x: tensor<?x4xf32>, %l: index, %m: index) -> tensor<?x4xf32> {
  %g = ten.weight @"{}.gain" from ["{}.gain"] at %l of 2 : i64 : tensor<4xf32>
  %n = ten.map "pi,i->pi"(%x, %g) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    ten.yield %d : f32
  }
  %v = ten.weight @"{}.both_layers" from ["{}.both_layers"] at %l of 2 : i64 : tensor<4x4xf32>
  %y = ten.contract "pi,oi->po"(%n, %v) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %h = ten.weight @"{}.gain" from ["{}.gain"] at %m of 2 : i64 : tensor<4xf32>
  %o = ten.map "pi,i->pi"(%y, %h) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    ten.yield %d : f32
  }
  %w = ten.weight @"{}.both_layers" from ["{}.both_layers"] at %m of 2 : i64 : tensor<4x4xf32>
  %z = ten.contract "pi,oi->po"(%o, %w) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  func.return %z : tensor<?x4xf32>
}
// CHECK: times "{}.gain" at %l of 2
// CHECK: times "{}.gain" at %m of 2

// One of the layers has none: the table is stored as it is.
// CHECK-LABEL: func.func @one_layer
func.func @one_layer(%x: tensor<?x4xf32>, %l: index, %m: index) -> tensor<?x4xf32> {
  %g = ten.weight @"{}.gain" from ["{}.gain"] at %l of 2 : i64 : tensor<4xf32>
  %n = ten.map "pi,i->pi"(%x, %g) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    ten.yield %d : f32
  }
  %v = ten.weight @"{}.one_layer" from ["{}.one_layer"] at %l of 2 : i64 : tensor<4x4xf32>
  %y = ten.contract "pi,oi->po"(%n, %v) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %h = ten.weight @"{}.gain" from ["{}.gain"] at %m of 2 : i64 : tensor<4xf32>
  %o = ten.map "pi,i->pi"(%y, %h) : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: f32, %b: f32):
    %d = arith.addf %a, %b : f32
    ten.yield %d : f32
  }
  %w = ten.weight @"{}.one_layer" from ["{}.one_layer"] at %m of 2 : i64 : tensor<4x4xf32>
  %z = ten.contract "pi,oi->po"(%o, %w) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  func.return %z : tensor<?x4xf32>
}
// CHECK-NOT: times
