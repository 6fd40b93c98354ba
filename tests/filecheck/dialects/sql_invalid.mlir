// RUN: sql-opt %s --split-input-file --verify-diagnostics --parsing-diagnostics | filecheck %s

%x = sql.values [1, 2, 3] : !rel.relation<[i: 2], v: f64>
// CHECK: the literals do not fill their rows

// -----
%x = sql.values [1] : !rel.relation<[]>
// CHECK: the literals do not fill their rows

// -----
%x = sql.values [a] : !rel.relation<[], v: f64>
// CHECK: #rel.ref<"a"> should be of base attribute rel.literal

// -----
%x = sql.table @x : f32
// CHECK: f32 should be of base attribute rel.relation

// -----
%x = sql.table @x : !rel.relation<[i: 2], i: f32>
// CHECK: duplicate column in i, i

// -----
sql.create_table foreign @x : <[i: 2], v: f32>
// CHECK: Expected `weight`, `state`, `input`, `scratch`, or `output`

// -----
sql.create_table weight @x : <[i: 2], v: f32> layout <arrays 1 by 0>
// CHECK: a chunk has at least one element, of an axis from 0

// -----
sql.create_table weight @x : <[i: 2], v: f32> layout <tiles 1 by 2>
// CHECK: Expected `rows`, `arrays`, `columns`, `pivoted`, `halves`, `lanes`, or `doubles`

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, v = mul(a.v, a.v)} from %x as a, %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: each source needs an alias of its own

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, v = b.v} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: no column 'b.v' among a.i, a.v

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i} from %x as a where [eq(a.j, 0)] : !rel.relation<[i: 2]>
// CHECK: no column 'a.j' among a.i, a.v

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i} from %x as a group [a.j] : !rel.relation<[i: 2]>
// CHECK: no column 'a.j' among a.i, a.v

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, n = row_number()} from %x as a per [a.j] by [a.v] : !rel.relation<[i: 2], n: i64>
// CHECK: no column 'a.j' among a.i, a.v

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, n = row_number()} from %x as a per [a.i] by [desc a.w] : !rel.relation<[i: 2], n: i64>
// CHECK: no column 'a.w' among a.i, a.v

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = "sql.select"(%x) <{aliases = ["a"], columns = [], where = [], group = [], partition = [], order = [#rel.ref<"a.v">], descending = []}> : (!rel.relation<[i: 2], v: f32>) -> !rel.relation<[]>
// CHECK: each expression of the order either descends or does not

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {v = a.v, i = a.i} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: the query has columns v, i, its type says !rel.relation<[i: 2], v: f32>

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i} from %x as a : f32
// CHECK: a query is a relation

// -----
%y = sql.select {i = a.i} from %x as a : !rel.relation<[i: 2]>
// CHECK: %x is not defined

// -----
sql.insert %x into @x
// CHECK: %x is not defined

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, v = median(a.v)} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: unknown function 'median'

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, v = mul(a.v)} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: mul takes 2 arguments, not 1

// -----
%x = sql.table @x : !rel.relation<[i: 2], b: i1>
%y = sql.select {i = a.i, v = add(a.b, a.b)} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: arithmetic needs numbers, not i1, i1

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {i = a.i, v = element(a.v, 0)} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: element needs a vector, not f32

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: vector<2xf32>, w: vector<3xf32>>
%y = sql.select {i = a.i, v = dot(a.v, a.w)} from %x as a : !rel.relation<[i: 2], v: f32>
// CHECK: dot needs two vectors of one type, not vector<2xf32> and vector<3xf32>

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.select {v = pack(a.v, a.i, a.i)} from %x as a : !rel.relation<[], v: vector<2xf32>>
// CHECK: pack needs a literal size

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = "sql.select"(%x) <{aliases = ["a"], columns = [], where = ["not an expression"], group = [], partition = [], order = [], descending = []}> : (!rel.relation<[i: 2], v: f32>) -> !rel.relation<[]>
// CHECK: not an expression: "not an expression"

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.table @y : !rel.relation<[i: 2]>
%z = sql.union %x, %y : (!rel.relation<[i: 2], v: f32>, !rel.relation<[i: 2]>) -> !rel.relation<[i: 4], v: f32>
// CHECK: the union has columns i, v, not !rel.relation<[i: 2]>

// -----
%x = sql.table @x : !rel.relation<[i: 2], b: i1>
%y = sql.select {i = a.i, n = is_nan(a.b, a.b)} from %x as a : !rel.relation<[i: 2], n: i1>
// CHECK: is_nan takes 1 arguments, not 2

// -----
%x = sql.table @x : !rel.relation<[i: 2], b: i1>
%y = sql.select {i = a.i, n = bit_or(a.b, a.b)} from %x as a : !rel.relation<[i: 2], n: i64>
// CHECK: arithmetic needs numbers, not i1, i1

// -----
%x = sql.table @x : !rel.relation<[i: 2], v: f32>
%y = sql.recurse %x {
^bb0(%a: !rel.relation<[j: 2], v: f32>):
  sql.yield %a : !rel.relation<[j: 2], v: f32>
}
// CHECK: the body must take a relation with the columns of the first

// -----
%x = sql.table @x : !rel.relation<[p: ?], v: f32>
sql.delete @y where %x
// CHECK: what is deleted is named by keys alone
