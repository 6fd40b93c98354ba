// RUN: ROUNDTRIP
// RUN: sql-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC
// RUN: sql-opt %s --print-op-generic | sql-opt | filecheck %s

// What the custom syntax leaves out: the attributes that schemas, keys and expressions are.
rel.table state @cache : <[layer: 2, c: ?], v: f32>
func.func @attributes() {
  rel.for layer to 2 {
    %x = rel.scan @cache : !rel.relation<[layer: 2, c: ?], v: f32>
    %y = rel.select %x where eq(layer, ?layer)
    %z = rel.aggregate %y by [c] {v = sum(mul(v, 2.0))}
    %k = rel.project %z [layer = ?layer to 2, c] {v}
    rel.insert %k into @cache
    rel.yield
  }
  func.return
}
// CHECK: rel.table state @cache : <[layer: 2, c: ?], v: f32>
// CHECK: rel.select %x where eq(layer, ?layer)
// CHECK: rel.aggregate %y by [c] {v = sum(mul(v, 2.0))}
// CHECK: rel.project %z [layer = ?layer to 2, c] {v}
// GENERIC: kind = #rel<table_kind state>
// GENERIC: condition = #rel.call<"eq", [#rel.ref<"layer">, #rel.parameter<"layer", #builtin.int<0>>]>
// GENERIC: #rel.assignment<"v", #rel.call<"sum", [#rel.call<"mul", [#rel.ref<"v">, #rel.literal<2.0>]>]>, #builtin.int<-9223372036854775808>>
// GENERIC: #rel.assignment<"layer", #rel.parameter<"layer", #builtin.int<0>>, #builtin.int<2>>
