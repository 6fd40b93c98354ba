// RUN: VERIFY

func.func @too_few_operands(%x: tensor<?x4xf32>) {
  %y = ten.contract "pi,oi->po" (%x) : (tensor<?x4xf32>) -> tensor<?x4xf32>
  func.return
}
// CHECK: 'pi,oi->po' names 2 operands of 1

// -----

func.func @too_few_axes(%x: tensor<?x4xf32>) {
  %y = ten.reduce sum "p->p" %x : tensor<?x4xf32> -> tensor<?xf32>
  func.return
}
// CHECK: 'p' does not name the axes of tensor<?x4xf32>

// -----

func.func @one_axis_twice(%x: tensor<4x4xf32>) {
  %y = ten.reduce sum "ii->i" %x : tensor<4x4xf32> -> tensor<4xf32>
  func.return
}
// CHECK: 'ii' does not name the axes of tensor<4x4xf32>

// -----

func.func @two_extents(%x: tensor<?x4xf32>, %w: tensor<6x5xf32>) {
  %y = ten.contract "pi,oi->po" (%x, %w) : (tensor<?x4xf32>, tensor<6x5xf32>) -> tensor<?x6xf32>
  func.return
}
// CHECK: axis i is 4 and 5 long

// -----

func.func @an_axis_from_nowhere(%x: tensor<?x4xf32>) {
  %y = ten.reduce sum "pi->pj" %x : tensor<?x4xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: no operand has the axis j

// -----

func.func @map_that_loses_an_axis(%x: tensor<?x4xf32>) {
  %y = ten.map "pi->p" (%x) : (tensor<?x4xf32>) -> tensor<?xf32> {
  ^bb0(%a: f32):
    ten.yield %a : f32
  }
  func.return
}
// CHECK: a map keeps every axis, also i

// -----

func.func @map_of_other_elements(%x: tensor<?xf32>) {
  %y = ten.map "p->p" (%x) : (tensor<?xf32>) -> tensor<?xf64> {
  ^bb0(%a: f64):
    ten.yield %a : f64
  }
  func.return
}
// CHECK: the block's arguments are not the inputs' elements

// -----

func.func @map_without_a_yield(%x: tensor<?xf32>) {
  %y = ten.map "p->p" (%x) : (tensor<?xf32>) -> tensor<?xf32> {
  ^bb0(%a: f32):
    "test.termop"() : () -> ()
  }
  func.return
}
// CHECK: a map ends with ten.yield

// -----

func.func @map_that_yields_another_type(%x: tensor<?xf32>) {
  %y = ten.map "p->p" (%x) : (tensor<?xf32>) -> tensor<?xf64> {
  ^bb0(%a: f32):
    ten.yield %a : f32
  }
  func.return
}
// CHECK: a map to tensor<?xf64> yields f32

// -----

func.func @yield_outside(%x: f32) {
  ten.yield %x : f32
}
// CHECK: 'ten.yield' expects parent op 'ten.map'

// -----

func.func @unknown_reduction(%x: tensor<?x4xf32>) {
  %y = ten.reduce mean "pi->p" %x : tensor<?x4xf32> -> tensor<?xf32>
  func.return
}
// CHECK: Expected `sum`, `max`, or `min`

// -----

func.func @dense_booleans(%x: tensor<?x4xf32>, %m: tensor<?xi1>) {
  %y = ten.contract "pi,p->p" (%x, %m) : (tensor<?x4xf32>, tensor<?xi1>) -> tensor<?xf32>
  func.return
}
// CHECK: a boolean operand of a contraction must be sparse

// -----

func.func @gather_that_looks_nothing_up(%t: tensor<7x4xf32>, %n: tensor<?xi32>) {
  %y = ten.gather "ti,p->pti" %t, %n : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x7x4xf32>
  func.return
}
// CHECK: a gather looks up one axis of its table

// -----

func.func @gather_that_looks_two_axes_up(%t: tensor<7x4xf32>, %n: tensor<?xi32>) {
  %y = ten.gather "ti,p->p" %t, %n : tensor<7x4xf32>, tensor<?xi32> -> tensor<?xf32>
  func.return
}
// CHECK: a gather looks up one axis of its table

// -----

func.func @reshape_to_more(%x: tensor<?x4xf32>) {
  %y = ten.reshape %x : tensor<?x4xf32> -> tensor<?x3x2xf32>
  func.return
}
// CHECK: (-9223372036854775808, 4) and (-9223372036854775808, 3, 2) do not hold the same elements

// -----

func.func @reshape_across_an_unknown_extent(%x: tensor<2x?x2xf32>) {
  %y = ten.reshape %x : tensor<2x?x2xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: do not hold the same elements

// -----

func.func @reshape_to_another_type(%x: tensor<?x4xf32>) {
  %y = ten.reshape %x : tensor<?x4xf32> -> tensor<?x2x2xf32, #ten.sparse>
  func.return
}
// CHECK: a reshape changes nothing but the shape

// -----

func.func @slice_of_no_axis(%x: tensor<?x4xf32>) {
  %y = ten.slice %x axis 2 from 0 : tensor<?x4xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: no axis 2 in tensor<?x4xf32>

// -----

func.func @slice_of_two_axes(%x: tensor<6x4xf32>) {
  %y = ten.slice %x axis 1 from 0 : tensor<6x4xf32> -> tensor<5x3xf32>
  func.return
}
// CHECK: a slice cuts one axis only

// -----

func.func @slice_past_the_end(%x: tensor<?x4xf32>) {
  %y = ten.slice %x axis 1 from 3 : tensor<?x4xf32> -> tensor<?x2xf32>
  func.return
}
// CHECK: 3 to 5 exceeds the axis

// -----

func.func @slice_before_the_start(%x: tensor<?x4xf32>) {
  %y = ten.slice %x axis 1 from -1 : tensor<?x4xf32> -> tensor<?x2xf32>
  func.return
}
// CHECK: -1 to 1 exceeds the axis

// -----

func.func @sparsify(%x: tensor<?xf32>) {
  %y = ten.sparsify %x : tensor<?xf32> -> tensor<?xi1, #ten.sparse>
  func.return
}
// CHECK: only booleans can be made sparse

// -----

func.func @unknown_storage() {
  %w = ten.weight @w from ["w"] layout <tree 1 by 2> : tensor<6x4xf32>
  func.return
}
// CHECK: Expected `rows`, `arrays`, or `columns`

// -----

func.func @empty_chunks() {
  %w = ten.weight @w from ["w"] layout <arrays 1 by 0> : tensor<6x4xf32>
  func.return
}
// CHECK: a chunk has at least one element, of an axis from 0
