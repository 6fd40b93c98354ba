// RUN: VERIFY

func.func @a_column_twice() {
  %x = rel.scan @x : !rel.relation<[p: ?], p: f32>
  func.return
}
// CHECK: duplicate column in p, p

// -----

func.func @operand_before_its_definition() {
  %y = rel.select %x where eq(p, 0)
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  func.return
}
// CHECK: %x is not defined

// -----

func.func @unknown_table_kind() {
  rel.table temporary @x : <[p: ?], v: f32>
  func.return
}
// CHECK: Expected `weight`, `state`, `input`, `scratch`, or `output`

// -----

func.func @values_that_do_not_fill_the_keys() {
  %x = rel.values [1.0, 2.0] : !rel.relation<[i: 3], v: f64>
  func.return
}
// CHECK: 3 rows need as many values, not 2

// -----

func.func @unknown_column() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.select %x where eq(q, 0)
  func.return
}
// CHECK: no column 'q' among p, v

// -----

func.func @unknown_function() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.select %x where odd(p)
  func.return
}
// CHECK: unknown function 'odd'

// -----

func.func @too_few_arguments() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.select %x where eq(p)
  func.return
}
// CHECK: eq takes 2 arguments, not 1

// -----

func.func @arithmetic_on_booleans() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.select %x where add(eq(p, 0), eq(p, 1))
  func.return
}
// CHECK: arithmetic needs numbers, not i1, i1

// -----

func.func @dot_of_numbers() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.project %x [p] {v = dot(v, v)}
  func.return
}
// CHECK: dot needs two vectors of one type, not f32 and f32

// -----

func.func @halves_of_halves() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: vector<4xf16>>
  %y = rel.project %x [p] {v = unit_half(v)}
  func.return
}
// CHECK: unit_half needs a vector of f32, not vector<4xf16>

// -----

func.func @norm_of_a_number() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.project %x [p] {v = norm(v)}
  func.return
}
// CHECK: norm needs a vector of f32, not f32

// -----

func.func @element_of_a_number() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.project %x [p] {v = element(v, 0)}
  func.return
}
// CHECK: element needs a vector, not f32

// -----

func.func @vector_of_unknown_size() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.aggregate %x by [] {v = pack(v, p, p)}
  func.return
}
// CHECK: pack needs a literal size

// -----

func.func @minus_a_column() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.project %x [p] {v = -v}
  func.return
}
// CHECK: expected a number

// -----

func.func @a_value_in_two_inputs() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.scan @y : !rel.relation<[p: ?], v: f32>
  %z = rel.join %x, %y on [p]
  func.return
}
// CHECK: column v is in several inputs and no key in each

// -----

func.func @a_value_that_is_a_key() {
  %x = rel.scan @x : !rel.relation<[p: ?], q: i32>
  %y = rel.scan @y : !rel.relation<[p: ?, q: ?], v: f32>
  %z = "rel.join"(%x, %y) <{on = ["p"]}> : (!rel.relation<[p: ?], q: i32>, !rel.relation<[p: ?, q: ?], v: f32>) -> !rel.relation<[p: ?, q: ?], v: f32>
  func.return
}
// CHECK: column q is in several inputs and no key in each

// -----

func.func @join_on_something_else() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.scan @y : !rel.relation<[p: ?], w: f32>
  %z = rel.join %x, %y on []
  func.return
}
// CHECK: the inputs share p

// -----

func.func @join_on_nothing() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.scan @y : !rel.relation<[q: ?], w: f32>
  %z = rel.join %x, %y on [p]
  func.return
}
// CHECK: the inputs share no key

// -----

func.func @group_by_a_value() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.aggregate %x by [v] {n = count(p)}
  func.return
}
// CHECK: no key 'v' to group by

// -----

func.func @order_by_nothing() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.window %x per [] by [desc w] {rank = row_number()}
  func.return
}
// CHECK: no column 'w' to order or partition by

// -----

func.func @other_block_arguments() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.for step to 2 carrying (%x) {
  ^bb0(%a: !rel.relation<[q: ?], v: f32>):
    rel.yield %a : !rel.relation<[q: ?], v: f32>
  }
  func.return
}
// CHECK: the block's arguments differ from the relations carried

// -----

func.func @loop_without_a_yield() {
  rel.for step to 2 {
    "test.termop"() : () -> ()
  }
  func.return
}
// CHECK: the loop must yield what it carries

// -----

func.func @loop_that_yields_something_else() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.for step to 2 carrying (%x) {
  ^bb0(%a: !rel.relation<[p: ?], v: f32>):
    rel.yield
  }
  func.return
}
// CHECK: the loop must yield what it carries

// -----

func.func @yield_outside() {
  rel.yield
}
// CHECK: 'rel.yield' expects parent op to be one of 'rel.for', 'rel.recurse'

// -----

func.func @union_of_other_columns() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.scan @y : !rel.relation<[p: ?], w: f32>
  %z = rel.union %x, %y : (!rel.relation<[p: ?], v: f32>, !rel.relation<[p: ?], w: f32>) -> !rel.relation<[p: ?], v: f32>
  func.return
}
// CHECK: the union has columns p, v, not !rel.relation<[p: ?], w: f32>

// -----

func.func @union_in_another_order() {
  %x = rel.scan @x : !rel.relation<[p: ?, i: 4], v: f32>
  %y = rel.union %x : (!rel.relation<[p: ?, i: 4], v: f32>) -> !rel.relation<[i: 4, p: ?], v: f32>
  func.return
}
// CHECK: the union has columns i, p, v, not !rel.relation<[p: ?, i: 4], v: f32>

// -----

func.func @quotient_of_integers() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: i64>
  %y = rel.project %x [p] {v = divide(v, 2)}
  func.return
}
// CHECK: div needs a float: use idiv, or to_float

// -----

func.func @recursion_over_other_columns() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.recurse %x {
  ^bb0(%a: !rel.relation<[q: ?], v: f32>):
    rel.yield %a : !rel.relation<[q: ?], v: f32>
  }
  func.return
}
// CHECK: the body must take a relation with the columns of the first

// -----

func.func @recursion_that_yields_something_else() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  %y = rel.recurse %x {
  ^bb0(%a: !rel.relation<[p: ?], v: f32>):
    rel.yield
  }
  func.return
}
// CHECK: the body must yield a relation with the columns of the first

// -----

func.func @deletion_by_values() {
  %x = rel.scan @x : !rel.relation<[p: ?], v: f32>
  rel.delete %x from @y
  func.return
}
// CHECK: what is deleted is named by keys alone
