// RUN: sql-opt %s --split-input-file --interleave-rope-pairs | filecheck %s
// RUN: sql-opt %s --split-input-file --interleave-rope-pairs --convert-ten-to-rel | filecheck %s --check-prefix REL

// Two heads that are rotated and one that is not, of width 4: a row holds both of a pair.
// CHECK-LABEL: func.func @rotated
// REL-LABEL: func.func @rotated
func.func @rotated(%x: tensor<?x8xf32>, %s: tensor<?xf32>, %r: tensor<?x2x2x2xf32>) -> (tensor<?x2x2x2xf32>, tensor<?x4xf32>) {
  %w = ten.weight @q_v from ["q", "v"] layout <arrays 1 by 4> : tensor<12x8xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %z = ten.map "po,p->po"(%y, %s) : (tensor<?x12xf32>, tensor<?xf32>) -> tensor<?x12xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.mulf %a, %b : f32
    ten.yield %c : f32
  }
  %q = ten.slice %z axis 1 from 0 : tensor<?x12xf32> -> tensor<?x8xf32>
  %v = ten.slice %z axis 1 from 8 : tensor<?x12xf32> -> tensor<?x4xf32>
  %h = ten.reshape %q : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
  %t = ten.contract "phrf,psrf->phsf"(%h, %r) : (tensor<?x2x2x2xf32>, tensor<?x2x2x2xf32>) -> tensor<?x2x2x2xf32>
  func.return %t, %v : tensor<?x2x2x2xf32>, tensor<?x4xf32>
}
// CHECK: [[W:%.*]] = ten.weight @q_v from ["q", "v"] layout <arrays 3 by 4 parts 2 of 1> : tensor<3x2x2x8xf32>
// CHECK: [[Y:%.*]] = ten.contract "pi,hrfi->phrf"({{.*}}, [[W]])
// CHECK: [[Z:%.*]] = ten.map "phrf,p->phrf"([[Y]], {{.*}}) {{.*}} -> tensor<?x3x2x2xf32>
// CHECK: [[Q:%.*]] = ten.slice [[Z]] axis 1 from 0 : tensor<?x3x2x2xf32> -> tensor<?x2x2x2xf32>
// CHECK: [[V:%.*]] = ten.slice [[Z]] axis 1 from 2 : tensor<?x3x2x2xf32> -> tensor<?x1x2x2xf32>
// CHECK: ten.reshape [[V]] : tensor<?x1x2x2xf32> -> tensor<?x4xf32>
// CHECK: ten.contract "phrf,psrf->phsf"([[Q]], {{.*}})

// The rotation is read once, all that makes one element in a row.
// REL: [[R:%.*]] = rel.aggregate {{.*}} by [p, s, f] {y0 = sum(if(eq(r, 0), v, 0.0)), y1 = sum(if(eq(r, 1), v, 0.0))}
// REL: rel.aggregate {{.*}} by [p, h, f] {v0 = sum(dot(x, v0)), v1 = sum(dot(x, v1))}
// REL: [[P:%.*]] = rel.project {{.*}} [p, h, f] {v0 = mul(v0, x1), v1 = mul(v1, x1)}
// REL: [[H:%.*]] = rel.select [[P]] where and(ge(h, 0), lt(h, 2))
// REL: rel.select [[P]] where and(ge(h, 2), lt(h, 3))
// REL: [[N:%.*]] = rel.range k2 to 2
// REL: [[A:%.*]] = rel.join {{.*}}, [[N]]
// REL: rel.project [[A]] {{.*}} {v = if(eq(k2, 0), v0, v1)}
// REL: [[J:%.*]] = rel.join {{.*}}, [[R]]
// REL-NEXT: rel.project [[J]] [p, h, s, f] {v = add(mul(v0, y0), mul(v1, y1))}

// -----

// What is cut across a head stays.
// CHECK-LABEL: func.func @across
func.func @across(%x: tensor<?x8xf32>, %s: tensor<?xf32>, %r: tensor<?x2x2x2xf32>) -> (tensor<?x2x2x2xf32>, tensor<?x2xf32>) {
  %w = ten.weight @q from ["q"] layout <arrays 1 by 4> : tensor<12x8xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x8xf32>, tensor<12x8xf32>) -> tensor<?x12xf32>
  %q = ten.slice %y axis 1 from 0 : tensor<?x12xf32> -> tensor<?x8xf32>
  %v = ten.slice %y axis 1 from 10 : tensor<?x12xf32> -> tensor<?x2xf32>
  %h = ten.reshape %q : tensor<?x8xf32> -> tensor<?x2x2x2xf32>
  %t = ten.contract "phrf,psrf->phsf"(%h, %r) : (tensor<?x2x2x2xf32>, tensor<?x2x2x2xf32>) -> tensor<?x2x2x2xf32>
  func.return %t, %v : tensor<?x2x2x2xf32>, tensor<?x2xf32>
}
// CHECK: ten.weight @q from ["q"] layout <arrays 1 by 4> : tensor<12x8xf32>
