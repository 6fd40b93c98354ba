// RUN: sql-opt %s --convert-ten-to-rel --canonicalize --split-input-file | filecheck %s

// Arguments and results become tables; a contraction is a join and an aggregate.
func.func @contract(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %w = ten.weight @w from ["w"] : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}
// CHECK: rel.table input @arg0 : <[p: ?, i: 4], v: f32>
// CHECK-NEXT: rel.table weight @w : <[o: 3, i: 4], v: f32> from ["w"] layout <rows>
// CHECK-NEXT: rel.table scratch @result0 : <[a: ?, b: 3], v: f64>
// CHECK-NEXT: func.func @contract() {
// CHECK-NEXT: %x = rel.scan @arg0 : !rel.relation<[p: ?, i: 4], v: f32>
// CHECK-NEXT: %w = rel.scan @w
// CHECK-NEXT: %[[X:.*]] = rel.project %x [p, i] {x0 = v}
// CHECK-NEXT: %[[W:.*]] = rel.project %w [o, i] {x1 = v}
// CHECK-NEXT: %[[J:.*]] = rel.join %[[X]], %[[W]] on [i]
// CHECK-NEXT: %[[Y:.*]] = rel.aggregate total %[[J]] by [p, o] {v = sum(mul(x0, x1))}
// CHECK-NEXT: %[[R:.*]] = rel.project %[[Y]] [a = p, b = o] {v}
// CHECK-NEXT: rel.insert %[[R]] into @result0
// CHECK-NEXT: func.return

// -----

// Chunks of the summed axis: the other side is packed alike, and rows are dot products.
// CHECK-LABEL: func.func @chunks
func.func @chunks() {
  %x = ten.input @batch ["p"] "x" : tensor<?xf32>
  %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<3x10xf32>
  %u = ten.weight @u from ["u"] layout <columns 0 by 10> : tensor<10xf32>
  %y = ten.contract "oi,i->o"(%w, %u) : (tensor<3x10xf32>, tensor<10xf32>) -> tensor<3xf32>
  ten.output %y to @y ["o"] : tensor<3xf32>
  func.return
}
// CHECK: %[[W:.*]] = rel.project %w [o, i] {x0 = v}
// CHECK-NEXT: %[[S:.*]] = rel.range slot to 10
// CHECK-NEXT: %[[J:.*]] = rel.join %u, %[[S]] on []
// CHECK-NEXT: %[[E:.*]] = rel.project %[[J]] [i = add(mul(i, 10), slot) to 10] {v = element(v, slot)}
// CHECK-NEXT: %[[C:.*]] = rel.project %[[E]] [i = idiv(i, 4) to 3, slot = mod(i, 4) to 4] {v}
// CHECK-NEXT: %[[P:.*]] = rel.aggregate %[[C]] by [i] {x1 = pack(v, slot, 4)}
// CHECK-NEXT: %[[D:.*]] = rel.join %[[W]], %[[P]] on [i]
// CHECK-NEXT: %[[Y:.*]] = rel.aggregate total %[[D]] by [o] {v = sum(dot(x0, x1))}
// CHECK-NEXT: rel.insert %[[Y]] into @y

// -----

// CHECK-LABEL: func.func @map
func.func @map(%x: tensor<?x4xf32>, %s: tensor<?xf32>) {
  %y = ten.map "pi,p->ip"(%x, %s) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<4x?xf32> {
  ^bb0(%a: f32, %b: f32):
    %c = arith.constant 2.0 : f32
    %d = arith.mulf %a, %c : f32
    %e = math.rsqrt %b : f32
    %f = arith.addf %d, %e : f32
    ten.yield %f : f32
  }
  %t = ten.reduce max "ip->p" %y : tensor<4x?xf32> -> tensor<?xf32>
  ten.output %t to @t ["p"] : tensor<?xf32>
  func.return
}
// CHECK: %[[J:.*]] = rel.join %{{.*}}, %{{.*}} on [p]
// CHECK-NEXT: %[[Y:.*]] = rel.project %[[J]] [i, p] {v = add(mul(x0, 2.0), div(1.0, sqrt(x1)))}
// CHECK-NEXT: %[[T:.*]] = rel.aggregate total %[[Y]] by [p] {v = max(v)}
// CHECK-NEXT: rel.insert %[[T]] into @t

// -----

