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
// CHECK: Expected `rows`, `arrays`, `columns`, `pivoted`, `halves`, `lanes`, or `doubles`

// -----

func.func @empty_chunks() {
  %w = ten.weight @w from ["w"] layout <arrays 1 by 0> : tensor<6x4xf32>
  func.return
}
// CHECK: a chunk has at least one element, of an axis from 0

// -----

func.func @unequal_columns() {
  %w = ten.weight @w from ["w"] layout <pivoted 1 by 4 in 3> : tensor<6x4xf32>
  func.return
}
// CHECK: 4 elements make no 3 columns of equal size

// -----

func.func @numbers_that_are_floats() {
  %y = ten.iota : tensor<5xf64>
  func.return
}
// CHECK: the numbers of an axis are a vector of i64

// -----

func.func @numbers_of_two_axes() {
  %y = ten.iota : tensor<5x5xi64>
  func.return
}
// CHECK: the numbers of an axis are a vector of i64

// -----

func.func @numbers_of_an_unknown_extent() {
  %y = ten.iota : tensor<?xi64>
  func.return
}
// CHECK: the numbers of an axis need a known extent

// -----

func.func @scatter_to_no_axis(%x: tensor<3x4xf64>, %n: tensor<3xi64>) {
  %y = ten.scatter "ij,i->j" %x, %n by sum : tensor<3x4xf64>, tensor<3xi64> -> tensor<4xf64>
  func.return
}
// CHECK: the result has no axis that the ids could number

// -----

func.func @scatter_to_two_axes(%x: tensor<3x4xf64>, %n: tensor<3xi64>) {
  %y = ten.scatter "ij,i->rsj" %x, %n by sum : tensor<3x4xf64>, tensor<3xi64> -> tensor<5x6x4xf64>
  func.return
}
// CHECK: no operand has the axis r, s

// -----

func.func @scatter_by_ids_of_another_extent(%x: tensor<3x4xf64>, %n: tensor<2xi64>) {
  %y = ten.scatter "ij,i->rj" %x, %n by sum : tensor<3x4xf64>, tensor<2xi64> -> tensor<5x4xf64>
  func.return
}
// CHECK: axis i is 3 and 2 long

// -----

func.func @concat_of_nothing() {
  %y = ten.concat axis 0 : () -> tensor<0xf64>
  func.return
}
// CHECK: no axis 0 in tensor<0xf64>

// -----

func.func @concat_along_no_axis(%x: tensor<3x4xf64>) {
  %y = ten.concat %x axis 2 : (tensor<3x4xf64>) -> tensor<3x4xf64>
  func.return
}
// CHECK: no axis 2 in tensor<3x4xf64>

// -----

func.func @concat_of_other_widths(%x: tensor<3x4xf64>, %z: tensor<3x5xf64>) {
  %y = ten.concat %x, %z axis 0 : (tensor<3x4xf64>, tensor<3x5xf64>) -> tensor<6x4xf64>
  func.return
}
// CHECK: the pieces differ on another axis

// -----

func.func @concat_to_more(%x: tensor<3x4xf64>) {
  %y = ten.concat %x, %x axis 0 : (tensor<3x4xf64>, tensor<3x4xf64>) -> tensor<7x4xf64>
  func.return
}
// CHECK: the pieces do not make 7

// -----

func.func @concat_of_other_elements(%x: tensor<3x4xf64>, %z: tensor<3x4xf32>) {
  %y = ten.concat %x, %z axis 0 : (tensor<3x4xf64>, tensor<3x4xf32>) -> tensor<6x4xf64>
  func.return
}
// CHECK: the pieces have other elements than the whole

// -----

func.func @fill_of_an_unknown_shape(%x: tensor<?xf64, #ten.sparse>) {
  %y = ten.fill %x with 0.0 : f64 : tensor<?xf64, #ten.sparse> -> tensor<?xf64>
  func.return
}
// CHECK: a tensor is filled in its own, known shape

// -----

func.func @fill_to_another_shape(%x: tensor<3x4xf64, #ten.sparse>) {
  %y = ten.fill %x with 0.0 : f64 : tensor<3x4xf64, #ten.sparse> -> tensor<4x3xf64>
  func.return
}
// CHECK: a tensor is filled in its own, known shape

