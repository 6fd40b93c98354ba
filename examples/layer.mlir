// Three neurons of four inputs: silu(x @ w.T), for each row p of the table @x.
func.func @forward() {
  %x = ten.input @x ["p", "i"] "v" : tensor<?x4xf32>
  %w = nn.weight @w : tensor<3x4xf32>
  %y = nn.linear %x, %w : tensor<?x4xf32>, tensor<3x4xf32> -> tensor<?x3xf32>
  %z = nn.silu %y : tensor<?x3xf32> -> tensor<?x3xf32>
  ten.output %z to @z ["p", "o"] : tensor<?x3xf32>
  func.return
}
