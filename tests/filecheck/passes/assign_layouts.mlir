// RUN: sql-opt %s --pass 'assign-layouts{layout=arrays}' | filecheck %s
// RUN: sql-opt %s --assign-layouts | filecheck %s --check-prefix COST
// RUN: sql-opt %s --pass 'assign-layouts{target=sqlite}' | filecheck %s --check-prefix COST-SQLITE
// RUN: sql-opt %s --pass 'assign-layouts{target=sqlite layout=columns}' | filecheck %s --check-prefix SQLITE
// RUN: sql-opt %s --pass 'assign-layouts{layout=rows}' | filecheck %s --check-prefix ROWS
// RUN: sql-opt %s --pass 'assign-layouts{layout=pivoted}' | filecheck %s --check-prefix PIVOTED
// RUN: not sql-opt %s --pass 'assign-layouts{target=sqlite layout=pivoted}' 2>&1 | filecheck %s --check-prefix NO-VECTORS
// RUN: not sql-opt %s --pass 'assign-layouts{costs="/nowhere.json"}' 2>&1 | filecheck %s --check-prefix NOWHERE
// RUN: not sql-opt %s --pass 'assign-layouts{target=postgres layout=arrays}' 2>&1 | filecheck %s --check-prefix REFUSED

func.func @weights(%layer: index) {
  %plain = ten.weight @plain from ["plain"] : tensor<8xf32>
  %tiled = ten.weight @tiled from ["tiled"] layout <arrays 1 by 64> : tensor<9x128xf32>
  %wide = ten.weight @wide from ["wide"] at %layer of 2 : i64 layout <arrays 1 by 2000> : tensor<9x4000xf32>
  func.return
}

// CHECK:      %plain = ten.weight @plain from ["plain"] layout <rows> : tensor<8xf32>
// CHECK-NEXT: %tiled = ten.weight @tiled from ["tiled"] layout <arrays 1 by 64> : tensor<9x128xf32>
// CHECK-NEXT: %wide = ten.weight @wide {{.*}} layout <arrays 1 by 2000> : tensor<9x4000xf32>

// A table of SQLite has 2000 columns at most, and the keys of this one are layer, row and chunk.
// SQLITE:      %plain = ten.weight @plain from ["plain"] layout <rows> : tensor<8xf32>
// SQLITE-NEXT: %tiled = ten.weight @tiled from ["tiled"] layout <columns 1 by 64> : tensor<9x128xf32>
// SQLITE-NEXT: %wide = ten.weight @wide {{.*}} layout <columns 1 by 1000> : tensor<9x4000xf32>

// ROWS:      %plain = ten.weight @plain from ["plain"] layout <rows> : tensor<8xf32>
// ROWS-NEXT: %tiled = ten.weight @tiled from ["tiled"] layout <rows> : tensor<9x128xf32>
// ROWS-NEXT: %wide = ten.weight @wide {{.*}} layout <rows> : tensor<9x4000xf32>

// REFUSED: sql-opt: postgres has no vectors for layout=arrays: choose columns or rows

// Which chunk is cheapest depends on what was measured; that columns beat rows on SQLite does not.
// COST:      %plain = ten.weight @plain from ["plain"] layout <rows> : tensor<8xf32>
// COST-NEXT: %tiled = ten.weight @tiled
// COST-NEXT: %wide = ten.weight @wide {{.*}} layout <{{.*}}> : tensor<9x4000xf32>
// COST-SQLITE:      %plain = ten.weight @plain from ["plain"] layout <rows> : tensor<8xf32>
// COST-SQLITE-NEXT: %tiled = ten.weight @tiled from ["tiled"] layout <columns 1 by {{[0-9]+}}> : tensor<9x128xf32>
// COST-SQLITE-NEXT: %wide = ten.weight @wide {{.*}} layout <columns 1 by {{[0-9]+}}> : tensor<9x4000xf32>

// PIVOTED:      %plain = ten.weight @plain from ["plain"] layout <rows> : tensor<8xf32>
// PIVOTED-NEXT: %tiled = ten.weight @tiled from ["tiled"] layout <pivoted 1 by 128 in 2> : tensor<9x128xf32>
// PIVOTED-NEXT: %wide = ten.weight @wide {{.*}} layout <pivoted 1 by 4000 in 2> : tensor<9x4000xf32>

// NO-VECTORS: sql-opt: sqlite has no vectors for layout=pivoted: choose columns or rows

// NOWHERE: sql-opt: cannot read /nowhere.json
