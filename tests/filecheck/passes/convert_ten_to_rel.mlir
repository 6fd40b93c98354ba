// RUN: sql-opt %s --convert-ten-to-rel --canonicalize --split-input-file | filecheck %s

// Arguments and results become tables; a contraction is a join and an aggregate.
func.func @contract(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %w = ten.weight @w from ["w"] : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
  func.return %y : tensor<?x3xf32>
}
// CHECK: rel.table input @arg0 : <[p: ?, i: 4], v: f32>
// CHECK-NEXT: rel.table weight @w : <[o: 3, i: 4], v: f32> from ["w"] layout <rows>
// CHECK-NEXT: rel.table output @result0 : <[a: ?, b: 3], v: f64>
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

// One chunk is the whole axis: no key is left to join on, and nothing to sum. Rows that a mask of
// other axes leaves out leave no gaps in it.
// CHECK-LABEL: func.func @whole
func.func @whole() {
  %x = ten.input @batch ["p", "i"] "x" : tensor<?x4xf32>
  %m = ten.input @mask ["p"] "m" : tensor<?xi1>
  %s = ten.sparsify %m : tensor<?xi1> -> tensor<?xi1, #ten.sparse>
  %e = ten.map "pi,p->pi"(%x, %s) : (tensor<?x4xf32>, tensor<?xi1, #ten.sparse>) -> tensor<?x4xf32, #ten.sparse> {
  ^bb0(%v: f32, %b: i1):
    ten.yield %v : f32
  }
  %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<3x4xf32>
  %y = ten.contract "pi,oi->po"(%e, %w) : (tensor<?x4xf32, #ten.sparse>, tensor<3x4xf32>) -> tensor<?x3xf32, #ten.sparse>
  ten.output %y to @y ["p", "o"] : tensor<?x3xf32, #ten.sparse>
  func.return
}
// CHECK: rel.aggregate %{{.*}} by [p, i] {x0 = pack(v, slot, 4)}
// CHECK: %[[J:.*]] = rel.join %{{.*}}, %{{.*}} on []
// CHECK-NEXT: rel.project %[[J]] [p, o] {v = dot(x0, x1)}

// -----

// Weights of 16 bits: the other side is packed into vectors of 16 bits whose norm is 1, and their
// own norm is multiplied by after.
// CHECK-LABEL: func.func @halves
func.func @halves() {
  %x = ten.input @batch ["p", "i"] "x" : tensor<?x10xf32>
  %w = ten.weight @w from ["w"] layout <halves 1 by 10> : tensor<3x10xf32>
  %u = ten.weight @u from ["u"] layout <halves 1 by 5> : tensor<3x10xf32>
  %y = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x10xf32>, tensor<3x10xf32>) -> tensor<?x3xf32>
  %z = ten.contract "pi,oi->po"(%x, %u) : (tensor<?x10xf32>, tensor<3x10xf32>) -> tensor<?x3xf32>
  ten.output %y to @y ["p", "o"] : tensor<?x3xf32>
  ten.output %z to @z ["p", "o"] : tensor<?x3xf32>
  func.return
}
// CHECK: %w = rel.scan @w : !rel.relation<[o: 3, i: 1], v: vector<10xf16>>
// CHECK: rel.aggregate %{{.*}} by [p, i] {x = unit_half(pack(v, slot, 10)), norm = norm(pack(v, slot, 10))}
// CHECK: %[[J:.*]] = rel.join %{{.*}}, %{{.*}} on []
// CHECK-NEXT: rel.project %[[J]] [p, o] {v = mul(dot(x, w), norm)}
// CHECK: rel.aggregate %{{.*}} by [p, i] {x = unit_half(pack(v, slot, 5)), norm = norm(pack(v, slot, 5))}
// CHECK: %[[K:.*]] = rel.join %{{.*}}, %{{.*}} on [i]
// CHECK-NEXT: rel.aggregate total %[[K]] by [p, o] {v = sum(mul(dot(x, w), norm))}

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
// CHECK-NEXT: %[[C:.*]] = rel.project %[[J]] [i = idiv(slot, 4) to 3, slot = mod(slot, 4) to 4] {v = element(v, slot)}
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

