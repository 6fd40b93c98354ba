// RUN: sql-opt %s --pass 'pack-lanes{doubles=true}' --convert-ten-to-rel | filecheck %s
// RUN: sql-opt %s --pass 'pack-lanes{doubles=true}' --convert-ten-to-rel --print-cost | filecheck %s --check-prefix COST

func.func @forward(%x: tensor<?x64xf32>) -> tensor<?x7xf32> {
  %w = ten.weight @w from ["w"] layout <lanes 1 by 64 of 8 bits in 1> : tensor<7x64xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x64xf32>, tensor<7x64xf32>) -> tensor<?x7xf32>
  func.return %y : tensor<?x7xf32>
}
// Two rows of 21 bits fit the 53 of a double, and a vector of these meets one of activations.
// CHECK: rel.table weight @w : <[o: 4, i: 1], v: vector<64xf64>, s: vector<2xf32>> from ["w"] layout <doubles 1 by 64 of 8 bits in 2>
// CHECK: {x = pack_double(x, slot, 64), m = max(m)}
// CHECK: {t0 = add(to_long(dot(x, v)), 1048576), s, m}
// CHECK: rel.select {{.*}} where lt(add(mul(o, 2), lane), 7)
// CHECK: if(eq(lane, 0), mul(mul(sub(bit_and(t0, 2097151), 1048576), element(s, 0)), m), mul(mul(shift_right(t0, 21), element(s, 1)), m))
// Four rows: 64 doubles, two scales of 4 bytes, and two keys.
// COST: rel.scan: 4 rows, 2,112 bytes