// CHECK-LABEL: func.func @gather
func.func @gather(%ids: tensor<?xi32>) {
  %t = ten.weight @t from ["t"] layout <arrays 1 by 2> : tensor<7x4xf32>
  %x = ten.gather "ti,p->pi" %t, %ids : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  ten.output %x to @x ["p", "i"] : tensor<?x4xf32>
  func.return
}
// Chunks are taken apart only for the output.
// CHECK: %[[I:.*]] = rel.project %ids [p, t = v to 7] {}
// CHECK-NEXT: %[[J:.*]] = rel.join %[[I]], %t on [t]
// CHECK-NEXT: %[[X:.*]] = rel.project %[[J]] [p, i] {v}
// CHECK-NEXT: %[[S:.*]] = rel.range slot to 2
// CHECK-NEXT: %[[K:.*]] = rel.join %[[X]], %[[S]] on []
// CHECK-NEXT: %[[R:.*]] = rel.project %[[K]] [p, i = add(mul(i, 2), slot) to 4] {v = element(v, slot)}
// CHECK-NEXT: rel.insert %[[R]] into @x

// -----

// CHECK-LABEL: func.func @shape
func.func @shape(%x: tensor<?x12xf32>, %f: tensor<?x4xi1>) {
  %a = ten.reshape %x : tensor<?x12xf32> -> tensor<?x3x4xf32>
  %b = ten.slice %a axis 1 from 1 : tensor<?x3x4xf32> -> tensor<?x2x4xf32>
  ten.output %b to @b ["p", "g", "d"] : tensor<?x2x4xf32>
  %m = ten.sparsify %f : tensor<?x4xi1> -> tensor<?x4xi1, #ten.sparse>
  %y = ten.contract "pi,pi->p"(%m, %m) : (tensor<?x4xi1, #ten.sparse>, tensor<?x4xi1, #ten.sparse>) -> tensor<?xf32, #ten.sparse>
  func.return
}
// CHECK: %[[A:.*]] = rel.project %{{.*}} {{\[}}p = a, g = idiv(b, 4) to 3, d = mod(b, 4) to 4] {v}
// CHECK-NEXT: %[[S:.*]] = rel.select %[[A]] where and(ge(g, 1), lt(g, 3))
// CHECK-NEXT: %[[B:.*]] = rel.project %[[S]] [p, g = sub(g, 1) to 2, d] {v}
// CHECK-NEXT: rel.insert %[[B]] into @b

// -----

// CHECK-LABEL: func.func @loop
func.func @loop() {
  %x = ten.input kept @context ["c"] "x" : tensor<?xf32>
  %c = ten.constant dense<[0.5, 1.5]> : tensor<2xf32> : tensor<2xf32>
  %zero = arith.constant 0 : index
  %two = arith.constant 2 : index
  %one = arith.constant 1 : index
  %y = scf.for %l = %zero to %two step %one iter_args(%z = %x) -> (tensor<?xf32>) {
    %k = ten.contract "p,d->pd"(%z, %c) : (tensor<?xf32>, tensor<2xf32>) -> tensor<?x2xf32>
    ten.append %k to @keys ["c", "d"] at %l of 2 : i64 : tensor<?x2xf32>
    %all = ten.read @keys ["c", "d"] at %l of 2 : i64 : tensor<?x2xf32>
    %s = ten.reduce sum "cd->c" %all : tensor<?x2xf32> -> tensor<?xf32>
    scf.yield %s : tensor<?xf32>
  }
  ten.output %y to @y ["p"] : tensor<?xf32>
  func.return
}
// CHECK: %[[Z:.*]] = rel.project %x [p = c] {v = to_float(x)}
// CHECK-NEXT: %[[Y:.*]] = rel.for layer to 2 carrying (%[[Z]]) {
// CHECK-NEXT: ^bb{{.*}}(%[[X:.*]]: !rel.relation<[p: ?], v: f64>):
// CHECK: rel.project %{{.*}} [layer = ?layer to 2, c = p, d] {v = mul(x0, x1)}
// CHECK-NEXT: rel.insert %{{.*}} into @keys
// CHECK-NEXT: %[[K:.*]] = rel.scan @keys
// CHECK-NEXT: %[[L:.*]] = rel.select %[[K]] where eq(layer, ?layer)
// CHECK: %[[S:.*]] = rel.aggregate total %{{.*}} by [c] {v = sum(v)}
// CHECK-NEXT: %[[R:.*]] = rel.project %[[S]] [p = c] {v}
// CHECK-NEXT: rel.yield %[[R]] : !rel.relation<[p: ?], v: f64>
// CHECK: rel.insert %[[Y]] into @y
