// RUN: sql-opt %s --add-layerwise | filecheck %s
// RUN: sql-opt %s --pass 'add-layerwise{target=sqlite}' | filecheck %s --check-prefix LOOPS

func.func @other() {
  func.return
}
func.func @forward() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f64>
  rel.insert %x into @y
  func.return
}

// Where the loop of @forward becomes a recursion, the same is kept as a loop; nothing else is copied.
// CHECK: func.func @other
// CHECK: func.func @forward
// CHECK: func.func @layerwise
// CHECK-NEXT: %x = rel.scan @x
// CHECK-NEXT: rel.insert %x into @y
// CHECK-NOT: func.func

// LOOPS: func.func @forward
// LOOPS-NOT: func.func @layerwise
