// RUN: sql-opt %s --pass 'batch-quant-groups{target=sqlite_64k}' | filecheck %s
// RUN: sql-opt %s --pass 'batch-quant-groups{target=sqlite}' | filecheck %s --check-prefix SMALL
// RUN: sql-opt %s --batch-quant-groups | filecheck %s --check-prefix KEPT

// A page of 64 kB keeps 16,422 bytes of a row, one of 4096 bytes 1,002: 27 and 1 groups of 64 with
// three scales each. A join with the operand has at most 2000 columns, which 15 groups have.
func.func @forward(%x: tensor<?x1536xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @w from ["w"] layout <lanes 1 by 64 of 8 bits in 3> : tensor<7x1536xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x1536xf32>, tensor<7x1536xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
// CHECK: ten.weight @w from ["w"] layout <lanes 1 by 768 of 8 bits in 3 groups 12>
// SMALL: ten.weight @w from ["w"] layout <lanes 1 by 64 of 8 bits in 3>
// KEPT: ten.weight @w from ["w"] layout <lanes 1 by 64 of 8 bits in 3>

func.func @small(%x: tensor<?x128xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @v from ["v"] layout <lanes 1 by 32 of 4 bits in 3> : tensor<7x128xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x128xf32>, tensor<7x128xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
// CHECK: ten.weight @v from ["v"] layout <lanes 1 by 128 of 4 bits in 3 groups 4>
// SMALL: ten.weight @v from ["v"] layout <lanes 1 by 64 of 4 bits in 3 groups 2>
// KEPT: ten.weight @v from ["v"] layout <lanes 1 by 32 of 4 bits in 3>
