// RUN: sql-opt %s --pass 'aggregates-to-window-rows{target=sqlite}' | filecheck %s
// RUN: sql-opt %s --pass 'aggregates-to-window-rows{target=postgres}' | filecheck %s --check-prefix POSTGRES

func.func @forward() {
  %x = rel.scan @x : !rel.relation<[row: ?, a: 1, b: 3], v: f64>
  %plain = rel.aggregate %x by [row] {s = sum(v)}
  rel.insert %plain into @s
  %w = rel.window %x per [row, a] by [] {g0 = partition_max(v)}
  %y = rel.aggregate %w by [row] {low = min(sub(v, g0)), s = sum(v)}
  rel.insert %y into @result
  func.return
}
// CHECK:      rel.aggregate %x by [row] {s = sum(v)}
// CHECK:      %y = rel.window %w per [row] by [] {g1 = partition_min(sub(v, g0)), g2 = partition_sum(v)}
// CHECK-NEXT: %y_1 = rel.select %y where and(eq(a, 0), eq(b, 0))
// CHECK-NEXT: rel.project %y_1 [row] {low = g1, s = g2}

// POSTGRES: rel.aggregate %w by [row] {low = min(sub(v, g0)), s = sum(v)}
