// RUN: sql-opt %s --pass 'split-sums{target=sqlite}' | filecheck %s
// RUN: sql-opt %s --split-sums | filecheck %s --check-prefix HASHED

// A sum of nine columns' product is one of a column computed before; that of a few stays.
// CHECK-LABEL: func.func @forward
// HASHED-LABEL: func.func @forward
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[o: 4, i: 2], a: f64, b: f64, c: f64, d: f64, e: f64, f: f64, g: f64, h: f64, k: f64>
  %y = rel.aggregate total %x by [o] {v = sum(add(add(add(a, b), add(c, d)), add(add(e, f), add(g, add(h, k))))), w = max(mul(a, b))}
  %z = rel.aggregate %x by [o] {v = sum(mul(a, b))}
  rel.insert %y into @y
  rel.insert %z into @z
  func.return
}
// CHECK: %[[P:.*]] = rel.project %x [o, i] {a, b, v = add(add(add(a, b), add(c, d)), {{.*}}
// CHECK-NEXT: rel.aggregate total %[[P]] by [o] {v = sum(v), w = max(mul(a, b))}
// CHECK-NEXT: rel.aggregate %x by [o] {v = sum(mul(a, b))}
// HASHED: rel.aggregate total %x by [o] {v = sum(add(
