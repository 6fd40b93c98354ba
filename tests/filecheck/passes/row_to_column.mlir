// RUN: sql-opt %s --row-to-column | filecheck %s
// RUN: sql-opt %s --pass 'row-to-column{width=8}' | filecheck %s --check-prefix EIGHT
// RUN: not sql-opt %s --pass 'row-to-column{width=0}' 2>&1 | filecheck %s --check-prefix NONE

func.func @weights(%layer: index) {
  %up = ten.weight @up from ["up"] at %layer of 2 : i64 layout <arrays 1 by 64> : tensor<9x512xf32>
  %down = ten.weight @down from ["down"] layout <arrays 1 by 64> : tensor<9x1536xf32>
  %odd = ten.weight @odd from ["odd"] layout <arrays 0 by 44> : tensor<395x9xf32>
  %whole = ten.weight @whole from ["whole"] layout <arrays 1 by 64> : tensor<9x64xf32>
  %rows = ten.weight @rows from ["rows"] layout <rows> : tensor<9x64xf32>
  %plain = ten.weight @plain from ["plain"] : tensor<8xf32>
  func.return
}
// CHECK:      ten.weight @up from ["up"] at %layer of 2 : i64 layout <pivoted 1 by 512 in 8>
// CHECK-NEXT: ten.weight @down from ["down"] layout <pivoted 1 by 1536 in 24>
// CHECK-NEXT: ten.weight @odd from ["odd"] layout <pivoted 0 by 396 in 9>
// CHECK-NEXT: ten.weight @whole from ["whole"] layout <arrays 1 by 64>
// CHECK-NEXT: ten.weight @rows from ["rows"] layout <rows>
// CHECK-NEXT: ten.weight @plain from ["plain"] : tensor<8xf32>

// Nine chunks are two rows of five, of which one is empty.
// EIGHT:      ten.weight @up from ["up"] at %layer of 2 : i64 layout <pivoted 1 by 512 in 8>
// EIGHT-NEXT: ten.weight @down from ["down"] layout <pivoted 1 by 512 in 8>
// EIGHT-NEXT: ten.weight @odd from ["odd"] layout <pivoted 0 by 220 in 5>
// EIGHT-NEXT: ten.weight @whole from ["whole"] layout <arrays 1 by 64>

// NONE: sql-opt: row-to-column: 0 columns in a row: choose 1 or more
