// RUN: sql-opt %s --pack-lanes | filecheck %s
// RUN: sql-opt %s --pass 'pack-lanes{lanes=2}' | filecheck %s --check-prefix TWO
// RUN: not sql-opt %s --pass 'pack-lanes{lanes=4}' 2>&1 | filecheck %s --check-prefix FOUR
// RUN: sql-opt %s --pass 'pack-lanes{doubles=true}' | filecheck %s --check-prefix DOUBLES
// RUN: not sql-opt %s --pass 'pack-lanes{lanes=3 doubles=true}' 2>&1 | filecheck %s --check-prefix THREE

func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @w from ["w"] layout <lanes 1 by 64 of 8 bits in 1> : tensor<7x64xf32>
  %u = ten.weight @u from ["u"] layout <arrays 1 by 64> : tensor<7x64xf32>
  %v = ten.map "oi,oi->oi"(%w, %u) : (tensor<7x64xf32>, tensor<7x64xf32>) -> tensor<7x64xf32> {
  ^bb0(%a: f32, %b: f32):
    ten.yield %a : f32
  }
  %y = ten.contract "pi,oi->po"(%x, %v) : (tensor<?x64xf32>, tensor<7x64xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
// 64 products of magnitudes up to 127 need 21 bits with their sign.
// CHECK: ten.weight @w from ["w"] layout <lanes 1 by 64 of 8 bits in 3>
// CHECK: ten.weight @u from ["u"] layout <arrays 1 by 64>
// TWO: layout <lanes 1 by 64 of 8 bits in 2>
// FOUR: sql-opt: pack-lanes: @w: 4 lanes of 21 bits each, which sums of 64 products may need, do not fit the 63 bits of an integer
// DOUBLES: ten.weight @w from ["w"] layout <doubles 1 by 64 of 8 bits in 2>
// THREE: sql-opt: pack-lanes: @w: 3 lanes of 21 bits each, which sums of 64 products may need, do not fit the 53 bits of a double
