// RUN: sql-opt %s --print-cost | filecheck %s
// RUN: sql-opt %s --pass 'print-cost{target=postgres rows=3}' | filecheck %s --check-prefix THREE
// RUN: sql-opt %s --print-cost | sql-opt | filecheck %s --check-prefix MODULE
// RUN: not sql-opt %s --pass 'print-cost{rows=0}' 2>&1 | filecheck %s --check-prefix NONE

func.func @product() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 2], x: vector<64xf32>>
  rel.for layer to 5 {
    %t = rel.scan @w : !rel.relation<[layer: 5, o: 100, i: 2], w: vector<64xf32>>
    %w = rel.select %t where eq(layer, ?layer)
    %v = rel.project %w [o, i] {w}
    %j = rel.join %x, %v on [i]
    %y = rel.aggregate total %j by [p, o] {v = sum(dot(x, w))}
    rel.insert %y into @y
    rel.yield
  }
  func.return
}

// A vector of 64 and two keys are 264 bytes. The loop has five rounds, and each reads one
// layer of the five in the table: bytes are those read, rows those that come out.
// CHECK:      // cost of @product on duckdb
// CHECK-NEXT: //   rel.scan: 2 rows, 528 bytes, {{[0-9.]+}} ms
// CHECK-NEXT: //   rel.scan: 5,000 rows, 268,000 bytes, {{[0-9.]+}} ms
// CHECK-NEXT: //   rel.join: 1,000 rows, 0 bytes, {{[0-9.]+}} ms
// CHECK-NEXT: //   rel.aggregate: 500 rows, 0 bytes, {{[0-9.]+}} ms
// CHECK-NEXT: //   rel.insert: 500 rows, 0 bytes, {{[0-9.]+}} ms
// CHECK-NEXT: //   total: {{[0-9.]+}} ms

// THREE:      // cost of @product on postgres
// THREE-NEXT: //   rel.scan: 6 rows, 1,584 bytes
// THREE-NEXT: //   rel.scan: 5,000 rows
// THREE-NEXT: //   rel.join: 3,000 rows
// THREE-NEXT: //   rel.aggregate: 1,500 rows
// THREE-NEXT: //   rel.insert: 1,500 rows

// An element of 16 bits is two bytes: 128 and two keys.
func.func @halves() {
  %w = rel.scan @h : !rel.relation<[o: 1, i: 1], w: vector<64xf16>>
  rel.insert %w into @y
  func.return
}
// CHECK:      // cost of @halves on duckdb
// CHECK-NEXT: //   rel.scan: 1 rows, 136 bytes

// What is printed is still a module.
// MODULE: func.func @product

// NONE: sql-opt: print-cost: extents of 0 rows: choose 1 or more