// Ids of elements within chunks: of which chunk, and where in it.
// CHECK-LABEL: func.func @gather_in_chunks
func.func @gather_in_chunks(%ids: tensor<?xi32>) {
  %t = ten.weight @t from ["t"] layout <arrays 0 by 2> : tensor<7x4xf32>
  %x = ten.gather "ti,p->pi" %t, %ids : tensor<7x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  ten.output %x to @x ["p", "i"] : tensor<?x4xf32>
  func.return
}
// CHECK: %[[N:.*]] = rel.select %ids where and(ge(v, 0), lt(v, 7))
// CHECK-NEXT: %[[I:.*]] = rel.project %[[N]] [p, t = idiv(v, 2) to 4] {slot = mod(v, 2)}
// CHECK-NEXT: %[[J:.*]] = rel.join %[[I]], %t on [t]
// CHECK-NEXT: %[[X:.*]] = rel.project %[[J]] [p, i] {v = element(v, slot)}
// CHECK-NEXT: rel.insert %[[X]] into @x

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

// -----

// Flags promise a number: without them, functions follow IEEE 754.
// CHECK-LABEL: func.func @promises
func.func @promises(%x: tensor<?xf64>, %n: tensor<?xi64>) {
  %y = ten.map "p,p->p"(%x, %n) : (tensor<?xf64>, tensor<?xi64>) -> tensor<?xf64> {
  ^bb0(%a: f64, %b: i64):
    %c = arith.divf %a, %a : f64
    %d = arith.divf %a, %c fastmath<nnan,ninf> : f64
    %e = math.sqrt %d : f64
    %f = math.sqrt %e fastmath<nnan,ninf> : f64
    ten.yield %f : f64
  }
  %z = ten.map "p,p->p"(%x, %n) : (tensor<?xf64>, tensor<?xi64>) -> tensor<?xf64> {
  ^bb0(%a: f64, %b: i64):
    %c = arith.cmpf uno, %a, %a : f64
    %d = arith.constant 0x7FF0000000000000 : f64
    %e = arith.constant 0xFFF0000000000000 : f64
    %f = arith.constant true
    %g = arith.xori %c, %f : i1
    %h = arith.xori %b, %b : i64
    %i = arith.sitofp %h : i64 to f64
    %j = arith.maximumf %i, %e : f64
    %k = arith.select %g, %j, %d : f64
    ten.yield %k : f64
  }
  ten.output %y to @y ["p"] : tensor<?xf64>
  ten.output %z to @z ["p"] : tensor<?xf64>
  func.return
}
// CHECK: {v = sqrt(root(div(x0, divide(x0, x0))))}
// CHECK: {v = if(ne(is_nan(x0), eq(0, 0)), greatest(to_float(bit_xor(x1, x1)), neg(infinity())), infinity())}

// -----

// A range that is too long to be spelt out is a product of shorter ones.
// CHECK-LABEL: func.func @iota
func.func @iota() {
  %x = ten.iota : tensor<64xi64>
  %y = ten.iota : tensor<65xi64>
  %z = ten.iota : tensor<128xi64>
  ten.output %x to @x ["i"] : tensor<64xi64>
  ten.output %y to @y ["j"] : tensor<65xi64>
  ten.output %z to @z ["k"] : tensor<128xi64>
  func.return
}
// CHECK-NEXT: %[[R:.*]] = rel.range i to 64
// CHECK-NEXT: %[[X:.*]] = rel.project %[[R]] [i] {v = long(i)}
// CHECK-NEXT: %[[H:.*]] = rel.range jhigh to 2
// CHECK-NEXT: %[[L:.*]] = rel.range jlow to 64
// CHECK-NEXT: %[[J:.*]] = rel.join %[[H]], %[[L]] on []
// CHECK-NEXT: %[[S:.*]] = rel.select %[[J]] where lt(add(mul(jhigh, 64), jlow), 65)
// CHECK-NEXT: %[[P:.*]] = rel.project %[[S]] [j = add(mul(jhigh, 64), jlow) to 65] {}
// CHECK-NEXT: %[[Y:.*]] = rel.project %[[P]] [j] {v = long(j)}
// CHECK-NOT:  rel.select
// CHECK:      rel.insert %[[X]] into @x
// CHECK-NEXT: rel.insert %[[Y]] into @y

