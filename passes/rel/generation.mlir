// What generation needs besides the model's own forward pass, in relational algebra.
// The tables of the model, @batch, @context and @logits, are declared by its module.

builtin.module {
  // The token chosen after each row of the batch that has logits.
  rel.table output @sampled : <[p: ?], token: i32>
  // The states of a Lehmer generator, one after the other (Park and Miller 1988; Park, Miller and
  // Stockmeyer 1993 for the multiplier).
  rel.table state @random : <[draw: ?], state: i64>

  // Put a token at a position of a stream, as row p.
  func.func @append() {
    %one = rel.range k to 1
    %row = rel.project %one [p = ?p] {token = ?token, position = ?position, stream = ?stream, emit = ?emit}
    rel.insert %row into @batch
    func.return
  }

  // The rows of the batch become context for attention.
  func.func @remember() {
    %batch = rel.scan @batch : !rel.relation<[p: ?], stream: i32, position: i32>
    %rows = rel.project %batch [c = p] {stream, position}
    rel.insert %rows into @context
    func.return
  }

  // A stream reads itself without end.
  func.func @open() {
    %one = rel.range k to 1
    %row = rel.project %one [stream = ?stream, source = ?stream] {until = 2147483647}
    rel.insert %row into @visibility
    func.return
  }

  // The most likely token, the first of equals.
  func.func @greedy() {
    %logits = rel.scan @logits : !rel.relation<sparse [p: ?, t: ?], v: f64>
    %highest = rel.aggregate %logits by [p] {top = max(v)}
    %both = rel.join %logits, %highest on [p]
    %best = rel.select %both where eq(v, top)
    %token = rel.aggregate %best by [p] {token = min(t)}
    rel.insert %token into @sampled
    func.return
  }

  // Start the generator.
  func.func @seed() {
    %one = rel.range k to 1
    %row = rel.project %one [draw = 0] {state = ?state}
    rel.insert %row into @random
    func.return
  }

  // The next state of the generator.
  func.func @draw() {
    %states = rel.scan @random : !rel.relation<[draw: ?], state: i64>
    %last = rel.select %states where eq(draw, ?draw)
    %next = rel.project %last [draw = add(draw, 1)] {state = mod(mul(state, 48271), 2147483647)}
    rel.insert %next into @random
    func.return
  }

  // Temperature, then the top k, then the fewest tokens that hold a share of at least p, then the
  // first token at which their accumulated share passes a random number.
  func.func @sample() {
    %logits = rel.scan @logits : !rel.relation<sparse [p: ?, t: ?], v: f64>
    %highest = rel.aggregate %logits by [p] {top = max(v)}
    %both = rel.join %logits, %highest on [p]
    %odds = rel.project %both [p, t] {e = exp(div(sub(v, top), ?temperature float))}
    %ranked = rel.window %odds per [p] by [desc e, t] {rank = row_number(), mass = running_sum(e)}
    %top_k = rel.select %ranked where le(rank, ?top_k)
    %total = rel.aggregate %top_k by [p] {total = sum(e)}
    %shares = rel.join %top_k, %total on [p]
    %top_p = rel.select %shares where lt(sub(mass, e), mul(total, ?top_p float))
    %kept = rel.aggregate %top_p by [p] {kept = max(mass)}
    %states = rel.scan @random : !rel.relation<[draw: ?], state: i64>
    %last = rel.select %states where eq(draw, ?draw)
    %random = rel.project %last [] {u = div(to_float(state), 2147483647.0)}
    %drawn = rel.join %top_p, %kept, %random on [p]
    %passed = rel.select %drawn where ge(mass, mul(u, kept))
    %first = rel.window %passed per [p] by [rank] {choice = row_number()}
    %chosen = rel.select %first where eq(choice, 1)
    %token = rel.project %chosen [p] {token = t}
    rel.insert %token into @sampled
    func.return
  }
}
