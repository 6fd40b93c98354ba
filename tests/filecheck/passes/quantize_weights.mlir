// RUN: sql-opt %s --quantize-weights | filecheck %s
// RUN: sql-opt %s --pass 'quantize-weights{bits=4 group=4}' | filecheck %s --check-prefix SMALL
// RUN: sql-opt %s --pass 'quantize-weights{bits=16}' | filecheck %s --check-prefix HALF

// What is summed over, and looked up by rows.
// CHECK-LABEL: func.func @forward
// SMALL-LABEL: func.func @forward
func.func @forward(%x: tensor<?x10xf32>, %ids: tensor<?xi32>) {
  %w = ten.weight @w from ["w"] : tensor<7x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<7x10xf32>) -> tensor<?x7xf32>
  %e = ten.gather "ti,p->pi" %w, %ids : tensor<7x10xf32>, tensor<?xi32> -> tensor<?x10xf32>
  ten.output %y to @y ["p", "o"] : tensor<?x7xf32>
  ten.output %e to @e ["p", "i"] : tensor<?x10xf32>
  func.return
}
// CHECK: ten.weight @w from ["w"] layout <lanes 1 by 10 of 8 bits in 1>
// SMALL: ten.weight @w from ["w"] layout <lanes 1 by 4 of 4 bits in 1>
// HALF: ten.weight @w from ["w"] layout <halves 1 by 10>

// A gain, a weight summed over its first axis, one that is read whole: they stay.
// CHECK-LABEL: func.func @others
func.func @others(%x: tensor<?x10xf32>) {
  %g = ten.weight @g from ["g"] : tensor<10xf32>
  %w = ten.weight @w from ["w"] : tensor<10x7xf32>
  %u = ten.weight @u from ["u"] : tensor<7x10xf32>
  %z = ten.contract "pi,i->p"(%x, %g) : (tensor<?x10xf32>, tensor<10xf32>) -> tensor<?xf32>
  %y = ten.contract "pi,io->po"(%x, %w) : (tensor<?x10xf32>, tensor<10x7xf32>) -> tensor<?x7xf32>
  %v = ten.contract "pi,oi->po"(%x, %u) : (tensor<?x10xf32>, tensor<7x10xf32>) -> tensor<?x7xf32>
  ten.output %z to @z ["p"] : tensor<?xf32>
  ten.output %y to @y ["p", "o"] : tensor<?x7xf32>
  ten.output %v to @v ["p", "o"] : tensor<?x7xf32>
  ten.output %u to @u ["o", "i"] : tensor<7x10xf32>
  func.return
}
// CHECK: ten.weight @g from ["g"] : tensor<10xf32>
// CHECK: ten.weight @w from ["w"] : tensor<10x7xf32>
// CHECK: ten.weight @u from ["u"] : tensor<7x10xf32>