// -----

// CHECK-LABEL: func.func @concat
func.func @concat(%x: tensor<?x4xf64>, %y: tensor<?x3xf64>) {
  %z = ten.concat %x, %y, %x axis 1 : (tensor<?x4xf64>, tensor<?x3xf64>, tensor<?x4xf64>) -> tensor<?x11xf64>
  ten.output %z to @z ["p", "i"] : tensor<?x11xf64>
  func.return
}
// CHECK:      %[[A:.*]] = rel.project %x [p, i to 11] {v}
// CHECK-NEXT: %[[B:.*]] = rel.project %y [p, i = add(i, 4) to 11] {v}
// CHECK-NEXT: %[[C:.*]] = rel.project %x [p, i = add(i, 7) to 11] {v}
// CHECK-NEXT: %[[Z:.*]] = rel.union %[[A]], %[[B]], %[[C]] : ({{.*}}) -> !rel.relation<[p: ?, i: 11], v: f64>
// CHECK-NEXT: rel.insert %[[Z]] into @z

// -----

// Of an element and of what fills its place, the first is chosen.
// CHECK-LABEL: func.func @fill
func.func @fill(%x: tensor<3x4xf64, #ten.sparse>) {
  %y = ten.fill %x with 0.5 : f64 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xf64>
  ten.output %y to @y ["i", "j"] : tensor<3x4xf64>
  func.return
}
// CHECK-NEXT: %x = rel.scan @arg0 : !rel.relation<sparse [i: 3, j: 4], v: f64>
// CHECK-NEXT: %[[X:.*]] = rel.project %x [i, j] {v, filled = 0}
// CHECK-NEXT: %[[I:.*]] = rel.range i to 3
// CHECK-NEXT: %[[J:.*]] = rel.range j to 4
// CHECK-NEXT: %[[P:.*]] = rel.join %[[I]], %[[J]] on []
// CHECK-NEXT: %[[E:.*]] = rel.project %[[P]] [i, j] {v = 0.5, filled = 1}
// CHECK-NEXT: %[[U:.*]] = rel.union %[[X]], %[[E]] : ({{.*}}) -> !rel.relation<[i: 3, j: 4], v: f64, filled: i32>
// CHECK-NEXT: %[[W:.*]] = rel.window %[[U]] per [i, j] by [filled] {first = row_number()}
// CHECK-NEXT: %[[S:.*]] = rel.select %[[W]] where eq(first, 1)
// CHECK-NEXT: %[[Y:.*]] = rel.project %[[S]] [i, j] {v}
// CHECK-NEXT: rel.insert %[[Y]] into @y

// -----

// An id that is no index drops its element; what meets is aggregated.
// CHECK-LABEL: func.func @scatter
func.func @scatter(%x: tensor<3x4xf64>, %n: tensor<3xi64>) {
  %y = ten.scatter "ij,i->rj" %x, %n by sum : tensor<3x4xf64>, tensor<3xi64> -> tensor<5x4xf64, #ten.sparse>
  %z = ten.scatter "ij,i->jr" %x, %n by max : tensor<3x4xf64>, tensor<3xi64> -> tensor<4x2xf64>
  ten.output %y to @y ["r", "j"] : tensor<5x4xf64, #ten.sparse>
  ten.output %z to @z ["j", "r"] : tensor<4x2xf64>
  func.return
}
// CHECK:      %[[N:.*]] = rel.project %n [i] {id = v}
// CHECK-NEXT: %[[J:.*]] = rel.join %x, %[[N]] on [i]
// CHECK-NEXT: %[[S:.*]] = rel.select %[[J]] where and(ge(id, 0), lt(id, 5))
// CHECK-NEXT: %[[M:.*]] = rel.project %[[S]] [i, j, r = id to 5] {v}
// CHECK-NEXT: %[[Y:.*]] = rel.aggregate %[[M]] by [r, j] {v = sum(v)}
// CHECK:      rel.select %{{.*}} where and(ge(id, 0), lt(id, 2))
// CHECK:      %[[Z:.*]] = rel.aggregate total %{{.*}} by [j, r] {v = max(v)}
// CHECK-NEXT: rel.insert %[[Y]] into @y
// CHECK-NEXT: rel.insert %[[Z]] into @z

