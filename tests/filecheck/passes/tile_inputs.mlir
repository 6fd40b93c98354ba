// RUN: sql-opt %s --pass 'tile-inputs{tables="input.x" target=sqlite}' | filecheck %s
// RUN: sql-opt %s --pass 'tile-inputs{tables="input.x" target=duckdb}' | filecheck %s --check-prefix ARRAYS

func.func @forward() {
  %x = ten.input @input.x ["a", "b"] "v" : tensor<1x100xf64>
  %y = ten.input @input.y ["a", "b"] "v" : tensor<1x100xi64>
  ten.output %x to @output.x ["a", "b"] : tensor<1x100xf64>
  ten.output %y to @output.y ["a", "b"] : tensor<1x100xi64>
  func.return
}

// CHECK:      ten.input @input.x ["a", "b"] "v" layout <columns 1 by 50> : tensor<1x100xf64>
// CHECK-NEXT: ten.input @input.y ["a", "b"] "v" : tensor<1x100xi64>
// ARRAYS:     ten.input @input.x ["a", "b"] "v" layout <arrays 1 by 50> : tensor<1x100xf64>
