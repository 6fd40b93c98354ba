// RUN: sql-opt %s --tile-weights | filecheck %s
// RUN: sql-opt %s --pass 'tile-weights{chunk=4}' | filecheck %s --check-prefix FOUR

// CHECK-LABEL: func.func @contracted
// FOUR-LABEL: func.func @contracted
func.func @contracted(%x: tensor<?x172xf32>, %y: tensor<?x6xf32>) {
  %w = ten.weight @w from ["w"] : tensor<6x172xf32>
  %xw = ten.contract "pi,oi->po"(%x, %w) : (tensor<?x172xf32>, tensor<6x172xf32>) -> tensor<?x6xf32>
  %u = ten.weight @u from ["u"] : tensor<6x131xf32>
  %yu = ten.contract "pi,io->po"(%y, %u) : (tensor<?x6xf32>, tensor<6x131xf32>) -> tensor<?x131xf32>
  func.return
}
// CHECK-NEXT: %w = ten.weight @w from ["w"] layout <arrays 1 by 43> : tensor<6x172xf32>
// CHECK-NEXT: ten.contract
// CHECK-NEXT: %u = ten.weight @u from ["u"] layout <arrays 0 by 6> : tensor<6x131xf32>
// FOUR-NEXT: %w = ten.weight @w from ["w"] layout <arrays 1 by 4> : tensor<6x172xf32>
// FOUR-NEXT: ten.contract
// FOUR-NEXT: %u = ten.weight @u from ["u"] layout <arrays 0 by 3> : tensor<6x131xf32>

// A table of embeddings is cut where it is also the output layer.
// CHECK-LABEL: func.func @tied
func.func @tied(%ids: tensor<?xi32>) {
  %w = ten.weight @w from ["w"] : tensor<9x128xf32>
  %x = ten.gather "ti,p->pi" %w, %ids : tensor<9x128xf32>, tensor<?xi32> -> tensor<?x128xf32>
  %y = ten.contract "pi,ti->pt"(%x, %w) : (tensor<?x128xf32>, tensor<9x128xf32>) -> tensor<?x9xf32>
  func.return
}
// CHECK-NEXT: ten.weight @w from ["w"] layout <arrays 1 by 64> : tensor<9x128xf32>

// CHECK-LABEL: func.func @left_alone
func.func @left_alone(%x: tensor<?x8xf32>, %ids: tensor<?xi32>) {
  %gain = ten.weight @gain from ["gain"] : tensor<8xf32>
  %a = ten.contract "pi,i->p"(%x, %gain) : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?xf32>
  %table = ten.weight @table from ["table"] : tensor<9x8xf32>
  %b = ten.gather "ti,p->pi" %table, %ids : tensor<9x8xf32>, tensor<?xi32> -> tensor<?x8xf32>
  %tiled = ten.weight @tiled from ["tiled"] layout <columns 1 by 2> : tensor<9x8xf32>
  %c = ten.contract "pi,oi->po"(%x, %tiled) : (tensor<?x8xf32>, tensor<9x8xf32>) -> tensor<?x9xf32>
  %outer = ten.weight @outer from ["outer"] : tensor<9x8xf32>
  %d = ten.contract "pi,oi->poi"(%x, %outer) : (tensor<?x8xf32>, tensor<9x8xf32>) -> tensor<?x9x8xf32>
  func.return
}
// CHECK-NEXT: ten.weight @gain from ["gain"] : tensor<8xf32>
// CHECK-NEXT: ten.contract
// CHECK-NEXT: ten.weight @table from ["table"] : tensor<9x8xf32>
// CHECK-NEXT: ten.gather
// CHECK-NEXT: ten.weight @tiled from ["tiled"] layout <columns 1 by 2> : tensor<9x8xf32>
// CHECK-NEXT: ten.contract
// CHECK-NEXT: ten.weight @outer from ["outer"] : tensor<9x8xf32>