// -----

// CHECK-LABEL: func.func @order
func.func @order(%x: tensor<3x4xf64>) {
  %f = ten.rank %x axis 1 : tensor<3x4xf64> -> tensor<3x4xi64>
  %g = ten.rank descending %x axis 0 : tensor<3x4xf64> -> tensor<3x4xi64>
  %h = ten.running_sum %x axis 0 : tensor<3x4xf64> -> tensor<3x4xf64>
  ten.output %f to @f ["i", "j"] : tensor<3x4xi64>
  ten.output %g to @g ["i", "j"] : tensor<3x4xi64>
  ten.output %h to @h ["i", "j"] : tensor<3x4xf64>
  func.return
}
// CHECK:      %[[A:.*]] = rel.window %x per [i] by [v, j] {rank = row_number()}
// CHECK-NEXT: %[[F:.*]] = rel.project %[[A]] [i, j] {v = sub(rank, 1)}
// CHECK-NEXT: %[[B:.*]] = rel.window %x per [j] by [desc v, i] {rank = row_number()}
// CHECK-NEXT: %[[G:.*]] = rel.project %[[B]] [i, j] {v = sub(rank, 1)}
// CHECK-NEXT: %[[C:.*]] = rel.window %x per [j] by [i] {total = running_sum(v)}
// CHECK-NEXT: %[[H:.*]] = rel.project %[[C]] [i, j] {v = total}
// CHECK-NEXT: rel.insert %[[F]] into @f
// CHECK-NEXT: rel.insert %[[G]] into @g
// CHECK-NEXT: rel.insert %[[H]] into @h

// -----

// Not every engine has rows of booleans: they are numbers, compared with 0.
// CHECK-LABEL: func.func @truth
func.func @truth() {
  %flags = ten.constant dense<[true, false]> : tensor<2xi1> : tensor<2xi1>
  ten.output %flags to @f ["p"] : tensor<2xi1>
  func.return
}
// CHECK:      %[[V:.*]] = rel.values [1, 0] : !rel.relation<[p: 2], v: i64>
// CHECK-NEXT: rel.project %[[V]] [p] {v = ne(v, 0)}

// A round of several layers: their numbers are computed from its own.
// CHECK-LABEL: func.func @several_layers_a_round
func.func @several_layers_a_round(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %zero = arith.constant 0 : index
  %three = arith.constant 3 : index
  %one = arith.constant 1 : index
  %y = scf.for %l = %zero to %three step %one iter_args(%z = %x) -> (tensor<?x4xf32>) {
    %two = arith.constant 2 : index
    %m = arith.muli %l, %two : index
    %n = arith.addi %m, %one : index
    %v = ten.weight @pattern.w from ["{}.w"] at %m of 6 : i64 : tensor<4x4xf32>
    %h = ten.contract "pi,oi->po"(%z, %v) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    ten.append %h to @pattern.keys ["c", "d"] at %n of 6 : i64 : tensor<?x4xf32>
    %w = ten.weight @pattern.w from ["{}.w"] at %n of 6 : i64 : tensor<4x4xf32>
    %k = ten.contract "pi,oi->po"(%h, %w) : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
    scf.yield %k : tensor<?x4xf32>
  }
  func.return %y : tensor<?x4xf32>
}
// CHECK: rel.for layer to 3 carrying
// CHECK: %[[V:.*]] = rel.scan @pattern.w : !rel.relation<[layer: 6, o: 4, i: 4], v: f32>
// CHECK-NEXT: rel.select %[[V]] where eq(layer, mul(?layer, 2))
// CHECK: rel.project %{{.*}} [layer = add(mul(?layer, 2), 1) to 6, c = p, d = o] {v}
// CHECK: %[[W:.*]] = rel.scan @pattern.w : !rel.relation<[layer: 6, o: 4, i: 4], v: f32>
// CHECK-NEXT: rel.select %[[W]] where eq(layer, add(mul(?layer, 2), 1))
