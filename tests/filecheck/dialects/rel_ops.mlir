// RUN: ROUNDTRIP
// RUN: sql-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

rel.table weight @gate_up : <[layer: 3, o: 6, i: 2], v: vector<2xf32>> from ["layers.{}.gate", "layers.{}.up"] layout <arrays 1 by 2>
// CHECK: rel.table weight @gate_up : <[layer: 3, o: 6, i: 2], v: vector<2xf32>> from ["layers.{}.gate", "layers.{}.up"] layout <arrays 1 by 2>
// GENERIC: "rel.table"() <{kind = #rel<table_kind weight>, sym_name = "gate_up", schema = !rel.relation<[layer: 3, o: 6, i: 2], v: vector<2xf32>>, sources = ["layers.{}.gate", "layers.{}.up"], layout = #rel.layout<arrays 1 by 2>}> : () -> ()
rel.table weight @norm : <[i: 4], v: f32> from ["norm"] layout <rows>
// CHECK-NEXT: rel.table weight @norm : <[i: 4], v: f32> from ["norm"] layout <rows>
// GENERIC-NEXT: "rel.table"() <{kind = #rel<table_kind weight>, sym_name = "norm", schema = !rel.relation<[i: 4], v: f32>, sources = ["norm"], layout = #rel.layout<rows>}> : () -> ()
rel.table weight @made : <[i: 4], v: f32> from ["made"] with {made = #ten.transform<"stored" plus one>} layout <rows>
// CHECK-NEXT: rel.table weight @made : <[i: 4], v: f32> from ["made"] with {made = #ten.transform<"stored" plus one>} layout <rows>
// GENERIC-NEXT: "rel.table"() <{kind = #rel<table_kind weight>, sym_name = "made", schema = !rel.relation<[i: 4], v: f32>, sources = ["made"], transforms = {made = #ten.transform<"stored" plus one>}, layout = #rel.layout<rows>}> : () -> ()
rel.table state @cache : <[layer: 3, c: ?, d: 2], v: f32>
// CHECK-NEXT: rel.table state @cache : <[layer: 3, c: ?, d: 2], v: f32>
// GENERIC-NEXT: "rel.table"() <{kind = #rel<table_kind state>, sym_name = "cache", schema = !rel.relation<[layer: 3, c: ?, d: 2], v: f32>}> : () -> ()
rel.table input @batch : <[p: ?], token: i32, position: i32>
// CHECK-NEXT: rel.table input @batch : <[p: ?], token: i32, position: i32>
// GENERIC-NEXT: "rel.table"() <{kind = #rel<table_kind input>, sym_name = "batch", schema = !rel.relation<[p: ?], token: i32, position: i32>}> : () -> ()
rel.table input @visibility : <sparse [stream: ?, source: ?], until: i32>
// CHECK-NEXT: rel.table input @visibility : <sparse [stream: ?, source: ?], until: i32>
// GENERIC-NEXT: "rel.table"() <{kind = #rel<table_kind input>, sym_name = "visibility", schema = !rel.relation<sparse [stream: ?, source: ?], until: i32>}> : () -> ()
rel.table scratch @out : <[], v: f64>
// CHECK-NEXT: rel.table scratch @out : <[], v: f64>
// GENERIC-NEXT: "rel.table"() <{kind = #rel<table_kind scratch>, sym_name = "out", schema = !rel.relation<[], v: f64>}> : () -> ()
func.func @operators() {
// CHECK-LABEL: func.func @operators
// GENERIC-LABEL: "func.func"() <{sym_name = "operators"
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  // CHECK-NEXT: %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  // GENERIC-NEXT: %x = "rel.scan"() <{table = @x}> : () -> !rel.relation<[p: ?, i: 4], v: f32>
  %y = rel.scan @y : !rel.relation<[i: 4, o: 5], w: f32>
  // CHECK-NEXT: %y = rel.scan @y : !rel.relation<[i: 4, o: 5], w: f32>
  // GENERIC-NEXT: %y = "rel.scan"() <{table = @y}> : () -> !rel.relation<[i: 4, o: 5], w: f32>
  %r = rel.range j to 32
  // CHECK-NEXT: %r = rel.range j to 32
  // GENERIC-NEXT: %r = "rel.range"() <{key = "j", extent = 32 : i32}> : () -> !rel.relation<[j: 32]>
  %c = rel.values [0.5, -1.0] : !rel.relation<[i: 2], v: f64>
  // CHECK-NEXT: %c = rel.values [0.5, -1.0] : !rel.relation<[i: 2], v: f64>
  // GENERIC-NEXT: %c = "rel.values"() <{{.*}}> : () -> !rel.relation<[i: 2], v: f64>
  %s = rel.select %x where and(ge(v, ?low float), ne(i, ?layer))
  // CHECK-NEXT: %s = rel.select %x where and(ge(v, ?low float), ne(i, ?layer))
  // GENERIC-NEXT: %s = "rel.select"(%x) <{{.*}}> : (!rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?, i: 4], v: f32>
  %p = rel.project %x [p, h = idiv(i, 2) to 2, d = mod(i, 2) to 2, q = p] {v, n = neg(v), k = -3, f = 0.5}
  // CHECK-NEXT: %p = rel.project %x [p, h = idiv(i, 2) to 2, d = mod(i, 2) to 2, q = p] {v, n = neg(v), k = -3, f = 0.5}
  // GENERIC-NEXT: %p = "rel.project"(%x) <{{.*}}> : (!rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?, h: 2, d: 2, q: ?], v: f32, n: f32, k: i32, f: f64>
  %j = rel.join %x, %y on [i]
  // CHECK-NEXT: %j = rel.join %x, %y on [i]
  // GENERIC-NEXT: %j = "rel.join"(%x, %y) <{on = ["i"]}> : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[i: 4, o: 5], w: f32>) -> !rel.relation<[p: ?, i: 4, o: 5], v: f32, w: f32>
  %k = rel.join %x, %r on []
  // CHECK-NEXT: %k = rel.join %x, %r on []
  // GENERIC-NEXT: %k = "rel.join"(%x, %r) <{on = []}> : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[j: 32]>) -> !rel.relation<[p: ?, i: 4, j: 32], v: f32>
  %a = rel.aggregate %j by [p, o] {v = sum(mul(v, w))}
  // CHECK-NEXT: %a = rel.aggregate %j by [p, o] {v = sum(mul(v, w))}
  // GENERIC-NEXT: %a = "rel.aggregate"(%j) <{{.*}}> : (!rel.relation<[p: ?, i: 4, o: 5], v: f32, w: f32>) -> !rel.relation<[p: ?, o: 5], v: f64>
  %t = rel.aggregate total %x by [p] {v = pack(v, i, 4), n = count(v)}
  // CHECK-NEXT: %t = rel.aggregate total %x by [p] {v = pack(v, i, 4), n = count(v)}
  // GENERIC-NEXT: %t = "rel.aggregate"(%x) <{{.*}}> : (!rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?], v: vector<4xf32>, n: i64>
  %w = rel.window %x per [p] by [desc v, i] {rank = row_number(), mass = running_sum(exp(v))}
  // CHECK-NEXT: %w = rel.window %x per [p] by [desc v, i] {rank = row_number(), mass = running_sum(exp(v))}
  // GENERIC-NEXT: %w = "rel.window"(%x) <{{.*}}> : (!rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: ?, i: 4], v: f32, rank: i64, mass: f64>
  %u = rel.union %x, %s, %x : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: 9, i: 4], v: f32>
  // CHECK-NEXT: %u = rel.union %x, %s, %x : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: 9, i: 4], v: f32>
  // GENERIC-NEXT: %u = "rel.union"(%x, %s, %x) : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[p: 9, i: 4], v: f32>
  %m = rel.materialize %a
  // CHECK-NEXT: %m = rel.materialize %a
  // GENERIC-NEXT: %m = "rel.materialize"(%a) : (!rel.relation<[p: ?, o: 5], v: f64>) -> !rel.relation<[p: ?, o: 5], v: f64>
  rel.insert %m into @out
  // CHECK-NEXT: rel.insert %m into @out
  // GENERIC-NEXT: "rel.insert"(%m) <{table = @out}> : (!rel.relation<[p: ?, o: 5], v: f64>) -> ()
  rel.for step to 2 {
  // CHECK-NEXT: rel.for step to 2 {
  // GENERIC-NEXT: "rel.for"() <{counter = "step", count = 2 : i32}> ({
    rel.yield
    // CHECK-NEXT: rel.yield
    // GENERIC-NEXT: "rel.yield"() : () -> ()
  }
  // CHECK-NEXT: }
  // GENERIC-NEXT: }) : () -> ()
  %l, %n = rel.for layer to 5 carrying (%x, %y) {
  // CHECK-NEXT: %l, %n = rel.for layer to 5 carrying (%x, %y) {
  // GENERIC-NEXT: %l, %n = "rel.for"(%x, %y) <{counter = "layer", count = 5 : i32}> ({
  ^bb0(%b: !rel.relation<[p: ?, i: 4], v: f32>, %d: !rel.relation<[i: 4, o: 5], w: f32>):
  // CHECK-NEXT: ^bb0(%b: !rel.relation<[p: ?, i: 4], v: f32>, %d: !rel.relation<[i: 4, o: 5], w: f32>):
  // GENERIC-NEXT: ^bb0(%b: !rel.relation<[p: ?, i: 4], v: f32>, %d: !rel.relation<[i: 4, o: 5], w: f32>):
    rel.yield %b, %d : !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[i: 4, o: 5], w: f32>
    // CHECK-NEXT: rel.yield %b, %d : !rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[i: 4, o: 5], w: f32>
    // GENERIC-NEXT: "rel.yield"(%b, %d) : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[i: 4, o: 5], w: f32>) -> ()
  }
  // CHECK-NEXT: }
  // GENERIC-NEXT: }) : (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[i: 4, o: 5], w: f32>) -> (!rel.relation<[p: ?, i: 4], v: f32>, !rel.relation<[i: 4, o: 5], w: f32>)
  func.return
  // CHECK-NEXT: func.return
  // GENERIC-NEXT: "func.return"() : () -> ()
}
// GENERIC-NEXT: }) : () -> ()

