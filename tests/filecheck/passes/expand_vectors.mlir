// RUN: sql-opt %s --expand-vectors | filecheck %s
// RUN: sed 's/columns 1/arrays 1/' %s | sql-opt --expand-vectors | filecheck %s --check-prefix ARRAYS
// RUN: sed 's/columns 1 by 3/pivoted 1 by 4 in 2/; s/vector<3x/vector<4x/; s/, 3)/, 4)/' %s | sql-opt --expand-vectors | filecheck %s --check-prefix PIVOTED

// CHECK:      rel.table weight @w : <[o: 5, i: 2], v_0: f32, v_1: f32, v_2: f32>
// CHECK-NEXT: rel.table input @x : <[p: ?, i: 6], v: f32>
// ARRAYS: rel.table weight @w : <[o: 5, i: 2], v: vector<3xf32>>
rel.table weight @w : <[o: 5, i: 2], v: vector<3xf32>> from ["w"] layout <columns 1 by 3>
rel.table input @x : <[p: ?, i: 6], v: f32>

// CHECK-LABEL: func.func @dot
func.func @dot() {
  %w = rel.scan @w : !rel.relation<[o: 5, i: 2], v: vector<3xf32>>
  %m = rel.project %w [o, i] {x1 = v}
  %x = rel.scan @x : !rel.relation<[p: ?, i: 6], v: f32>
  %s = rel.project %x [p, i = idiv(i, 3) to 2, slot = mod(i, 3) to 3] {v}
  %a = rel.aggregate %s by [p, i] {x0 = pack(v, slot, 3)}
  %j = rel.join %a, %m on [i]
  %y = rel.aggregate total %j by [p, o] {v = sum(dot(x0, x1))}
  rel.insert %y into @y
  func.return
}
// CHECK-NEXT: %w = rel.scan @w : !rel.relation<[o: 5, i: 2], v_0: f32, v_1: f32, v_2: f32>
// CHECK-NEXT: %[[W:.*]] = rel.project %w [o, i] {x1_0 = v_0, x1_1 = v_1, x1_2 = v_2}
// CHECK-NEXT: %x = rel.scan @x : !rel.relation<[p: ?, i: 6], v: f32>
// CHECK-NEXT: %[[S:.*]] = rel.project %x [p, i = idiv(i, 3) to 2, slot = mod(i, 3) to 3] {v}
// CHECK-NEXT: %[[A:.*]] = rel.aggregate %[[S]] by [p, i] {x0_0 = sum(if(eq(slot, 0), v, 0.0)), x0_1 = sum(if(eq(slot, 1), v, 0.0)), x0_2 = sum(if(eq(slot, 2), v, 0.0))}
// CHECK-NEXT: %[[J:.*]] = rel.join %[[A]], %[[W]] on [i]
// CHECK-NEXT: rel.aggregate total %[[J]] by [p, o] {v = sum(add(mul(x0_0, x1_0), add(mul(x0_1, x1_1), mul(x0_2, x1_2))))}
// ARRAYS: rel.aggregate %{{.*}} by [p, i] {x0 = pack(v, slot, 3)}
// ARRAYS: {v = sum(dot(x0, x1))}

// CHECK-LABEL: func.func @element
func.func @element() {
  %w = rel.scan @w : !rel.relation<[o: 5, i: 2], v: vector<3xf32>>
  %slot = rel.range slot to 3
  %j = rel.join %w, %slot on []
  %k = rel.select %j where lt(add(mul(i, 3), slot), 5)
  %e = rel.project %k [o, i = add(mul(i, 3), slot) to 5] {v = element(v, slot)}
  rel.insert %e into @e
  func.return
}
// CHECK: rel.select %{{.*}} where lt(add(mul(i, 3), slot), 5)
// CHECK-NEXT: rel.project %{{.*}} [o, i = add(mul(i, 3), slot) to 5] {v = if(lt(slot, 1), v_0, if(lt(slot, 2), v_1, v_2))}
// ARRAYS: {v = element(v, slot)}

// A whole vector is packed, and cut once.
// PIVOTED:      rel.table weight @w : <[o: 5, i: 2], v_0: vector<2xf32>, v_1: vector<2xf32>> {{.*}} layout <pivoted 1 by 4 in 2>
// PIVOTED-LABEL: func.func @dot
// PIVOTED:      rel.project %w [o, i] {x1_0 = v_0, x1_1 = v_1}
// PIVOTED:      %[[P:.*]] = rel.aggregate %{{.*}} by [p, i] {x0 = pack(v, slot, 4)}
// PIVOTED-NEXT: rel.project %[[P]] [p, i] {x0_0 = slice(x0, 0, 2), x0_1 = slice(x0, 2, 2)}
// PIVOTED:      {v = sum(add(to_float(dot(x0_0, x1_0)), to_float(dot(x0_1, x1_1))))}
// PIVOTED-LABEL: func.func @element
// PIVOTED:      {v = if(lt(slot, 2), element(v_0, mod(slot, 2)), element(v_1, mod(slot, 2)))}
