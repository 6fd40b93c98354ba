// RUN: ROUNDTRIP
// RUN: sql-opt %s --print-op-generic | filecheck %s --check-prefix GENERIC

func.func @operators(%x: tensor<?x4xf32>, %s: tensor<?xf32>, %ids: tensor<?xi32>, %flags: tensor<?xi1>, %layer: index, %e: tensor<3x4xf64>, %q: tensor<3x4xf64, #ten.sparse>, %places: tensor<3xi64>, %some: tensor<3xi1, #ten.sparse>) {
// CHECK-LABEL: func.func @operators
// GENERIC-LABEL: "func.func"() <{sym_name = "operators"
// GENERIC-NEXT: ^bb0(%x: tensor<?x4xf32>, %s: tensor<?xf32>, %ids: tensor<?xi32>, %flags: tensor<?xi1>, %layer: index, %e: tensor<3x4xf64>, %q: tensor<3x4xf64, #ten.sparse>, %places: tensor<3xi64>, %some: tensor<3xi1, #ten.sparse>):
  %i = ten.input @batch ["p"] "token" : tensor<?xi32>
  // CHECK-NEXT: %i = ten.input @batch ["p"] "token" : tensor<?xi32>
  // GENERIC-NEXT: %i = "ten.input"() <{table = @batch, keys = ["p"], column = "token"}> : () -> tensor<?xi32>
  %j = ten.input kept @visibility ["stream", "source"] "until" : tensor<?x?xi32, #ten.sparse>
  // CHECK-NEXT: %j = ten.input kept @visibility ["stream", "source"] "until" : tensor<?x?xi32, #ten.sparse>
  // GENERIC-NEXT: %j = "ten.input"() <{kept, table = @visibility, keys = ["stream", "source"], column = "until"}> : () -> tensor<?x?xi32, #ten.sparse>
  %w = ten.weight @norm from ["norm.weight"] : tensor<4xf32>
  // CHECK-NEXT: %w = ten.weight @norm from ["norm.weight"] : tensor<4xf32>
  // GENERIC-NEXT: %w = "ten.weight"() <{symbol = @norm, sources = ["norm.weight"]}> : () -> tensor<4xf32>
  %v = ten.weight @gate_up from ["layers.{}.gate", "layers.{}.up"] at %layer of 3 : i64 layout <arrays 1 by 2> : tensor<6x4xf32>
  // CHECK-NEXT: %v = ten.weight @gate_up from ["layers.{}.gate", "layers.{}.up"] at %layer of 3 : i64 layout <arrays 1 by 2> : tensor<6x4xf32>
  // GENERIC-NEXT: %v = "ten.weight"(%layer) <{symbol = @gate_up, sources = ["layers.{}.gate", "layers.{}.up"], layers = 3 : i64, layout = #rel.layout<arrays 1 by 2>}> : (index) -> tensor<6x4xf32>
  %made = ten.weight @q from ["q.{}"] times "norm.{}" with {"norm.{}" = #ten.transform<"norm.{}" plus one>, "q.{}" = #ten.transform<"qkv.{}" rows 0 to 6 of 12>} at %layer of 3 : i64 layout <arrays 1 by 2> : tensor<6x4xf32>
  // CHECK-NEXT: %made = ten.weight @q from ["q.{}"] times "norm.{}" with {"norm.{}" = #ten.transform<"norm.{}" plus one>, "q.{}" = #ten.transform<"qkv.{}" rows 0 to 6 of 12>} at %layer of 3 : i64 layout <arrays 1 by 2> : tensor<6x4xf32>
  // GENERIC-NEXT: %made = "ten.weight"(%layer) <{symbol = @q, sources = ["q.{}"], gain = "norm.{}", transforms = {"norm.{}" = #ten.transform<"norm.{}" plus one>, "q.{}" = #ten.transform<"qkv.{}" rows 0 to 6 of 12>}, layers = 3 : i64, layout = #rel.layout<arrays 1 by 2>}> : (index) -> tensor<6x4xf32>
  %u = ten.weight @down from ["down"] layout <columns 0 by 4> : tensor<8x4xf32>
  // CHECK-NEXT: %u = ten.weight @down from ["down"] layout <columns 0 by 4> : tensor<8x4xf32>
  // GENERIC-NEXT: %u = "ten.weight"() <{symbol = @down, sources = ["down"], layout = #rel.layout<columns 0 by 4>}> : () -> tensor<8x4xf32>
  %pivoted = ten.weight @pivoted from ["pivoted"] layout <pivoted 1 by 4 in 2> : tensor<8x4xf32>
  // CHECK-NEXT: %pivoted = ten.weight @pivoted from ["pivoted"] layout <pivoted 1 by 4 in 2> : tensor<8x4xf32>
  // GENERIC-NEXT: %pivoted = "ten.weight"() <{symbol = @pivoted, sources = ["pivoted"], layout = #rel.layout<pivoted 1 by 4 in 2>}> : () -> tensor<8x4xf32>
  %pairs = ten.weight @q_k from ["q", "k"] layout <arrays 3 by 4 parts 2 of 1> : tensor<3x2x2x4xf32>
  // CHECK-NEXT: %pairs = ten.weight @q_k from ["q", "k"] layout <arrays 3 by 4 parts 2 of 1> : tensor<3x2x2x4xf32>
  // GENERIC-NEXT: %pairs = "ten.weight"() <{symbol = @q_k, sources = ["q", "k"], layout = #rel.layout<arrays 3 by 4 parts 2 of 1>}> : () -> tensor<3x2x2x4xf32>
  %t = ten.weight @table from ["table"] layout <rows> : tensor<8x4xf32>
  // CHECK-NEXT: %t = ten.weight @table from ["table"] layout <rows> : tensor<8x4xf32>
  // GENERIC-NEXT: %t = "ten.weight"() <{symbol = @table, sources = ["table"], layout = #rel.layout<rows>}> : () -> tensor<8x4xf32>
  %c = ten.constant dense<[0.5, -1.0]> : tensor<2xf64> : tensor<2xf64>
  // CHECK-NEXT: %c = ten.constant dense<[5.000000e-01, -1.000000e+00]> : tensor<2xf64> : tensor<2xf64>
  // GENERIC-NEXT: %c = "ten.constant"() <{value = dense<[5.000000e-01, -1.000000e+00]> : tensor<2xf64>}> : () -> tensor<2xf64>
  %m = ten.map "pi,p->pi" (%x, %s) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32> {
  // CHECK-NEXT: %m = ten.map "pi,p->pi"(%x, %s) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32> {
  // GENERIC-NEXT: %m = "ten.map"(%x, %s) <{indices = "pi,p->pi"}> ({
  ^bb0(%a: f32, %b: f32):
  // CHECK-NEXT: ^bb0(%a: f32, %b: f32):
  // GENERIC-NEXT: ^bb0(%a: f32, %b: f32):
    %d = arith.mulf %a, %b : f32
    // CHECK-NEXT: %d = arith.mulf %a, %b : f32
    // GENERIC-NEXT: %d = "arith.mulf"(%a, %b) <{fastmath = #arith.fastmath<none>}> : (f32, f32) -> f32
    ten.yield %d : f32
    // CHECK-NEXT: ten.yield %d : f32
    // GENERIC-NEXT: "ten.yield"(%d) : (f32) -> ()
  }
  // CHECK-NEXT: }
  // GENERIC-NEXT: }) : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32>
  %sum = ten.reduce sum "pi->p" %x : tensor<?x4xf32> -> tensor<?xf32>
  // CHECK-NEXT: %sum = ten.reduce sum "pi->p" %x : tensor<?x4xf32> -> tensor<?xf32>
  // GENERIC-NEXT: %sum = "ten.reduce"(%x) <{kind = #ten<reduction sum>, indices = "pi->p"}> : (tensor<?x4xf32>) -> tensor<?xf32>
  %max = ten.reduce max "pi->i" %x : tensor<?x4xf32> -> tensor<4xf32>
  // CHECK-NEXT: %max = ten.reduce max "pi->i" %x : tensor<?x4xf32> -> tensor<4xf32>
  // GENERIC-NEXT: %max = "ten.reduce"(%x) <{kind = #ten<reduction max>, indices = "pi->i"}> : (tensor<?x4xf32>) -> tensor<4xf32>
  %min = ten.reduce min "pi->" %x : tensor<?x4xf32> -> tensor<f32>
  // CHECK-NEXT: %min = ten.reduce min "pi->" %x : tensor<?x4xf32> -> tensor<f32>
  // GENERIC-NEXT: %min = "ten.reduce"(%x) <{kind = #ten<reduction min>, indices = "pi->"}> : (tensor<?x4xf32>) -> tensor<f32>
  %y = ten.contract "pi,oi->po" (%x, %v) : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  // CHECK-NEXT: %y = ten.contract "pi,oi->po"(%x, %v) : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  // GENERIC-NEXT: %y = "ten.contract"(%x, %v) <{indices = "pi,oi->po"}> : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  %g = ten.gather "ti,p->pi" %u, %ids : tensor<8x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  // CHECK-NEXT: %g = ten.gather "ti,p->pi" %u, %ids : tensor<8x4xf32>, tensor<?xi32> -> tensor<?x4xf32>
  // GENERIC-NEXT: %g = "ten.gather"(%u, %ids) <{indices = "ti,p->pi"}> : (tensor<8x4xf32>, tensor<?xi32>) -> tensor<?x4xf32>
  %h = ten.reshape %x : tensor<?x4xf32> -> tensor<?x2x2xf32>
  // CHECK-NEXT: %h = ten.reshape %x : tensor<?x4xf32> -> tensor<?x2x2xf32>
  // GENERIC-NEXT: %h = "ten.reshape"(%x) : (tensor<?x4xf32>) -> tensor<?x2x2xf32>
  %k = ten.slice %x axis 1 from 1 : tensor<?x4xf32> -> tensor<?x2xf32>
  // CHECK-NEXT: %k = ten.slice %x axis 1 from 1 : tensor<?x4xf32> -> tensor<?x2xf32>
  // GENERIC-NEXT: %k = "ten.slice"(%x) <{axis = 1 : i64, offset = 1 : i64}> : (tensor<?x4xf32>) -> tensor<?x2xf32>
  %f = ten.sparsify %flags : tensor<?xi1> -> tensor<?xi1, #ten.sparse>
  // CHECK-NEXT: %f = ten.sparsify %flags : tensor<?xi1> -> tensor<?xi1, #ten.sparse>
  // GENERIC-NEXT: %f = "ten.sparsify"(%flags) : (tensor<?xi1>) -> tensor<?xi1, #ten.sparse>
  %iota = ten.iota : tensor<5xi64>
  // CHECK-NEXT: %iota = ten.iota : tensor<5xi64>
  // GENERIC-NEXT: %iota = "ten.iota"() : () -> tensor<5xi64>
  %put = ten.scatter "ij,i->rj" %e, %places : tensor<3x4xf64>, tensor<3xi64> -> tensor<5x4xf64, #ten.sparse>
  // CHECK-NEXT: %put = ten.scatter "ij,i->rj" %e, %places : tensor<3x4xf64>, tensor<3xi64> -> tensor<5x4xf64, #ten.sparse>
  // GENERIC-NEXT: %put = "ten.scatter"(%e, %places) <{indices = "ij,i->rj"}> : (tensor<3x4xf64>, tensor<3xi64>) -> tensor<5x4xf64, #ten.sparse>
  %added = ten.scatter "ij,i->rj" %e, %places by sum : tensor<3x4xf64>, tensor<3xi64> -> tensor<5x4xf64, #ten.sparse>
  // CHECK-NEXT: %added = ten.scatter "ij,i->rj" %e, %places by sum : tensor<3x4xf64>, tensor<3xi64> -> tensor<5x4xf64, #ten.sparse>
  // GENERIC-NEXT: %added = "ten.scatter"(%e, %places) <{indices = "ij,i->rj", kind = #ten<reduction sum>}> : (tensor<3x4xf64>, tensor<3xi64>) -> tensor<5x4xf64, #ten.sparse>
  %highest = ten.scatter "ij,i->jr" %e, %places by max : tensor<3x4xf64>, tensor<3xi64> -> tensor<4x5xf64>
  // CHECK-NEXT: %highest = ten.scatter "ij,i->jr" %e, %places by max : tensor<3x4xf64>, tensor<3xi64> -> tensor<4x5xf64>
  // GENERIC-NEXT: %highest = "ten.scatter"(%e, %places) <{indices = "ij,i->jr", kind = #ten<reduction max>}> : (tensor<3x4xf64>, tensor<3xi64>) -> tensor<4x5xf64>
  %both = ten.concat %e, %q axis 0 : (tensor<3x4xf64>, tensor<3x4xf64, #ten.sparse>) -> tensor<6x4xf64, #ten.sparse>
  // CHECK-NEXT: %both = ten.concat %e, %q axis 0 : (tensor<3x4xf64>, tensor<3x4xf64, #ten.sparse>) -> tensor<6x4xf64, #ten.sparse>
  // GENERIC-NEXT: %both = "ten.concat"(%e, %q) <{axis = 0 : i64}> : (tensor<3x4xf64>, tensor<3x4xf64, #ten.sparse>) -> tensor<6x4xf64, #ten.sparse>
  %wide = ten.concat %x, %x, %x axis 1 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x12xf32>
  // CHECK-NEXT: %wide = ten.concat %x, %x, %x axis 1 : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x12xf32>
  // GENERIC-NEXT: %wide = "ten.concat"(%x, %x, %x) <{axis = 1 : i64}> : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x12xf32>
  %filled = ten.fill %q with -5.000000e-01 : f64 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xf64>
  // CHECK-NEXT: %filled = ten.fill %q with -5.000000e-01 : f64 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xf64>
  // GENERIC-NEXT: %filled = "ten.fill"(%q) <{value = -5.000000e-01 : f64}> : (tensor<3x4xf64, #ten.sparse>) -> tensor<3x4xf64>
  %raised = ten.fill %some with false : tensor<3xi1, #ten.sparse> -> tensor<3xi1>
  // CHECK-NEXT: %raised = ten.fill %some with false : tensor<3xi1, #ten.sparse> -> tensor<3xi1>
  // GENERIC-NEXT: %raised = "ten.fill"(%some) <{value = false}> : (tensor<3xi1, #ten.sparse>) -> tensor<3xi1>
  %rank = ten.rank %e axis 1 : tensor<3x4xf64> -> tensor<3x4xi64>
  // CHECK-NEXT: %rank = ten.rank %e axis 1 : tensor<3x4xf64> -> tensor<3x4xi64>
  // GENERIC-NEXT: %rank = "ten.rank"(%e) <{axis = 1 : i64}> : (tensor<3x4xf64>) -> tensor<3x4xi64>
  %last = ten.rank descending %q axis 0 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xi64, #ten.sparse>
  // CHECK-NEXT: %last = ten.rank descending %q axis 0 : tensor<3x4xf64, #ten.sparse> -> tensor<3x4xi64, #ten.sparse>
  // GENERIC-NEXT: %last = "ten.rank"(%q) <{descending, axis = 0 : i64}> : (tensor<3x4xf64, #ten.sparse>) -> tensor<3x4xi64, #ten.sparse>
  %mass = ten.running_sum %x axis 1 : tensor<?x4xf32> -> tensor<?x4xf32>
  // CHECK-NEXT: %mass = ten.running_sum %x axis 1 : tensor<?x4xf32> -> tensor<?x4xf32>
  // GENERIC-NEXT: %mass = "ten.running_sum"(%x) <{axis = 1 : i64}> : (tensor<?x4xf32>) -> tensor<?x4xf32>
  ten.append %x to @cache ["c", "d"] : tensor<?x4xf32>
  // CHECK-NEXT: ten.append %x to @cache ["c", "d"] : tensor<?x4xf32>
  // GENERIC-NEXT: "ten.append"(%x) <{state = @cache, keys = ["c", "d"]}> : (tensor<?x4xf32>) -> ()
  ten.append %x to @"cache.{}" ["c", "d"] at %layer of 3 : i64 : tensor<?x4xf32>
  // CHECK-NEXT: ten.append %x to @"cache.{}" ["c", "d"] at %layer of 3 : i64 : tensor<?x4xf32>
  // GENERIC-NEXT: "ten.append"(%x, %layer) <{state = @"cache.{}", keys = ["c", "d"], layers = 3 : i64}> : (tensor<?x4xf32>, index) -> ()
  ten.append %x to @tiled ["c", "d"] layout <columns 1 by 2> : tensor<?x4xf32>
  // CHECK-NEXT: ten.append %x to @tiled ["c", "d"] layout <columns 1 by 2> : tensor<?x4xf32>
  // GENERIC-NEXT: "ten.append"(%x) <{state = @tiled, keys = ["c", "d"], layout = #rel.layout<columns 1 by 2>}> : (tensor<?x4xf32>) -> ()
  %n = ten.read @cache ["c", "d"] : tensor<?x4xf32>
  // CHECK-NEXT: %n = ten.read @cache ["c", "d"] : tensor<?x4xf32>
  // GENERIC-NEXT: %n = "ten.read"() <{state = @cache, keys = ["c", "d"]}> : () -> tensor<?x4xf32>
  %o = ten.read @"cache.{}" ["c", "d"] at %layer of 3 : i64 : tensor<?x4xf32>
  // CHECK-NEXT: %o = ten.read @"cache.{}" ["c", "d"] at %layer of 3 : i64 : tensor<?x4xf32>
  // GENERIC-NEXT: %o = "ten.read"(%layer) <{state = @"cache.{}", keys = ["c", "d"], layers = 3 : i64}> : (index) -> tensor<?x4xf32>
  ten.output %y to @logits ["p", "t"] : tensor<?x6xf32>
  // CHECK-NEXT: ten.output %y to @logits ["p", "t"] : tensor<?x6xf32>
  // GENERIC-NEXT: "ten.output"(%y) <{table = @logits, keys = ["p", "t"]}> : (tensor<?x6xf32>) -> ()
  func.return
  // CHECK-NEXT: func.return
  // GENERIC-NEXT: "func.return"() : () -> ()
}
// GENERIC-NEXT: }) : () -> ()
