// RUN: sql-opt %s --pass 'legalize-functions{missing=exp,sqrt,sin,cos}' | filecheck %s
// RUN: sql-opt %s --pass 'legalize-functions{target=sqlite missing=exp}' | filecheck %s --check-prefix ONE

// CHECK-LABEL: func.func @exp
func.func @exp() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: f64>
  %r = rel.project %t [p] {v = mul(exp(x), x)}
  rel.insert %r into @r
  func.return
}
// CHECK: %[[X:.*]] = rel.project %t [p] {x, exp0_x = greatest(least(x, 700.0), -700.0)}
// CHECK-NEXT: %[[K:.*]] = rel.project %[[X]] [p] {x, exp0_x, exp0_k = to_int(round(div(exp0_x, 2.30258{{[0-9]*}})))}
// CHECK-NEXT: %[[R:.*]] = rel.project %[[K]] [p] {x, exp0_x, exp0_k, exp0_r = sub(sub(sub(exp0_x,
// CHECK-NEXT: %[[Y:.*]] = rel.project %[[R]] {{.*}} exp0_y = mul(add(1.0, mul(exp0_r, add(1.0, mul(exp0_r, add(0.5, {{.*}}, pow10(exp0_k))}
// CHECK-NEXT: %[[V:.*]] = rel.project %[[Y]] [p] {v = mul(exp0_y, x)}
// CHECK-NEXT: rel.insert %[[V]] into @r

// CHECK-LABEL: func.func @sqrt
// ONE-LABEL: func.func @sqrt
func.func @sqrt() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: f64>
  %r = rel.project %t [p] {v = sqrt(x)}
  rel.insert %r into @r
  func.return
}
// CHECK-NOT: sqrt(
// CHECK: sqrt0_h = idiv(exponent10(sqrt0_x), 2)}
// CHECK-NEXT: sqrt0_s = mul(sqrt0_x, pow10(mul(sqrt0_h, -2)))}
// CHECK-NEXT: sqrt0_g0 = add(
// CHECK-COUNT-7: sqrt0_g{{[1-7]}} = mul(0.5, add(sqrt0_g{{[0-6]}}, div(sqrt0_s, sqrt0_g{{[0-6]}})))}
// CHECK: sqrt0_y = if(gt(sqrt0_x, 0.0), mul(sqrt0_g7, pow10(sqrt0_h)), 0.0)}
// CHECK-NEXT: rel.project %{{.*}} [p] {v = sqrt0_y}
// ONE: rel.project %t [p] {v = sqrt(x)}

// CHECK-LABEL: func.func @cos
func.func @cos() {
  %t = rel.scan @t : !rel.relation<[p: ?], x: f64>
  %r = rel.project %t [p] {v = cos(x)}
  rel.insert %r into @r
  func.return
}
// CHECK: cos0_q = mod(add(mod(cos0_n, 4), 5), 4)}
// CHECK-NEXT: cos0_square = mul(cos0_r, cos0_r)}
// CHECK: cos0_y = if(lt(cos0_q, 2), if(eq(mod(cos0_q, 2), 0), cos0_sin_r, cos0_cos_r), neg(if(eq(mod(cos0_q, 2), 0), cos0_sin_r, cos0_cos_r)))}
// CHECK-NEXT: rel.project %{{.*}} [p] {v = cos0_y}
