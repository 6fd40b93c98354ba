// RUN: sql-opt %s --lower-to-relational --split-input-file | filecheck %s
// RUN: sql-opt %s --pass 'lower-to-relational{target=sqlite}' --split-input-file | filecheck %s --check-prefix SQLITE

// From `nn`: tensors become relations, weights arrays where the target has them.
func.func @forward(%x: tensor<?x96xf32>) -> tensor<?x300xf32> {
  %w = nn.weight @w : tensor<300x96xf32>
  %y = nn.linear %x, %w : tensor<?x96xf32>, tensor<300x96xf32> -> tensor<?x300xf32>
  func.return %y : tensor<?x300xf32>
}
// CHECK:      rel.table input @arg0 : <[p: ?, i: 96], v: f32>
// CHECK-NEXT: rel.table weight @w : <[o: 300, i: 1], v: vector<96xf32>> from ["w"] layout <arrays 1 by 96>
// CHECK-NEXT: rel.table output @result0 :
// CHECK-NEXT: func.func @forward() {
// CHECK:        rel.aggregate %{{.*}} by [p, i] {[[X:[a-z0-9]+]] = pack(v, slot, 96)}
// CHECK:        rel.join %{{.*}}, %{{.*}} on []
// CHECK-NEXT:   rel.project %{{.*}} {v = dot({{.*}})}
// CHECK-NEXT:   rel.insert %{{.*}} into @result0
// CHECK-NEXT:   func.return
// SQLITE: rel.table weight @w : <[o: 300, i: 1], v: vector<96xf32>> from ["w"] layout <columns 1 by 96>

// -----
// From `ten`: what is canonical stays so.
func.func @forward(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %y = ten.map "pi->pi"(%x) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%v: f32):
    %n = math.exp %v : f32
    ten.yield %n : f32
  }
  func.return %y : tensor<?x4xf32>
}
// CHECK:      func.func @forward() {
// CHECK-NEXT:   %x = rel.scan @arg0
// CHECK-NEXT:   %0 = rel.project %x [a = p, b = i] {v = exp(v)}
// CHECK-NEXT:   rel.insert %0 into @result0

// -----
// From `rel`: projections are canonical.
func.func @forward() {
  %r = rel.range k to 4
  %a = rel.project %r [k] {v = add(k, 1)}
  %b = rel.project %a [j = k] {v = mul(v, 2)}
  rel.insert %b into @out
  func.return
}
// CHECK:      %r = rel.range k to 4
// CHECK-NEXT: %b = rel.project %r [j = k] {v = mul(add(k, 1), 2)}
// CHECK-NEXT: rel.insert %b into @out