// -----

func.func @fill_with_gaps(%x: tensor<3x4xf64, #ten.sparse>) {
  %y = ten.fill %x with 0.0 : f64 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xf64, #ten.sparse>
  func.return
}
// CHECK: filling changes nothing but what is absent

// -----

func.func @fill_to_another_type(%x: tensor<3x4xf64, #ten.sparse>) {
  %y = ten.fill %x with 0.0 : f64 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xf32>
  func.return
}
// CHECK: filling changes nothing but what is absent

// -----

func.func @rank_along_no_axis(%x: tensor<3x4xf64>) {
  %y = ten.rank %x axis 2 : tensor<3x4xf64> -> tensor<3x4xi64>
  func.return
}
// CHECK: no axis 2 in tensor<3x4xf64>

// -----

func.func @rank_before_the_first_axis(%x: tensor<3x4xf64>) {
  %y = ten.rank descending %x axis -1 : tensor<3x4xf64> -> tensor<3x4xi64>
  func.return
}
// CHECK: no axis -1 in tensor<3x4xf64>

// -----

func.func @rank_of_other_elements(%x: tensor<3x4xf64>) {
  %y = ten.rank %x axis 1 : tensor<3x4xf64> -> tensor<3x5xi64>
  func.return
}
// CHECK: each element has one place

// -----

func.func @running_sum_along_no_axis(%x: tensor<3x4xf64>) {
  %y = ten.running_sum %x axis 2 : tensor<3x4xf64> -> tensor<3x4xf64>
  func.return
}
// CHECK: no axis 2 in tensor<3x4xf64>

// -----

func.func @running_sum_of_another_type(%x: tensor<3x4xf64>) {
  %y = ten.running_sum %x axis 1 : tensor<3x4xf64> -> tensor<3x4xf32>
  func.return
}
// CHECK: a running sum has the type of its input

// -----

func.func @parts_of_rows() {
  %w = ten.weight @w from ["a", "b"] layout <lanes 1 by 4 of 8 bits in 1 parts 2> : tensor<6x8xf32>
  func.return
}
// CHECK: what lies in parts is stored in arrays or in columns

// -----

func.func @parts_of_the_chunked_axis() {
  %w = ten.weight @w from ["a", "b"] layout <arrays 0 by 4 parts 2> : tensor<6x8xf32>
  func.return
}
// CHECK: parts are of axis 0: chunks are of another

// -----

func.func @parts_of_several_indices() {
  %w = ten.weight @w from ["a"] layout <arrays 2 by 4 parts 2 of 1> : tensor<3x4x8xf32>
  func.return
}
// CHECK: 2 parts of axis 1: each is one index of it

// -----

func.func @one_part() {
  %w = ten.weight @w from ["a"] layout <arrays 2 by 4 parts 1 of 1> : tensor<3x1x8xf32>
  func.return
}
// CHECK: parts of axis 1: there are two at least

// -----

func.func @parts_of_no_axis() {
  %w = ten.weight @w from ["a"] layout <arrays 1 by 4 parts 2 of 3> : tensor<3x8xf32>
  func.return
}
// CHECK: 2 parts of axis 3: each is one index of it

// -----

func.func @parts_behind_the_chunks() {
  %w = ten.weight @w from ["a"] layout <arrays 0 by 3 parts 2 of 1> : tensor<3x2x8xf32>
  func.return
}
// CHECK: parts of axis 1: the chunks are of the last

// -----

func.func @layout_of_no_axis() {
  %w = ten.weight @w from ["w"] layout <arrays 7 by 4> : tensor<6x8xf32>
  func.return
}
// CHECK: a layout of axis 7 for 2 axes

// -----

func.func @parts_that_are_no_sources() {
  %w = ten.weight @w from ["a", "b"] layout <arrays 1 by 4 parts 3> : tensor<6x8xf32>
  func.return
}
// CHECK: 3 parts of 6 rows from 2 sources: each source is a part, of as many rows

// -----

func.func @no_transform() {
  %w = ten.weight @w from ["w"] with {"w" = 1 : i64} : tensor<6x8xf32>
  func.return
}
// CHECK: 1 : i64 for 'w' is no transform
