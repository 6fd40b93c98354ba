// RUN: sql-opt %s --tile-state | filecheck %s
// RUN: sql-opt %s --pass 'tile-state{chunk=4}' --pass 'assign-layouts{target=sqlite}' | filecheck %s --check-prefix SQLITE

// Keys are summed over their width, and cut along it; values are not, and stay in rows.
// CHECK-LABEL: func.func @attention
// SQLITE-LABEL: func.func @attention
func.func @attention(%q: tensor<?x2x8xf32>, %k: tensor<?x2x8xf32>, %v: tensor<?x2x8xf32>) {
  ten.append %k to @keys ["c", "g", "d"] : tensor<?x2x8xf32>
  ten.append %v to @values ["c", "g", "d"] : tensor<?x2x8xf32>
  %keys = ten.read @keys ["c", "g", "d"] : tensor<?x2x8xf32>
  %values = ten.read @values ["c", "g", "d"] : tensor<?x2x8xf32>
  %s = ten.contract "pgd,cgd->pgc"(%q, %keys) : (tensor<?x2x8xf32>, tensor<?x2x8xf32>) -> tensor<?x2x?xf32>
  %m = ten.contract "pgc,cgd->pgd"(%s, %values) : (tensor<?x2x?xf32>, tensor<?x2x8xf32>) -> tensor<?x2x8xf32>
  ten.output %m to @mixed ["p", "g", "d"] : tensor<?x2x8xf32>
  func.return
}
// CHECK-NEXT: ten.append %k to @keys ["c", "g", "d"] layout <arrays 2 by 8> : tensor<?x2x8xf32>
// CHECK-NEXT: ten.append %v to @values ["c", "g", "d"] : tensor<?x2x8xf32>
// CHECK-NEXT: %keys = ten.read @keys ["c", "g", "d"] layout <arrays 2 by 8> : tensor<?x2x8xf32>
// CHECK-NEXT: %values = ten.read @values ["c", "g", "d"] : tensor<?x2x8xf32>
// SQLITE-NEXT: ten.append %k to @keys ["c", "g", "d"] layout <columns 2 by 4>
// SQLITE-NEXT: ten.append %v to @values ["c", "g", "d"] layout <rows>
// SQLITE-NEXT: %keys = ten.read @keys ["c", "g", "d"] layout <columns 2 by 4>
// SQLITE-NEXT: %values = ten.read @values ["c", "g", "d"] layout <rows>

// A state that something else reads as well stays in rows, wherever it is read.
// CHECK-LABEL: func.func @shared
func.func @shared(%q: tensor<?x8xf32>) {
  %a = ten.read @state ["c", "d"] : tensor<?x8xf32>
  %s = ten.contract "pd,cd->pc"(%q, %a) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x?xf32>
  %b = ten.read @state ["c", "d"] : tensor<?x8xf32>
  ten.output %b to @copy ["c", "d"] : tensor<?x8xf32>
  ten.output %s to @scores ["p", "c"] : tensor<?x?xf32>
  func.return
}
// CHECK-NEXT: %a = ten.read @state ["c", "d"] : tensor<?x8xf32>
// CHECK:      %b = ten.read @state ["c", "d"] : tensor<?x8xf32>