// A key may keep its name and still take an extent that its column does not have.
// CHECK-LABEL: @named
func.func @named() {
  // CHECK: %[[x:.*]] = rel.scan @x
  %x = rel.scan @x : !rel.relation<[p: ?], i: i32, v: f32>
  // CHECK-NEXT: rel.project %[[x]] [p, i to 172] {v}
  %y = rel.project %x [p, i to 172] {v}
  func.return
}

// CHECK-LABEL: func.func @recursion
func.func @recursion() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %all = rel.recurse %x {
  ^bb0(%before: !rel.relation<[p: ?], v: f32>):
    rel.yield %before : !rel.relation<[p: ?], v: f32>
  }
  rel.insert %all into @y
  func.return
}
// CHECK:      %all = rel.recurse %x {
// CHECK-NEXT: ^bb0(%before: !rel.relation<[p: ?], v: f32>):
// CHECK-NEXT: rel.yield %before : !rel.relation<[p: ?], v: f32>
// CHECK-NEXT: }
// CHECK-NEXT: rel.insert %all into @y

// CHECK: rel.table state @kept : <[layer: 2, c: ?], v: f32> lifetime kept
rel.table state @kept : <[layer: 2, c: ?], v: f32> lifetime kept

// CHECK-LABEL: func.func @deletion
func.func @deletion() {
  %x = rel.scan @x : !rel.relation<[c: ?], v: f32>
  %rows = rel.project %x [c] {}
  rel.delete %rows from @kept
  func.return
}
// CHECK: rel.delete %rows from @kept
