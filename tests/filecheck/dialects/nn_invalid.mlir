// RUN: VERIFY

func.func @embedding(%t: tensor<7x4xf32>, %n: tensor<?xi32>) {
  %r = nn.embedding %t, %n : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x5xf32>
  func.return
}
// CHECK: rows of tensor<?x5xf32> are not 4 wide

// -----

func.func @transposed_vector() {
  %w = nn.weight @w from <"t" transposed> : tensor<4xf32>
  func.return
}
// CHECK: a weight of 1 axes is no transposed matrix

// -----

func.func @rows_of_another_number() {
  %w = nn.weight @w from <"t" rows 4 to 9 of 12> : tensor<4x2xf32>
  func.return
}
// CHECK: rows 4 to 9 of 12 are not the 4 of the weight

// -----

func.func @axes_of_another_grid() {
  %w = nn.weight @w from <"t" grid [2, 2] axes [0, 2]> : tensor<4x2xf32>
  func.return
}
// CHECK: [0, 2] is no order of the axes of the grid [2, 2]

// -----

func.func @small_grid() {
  %w = nn.weight @w from <"t" grid [2, 3] axes [1, 0]> : tensor<4x2xf32>
  func.return
}
// CHECK: the grid [2, 3] does not hold 4 rows

// -----

func.func @linear_of_another_width(%x: tensor<?x5xf32>, %w: tensor<6x4xf32>) {
  %r = nn.linear %x, %w : tensor<?x5xf32>, tensor<6x4xf32> -> tensor<?x6xf32>
  func.return
}
// CHECK: rows of tensor<?x5xf32> are not 4 wide

// -----

func.func @linear_to_another_width(%x: tensor<?x4xf32>, %w: tensor<6x4xf32>) {
  %r = nn.linear %x, %w : tensor<?x4xf32>, tensor<6x4xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: rows of tensor<?x4xf32> are not 6 wide

// -----

func.func @norm_with_a_short_gain(%x: tensor<?x4xf32>, %g: tensor<3xf32>) {
  %r = nn.rms_norm %x, %g epsilon 0.1 : f64 : tensor<?x4xf32>, tensor<3xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: rows of tensor<?x4xf32> are not made of pieces 3 wide

// -----

func.func @norm_to_another_type(%x: tensor<?x4xf32>, %g: tensor<4xf32>) {
  %r = nn.rms_norm %x, %g epsilon 0.1 : f64 : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf64>
  func.return
}
// CHECK: a norm does not change the type

// -----

func.func @short_bias(%x: tensor<?x4xf32>, %b: tensor<3xf32>) {
  %r = nn.add_bias %x, %b : tensor<?x4xf32>, tensor<3xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: rows of tensor<?x4xf32> are not 3 wide

// -----

func.func @bias_to_another_type(%x: tensor<?x4xf32>, %b: tensor<4xf32>) {
  %r = nn.add_bias %x, %b : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf64>
  func.return
}
// CHECK: a bias does not change the type

// -----

func.func @rotary(%p: tensor<?xi32>) {
  %r = nn.rotary %p, dense<[1.0, 0.5]> : tensor<2xf64> : tensor<?xi32> -> tensor<?x2x2x4xf32>
  func.return
}
// CHECK: rows of tensor<?x2x2x4xf32> are not 2 wide

// -----

func.func @rope(%x: tensor<?x6xf32>, %r: tensor<?x2x2x2xf32>) {
  %y = nn.rope %x, %r : tensor<?x6xf32>, tensor<?x2x2x2xf32> -> tensor<?x6xf32>
  func.return
}
// CHECK: a row of 6 is not made of heads 4 wide

// -----

func.func @dense_mask(%p: tensor<?xi32>, %u: tensor<?x?xi32, #ten.sparse>) {
  %m = nn.causal_mask batch(%p, %p) context(%p, %p) until %u : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1>
  func.return
}
// CHECK: a mask is sparse

// -----

func.func @no_window(%p: tensor<?xi32>, %u: tensor<?x?xi32, #ten.sparse>) {
  %m = nn.causal_mask batch(%p, %p) context(%p, %p) until %u window 0 : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?xi32>, tensor<?x?xi32, #ten.sparse> -> tensor<?x?xi1, #ten.sparse>
  func.return
}
// CHECK: a window shows at least a row's own position

// -----

func.func @uneven_heads(%q: tensor<?x6xf32>, %k: tensor<?x4xf32>, %m: tensor<?x?xi1, #ten.sparse>) {
  %y = nn.attention %q, %k, %k mask %m cache @c heads 3 kv_heads 2 scale 0.5 : f64 : tensor<?x6xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x6xf32>
  func.return
}
// CHECK: 3 heads do not share 2 key-value heads evenly

// -----

func.func @query_of_broken_heads(%q: tensor<?x7xf32>, %k: tensor<?x3xf32>, %m: tensor<?x?xi1, #ten.sparse>) {
  %y = nn.attention %q, %k, %k mask %m cache @c heads 2 kv_heads 1 scale 0.5 : f64 : tensor<?x7xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x7xf32>
  func.return
}
// CHECK: rows of tensor<?x7xf32> are not 6 wide

// -----

func.func @wide_keys(%q: tensor<?x8xf32>, %k: tensor<?x8xf32>, %v: tensor<?x4xf32>, %m: tensor<?x?xi1, #ten.sparse>) {
  %y = nn.attention %q, %k, %v mask %m cache @c heads 2 kv_heads 1 scale 0.5 : f64 : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  func.return
}
// CHECK: rows of tensor<?x8xf32> are not 4 wide

// -----

func.func @narrow_values(%q: tensor<?x8xf32>, %k: tensor<?x4xf32>, %v: tensor<?x2xf32>, %m: tensor<?x?xi1, #ten.sparse>) {
  %y = nn.attention %q, %k, %v mask %m cache @c heads 2 kv_heads 1 scale 0.5 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x2xf32>, tensor<?x?xi1, #ten.sparse> -> tensor<?x8xf32>
  func.return
}
// CHECK: rows of tensor<?x2xf32> are not 4 wide

// -----

func.func @attention_with_a_dense_mask(%q: tensor<?x8xf32>, %k: tensor<?x4xf32>, %m: tensor<?x?xi1>) {
  %y = nn.attention %q, %k, %k mask %m cache @c heads 2 kv_heads 1 scale 0.5 : f64 : tensor<?x8xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x?xi1> -> tensor<?x8xf32>
  func.return
}
// CHECK: a mask is sparse

// -----

func.func @silu(%x: tensor<?x4xf32>) {
  %y = nn.silu %x : tensor<?x4xf32> -> tensor<?x5xf32>
  func.return
}
// CHECK: requires the same type for all operands and results

// -----

func.func @add(%x: tensor<?x4xf32>, %y: tensor<4xf32>) {
  %z = nn.add %x, %y : tensor<?x4xf32>, tensor<4xf32> -> tensor<?x4xf32>
  func.return
}
// CHECK: requires the same type for all operands and results

// -----

func.func @scale(%x: tensor<?x4xf32>) {
  %y = nn.scale %x by 2.0 : f64 : tensor<?x4xf32> -> tensor<?x5xf32>
  func.return
}
// CHECK: requires the same type for all operands and results

// -----

func.func @filter(%x: tensor<?x4xf32>, %flags: tensor<?xi32>) {
  %y = nn.filter %x, %flags : tensor<?x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  func.return
}
// CHECK: what a filter leaves is sparse
